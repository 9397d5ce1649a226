// Writes pins into `catalog.toml` in place: comments, order and indentation are kept (10-catalog
// section 1). For authoring commands; the guard itself never writes a catalog.
import { GuardError, quote } from "../errors.ts";
import { serverFingerprintOfPins } from "../manifest/fingerprint.ts";
import { childPath, documentPath, type KeyPath } from "./key-path.ts";
import { ITEM_TABLES } from "./parse-item.ts";
import { isTomlTable, member, readTable, readText, schemaFault, type TomlTable } from "./schema.ts";
import { readTomlText } from "./toml.ts";
import { TomlEditor, type TomlEntry } from "./toml-edit.ts";
import { tomlKey, tomlString, tomlStrings } from "./toml-write.ts";
import type { Effect, Feature, ItemKind } from "./types.ts";

/** One live item: its digest, and what to propose when the catalog does not have it yet. */
export interface ItemPin {
  /** `sha256:<hex>`. */
  readonly fingerprint: string;
  readonly scope: readonly string[];
  readonly effect: Effect;
}

/** How a server that the catalog does not have yet is reached; exactly one of command and url. */
export interface NewServer {
  readonly command?: readonly string[];
  readonly env?: readonly string[];
  readonly url?: string;
  /** Header -> environment variable. */
  readonly headerEnv?: ReadonlyMap<string, string>;
  readonly maxAllowedScope: readonly string[];
  /** Absent: not written, which means tools only. */
  readonly allow?: readonly Feature[];
}

/** What one server's entry shall pin. */
export interface ServerPins {
  /** The server fingerprint that was approved; absent: whatever the pins come to. */
  readonly fingerprint?: string;
  /** The instructions digest; absent: what is written stays. Digest of "" = no instructions. */
  readonly instructions?: string;
  readonly tools: ReadonlyMap<string, ItemPin>;
  readonly prompts: ReadonlyMap<string, ItemPin>;
  readonly resources: ReadonlyMap<string, ItemPin>;
  readonly resourceTemplates: ReadonlyMap<string, ItemPin>;
  /** Items to take out; everything else that is pinned stays, live or not. */
  readonly removed?: readonly { readonly kind: ItemKind; readonly name: string }[];
  /** Required when the catalog does not have the server. */
  readonly server?: NewServer;
}

/**
 * The text of a catalog with one server's pins brought up to date.
 *
 * An item that is there keeps everything but its `fingerprint`; of a list of accepted digests the
 * first is replaced, unless the new one is among them. A new item goes behind the server's last
 * one, a new server to the end. The server's own `fingerprint` is computed from what is then
 * pinned. Applying the same pins again changes nothing.
 *
 * @throws {GuardError} CATALOG_SYNTAX when `text` is not TOML; CATALOG_SCHEMA when the server's
 * tables are not where they belong; SERVER_UNKNOWN when the server is absent and `pins.server` is
 * not given; CATALOG_FINGERPRINT when the pins do not come to `pins.fingerprint`.
 */
export function applyPins(text: string, serverId: string, pins: ServerPins): string {
  const servers = member(readTomlText(text, "CATALOG"), "servers");
  if (servers !== undefined) readTable(servers, childPath(documentPath("CATALOG"), "servers"));
  const base = ["servers", serverId] as const;
  let edited = pins.removed?.length ? withoutItems(text, base, pins.removed) : text;
  if (!new TomlEditor(edited).has(base)) edited = withServer(edited, serverId, pins.server);
  edited = withItems(edited, base, pins);
  const fingerprint = pinnedFingerprint(edited, serverId);
  if (pins.fingerprint !== undefined && pins.fingerprint !== fingerprint) {
    const message = `expected the pins to come to ${quote(pins.fingerprint)}, got ${fingerprint}`;
    throw new GuardError("CATALOG_FINGERPRINT", `${message}; read the drift report again`, {
      at: { path: `servers.${serverId}.fingerprint` },
    });
  }
  const editor = new TomlEditor(edited);
  setDigest(editor, base, "fingerprint", fingerprint);
  const result = editor.apply();
  readTomlText(result, "CATALOG");
  return result;
}

/**
 * The server fingerprint that the pins in `text` come to (20-fingerprint section 2).
 *
 * @throws {GuardError} CATALOG_SYNTAX, CATALOG_SCHEMA when there is no such server, or its pins
 * cannot be read.
 */
export function pinnedFingerprint(text: string, serverId: string): string {
  const root = documentPath("CATALOG");
  const servers = readTable(
    member(readTomlText(text, "CATALOG"), "servers"),
    childPath(root, "servers"),
  );
  const path = childPath(childPath(root, "servers"), serverId);
  const server = readTable(member(servers, serverId), path);
  const instructions = member(server, "instructions");
  return serverFingerprintOfPins({
    tools: firstDigests(server, "tool", path),
    prompts: firstDigests(server, "prompt", path),
    resources: firstDigests(server, "resource", path),
    resourceTemplates: firstDigests(server, "resource_template", path),
    instructions:
      instructions === undefined
        ? undefined
        : readText(instructions, childPath(path, "instructions")),
  });
}

type ServerPath = readonly ["servers", string];

function firstDigests(
  server: TomlTable,
  kind: ItemKind,
  path: KeyPath,
): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  const at = childPath(path, ITEM_TABLES[kind]);
  const items = member(server, ITEM_TABLES[kind]) ?? {};
  for (const [name, item] of Object.entries(readTable(items, at))) {
    const place = childPath(childPath(at, name), "fingerprint");
    const value = isTomlTable(item) ? member(item, "fingerprint") : undefined;
    const digest: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof digest !== "string") throw schemaFault(place, "expected a digest, got none");
    digests.set(name, digest);
  }
  return digests;
}

function withoutItems(
  text: string,
  base: ServerPath,
  removed: readonly { readonly kind: ItemKind; readonly name: string }[],
): string {
  const editor = new TomlEditor(text);
  for (const { kind, name } of removed) editor.remove([...base, ITEM_TABLES[kind], name]);
  return editor.apply();
}

function withServer(text: string, serverId: string, server: NewServer | undefined): string {
  if (server === undefined) {
    const message = `expected a server of the catalog, got ${quote(serverId)}`;
    throw new GuardError("SERVER_UNKNOWN", `${message}; say how it is started`);
  }
  const { command, env, url, headerEnv, maxAllowedScope, allow } = server;
  const entries: TomlEntry[] = [];
  if (command !== undefined) entries.push(["command", tomlStrings(command)]);
  if (env !== undefined) entries.push(["env", tomlStrings(env)]);
  if (url !== undefined) entries.push(["url", tomlString(url)]);
  if (headerEnv !== undefined) {
    const headers = [...headerEnv].map(([name, from]) => `${tomlKey(name)} = ${tomlString(from)}`);
    entries.push(["header_env", headers.length === 0 ? "{}" : `{ ${headers.join(", ")} }`]);
  }
  entries.push(["max_allowed_scope", tomlStrings(maxAllowedScope)]);
  if (allow !== undefined) entries.push(["allow", tomlStrings(allow)]);
  const editor = new TomlEditor(text);
  editor.addTable(["servers"], serverId, entries, []);
  return editor.apply();
}

function withItems(text: string, base: ServerPath, pins: ServerPins): string {
  const editor = new TomlEditor(text);
  if (pins.instructions !== undefined) setDigest(editor, base, "instructions", pins.instructions);
  const kinds: readonly (readonly [ItemKind, ReadonlyMap<string, ItemPin>])[] = [
    ["tool", pins.tools],
    ["prompt", pins.prompts],
    ["resource", pins.resources],
    ["resource_template", pins.resourceTemplates],
  ];
  const itemTables = Object.values(ITEM_TABLES).map((table) => [...base, table]);
  const after = itemTables.some((table) => editor.hasHeader(table)) ? itemTables : [base];
  for (const [kind, items] of kinds) {
    const parent = [...base, ITEM_TABLES[kind]];
    for (const [name, pin] of items) {
      if (editor.has([...parent, name])) {
        setDigest(editor, [...parent, name], "fingerprint", pin.fingerprint);
        continue;
      }
      const entries: readonly TomlEntry[] = [
        ["fingerprint", tomlString(pin.fingerprint)],
        ["scope", tomlStrings(pin.scope)],
        ["effect", tomlString(pin.effect)],
      ];
      editor.addTable(parent, name, entries, after);
    }
  }
  return editor.apply();
}

/** Writes a digest: in place of the old one, as the first of a list that lacks it, or anew. */
function setDigest(
  editor: TomlEditor,
  table: readonly string[],
  key: string,
  digest: string,
): void {
  const written = editor.value([...table, key]);
  if (written === undefined) {
    editor.addMember(table, [key, tomlString(digest)]);
    return;
  }
  const isArray = written.type === "TOMLArray";
  const known = isArray ? written.elements : [written];
  const isThere = known.some((node) => node.type === "TOMLValue" && node.value === digest);
  if (!isThere)
    editor.replace((isArray ? written.elements[0] : undefined) ?? written, tomlString(digest));
}
