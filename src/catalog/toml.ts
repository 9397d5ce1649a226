// TOML bytes -> plain tables, strictly (10-catalog section 1). The only importer of smol-toml.
import { parse, TomlDate, TomlError } from "smol-toml";
import { utf8Text } from "../bytes.ts";
import { GuardError } from "../errors.ts";

/** Whose document it is; chooses the error codes `CATALOG_*` or `ROOT_*`. */
export type TomlArea = "CATALOG" | "ROOT";

// WHY: the deepest legal value is rules[n].when.<list>; the parser recurses, so depth is bounded
const INLINE_DEPTH_MAX = 32;
const BYTE_ORDER_MARK = "\uFEFF";
const SMOL_PREFIX = "Invalid TOML document: ";

/**
 * Reads a TOML document.
 *
 * Integers are `bigint`, floats `number`, dates `Date`, tables null-prototype objects (so an own
 * `__proto__` is an ordinary key). Line ends are LF or CRLF, as TOML says.
 *
 * @throws {GuardError} CATALOG_SYNTAX / ROOT_SYNTAX when `bytes` are not UTF-8, hold U+FEFF, or are
 * not TOML; with line and column where there is one.
 */
export function readToml(bytes: Uint8Array, area: TomlArea): Record<string, unknown> {
  return readTomlText(tomlText(bytes, area), area);
}

/**
 * The text of a TOML document: strict UTF-8 without U+FEFF.
 *
 * @throws {GuardError} CATALOG_SYNTAX / ROOT_SYNTAX when it is anything else.
 */
export function tomlText(bytes: Uint8Array, area: TomlArea): string {
  const text = utf8Text(bytes);
  if (text === undefined) {
    throw new GuardError(
      `${area}_SYNTAX`,
      "expected utf-8, got other bytes; save the file as utf-8",
    );
  }
  const mark = text.indexOf(BYTE_ORDER_MARK);
  if (mark !== -1) {
    const before = text.slice(0, mark);
    const line = before.split("\n").length;
    const column = mark - before.lastIndexOf("\n");
    const message = "expected no byte order mark, got u+feff; save the file as utf-8 without it";
    throw new GuardError(`${area}_SYNTAX`, message, { at: { line, column } });
  }
  return text;
}

/**
 * Like `readToml`, for text that `tomlText` gave: for callers that need it for `readInstant` too.
 *
 * @throws {GuardError} CATALOG_SYNTAX / ROOT_SYNTAX when `text` is not TOML.
 */
export function readTomlText(text: string, area: TomlArea): Record<string, unknown> {
  try {
    return parse(text, { integersAsBigInt: true, maxDepth: INLINE_DEPTH_MAX });
  } catch (error) {
    throw syntaxError(error, area);
  }
}

/**
 * Reads an instant: an offset date-time in Z with whole seconds, written on a line of its own as
 * `key = YYYY-MM-DDThh:mm:ssZ`.
 *
 * The line is looked for in `text` because the parser turns 30 February into 2 March and forgets
 * the spelling.
 *
 * @param table - the table that `readTomlText(text)` gave.
 * @returns milliseconds since the epoch.
 * @throws {GuardError} CATALOG_SCHEMA / ROOT_SCHEMA when `key` is missing or anything else.
 */
export function readInstant(
  table: Readonly<Record<string, unknown>>,
  key: "issued" | "expires",
  text: string,
  area: TomlArea,
): number {
  const value = Object.hasOwn(table, key) ? table[key] : undefined;
  if (value instanceof TomlDate && !value.isLocal() && value.getTime() % 1000 === 0) {
    const iso = value.toISOString(); // keeps an offset other than Z, which the next line refuses
    if (iso.endsWith(".000Z") && hasLine(text, key, `${iso.slice(0, -5)}Z`)) return value.getTime();
  }
  const got = value === undefined ? "nothing" : "another value or spelling";
  const line = `\`${key} = YYYY-MM-DDThh:mm:ssZ\``;
  const message = `expected a line ${line} with an existing date, got ${got}`;
  throw new GuardError(`${area}_SCHEMA`, message, { at: { path: key } });
}

/** True when `text` has a line `key = value`, a comment behind it allowed. */
function hasLine(text: string, key: string, value: string): boolean {
  // WHY: [ \t] and \n instead of \s and the m flag: \s* would run over line ends (quadratic on a
  // file of empty lines), and ^ under m also matches behind U+2028
  const line = new RegExp(
    `(?:^|\\n)[ \\t]*${key}[ \\t]*=[ \\t]*${value}[ \\t]*(?:#[^\\n]*)?\\r?(?:\\n|$)`,
  );
  return line.test(text);
}

function syntaxError(error: unknown, area: TomlArea): GuardError {
  if (!(error instanceof TomlError)) {
    return new GuardError(`${area}_SYNTAX`, "expected toml, got a text the parser gave up on", {
      cause: error,
    });
  }
  // WHY: the first line only; the others quote the document
  const [headline = ""] = error.message.split("\n", 1);
  const detail = headline.startsWith(SMOL_PREFIX) ? headline.slice(SMOL_PREFIX.length) : headline;
  return new GuardError(`${area}_SYNTAX`, `expected toml, got a mistake: ${detail}`, {
    at: { line: error.line, column: error.column },
  });
}
