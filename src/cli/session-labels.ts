// Names of the labels in a taint mask.
import { assignBits, BUILT_IN_TAINTS } from "../catalog/scope-names.ts";
import { GuardError } from "../errors.ts";
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

function inverted(bits: ReadonlyMap<string, number>): LabelNames {
  return new Map([...bits].map(([name, bit]) => [bit, name]));
}
