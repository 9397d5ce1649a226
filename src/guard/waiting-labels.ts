// Taint labels that a store could not take: they count from now on, and are never forgotten.

/** Rows whose labels wait for the store; beyond it every session counts as fully tainted. */
export const LIMIT_TAINT_WAITING = 4096;

/** Row -> labels that the store did not take yet. */
export class WaitingLabels {
  readonly #masks = new Map<string, number>();
  #isOverfull = false;

  /** True when labels were lost for want of room: nobody can say any more what a row carries. */
  get isOverfull(): boolean {
    return this.#isOverfull;
  }

  /** Labels of a row that wait: a mask. */
  of(row: string): number {
    return this.#masks.get(row) ?? 0;
  }

  /** Rows that wait, and their labels: at most `count`. */
  first(count: number): readonly (readonly [row: string, mask: number])[] {
    const rows: [string, number][] = [];
    if (this.#masks.size === 0) return rows;
    for (const entry of this.#masks) {
      if (rows.length >= count) break;
      rows.push(entry);
    }
    return rows;
  }

  /** Keeps labels until `settle`. */
  add(row: string, mask: number): void {
    if (this.#masks.size < LIMIT_TAINT_WAITING || this.#masks.has(row)) {
      this.#masks.set(row, (this.of(row) | mask) >>> 0);
    } else {
      this.#isOverfull = true;
    }
  }

  /** The store has taken these labels of a row. Others that came in the meantime still wait. */
  settle(row: string, mask: number): void {
    const left = this.of(row) & ~mask;
    if (left === 0) this.#masks.delete(row);
    else this.#masks.set(row, left >>> 0);
  }
}
