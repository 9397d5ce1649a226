// Which servers a `pin` is about, and how each is started.
import { applyPins, type ServerPins } from "../catalog/edit.ts";
import { serverIdFault } from "../catalog/names.ts";
import { isTomlTable, member } from "../catalog/schema.ts";
import { readTomlText } from "../catalog/toml.ts";
import type { Catalog, CatalogServer, Feature } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import { listOf, usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec } from "./command.ts";

/** A server that is to be pinned. */
export interface PinTarget {
  readonly id: string;
  /** What the catalog has; `undefined` for a new server. */
  readonly server: CatalogServer | undefined;
  /** argv; empty for a server with a url. */
  readonly command: readonly string[];
  readonly url?: string | undefined;
  /** Header -> name of the variable with its value. */
  readonly headerEnv?: ReadonlyMap<string, string> | undefined;
  /** Names of variables that the server may see beyond the basic set. */
  readonly env: readonly string[];
  readonly allow: readonly Feature[];
}

const ALLOW_DEFAULT: readonly Feature[] = ["tools"];
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
const NO_PINS: ServerPins = {
  tools: new Map(),
  prompts: new Map(),
  resources: new Map(),
  resourceTemplates: new Map(),
};

/**
 * The ids of the servers to pin: those that are named, else all of the catalog.
 *
 * @param text - the catalog; its pins need not be consistent yet.
 * @throws {GuardError} USAGE when there is none, or a command is given for more than one;
 *   CATALOG_SYNTAX.
 */
export function targetIds(spec: CommandSpec, args: Arguments, text: string): readonly string[] {
  const { positionals, command } = args;
  if (command !== undefined && positionals.length !== 1) {
    throw usageFault(spec, "one SERVER before `--`", `${positionals.length}`);
  }
  for (const id of positionals) {
    const wanted = serverIdFault(id);
    if (wanted !== undefined) throw new GuardError("USAGE", `${wanted}, got ${quote(id)}`);
  }
  const ids = positionals.length > 0 ? [...new Set(positionals)] : writtenIds(text);
  if (ids.length > 0) return ids;
  throw usageFault(spec, "a server to pin: SERVER -- CMD ARGS...", "none");
}

/**
 * The text with the server fingerprint of every given server made that of its pins.
 *
 * WHY: an operator who takes a tool out of the catalog, or writes a server's entry by hand, has
 * no way to compute that digest; `pin` is the way.
 *
 * @throws {GuardError} CATALOG_SYNTAX, CATALOG_SCHEMA.
 */
export function withOwnFingerprints(text: string, ids: readonly string[]): string {
  const written = new Set(writtenIds(text));
  return ids
    .filter((id) => written.has(id))
    .reduce((edited, id) => applyPins(edited, id, NO_PINS), text);
}

/**
 * How a server is started.
 *
 * @throws {GuardError} SERVER_UNKNOWN when the catalog has no such server and no command is given;
 *   SERVER_COMMAND when it has another command; USAGE when options of a new server are given for
 *   one that is there, or its allow list is wrong.
 */
export function targetOf(
  spec: CommandSpec,
  args: Arguments,
  catalog: Catalog,
  id: string,
): PinTarget {
  const server = catalog.servers.get(id);
  const { command } = args;
  if (server === undefined) return newTarget(spec, args, id);
  for (const name of ["allow", "env"]) {
    if (args.text(name) === undefined) continue;
    throw usageFault(spec, `--${name} for a new server only`, `${quote(id)}; edit catalog.toml`);
  }
  if (command !== undefined && !isSameCommand(command, server.command ?? [])) {
    const message = `expected the command of ${quote(id)} in the catalog, got another one`;
    throw new GuardError("SERVER_COMMAND", `${message}; edit catalog.toml first`);
  }
  const { env, allow, url, headerEnv } = server;
  return { id, server, command: server.command ?? [], url, headerEnv, env, allow };
}

/** What `applyPins` needs to make an entry for a new server. */
export function newServerPins(
  target: PinTarget,
  scopes: readonly string[],
): Pick<ServerPins, "server"> {
  const { server, command, env, allow } = target;
  if (server !== undefined) return {};
  const isDefault = allow.length === 1 && allow[0] === "tools";
  return {
    server: {
      command,
      ...(env.length === 0 ? {} : { env }),
      maxAllowedScope: scopes,
      ...(isDefault ? {} : { allow }),
    },
  };
}

function newTarget(spec: CommandSpec, args: Arguments, id: string): PinTarget {
  const { command } = args;
  if (command === undefined) {
    const message = `expected a server of the catalog, got ${quote(id)}`;
    const hint = `add it with \`portcullis pin ${id} -- CMD ARGS...\``;
    throw new GuardError("SERVER_UNKNOWN", `${message}; ${hint}`);
  }
  const env = args.text("env");
  const allow = args.text("allow");
  return {
    id,
    server: undefined,
    command,
    env: env === undefined ? [] : listOf(spec, "env", env),
    allow: allow === undefined ? ALLOW_DEFAULT : readFeatures(spec, allow),
  };
}

function readFeatures(spec: CommandSpec, text: string): readonly Feature[] {
  return listOf(spec, "allow", text).map((name) => {
    const feature = FEATURES.find((one) => one === name);
    if (feature !== undefined) return feature;
    throw usageFault(spec, `--allow of ${FEATURES.join(", ")}`, quote(name));
  });
}

function writtenIds(text: string): readonly string[] {
  const servers = member(readTomlText(text, "CATALOG"), "servers");
  return isTomlTable(servers) ? Object.keys(servers) : [];
}

function isSameCommand(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}
