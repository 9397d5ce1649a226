// Leases: grants that are bound in time and count (40-gateway section 5).
import { LIMIT_NAME_BYTES } from "../abi/limits.ts";
import { isWellFormed, utf8 } from "../bytes.ts";
import { serverIdFault } from "../catalog/names.ts";
import { type Clock, randomBytes, systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { framedDigest, u32le, u64le } from "../kernel/framed.ts";
import { argsDigestBytes, isDigestText, isHexDigest } from "./digest-text.ts";
import { readInstant } from "./instant.ts";

/** Seconds a lease lives, at most: 30 days. */
export const LIMIT_LEASE_TTL_SECONDS = 2_592_000;
/** Tools of one lease. */
export const LIMIT_LEASE_TOOLS = 1024;
/** Invocations of one lease: what the decision frame holds. */
export const LIMIT_LEASE_INVOCATIONS = 4_294_967_295;
/** How far a lease may be dated ahead of this host's clock: hosts that share a store. */
export const LEASE_CLOCK_SKEW_MS = 300_000;
export const LEASE_TTL_SECONDS_DEFAULT = 300;

const RANDOM_SIZE_BYTES = 32;

/** A grant. Stores keep the same members; `leaseId` and `expiresAt` say `id` and `expiresAtMs`. */
export interface ScopeLease {
  /** 64 lower-case hex digits. */
  readonly id: string;
  /** The same as `id`. */
  readonly leaseId: string;
  readonly principalHash: string;
  readonly serverId: string;
  /** Names, byte for byte; `*` is a name like any other. */
  readonly grantedTools: readonly string[];
  readonly createdAtMs: number;
  /** `now >= expiresAtMs` is expired. */
  readonly expiresAtMs: number;
  /** RFC 3339 in UTC of `expiresAtMs`. */
  readonly expiresAt: string;
  /** `null` = any number. */
  readonly maxInvocations: number | null;
  /** Invocations left; `null` = any number. */
  readonly remaining: number | null;
  /** Covers state-changing tools too. */
  readonly stateChanging: boolean;
  /** `sha256:<hex>` of the only arguments it is for; `null` = any. */
  readonly argsDigest: string | null;
  readonly revoked: boolean;
}

/** What a store keeps of a lease: everything but the second spellings. */
export type StoredLease = Omit<ScopeLease, "leaseId" | "expiresAt">;

export interface ScopeLeaseOptions {
  /** `principalHash` of a RequestIdentity. */
  readonly principalHash: string;
  readonly serverId: string;
  readonly grantedTools: readonly string[];
  /** Seconds, above 0; default 300. */
  readonly ttlSeconds?: number | undefined;
  /** A whole number, at least 1; default: any number. */
  readonly maxInvocations?: number | undefined;
  /** Default false. */
  readonly stateChanging?: boolean | undefined;
  /** Of `argumentsDigest`; default: any arguments. */
  readonly argsDigest?: string | undefined;
  readonly clock?: Clock | undefined;
  /** `size` random bytes; default: the platform's generator. */
  readonly random?: ((size: number) => Uint8Array) | undefined;
}

/**
 * A new lease. It grants nothing until a gateway holds it (`MCPGateway#grantLease`).
 *
 * @example
 * createScopeLease({ principalHash, serverId: "files", grantedTools: ["write"], maxInvocations: 3 });
 * @throws {GuardError} ARGUMENT_INVALID for a value that is out of range or of another type
 */
export function createScopeLease(options: ScopeLeaseOptions): ScopeLease {
  if (typeof options !== "object" || options === null) {
    throw invalid("expected { principalHash, serverId, grantedTools }");
  }
  const { principalHash, serverId, argsDigest = null, stateChanging = false } = options;
  const { clock = systemClock, random = randomBytes } = options;
  if (typeof clock !== "function" || typeof random !== "function") {
    throw invalid("expected clock and random as functions");
  }
  if (!isHexDigest(principalHash)) {
    throw invalid("expected principalHash as 64 lower-case hex digits");
  }
  const fault = typeof serverId === "string" ? serverIdFault(serverId) : "expected a server id";
  if (fault !== undefined) throw invalid(fault);
  if (typeof stateChanging !== "boolean") throw invalid("expected stateChanging as a boolean");
  if (argsDigest !== null && !isDigestText(argsDigest)) {
    throw invalid("expected argsDigest as sha256: and 64 lower-case hex digits");
  }
  const grantedTools = toolNames(options.grantedTools);
  const maxInvocations = invocations(options.maxInvocations);
  const createdAtMs = readInstant(clock());
  if (createdAtMs === undefined) throw invalid("expected a clock that gives ms since the epoch");
  const expiresAtMs = createdAtMs + lifetimeMs(options.ttlSeconds);
  const seed = random(RANDOM_SIZE_BYTES);
  if (!(seed instanceof Uint8Array) || seed.length !== RANDOM_SIZE_BYTES) {
    throw invalid(`expected ${RANDOM_SIZE_BYTES} random bytes`);
  }
  const id = framedDigest(
    "portcullis:lease:v1",
    utf8(principalHash),
    utf8(serverId),
    u32le(grantedTools.length),
    ...grantedTools.map((name) => utf8(name)),
    u64le(createdAtMs),
    u64le(expiresAtMs),
    u64le(maxInvocations ?? 0),
    Uint8Array.of(stateChanging ? 1 : 0),
    argsDigestBytes(argsDigest),
    seed,
  );
  return Object.freeze({
    id,
    leaseId: id,
    principalHash,
    serverId,
    grantedTools,
    createdAtMs,
    expiresAtMs,
    expiresAt: new Date(expiresAtMs).toISOString(),
    maxInvocations,
    remaining: maxInvocations,
    stateChanging,
    argsDigest,
    revoked: false,
  });
}

function toolNames(names: unknown): readonly string[] {
  if (!Array.isArray(names) || names.length === 0 || names.length > LIMIT_LEASE_TOOLS) {
    throw invalid(`expected 1 to ${LIMIT_LEASE_TOOLS} names of tools in grantedTools`);
  }
  const unique = new Set(names.map((name: unknown) => name));
  const checked: string[] = [];
  for (const name of unique) {
    if (!isToolName(name)) {
      const got = typeof name === "string" ? quote(name) : typeof name;
      throw invalid(`expected a name of 1 to ${LIMIT_NAME_BYTES} bytes, got ${got}`);
    }
    checked.push(name);
  }
  return Object.freeze(checked);
}

/** True for text that can be the name of a pinned tool. */
export function isToolName(name: unknown): name is string {
  if (typeof name !== "string" || name === "" || name.length > LIMIT_NAME_BYTES) return false;
  return isWellFormed(name) && utf8(name).length <= LIMIT_NAME_BYTES;
}

function invocations(count: unknown): number | null {
  if (count === undefined || count === null) return null;
  if (typeof count === "number" && Number.isInteger(count)) {
    if (count >= 1 && count <= LIMIT_LEASE_INVOCATIONS) return count;
  }
  throw invalid(
    `expected maxInvocations as a whole number from 1 to ${LIMIT_LEASE_INVOCATIONS}, got ${String(typeof count === "number" ? count : typeof count)}`,
  );
}

function lifetimeMs(ttlSeconds: unknown = LEASE_TTL_SECONDS_DEFAULT): number {
  // whole ms, rounded down: never longer than what was granted
  const ms = typeof ttlSeconds === "number" ? Math.floor(ttlSeconds * 1000) : Number.NaN;
  if (ms >= 1 && ms <= LIMIT_LEASE_TTL_SECONDS * 1000) return ms;
  throw invalid(`expected ttlSeconds above 0 and at most ${LIMIT_LEASE_TTL_SECONDS}`);
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
