// JSON values for the comparison of definitions; absent members are `undefined`, which JSON has not.
import { GuardError } from "../errors.ts";
import { canonicalize, jsonBytes, parseStrictJson } from "../kernel/strict-json.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The own member `key`; never what a prototype holds. */
export function memberOf(value: unknown, key: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The object that strict JSON text holds, or `undefined` when it holds none. */
export function parseDefinition(text: string): JsonObject | undefined {
  try {
    const value = parseStrictJson(jsonBytes(text));
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof GuardError) return undefined;
    throw error;
  }
}

/** True when both are one JSON value, whatever the order of their members. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((element, index) => isSameJson(element, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSameJson(a[key], b[key]))
  );
}

/** The RFC 8785 text of a value that came from `parseDefinition`. */
export function canonicalJson(value: unknown): string {
  return canonicalize(JSON.stringify(value));
}

/** The texts of an array's elements, each a set member; empty for anything but an array. */
export function elementSet(value: unknown): ReadonlySet<string> {
  return new Set(Array.isArray(value) ? value.map(canonicalJson) : []);
}
