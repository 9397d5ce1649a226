// Grants of a store that answers later: read before a decision, taken behind it.
import type { StateStore } from "../store/types.ts";
import type { ConsentRecord } from "./consent-record.ts";
import type { GrantStore } from "./grant-access.ts";
import type { StoredLease } from "./lease.ts";
import { consentAnswers, isTaken, leaseAnswer, leaseAnswers, maskAnswer } from "./store-answers.ts";
import type { WaitingLabels } from "./waiting-labels.ts";

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

/** What a call has taken in earlier attempts: it is used, and not taken again. */
export interface Owned {
  lease: StoredLease | undefined;
  consent: ConsentRecord | undefined;
}

/**
 * A copy of what a store holds for one call. Taking is noted, and done by `commit`: only when that
 * succeeds was anything allowed.
 */
export class PrefetchedGrants implements GrantStore {
  readonly #facts: Facts;
  readonly #owned: Owned;
  readonly #waiting: WaitingLabels;
  #lease: StoredLease | undefined;
  #consent: ConsentRecord | undefined;
  /** Row -> labels that this call adds. */
  readonly #added = new Map<string, number>();

  private constructor(facts: Facts, owned: Owned, waiting: WaitingLabels) {
    this.#facts = facts;
    this.#owned = owned;
    this.#waiting = waiting;
  }

  /**
   * Reads a store. What cannot be read is what refuses most: no lease, no consent, every label.
   *
   * @param owned counts as it was before it was taken
   */
  static async read(
    store: StateStore,
    keys: GrantKeys,
    owned: Owned,
    waiting: WaitingLabels,
  ): Promise<PrefetchedGrants> {
    const { principalHash, serverId, fingerprint, leaseId, sessions } = keys;
    const [found, one, approvals, ...masks] = await Promise.all([
      orElse(() => store.findLeases(principalHash, serverId), []),
      leaseId === undefined ? undefined : orElse(() => store.getLease(leaseId), undefined),
      fingerprint === undefined
        ? []
        : orElse(() => store.findConsents(principalHash, serverId, fingerprint), []),
      ...sessions.map((session) => orElse<unknown>(() => store.getTaint(session), undefined)),
    ]);
    const [leases, named] = [leaseAnswers(found), leaseAnswer(one)];
    const consents = consentAnswers(approvals);
    // INVARIANT: as it is now; what comes later is not what this call was decided with
    const taint = new Map(
      sessions.map((session, index) => [
        session,
        waiting.isOverfull
          ? TAINT_ALL
          : (maskAnswer(masks[index]) ?? TAINT_ALL) | waiting.of(session),
      ]),
    );
    return new PrefetchedGrants({ leases, named, consents, taint }, owned, waiting);
  }

  getLease(id: string): StoredLease | undefined {
    if (this.#owned.lease?.id === id) return this.#owned.lease;
    return this.#facts.named?.id === id ? this.#facts.named : undefined;
  }

  findLeases(): readonly StoredLease[] {
    const { lease } = this.#owned;
    // WHY: it alone, so that no other one is chosen and taken as well
    return lease === undefined ? this.#facts.leases : [lease];
  }

  consumeLease(id: string): boolean {
    if (this.#owned.lease?.id === id) return true;
    this.#lease = this.getLease(id) ?? this.#facts.leases.find((lease) => lease.id === id);
    return this.#lease !== undefined;
  }

  findConsents(): readonly ConsentRecord[] {
    const { consent } = this.#owned;
    return consent === undefined ? this.#facts.consents : [consent];
  }

  consumeConsent(id: string): boolean {
    if (this.#owned.consent?.id === id) return true;
    this.#consent = this.#facts.consents.find((consent) => consent.id === id);
    return this.#consent !== undefined;
  }

  getTaint(session: string): number {
    return (this.#facts.taint.get(session) ?? TAINT_ALL) | (this.#added.get(session) ?? 0);
  }

  addTaint(session: string, mask: number): number {
    this.#added.set(session, (this.#added.get(session) ?? 0) | mask);
    return this.getTaint(session);
  }

  /**
   * Takes in the store what the decision rests on, the approval first. Labels that the store cannot
   * take wait in this process.
   *
   * @returns `done`; `lost` when somebody else was faster; `changed` when the session carries labels
   *   that it did not carry when this was decided
   */
  async commit(store: StateStore): Promise<"done" | "lost" | "changed"> {
    const consent = this.#consent;
    if (consent !== undefined) {
      if (!isTaken(await orElse(() => store.consumeConsent(consent.id), false))) return "lost";
      this.#owned.consent = consent;
    }
    const lease = this.#lease;
    if (lease !== undefined) {
      const { id, remaining } = lease;
      if (!isTaken(await orElse(() => store.consumeLease(id, remaining), false))) return "lost";
      this.#owned.lease = lease;
    }
    let isChanged = false;
    for (const [session, mask] of this.#added) {
      const added = (mask | this.#waiting.of(session)) >>> 0;
      // WHY: before the store answers: a label counts from the allow on, for other calls, too
      this.#waiting.add(session, added);
      const after = maskAnswer(
        await orElse<unknown>(() => store.addTaint(session, added), undefined),
      );
      const all = (after ?? 0) | this.#waiting.of(session);
      if ((all & ~this.getTaint(session)) !== 0) isChanged = true;
      if (after !== undefined) this.#waiting.settle(session, added);
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
