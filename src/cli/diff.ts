// `portcullis diff`: what the servers offer now against `catalog.toml`. Nothing is written.
import { join } from "node:path";

import { LIMIT_CATALOG_BYTES, LIMIT_ENVELOPE_BYTES } from "../abi/limits.ts";
import type { CatalogLock } from "../catalog/lock.ts";
import { parseCatalog } from "../catalog/parse.ts";
import { tomlText } from "../catalog/toml.ts";
import type { Catalog, CatalogServer } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import { driftJson } from "../manifest/drift.ts";
import { renderDrift } from "../manifest/drift-render.ts";
import { reportServer } from "../manifest/drift-report.ts";
import type { ServerDrift } from "../manifest/drift-types.ts";
import type { LiveManifest } from "../proxy/manifest-client.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { inFile, reportFault } from "./fault.ts";
import { readOptionalFile } from "./files.ts";
import { assertHomeExists, authoringHome, DIR_OPTION, type Home } from "./home.ts";
import { type LiveCommand, listLive, liveServerOf, liveTextsOf } from "./live-server.ts";
import { openLock } from "./pin-lock.ts";
import { applyPlan } from "./pin-plan.ts";
import { confirmStart } from "./start-server.ts";
import { CATALOG_NAME, LOCK_NAME } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "diff",
  summary: "what the servers offer now, against catalog.toml",
  usage: "[SERVER...] [--yes] [--dir DIR]",
  options: {
    yes: { type: "boolean", help: "start the commands of a .portcullis above the current folder" },
    ...DIR_OPTION,
  },
  positionals: "SERVER...",
  notes: [
    "Starts each server with the command of the catalog, or asks at its url, and lists it; without\n" +
      "SERVER: every server. Old texts come from catalog.lock.json and are shown when their digests are the\n" +
      "pinned ones.",
    "Exit 1 for drift and for what was never pinned. Exit 2 when nothing drifted and a server could\n" +
      "not be reached. What is pinned and not offered now is reported, and is no drift.",
  ],
  examples: ["portcullis diff", "portcullis diff filesystem --json"],
};

interface Subject {
  readonly home: Home;
  readonly text: string;
  readonly catalog: Catalog;
  readonly lock: CatalogLock;
}

type Outcome =
  | { readonly status: "compared"; readonly drift: ServerDrift; readonly approval?: string }
  | { readonly status: "unreachable"; readonly id: string; readonly fault: GuardError };

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const subject = openSubject(args, io);
  const outcomes: Outcome[] = [];
  for (const server of chosenServers(args, subject.catalog)) {
    outcomes.push(await compare(server, subject, args, io));
  }
  const faults = outcomes.flatMap((one) => (one.status === "unreachable" ? [one] : []));
  for (const { id, fault } of faults) {
    io.note(`${id}: ${(await reportFault(fault)).message} (${fault.code})`);
  }
  const isDrift = outcomes.some((one) => one.status === "compared" && one.drift.status === "drift");
  const [first] = faults;
  const error =
    isDrift || first === undefined
      ? {}
      : { error: await reportFault(withId(first.id, first.fault)) };
  return {
    exitCode: isDrift ? 1 : first === undefined ? 0 : 2,
    json: { servers: outcomes.map(outcomeJson), ...error },
    text: describe(outcomes, io),
  };
}

function openSubject(args: Arguments, io: Io): Subject {
  const home = authoringHome(args, io);
  assertHomeExists(home);
  const file = join(home.path, CATALOG_NAME);
  const bytes = readOptionalFile(file, LIMIT_CATALOG_BYTES);
  if (bytes === undefined) {
    const message = "expected a catalog, got none; start with `portcullis pin`";
    throw new GuardError("HOME_INCOMPLETE", message, { at: { file } });
  }
  const lock = readOptionalFile(join(home.path, LOCK_NAME), LIMIT_ENVELOPE_BYTES);
  return {
    home,
    text: inFile(file, () => tomlText(bytes, "CATALOG")),
    catalog: inFile(file, () => parseCatalog(bytes)),
    lock: openLock(lock, (why) =>
      io.note(`catalog.lock.json is damaged, so there are no old texts to show: ${why}`),
    ),
  };
}

/** @throws {GuardError} SERVER_UNKNOWN for a name that the catalog does not have. */
function chosenServers(args: Arguments, catalog: Catalog): readonly CatalogServer[] {
  if (args.positionals.length === 0) return [...catalog.servers.values()];
  return [...new Set(args.positionals)].map((id) => {
    const server = catalog.servers.get(id);
    if (server !== undefined) return server;
    const known = [...catalog.servers.keys()].join(", ") || "none";
    const message = `expected a server of the catalog (${known}), got ${quote(id)}`;
    throw new GuardError("SERVER_UNKNOWN", message);
  });
}

async function compare(
  server: CatalogServer,
  subject: Subject,
  args: Arguments,
  io: Io,
): Promise<Outcome> {
  const { id, command = [], url, headerEnv, env, allow } = server;
  const live: LiveCommand = { id, command, url, headerEnv, env, allow };
  const consent = { isTyped: false, isGiven: args.flag("yes") };
  await confirmStart(live, subject.home, consent, io);
  let manifest: LiveManifest;
  try {
    manifest = await listLive(live, io.env);
  } catch (fault) {
    if (!(fault instanceof GuardError)) throw fault;
    return { status: "unreachable", id, fault };
  }
  const drift = reportServer(server, subject.lock.servers.get(id), liveTextsOf(live, manifest));
  const approval =
    drift.status === "match" ? undefined : approvalOf(server, live, manifest, subject);
  return { status: "compared", drift, ...(approval === undefined ? {} : { approval }) };
}

/** The digest that `pin --expect` wants; `undefined` when there is something nobody can pin. */
function approvalOf(
  server: CatalogServer,
  live: LiveCommand,
  manifest: LiveManifest,
  { text }: Subject,
): string | undefined {
  try {
    return applyPlan(text, { ...live, server }, liveServerOf(live, manifest), false).fingerprint;
  } catch (fault) {
    if (fault instanceof GuardError) return undefined;
    throw fault;
  }
}

function outcomeJson(outcome: Outcome): Record<string, unknown> {
  if (outcome.status === "unreachable") {
    return { id: outcome.id, status: "unreachable", items: [] };
  }
  const { id, status, items } = outcome.drift;
  return { id, status, items: items.map(driftJson) };
}

function describe(outcomes: readonly Outcome[], { style }: Io): string {
  if (outcomes.length === 0) return "the catalog has no servers";
  const blocks = outcomes.map((outcome) => {
    if (outcome.status === "unreachable") {
      return `${style.bold(outcome.id)}  ${style.yellow("unreachable")}  ${outcome.fault.code}`;
    }
    const { drift, approval } = outcome;
    const report = renderDrift(drift, { colour: style.isColoured });
    if (drift.status === "match") return report;
    return approval === undefined
      ? `${report}\n  ${style.red("cannot be pinned: a definition is refused")}`
      : `${report}\n  approve what is shown: portcullis pin ${drift.id} --expect ${approval}`;
  });
  return blocks.join("\n");
}

function withId(id: string, fault: GuardError): GuardError {
  return new GuardError(fault.code, `${quote(id)}: ${fault.message}`, { cause: fault });
}

export const diffCommand: ReportCommand = { spec, run };
