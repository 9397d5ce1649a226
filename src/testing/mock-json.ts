// JSON as the mock reads it: types, guards, and the raw text of one member.

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object; a member that is `undefined` is not written. */
export interface JsonObject {
  readonly [member: string]: JsonValue | undefined;
}

/** True for an object that is neither null nor an array. `value` must come from `JSON.parse`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value of a JSON text, or `undefined` when it is not one. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `value` when it is an object, else an object without members. */
export function objectOr(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/**
 * The raw text of the member at `path`, white space and number spellings kept.
 *
 * @param text a valid JSON text.
 * @param which of several members of one name, the one to take.
 * @returns `undefined` when there is no such member.
 */
export function rawMember(
  text: string,
  path: readonly string[],
  which: "first" | "last",
): string | undefined {
  let value = text.trim();
  for (const name of path) {
    const found = members(value).filter((member) => member.name === name);
    const member = which === "first" ? found[0] : found.at(-1);
    if (member === undefined) return undefined;
    value = member.raw;
  }
  return value;
}

interface RawMember {
  readonly name: string;
  readonly raw: string;
}

function members(text: string): RawMember[] {
  if (!text.startsWith("{")) return [];
  const found: RawMember[] = [];
  let at = skipSpace(text, 1);
  while (text[at] === '"') {
    const nameEnd = valueEnd(text, at);
    const name = parseJson(text.slice(at, nameEnd));
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = valueEnd(text, start);
    if (typeof name === "string") found.push({ name, raw: text.slice(start, end) });
    const next = skipSpace(text, end);
    if (text[next] !== ",") break;
    at = skipSpace(text, next + 1);
  }
  return found;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (/^[ \t\r\n]$/.test(text[at] ?? "")) at++;
  return at;
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function valueEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const c = text[at] ?? "";
    if (c === '"') {
      at = stringEnd(text, at);
    } else if (c === "{" || c === "[") {
      depth++;
      at++;
    } else if (c === "}" || c === "]") {
      depth--;
      at++;
    } else if (depth > 0) {
      at++;
    } else {
      while (/^[^,\]} \t\r\n]$/.test(text[at] ?? "")) at++;
    }
  } while (depth > 0 && at < text.length);
  return at;
}
