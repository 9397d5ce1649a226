// `catalog.lock.json`: the pinned definitions as text, for drift reports and argument schemas
// (20-fingerprint section 4). Not signed: a definition counts only when its digest is a pinned one.
import { GuardError, quote } from "../errors.ts";
import { digestFault, itemNameFault, serverIdFault } from "./names.ts";
import type { ItemKind } from "./types.ts";

/** One pinned definition. */
export interface LockItem {
  readonly kind: ItemKind;
  readonly name: string;
  /** `sha256:<hex>` of the item (20-fingerprint section 2). */
  readonly digest: string;
  /** The definition in canonical form (RFC 8785). */
  readonly canonical: string;
}

export interface LockServer {
  /** One per kind, name and digest. */
  readonly items: readonly LockItem[];
  /** The text of the pinned instructions. */
  readonly instructions?: string;
}

export interface CatalogLock {
  readonly servers: ReadonlyMap<string, LockServer>;
}

const LOCK_VERSION = 1;
const KINDS: readonly ItemKind[] = ["tool", "prompt", "resource", "resource_template"];

/**
 * Reads the text of a lock, shape and names; digests are compared by `lockedDefinition`.
 *
 * @throws {GuardError} LOCK_INVALID when it is not JSON, has an unknown or missing member, a value
 * of the wrong form, or an item twice.
 */
export function readLock(text: string): CatalogLock {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GuardError("LOCK_INVALID", "expected json; run portcullis pin to write it again", {
      cause,
    });
  }
  const lock = readObject(value, "", ["version", "servers"]);
  if (lock.get("version") !== LOCK_VERSION) {
    throw fault("version", `expected ${LOCK_VERSION}, got another version`);
  }
  const servers = new Map<string, LockServer>();
  for (const [id, server] of readObject(lock.get("servers"), "servers")) {
    const path = `servers.${id}`;
    if (serverIdFault(id) !== undefined)
      throw fault("servers", `expected a server id, got ${quote(id)}`);
    servers.set(id, readServer(server, path));
  }
  return { servers };
}

/** The text of a lock: the same for the same content, whatever order it was put together in. */
export function writeLock(lock: CatalogLock): string {
  const servers: [string, unknown][] = [];
  for (const id of [...lock.servers.keys()].sort()) {
    const server = lock.servers.get(id);
    if (server === undefined) continue;
    const items = [...server.items].sort(compareItems).map(({ kind, name, digest, canonical }) => {
      return { kind, name, digest, canonical };
    });
    const { instructions } = server;
    servers.push([id, instructions === undefined ? { items } : { items, instructions }]);
  }
  const document = { version: LOCK_VERSION, servers: Object.fromEntries(servers) };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/**
 * The canonical text of a pinned definition, or `undefined` when the lock has none that counts.
 *
 * @param wanted - the item, and the digests that the signed catalog accepts for it; the text of the
 * first of them that the lock has is given.
 * @param digestOf - item digest of a definition's text; the lock's own word is not taken for it.
 */
export function lockedDefinition(
  lock: CatalogLock,
  wanted: {
    readonly serverId: string;
    readonly kind: ItemKind;
    readonly name: string;
    readonly fingerprints: readonly string[];
  },
  digestOf: (kind: ItemKind, canonical: string) => string,
): string | undefined {
  const server = lock.servers.get(wanted.serverId);
  if (server === undefined) return undefined;
  let items = itemsByKey.get(server);
  if (items === undefined) {
    items = new Map(server.items.map((item) => [itemKey(item), item]));
    itemsByKey.set(server, items);
  }
  for (const digest of wanted.fingerprints) {
    const found = items.get(itemKey({ kind: wanted.kind, name: wanted.name, digest }));
    if (found !== undefined && digestOf(found.kind, found.canonical) === digest) {
      return found.canonical;
    }
  }
  return undefined;
}

// WHY: a guard looks up every tool of a server; scanning the list for each would be quadratic
const itemsByKey = new WeakMap<LockServer, ReadonlyMap<string, LockItem>>();

function itemKey(item: Pick<LockItem, "kind" | "name" | "digest">): string {
  return JSON.stringify([item.kind, item.name, item.digest]);
}

function readServer(value: unknown, path: string): LockServer {
  const server = readObject(value, path, ["items"], ["instructions"]);
  const listed = server.get("items");
  if (!Array.isArray(listed)) throw fault(`${path}.items`, "expected an array, got another type");
  const items: LockItem[] = [];
  const seen = new Set<string>();
  for (const [index, element] of listed.entries()) {
    const at = `${path}.items[${index}]`;
    const item = readItem(element, at);
    const key = itemKey(item);
    if (seen.has(key)) throw fault(at, `expected each item once, got ${quote(item.name)} again`);
    seen.add(key);
    items.push(item);
  }
  const instructions = server.get("instructions");
  if (instructions === undefined) return { items };
  return { items, instructions: readString(instructions, `${path}.instructions`) };
}

function readItem(value: unknown, path: string): LockItem {
  const item = readObject(value, path, ["kind", "name", "digest", "canonical"]);
  const kind = KINDS.find((one) => one === item.get("kind"));
  if (kind === undefined) throw fault(`${path}.kind`, `expected one of ${KINDS.join(", ")}`);
  const name = readString(item.get("name"), `${path}.name`);
  const nameWanted = itemNameFault(kind, name);
  if (nameWanted !== undefined) throw fault(`${path}.name`, `${nameWanted}, got ${quote(name)}`);
  const digest = readString(item.get("digest"), `${path}.digest`);
  const digestWanted = digestFault(digest);
  if (digestWanted !== undefined) {
    throw fault(`${path}.digest`, `${digestWanted}, got ${quote(digest)}`);
  }
  return { kind, name, digest, canonical: readString(item.get("canonical"), `${path}.canonical`) };
}

/** The members of an object: all of `required`, perhaps `optional`; without lists, any. */
function readObject(
  value: unknown,
  path: string,
  required?: readonly string[],
  optional: readonly string[] = [],
): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw fault(path, "expected an object, got another type");
  }
  const members = new Map<string, unknown>(Object.entries(value));
  if (required === undefined) return members;
  for (const key of members.keys()) {
    if (!required.includes(key) && !optional.includes(key)) {
      throw fault(path, `expected no member ${quote(key)}`);
    }
  }
  for (const key of required) {
    if (!members.has(key)) throw fault(path, `expected a member ${quote(key)}, got none`);
  }
  return members;
}

function readString(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw fault(path, "expected a string, got another type");
}

function fault(path: string, message: string): GuardError {
  const hint = "run portcullis pin to write it again";
  return new GuardError("LOCK_INVALID", `${message}; ${hint}`, path === "" ? {} : { at: { path } });
}

/** By kind, name and digest, each in the order of UTF-16 code units. */
function compareItems(a: LockItem, b: LockItem): number {
  if (a.kind !== b.kind) return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.digest === b.digest ? 0 : a.digest < b.digest ? -1 : 1;
}
