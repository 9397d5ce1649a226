// The stdio guard as a process between a client and a server (50-proxy section 4).
import { constants } from "node:os";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { LIMIT_MESSAGE_STDIO_BYTES } from "../abi/limits.ts";
import { VERDICT_MALFORMED_MESSAGE } from "../abi/verdict.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogServer } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import type { SyncStateStore } from "../store/types.ts";
import { toDecision } from "../verdict.ts";
import { CatalogReload, type CatalogUpdates } from "./catalog-reload.ts";
import { LineSplitter } from "./framing.ts";
import { LIMIT_HELD_BYTES, LIMIT_OUTBOX_BYTES } from "./limits.ts";
import type { RecordSink } from "./records.ts";
import { GuardSession } from "./session.ts";
import type { GuardSettings } from "./session-options.ts";
import { type ChildExit, StdioChild } from "./stdio-child.ts";
import { eachChunk } from "./stdio-chunks.ts";
import { Outbox } from "./stdio-outbox.ts";
import { SIGNALLED_PATIENCE_MS, StdioSignals } from "./stdio-signals.ts";
import { systemTimer } from "./timer.ts";

export interface StdioGuardOptions extends GuardSettings {
  readonly catalog: TrustedCatalog;
  readonly serverId: string;
  /** argv; must be the catalog's. Default: the catalog's. */
  readonly command?: readonly string[] | undefined;
  /** Default `local`. */
  readonly principal?: string | undefined;
  /** What labels and approvals belong to. Default: this connection alone. */
  readonly sessionId?: string | undefined;
  /** Leases, approvals, labels and drift. Default: in memory, for this connection alone. */
  readonly store?: SyncStateStore | undefined;
  /** Default: those of this process. */
  readonly stdin?: Readable | undefined;
  readonly stdout?: Writable | undefined;
  /** Where the child's stderr goes. Default: it is inherited. */
  readonly stderr?: Writable | undefined;
  readonly onRecord?: RecordSink | undefined;
  /** Where newer catalogs come from; without it SIGHUP ends the server like SIGTERM. */
  readonly updates?: CatalogUpdates | undefined;
}

/** Milliseconds that a child's last output may take after its end, when others hold its pipe. */
const LAST_OUTPUT_MS = 500;

/**
 * Runs the guard in front of one server until either side is gone.
 *
 * Standard output carries protocol only. Signals go to the server's process group; with `updates`
 * SIGHUP does not, since it asks for the catalog to be read again.
 *
 * A fault of the guard ends the server, answers what waits, and is thrown.
 *
 * @returns the server's exit code, 128 + n when signal n ended it
 * @throws {GuardError} SERVER_UNKNOWN when the catalog does not name the server; SERVER_COMMAND
 *   when it names another command, or none; SERVER_START; SCOPE_UNKNOWN
 */
export async function runStdioGuard(options: StdioGuardOptions): Promise<number> {
  const { catalog, serverId } = options;
  const server = catalog.servers.get(serverId);
  if (server === undefined) {
    const message = `expected a server of the catalog, got ${quote(serverId)}; add it and sign the catalog`;
    throw new GuardError("SERVER_UNKNOWN", message);
  }
  const command = commandOf(server, options.command);
  const toClient = new Outbox(options.stdout ?? process.stdout);
  const early: Uint8Array[] = [];
  let toServer: Outbox | undefined;
  let pump: Pump | undefined;
  const session = new GuardSession({
    ...options,
    // WHY: nobody calls a timer who could catch its fault; before the pump there is nothing to time
    timer: (delayMs, run) => systemTimer(delayMs, () => pump?.feed(run)),
    toClient: (frame) => toClient.push(frame),
    toServer: (frame) => (toServer === undefined ? early.push(frame) : toServer.push(frame)),
  });
  const { onRecord, updates } = options;
  const signals = new StdioSignals(updates !== undefined);
  try {
    const stderr = options.stderr === undefined ? "inherit" : "pipe";
    const child = await StdioChild.start({ command, env: server.env, stderr });
    signals.sendTo(child);
    if (options.stderr !== undefined) child.stderr?.pipe(options.stderr, { end: false });
    toServer = new Outbox(child.stdin);
    for (const frame of early) toServer.push(frame);
    pump = new Pump({ session, child, toClient, toServer, onRecord, updates, serverId, signals });
    return await pump.run(options.stdin ?? process.stdin);
  } finally {
    signals.stop();
  }
}

/** The argv to start. */
function commandOf(server: CatalogServer, given: readonly string[] | undefined): readonly string[] {
  const pinned = server.command;
  if (pinned === undefined) {
    const message = `expected a server with a command, got ${quote(server.id)} with a url; use \`portcullis serve\``;
    throw new GuardError("SERVER_COMMAND", message);
  }
  const isSame =
    given === undefined ||
    (given.length === pinned.length && given.every((part, index) => part === pinned[index]));
  if (isSame) return pinned;
  const message = `expected the command of the catalog for ${quote(server.id)}, got ${quote(given.join(" "))}; pin the new command and sign the catalog`;
  throw new GuardError("SERVER_COMMAND", message);
}

interface PumpParts {
  readonly session: GuardSession;
  readonly child: StdioChild;
  readonly toClient: Outbox;
  readonly toServer: Outbox;
  readonly onRecord: RecordSink | undefined;
  readonly updates: CatalogUpdates | undefined;
  readonly serverId: string;
  readonly signals: StdioSignals;
}

/** Moves bytes in both directions until one side ends. */
class Pump {
  readonly #parts: PumpParts;
  #fault: { readonly error: unknown } | undefined;

  constructor(parts: PumpParts) {
    this.#parts = parts;
  }

  async run(stdin: Readable): Promise<number> {
    const child = this.#parts.child;
    const stopUpdates = this.#followUpdates();
    const upward = this.#pumpClient(stdin);
    const downward = this.#pumpServer();
    const exit = await child.exit;
    const limit = new Promise<void>((resolve) => setTimeout(resolve, LAST_OUTPUT_MS).unref());
    await Promise.race([downward, limit]);
    stopUpdates();
    try {
      this.#parts.session.serverGone(
        `server ${this.#parts.serverId} has ended (${describe(exit)})`,
      );
    } catch (error) {
      this.#fault ??= { error };
    }
    await this.#parts.toClient.drained();
    this.#parts.signals.stop();
    stdin.destroy();
    await upward;
    if (this.#fault !== undefined) throw this.#fault.error;
    return exitCode(exit);
  }

  async #pumpClient(stdin: Readable): Promise<void> {
    const { session, toClient, toServer } = this.#parts;
    const splitter = new LineSplitter(LIMIT_MESSAGE_STDIO_BYTES);
    const hasRoom = (): boolean =>
      toServer.hasRoom(0) &&
      // what the guard answers itself must not stop a client that writes before it reads
      toClient.hasRoom(LIMIT_OUTBOX_BYTES) &&
      session.heldBytes <= LIMIT_HELD_BYTES;
    const room = async (): Promise<void> => {
      await toServer.room(0);
      await toClient.room(LIMIT_OUTBOX_BYTES);
      await session.heldAtMost(LIMIT_HELD_BYTES);
    };
    await eachChunk(stdin, (chunk) => {
      this.feed(() => {
        for (const line of splitter.push(chunk)) session.fromClient(line);
      });
      toServer.flush();
      toClient.flush();
      return hasRoom() ? undefined : room();
    });
    this.feed(() => this.#recordRest("client", splitter.end()));
    this.feed(() => this.#parts.session.clientGone());
    await this.#parts.session.heldAtMost(0);
    this.#parts.toServer.flush();
    this.#parts.child.close();
  }

  async #pumpServer(): Promise<void> {
    const { child, session, toClient, toServer } = this.#parts;
    const splitter = new LineSplitter(LIMIT_MESSAGE_STDIO_BYTES);
    const room = async (): Promise<void> => {
      await toClient.room(0);
      await toServer.room(LIMIT_OUTBOX_BYTES);
    };
    await eachChunk(child.stdout, (chunk) => {
      this.feed(() => {
        for (const line of splitter.push(chunk)) session.fromServer(line);
      });
      toClient.flush();
      toServer.flush();
      return toClient.hasRoom(0) && toServer.hasRoom(LIMIT_OUTBOX_BYTES) ? undefined : room();
    });
    this.feed(() => this.#recordRest("server", splitter.end()));
  }

  /**
   * Runs what judges a message or writes a record. A fault of that ends the connection: nothing is
   * passed on unjudged.
   */
  feed(run: () => void): void {
    if (this.#fault !== undefined) return;
    try {
      run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#fault ??= { error };
    this.#parts.child.terminate(SIGNALLED_PATIENCE_MS);
  }

  #followUpdates(): () => void {
    const { session, updates } = this.#parts;
    if (updates === undefined) return () => undefined;
    const reload = new CatalogReload({
      session,
      updates,
      // what is put in force or recorded after a fault changes nothing any more
      apply: (run) => this.feed(run),
    });
    const stop = updates.begin((isAsked) => reload.request(isAsked));
    return () => {
      stop();
      reload.stop();
    };
  }

  #recordRest(sender: "client" | "server", sizeBytes: number): void {
    if (sizeBytes === 0) return;
    const { reason, code, outcome, layer } = toDecision(VERDICT_MALFORMED_MESSAGE);
    this.#parts.onRecord?.({
      kind: "drop",
      sender,
      server: this.#parts.serverId,
      reason,
      code,
      outcome,
      layer,
      detail: `${sizeBytes} bytes without a line feed at the end`,
    });
  }
}

function describe(exit: ChildExit): string {
  return exit.signal === null ? `exit code ${exit.code ?? 0}` : `signal ${exit.signal}`;
}

function exitCode(exit: ChildExit): number {
  if (exit.signal === null) return exit.code ?? 1;
  return 128 + (constants.signals[exit.signal] ?? 0);
}
