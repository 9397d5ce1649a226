// `portcullis run`: the stdio guard. Standard output belongs to the protocol.
import { closeSync, openSync, realpathSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";

import type { CatalogEvidence } from "../audit/evidence.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import { ProtectedPaths } from "../guard/protected-paths.ts";
import type { CatalogUpdates } from "../proxy/catalog-reload.ts";
import type { GuardRecord } from "../proxy/records.ts";
import { runStdioGuard } from "../proxy/stdio-run.ts";
import { stdioSession } from "../proxy/stdio-session.ts";
import { createProcessStore } from "../store/process-only.ts";
import type { SyncStateStore } from "../store/types.ts";
import { listOf, requiredText, usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec, Io, StreamCommand } from "./command.ts";
import { type FaultReport, reportFault } from "./fault.ts";
import { ioFault, MODE_PRIVATE_FILE } from "./files.ts";
import { DIR_OPTION, guardHome, type Home } from "./home.ts";
import { RunAudit } from "./run-audit.ts";
import { openState } from "./state-db.ts";
import { openHome } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "run",
  summary: "the guard in front of a stdio server",
  usage:
    "--server ID [--principal P] [--session S] [--scope-cap LIST] [--deny-as error|result]\n" +
    "         [--record FILE] [--dir DIR] [-- CMD ARGS...]",
  options: {
    server: { type: "string", value: "ID", help: "server id of the catalog" },
    principal: { type: "string", value: "P", help: "who calls; default local" },
    session: { type: "string", value: "S", help: "names the session; default: that of the client" },
    "scope-cap": { type: "string", value: "LIST", help: "scopes this session may use at most" },
    "deny-as": {
      type: "string",
      value: "KIND",
      help: "a refusal is an `error` (default) or a `result`",
    },
    record: { type: "string", value: "FILE", help: "append one JSON line for every decision" },
    ...DIR_OPTION,
  },
  takesCommand: true,
  notes: [
    "Without CMD the command of the catalog is run; with one it must be that command. When the\n" +
      "catalog cannot be verified nothing is started (exit 2), else the exit code is the server's.",
    "Leases, approvals, labels of sessions and drift are in `state.db` of the home; when it cannot be\n" +
      "opened nothing is started. Where a call asks, a person answers in the client, or with\n" +
      "`portcullis consent`. No argument of a call may name the home.",
    "SIGHUP, or a change of the signed files in the home, makes the guard verify them again: a good\n" +
      "catalog takes over without a restart; a bad one is refused, and the running one stays in\n" +
      "force until it expires.",
  ],
  examples: [
    "portcullis run --server filesystem",
    "portcullis run --server filesystem --scope-cap fs.read",
  ],
};

async function stream(args: Arguments, io: Io): Promise<number> {
  const serverId = requiredText(spec, args, "server");
  const denyAs = readDenyAs(args.text("deny-as"));
  const cap = args.text("scope-cap");
  const principal = args.text("principal") ?? PRINCIPAL_DEFAULT;
  if (principal === "") throw usageFault(spec, "a principal", "an empty name");
  const updates = new HomeUpdates(args, io);
  try {
    return await guard(args, io, { serverId, denyAs, cap, principal, updates });
  } finally {
    updates.close();
  }
}

interface GuardSettings {
  readonly serverId: string;
  readonly denyAs: "error" | "result";
  readonly cap: string | undefined;
  readonly principal: string;
  readonly updates: HomeUpdates;
}

async function guard(args: Arguments, io: Io, settings: GuardSettings): Promise<number> {
  const { serverId, denyAs, cap, principal, updates } = settings;
  const catalog = await updates.open();
  const home = guardHome(args, io);
  const session = sessionOf(args, io, principal);
  const record = args.text("record");
  const recorder =
    record === undefined
      ? undefined
      : openRecorder(resolve(io.cwd, record), { principal, session });
  let store: SyncStateStore | undefined;
  let audit: RunAudit | undefined;
  try {
    store = openStateOrOwn(home, io);
    audit = await RunAudit.open(home, catalog, { store, files: updates.files, io });
    const { sink } = audit;
    const onTakeOver = (next: TrustedCatalog): void => audit?.useCatalog(next);
    return await runStdioGuard({
      catalog,
      serverId,
      principal,
      sessionId: session,
      store,
      audit: sink,
      auditMode: updates.auditMode,
      onTakeOver,
      protectedPaths: ProtectedPaths.of(namesOf(home.path)),
      denyAs,
      updates,
      ...(args.command === undefined ? {} : { command: args.command }),
      ...(cap === undefined ? {} : { scopeCap: listOf(spec, "scope-cap", cap) }),
      ...(recorder === undefined ? {} : { onRecord: recorder.write }),
    });
  } finally {
    await audit?.close();
    store?.close();
    recorder?.close();
  }
}

/**
 * The store of the home. Without SQLite the guard runs all the same: what needs a lease, an approval or
 * knowledge of the session is refused.
 */
function openStateOrOwn(home: Home, io: Io): SyncStateStore {
  try {
    return openState(home);
  } catch (fault) {
    if (!(fault instanceof GuardError) || fault.code !== "DEPENDENCY_MISSING") throw fault;
    io.note(`leases, approvals and taint stops are refused: ${fault.message}`);
    return createProcessStore();
  }
}

/** A folder as it is called here, and as the file system calls it. */
function namesOf(folder: string): readonly string[] {
  return [...new Set([folder, realpathSync(folder)])];
}

/** `--session`, else `PORTCULLIS_SESSION`, else the session of the client that started this. */
function sessionOf(args: Arguments, io: Io, principal: string): string {
  const typed = args.text("session");
  if (typed === "") throw usageFault(spec, "the name of a session", "an empty one");
  const variable = io.env["PORTCULLIS_SESSION"];
  const explicit = typed ?? (variable === "" ? undefined : variable);
  return stdioSession({ explicit, principal, home: guardHome(args, io).path });
}

/**
 * Newer catalogs from the home: on SIGHUP, and when its signed files change.
 *
 * SIGHUP is taken from the first moment on, so that one which comes early ends nothing.
 */
class HomeUpdates implements CatalogUpdates {
  /** What the last catalogs were verified from, by the SHA-256 of their payload. */
  readonly files: Map<string, CatalogEvidence> = new Map();
  auditMode: "required" | "best-effort" = "required";
  readonly #args: Arguments;
  readonly #io: Io;
  readonly #startedMs: number = systemClock();
  #request: ((isAsked: boolean) => void) | undefined;
  #isAskedEarly = false;
  readonly #onHangup = (): void => {
    if (this.#request === undefined) this.#isAskedEarly = true;
    else this.#request(true);
  };

  constructor(args: Arguments, io: Io) {
    this.#args = args;
    this.#io = io;
    process.on("SIGHUP", this.#onHangup);
  }

  async open(): Promise<TrustedCatalog> {
    const home = guardHome(this.#args, this.#io);
    const { catalog, config, evidence } = await openHome(home, { remembers: true });
    this.auditMode = config.audit;
    this.files.set(catalog.sha256, evidence);
    // the one in force, and the one that may take over
    for (const [sha256] of this.files) {
      if (this.files.size <= FILES_KEPT_MAX) break;
      this.files.delete(sha256);
    }
    return catalog;
  }

  begin(request: (isAsked: boolean) => void): () => void {
    this.#request = request;
    if (this.#isAskedEarly) request(true);
    let stopWatch: (() => void) | undefined;
    let hasEnded = false;
    void this.#watch(request).then((stop) => {
      if (hasEnded) stop();
      else stopWatch = stop;
    });
    return () => {
      hasEnded = true;
      stopWatch?.();
    };
  }

  explain(fault: unknown): Promise<FaultReport> {
    return reportFault(fault);
  }

  note(line: string): void {
    this.#io.note(line);
  }

  close(): void {
    process.off("SIGHUP", this.#onHangup);
  }

  async #watch(request: (isAsked: boolean) => void): Promise<() => void> {
    const onLost = (why: string): void =>
      this.note(`changes of the home are not noticed (${why}); send SIGHUP after each`);
    try {
      const { watchSignedFiles } = await import("./reload-watch.ts");
      return watchSignedFiles({
        folder: guardHome(this.#args, this.#io).path,
        sinceMs: this.#startedMs,
        onChange: () => request(false),
        onLost,
      });
    } catch (fault) {
      onLost((await reportFault(fault)).message);
      return () => undefined;
    }
  }
}

const FILES_KEPT_MAX = 4;

interface Recorder {
  readonly write: (record: GuardRecord) => void;
  readonly close: () => void;
}

/**
 * Appends records to a file of this user, one JSON text a line, each in one write.
 *
 * @throws {GuardError} FILE_UNREADABLE when the file cannot be opened.
 */
function openRecorder(
  file: string,
  who: { readonly principal: string; readonly session: string },
): Recorder {
  let handle: number;
  try {
    handle = openSync(file, "a", MODE_PRIVATE_FILE);
  } catch (cause) {
    throw ioFault("expected to append to the file", file, cause);
  }
  return {
    write: (record) => {
      const time = new Date(systemClock()).toISOString();
      writeSync(handle, `${JSON.stringify({ time, ...who, ...record })}\n`);
    },
    close: () => closeSync(handle),
  };
}

function readDenyAs(text: string | undefined): "error" | "result" {
  if (text === undefined || text === "error") return "error";
  if (text === "result") return text;
  throw usageFault(spec, "--deny-as error or result", quote(text));
}

export const runCommand: StreamCommand = { spec, stream };
