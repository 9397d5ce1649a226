// `portcullis check`: what the guard would say to one call, layer by layer.
import { resolve } from "node:path";

import { LIMIT_DEFINITION_BYTES } from "../abi/limits.ts";
import { VERDICT_FEATURE_DENIED, VERDICT_MALFORMED_MESSAGE } from "../abi/verdict.ts";
import { utf8 } from "../bytes.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { decideAsIfAdmitted } from "../guard/assumed-admission.ts";
import {
  matchPrincipal,
  PRINCIPAL_DEFAULT,
  type PrincipalMatch,
} from "../guard/principal-match.ts";
import { ScopeGuard } from "../guard/scope-guard.ts";
import { ScopeSet } from "../guard/scope-set.ts";
import { UnenforcedLayers } from "../guard/unenforced-layers.ts";
import { Validator } from "../guard/validator.ts";
import { parseStrictJson } from "../kernel/strict-json.ts";
import { readManifest } from "../manifest/read.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { listOf, requiredText, usageFault } from "./arguments.ts";
import { type CheckedCall, explainLayers, type LayerResult } from "./check-layers.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { inFile } from "./fault.ts";
import { readRequiredText } from "./files.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { columns, type Style, visible } from "./style.ts";
import { openHome } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "check",
  summary: "decide one call, explained layer by layer",
  usage: "--server S --tool T [--scope LIST] [--args JSON] [--principal P] [--tool-json FILE]",
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
    "tool-json": {
      type: "string",
      value: "FILE",
      help: "the live definition, compared with the pin",
    },
    ...DIR_OPTION,
  },
  notes: [
    "Without --tool-json the live definition is assumed to be the pinned one (admission: assumed).\n" +
      "Exit 0 when the call is allowed, 1 when it is not.",
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
  const { catalog } = await openHome(guardHome(args, io), { remembers: false });
  const match = matchPrincipal(catalog.catalog, principal, server);
  const call: CheckedCall = { server, tool, scopes, argumentsText, principal, match, definition };
  const decision = decide(catalog, call);
  const admission = definition === undefined ? "assumed" : "checked";
  const layers = explainLayers(catalog, call, decision);
  const { outcome, reason, code, layer, message } = decision;
  return {
    exitCode: outcome === "allow" ? 0 : 1,
    json: { admission, decision: { outcome, reason, code, layer, message }, layers },
    text: describe(decision, admission, layers, io.style),
  };
}

/** What a guard that serves this catalog would answer. */
function decide(trusted: TrustedCatalog, call: CheckedCall): Decision {
  const { catalog } = trusted;
  // WHY: an unknown scope is a mistake of the question, whatever the answer would have been
  if (call.scopes !== undefined) new ScopeSet(catalog, call.scopes);
  if (call.argumentsText !== undefined && !isStrictJson(call.argumentsText)) {
    return toDecision(VERDICT_MALFORMED_MESSAGE);
  }
  const server = catalog.servers.get(call.server);
  if (server !== undefined && !server.allow.includes("tools")) {
    return toDecision(VERDICT_FEATURE_DENIED);
  }
  const decision = decideByCatalog(trusted, call, call.match);
  const unenforced = new UnenforcedLayers(catalog, call.server, call.match.isKnown);
  // constraints need arguments to look at; without them the layer is `not_given`, not refused
  const leavesOutArguments = call.argumentsText === undefined;
  return unenforced.combine(decision, "tool", call.tool, { leavesOutArguments });
}

function decideByCatalog(
  trusted: TrustedCatalog,
  call: CheckedCall,
  match: PrincipalMatch,
): Decision {
  const { server, tool, scopes, definition } = call;
  const { scopeCap } = match;
  if (definition === undefined) {
    return decideAsIfAdmitted(trusted, { server, tool, scopes, scopeCap }, systemClock);
  }
  const guard = ScopeGuard.fromCatalog(trusted, scopeCap === undefined ? {} : { scopeCap });
  const report = new Validator(trusted).validate(server, `[${definition}]`);
  guard.admit(report);
  return guard.check(scopes === undefined ? { server, tool } : { server, tool, scopes });
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
  layers: ReturnType<typeof explainLayers>,
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
  return result === "refuse" ? style.red(result) : style.dim(result);
}

export const checkCommand: ReportCommand = { spec, run };
