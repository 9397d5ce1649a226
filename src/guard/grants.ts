// What a store holds for one call, read so that a store in trouble makes the call stricter, never
// looser (80-runtimes section 5).
import type { StateOperations } from "../store/types.ts";
import type { ConsentRecord } from "./consent-record.ts";
import type { StoredLease } from "./lease.ts";

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

/** Every label: what a session carries that nobody can be asked about. */
const TAINT_UNKNOWN = -1;
/** Sessions whose labels wait for the store; beyond it every session counts as fully tainted. */
export const LIMIT_TAINT_WAITING = 4096;

/** A store, and the labels that it could not take. */
export class Grants {
  readonly #store: GrantStore;
  /** Labels by session that the store did not take yet. */
  readonly #waiting = new Map<string, number>();
  #isOverfull = false;

  constructor(store: GrantStore) {
    this.#store = store;
  }

  /** The named lease; `undefined` when there is none, or nobody can be asked. */
  lease(id: string): StoredLease | undefined {
    return this.#ask(() => this.#store.getLease(id), undefined);
  }

  leases(principalHash: string, serverId: string): readonly StoredLease[] {
    return this.#ask(() => this.#store.findLeases(principalHash, serverId), []);
  }

  consents(principalHash: string, serverId: string, fingerprint: string): readonly ConsentRecord[] {
    return this.#ask(() => this.#store.findConsents(principalHash, serverId, fingerprint), []);
  }

  /** True when this caller, and nobody else, has taken the invocation. */
  takeLease({ id, remaining }: StoredLease): boolean {
    return this.#ask(() => this.#store.consumeLease(id, remaining), false);
  }

  takeConsent(id: string): boolean {
    return this.#ask(() => this.#store.consumeConsent(id), false);
  }

  /** Labels of the session and of those it descends from: a mask. */
  taint(sessions: readonly string[]): number {
    let mask = this.#isOverfull ? TAINT_UNKNOWN : 0;
    for (const session of sessions) {
      mask |= this.#ask(() => this.#store.getTaint(session), TAINT_UNKNOWN);
      if (this.#waiting.size > 0) mask |= this.#giveWaiting(session);
    }
    return mask;
  }

  /** Gives the store what waits for it, so that other processes see it; the labels. */
  #giveWaiting(session: string): number {
    const waiting = this.#waiting.get(session);
    if (waiting === undefined) return 0;
    const after = this.#ask<number | undefined>(
      () => this.#store.addTaint(session, waiting >>> 0),
      undefined,
    );
    if (after !== undefined) this.#waiting.delete(session);
    return waiting;
  }

  /**
   * Puts labels on the session, for good. What the store cannot take now stays here, counts from
   * now on, and is given to the store when labels are asked for, or put, again.
   *
   * @returns all labels of the session afterwards
   */
  addTaint(sessions: readonly string[], added: number): number {
    const [session] = sessions;
    if (session === undefined) return TAINT_UNKNOWN;
    const all = added | (this.#waiting.get(session) ?? 0);
    const after = this.#ask<number | undefined>(
      () => this.#store.addTaint(session, all >>> 0),
      undefined,
    );
    if (after !== undefined) {
      this.#waiting.delete(session);
      return after | this.taint(sessions.slice(1));
    }
    if (this.#waiting.size < LIMIT_TAINT_WAITING || this.#waiting.has(session)) {
      this.#waiting.set(session, all);
    } else {
      this.#isOverfull = true;
    }
    return TAINT_UNKNOWN;
  }

  #ask<T>(question: () => T, otherwise: T): T {
    try {
      return question();
    } catch {
      // STORE_UNAVAILABLE, STORE_CORRUPT, or a fault of the host's own store
      return otherwise;
    }
  }
}
