// One server of a catalog (10-catalog section 1), its commitment included (20-fingerprint
// section 2).
import { GuardError, quote } from "../errors.ts";
import { serverFingerprintOfPins } from "../manifest/fingerprint.ts";
import { childPath, type KeyPath, renderKeyPath } from "./key-path.ts";
import { foldAscii, headerFault, methodFault, variableFault } from "./names.ts";
import {
  type ItemContext,
  readDigest,
  readItems,
  readScopes,
  type Vocabulary,
} from "./parse-item.ts";
import {
  member,
  readArray,
  readChoice,
  readChoices,
  readClosedTable,
  readFlag,
  readNames,
  readTable,
  readText,
  schemaFault,
  type TomlTable,
} from "./schema.ts";
import type { CatalogItem, CatalogServer, ConsentChannel, Feature } from "./types.ts";

const SERVER_KEYS: ReadonlySet<string> = new Set([
  "command",
  "env",
  "url",
  "header_env",
  "fingerprint",
  "max_allowed_scope",
  "operator_verified",
  "allow",
  "methods",
  "on_drift",
  "instructions",
  "consent_channels",
  "tools",
  "prompts",
  "resources",
  "resource_templates",
]);
const FEATURES: readonly Feature[] = [
  "tools",
  "prompts",
  "resources",
  "completions",
  "sampling",
  "elicitation",
  "roots",
  "logging",
  "tasks",
];
const ALLOW_DEFAULT: readonly Feature[] = ["tools"];
const ON_DRIFT = ["block-server", "block-tool"] as const;
const CONSENT_CHANNELS: readonly ConsentChannel[] = ["elicitation", "terminal", "web"];

/**
 * Reads the server `id`, whose grammar the caller has checked.
 *
 * @throws {GuardError} CATALOG_SCHEMA when a value breaks a rule of 10-catalog section 1;
 * CATALOG_FINGERPRINT when `fingerprint` is not the one of its pins.
 */
export function readServer(
  id: string,
  value: unknown,
  path: KeyPath,
  names: Vocabulary,
): CatalogServer {
  const table = readClosedTable(value, SERVER_KEYS, path);
  const at = (key: string): KeyPath => childPath(path, key);
  const instructions = member(table, "instructions");
  const maxAllowedScope = readScopes(
    member(table, "max_allowed_scope"),
    at("max_allowed_scope"),
    names,
  );
  const server: CatalogServer = {
    id,
    ...readEndpoint(table, path),
    fingerprint: readDigest(member(table, "fingerprint"), at("fingerprint")),
    maxAllowedScope,
    operatorVerified: readFlag(member(table, "operator_verified"), at("operator_verified"), true),
    allow: readChoices(member(table, "allow") ?? ALLOW_DEFAULT, at("allow"), FEATURES),
    methods: readNames(member(table, "methods") ?? [], at("methods"), methodFault),
    onDrift: readChoice(member(table, "on_drift") ?? "block-server", at("on_drift"), ON_DRIFT),
    instructions:
      instructions === undefined ? undefined : readDigest(instructions, at("instructions")),
    consentChannels: readChoices(
      member(table, "consent_channels") ?? CONSENT_CHANNELS,
      at("consent_channels"),
      CONSENT_CHANNELS,
    ),
    ...readAllItems(table, path, { ...names, maxAllowedScope: new Set(maxAllowedScope) }),
  };
  checkCommitment(server, at("fingerprint"));
  return server;
}

type Items = Pick<CatalogServer, "tools" | "prompts" | "resources" | "resourceTemplates">;

function readAllItems(table: TomlTable, path: KeyPath, context: ItemContext): Items {
  const templates = member(table, "resource_templates");
  const templatesAt = childPath(path, "resource_templates");
  return {
    tools: readItems(member(table, "tools"), "tool", childPath(path, "tools"), context),
    prompts: readItems(member(table, "prompts"), "prompt", childPath(path, "prompts"), context),
    resources: readItems(
      member(table, "resources"),
      "resource",
      childPath(path, "resources"),
      context,
    ),
    resourceTemplates: readItems(templates, "resource_template", templatesAt, context),
  };
}

type Endpoint = Pick<CatalogServer, "command" | "url" | "headerEnv" | "env">;

/** Exactly one of `command` (with `env`) and `url` (with `header_env`). */
function readEndpoint(table: TomlTable, path: KeyPath): Endpoint {
  const command = member(table, "command");
  const url = member(table, "url");
  if ((command === undefined) === (url === undefined)) {
    const got = url === undefined ? "neither" : "both";
    throw schemaFault(path, `expected exactly one of command and url, got ${got}`);
  }
  const misplaced = url === undefined ? "header_env" : "env";
  if (member(table, misplaced) !== undefined) {
    const partner = url === undefined ? "url" : "command";
    throw schemaFault(childPath(path, misplaced), `expected ${misplaced} only beside ${partner}`);
  }
  const env = readVariables(member(table, "env") ?? [], childPath(path, "env"));
  const headerEnv = readHeaders(member(table, "header_env"), childPath(path, "header_env"));
  return url === undefined
    ? { command: readCommand(command, childPath(path, "command")), url: undefined, headerEnv, env }
    : { command: undefined, url: readUrl(url, childPath(path, "url")), headerEnv, env };
}

function readCommand(value: unknown, path: KeyPath): readonly string[] {
  const command: string[] = [];
  for (const [index, element] of readArray(value, path).entries()) {
    const at = childPath(path, index);
    const argument = readText(element, at);
    if (argument.includes("\0")) throw schemaFault(at, "expected an argument without u+0000");
    command.push(argument);
  }
  if (command[0] === undefined || command[0] === "") {
    throw schemaFault(path, "expected a program and its arguments, got none");
  }
  return command;
}

/** Names of variables. A wrong one is not quoted: the usual mistake is `NAME=secret`. */
function readVariables(value: unknown, path: KeyPath): readonly string[] {
  const names = readNames(value, path);
  for (const [index, name] of names.entries()) {
    const fault = variableFault(name);
    if (fault !== undefined)
      throw schemaFault(childPath(path, index), `${fault}, got another text`);
  }
  return names;
}

/** An absolute http or https URL. A wrong one is not quoted: it may hold a credential. */
function readUrl(value: unknown, path: KeyPath): string {
  const text = readText(value, path);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isClean = /^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/i.test(text);
  if (url === undefined || !isClean || url.hash !== "" || text.includes("#")) {
    throw schemaFault(path, "expected an absolute http or https url without fragment");
  }
  if (url.username !== "" || url.password !== "") {
    const message = "expected a url without user and password; use header_env for credentials";
    throw schemaFault(path, message);
  }
  return text;
}

function readHeaders(value: unknown, path: KeyPath): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  if (value === undefined) return headers;
  const seen = new Set<string>();
  for (const [header, variable] of Object.entries(readTable(value, path))) {
    const at = childPath(path, header);
    const wanted = headerFault(header);
    if (wanted !== undefined) throw schemaFault(at, `${wanted}, got ${quote(header)}`);
    const folded = foldAscii(header);
    if (seen.has(folded)) throw schemaFault(at, `expected each header once, got ${quote(header)}`);
    seen.add(folded);
    const name = readText(variable, at);
    const fault = variableFault(name);
    if (fault !== undefined) throw schemaFault(at, `${fault}, got another text`);
    headers.set(header, name);
  }
  return headers;
}

function checkCommitment(server: CatalogServer, path: KeyPath): void {
  const expected = serverFingerprintOfPins({
    tools: firstDigests(server.tools),
    prompts: firstDigests(server.prompts),
    resources: firstDigests(server.resources),
    resourceTemplates: firstDigests(server.resourceTemplates),
    instructions: server.instructions,
  });
  if (expected === server.fingerprint) return;
  const message = `expected the fingerprint of the pins, ${expected}, got ${server.fingerprint}`;
  throw new GuardError("CATALOG_FINGERPRINT", `${message}; pin the server again`, {
    at: { path: renderKeyPath(path) },
  });
}

function firstDigests(items: ReadonlyMap<string, CatalogItem>): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const [name, item] of items) {
    const first = item.fingerprints[0];
    if (first !== undefined) digests.set(name, first);
  }
  return digests;
}
