// What of a guarded connection depends on the catalog: made whole, and replaced whole, so that no
// message is ever judged by two catalogs (10-catalog section 3).
import { VERDICT_SERVER_NOT_ADMITTED } from "../abi/verdict.ts";
import type { AuditSink } from "../audit/event.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { Catalog, CatalogServer } from "../catalog/types.ts";
import type { Clock } from "../clock.ts";
import type { BoundServer } from "../guard/bound-server.ts";
import type { AsyncDecider } from "../guard/decide-async.ts";
import { DecisionEngine } from "../guard/engine.ts";
import type { GrantAccess } from "../guard/grant-access.ts";
import type { Grants } from "../guard/grants.ts";
import type { RequestIdentity } from "../guard/identity.ts";
import type { PolicyRule } from "../guard/policy-rule.ts";
import { bothCaps, matchPrincipal } from "../guard/principal-match.ts";
import type { ProtectedPaths } from "../guard/protected-paths.ts";
import { ScopeGuard } from "../guard/scope-guard.ts";
import type { Drift } from "../store/records.ts";
import type { StateStore } from "../store/types.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { Admission } from "./admission.ts";
import type { Eventually } from "./eventually.ts";
import { AllowedMethods } from "./methods.ts";
import type { RecordSink } from "./records.ts";
import { appendEvent } from "./session-audit.ts";
import { StickyDrift } from "./sticky-drift.ts";
import type { Timer } from "./timer.ts";

/** What of a connection stays the same under every catalog. */
export interface SessionBasis {
  readonly serverId: string;
  readonly identity: RequestIdentity;
  /** The session's hash, and those it descends from. */
  readonly sessions: readonly string[];
  readonly store: StateStore;
  /** Others use the store too: a question in it may be answered. */
  readonly isStoreShared: boolean;
  readonly rules: readonly PolicyRule[] | undefined;
  /** To the store; the labels that it could not take stay for every catalog. */
  readonly access: GrantAccess;
  /** Decides where the store answers later; `access` then knows of nothing, and allows nothing. */
  readonly later: AsyncDecider | undefined;
  /** Goes on with an answer: at once when it is there, else in a turn of its own. */
  readonly goOn: <T>(answer: Eventually<T>, go: (answer: T) => void) => void;
  /** Secret bytes that the guard's own `requestState` is sealed with. */
  readonly consentKey: Uint8Array;
  readonly protectedPaths: ProtectedPaths | undefined;
  readonly audit: AuditSink | undefined;
  readonly auditMode: "required" | "best-effort";
  /** Names of the scopes this session may use at most; `undefined` = no cap. */
  readonly scopeCap: readonly string[] | undefined;
  readonly denyAs: "error" | "result";
  /** Bytes of the largest message. */
  readonly messageSizeMax: number;
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
  readonly isDriftKnown: boolean;
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
  /**
   * Of `knownDrift`; `undefined` when it cannot be read: then the server is refused as a whole, until
   * the next catalog.
   *
   * WHY: a newer catalog, which may revoke something, takes over all the same; and a host that speaks
   * to many servers tells who asks for this one why nothing passes.
   */
  readonly drift: readonly Drift[] | undefined;
}

/**
 * Makes a kernel instance, an admission and everything else for one catalog.
 *
 * @throws {GuardError} SCOPE_UNKNOWN for an unknown scope in the cap of a new connection;
 *   KERNEL_LOAD, KERNEL_CAPACITY or IMAGE_INVALID when the kernel cannot be had
 */
export function makeParts(options: PartsOptions): SessionParts {
  const { basis, catalog, launched, isReload, drift: before } = options;
  const { serverId, clock, onRecord, protectedPaths } = basis;
  const match = matchPrincipal(catalog.catalog, basis.identity.principal, serverId);
  // WHY: a revocation must not fail because it also drops a scope that some session names
  const ownCap = isReload ? knownScopes(catalog.catalog, basis.scopeCap) : basis.scopeCap;
  const scopeCap = bothCaps(ownCap, match.scopeCap);
  const guard = ScopeGuard.fromCatalog(catalog, {
    clock,
    messageSizeMax: basis.messageSizeMax,
    ...(scopeCap !== undefined && { scopeCap }),
  });
  // a scope the catalog does not have is a fault, also where the principal's cap hides it
  guard.scopes(ownCap ?? []);
  const server = catalog.servers.get(serverId);
  const isOther = server !== undefined && !startsAlike(server, launched);
  const methods = new AllowedMethods(isOther ? undefined : server);
  const drift = new StickyDrift({
    ...{ serverId, catalogSha256: catalog.sha256, before: before ?? [] },
    store: before === undefined ? NO_DRIFT_STORE : basis.store,
  });
  const bound = guard.server(serverId);
  for (const { kind, name } of drift.before) {
    if (kind === "instructions") bound.markInstructionsDrifted();
    else bound.markDrifted(kind, name);
  }
  const engine = new DecisionEngine({
    guard,
    store: basis.access,
    rules: basis.rules,
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
    blocked: isOther ? OTHER_LAUNCH : before === undefined ? DRIFT_UNKNOWN : undefined,
    isDriftKnown: before !== undefined,
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
 * What has drifted of the server before, as the store has it.
 *
 * @throws {GuardError} STORE_UNAVAILABLE or STORE_CORRUPT, or rejects with them
 */
export function knownDrift(
  { store, serverId }: Pick<SessionBasis, "store" | "serverId">,
  catalog: TrustedCatalog,
): Eventually<readonly Drift[]> {
  // what is refused as a whole has no drift
  return catalog.servers.has(serverId) ? store.listDrift(serverId, catalog.sha256) : [];
}

const NO_DRIFT_STORE = { addDrift: () => undefined };

const DRIFT_UNKNOWN: Decision = Object.freeze({
  ...toDecision(VERDICT_SERVER_NOT_ADMITTED),
  message: "what has drifted of this server before cannot be read from the store",
  remedy: "mend the store, then connect to the server again through portcullis",
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
