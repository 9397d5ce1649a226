// What a store answers, judged before anything is decided with it: a host's own store is code that
// nobody here has checked. What is not whole counts as if the store could not be asked.
import type { Consent, Lease } from "../store/records.ts";
import { CONSENT, LEASE, readRecord, type Shape } from "../store/shapes.ts";

/** A frozen copy of a lease; `undefined` for everything else. Never throws. */
export function leaseAnswer(value: unknown): Lease | undefined {
  return recordAnswer(LEASE, leases, value);
}

/** Copies of the leases in a list; none for what is no list. Never throws. */
export function leaseAnswers(value: unknown): readonly Lease[] {
  return listAnswer(value, leaseAnswer);
}

/** Copies of the approvals in a list; none for what is no list. Never throws. */
export function consentAnswers(value: unknown): readonly Consent[] {
  return listAnswer(value, (record) => recordAnswer(CONSENT, consents, record));
}

/** Labels: a mask; `undefined` for everything else, so that a promise is never taken for none. */
export function maskAnswer(value: unknown): number | undefined {
  return typeof value === "number" && isWord(value) ? value : undefined;
}

/** Taken is one exact value; a promise is not. */
export function isTaken(value: unknown): boolean {
  return value === true;
}

// WHY: our stores give the same frozen record until it is used; reading a lease again costs 2 us
const leases = new WeakMap<object, Lease>();
const consents = new WeakMap<object, Consent>();

function recordAnswer<T>(
  shape: Shape<T>,
  known: WeakMap<object, T>,
  value: unknown,
): T | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const seen = known.get(value);
  if (seen !== undefined) return seen;
  try {
    const copy = readRecord(shape, value, "STORE_CORRUPT");
    if (Object.isFrozen(value)) known.set(value, copy);
    return copy;
  } catch {
    // a damaged record, a getter or a trap that throws
    return undefined;
  }
}

function listAnswer<T>(value: unknown, read: (element: unknown) => T | undefined): readonly T[] {
  try {
    if (!Array.isArray(value)) return [];
    return value.map(read).filter((record) => record !== undefined);
  } catch {
    return [];
  }
}

/** A 32-bit word, as signed or as unsigned. */
function isWord(value: number): boolean {
  return value === value >>> 0 || value === (value | 0);
}
