// Servers to vet: those of the catalog, or those of a client's configuration. Nothing is started
// that nobody said yes to.
import { join } from "node:path";

import { LIMIT_CATALOG_BYTES, LIMIT_MESSAGE_BYTES_MAX } from "../abi/limits.ts";
import { parseCatalog } from "../catalog/parse.ts";
import type { CatalogServer } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import type { LiveManifest } from "../proxy/manifest-client.ts";
import { listStdioServer } from "../proxy/stdio-list.ts";
import type { VettingReport } from "../vetting/types.ts";
import { type VettedItem, vetInstructions, vetItem } from "../vetting/vet.ts";
import type { Arguments, Io } from "./command.ts";
import { inFile } from "./fault.ts";
import { readOptionalFile, readRequiredText } from "./files.ts";
import { assertHomeExists, authoringHome, type Home } from "./home.ts";
import { confirmStart } from "./start-server.ts";
import { visible } from "./style.ts";
import { CATALOG_NAME } from "./trust-files.ts";

export interface ScannedServer {
  readonly id: string;
  /** Of all its kinds, tools first. */
  readonly items: readonly VettedItem[];
  readonly instructions: VettingReport | undefined;
  /** Why it could not be listed. */
  readonly fault: GuardError | undefined;
}

/** A server as its client starts it. */
interface ConfiguredServer {
  readonly id: string;
  /** argv; `undefined` for a server that is reached by a URL. */
  readonly command: readonly string[] | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Lists and vets the servers of the catalog; what it accepts for an item is accepted.
 *
 * @throws {GuardError} HOME_INCOMPLETE, CATALOG_*, SERVER_UNKNOWN; USAGE when nobody says yes
 */
export async function scanCatalog(args: Arguments, io: Io): Promise<readonly ScannedServer[]> {
  const home = authoringHome(args, io);
  assertHomeExists(home);
  const file = join(home.path, CATALOG_NAME);
  const bytes = readOptionalFile(file, LIMIT_CATALOG_BYTES);
  if (bytes === undefined) {
    const message = "expected a catalog, got none; start with `portcullis pin`, or give --tools";
    throw new GuardError("HOME_INCOMPLETE", message, { at: { file } });
  }
  const { servers } = inFile(file, () => parseCatalog(bytes));
  const scanned: ScannedServer[] = [];
  for (const server of chosen(servers, args.positionals)) {
    scanned.push(await scanCatalogServer(server, home, args, io));
  }
  return scanned;
}

async function scanCatalogServer(
  server: CatalogServer,
  home: Home,
  args: Arguments,
  io: Io,
): Promise<ScannedServer> {
  const { id, command, env, allow } = server;
  if (command === undefined) return unreachable(id, remoteFault());
  const consent = { isTyped: false, isGiven: args.flag("yes") };
  await confirmStart({ id, command, env, allow }, home, consent, io);
  const accepted = new Map(
    [server.tools, server.prompts, server.resources, server.resourceTemplates].flatMap((items) =>
      [...items.values()].map(({ kind, name, vettingAccept }) => [
        `${kind} ${name}`,
        vettingAccept,
      ]),
    ),
  );
  return await scanServer(
    id,
    () => listStdioServer({ command, env }),
    (kind, name) => accepted.get(`${kind} ${name}`) ?? [],
  );
}

/**
 * Lists and vets the servers of a client's configuration, asking before each is started.
 *
 * @throws {GuardError} CONFIG_INVALID, SERVER_UNKNOWN; USAGE when nobody says yes
 */
export async function scanConfig(
  file: string,
  args: Arguments,
  io: Io,
): Promise<readonly ScannedServer[]> {
  const servers = new Map(
    readClientConfig(file).map((server): [string, ConfiguredServer] => [server.id, server]),
  );
  const scanned: ScannedServer[] = [];
  for (const server of chosen(servers, args.positionals)) {
    const { id, command, variables } = server;
    if (command === undefined) {
      scanned.push(unreachable(id, remoteFault()));
      continue;
    }
    await confirmConfigured(id, command, args.flag("yes"), io);
    scanned.push(
      await scanServer(
        id,
        () => listStdioServer({ command, variables }),
        () => [],
      ),
    );
  }
  return scanned;
}

async function confirmConfigured(
  id: string,
  command: readonly string[],
  isGiven: boolean,
  io: Io,
): Promise<void> {
  io.note(`${visible(id)} is started with: ${visible(command.join(" "))}`);
  if (isGiven) return;
  const answer = await io.ask?.("start it? [y/N] ");
  if (answer !== undefined && /^\s*y(?:es)?\s*$/i.test(answer)) return;
  const got = answer === undefined ? "no terminal to ask on" : "another answer";
  const message = `expected a yes to start ${quote(id)}, got ${got}`;
  throw new GuardError("USAGE", `${message}; look at its command, then give --yes`);
}

async function scanServer(
  id: string,
  list: () => Promise<LiveManifest>,
  accept: (kind: VettedItem["kind"], name: string) => readonly string[],
): Promise<ScannedServer> {
  let manifest: LiveManifest;
  try {
    manifest = await list();
  } catch (fault) {
    if (!(fault instanceof GuardError)) throw fault;
    return unreachable(id, fault);
  }
  const { tools, prompts, resources, resourceTemplates, instructions } = manifest;
  const items = [...tools, ...prompts, ...resources, ...resourceTemplates].map((item) =>
    vetItem(item, item.text, { accept }),
  );
  const report = instructions === undefined ? undefined : vetInstructions(instructions);
  return { id, items, instructions: report, fault: undefined };
}

function unreachable(id: string, fault: GuardError): ScannedServer {
  return { id, items: [], instructions: undefined, fault };
}

function remoteFault(): GuardError {
  const message = "expected a server that is started by a command, got one with a url";
  return new GuardError("SERVER_START", `${message}; it cannot be listed from here`);
}

/** @throws {GuardError} SERVER_UNKNOWN for a name that is not there */
function chosen<Server>(
  servers: ReadonlyMap<string, Server>,
  names: readonly string[],
): readonly Server[] {
  if (names.length === 0) return [...servers.values()];
  return [...new Set(names)].map((name) => {
    const server = servers.get(name);
    if (server !== undefined) return server;
    const known = [...servers.keys()].map(visible).join(", ") || "none";
    throw new GuardError("SERVER_UNKNOWN", `expected one of ${known}, got ${quote(name)}`);
  });
}

/** @throws {GuardError} CONFIG_INVALID when it is not JSON with a table of servers */
function readClientConfig(file: string): readonly ConfiguredServer[] {
  const text = readRequiredText(file, LIMIT_MESSAGE_BYTES_MAX);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GuardError("CONFIG_INVALID", "expected JSON without comments", {
      cause,
      at: { file },
    });
  }
  const top = membersOf(value);
  const table = top.get("mcpServers") ?? top.get("servers");
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    const message = "expected a table `mcpServers` or `servers`, got none";
    throw new GuardError("CONFIG_INVALID", message, { at: { file } });
  }
  return [...membersOf(table)].map(([id, server]) => readServer(id, membersOf(server), file));
}

function readServer(
  id: string,
  server: ReadonlyMap<string, unknown>,
  file: string,
): ConfiguredServer {
  const command = server.get("command");
  const args = server.get("args") ?? [];
  const isText = (value: unknown): value is string => typeof value === "string";
  const isUrl = ["url", "serverUrl", "httpUrl"].some((name) => isText(server.get(name)));
  if (command === undefined && isUrl) return { id, command: undefined, variables: {} };
  if (!isText(command) || !Array.isArray(args) || !args.every(isText)) {
    const message = `expected a command with a list of args, got something else at ${quote(id)}`;
    throw new GuardError("CONFIG_INVALID", message, { at: { file } });
  }
  const variables = Object.fromEntries(
    [...membersOf(server.get("env"))].filter((entry): entry is [string, string] =>
      isText(entry[1]),
    ),
  );
  return { id, command: [command, ...args], variables };
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return new Map(isObject ? Object.entries(value) : []);
}
