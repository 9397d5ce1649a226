// Names of the labels in a taint mask.
import { assignBits, BUILT_IN_TAINTS } from "../catalog/scope-names.ts";
import { GuardError } from "../errors.ts";
import {
  BUILT_IN_TAINT_MASK,
  LABEL_ROW_MASK,
  labelRow,
  operatorLabels,
} from "../guard/label-rows.ts";
import type { SessionTaint } from "../store/records.ts";
import type { Home } from "./home.ts";
import { openHome } from "./trust-files.ts";

/** Bit -> name. */
export type LabelNames = ReadonlyMap<number, string>;

/**
 * The labels of the home's catalog; of a catalog that does not verify only the built-in ones are
 * known, and the others are told by their bit.
 */
export async function labelNames(home: Home): Promise<LabelNames> {
  try {
    const { catalog } = await openHome(home, { remembers: false });
    return inverted(catalog.catalog.taintBits);
  } catch (fault) {
    if (!(fault instanceof GuardError)) throw fault;
    return inverted(assignBits(BUILT_IN_TAINTS, []));
  }
}

/** Names of the labels of `mask`, lowest bit first. */
export function labelsOf(names: LabelNames, mask: number): readonly string[] {
  const bits = Array.from({ length: 32 }, (_, bit) => bit);
  return bits
    .filter((bit) => ((mask >>> bit) & 1) === 1)
    .map((bit) => names.get(bit) ?? `bit ${bit}`);
}

/**
 * The sessions of a store with the operator's labels in the masks, as `names` numbers them. The rows
 * that hold those labels are no sessions and are left out.
 */
export function sessionsWithLabels(
  rows: readonly SessionTaint[],
  names: LabelNames,
): readonly SessionTaint[] {
  const byHash = new Map(rows.map((row) => [row.sessionHash, row]));
  const labels = operatorLabels(new Map([...names].map(([bit, name]) => [name, bit])));
  const ownOf = ({ sessionHash, own }: SessionTaint): number =>
    labels.reduce(
      (mask, { name, bit }) => (byHash.has(labelRow(sessionHash, name)) ? mask | (1 << bit) : mask),
      own & BUILT_IN_TAINT_MASK,
    );
  const taintOf = (row: SessionTaint): number => {
    const above = row.parent === null ? undefined : byHash.get(row.parent);
    return ownOf(row) | (above === undefined ? 0 : taintOf(above));
  };
  return rows
    .filter(({ own }) => own !== LABEL_ROW_MASK)
    .map((row) => ({ ...row, own: ownOf(row) >>> 0, taint: taintOf(row) >>> 0 }));
}

/** The rows of a store that a reset of `session` clears: its own, and those of its labels. */
export function rowsOfSession(session: string, names: LabelNames): readonly string[] {
  const labels = operatorLabels(new Map([...names].map(([bit, name]) => [name, bit])));
  return [session, ...labels.map(({ name }) => labelRow(session, name))];
}

function inverted(bits: ReadonlyMap<string, number>): LabelNames {
  return new Map([...bits].map(([name, bit]) => [bit, name]));
}
