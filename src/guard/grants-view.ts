// A store to look at: what it holds counts, and nothing in it is ever taken or added.
import type { ConsentRecord } from "./consent-record.ts";
import type { GrantStore } from "./grant-access.ts";
import type { StoredLease } from "./lease.ts";

/** The reads of a store. */
export type GrantReads = Pick<GrantStore, "getLease" | "findLeases" | "findConsents" | "getTaint">;

/** Reads of one store. Taking says whether it could have been done, and leaves the store as it is. */
export class GrantsView implements GrantStore {
  readonly #store: GrantReads;
  readonly #hidesBound: boolean;

  /** @param hidesBound what is for certain arguments is not there: nobody knows the arguments */
  constructor(store: GrantReads, { hidesBound }: { readonly hidesBound: boolean }) {
    this.#store = store;
    this.#hidesBound = hidesBound;
  }

  getLease(id: string): StoredLease | undefined {
    return this.#store.getLease(id);
  }

  findLeases(principalHash: string, serverId: string): readonly StoredLease[] {
    return this.#unbound(this.#store.findLeases(principalHash, serverId));
  }

  /** True when an invocation could be taken. */
  consumeLease(id: string, remainingExpected: number | null): boolean {
    const lease = this.#store.getLease(id);
    if (lease === undefined || lease.revoked) return false;
    return lease.remaining === remainingExpected && lease.remaining !== 0;
  }

  findConsents(
    principalHash: string,
    serverId: string,
    itemFingerprint: string,
  ): readonly ConsentRecord[] {
    return this.#unbound(this.#store.findConsents(principalHash, serverId, itemFingerprint));
  }

  /** True: whoever asks has just found it. */
  consumeConsent(): boolean {
    return true;
  }

  getTaint(sessionHash: string): number {
    return this.#store.getTaint(sessionHash);
  }

  /** What the labels would be. */
  addTaint(sessionHash: string, mask: number): number {
    return (this.#store.getTaint(sessionHash) | mask) >>> 0;
  }

  #unbound<T extends { readonly argsDigest: string | null }>(rows: readonly T[]): readonly T[] {
    return this.#hidesBound ? rows.filter(({ argsDigest }) => argsDigest === null) : rows;
  }
}
