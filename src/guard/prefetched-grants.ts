// Grants of a store that answers later: read before a decision, taken behind it.
import type { StateStore } from "../store/types.ts";
import type { ConsentRecord } from "./consent-record.ts";
import type { GrantStore } from "./grant-access.ts";
import type { StoredLease } from "./lease.ts";

/** What one call may need of a store. */
export interface GrantKeys {
  readonly principalHash: string;
  readonly serverId: string;
  /** `sha256:<hex>`; `undefined` when no definition was seen. */
  readonly fingerprint: string | undefined;
  readonly leaseId: string | undefined;
  /** Rows of the store that hold labels of the session and of those it descends from. */
  readonly sessions: readonly string[];
}

/**
 * A copy of what a store holds for one call. Taking is noted, and done by `commit`: only when that
 * succeeds was anything allowed.
 */
export class PrefetchedGrants implements GrantStore {
  readonly #leases: readonly StoredLease[];
  readonly #named: StoredLease | undefined;
  readonly #consents: readonly ConsentRecord[];
  readonly #taint: ReadonlyMap<string, number>;
  readonly #owned: ReadonlySet<string>;
  #lease: { readonly id: string; readonly remaining: number | null } | undefined;
  #consent: string | undefined;
  /** Row -> labels that this call adds. */
  readonly #added = new Map<string, number>();

  private constructor(facts: Facts, owned: ReadonlySet<string>) {
    this.#leases = facts.leases;
    this.#named = facts.named;
    this.#consents = facts.consents;
    this.#taint = facts.taint;
    this.#owned = owned;
  }

  /**
   * Reads a store. What cannot be read is what refuses most: no lease, no consent, every label.
   *
   * @param owned ids of leases and consents that this call has taken already
   */
  static async read(
    store: StateStore,
    keys: GrantKeys,
    owned: ReadonlySet<string>,
  ): Promise<PrefetchedGrants> {
    const { principalHash, serverId, fingerprint, leaseId, sessions } = keys;
    const [leases, named, consents, ...masks] = await Promise.all([
      orElse(() => store.findLeases(principalHash, serverId), []),
      leaseId === undefined ? undefined : orElse(() => store.getLease(leaseId), undefined),
      fingerprint === undefined
        ? []
        : orElse(() => store.findConsents(principalHash, serverId, fingerprint), []),
      ...sessions.map((session) => orElse(() => store.getTaint(session), TAINT_ALL)),
    ]);
    const taint = new Map(sessions.map((session, index) => [session, masks[index] ?? TAINT_ALL]));
    return new PrefetchedGrants({ leases, named, consents, taint }, owned);
  }

  getLease(id: string): StoredLease | undefined {
    return this.#named?.id === id ? this.#named : undefined;
  }

  findLeases(): readonly StoredLease[] {
    return this.#leases;
  }

  consumeLease(id: string, remaining: number | null): boolean {
    if (!this.#owned.has(id)) this.#lease = { id, remaining };
    return true;
  }

  findConsents(): readonly ConsentRecord[] {
    return this.#consents;
  }

  consumeConsent(id: string): boolean {
    if (!this.#owned.has(id)) this.#consent = id;
    return true;
  }

  getTaint(session: string): number {
    return (this.#taint.get(session) ?? TAINT_ALL) | (this.#added.get(session) ?? 0);
  }

  addTaint(session: string, mask: number): number {
    this.#added.set(session, (this.#added.get(session) ?? 0) | mask);
    return this.getTaint(session) | mask;
  }

  /**
   * Takes in the store what the decision rests on, the approval first.
   *
   * @param owned gets the ids of what was taken, so that another attempt does not take it again
   * @returns `done`; `lost` when somebody else was faster; `changed` when the session carries labels
   *   that it did not carry when this was decided
   */
  async commit(store: StateStore, owned: Set<string>): Promise<"done" | "lost" | "changed"> {
    const consent = this.#consent;
    if (consent !== undefined) {
      if (!(await orElse(() => store.consumeConsent(consent), false))) return "lost";
      owned.add(consent);
    }
    const lease = this.#lease;
    if (lease !== undefined) {
      const isTaken = await orElse(() => store.consumeLease(lease.id, lease.remaining), false);
      if (!isTaken) return "lost";
      owned.add(lease.id);
    }
    let isChanged = false;
    for (const [session, mask] of this.#added) {
      const added = mask >>> 0;
      const after = await orElse<number | undefined>(
        () => store.addTaint(session, added),
        undefined,
      );
      // WHY: a label that is not kept would be forgotten, and the next call let through
      if (after === undefined) return "lost";
      if ((after & ~this.getTaint(session)) !== 0) isChanged = true;
    }
    return isChanged ? "changed" : "done";
  }
}

interface Facts {
  readonly leases: readonly StoredLease[];
  readonly named: StoredLease | undefined;
  readonly consents: readonly ConsentRecord[];
  readonly taint: ReadonlyMap<string, number>;
}

const TAINT_ALL = -1;

async function orElse<T>(question: () => T | Promise<T>, otherwise: T): Promise<T> {
  try {
    return await question();
  } catch {
    return otherwise;
  }
}
