// A store in this process's reach: asked so that trouble makes a call stricter, never looser
// (80-runtimes section 5).
import type { StateOperations } from "../store/types.ts";

/** The part of a store that decisions need. */
export type GrantStore = Pick<
  StateOperations,
  | "getLease"
  | "findLeases"
  | "consumeLease"
  | "findConsents"
  | "consumeConsent"
  | "getTaint"
  | "addTaint"
>;

/** Rows whose labels wait for the store; beyond it every session counts as fully tainted. */
export const LIMIT_TAINT_WAITING = 4096;

/** One store, and the labels that it could not take: one for a process, whatever the catalog. */
export class GrantAccess {
  readonly #store: GrantStore;
  /** Row -> labels that the store did not take yet. */
  readonly #waiting = new Map<string, number>();
  #isOverfull = false;

  constructor(store: GrantStore) {
    this.#store = store;
  }

  /** Asks the store; `otherwise` when it cannot be asked. */
  ask<T>(question: (store: GrantStore) => T, otherwise: T): T {
    try {
      return question(this.#store);
    } catch {
      // STORE_UNAVAILABLE, STORE_CORRUPT, or a fault of the host's own store
      return otherwise;
    }
  }

  /** Labels of one row: a mask; `undefined` when nobody can say. */
  rowTaint(row: string): number | undefined {
    if (this.#isOverfull) return undefined;
    const mask = this.ask<number | undefined>((store) => store.getTaint(row), undefined);
    return mask === undefined ? undefined : mask | (this.#waiting.get(row) ?? 0);
  }

  /**
   * Puts labels on a row, for good. What the store cannot take now stays here, counts from now on,
   * and is given to the store as soon as it takes labels again.
   */
  addRowTaint(row: string, mask: number): void {
    const all = (mask | (this.#waiting.get(row) ?? 0)) >>> 0;
    if (this.#give(row, all)) {
      this.#giveWaiting();
    } else if (this.#waiting.size < LIMIT_TAINT_WAITING || this.#waiting.has(row)) {
      this.#waiting.set(row, all);
    } else {
      this.#isOverfull = true;
    }
  }

  #give(row: string, mask: number): boolean {
    const after = this.ask<number | undefined>((store) => store.addTaint(row, mask), undefined);
    if (after === undefined) return false;
    this.#waiting.delete(row);
    return true;
  }

  /** Bounded work for each label that is added; ends at the first that is not taken. */
  #giveWaiting(): void {
    let left = GIVEN_AT_ONCE_MAX;
    for (const [row, mask] of this.#waiting) {
      if (left === 0 || !this.#give(row, mask)) return;
      left -= 1;
    }
  }
}

const GIVEN_AT_ONCE_MAX = 64;
