// The stdio guard without its process: lines in, lines out, records (50-proxy sections 2 to 4).
//
// Nothing is written upstream before the decision is exactly `allow`, and what was judged is what
// is forwarded: the same bytes.
import { VERDICT_ALLOWED, VERDICT_CATALOG_UNTRUSTED } from "../abi/verdict.ts";
import { type CatalogChange, comesAfter } from "../catalog/succession.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogServer } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import type { Drift } from "../store/records.ts";
import { toDecision } from "../verdict.ts";
import { ClientSide } from "./client-side.ts";
import { type Eventually, orElse } from "./eventually.ts";
import type { FramedLine } from "./framing.ts";
import { ServerSide } from "./server-side.ts";
import { basisOf } from "./session-basis.ts";
import type { GuardSessionOptions, SeenDrift } from "./session-options.ts";
import { knownDrift, makeParts, type SessionBasis, type SessionParts } from "./session-parts.ts";
import { SessionState } from "./session-state.ts";

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
    const { catalog, serverId, common } = options;
    this.#onTakeOver = options.onTakeOver;
    this.#onKept = options.onKept;
    this.#laterTurn = options.laterTurn;
    this.#basis = basisOf(options, {
      goOn: (answer, go) => this.#goOn(answer, go),
      turn: (run) => this.#turn(run),
    });
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

  /** True for an id that no new request may have: it is pending, or was cancelled and not answered. */
  isTaken(idKey: string): boolean {
    return this.isPending(idKey) || this.#state.cancelled.has(idKey);
  }

  /** Takes one line of the client. */
  fromClient(line: FramedLine): void {
    this.#turn(() => this.#client.take(line));
  }

  /** Takes one line of the server. */
  fromServer(line: FramedLine): void {
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

/** `undefined`: it cannot be read. */
type KnownDrift = readonly Drift[] | undefined;

function atOnce(run: () => void): void {
  run();
}

function detailOf(fault: unknown): string {
  return fault instanceof GuardError ? `${fault.code}: ${fault.message}` : "a fault";
}
