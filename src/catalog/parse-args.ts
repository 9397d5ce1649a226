// Argument constraints of an item: the `args` table (40-gateway section 4).
import { quote } from "../errors.ts";
import { childPath, type KeyPath } from "./key-path.ts";
import { foldAscii } from "./names.ts";
import {
  describeValue,
  member,
  readArray,
  readChoices,
  readClosedTable,
  readInteger,
  readNames,
  readTable,
  schemaFault,
  type TomlTable,
} from "./schema.ts";
import type { ArgumentConstraint } from "./types.ts";

const PREDICATES: ReadonlySet<string> = new Set([
  "under",
  "host",
  "scheme",
  "one_of",
  "prefix",
  "max_length",
  "min",
  "max",
  "absent",
]);
const SCHEMES = ["http", "https"] as const;
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/;
const CONTROL = /\p{Cc}/u;
const DRIVE = /^[A-Za-z]:[\\/]/;
const HOST = /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;
const LABEL_NUMERIC = /^(?:[0-9]+|0x.*)$/;

/**
 * Reads an `args` table: RFC 6901 pointer -> constraint.
 *
 * A predicate that takes a list also takes one value. `under` loses one trailing slash, `host` is
 * lower-cased, and `scheme` defaults to https where there is a `host`.
 *
 * @throws {GuardError} CATALOG_SCHEMA when a pointer or predicate is malformed, or can never hold.
 */
export function readArguments(
  value: unknown,
  path: KeyPath,
): ReadonlyMap<string, ArgumentConstraint> {
  const constraints = new Map<string, ArgumentConstraint>();
  if (value === undefined) return constraints;
  for (const [pointer, predicates] of Object.entries(readTable(value, path))) {
    const at = childPath(path, pointer);
    if (!POINTER.test(pointer)) {
      throw schemaFault(at, `expected a json pointer starting with /, got ${quote(pointer)}`);
    }
    constraints.set(pointer, readConstraint(predicates, at));
  }
  return constraints;
}

function readConstraint(value: unknown, path: KeyPath): ArgumentConstraint {
  const table = readClosedTable(value, PREDICATES, path);
  if (Object.keys(table).length === 0) {
    throw schemaFault(path, "expected at least one predicate, got an empty table");
  }
  const constraint = { ...readTextPredicates(table, path), ...readValuePredicates(table, path) };
  const { min, max } = constraint;
  if (min !== undefined && max !== undefined && min > max) {
    throw schemaFault(childPath(path, "min"), "expected min up to max, got a larger one");
  }
  return constraint;
}

function readTextPredicates(table: TomlTable, path: KeyPath): ArgumentConstraint {
  const folders = member(table, "under");
  const hosts = member(table, "host");
  const schemes = member(table, "scheme");
  const prefixes = member(table, "prefix");
  if (schemes !== undefined && hosts === undefined) {
    throw schemaFault(childPath(path, "scheme"), "expected scheme only beside host, got no host");
  }
  return {
    ...(folders === undefined ? {} : { under: readFolders(folders, childPath(path, "under")) }),
    ...(hosts === undefined
      ? {}
      : {
          host: readHosts(hosts, childPath(path, "host")),
          scheme:
            schemes === undefined ? ["https"] : readSchemes(schemes, childPath(path, "scheme")),
        }),
    ...(prefixes === undefined
      ? {}
      : { prefix: readList(prefixes, childPath(path, "prefix"), () => undefined) }),
  };
}

function readValuePredicates(table: TomlTable, path: KeyPath): ArgumentConstraint {
  const choices = member(table, "one_of");
  const lengthMax = member(table, "max_length");
  const min = member(table, "min");
  const max = member(table, "max");
  const absent = member(table, "absent");
  if (absent !== undefined && absent !== true) {
    throw schemaFault(childPath(path, "absent"), `expected true, got ${describeValue(absent)}`);
  }
  const length = { min: 0, max: Number.MAX_SAFE_INTEGER };
  return {
    ...(choices === undefined ? {} : { oneOf: readValues(choices, childPath(path, "one_of")) }),
    ...(lengthMax === undefined
      ? {}
      : { maxLength: readInteger(lengthMax, childPath(path, "max_length"), length) }),
    ...(min === undefined ? {} : { min: readNumber(min, childPath(path, "min")) }),
    ...(max === undefined ? {} : { max: readNumber(max, childPath(path, "max")) }),
    ...(absent === undefined ? {} : { absent: true }),
  };
}

/** One name or a list of them, not empty. */
function readList(
  value: unknown,
  path: KeyPath,
  check: (name: string) => string | undefined,
): readonly string[] {
  const names = readNames(typeof value === "string" ? [value] : value, path, check);
  if (names.length === 0)
    throw schemaFault(path, "expected at least one value, got an empty array");
  return names;
}

function readFolders(value: unknown, path: KeyPath): readonly string[] {
  return readList(value, path, folderFault).map(withoutTrailingSlash);
}

/** A constraint under which no path could ever match is a mistake. */
function folderFault(folder: string): string | undefined {
  const drive = DRIVE.test(folder);
  const wanted = "expected an absolute path without empty, . or .. parts";
  if (!drive && !folder.startsWith("/")) return wanted;
  if (CONTROL.test(folder) || (!drive && folder.includes("\\"))) return wanted;
  const bare = withoutTrailingSlash(folder);
  const parts = (drive ? bare.slice(3) : bare.slice(1)).split(drive ? /[\\/]/ : "/");
  const isRoot = parts.length === 1 && parts[0] === "";
  return isRoot || parts.every((part) => part !== "" && part !== "." && part !== "..")
    ? undefined
    : wanted;
}

/** `/a/` means `/a`; the root, of a drive too, keeps its slash. */
function withoutTrailingSlash(folder: string): string {
  const drive = DRIVE.test(folder);
  const sizeMin = drive ? 3 : 1;
  const ends = folder.endsWith("/") || (drive && folder.endsWith("\\"));
  return ends && folder.length > sizeMin ? folder.slice(0, -1) : folder;
}

function readHosts(value: unknown, path: KeyPath): readonly string[] {
  const hosts = readList(value, path, (host) => {
    const folded = foldAscii(host);
    const last = folded.slice(folded.lastIndexOf(".") + 1);
    return HOST.test(folded) && !LABEL_NUMERIC.test(last)
      ? undefined
      : "expected a host name, exact or with a leading *.";
  });
  return hosts.map(foldAscii);
}

function readSchemes(value: unknown, path: KeyPath): readonly string[] {
  const schemes = readChoices(typeof value === "string" ? [value] : value, path, SCHEMES);
  if (schemes.length > 0) return schemes;
  throw schemaFault(path, "expected at least one value, got an empty array");
}

function readValues(value: unknown, path: KeyPath): readonly (string | number | boolean)[] {
  const values: (string | number | boolean)[] = [];
  const seen = new Set<string | number | boolean>();
  for (const [index, element] of readArray(value, path).entries()) {
    const at = childPath(path, index);
    const one = readScalar(element, at);
    if (seen.has(one)) throw schemaFault(at, "expected each value once, got it again");
    seen.add(one);
    values.push(one);
  }
  if (values.length === 0)
    throw schemaFault(path, "expected at least one value, got an empty array");
  return values;
}

function readScalar(value: unknown, path: KeyPath): string | number | boolean {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return readSafeInteger(value, path);
  throw schemaFault(
    path,
    `expected a string, an integer or a boolean, got ${describeValue(value)}`,
  );
}

/** A bound: an integer or a finite float. */
function readNumber(value: unknown, path: KeyPath): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "bigint") return readSafeInteger(value, path);
  throw schemaFault(path, `expected a finite number, got ${describeValue(value)}`);
}

function readSafeInteger(value: bigint, path: KeyPath): number {
  return readInteger(value, path, { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
}
