// The stdio guard without its process: lines in, lines out, records (50-proxy sections 2 to 4).
//
// Nothing is written upstream before the decision is exactly `allow`, and what was judged is what
// is forwarded: the same bytes.
import { LIMIT_MESSAGE_STDIO_BYTES } from "../abi/limits.ts";
import { VERDICT_ALLOWED, VERDICT_CATALOG_UNTRUSTED } from "../abi/verdict.ts";
import type { AuditSink } from "../audit/event.ts";
import { assertAdvances, type TrustState } from "../catalog/state.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogServer } from "../catalog/types.ts";
import { type Clock, monotonicMs, randomBytes, randomUuid, systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { AsyncDecider } from "../guard/decide-async.ts";
import { NO_GRANTS } from "../guard/gateway-parts.ts";
import { GrantAccess } from "../guard/grant-access.ts";
import {
  createRequestIdentity,
  isRequestIdentity,
  type RequestIdentity,
} from "../guard/identity.ts";
import type { PolicyRule } from "../guard/policy-rule.ts";
import { PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import type { ProtectedPaths } from "../guard/protected-paths.ts";
import { createMemoryStore } from "../store/memory.ts";
import type { Drift } from "../store/records.ts";
import type { StateStore } from "../store/types.ts";
import { toDecision } from "../verdict.ts";
import type { Timer } from "./admission.ts";
import { ClientSide } from "./client-side.ts";
import { CONSENT_KEY_SIZE } from "./consent-state.ts";
import { type Eventually, orElse } from "./eventually.ts";
import type { FramedLine } from "./framing.ts";
import type { RecordSink } from "./records.ts";
import { ServerSide } from "./server-side.ts";
import { knownDrift, makeParts, type SessionBasis, type SessionParts } from "./session-parts.ts";
import { SessionState } from "./session-state.ts";
import type { SessionTasks } from "./tasks.ts";

export interface GuardSessionOptions {
  readonly catalog: TrustedCatalog;
  readonly serverId: string;
  /** Who calls, in the place of `principal` and `sessionId`. */
  readonly identity?: RequestIdentity | undefined;
  /** Default `local`. */
  readonly principal?: string | undefined;
  /** What labels and approvals belong to. Default: this connection alone. */
  readonly sessionId?: string | undefined;
  /**
   * Leases, approvals, labels and drift. Default: in memory, for this connection alone, so that
   * nobody can be asked but in the client. One that answers later needs `GuardSession.open`.
   */
  readonly store?: StateStore | undefined;
  /** Others use the store, too: a question in it may be answered. Default: where one is given. */
  readonly isStoreShared?: boolean | undefined;
  /** Custom rules of the host; they can only tighten. */
  readonly rules?: readonly PolicyRule[] | undefined;
  /** At least 32 secret bytes for questions to modern clients. Default: fresh ones. */
  readonly consentKey?: Uint8Array | undefined;
  /** Paths that no argument may name. */
  readonly protectedPaths?: ProtectedPaths | undefined;
  /** Where decisions are logged; when it cannot write, what changes state is refused. */
  readonly audit?: AuditSink | undefined;
  /** `best-effort`: reads pass without a record. Default `required`. */
  readonly auditMode?: "required" | "best-effort" | undefined;
  /** Told of each newer catalog before anything is decided under it. */
  readonly onTakeOver?: ((catalog: TrustedCatalog) => void) | undefined;
  /**
   * Told when a newer catalog that waited for a store could not take over. Default: that is recorded,
   * and the running one stays.
   */
  readonly onKept?: ((fault: unknown) => void) | undefined;
  /**
   * Asked when something begins to wait for a store; what it gives runs what goes on behind the
   * answer. Default: it runs as it is, and a fault is the runtime's.
   */
  readonly laterTurn?: (() => (run: () => void) => void) | undefined;
  /** Names of the scopes this session may use at most. Default: no cap. */
  readonly scopeCap?: readonly string[] | undefined;
  /** How a refused tools/call is answered. Default `error`. */
  readonly denyAs?: "error" | "result" | undefined;
  /** ms since the epoch. Default: the wall clock. */
  readonly clock?: Clock | undefined;
  /** ms of a clock that never goes back. */
  readonly monotonic?: Clock | undefined;
  readonly timer?: Timer | undefined;
  readonly uuid?: (() => string) | undefined;
  /** Bytes of the largest message. Default 10 MiB. */
  readonly messageSizeMax?: number | undefined;
  /**
   * Bytes of messages that there is room for at first; for a larger one the session takes all the room
   * that it may need, and lists again. Default: room for every message.
   */
  readonly roomFirstBytes?: number | undefined;
  readonly onRecord?: RecordSink | undefined;
  /** What this connection has in common with others of the same identity. Default: nothing. */
  readonly common?: CommonState | undefined;
  /**
   * Takes one whole line with its line feed; it may be a view of a line that came in.
   *
   * @param callKey of a question of the guard: id key of the client's call that waits for it
   */
  readonly toClient: (frame: Uint8Array, callKey?: string) => void;
  readonly toServer: (frame: Uint8Array) => void;
}

/** State of several connections that are one session of one principal at one server. */
export interface CommonState {
  /**
   * To the store, with the labels that it could not take; `undefined` for one that answers later, whose
   * decider all of this process share anyway.
   */
  readonly access: GrantAccess | undefined;
  /** Others use the store as well: a question in it may be answered. */
  readonly isStoreShared: boolean;
  readonly tasks: SessionTasks;
  /** How many catalogs the others have seen replaced. */
  readonly epoch: number;
}

/** What a change of the catalog came to. */
export interface CatalogChange {
  /** False when it is the catalog that is in force, byte for byte: then nothing is changed. */
  readonly isNew: boolean;
  /** Version that was in force before. */
  readonly before: number;
  readonly now: number;
}

/**
 * One guarded connection between a client and a server.
 *
 * @example
 * const session = new GuardSession({ catalog, serverId: "filesystem", toClient, toServer });
 * for (const line of fromClient.push(chunk)) session.fromClient(line);
 */
export class GuardSession {
  readonly #client: ClientSide;
  readonly #server: ServerSide;
  readonly #state: SessionState;
  readonly #basis: SessionBasis;
  readonly #launched: CatalogServer | undefined;
  readonly #onTakeOver: GuardSessionOptions["onTakeOver"];
  readonly #onKept: GuardSessionOptions["onKept"];
  readonly #laterTurn: GuardSessionOptions["laterTurn"];
  readonly #messageSizeMax: number;
  #roomBytes: number;
  /** How many messages are being handled, one inside the other. */
  #depth = 0;
  /** The catalog that takes over when they are done. */
  #next: SessionParts | undefined;
  /** The newest catalog that was taken; in force once its drift was read. */
  #newest: TrustedCatalog;
  /** Settled when that is so, or cannot be; never rejects. */
  #replacing: Promise<void> | undefined;

  /**
   * A session with any store: what has drifted before is read first. With a store that answers later
   * calls wait for it, each behind the calls before it; other messages do not.
   *
   * @throws {GuardError} as the constructor
   */
  static async open(options: GuardSessionOptions): Promise<GuardSession> {
    const { catalog, serverId, store } = options;
    const drift = store === undefined ? [] : await knownDrift({ store, serverId }, catalog);
    return new GuardSession(options, drift);
  }

  /**
   * @param drift what has drifted before, where it was read already; a server whose drift is
   *   `unreadable` is refused as a whole
   * @throws {GuardError} SCOPE_UNKNOWN for an unknown scope in `scopeCap`; KERNEL_LOAD,
   *   KERNEL_CAPACITY or IMAGE_INVALID when the kernel cannot be had; ARGUMENT_INVALID for a
   *   principal or a session without a name, a short key, or a store that answers later;
   *   STORE_UNAVAILABLE or STORE_CORRUPT
   */
  constructor(options: GuardSessionOptions, drift?: SeenDrift) {
    const { catalog, serverId, consentKey = randomBytes(CONSENT_KEY_SIZE) } = options;
    if (consentKey.length < CONSENT_KEY_SIZE) {
      const message = `expected a key of at least ${CONSENT_KEY_SIZE} bytes, got ${consentKey.length}`;
      throw new GuardError("ARGUMENT_INVALID", message);
    }
    const timer = options.timer ?? systemTimer;
    this.#messageSizeMax = options.messageSizeMax ?? LIMIT_MESSAGE_STDIO_BYTES;
    this.#roomBytes = Math.min(
      options.roomFirstBytes ?? this.#messageSizeMax,
      this.#messageSizeMax,
    );
    this.#onTakeOver = options.onTakeOver;
    this.#onKept = options.onKept;
    this.#laterTurn = options.laterTurn;
    const store = options.store ?? createMemoryStore();
    const isLater = store.mode === "async";
    const { common } = options;
    const identity = identityOf(options);
    this.#basis = {
      serverId,
      identity,
      sessions: [identity.sessionHash, ...identity.ancestorHashes],
      store,
      isStoreShared: options.isStoreShared ?? common?.isStoreShared ?? options.store !== undefined,
      rules: options.rules,
      access: isLater ? new GrantAccess(NO_GRANTS) : (common?.access ?? new GrantAccess(store)),
      later: isLater ? AsyncDecider.of(store) : undefined,
      goOn: (answer, go) => this.#goOn(answer, go),
      consentKey: new Uint8Array(consentKey),
      protectedPaths: options.protectedPaths,
      audit: options.audit,
      auditMode: options.auditMode ?? "required",
      scopeCap: options.scopeCap,
      denyAs: options.denyAs ?? "error",
      roomBytes: () => this.#roomBytes,
      clock: options.clock ?? systemClock,
      monotonic: options.monotonic ?? monotonicMs,
      timer: (delayMs, run) => timer(delayMs, () => this.#turn(run)),
      uuid: options.uuid ?? randomUuid,
      toClient: options.toClient,
      toServer: options.toServer,
      onRecord: options.onRecord,
    };
    this.#launched = catalog.servers.get(serverId);
    this.#newest = catalog;
    const before = drift ?? knownDrift(this.#basis, catalog);
    if (before instanceof Promise) {
      void before.catch(() => undefined);
      const message = "expected a store that answers at once; use GuardSession.open with this one";
      throw new GuardError("ARGUMENT_INVALID", message);
    }
    const known = before === "unreadable" ? undefined : before;
    this.#state = new SessionState(this.#partsFor(catalog, known), common);
    this.#client = new ClientSide(this.#state);
    this.#server = new ServerSide(this.#state);
  }

  /** The catalog that decides the next message. */
  get catalog(): TrustedCatalog {
    return (this.#next ?? this.#state.parts).catalog;
  }

  /** While the newest catalog waits for a store: settled when it no longer does; never rejects. */
  get replacing(): Promise<void> | undefined {
    return this.#replacing;
  }

  /** False when the server is refused because the store could not say what has drifted of it. */
  get isDriftKnown(): boolean {
    return (this.#next ?? this.#state.parts).isDriftKnown;
  }

  /** True for a request of the client that waits for the server, for a listing or for a person. */
  isPending(idKey: string): boolean {
    return this.#state.pending.has(idKey);
  }

  /** Takes one line of the client. */
  fromClient(line: FramedLine): void {
    this.#makeRoom(line);
    this.#turn(() => this.#client.take(line));
  }

  /** Takes one line of the server. */
  fromServer(line: FramedLine): void {
    this.#makeRoom(line);
    this.#turn(() => this.#server.take(line));
  }

  /**
   * Puts a newer catalog in force between two messages; the connection, the server and the requests
   * that it has got stay. Everything is decided anew: nothing is admitted until the guard has
   * listed again, what waits is decided under the new catalog, and drift of the old one is
   * forgotten. While a message is handled, the change waits for its end.
   *
   * A server whose command, url, environment or headers the new catalog changes gets no further
   * message: what runs is not what the operator signed. With a store that answers later the change
   * waits until the drift under the new catalog was read, or cannot be.
   *
   * @throws {GuardError} CATALOG_ID, CATALOG_ROLLBACK, CATALOG_EQUIVOCATION or ROOT_CHAIN when it
   *   does not come after the one in force; KERNEL_LOAD, KERNEL_CAPACITY or IMAGE_INVALID. The
   *   running catalog stays in force then
   */
  replaceCatalog(catalog: TrustedCatalog): CatalogChange {
    const running = this.#newest;
    const isNew = comesAfter(running, catalog);
    if (isNew) {
      const drift = orElse<KnownDrift>(() => knownDrift(this.#basis, catalog), undefined);
      if (drift instanceof Promise) this.#prepareLater(catalog, drift);
      else this.#prepare(catalog, drift);
    }
    return { isNew, before: running.version, now: catalog.version };
  }

  /** Records a message that was refused before it became one of this connection. */
  recordRefused(sender: "client" | "server", verdict: number, detail: string): void {
    this.#turn(() => this.#state.drop(sender, verdict, detail));
  }

  /** Records that a catalog was refused and the running one kept. */
  recordKept(detail: string): void {
    const decision = toDecision(VERDICT_CATALOG_UNTRUSTED);
    this.#state.record("reload", decision, { sender: "guard", detail });
  }

  /** Refuses everything that waits for a person: the client, which is gone, gets no answer. */
  clientGone(): void {
    this.#turn(() => this.#state.desk.close());
  }

  /** Answers everything that waits for the server, which is gone. */
  serverGone(detail: string): void {
    this.#turn(() => this.#server.end(detail));
  }

  /** Runs behind everything that the server has said so far: at once, unless some of it waits. */
  behindServer(run: () => void): void {
    this.#state.behind(run);
  }

  /** Bytes of messages that wait for the guard's own listing. */
  get heldBytes(): number {
    return this.#state.heldBytes;
  }

  /** Resolves when at most `bytes` of messages wait for the guard's own listing. */
  heldAtMost(bytes: number): Promise<void> {
    return this.#state.heldAtMost(bytes);
  }

  #partsFor(catalog: TrustedCatalog, drift: KnownDrift, isReload = false): SessionParts {
    return makeParts({ basis: this.#basis, catalog, launched: this.#launched, isReload, drift });
  }

  #prepare(catalog: TrustedCatalog, drift: KnownDrift): void {
    this.#next = this.#partsFor(catalog, drift, true);
    this.#newest = catalog;
    if (this.#depth === 0) this.#takeOver();
  }

  #prepareLater(catalog: TrustedCatalog, answer: Promise<KnownDrift>): void {
    this.#newest = catalog;
    this.#goOn(answer, (drift) => {
      // a still newer one came meanwhile
      if (this.#newest !== catalog) return;
      try {
        this.#prepare(catalog, drift);
      } catch (fault) {
        this.#newest = this.catalog;
        if (this.#onKept !== undefined) this.#onKept(fault);
        else this.recordKept(detailOf(fault));
      }
    });
    // behind what is done with the answer
    const replacing = answer.then(() => {
      if (this.#replacing === replacing) this.#replacing = undefined;
    });
    this.#replacing = replacing;
  }

  #goOn<T>(answer: Eventually<T>, go: (answer: T) => void): void {
    if (!(answer instanceof Promise)) {
      go(answer);
      return;
    }
    const inTurn = this.#laterTurn?.() ?? atOnce;
    void answer.then((value) => inTurn(() => this.#turn(() => go(value))));
  }

  /**
   * Takes a kernel instance that can read the line, as for a newer catalog: nothing is admitted until
   * the guard has listed again.
   *
   * WHY: an instance for 4 MiB is 17 MB of address space, which an engine counts as if it were used; with a
   * thousand of them it collects garbage for most of its time
   */
  #makeRoom(line: FramedLine): void {
    if (line.kind !== "line" || this.#roomBytes >= this.#messageSizeMax) return;
    // half of the room is for what the guard itself adds to a message
    if (line.frame.length <= this.#roomBytes / 2) return;
    if (this.#depth > 0) {
      const message = "expected a message of the other side behind the one that is handled";
      throw new GuardError("KERNEL_CAPACITY", message);
    }
    this.#roomBytes = this.#messageSizeMax;
    const { drift, isDriftKnown } = this.#state.parts;
    const parts = this.#partsFor(this.catalog, isDriftKnown ? drift.kept : undefined, true);
    // WHY: the catalog is the same, so drift stays, also what the store has not taken yet
    for (const { kind, name } of drift.waiting) {
      parts.drift.saw(kind, name);
      if (kind === "instructions") parts.bound.markInstructionsDrifted();
      else parts.bound.markDrifted(kind, name);
    }
    const waiting = this.#state.replaceParts(parts);
    this.#turn(() => {
      for (const { again } of waiting) again();
      this.#state.tellRoom();
    });
  }

  /** Handles one message whole; a catalog that came meanwhile takes over behind it. */
  #turn(run: () => void): void {
    this.#depth += 1;
    try {
      run();
    } finally {
      this.#depth -= 1;
    }
    if (this.#depth === 0) this.#takeOver();
  }

  #takeOver(): void {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    const state = this.#state;
    const before = state.parts.catalog;
    this.#onTakeOver?.(next.catalog);
    const waiting = state.replaceParts(next);
    this.#turn(() => {
      const { catalog } = next;
      const detail = `catalog version ${catalog.version} (sha256:${catalog.sha256}) is in force in place of version ${before.version} (sha256:${before.sha256})`;
      state.record("reload", toDecision(VERDICT_ALLOWED), { sender: "guard", detail });
      if (!state.isServerGone) {
        const isOpen = (key: string): boolean => state.pending.has(key);
        for (const frame of state.listeners.frames(isOpen)) next.toClient(frame);
      }
      for (const { again } of waiting) again();
      state.tellRoom();
    });
  }
}

/** What a connection begins with of its server's drift. */
export type SeenDrift = readonly Drift[] | "unreadable";

/** `undefined`: it cannot be read. */
type KnownDrift = readonly Drift[] | undefined;

function atOnce(run: () => void): void {
  run();
}

function detailOf(fault: unknown): string {
  return fault instanceof GuardError ? `${fault.code}: ${fault.message}` : "a fault";
}

/** @throws {GuardError} ARGUMENT_INVALID for a look-alike, or a name that is none */
function identityOf({ identity, principal, sessionId }: GuardSessionOptions): RequestIdentity {
  if (identity === undefined) {
    return createRequestIdentity({
      principal: principal ?? PRINCIPAL_DEFAULT,
      sessionId: sessionId ?? `connection:${randomUuid()}`,
    });
  }
  if (isRequestIdentity(identity)) return identity;
  const message = "expected an identity of createRequestIdentity, got a look-alike";
  throw new GuardError("ARGUMENT_INVALID", message);
}

/**
 * True when `next` may take the place of the catalog that is in force; false when it is the same.
 *
 * @throws {GuardError} CATALOG_ID, CATALOG_ROLLBACK, CATALOG_EQUIVOCATION or ROOT_CHAIN
 */
export function comesAfter(running: TrustedCatalog, next: TrustedCatalog): boolean {
  if (next.id !== running.id) {
    const message = `expected catalog ${quote(running.id)}, got ${quote(next.id)}; start the guard again to change over`;
    throw new GuardError("CATALOG_ID", message);
  }
  assertAdvances(stateOf(running), stateOf(next));
  return next.sha256 !== running.sha256;
}

function stateOf({ root, version, sha256 }: TrustedCatalog): TrustState {
  return {
    rootVersion: root.version,
    rootSha256: root.sha256,
    catalogVersion: version,
    catalogSha256: sha256,
  };
}

/** `setTimeout`. */
export const systemTimer: Timer = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};
