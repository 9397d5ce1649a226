// Readers of one TOML value each: the right type, or CATALOG_SCHEMA / ROOT_SCHEMA with its key
// path.
import { GuardError, quote } from "../errors.ts";
import { childPath, type KeyPath, renderKeyPath } from "./key-path.ts";

export type TomlTable = Readonly<Record<string, unknown>>;

/** The schema error for the value at `path`. */
export function schemaFault(path: KeyPath, message: string): GuardError {
  const text = renderKeyPath(path);
  const at = text === "" ? {} : { path: text };
  return new GuardError(`${path.area}_SCHEMA`, message, { at });
}

/** What a value is, for the "got" half of a message. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return quote(value);
  // WHY: writing out a huge integer takes time that grows with its square
  if (typeof value === "bigint")
    return BigInt.asIntN(64, value) === value ? `\`${value}\`` : "a huge integer";
  if (typeof value === "boolean") return `\`${value}\``;
  if (typeof value === "number") return `the float \`${value}\``;
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  return value instanceof Date ? "a date" : "a table";
}

/** The value of `key`, or `undefined`; never what a prototype holds. */
export function member(table: TomlTable, key: string): unknown {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** True for a table (not an array, not a date). */
export function isTomlTable(value: unknown): value is TomlTable {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when `value` is not a table. */
export function readTable(value: unknown, path: KeyPath): TomlTable {
  if (isTomlTable(value)) return value;
  throw schemaFault(path, `expected a table, got ${describeValue(value)}`);
}

/**
 * A table whose every key is one of `known`.
 *
 * @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when it is no table or has another key.
 */
export function readClosedTable(
  value: unknown,
  known: ReadonlySet<string>,
  path: KeyPath,
): TomlTable {
  const table = readTable(value, path);
  // WHY: no array a table; a key that a prototype was given is unknown like any other
  for (const key in table) {
    if (!known.has(key)) {
      const names = [...known].join(", ");
      throw schemaFault(
        childPath(path, key),
        `expected one of the keys ${names}, got ${quote(key)}`,
      );
    }
  }
  return table;
}

/** @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when `value` is not a string. */
export function readText(value: unknown, path: KeyPath): string {
  if (typeof value === "string") return value;
  throw schemaFault(path, `expected a string, got ${describeValue(value)}`);
}

/** @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when `value` is given and not a boolean. */
export function readFlag(value: unknown, path: KeyPath, whenAbsent: boolean): boolean {
  if (value === undefined) return whenAbsent;
  if (typeof value === "boolean") return value;
  throw schemaFault(path, `expected true or false, got ${describeValue(value)}`);
}

/**
 * An integer in `min` .. `max`, both included and both within 2^53 - 1.
 *
 * @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when it is a float, out of range, or no number.
 */
export function readInteger(
  value: unknown,
  path: KeyPath,
  range: { readonly min: number; readonly max: number },
): number {
  if (typeof value === "bigint" && value >= BigInt(range.min) && value <= BigInt(range.max)) {
    return Number(value);
  }
  const wanted = `expected an integer from ${range.min} to ${range.max}`;
  throw schemaFault(path, `${wanted}, got ${describeValue(value)}`);
}

/** @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when `value` is not an array. */
export function readArray(value: unknown, path: KeyPath): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw schemaFault(path, `expected an array, got ${describeValue(value)}`);
}

/**
 * An array of strings, each neither empty nor given twice.
 *
 * @param check - what is wrong with one name, as `expected ...`; `undefined` when nothing is.
 * @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when it is anything else.
 */
export function readNames(
  value: unknown,
  path: KeyPath,
  check: (name: string) => string | undefined = () => undefined,
): readonly string[] {
  const elements = readArray(value, path);
  const names: string[] = [];
  // WHY: most lists have one name; a set for each was a fiftieth of a boot of 10 000 tools
  const seen = elements.length > 1 ? new Set<string>() : undefined;
  for (let index = 0; index < elements.length; index++) {
    const at = childPath(path, index);
    const name = readText(elements[index], at);
    if (name === "") throw schemaFault(at, "expected a name, got an empty string");
    if (seen?.has(name) === true) throw schemaFault(at, "expected each name once, got it again");
    const wanted = check(name);
    if (wanted !== undefined) throw schemaFault(at, `${wanted}, got ${quote(name)}`);
    seen?.add(name);
    names.push(name);
  }
  return names;
}

/** @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when `value` is none of `choices`. */
export function readChoice<T extends string>(
  value: unknown,
  path: KeyPath,
  choices: readonly T[],
): T {
  const choice = choices.find((one) => one === value);
  if (choice !== undefined) return choice;
  throw schemaFault(path, `expected ${choices.join(" or ")}, got ${describeValue(value)}`);
}

/**
 * An array of different members of `choices`.
 *
 * @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when it is anything else.
 */
export function readChoices<T extends string>(
  value: unknown,
  path: KeyPath,
  choices: readonly T[],
): readonly T[] {
  const chosen: T[] = [];
  for (const [index, element] of readArray(value, path).entries()) {
    const at = childPath(path, index);
    const choice = readChoice(element, at, choices);
    if (chosen.includes(choice)) {
      throw schemaFault(at, `expected each of them once, got ${quote(choice)} again`);
    }
    chosen.push(choice);
  }
  return chosen;
}
