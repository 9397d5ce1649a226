// The trust root: which keys may sign what (10-catalog section 3). Parsing only; `root-chain.ts`
// decides whether a root is the one to trust.

import { LIMIT_SIGNATURES } from "../abi/limits.ts";
import { fromBase64, toHex } from "../bytes.ts";
import { GuardError, quote } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { PublicKey } from "../sign/keys.ts";
import { childPath, documentPath, type KeyPath, renderKeyPath } from "./key-path.ts";
import {
  member,
  readClosedTable,
  readInteger,
  readNames,
  readTable,
  readText,
  schemaFault,
  type TomlTable,
} from "./schema.ts";
import { readInstant, readTomlText, tomlText } from "./toml.ts";

export const ROOT_PAYLOAD_TYPE = "application/vnd.portcullis.root.v1+toml";

/** Bytes of one root envelope, at most. */
export const LIMIT_ROOT_BYTES = 1_048_576;
/** Named keys in one trust root, at most. */
export const LIMIT_ROOT_KEYS = 64;
/** Days that `max_lifetime_days` may name, at most: a century. */
export const LIMIT_LIFETIME_DAYS = 36_500;

/** The keys of one role and how many of them must have signed. */
export interface TrustRole {
  readonly keys: readonly PublicKey[];
  /** 1 .. the number of keys. */
  readonly threshold: number;
}

export interface CatalogRole extends TrustRole {
  readonly maxLifetimeDays: number;
}

export interface TrustRoot {
  readonly version: number;
  /** ms since the epoch; `now >= expiresMs` is expired. */
  readonly expiresMs: number;
  /** A catalog with a lower version is a rollback. */
  readonly catalogVersionFloor: number;
  /** Name -> key, those without a role included. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly roles: {
    readonly root: TrustRole;
    readonly catalog: CatalogRole;
    /** No keys when the root has no role `audit`: then no audit signature verifies. */
    readonly audit: { readonly keys: readonly PublicKey[]; readonly threshold: number };
  };
  /** Lower-case hex SHA-256 of the payload. */
  readonly sha256: string;
}

const VERSION = { min: 1, max: Number.MAX_SAFE_INTEGER } as const;
const DOCUMENT_KEYS: ReadonlySet<string> = new Set([
  "schema",
  "version",
  "expires",
  "catalog_version_floor",
  "keys",
  "roles",
]);
const KEY_KEYS: ReadonlySet<string> = new Set(["public"]);
const ROLES_KEYS: ReadonlySet<string> = new Set(["root", "catalog", "audit"]);
const ROLE_KEYS: ReadonlySet<string> = new Set(["keys", "threshold"]);
const CATALOG_ROLE_KEYS: ReadonlySet<string> = new Set(["keys", "threshold", "max_lifetime_days"]);
const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * Reads a trust root's payload. It says what the file says, not that the file is trusted.
 *
 * @throws {GuardError} ROOT_SYNTAX when the bytes are not TOML; ROOT_SCHEMA when a key is unknown,
 *   missing or out of range; ROOT_KEY_INVALID when a public key is refused; ROOT_ROLE when one key
 *   has two names, or an audit key holds another role.
 */
export function parseRoot(payload: Uint8Array): TrustRoot {
  const text = tomlText(payload, "ROOT");
  const path = documentPath("ROOT");
  const table = readClosedTable(readTomlText(text, "ROOT"), DOCUMENT_KEYS, path);
  readInteger(member(table, "schema"), childPath(path, "schema"), { min: 1, max: 1 });
  const keys = readKeys(member(table, "keys"), childPath(path, "keys"));
  return {
    version: readInteger(member(table, "version"), childPath(path, "version"), VERSION),
    expiresMs: readInstant(table, "expires", text, "ROOT"),
    catalogVersionFloor: readInteger(
      member(table, "catalog_version_floor"),
      childPath(path, "catalog_version_floor"),
      VERSION,
    ),
    keys,
    roles: readRoles(member(table, "roles"), childPath(path, "roles"), keys),
    sha256: toHex(sha256(payload)),
  };
}

function readKeys(value: unknown, path: KeyPath): Map<string, PublicKey> {
  const table = readTable(value, path);
  const names = Object.keys(table);
  if (names.length > LIMIT_ROOT_KEYS) {
    throw schemaFault(path, `expected at most ${LIMIT_ROOT_KEYS} keys, got ${names.length}`);
  }
  const keys = new Map<string, PublicKey>();
  const nameOfKeyid = new Map<string, string>();
  for (const name of names) {
    const at = childPath(path, name);
    if (!KEY_NAME.test(name)) {
      throw schemaFault(at, `expected a key name of letters, digits, _ . -, got ${quote(name)}`);
    }
    const key = readKey(member(readClosedTable(member(table, name), KEY_KEYS, at), "public"), at);
    const other = nameOfKeyid.get(key.keyid);
    if (other !== undefined) {
      throw roleFault(
        at,
        `expected one name for a public key, got ${quote(other)} and ${quote(name)}`,
      );
    }
    nameOfKeyid.set(key.keyid, name);
    keys.set(name, key);
  }
  return keys;
}

function readKey(value: unknown, keyPath: KeyPath): PublicKey {
  const path = childPath(keyPath, "public");
  const text = readText(value, path);
  try {
    return new PublicKey(fromBase64(text));
  } catch (cause) {
    if (!(cause instanceof GuardError)) throw cause;
    const at = { path: renderKeyPath(path) };
    throw new GuardError("ROOT_KEY_INVALID", cause.message, { cause, at });
  }
}

function readRoles(
  value: unknown,
  path: KeyPath,
  keys: ReadonlyMap<string, PublicKey>,
): TrustRoot["roles"] {
  const table = readClosedTable(value, ROLES_KEYS, path);
  const root = readRole(member(table, "root"), ROLE_KEYS, childPath(path, "root"), keys);
  const catalogPath = childPath(path, "catalog");
  const catalogValue = member(table, "catalog");
  const catalog = readRole(catalogValue, CATALOG_ROLE_KEYS, catalogPath, keys);
  const days = member(readTable(catalogValue, catalogPath), "max_lifetime_days");
  const maxLifetimeDays = readInteger(days, childPath(catalogPath, "max_lifetime_days"), {
    min: 1,
    max: LIMIT_LIFETIME_DAYS,
  });
  const auditPath = childPath(path, "audit");
  const auditValue = member(table, "audit");
  const audit =
    auditValue === undefined
      ? { keys: [], threshold: 1 }
      : readRole(auditValue, ROLE_KEYS, auditPath, keys);
  const elsewhere = new Set([...root.keys, ...catalog.keys].map(({ keyid }) => keyid));
  if (audit.keys.some(({ keyid }) => elsewhere.has(keyid))) {
    const message = "expected audit keys that hold no other role, got one that can bless tools";
    throw roleFault(auditPath, message);
  }
  return { root, catalog: { ...catalog, maxLifetimeDays }, audit };
}

function readRole(
  value: unknown,
  known: ReadonlySet<string>,
  path: KeyPath,
  keys: ReadonlyMap<string, PublicKey>,
): TrustRole {
  const table: TomlTable = readClosedTable(value, known, path);
  const namesPath = childPath(path, "keys");
  const names = readNames(member(table, "keys"), namesPath);
  const roleKeys = names.map((name, index) => {
    const key = keys.get(name);
    if (key !== undefined) return key;
    throw schemaFault(
      childPath(namesPath, index),
      `expected the name of a key, got ${quote(name)}`,
    );
  });
  // WHY: an envelope carries at most 16 signatures, so a higher threshold can never be met
  const max = Math.min(roleKeys.length, LIMIT_SIGNATURES);
  if (max === 0) throw schemaFault(namesPath, "expected at least one key, got an empty array");
  const thresholdPath = childPath(path, "threshold");
  const threshold = readInteger(member(table, "threshold"), thresholdPath, { min: 1, max });
  return { keys: roleKeys, threshold };
}

function roleFault(path: KeyPath, message: string): GuardError {
  return new GuardError("ROOT_ROLE", message, { at: { path: renderKeyPath(path) } });
}
