// What of a guarded connection depends on the catalog: made whole, and replaced whole, so that no
// message is ever judged by two catalogs (10-catalog section 3).
import { VERDICT_SERVER_NOT_ADMITTED } from "../abi/verdict.ts";
import type { AuditSink } from "../audit/event.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { Catalog, CatalogServer } from "../catalog/types.ts";
import type { Clock } from "../clock.ts";
import type { BoundServer } from "../guard/bound-server.ts";
import { DecisionEngine } from "../guard/engine.ts";
import type { GrantAccess } from "../guard/grant-access.ts";
import type { Grants } from "../guard/grants.ts";
import type { RequestIdentity } from "../guard/identity.ts";
import { bothCaps, matchPrincipal } from "../guard/principal-match.ts";
import type { ProtectedPaths } from "../guard/protected-paths.ts";
import { ScopeGuard } from "../guard/scope-guard.ts";
import type { SyncStateStore } from "../store/types.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { Admission, type Timer } from "./admission.ts";
import { AllowedMethods } from "./methods.ts";
import type { RecordSink } from "./records.ts";
import { appendEvent } from "./session-audit.ts";
import { StickyDrift, type StickyDriftOptions } from "./sticky-drift.ts";

/** What of a connection stays the same under every catalog. */
export interface SessionBasis {
  readonly serverId: string;
  readonly identity: RequestIdentity;
  /** The session's hash, and those it descends from. */
  readonly sessions: readonly string[];
  readonly store: SyncStateStore;
  /** Others use the store too: a question in it may be answered. */
  readonly isStoreShared: boolean;
  /** To the store; the labels that it could not take stay for every catalog. */
  readonly access: GrantAccess;
  /** Secret bytes that the guard's own `requestState` is sealed with. */
  readonly consentKey: Uint8Array;
  readonly protectedPaths: ProtectedPaths | undefined;
  readonly audit: AuditSink | undefined;
  readonly auditMode: "required" | "best-effort";
  /** Names of the scopes this session may use at most; `undefined` = no cap. */
  readonly scopeCap: readonly string[] | undefined;
  readonly denyAs: "error" | "result";
  /** Bytes of the largest message that there is room for. */
  readonly roomBytes: () => number;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly timer: Timer;
  readonly uuid: () => string;
  /** Takes one whole line, its line feed included; see `GuardSessionOptions`. */
  readonly toClient: (frame: Uint8Array, callKey?: string) => void;
  readonly toServer: (frame: Uint8Array) => void;
  readonly onRecord: RecordSink | undefined;
}

/** What one guarded connection is made of under one catalog. */
export interface SessionParts extends SessionBasis {
  readonly catalog: TrustedCatalog;
  /** `undefined` when the catalog does not name the server: then nothing passes. */
  readonly server: CatalogServer | undefined;
  /** Refuses everything: what runs is not what the catalog would start, or its drift is not known. */
  readonly blocked: Decision | undefined;
  readonly guard: ScopeGuard;
  readonly engine: DecisionEngine;
  /** In the terms of this catalog. */
  readonly grants: Grants;
  readonly bound: BoundServer;
  readonly methods: AllowedMethods;
  readonly isKnownPrincipal: boolean;
  readonly drift: StickyDrift;
  readonly admission: Admission;
}

export interface PartsOptions {
  readonly basis: SessionBasis;
  readonly catalog: TrustedCatalog;
  /** The server as it was started; `undefined` when no catalog named it then. */
  readonly launched: CatalogServer | undefined;
  /** True for a connection that runs: then a cap by a scope that is no more grants nothing. */
  readonly isReload: boolean;
}

/** A server whose drift cannot be read is refused as a whole, until the next catalog. */
const NO_DRIFT_STORE = { addDrift: () => undefined, listDrift: () => [] };

/**
 * Makes a kernel instance, an admission and everything else for one catalog.
 *
 * @throws {GuardError} SCOPE_UNKNOWN for an unknown scope in the cap of a new connection;
 *   KERNEL_LOAD, KERNEL_CAPACITY or IMAGE_INVALID when the kernel cannot be had; for a new
 *   connection STORE_UNAVAILABLE or STORE_CORRUPT when the store cannot be read
 */
export function makeParts({ basis, catalog, launched, isReload }: PartsOptions): SessionParts {
  const { serverId, clock, onRecord, protectedPaths } = basis;
  const match = matchPrincipal(catalog.catalog, basis.identity.principal, serverId);
  // WHY: a revocation must not fail because it also drops a scope that some session names
  const ownCap = isReload ? knownScopes(catalog.catalog, basis.scopeCap) : basis.scopeCap;
  const scopeCap = bothCaps(ownCap, match.scopeCap);
  const guard = ScopeGuard.fromCatalog(catalog, {
    clock,
    messageSizeMax: basis.roomBytes(),
    ...(scopeCap !== undefined && { scopeCap }),
  });
  // a scope the catalog does not have is a fault, also where the principal's cap hides it
  guard.scopes(ownCap ?? []);
  const server = catalog.servers.get(serverId);
  const isOther = server !== undefined && !startsAlike(server, launched);
  const methods = new AllowedMethods(isOther ? undefined : server);
  const found = readDrift(basis, catalog, isReload);
  const drift = found ?? new StickyDrift({ ...driftOf(basis, catalog), store: NO_DRIFT_STORE });
  const bound = guard.server(serverId);
  for (const { kind, name } of drift.before) {
    if (kind === "instructions") bound.markInstructionsDrifted();
    else bound.markDrifted(kind, name);
  }
  const engine = new DecisionEngine({
    guard,
    store: basis.access,
    scopeCap: ownCap,
    protectedPaths,
  });
  const source = { ...basis, grants: engine.grants };
  const admission = new Admission({
    catalog,
    serverId,
    guard,
    methods,
    drift,
    monotonic: basis.monotonic,
    timer: basis.timer,
    uuid: basis.uuid,
    send: basis.toServer,
    record: (record) => onRecord?.({ server: serverId, ...record }),
    listed: (decision, items) => appendEvent(source, { kind: "list", decision, items }),
  });
  return {
    ...basis,
    catalog,
    server,
    blocked: isOther ? OTHER_LAUNCH : found === undefined ? DRIFT_UNKNOWN : undefined,
    guard,
    engine,
    grants: engine.grants,
    bound,
    methods,
    isKnownPrincipal: match.isKnown,
    drift,
    admission,
  };
}

/**
 * WHY: a connection begins with a store that can be read, or not at all; a newer catalog, which may
 * revoke something, takes over all the same.
 *
 * @returns `undefined` when the store of a running connection cannot be read
 */
function readDrift(
  basis: SessionBasis,
  catalog: TrustedCatalog,
  isReload: boolean,
): StickyDrift | undefined {
  // what is refused as a whole has no drift
  const isNamed = catalog.servers.has(basis.serverId);
  try {
    return new StickyDrift({
      ...driftOf(basis, catalog),
      ...(!isNamed && { store: NO_DRIFT_STORE }),
    });
  } catch (fault) {
    if (!isReload) throw fault;
    return undefined;
  }
}

function driftOf(
  { store, serverId }: SessionBasis,
  { sha256 }: TrustedCatalog,
): StickyDriftOptions {
  return { store, serverId, catalogSha256: sha256 };
}

const DRIFT_UNKNOWN: Decision = Object.freeze({
  ...toDecision(VERDICT_SERVER_NOT_ADMITTED),
  message: "what has drifted of this server before cannot be read from the store",
  remedy: "mend the store, then start the server again through portcullis",
});

const OTHER_LAUNCH: Decision = Object.freeze({
  ...toDecision(VERDICT_SERVER_NOT_ADMITTED),
  message: "the catalog now starts this server in another way than the one that runs was started",
  remedy: "start the server again through portcullis",
});

function knownScopes(
  catalog: Catalog,
  names: readonly string[] | undefined,
): readonly string[] | undefined {
  return names?.filter((name) => catalog.scopeBits.has(name));
}

/** True when both entries start, or reach, the same server in the same way. */
export function startsAlike(server: CatalogServer, launched: CatalogServer | undefined): boolean {
  return launched !== undefined && launchOf(server) === launchOf(launched);
}

function launchOf({ command, url, env, headerEnv }: CatalogServer): string {
  return JSON.stringify([
    command ?? null,
    url ?? null,
    [...env].sort(),
    [...headerEnv].map(([name, variable]) => `${name}\0${variable}`).sort(),
  ]);
}
