// A store in this process's reach: asked so that trouble makes a call stricter, never looser
// (80-runtimes section 5).
import type { StateOperations } from "../store/types.ts";
import { maskAnswer } from "./store-answers.ts";
import { WaitingLabels } from "./waiting-labels.ts";

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

/** One store, and the labels that it could not take: one for a process, whatever the catalog. */
export class GrantAccess {
  readonly #store: GrantStore;
  readonly #waiting = new WaitingLabels();

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
    if (this.#waiting.isOverfull) return undefined;
    const waiting = this.#waiting.of(row);
    // other processes are to see it as soon as the store can be asked
    if (waiting !== 0) this.#give(row, waiting);
    const mask = maskAnswer(this.ask<unknown>((store) => store.getTaint(row), undefined));
    return mask === undefined ? undefined : mask | waiting;
  }

  /**
   * Puts labels on a row, for good. What the store cannot take now stays here, counts from now on,
   * and is given to the store as soon as it takes labels again.
   */
  addRowTaint(row: string, mask: number): void {
    const all = (mask | this.#waiting.of(row)) >>> 0;
    if (this.#give(row, all)) this.#giveWaiting();
    else this.#waiting.add(row, all);
  }

  #give(row: string, mask: number): boolean {
    const after = maskAnswer(this.ask<unknown>((store) => store.addTaint(row, mask), undefined));
    if (after === undefined) return false;
    this.#waiting.settle(row, mask);
    return true;
  }

  /** Bounded work for each label that is added; ends at the first that is not taken. */
  #giveWaiting(): void {
    for (const [row, mask] of this.#waiting.first(GIVEN_AT_ONCE_MAX)) {
      if (!this.#give(row, mask)) return;
    }
  }
}

const GIVEN_AT_ONCE_MAX = 64;
