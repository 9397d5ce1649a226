// Who calls, in which session, on whose behalf (40-gateway section 2).
import { BUILT_IN_SCOPES } from "../catalog/scope-names.ts";
import { type Clock, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { principalHash, sessionHash } from "./identity-hash.ts";
import { type InstantSource, readInstant } from "./instant.ts";

/** Sessions from a sub-agent's own up to its root. */
export const LIMIT_SESSION_CHAIN = 32;
/** Names in the cap of one identity. */
export const LIMIT_IDENTITY_SCOPES = 128;

/** Who calls. Made by `createRequestIdentity` alone, frozen; a look-alike is `identity_unknown`. */
export interface RequestIdentity {
  readonly principal: string;
  /** 64 lower-case hex digits. */
  readonly principalHash: string;
  readonly sessionId: string;
  /** 64 lower-case hex digits. */
  readonly sessionHash: string;
  /** Absent for a session that no other one started. */
  readonly parentSessionId?: string;
  /** Hashes of the sessions this one descends from, the nearest first; their taint is its own. */
  readonly ancestorHashes: readonly string[];
  /** Scopes a call may need at most: the identity's own cap within its parent's; absent = no cap. */
  readonly scopeCap?: readonly string[];
  /** RFC 3339 in UTC. */
  readonly issuedAt: string;
  /** ms since the epoch. */
  readonly issuedAtMs: number;
}

export interface RequestIdentityOptions {
  readonly principal: string;
  readonly sessionId: string;
  /** The session that started this one, where its identity is not at hand. */
  readonly parentSessionId?: string | undefined;
  /** The identity that this one acts for: its sessions and its cap are inherited. */
  readonly parent?: RequestIdentity | undefined;
  /** Names of the scopes this identity may use at most. Default: its parent's cap, or none. */
  readonly scopes?: readonly string[] | undefined;
  /** Default: now. */
  readonly issuedAt?: InstantSource | undefined;
  /** Key for both hashes, at least 16 bytes; the same in every process that shares a store. */
  readonly pepper?: Uint8Array | undefined;
  readonly clock?: Clock | undefined;
}

const made = new WeakSet<object>();

/** True for what `createRequestIdentity` returned, and for nothing else. */
export function isRequestIdentity(value: unknown): value is RequestIdentity {
  return typeof value === "object" && value !== null && made.has(value);
}

/**
 * The identity of a principal in a session.
 *
 * A sub-agent passes its parent's identity: it then has at most the parent's scopes and all of the
 * taint of the parent's session.
 *
 * @example
 * const identity = createRequestIdentity({ principal: "agent:run-1", sessionId: "sess-xyz" });
 * @throws {GuardError} ARGUMENT_INVALID for text that is empty, ill-formed or above 2 048 bytes, a
 *   parent that this function did not make, a session among its own ancestors, a chain of more than
 *   32 sessions, a time that is none, or a short pepper
 */
export function createRequestIdentity(options: RequestIdentityOptions): RequestIdentity {
  if (typeof options !== "object" || options === null) {
    throw invalid("expected { principal, sessionId }");
  }
  const { principal, sessionId, parentSessionId, parent, scopes, issuedAt, pepper } = options;
  const { clock = systemClock } = options;
  if (typeof clock !== "function") throw invalid("expected clock as a function");
  if (parent !== undefined && !isRequestIdentity(parent)) {
    throw invalid("expected a parent of createRequestIdentity, got a look-alike");
  }
  if (parent !== undefined && parentSessionId !== undefined) {
    if (parentSessionId !== parent.sessionId) {
      throw invalid("expected parentSessionId to be the parent's session; leave one of them out");
    }
  }
  const own = sessionHash(sessionId, pepper);
  const ancestorHashes = ancestorsOf(parent, parentSessionId, pepper);
  if (ancestorHashes.includes(own)) {
    throw invalid("expected a session that is not its own ancestor");
  }
  if (ancestorHashes.length >= LIMIT_SESSION_CHAIN) {
    throw invalid(`expected at most ${LIMIT_SESSION_CHAIN} sessions in a chain, got more`);
  }
  const parentId = parent?.sessionId ?? parentSessionId;
  const cap = capWithin(parent?.scopeCap, scopes);
  const issuedAtMs = issuedAt === undefined ? readInstant(clock()) : readInstant(issuedAt);
  if (issuedAtMs === undefined) throw invalid("expected a time as ms, RFC 3339 text or a Date");
  const identity: RequestIdentity = Object.freeze({
    principal,
    principalHash: principalHash(principal, pepper),
    sessionId,
    sessionHash: own,
    ...(parentId === undefined ? {} : { parentSessionId: parentId }),
    ancestorHashes: Object.freeze(ancestorHashes),
    ...(cap === undefined ? {} : { scopeCap: Object.freeze(cap) }),
    issuedAt: new Date(issuedAtMs).toISOString(),
    issuedAtMs,
  });
  made.add(identity);
  return identity;
}

function ancestorsOf(
  parent: RequestIdentity | undefined,
  parentSessionId: string | undefined,
  pepper: Uint8Array | undefined,
): string[] {
  if (parent !== undefined) return [parent.sessionHash, ...parent.ancestorHashes];
  return parentSessionId === undefined ? [] : [sessionHash(parentSessionId, pepper)];
}

/** The scopes that both caps grant: a child never has more than its parent. */
function capWithin(
  parentCap: readonly string[] | undefined,
  scopes: readonly string[] | undefined,
): string[] | undefined {
  if (scopes === undefined) return parentCap === undefined ? undefined : [...parentCap];
  if (!Array.isArray(scopes) || scopes.length > LIMIT_IDENTITY_SCOPES) {
    throw invalid(`expected at most ${LIMIT_IDENTITY_SCOPES} names of scopes, such as ${EXAMPLES}`);
  }
  const own = [...new Set(scopes.map((name: unknown) => scopeName(name)))].sort();
  return parentCap === undefined ? own : own.filter((name) => parentCap.includes(name));
}

const EXAMPLES = BUILT_IN_SCOPES.slice(0, 2).join(" and ");

function scopeName(name: unknown): string {
  if (typeof name === "string" && name !== "") return name;
  throw invalid(`expected names of scopes, such as ${EXAMPLES}`);
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
