// Whether a lease may still be used: a pure read that never throws (40-gateway section 5).
import { serverIdFault } from "../catalog/names.ts";
import { systemClock } from "../clock.ts";
import { isDigestText, isHexDigest } from "./digest-text.ts";
import { readInstant } from "./instant.ts";
import {
  isToolName,
  LEASE_CLOCK_SKEW_MS,
  LIMIT_LEASE_INVOCATIONS,
  LIMIT_LEASE_TOOLS,
  LIMIT_LEASE_TTL_SECONDS,
} from "./lease.ts";
import { memberReader } from "./member-reader.ts";

export type LeaseState = "valid" | "expired" | "exhausted" | "revoked" | "malformed";

/**
 * True when `lease` is well-formed, not revoked, not expired and not used up. Everything else, a
 * getter that throws included, is false. Says nothing of whom and what it is for.
 *
 * @param lease what `createScopeLease` made, or what a store kept of it
 * @param nowMs ms since the epoch; default: the wall clock
 */
export function isScopeLeaseValid(lease: unknown, nowMs: number = systemClock()): boolean {
  return leaseState(lease, nowMs) === "valid";
}

/**
 * As `isScopeLeaseValid`, with the first thing that is wrong.
 *
 * An expiry that is missing, unparsable, not the same in both members, further from its creation
 * than any lease may live, or created after now (clocks may differ by 300 s) is `expired`.
 */
export function leaseState(lease: unknown, nowMs: number): LeaseState {
  try {
    return judge(lease, nowMs);
  } catch {
    return "malformed";
  }
}

function judge(lease: unknown, nowMs: number): LeaseState {
  const read = memberReader(lease);
  if (read === undefined) return "malformed";
  const id = read("id");
  const serverId = read("serverId");
  const argsDigest = read("argsDigest");
  const isBound =
    isHexDigest(id) &&
    isHexDigest(read("principalHash")) &&
    typeof serverId === "string" &&
    serverIdFault(serverId) === undefined &&
    areTools(read("grantedTools")) &&
    typeof read("stateChanging") === "boolean" &&
    (argsDigest === null || isDigestText(argsDigest));
  if (!isBound) return "malformed";
  const revoked = read("revoked");
  if (revoked !== false) return revoked === true ? "revoked" : "malformed";
  if (!isInTime(read("createdAtMs"), read("expiresAtMs"), read("expiresAt"), nowMs)) {
    return "expired";
  }
  return countState(read("maxInvocations"), read("remaining"));
}

function areTools(tools: unknown): boolean {
  if (!Array.isArray(tools)) return false;
  return tools.length > 0 && tools.length <= LIMIT_LEASE_TOOLS && tools.every(isToolName);
}

function isInTime(created: unknown, expires: unknown, text: unknown, nowMs: number): boolean {
  if (typeof created !== "number" || typeof expires !== "number") return false;
  // WHY: each comparison is written so that NaN fails it
  if (readInstant(created) !== created || readInstant(expires) !== expires) return false;
  if (text !== undefined && readInstant(text) !== expires) return false;
  const isBounded = created < expires && expires - created <= LIMIT_LEASE_TTL_SECONDS * 1000;
  return isBounded && nowMs > 0 && nowMs >= created - LEASE_CLOCK_SKEW_MS && nowMs < expires;
}

function countState(max: unknown, remaining: unknown): LeaseState {
  if (max === null && remaining === null) return "valid";
  if (!isCount(max) || !isCount(remaining) || max < 1 || remaining > max) return "malformed";
  return remaining > 0 ? "valid" : "exhausted";
}

function isCount(value: unknown): value is number {
  return (
    typeof value === "number" &&
    Number.isInteger(value) &&
    value >= 0 &&
    value <= LIMIT_LEASE_INVOCATIONS
  );
}
