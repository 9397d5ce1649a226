// Which lease a call is decided with: the one that covers it, else the one closest to it, so that
// the refusal says what is wrong.
import type { StoredLease } from "./lease.ts";
import { leaseState } from "./lease-valid.ts";

/** The call that a lease must cover. */
export interface LeaseCall {
  readonly principalHash: string;
  readonly serverId: string;
  readonly tool: string;
  readonly stateChanging: boolean;
  /** `sha256:<hex>` of the call's arguments. */
  readonly argsDigest: string;
}

/** True when `lease` is for this call; says nothing of time and count. */
export function leaseMatches(lease: StoredLease, call: LeaseCall): boolean {
  return (
    lease.principalHash === call.principalHash &&
    lease.serverId === call.serverId &&
    lease.grantedTools.includes(call.tool) &&
    (lease.stateChanging || !call.stateChanging) &&
    (lease.argsDigest === null || lease.argsDigest === call.argsDigest)
  );
}

/**
 * The lease to decide `call` with: among those that cover it the earliest expiry, then the lowest
 * id; without one, a matching lease that is used up, then one that has expired, then any other.
 * Revoked and malformed ones are never chosen.
 */
export function chooseLease<L extends StoredLease>(
  leases: readonly L[],
  call: LeaseCall,
  nowMs: number,
): L | undefined {
  let best: L | undefined;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const lease of leases) {
    const rank = rankOf(lease, call, nowMs);
    if (rank === undefined || rank > bestRank) continue;
    if (rank === bestRank && best !== undefined && !isEarlier(lease, best)) continue;
    best = lease;
    bestRank = rank;
  }
  return best;
}

function rankOf(lease: StoredLease, call: LeaseCall, nowMs: number): number | undefined {
  const state = leaseState(lease, nowMs);
  if (state === "revoked" || state === "malformed") return undefined;
  if (!leaseMatches(lease, call)) return 3;
  if (state === "valid") return 0;
  return state === "exhausted" ? 1 : 2;
}

function isEarlier(a: StoredLease, b: StoredLease): boolean {
  if (a.expiresAtMs !== b.expiresAtMs) return a.expiresAtMs < b.expiresAtMs;
  return a.id < b.id;
}
