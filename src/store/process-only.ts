// A store for a host without SQLite: what only this process needs is kept in its memory, and what all
// guards of a home must share cannot be had.
import { GuardError } from "../errors.ts";
import { createMemoryStore } from "./memory.ts";
import type { SyncStateStore } from "./types.ts";

/**
 * Drift, nonces and logs of this process. Leases, approvals and labels are STORE_UNAVAILABLE, so that
 * calls that need them are refused (80-runtimes section 5).
 */
export function createProcessStore(): SyncStateStore {
  return {
    ...createMemoryStore(),
    putLease: unavailable,
    getLease: unavailable,
    findLeases: unavailable,
    listLeases: unavailable,
    consumeLease: unavailable,
    revokeLease: unavailable,
    putConsent: unavailable,
    findConsents: unavailable,
    listConsents: unavailable,
    consumeConsent: unavailable,
    revokeConsent: unavailable,
    getTaint: unavailable,
    addTaint: unavailable,
  };
}

function unavailable(): never {
  throw new GuardError(
    "STORE_UNAVAILABLE",
    "expected a store that all guards of this home share, got none; install SQLite",
  );
}
