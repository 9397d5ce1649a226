// The connections of one handler: a session of the legacy era has one to itself, requests of the modern
// era share them, so that the guard does not list for each request anew.
import { VERDICT_INTERNAL_FAULT } from "../abi/verdict.ts";
import { type CatalogChange, comesAfter } from "../catalog/succession.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { monotonicMs, randomBytes, randomUuid } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { GrantAccess } from "../guard/grant-access.ts";
import { CONSENT_KEY_SIZE } from "../proxy/consent-state.ts";
import { andThen, type Eventually, orElse } from "../proxy/eventually.ts";
import type { RecordSink } from "../proxy/records.ts";
import type { GuardSession } from "../proxy/session.ts";
import type { CommonState, SeenDrift } from "../proxy/session-options.ts";
import { knownDrift, startsAlike } from "../proxy/session-parts.ts";
import { SessionTasks } from "../proxy/tasks.ts";
import { createMemoryStore } from "../store/memory.ts";
import type { StateStore } from "../store/types.ts";
import type { Caller } from "./auth-types.ts";
import { groupOf, isSameCaller, NOBODY, sessionIdOf } from "./caller.ts";
import { Connection } from "./connection.ts";
import { LIMIT_SESSION_IDLE_MS } from "./limits.ts";
import type { GuardHandlerOptions } from "./options.ts";
import { type Held, Room } from "./room.ts";
import type { Upstreams } from "./upstreams.ts";

export interface ConnectionsOptions {
  readonly options: GuardHandlerOptions;
  readonly upstreams: Upstreams;
  readonly messageSizeMax: number;
  readonly recordFor: (caller: Caller) => RecordSink;
  readonly onFault: (fault: unknown) => void;
}

interface Lane extends Held {
  /** Protocol version and capabilities of the requests that it carries. */
  readonly context: string;
}

/** A request of the modern era that needs a connection. */
export interface LaneRequest {
  readonly serverId: string;
  readonly caller: Caller;
  readonly context: string;
  /** Id key; no other request with it may be in flight in the connection. */
  readonly key: string;
}

/** Uses a connection in the turn in which it is found; `undefined`: there is no room for one. */
export type Use<T> = (connection: Connection | undefined) => Eventually<T>;

/** Of connections that hold a message which belongs to none, and so start nothing. */
export const NO_CONTEXT = "";

export const SESSION_HEADER = "mcp-session-id";

export class Connections {
  readonly #own: ConnectionsOptions;
  readonly #store: StateStore;
  readonly #access: GrantAccess | undefined;
  readonly #consentKey: Uint8Array;
  readonly #sessions = new Map<string, Held>();
  /** How many sessions each caller has. */
  readonly #countOf = new Map<string, number>();
  readonly #lanes = new Map<string, Lane[]>();
  /** What the lanes of one caller at one server have in common. */
  readonly #tasks = new Map<string, SessionTasks>();
  readonly #room: Room;
  #catalog: TrustedCatalog;
  #epoch = 0;

  /** @throws {GuardError} CONFIG_INVALID for a short key, or a limit that is none */
  constructor(own: ConnectionsOptions) {
    const { options } = own;
    const { consentKey = randomBytes(CONSENT_KEY_SIZE) } = options;
    if (consentKey.length < CONSENT_KEY_SIZE) {
      const message = `expected a consentKey of at least ${CONSENT_KEY_SIZE} bytes, got ${consentKey.length}`;
      throw new GuardError("CONFIG_INVALID", message);
    }
    this.#own = own;
    this.#catalog = options.catalog;
    this.#room = new Room(options);
    // WHY: made here, so that labels and approvals hold for every connection of a caller
    this.#store = options.store ?? createMemoryStore();
    this.#access = this.#store.mode === "sync" ? new GrantAccess(this.#store) : undefined;
    this.#consentKey = new Uint8Array(consentKey);
  }

  get catalog(): TrustedCatalog {
    return this.#catalog;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get laneCount(): number {
    let count = 0;
    for (const lanes of this.#lanes.values()) count += lanes.length;
    return count;
  }

  /** Streams of events that are open to clients. */
  get streamCount(): number {
    return this.#all().reduce((count, { connection }) => count + connection.streamCount, 0);
  }

  /** Opens a session of the legacy era. */
  async openSession<T>(serverId: string, caller: Caller, use: Use<T>): Promise<T> {
    this.dropIdle();
    return await this.#opening(serverId, (drift) => {
      if (!this.#mayBeKept(serverId, drift)) return this.#once(serverId, caller, drift, use);
      return use(this.#orNoRoom(this.#makeSession(serverId, caller, drift), serverId, caller));
    });
  }

  #makeSession(serverId: string, caller: Caller, drift: SeenDrift): Connection | undefined {
    const own = sessionIdOf(caller);
    const ownCount = this.#countOf.get(own) ?? 0;
    if (!this.#room.hasSession(this.#sessions.size, ownCount)) return undefined;
    if (this.#isChild(serverId) && !this.#makeRoomForChild(caller)) return undefined;
    const id = randomUuid();
    const connection = this.#connect(serverId, caller, {
      era: "legacy",
      drift,
      tasks: new SessionTasks(),
      headers: { [SESSION_HEADER]: id },
      onEnd: () => {
        if (this.#sessions.delete(id)) this.#countOf.set(own, (this.#countOf.get(own) ?? 1) - 1);
        if (this.#countOf.get(own) === 0) this.#countOf.delete(own);
      },
    });
    this.#countOf.set(own, ownCount + 1);
    this.#sessions.set(id, { connection, serverId, caller, usedMs: this.#nowMs() });
    return connection;
  }

  /** The session with this id; `other` when it is somebody else's, or another server's. */
  findSession(id: string, serverId: string, caller: Caller): Connection | "other" | undefined {
    const held = this.#sessions.get(id);
    if (held === undefined) return undefined;
    const isOwn = held.serverId === serverId && isSameCaller(held.caller, caller);
    if (!isOwn) return "other";
    if (!held.connection.session.isDriftKnown) {
      // WHY: it refuses everything for good; a new one asks the store again
      held.connection.close("the store could not say what has drifted under the newer catalog");
      return undefined;
    }
    held.usedMs = this.#nowMs();
    return held.connection;
  }

  /** Finds a connection for a request of the modern era, or makes one. */
  async withLane<T>(wanted: LaneRequest, use: Use<T>): Promise<T> {
    const free = this.#freeLane(wanted);
    if (free !== undefined) return await use(free);
    const { serverId, caller } = wanted;
    return await this.#opening(serverId, (drift) => {
      if (!this.#mayBeKept(serverId, drift)) return this.#once(serverId, caller, drift, use);
      // somebody else may have made one meanwhile
      const lane = this.#freeLane(wanted) ?? this.#makeLane(wanted, drift);
      return use(this.#orNoRoom(lane, serverId, caller));
    });
  }

  #freeLane({ serverId, caller, context, key }: LaneRequest): Connection | undefined {
    const lanes = this.#lanes.get(groupOf(serverId, caller)) ?? [];
    const free = lanes.find(
      ({ context: other, connection }) =>
        other === context && this.#isUsable(connection) && !connection.isBusyWith(key),
    );
    if (free === undefined) return undefined;
    free.usedMs = this.#nowMs();
    return free.connection;
  }

  /** WHY: one that waits for its drift decides under the old catalog, one that has none refuses all. */
  #isUsable({ session }: Connection): boolean {
    return session.catalog === this.#catalog && session.isDriftKnown;
  }

  #makeLane({ serverId, caller, context }: LaneRequest, drift: SeenDrift): Connection | undefined {
    if (!this.#room.makeLane(this.#allLanes(), caller)) return undefined;
    const isChild = context !== NO_CONTEXT && this.#isChild(serverId);
    if (isChild && !this.#makeRoomForChild(caller)) return undefined;
    const group = groupOf(serverId, caller);
    const tasks = this.#tasks.get(group) ?? new SessionTasks();
    this.#tasks.set(group, tasks);
    const connection = this.#connect(serverId, caller, {
      era: "modern",
      drift,
      tasks,
      headers: {},
      onEnd: () => this.#forgetLane(group, connection),
    });
    const lane = { connection, serverId, caller, context, usedMs: this.#nowMs() };
    this.#lanes.set(group, [...(this.#lanes.get(group) ?? []), lane]);
    return connection;
  }

  /** What is refused for lack of room is recorded like everything that is refused. */
  #orNoRoom(
    connection: Connection | undefined,
    serverId: string,
    caller: Caller,
  ): Connection | undefined {
    if (connection !== undefined) return connection;
    const record = (session: GuardSession): void =>
      session.recordRefused("client", VERDICT_INTERNAL_FAULT, "too many connections");
    // WHY: another connection costs what there is no room for
    const own = this.#all().find(
      (held) => held.serverId === serverId && isSameCaller(held.caller, caller),
    );
    if (own === undefined) this.#recordOnce(serverId, caller, record);
    else record(own.connection.session);
    return undefined;
  }

  #recordOnce(serverId: string, caller: Caller, record: (session: GuardSession) => void): void {
    const once = this.#connectOnce(serverId, caller, "unreadable");
    record(once.session);
    once.close("");
  }

  /** A connection for a single message, which leads nowhere. */
  async #once<T>(serverId: string, caller: Caller, drift: SeenDrift, use: Use<T>): Promise<T> {
    const connection = this.#connectOnce(serverId, caller, drift);
    try {
      return await use(connection);
    } finally {
      connection.close("");
    }
  }

  #connectOnce(serverId: string, caller: Caller, drift: SeenDrift): Connection {
    return this.#connect(serverId, caller, {
      era: "modern",
      drift,
      tasks: new SessionTasks(),
      headers: {},
      onEnd: () => undefined,
    });
  }

  /** False where everything is refused: under a later catalog, or by a store in order, it may not be. */
  #mayBeKept(serverId: string, drift: SeenDrift): boolean {
    return drift !== "unreadable" && this.#catalog.servers.has(serverId);
  }

  /** Goes on with what has drifted of a server before, under the catalog that is in force then. */
  #opening<T>(serverId: string, go: (drift: SeenDrift) => Eventually<T>): Eventually<T> {
    const catalog = this.#catalog;
    const read = (): Eventually<SeenDrift> => knownDrift({ store: this.#store, serverId }, catalog);
    return andThen(orElse<SeenDrift>(read, "unreadable"), (drift) =>
      catalog === this.#catalog ? go(drift) : this.#opening(serverId, go),
    );
  }

  /** Ends what nobody has used for LIMIT_SESSION_IDLE_MS, and of other lanes those that are too many. */
  dropIdle(): void {
    const limit = this.#nowMs() - LIMIT_SESSION_IDLE_MS;
    for (const { connection, usedMs } of this.#all()) {
      if (connection.isIdle && usedMs <= limit) connection.close("the session was idle");
    }
    this.#room.dropSurplus(this.#allLanes());
  }

  /**
   * Puts a newer catalog in force for every connection. One whose server is reached in another way now
   * ends: what it speaks to is not what the operator signed.
   *
   * @throws {GuardError} CATALOG_ID, CATALOG_ROLLBACK, CATALOG_EQUIVOCATION or ROOT_CHAIN when it does
   *   not come after the one in force, and as `Upstreams.check`; the running catalog stays in force then
   */
  replaceCatalog(catalog: TrustedCatalog): CatalogChange {
    const before = this.#catalog;
    const isNew = comesAfter(before, catalog);
    if (isNew) {
      this.#own.upstreams.check(catalog);
      this.#own.options.onTakeOver?.(catalog);
      this.#catalog = catalog;
      this.#epoch += 1;
      for (const held of this.#all()) this.#takeOver(held, before);
    }
    return { isNew, before: before.version, now: catalog.version };
  }

  /** Records that a catalog was refused and the running one kept. */
  recordKept(detail: string): void {
    const [serverId = ""] = this.#catalog.servers.keys();
    this.#recordOnce(serverId, NOBODY, (session) => session.recordKept(detail));
  }

  close(): void {
    for (const { connection } of this.#all()) connection.close("the guard has ended");
  }

  #takeOver({ connection, serverId }: Held, before: TrustedCatalog): void {
    const server = this.#catalog.servers.get(serverId);
    if (server === undefined || !startsAlike(server, before.servers.get(serverId))) {
      connection.close("the catalog now reaches this server in another way, or not at all");
      return;
    }
    try {
      connection.session.replaceCatalog(this.#catalog);
    } catch (fault) {
      // no kernel for it: what cannot be decided under this catalog is not decided under the old one
      connection.close("the guard could not take over the catalog");
      this.#own.onFault(fault);
    }
  }

  #connect(
    serverId: string,
    caller: Caller,
    more: {
      readonly era: "legacy" | "modern";
      readonly drift: SeenDrift;
      readonly tasks: SessionTasks;
      readonly headers: Readonly<Record<string, string>>;
      readonly onEnd: () => void;
    },
  ): Connection {
    const { options, upstreams, messageSizeMax, recordFor, onFault } = this.#own;
    const { era, drift, tasks, headers, onEnd } = more;
    const common: CommonState = {
      access: this.#access,
      isStoreShared: options.store !== undefined,
      tasks,
      epoch: this.#epoch,
    };
    return new Connection({
      era,
      drift,
      link: upstreams.linkTo(this.#catalog, serverId, era),
      sessionHeaders: headers,
      onEnd: (fault) => {
        onEnd();
        if (fault !== undefined) onFault(fault);
      },
      session: {
        catalog: this.#catalog,
        serverId,
        principal: caller.principal,
        sessionId: sessionIdOf(caller),
        store: this.#store,
        common,
        consentKey: this.#consentKey,
        protectedPaths: options.protectedPaths,
        audit: options.audit,
        auditMode: options.auditMode,
        scopeCap: options.scopeCap,
        denyAs: options.denyAs,
        clock: options.clock,
        monotonic: options.monotonic,
        timer: options.timer,
        messageSizeMax,
        onRecord: recordFor(caller),
      },
    });
  }

  #all(): readonly Held[] {
    return [...this.#sessions.values(), ...this.#allLanes()];
  }

  #allLanes(): readonly Lane[] {
    return [...this.#lanes.values()].flat();
  }

  #nowMs(): number {
    return (this.#own.options.monotonic ?? monotonicMs)();
  }

  #makeRoomForChild(caller: Caller): boolean {
    const lanes = this.#allLanes().filter(({ context }) => context !== NO_CONTEXT);
    const all = [...this.#sessions.values(), ...lanes];
    const children = all.filter(({ serverId }) => this.#isChild(serverId));
    return this.#room.makeChild(children, caller);
  }

  #isChild(serverId: string): boolean {
    return this.#catalog.servers.get(serverId)?.command !== undefined;
  }

  #forgetLane(group: string, connection: Connection): void {
    const rest = (this.#lanes.get(group) ?? []).filter((lane) => lane.connection !== connection);
    if (rest.length > 0) {
      this.#lanes.set(group, rest);
      return;
    }
    this.#lanes.delete(group);
    this.#tasks.delete(group);
  }
}
