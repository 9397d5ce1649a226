// `portcullis pin`: what the servers offer now -> `catalog.toml` and its lock. Nothing is signed.
import { basename, dirname, join } from "node:path";

import { LIMIT_CATALOG_BYTES, LIMIT_ENVELOPE_BYTES } from "../abi/limits.ts";
import { utf8 } from "../bytes.ts";
import { type CatalogLock, writeLock } from "../catalog/lock.ts";
import { digestFault, nameFault } from "../catalog/names.ts";
import { parseCatalog } from "../catalog/parse.ts";
import { tomlText } from "../catalog/toml.ts";
import type { Catalog } from "../catalog/types.ts";
import { systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { reportServer } from "../manifest/drift-report.ts";
import { usageFault } from "./arguments.ts";
import { draftCatalog, envelopeVersion, renewCatalog } from "./catalog-draft.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { readConfig } from "./config.ts";
import { inFile } from "./fault.ts";
import { MODE_PUBLIC_FILE, makePrivateFolder, readOptionalFile, writeFileAtomic } from "./files.ts";
import { authoringHome, DIR_OPTION, type Home } from "./home.ts";
import { type LiveServer, listLive, liveServerOf, liveTextsOf } from "./live-server.ts";
import { openLock, updateLock } from "./pin-lock.ts";
import { applyPlan } from "./pin-plan.ts";
import {
  describePinned,
  explainChanges,
  type PinnedServer,
  pinnedServerJson,
} from "./pin-report.ts";
import { type PinTarget, targetIds, targetOf, withOwnFingerprints } from "./pin-targets.ts";
import { confirmStart } from "./start-server.ts";
import { CATALOG_NAME, ENVELOPE_NAME, LOCK_NAME, stateFile } from "./trust-files.ts";

const DEFAULT_ID = "my-agents";

const spec: CommandSpec = {
  name: "pin",
  summary: "write what the servers offer now into catalog.toml",
  usage:
    "[SERVER...] [--expect sha256:...] [--prune] [--dry-run] [--yes]\n" +
    "       portcullis pin SERVER [--allow LIST] [--env LIST] -- CMD ARGS...",
  options: {
    expect: {
      type: "string",
      value: "sha256:...",
      help: "the server fingerprint that was approved",
    },
    prune: { type: "boolean", help: "take out what a server does not offer any more" },
    "dry-run": { type: "boolean", help: "show what would be pinned, and write nothing" },
    allow: { type: "string", value: "LIST", help: "features of a new server; default tools" },
    env: { type: "string", value: "LIST", help: "variables that a new server may see" },
    yes: { type: "boolean", help: "start the commands of a .portcullis above the current folder" },
    id: { type: "string", value: "ID", help: "id of a new catalog; default my-agents" },
    ...DIR_OPTION,
  },
  positionals: "SERVER...",
  takesCommand: true,
  notes: [
    "Starts each server with the command of the catalog, or asks at its url, lists it, and shows what\n" +
      "differs from the pins. Without SERVER: every server. A command behind `--` makes a new entry; one with\n" +
      "a url is written by hand first. A catalog that was found above the current folder may be somebody\n" +
      "else's: its servers are started or asked only after a yes on the terminal, or with --yes.",
    "Scope and effect of new items are proposals from the words of their names: review them, then\n" +
      "sign. When the version of the catalog was signed or accepted before, it goes up by one, and\n" +
      "`issued` and `expires` are renewed. Exit 1 when something was left out or --expect differs.",
  ],
  examples: [
    "portcullis pin files -- npx -y @modelcontextprotocol/server-filesystem@2026.8.31 /workspace",
    "portcullis pin files --dry-run",
  ],
};

/** A catalog while it is being pinned. */
interface Draft {
  readonly home: Home;
  /** `catalog.toml`. */
  readonly file: string;
  /** What is on disk; `undefined` when there is no catalog yet. */
  readonly original: string | undefined;
  readonly text: string;
  /** What `text` said before anything was pinned. */
  readonly before: Catalog;
  /** The texts that were pinned. */
  readonly lock: CatalogLock;
}

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const expected = readExpected(args);
  const draft = openDraft(args, io);
  const { file } = draft;
  const live = new Map<string, LiveServer>();
  const reports: PinnedServer[] = [];
  let { text } = draft;
  for (const id of targetIds(spec, args, text)) {
    const target = targetOf(spec, args, draft.before, id);
    const pinned = await pinServer(target, { ...draft, text }, args, io);
    live.set(id, pinned.live);
    reports.push(pinned.report);
    text = pinned.text;
  }
  const [only] = reports;
  if (expected !== undefined && only?.fingerprint !== expected) {
    return refusal(reports, expected, io);
  }
  const next = await renewed(draft, text);
  const catalog = inFile(file, () => parseCatalog(utf8(next)));
  const writes = !args.flag("dry-run");
  if (writes) write(draft, next, catalog, live);
  return result(reports, { draft, catalog, isChanged: next !== draft.original, writes }, io);
}

/** Starts one server, lists it, and puts its pins into the text of the draft. */
async function pinServer(
  target: PinTarget,
  draft: Draft,
  args: Arguments,
  io: Io,
): Promise<{ readonly live: LiveServer; readonly report: PinnedServer; readonly text: string }> {
  const { id, server } = target;
  const consent = { isTyped: args.command !== undefined, isGiven: args.flag("yes") };
  await confirmStart(target, draft.home, consent, io);
  const manifest = await listLive(target, io.env);
  const live = liveServerOf(target, manifest);
  const applied = inFile(draft.file, () => applyPlan(draft.text, target, live, args.flag("prune")));
  const { changes, offered } = applied.plan;
  const locked = draft.lock.servers.get(id);
  const report: PinnedServer = {
    id,
    isNew: server === undefined,
    fingerprint: applied.fingerprint,
    offered,
    changes,
    drift:
      server === undefined
        ? undefined
        : reportServer(server, locked, liveTextsOf(target, manifest)),
  };
  return { live, report, text: applied.text };
}

/** @throws {GuardError} USAGE when `--expect` is no digest, or not of exactly one server. */
function readExpected(args: Arguments): string | undefined {
  const expected = args.text("expect");
  if (expected === undefined) return undefined;
  if (digestFault(expected) !== undefined) {
    throw usageFault(spec, "--expect sha256: and 64 lower-case hex digits", quote(expected));
  }
  if (args.positionals.length === 1) return expected;
  throw usageFault(spec, "one SERVER with --expect", `${args.positionals.length}`);
}

function openDraft(args: Arguments, io: Io): Draft {
  const home = authoringHome(args, io);
  const file = join(home.path, CATALOG_NAME);
  const bytes = home.exists ? readOptionalFile(file, LIMIT_CATALOG_BYTES) : undefined;
  const original = bytes === undefined ? undefined : inFile(file, () => tomlText(bytes, "CATALOG"));
  if (original !== undefined && args.text("id") !== undefined) {
    throw usageFault(spec, "--id for a new catalog only", "one that is there");
  }
  const start = original ?? draftCatalog(newCatalogId(args, home), systemClock());
  const text = inFile(file, () => withOwnFingerprints(start, targetIds(spec, args, start)));
  const before = inFile(file, () => parseCatalog(utf8(text)));
  return { home, file, original, text, before, lock: readLockFile(home, io) };
}

/** `--id`, else the id this host expects, else the folder a `.portcullis` is in, else a default. */
function newCatalogId(args: Arguments, home: Home): string {
  const given = args.text("id");
  if (given !== undefined) {
    const wanted = nameFault(given);
    if (wanted === undefined) return given;
    throw new GuardError("USAGE", `${wanted} as --id, got ${quote(given)}`);
  }
  const known = home.exists ? readConfig(home.path).id : undefined;
  if (known !== undefined) return known;
  const project = basename(home.path) === ".portcullis" ? basename(dirname(home.path)) : "";
  return nameFault(project) === undefined ? project : DEFAULT_ID;
}

function readLockFile(home: Home, io: Io): CatalogLock {
  const file = join(home.path, LOCK_NAME);
  const bytes = home.exists ? readOptionalFile(file, LIMIT_ENVELOPE_BYTES) : undefined;
  return openLock(bytes, (why) =>
    io.note(`catalog.lock.json is damaged and is written anew: ${why}`),
  );
}

/** The text with the next version, when its own was signed or accepted before. */
async function renewed(draft: Draft, text: string): Promise<string> {
  const { home, original, file, before } = draft;
  if (text === original || !home.exists) return text;
  const envelope = readOptionalFile(join(home.path, ENVELOPE_NAME), LIMIT_ENVELOPE_BYTES);
  const accepted = (await stateFile(home.path).load())?.catalogVersion ?? 0;
  const seen = Math.max(accepted, envelopeVersion(envelope));
  if (before.version > seen) return text;
  return inFile(file, () =>
    renewCatalog(text, before, { version: seen + 1, nowMs: systemClock() }),
  );
}

function write(
  draft: Draft,
  text: string,
  catalog: Catalog,
  live: ReadonlyMap<string, LiveServer>,
): void {
  const { home, file, original, lock } = draft;
  if (!home.exists) makePrivateFolder(home.path);
  if (text !== original) writeFileAtomic(file, text, MODE_PUBLIC_FILE);
  const lockFile = join(home.path, LOCK_NAME);
  writeFileAtomic(lockFile, writeLock(updateLock(lock, catalog, live)), MODE_PUBLIC_FILE);
}

function refusal(reports: readonly PinnedServer[], expected: string, io: Io): CommandResult {
  const message =
    `expected the approved fingerprint ${expected}, got ${reports[0]?.fingerprint ?? "none"}; ` +
    "the server offers something else than what was approved, nothing was written";
  return {
    exitCode: 1,
    json: {
      written: false,
      servers: reports.map(pinnedServerJson),
      error: { code: "CATALOG_FINGERPRINT", message },
    },
    text: [...describeAll(reports, io), io.style.red(message)].join("\n"),
  };
}

function result(
  reports: readonly PinnedServer[],
  outcome: {
    readonly draft: Draft;
    readonly catalog: Catalog;
    readonly isChanged: boolean;
    readonly writes: boolean;
  },
  io: Io,
): CommandResult {
  const { draft, catalog, isChanged, writes } = outcome;
  const { style } = io;
  const from = draft.before.version;
  const isLeftOut = reports.some(({ changes }) => changes.some((one) => one.change === "left_out"));
  const version =
    from === catalog.version ? `version ${from}` : `version ${from} -> ${catalog.version}`;
  const last = !isChanged
    ? style.green("the catalog pins this already")
    : writes
      ? `written: ${draft.file}, ${version}; nothing is signed: review it, then \`portcullis sign\``
      : style.yellow(`not written: this was a dry run (${version})`);
  return {
    exitCode: isLeftOut ? 1 : 0,
    json: {
      catalog: draft.file,
      id: catalog.id,
      version: catalog.version,
      versionBefore: from,
      written: writes && isChanged,
      servers: reports.map(pinnedServerJson),
    },
    text: [...describeAll(reports, io), ...explainChanges(reports), last].join("\n"),
  };
}

function describeAll(reports: readonly PinnedServer[], io: Io): readonly string[] {
  return reports.flatMap((report) => [...describePinned(report, io.style), ""]);
}

export const pinCommand: ReportCommand = { spec, run };
