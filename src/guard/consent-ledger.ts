// Approvals of one process. Its methods are those of a state store, so that either may stand behind
// a gateway.
import { GuardError } from "../errors.ts";
import {
  type ConsentBinding,
  type ConsentRecord,
  consentApplies,
  isConsentRecord,
} from "./consent-record.ts";

/** Records of one ledger, used and expired ones that are not yet forgotten included. */
export const LIMIT_LEDGER_RECORDS = 65_536;
/** Records that one `putConsent` looks at to forget the expired ones. */
const PURGE_STEPS = 16;

interface Entry {
  readonly record: ConsentRecord;
  isUsed: boolean;
}

/** Consent records in memory: bounded, each single-use one used once. */
export class InMemoryConsentLedger {
  readonly #entries = new Map<string, Entry>();
  /** principal, server and fingerprint -> ids. */
  readonly #ids = new Map<string, Set<string>>();

  /**
   * Keeps a copy of `record`.
   *
   * @returns false when the id is taken (what was used stays used), or the ledger is full: the
   *   person will be asked again
   * @throws {GuardError} ARGUMENT_INVALID for what is no consent record
   */
  putConsent(record: ConsentRecord): boolean {
    const copy: unknown = typeof record === "object" ? Object.freeze({ ...record }) : record;
    if (!isConsentRecord(copy)) {
      throw new GuardError("ARGUMENT_INVALID", "expected a record of createConsentRecords");
    }
    if (this.#entries.has(copy.id)) return false;
    this.#purge(copy.createdAtMs, PURGE_STEPS);
    if (this.#entries.size >= LIMIT_LEDGER_RECORDS)
      this.#purge(copy.createdAtMs, this.#entries.size);
    if (this.#entries.size >= LIMIT_LEDGER_RECORDS) return false;
    this.#entries.set(copy.id, { record: copy, isUsed: false });
    const key = keyOf(copy.principalHash, copy.serverId, copy.itemFingerprint);
    const ids = this.#ids.get(key) ?? new Set();
    this.#ids.set(key, ids.add(copy.id));
    return true;
  }

  /** Records of a principal for one definition of a server that are neither used nor revoked. */
  findConsents(
    principalHash: string,
    serverId: string,
    itemFingerprint: string,
  ): readonly ConsentRecord[] {
    const ids = this.#ids.get(keyOf(principalHash, serverId, itemFingerprint)) ?? [];
    const entries = [...ids].map((id) => this.#entries.get(id));
    return entries.flatMap((entry) => (entry === undefined || entry.isUsed ? [] : [entry.record]));
  }

  /** The record to decide `call` with, if any: see `chooseConsent`. */
  covering(call: ConsentBinding, nowMs: number): ConsentRecord | undefined {
    const { principalHash, serverId, itemFingerprint } = call;
    const records = this.findConsents(principalHash, serverId, itemFingerprint);
    return chooseConsent(records, call, nowMs);
  }

  /** Uses a record up when it is for one call. True when it may be used now. */
  consumeConsent(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.isUsed) return false;
    entry.isUsed = entry.record.singleUse;
    return true;
  }

  /** Takes an approval back, for good. True when there was one. */
  revokeConsent(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.isUsed) return false;
    entry.isUsed = true;
    return true;
  }

  /** Every record that is neither used nor revoked. */
  listConsents(): readonly ConsentRecord[] {
    return [...this.#entries.values()].filter(({ isUsed }) => !isUsed).map(({ record }) => record);
  }

  /** Looks at the `steps` records that were looked at longest ago. */
  #purge(nowMs: number, steps: number): void {
    const oldest = this.#entries.entries();
    for (let step = 0; step < steps; step++) {
      const { value, done } = oldest.next();
      if (done === true) return;
      const [id, entry] = value;
      this.#entries.delete(id);
      const { record } = entry;
      if (nowMs < record.expiresAtMs) {
        this.#entries.set(id, entry);
        continue;
      }
      const key = keyOf(record.principalHash, record.serverId, record.itemFingerprint);
      const ids = this.#ids.get(key);
      ids?.delete(id);
      if (ids?.size === 0) this.#ids.delete(key);
    }
  }
}

/** None of the three holds a space. */
function keyOf(principalHash: string, serverId: string, itemFingerprint: string): string {
  return `${principalHash} ${serverId} ${itemFingerprint}`;
}

/**
 * The record to put into the frame of `call`: one that applies, preferably not for one call only,
 * then the one that expires first, then the lowest id.
 */
export function chooseConsent(
  records: readonly ConsentRecord[],
  call: ConsentBinding,
  nowMs: number,
): ConsentRecord | undefined {
  const applying = records.filter((record) => consentApplies(record, call, nowMs));
  return applying.sort(
    (a, b) =>
      Number(a.singleUse) - Number(b.singleUse) ||
      a.expiresAtMs - b.expiresAtMs ||
      (a.id < b.id ? -1 : 1),
  )[0];
}
