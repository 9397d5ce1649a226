// Parses `catalog.toml`, schema 1 (10-catalog section 1). Every rule broken is a refusal; nothing
// is repaired, and what is absent gets the strict default. Time is not looked at here.
import {
  LIMIT_CATALOG_BYTES,
  LIMIT_CATALOG_TOOLS,
  LIMIT_RULES,
  LIMIT_SCOPES,
  LIMIT_SERVERS,
  LIMIT_TAINTS,
} from "../abi/limits.ts";
import { GuardError, quote } from "../errors.ts";
import { childPath, documentPath, type KeyPath } from "./key-path.ts";
import { foldAscii, nameFault, operatorNameFault, serverIdFault } from "./names.ts";
import { ITEM_TABLES, type Vocabulary } from "./parse-item.ts";
import { readPrincipals, readRules } from "./parse-rules.ts";
import { readServer } from "./parse-server.ts";
import {
  describeValue,
  isTomlTable,
  member,
  readClosedTable,
  readInteger,
  readTable,
  readText,
  schemaFault,
  type TomlTable,
} from "./schema.ts";
import { assignBits, BUILT_IN_SCOPES, BUILT_IN_TAINTS } from "./scope-names.ts";
import { readInstant, readTomlText, tomlText } from "./toml.ts";
import type { Catalog, CatalogServer } from "./types.ts";

const CATALOG_KEYS: ReadonlySet<string> = new Set([
  "schema",
  "id",
  "version",
  "issued",
  "expires",
  "scopes",
  "taints",
  "servers",
  "principals",
  "rules",
]);

/**
 * Parses the bytes of a catalog.
 *
 * The result is deterministic and holds no reference to `bytes`. It is not yet to be believed: only
 * a verified signature makes a catalog trusted.
 *
 * @param bytes - exactly the bytes that were signed.
 * @throws {GuardError} CATALOG_LIMIT when there are more than 32 MiB; CATALOG_SYNTAX when they are
 * not strict UTF-8 and TOML; CATALOG_SCHEMA when a rule of 10-catalog section 1 is broken;
 * CATALOG_FINGERPRINT when a server's fingerprint is not the one of its pins. All but the first
 * carry a position or a key path.
 */
export function parseCatalog(bytes: Uint8Array): Catalog {
  if (bytes.length > LIMIT_CATALOG_BYTES) {
    const message = `expected at most ${LIMIT_CATALOG_BYTES} bytes, got ${bytes.length}`;
    throw new GuardError("CATALOG_LIMIT", message);
  }
  const text = tomlText(bytes, "CATALOG");
  const root = documentPath("CATALOG");
  const table = readClosedTable(readTomlText(text, "CATALOG"), CATALOG_KEYS, root);
  readInteger(member(table, "schema"), childPath(root, "schema"), { min: 1, max: 1 });
  const head = readHead(table, root, text);
  const scopes = readVocabulary(
    member(table, "scopes"),
    childPath(root, "scopes"),
    BUILT_IN_SCOPES,
  );
  const taints = readVocabulary(
    member(table, "taints"),
    childPath(root, "taints"),
    BUILT_IN_TAINTS,
  );
  checkCount(BUILT_IN_SCOPES.length + scopes.size, LIMIT_SCOPES, childPath(root, "scopes"));
  checkCount(BUILT_IN_TAINTS.length + taints.size, LIMIT_TAINTS, childPath(root, "taints"));
  const names: Vocabulary = {
    scopeBits: assignBits(BUILT_IN_SCOPES, scopes.keys()),
    taintBits: assignBits(BUILT_IN_TAINTS, taints.keys()),
  };
  const servers = readServers(member(table, "servers"), childPath(root, "servers"), names);
  const context = { ...names, servers };
  const rules = member(table, "rules") ?? [];
  if (Array.isArray(rules)) checkCount(rules.length, LIMIT_RULES, childPath(root, "rules"));
  return {
    ...head,
    ...names,
    scopes,
    taints,
    servers,
    principals: readPrincipals(member(table, "principals"), childPath(root, "principals"), context),
    rules: readRules(rules, childPath(root, "rules"), context),
  };
}

type Head = Pick<Catalog, "id" | "version" | "issuedMs" | "expiresMs">;

function readHead(table: TomlTable, root: KeyPath, text: string): Head {
  const id = readText(member(table, "id"), childPath(root, "id"));
  const wanted = nameFault(id);
  if (wanted !== undefined) throw schemaFault(childPath(root, "id"), `${wanted}, got ${quote(id)}`);
  const range = { min: 1, max: Number.MAX_SAFE_INTEGER };
  const version = readInteger(member(table, "version"), childPath(root, "version"), range);
  const issuedMs = readInstant(table, "issued", text, "CATALOG");
  const expiresMs = readInstant(table, "expires", text, "CATALOG");
  if (expiresMs <= issuedMs) {
    throw schemaFault(childPath(root, "expires"), "expected expires after issued, got it before");
  }
  return { id, version, issuedMs, expiresMs };
}

/** Operator names with their descriptions. */
function readVocabulary(
  value: unknown,
  path: KeyPath,
  builtIn: readonly string[],
): ReadonlyMap<string, string> {
  const descriptions = new Map<string, string>();
  if (value === undefined) return descriptions;
  for (const [name, description] of Object.entries(readTable(value, path))) {
    const at = childPath(path, name);
    const wanted = operatorNameFault(name);
    if (wanted !== undefined) throw schemaFault(at, `${wanted}, got ${quote(name)}`);
    if (builtIn.includes(name)) {
      throw schemaFault(at, `expected another name than a built-in one, got ${quote(name)}`);
    }
    if (isTomlTable(description)) {
      // WHY: a bare `payments.refund = "..."` is two keys; quoting the name is the usual mistake
      throw schemaFault(at, `expected a description, got a table; quote a name that has dots`);
    }
    if (typeof description !== "string") {
      throw schemaFault(at, `expected a description, got ${describeValue(description)}`);
    }
    descriptions.set(name, description);
  }
  return descriptions;
}

function readServers(
  value: unknown,
  path: KeyPath,
  names: Vocabulary,
): ReadonlyMap<string, CatalogServer> {
  const servers = new Map<string, CatalogServer>();
  if (value === undefined) return servers;
  const entries = Object.entries(readTable(value, path));
  checkCount(entries.length, LIMIT_SERVERS, path);
  checkCount(countItems(entries), LIMIT_CATALOG_TOOLS, path);
  const seen = new Map<string, string>();
  for (const [id, server] of entries) {
    const at = childPath(path, id);
    const wanted = serverIdFault(id);
    if (wanted !== undefined) throw schemaFault(at, `${wanted}, got ${quote(id)}`);
    const twin = seen.get(foldAscii(id));
    if (twin !== undefined) {
      const got = `${quote(twin)} and ${quote(id)}`;
      throw schemaFault(at, `expected server ids that differ in more than case, got ${got}`);
    }
    seen.set(foldAscii(id), id);
    servers.set(id, readServer(id, server, at, names));
  }
  return servers;
}

/** Items of all kinds, before any of them is read; what is no table is refused later. */
function countItems(entries: readonly (readonly [string, unknown])[]): number {
  let count = 0;
  for (const [, server] of entries) {
    if (!isTomlTable(server)) continue;
    for (const key of Object.values(ITEM_TABLES)) {
      const items = member(server, key);
      if (isTomlTable(items)) count += Object.keys(items).length;
    }
  }
  return count;
}

function checkCount(count: number, countMax: number, path: KeyPath): void {
  if (count > countMax) throw schemaFault(path, `expected at most ${countMax}, got ${count}`);
}
