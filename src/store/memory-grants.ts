// Leases and consents in memory.
import { purgeSome } from "./memory-purge.ts";
import { compareLeases, compareNewest, purgeBeforeMs } from "./order.ts";
import type { Consent, Lease } from "./records.ts";
import { CONSENT, isCount, LEASE, readRecord } from "./shapes.ts";
import type { ConsentOperations, LeaseOperations } from "./types.ts";

export function memoryLeases(): LeaseOperations {
  const leases = new Map<string, Lease>();
  return {
    putLease: (lease) => {
      const kept = readRecord(LEASE, lease, "ARGUMENT_INVALID");
      purgeSome(leases, isOldAt(kept.createdAtMs));
      if (leases.has(kept.id)) return false;
      leases.set(kept.id, kept);
      return true;
    },
    getLease: (id) => leases.get(id),
    findLeases: (principalHash, serverId) =>
      [...leases.values()]
        .filter((lease) => lease.principalHash === principalHash && lease.serverId === serverId)
        .filter(({ revoked }) => !revoked)
        .sort(compareLeases),
    listLeases: () => [...leases.values()].sort(compareLeases),
    consumeLease: (id, remainingExpected) => {
      const lease = leases.get(id);
      if (lease === undefined || lease.revoked) return false;
      const { remaining } = lease;
      if (remaining !== remainingExpected) return false;
      if (remaining === null) return true;
      if (!isCount(remaining)) return false;
      leases.set(id, Object.freeze({ ...lease, remaining: remaining - 1 }));
      return true;
    },
    revokeLease: (id) => {
      const lease = leases.get(id);
      if (lease === undefined) return false;
      leases.set(id, Object.freeze({ ...lease, revoked: true }));
      return true;
    },
  };
}

export function memoryConsents(): ConsentOperations {
  const consents = new Map<string, Consent>();
  return {
    putConsent: (consent) => {
      const kept = readRecord(CONSENT, consent, "ARGUMENT_INVALID");
      purgeSome(consents, isOldAt(kept.createdAtMs));
      if (consents.has(kept.id)) return false;
      consents.set(kept.id, kept);
      return true;
    },
    findConsents: (principalHash, serverId, itemFingerprint) =>
      [...consents.values()]
        .filter((consent) => consent.principalHash === principalHash)
        .filter((consent) => consent.serverId === serverId)
        .filter((consent) => consent.itemFingerprint === itemFingerprint)
        .sort(compareNewest),
    listConsents: () => [...consents.values()].sort(compareNewest),
    consumeConsent: (id) => {
      const consent = consents.get(id);
      if (consent?.singleUse === true) consents.delete(id);
      return consent !== undefined;
    },
    revokeConsent: (id) => consents.delete(id),
  };
}

function isOldAt(nowMs: number): (row: { readonly expiresAtMs: number }) => boolean {
  const before = purgeBeforeMs(nowMs);
  return ({ expiresAtMs }) => expiresAtMs <= before;
}
