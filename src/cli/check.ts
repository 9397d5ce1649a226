// `portcullis check`: what the guard would say to one call, layer by layer.
import { join, resolve } from "node:path";

import { LIMIT_DEFINITION_BYTES, LIMIT_ENVELOPE_BYTES } from "../abi/limits.ts";
import { utf8 } from "../bytes.ts";
import { lockedDefinition } from "../catalog/lock.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { ItemKind } from "../catalog/types.ts";
import { randomUuid } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { type ExplainedQuestion, explainCall } from "../guard/explained-call.ts";
import { createRequestIdentity } from "../guard/identity.ts";
import { PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import { ProtectedPaths } from "../guard/protected-paths.ts";
import { parseStrictJson } from "../kernel/strict-json.ts";
import { fingerprintTool } from "../manifest/fingerprint.ts";
import { readManifest } from "../manifest/read.ts";
import { createMemoryStore } from "../store/memory.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { listOf, requiredText, usageFault } from "./arguments.ts";
import { type ExplainedLayer, explainLayers, type LayerResult } from "./check-layers.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { inFile } from "./fault.ts";
import { readOptionalFile, readRequiredText } from "./files.ts";
import { DIR_OPTION, guardHome, type Home } from "./home.ts";
import { openLock } from "./pin-lock.ts";
import { withStateIfAny } from "./state-db.ts";
import { columns, type Style, visible } from "./style.ts";
import { LOCK_NAME, openHome } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "check",
  summary: "decide one call, explained layer by layer",
  usage:
    "--server S --tool T [--scope LIST] [--args JSON] [--principal P] [--session S]\n" +
    "         [--tool-json FILE] [--dir DIR]",
  options: {
    server: { type: "string", value: "S", help: "server id of the catalog" },
    tool: { type: "string", value: "T", help: "name of the tool" },
    scope: {
      type: "string",
      value: "LIST",
      help: "scopes the caller asks for; default: the tool's",
    },
    args: { type: "string", value: "JSON", help: "arguments of the call" },
    principal: { type: "string", value: "P", help: "who calls; default local" },
    session: {
      type: "string",
      value: "S",
      help: "in which session; else PORTCULLIS_SESSION, else a new one",
    },
    "tool-json": {
      type: "string",
      value: "FILE",
      help: "the live definition, compared with the pin",
    },
    ...DIR_OPTION,
  },
  notes: [
    "Without --tool-json the live definition is assumed to be the pinned one (admission: assumed).\n" +
      "Without --args nothing is said about arguments: those layers are not_given. With --args they\n" +
      "are held against the definition of --tool-json, else of catalog.lock.json.",
    "Leases, approvals and labels are read from state.db, and nothing is used up. Exit 0 when the\n" +
      "call is allowed, 1 when it is not.",
  ],
  examples: [
    "portcullis check --server filesystem --tool read_text_file",
    "portcullis check --server filesystem --tool write_file --scope fs.write --tool-json tool.json",
  ],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const server = requiredText(spec, args, "server");
  const tool = requiredText(spec, args, "tool");
  const scope = args.text("scope");
  const scopes = scope === undefined ? undefined : listOf(spec, "scope", scope);
  const argumentsText = readCallArguments(args.text("args"));
  const definition = readDefinition(args.text("tool-json"), tool, io);
  const principal = args.text("principal") ?? PRINCIPAL_DEFAULT;
  if (principal === "") throw usageFault(spec, "a principal", "an empty name");
  const session = args.text("session") ?? io.env["PORTCULLIS_SESSION"];
  if (session === "") throw usageFault(spec, "a session", "an empty name");
  const home = guardHome(args, io);
  const { catalog } = await openHome(home, { remembers: false });
  const locked =
    definition === undefined ? readLocked(home, catalog, [server, tool], io) : undefined;
  const isMessageRead = argumentsText === undefined || isStrictJson(argumentsText);
  const question: Omit<ExplainedQuestion, "drift"> = {
    identity: createRequestIdentity({ principal, sessionId: session ?? randomUuid() }),
    ...{ server, tool, scopes, definition, pinned: locked, isMessageRead },
    args: argumentsText === undefined ? undefined : utf8(argumentsText),
    protectedPaths: ProtectedPaths.of([home.path]),
  };
  const explained = withStateIfAny(args, io, (store) => {
    const drift = store?.listDrift(server, catalog.sha256) ?? [];
    return explainCall(catalog, { ...question, drift }, store ?? createMemoryStore());
  });
  const found = locked === undefined ? "none" : "locked";
  const layers = explainLayers({
    ...{ trusted: catalog, server, tool, principal, session, scopes, isMessageRead, explained },
    hasArguments: argumentsText !== undefined,
    definition: definition === undefined ? found : "given",
    labels: [...catalog.catalog.taintBits]
      .filter(([, bit]) => ((explained.engine.taint >>> bit) & 1) === 1)
      .map(([label]) => label),
  });
  const decision = toDecision(explained.frame.verdict);
  const { outcome, reason, code, layer } = decision;
  const { detail } = explained.engine;
  const message = layer === "arguments" && detail !== undefined ? detail : decision.message;
  const admission = definition === undefined ? "assumed" : "checked";
  return {
    exitCode: outcome === "allow" ? 0 : 1,
    json: { admission, decision: { outcome, reason, code, layer, message }, layers },
    text: describe({ ...decision, message }, admission, layers, io.style),
  };
}

/**
 * The text of the pinned definition in the lock; `undefined` where there is no lock, or no text in
 * it that has a pinned digest.
 *
 * @throws {GuardError} FILE_UNREADABLE
 */
function readLocked(
  home: Home,
  { catalog }: TrustedCatalog,
  [serverId, name]: readonly [serverId: string, tool: string],
  io: Io,
): Uint8Array | undefined {
  const file = join(home.path, LOCK_NAME);
  const bytes = readOptionalFile(file, LIMIT_ENVELOPE_BYTES);
  const fingerprints = catalog.servers.get(serverId)?.tools.get(name)?.fingerprints;
  if (bytes === undefined || fingerprints === undefined) return undefined;
  const lock = openLock(bytes, (why) => io.note(`${file}: ${why}`));
  const wanted = { serverId, kind: "tool" as const, name, fingerprints };
  const text = lockedDefinition(lock, wanted, digestOf);
  return text === undefined ? undefined : utf8(text);
}

function digestOf(_kind: ItemKind, canonical: string): string {
  try {
    return fingerprintTool(canonical);
  } catch {
    // a text that the strict reader refuses has the digest of no pin
    return "";
  }
}

/** @throws {GuardError} ARGUMENT_INVALID when `--args` is not the text of a JSON object. */
function readCallArguments(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return text;
  } catch {
    // not JSON at all: told below
  }
  throw new GuardError("ARGUMENT_INVALID", "expected a JSON object as --args, got something else");
}

/** True when the guard's reader takes the text: no duplicate members, no numbers that change. */
function isStrictJson(text: string): boolean {
  try {
    parseStrictJson(utf8(text));
    return true;
  } catch (fault) {
    if (fault instanceof GuardError) return false;
    throw fault;
  }
}

/**
 * The raw text of the definition in `--tool-json`.
 *
 * @throws {GuardError} FILE_UNREADABLE; MANIFEST_INVALID when it is not one definition;
 *   ARGUMENT_INVALID when it is one of another tool.
 */
function readDefinition(name: string | undefined, tool: string, io: Io): string | undefined {
  if (name === undefined) return undefined;
  const file = resolve(io.cwd, name);
  const text = readRequiredText(file, LIMIT_DEFINITION_BYTES);
  const found = inFile(file, () => readManifest(`[${text}]`)).tools;
  const [item] = found;
  if (item?.name === undefined || found.length !== 1) {
    const message = "expected one tool definition with a name, got something else";
    throw new GuardError("MANIFEST_INVALID", message, { at: { file } });
  }
  if (item.name === tool) return text;
  const message = `expected the definition of ${quote(tool)}, got that of ${quote(item.name)}`;
  throw new GuardError("ARGUMENT_INVALID", message, { at: { file } });
}

function describe(
  decision: Decision,
  admission: string,
  layers: readonly ExplainedLayer[],
  style: Style,
): string {
  const { outcome, reason, code, message, remedy } = decision;
  const paint = outcome === "allow" ? style.green : style.red;
  const rows = layers.map(({ layer, result, detail }) => [
    `  ${paintResult(result, style)}`,
    layer,
    visible(detail),
  ]);
  return [
    `${paint(outcome)}  ${style.bold(reason)} (${code}): ${message}`,
    ...(remedy === undefined || outcome === "allow" ? [] : [`operator: ${remedy}`]),
    `admission: ${admission}`,
    "",
    ...columns(rows),
  ].join("\n");
}

function paintResult(result: LayerResult, style: Style): string {
  if (result === "pass") return style.green(result);
  if (result === "ask" || result === "dry_run") return style.yellow(result);
  return result === "refuse" ? style.red(result) : style.dim(result);
}

export const checkCommand: ReportCommand = { spec, run };
