// The order in which stores give lists, and when a row is old enough to go.
import { EXPIRED_RETENTION_MS } from "./limits.ts";
import type { Lease } from "./records.ts";

/** Earliest expiry first, then lowest id: the order in which leases are used (40-gateway section 5). */
export function compareLeases(a: Lease, b: Lease): number {
  return a.expiresAtMs - b.expiresAtMs || compareText(a.id, b.id);
}

/** Newest first, then lowest id. */
export function compareNewest(
  a: { readonly id: string; readonly createdAtMs: number },
  b: { readonly id: string; readonly createdAtMs: number },
): number {
  return b.createdAtMs - a.createdAtMs || compareText(a.id, b.id);
}

/** Oldest first, then lowest id. */
export function compareOldest(
  a: { readonly id: string; readonly createdAtMs: number },
  b: { readonly id: string; readonly createdAtMs: number },
): number {
  return a.createdAtMs - b.createdAtMs || compareText(a.id, b.id);
}

/** By UTF-16 code units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Rows that expired at this time or before it may be removed. */
export function purgeBeforeMs(nowMs: number): number {
  return nowMs - EXPIRED_RETENTION_MS;
}
