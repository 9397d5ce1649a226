// `portcullis pin`: what the servers offer now -> `catalog.toml` and its lock. Nothing is signed.
import { basename, dirname, join } from "node:path";

import { LIMIT_CATALOG_BYTES, LIMIT_ENVELOPE_BYTES } from "../abi/limits.ts";
import { utf8, utf8Text } from "../bytes.ts";
import { applyPins, pinnedFingerprint, type ServerPins } from "../catalog/edit.ts";
import { writeLock } from "../catalog/lock.ts";
import { digestFault, nameFault, serverIdFault } from "../catalog/names.ts";
import { parseCatalog } from "../catalog/parse.ts";
import { isTomlTable, member } from "../catalog/schema.ts";
import { readTomlText, tomlText } from "../catalog/toml.ts";
import type { Catalog, CatalogServer, Feature } from "../catalog/types.ts";
import { systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { listOf, usageFault } from "./arguments.ts";
import { draftCatalog, envelopeVersion, renewCatalog } from "./catalog-draft.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { readConfig } from "./config.ts";
import { inFile } from "./fault.ts";
import {
  makePrivateFolder,
  MODE_PUBLIC_FILE,
  readOptionalFile,
  writeFileAtomic,
} from "./files.ts";
import { authoringHome, DIR_OPTION, type Home } from "./home.ts";
import { listLiveServer, type LiveServer } from "./live-server.ts";
import { planPins } from "./pin-changes.ts";
import { openLock, updateLock } from "./pin-lock.ts";
import {
  describePinned,
  explainChanges,
  type PinnedServer,
  pinnedServerJson,
} from "./pin-report.ts";
import { CATALOG_NAME, ENVELOPE_NAME, LOCK_NAME, stateFile } from "./trust-files.ts";

const DEFAULT_ID = "my-agents";
const FEATURES_PINNED: readonly Feature[] = ["tools", "prompts", "resources"];
const NO_PINS: ServerPins = {
  tools: new Map(),
  prompts: new Map(),
  resources: new Map(),
  resourceTemplates: new Map(),
};

const spec: CommandSpec = {
  name: "pin",
  summary: "write what the servers offer now into catalog.toml",
  usage: "[SERVER...] [--expect sha256:...] | SERVER [--allow LIST] [--env LIST] -- CMD ARGS...",
  options: {
    expect: { type: "string", value: "sha256:...", help: "the server fingerprint that was approved" },
    prune: { type: "boolean", help: "take out what a server does not offer any more" },
    "dry-run": { type: "boolean", help: "show what would be pinned, and write nothing" },
    allow: { type: "string", value: "LIST", help: "features of a new server; default tools" },
    env: { type: "string", value: "LIST", help: "variables that a new server may see" },
    id: { type: "string", value: "ID", help: "id of a new catalog; default my-agents" },
    ...DIR_OPTION,
  },
  positionals: "SERVER...",
  takesCommand: true,
  notes: [
    "Starts each server with the command of the catalog, lists it, and shows what differs from the\n" +
      "pins. Without SERVER: every server. A command behind `--` makes a new entry.",
    "Scope and effect of new items are proposals from the words of their names. Review them, then\n" +
      "sign. When the version of the catalog was signed or accepted before, it goes up by one, and\n" +
      "`issued` and `expires` are renewed.",
  ],
  examples: [
    "portcullis pin files -- npx -y @modelcontextprotocol/server-filesystem@2026.8.31 /workspace",
    "portcullis pin files --expect sha256:9f2c...",
  ],
};

/** A server that is to be pinned. */
interface Target {
  readonly id: string;
  readonly server: CatalogServer | undefined;
  readonly command: readonly string[];
  readonly env: readonly string[];
  readonly allow: readonly Feature[];
}

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const expected = readExpected(args);
  const home = authoringHome(args, io);
  const file = join(home.path, CATALOG_NAME);
  const bytes = home.exists ? readOptionalFile(file, LIMIT_CATALOG_BYTES) : undefined;
  const original = inFile(file, () => (bytes === undefined ? undefined : tomlText(bytes, "CATALOG")));
  const start = original ?? draftCatalog(newCatalogId(args, home), systemClock());
  const ids = targetIds(args, start);
  let text = inFile(file, () => withFreshFingerprints(start, ids));
  const before = inFile(file, () => parseCatalog(utf8(text)));
  const targets = ids.map((id) => targetOf(id, args, before));
  const live = new Map<string, LiveServer>();
  const reports: PinnedServer[] = [];
  for (const target of targets) {
    announce(target, home, io);
    const listed = await listLiveServer(target);
    live.set(target.id, listed);
    const prunes = args.flag("prune");
    const plan = planPins(listed, { server: target.server, allow: target.allow, prunes });
    text = inFile(file, () => applyPins(text, target.id, withServer(plan.pins, target, plan.proposedScopes, args)));
    reports.push({
      id: target.id,
      isNew: target.server === undefined,
      fingerprint: pinnedFingerprint(text, target.id),
      offered: plan.offered,
      changes: plan.changes,
      proposedScopes: plan.proposedScopes,
    });
  }
  const mismatch = reports.find(({ fingerprint }) => expected !== undefined && fingerprint !== expected);
  if (mismatch !== undefined) return refusal(reports, mismatch, expected ?? "", io);
  const isChanged = text !== original;
  const renewed = isChanged ? await renew(text, home, file) : undefined;
  text = renewed?.text ?? text;
  const catalog = inFile(file, () => parseCatalog(utf8(text)));
  const writes = isChanged && !args.flag("dry-run");
  if (!args.flag("dry-run")) writePins(home.path, isChanged ? text : undefined, catalog, live, io);
  return result(reports, { file, writes, catalog, from: before.version, isRenewed: renewed?.isRenewed ?? false }, args, io);
}

function readExpected(args: Arguments): string | undefined {
  const expected = args.text("expect");
  if (expected === undefined) return undefined;
  const wanted = digestFault(expected);
  if (wanted !== undefined) throw usageFault(spec, `--expect of ${wanted.slice(9)}`, quote(expected));
  if (args.positionals.length === 1) return expected;
  throw usageFault(spec, "one SERVER with --expect", `${args.positionals.length}`);
}
