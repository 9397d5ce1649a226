// Where a store keeps the operator's taint labels: by name, since their bits move when a catalog
// adds a label, and a session outlives its catalog (40-gateway section 7).
import { utf8 } from "../bytes.ts";
import { BUILT_IN_TAINTS } from "../catalog/scope-names.ts";
import { framedDigest } from "../kernel/framed.ts";

/** Labels whose bits never move. */
export const BUILT_IN_TAINT_MASK: number = (1 << BUILT_IN_TAINTS.length) - 1;
/** What the row of an operator's label holds; no session has it. */
export const LABEL_ROW_MASK = 0x80000000;
/** In the row of a session: rows of its labels may be there. */
export const HAS_LABELS_MASK = 0x40000000;
/** Digests that are kept; what was dropped is computed again. */
const ROWS_KEPT_MAX = 8192;

/** One label of the operator: its bit in this catalog's masks. */
export interface OperatorLabel {
  readonly name: string;
  readonly bit: number;
}

/** The operator's labels of a catalog. */
export function operatorLabels(taintBits: ReadonlyMap<string, number>): readonly OperatorLabel[] {
  return [...taintBits]
    .filter(([, bit]) => bit >= BUILT_IN_TAINTS.length)
    .map(([name, bit]) => ({ name, bit }));
}

/**
 * The row that says whether a session carries a label: a session hash of its own.
 *
 * @param sessionHash 64 lower-case hex digits
 */
export function labelRow(sessionHash: string, label: string): string {
  return framedDigest("portcullis:taint-label:v1", utf8(sessionHash), utf8(label));
}

/** Rows of sessions and labels, each digested once. */
export class LabelRows {
  readonly #rows = new Map<string, readonly string[]>();
  readonly #labels: readonly OperatorLabel[];

  constructor(labels: readonly OperatorLabel[]) {
    this.#labels = labels;
  }

  /** The rows of a session, in the order of the labels. */
  of(sessionHash: string): readonly string[] {
    const known = this.#rows.get(sessionHash);
    if (known !== undefined) return known;
    if (this.#rows.size >= ROWS_KEPT_MAX) this.#rows.clear();
    const rows = this.#labels.map(({ name }) => labelRow(sessionHash, name));
    this.#rows.set(sessionHash, rows);
    return rows;
  }
}
