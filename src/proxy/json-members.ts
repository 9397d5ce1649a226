// Members of an object and elements of an array, as spans of the original bytes.
//
// Brackets and quotes alone are followed: on bytes that the kernel has read, the spans are exact;
// on others the answer may be `undefined` or nonsense, and what is made of it is read again.
import { utf8Text } from "../bytes.ts";
import type { Span } from "../kernel/message.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export interface Member {
  /** Decoded; `undefined` when it is not a JSON string. */
  readonly name: string | undefined;
  /** With its quotes. */
  readonly key: Span;
  readonly value: Span;
  /** From the key's first byte to the value's last. */
  readonly whole: Span;
}

/** The members of the object that `object` spans; `undefined` when there is none. */
export function membersOf(bytes: Uint8Array, object: Span): Member[] | undefined {
  if (bytes[object.start] !== 0x7b) return undefined;
  const members: Member[] = [];
  let at = skipSpace(bytes, object.start + 1, object.end);
  if (bytes[at] === 0x7d) return at + 1 === object.end ? members : undefined;
  while (at < object.end) {
    if (bytes[at] !== QUOTE) return undefined;
    const keyEnd = skipString(bytes, at, object.end);
    const colon = skipSpace(bytes, keyEnd, object.end);
    if (bytes[colon] !== 0x3a) return undefined;
    const start = skipSpace(bytes, colon + 1, object.end);
    const end = skipValue(bytes, start, object.end);
    if (end <= start) return undefined;
    const key = { start: at, end: keyEnd };
    const value = { start, end };
    members.push({ name: readString(bytes, key), key, value, whole: { start: at, end } });
    at = skipSpace(bytes, end, object.end);
    if (bytes[at] === 0x7d) return at + 1 === object.end ? members : undefined;
    if (bytes[at] !== 0x2c) return undefined;
    at = skipSpace(bytes, at + 1, object.end);
  }
  return undefined;
}

/**
 * The elements of the array that `array` spans.
 *
 * @param countMax with more elements than that, nothing behind them is looked at
 * @returns `undefined` when there is no array, or when it has too many
 */
export function elementsOf(
  bytes: Uint8Array,
  array: Span,
  countMax: number = Number.POSITIVE_INFINITY,
): Span[] | undefined {
  if (bytes[array.start] !== 0x5b) return undefined;
  const elements: Span[] = [];
  let at = skipSpace(bytes, array.start + 1, array.end);
  if (bytes[at] === 0x5d) return at + 1 === array.end ? elements : undefined;
  while (at < array.end) {
    const end = skipValue(bytes, at, array.end);
    if (end <= at || elements.length >= countMax) return undefined;
    elements.push({ start: at, end });
    at = skipSpace(bytes, end, array.end);
    if (bytes[at] === 0x5d) return at + 1 === array.end ? elements : undefined;
    if (bytes[at] !== 0x2c) return undefined;
    at = skipSpace(bytes, at + 1, array.end);
  }
  return undefined;
}

/** The only member of that name; `undefined` when there is none or more than one. */
export function memberNamed(members: readonly Member[], name: string): Member | undefined {
  const found = members.filter((member) => member.name === name);
  return found.length === 1 ? found[0] : undefined;
}

/** The value behind a path of member names; `undefined` when any of them is not there once. */
export function valueAt(
  bytes: Uint8Array,
  object: Span | undefined,
  ...path: readonly string[]
): Span | undefined {
  let span = object;
  for (const name of path) {
    const members = span === undefined ? undefined : membersOf(bytes, span);
    span = members === undefined ? undefined : memberNamed(members, name)?.value;
  }
  return span;
}

/** The span of the object or other value that the bytes are, white space around it left out. */
export function wholeValue(bytes: Uint8Array): Span {
  let end = bytes.length;
  while (end > 0 && isSpace(bytes[end - 1])) end -= 1;
  return { start: skipSpace(bytes, 0, end), end };
}

/** The text of a JSON string; `undefined` when the span is not one. */
export function readString(bytes: Uint8Array, span: Span | undefined): string | undefined {
  if (span === undefined || bytes[span.start] !== QUOTE || span.end < span.start + 2) {
    return undefined;
  }
  const inside = bytes.subarray(span.start + 1, span.end - 1);
  if (!inside.includes(BACKSLASH)) return utf8Text(inside);
  const value = readJson(bytes, span);
  return typeof value === "string" ? value : undefined;
}

/** The value of a JSON number; `undefined` when the span is not one. */
export function readNumber(bytes: Uint8Array, span: Span | undefined): number | undefined {
  const value = span === undefined ? undefined : readJson(bytes, span);
  return typeof value === "number" ? value : undefined;
}

/** The text of a span. */
export function spanText(bytes: Uint8Array, span: Span): string {
  return utf8Text(bytes.subarray(span.start, span.end)) ?? "";
}

/**
 * The name with the letters folded that some readers fold (Go's encoding/json among them): ASCII
 * case, U+017F to `s` and U+212A to `k`.
 */
export function foldName(name: string): string {
  return name
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replaceAll("\u017f", "s")
    .replaceAll("\u212a", "k");
}

/**
 * The value of the member of that name, which no look-alike stands beside or in place of.
 *
 * @returns `none` when there is no such member; `undefined` when there is a look-alike, or no object
 */
export function soleMember(
  line: Uint8Array,
  object: Span,
  name: string,
): Span | "none" | undefined {
  const members = membersOf(line, object);
  if (members === undefined) return undefined;
  const folded = foldName(name);
  const alike = members.filter((member) => foldName(member.name ?? "") === folded);
  const [only] = alike;
  if (only === undefined) return "none";
  return alike.length === 1 && only.name === name ? only.value : undefined;
}

function readJson(bytes: Uint8Array, span: Span): unknown {
  const text = utf8Text(bytes.subarray(span.start, span.end));
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isSpace(bytes[at])) at += 1;
  return at;
}

/** Index behind the string that begins at `start`; `end` + 1 when it does not end. */
function skipString(bytes: Uint8Array, start: number, end: number): number {
  let at = start + 1;
  while (at < end) {
    // WHY: strings hold most of the bytes of a result; indexOf is a memchr
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0 || quote >= end) return end + 1;
    let escapes = 0;
    while (quote - 1 - escapes > start && bytes[quote - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
  return end + 1;
}

/** Index behind the value that begins at `start`, or `start` when there is none. */
function skipValue(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start];
  if (first === QUOTE) {
    const behind = skipString(bytes, start, end);
    return behind > end ? start : behind;
  }
  if (first === 0x7b || first === 0x5b) return skipBrackets(bytes, start, end);
  let at = start;
  while (at < end && !isSpace(bytes[at]) && !isDelimiter(bytes[at])) at += 1;
  return at;
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === 0x2c || byte === 0x5d || byte === 0x7d;
}

function skipBrackets(bytes: Uint8Array, start: number, end: number): number {
  let depth = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at, end);
      continue;
    }
    at += 1;
    if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    if (depth === 0) return at;
  }
  return start;
}
