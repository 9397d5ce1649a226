// What a store holds for one call, in the terms of one catalog.
import type { ConsentRecord } from "./consent-record.ts";
import { GrantAccess, type GrantStore } from "./grant-access.ts";
import {
  BUILT_IN_TAINT_MASK,
  HAS_LABELS_MASK,
  LABEL_ROW_MASK,
  LabelRows,
  type OperatorLabel,
} from "./label-rows.ts";
import type { StoredLease } from "./lease.ts";
import { consentAnswers, isTaken, leaseAnswer, leaseAnswers } from "./store-answers.ts";

/** Every label: what a session carries that nobody can be asked about. */
const TAINT_UNKNOWN = -1;

/** Leases, approvals and labels, as the masks of one catalog say them. */
export class Grants {
  readonly #access: GrantAccess;
  readonly #labels: readonly OperatorLabel[];
  readonly #rows: LabelRows;
  readonly #takes: boolean;

  /**
   * @param labels the operator's, of the catalog whose masks are asked for
   * @param options.takes false: everything can be taken, and nothing is; to look at a decision
   */
  constructor(
    store: GrantStore | GrantAccess,
    labels: readonly OperatorLabel[],
    { takes = true }: { readonly takes?: boolean } = {},
  ) {
    this.#access = store instanceof GrantAccess ? store : new GrantAccess(store);
    this.#labels = labels;
    this.#rows = new LabelRows(labels);
    this.#takes = takes;
  }

  /** The same to look at: a decision with it shows what a call would come to, and takes nothing. */
  peek(): Grants {
    return new Grants(this.#access, this.#labels, { takes: false });
  }

  /** The named lease; `undefined` when there is none, or nobody can be asked. */
  lease(id: string): StoredLease | undefined {
    return leaseAnswer(this.#access.ask((store) => store.getLease(id), undefined));
  }

  leases(principalHash: string, serverId: string): readonly StoredLease[] {
    return leaseAnswers(this.#access.ask((store) => store.findLeases(principalHash, serverId), []));
  }

  consents(principalHash: string, serverId: string, fingerprint: string): readonly ConsentRecord[] {
    return consentAnswers(
      this.#access.ask((store) => store.findConsents(principalHash, serverId, fingerprint), []),
    );
  }

  /** True when this caller, and nobody else, has taken the invocation. */
  takeLease({ id, remaining }: StoredLease): boolean {
    return (
      !this.#takes || isTaken(this.#access.ask((store) => store.consumeLease(id, remaining), false))
    );
  }

  takeConsent(id: string): boolean {
    return !this.#takes || isTaken(this.#access.ask((store) => store.consumeConsent(id), false));
  }

  /** Labels of the session and of those it descends from: a mask. */
  taint(sessions: readonly string[]): number {
    let mask = 0;
    for (const session of sessions) mask |= this.#taintOf(session);
    return mask;
  }

  /**
   * Puts labels on the session, for good.
   *
   * @returns all labels of the session afterwards
   */
  addTaint(sessions: readonly string[], added: number): number {
    const [session] = sessions;
    if (session === undefined) return TAINT_UNKNOWN;
    if (!this.#takes) return this.taint(sessions) | added;
    const hasLabels = (added & ~BUILT_IN_TAINT_MASK) !== 0;
    const own = (added & BUILT_IN_TAINT_MASK) | (hasLabels ? HAS_LABELS_MASK : 0);
    this.#access.addRowTaint(session, own);
    if (hasLabels) {
      for (const [index, row] of this.#rows.of(session).entries()) {
        const bit = 1 << (this.#labels[index]?.bit ?? 0);
        if ((added & bit) !== 0) this.#access.addRowTaint(row, LABEL_ROW_MASK);
      }
    }
    return this.taint(sessions);
  }

  /** Labels of one session, in the bits of this catalog. */
  #taintOf(session: string): number {
    const own = this.#access.rowTaint(session);
    if (own === undefined) return TAINT_UNKNOWN;
    let mask = own & BUILT_IN_TAINT_MASK;
    if (this.#labels.length === 0) return mask;
    for (const [index, row] of this.#rows.of(session).entries()) {
      const label = this.#access.rowTaint(row);
      if (label === undefined) return TAINT_UNKNOWN;
      if (label !== 0) mask |= 1 << (this.#labels[index]?.bit ?? 0);
    }
    return mask;
  }
}
