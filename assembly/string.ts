// JSON strings over raw bytes: strict reading, decoding, comparing (RFC 8259 section 7).
//
// A "raw span" is what stands between the quotes. A checked span was accepted by `readString`.
import { READ_CONTROL, READ_SURROGATE, READ_SYNTAX, READ_UTF8 } from "../src/abi/layout";
import {
  CHAR_B,
  CHAR_BACKSLASH,
  CHAR_F,
  CHAR_N,
  CHAR_QUOTE,
  CHAR_R,
  CHAR_SLASH,
  CHAR_SPACE,
  CHAR_T,
  CHAR_U,
} from "./chars";
import { fail, isLenient } from "./reader-state";

/** True when the last string read by `readString` holds an escape. */
export let stringHasEscape: bool = false;

/**
 * Reads a string strictly, from the byte after its opening quote.
 *
 * @returns the address of its closing quote, or 0 (see `failure`)
 */
export function readString(start: usize): usize {
  let at = start;
  stringHasEscape = false;
  const control = i8x16.splat(0x20);
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  while (true) {
    const block = v128.load(at);
    // WHY: as signed bytes, everything outside ASCII is negative: one compare finds it and the
    // controls alike
    const stop = i8x16.bitmask(
      v128.or(
        i8x16.lt_s(block, control),
        v128.or(i8x16.eq(block, quote), i8x16.eq(block, backslash)),
      ),
    );
    if (stop == 0) {
      at += 16;
      continue;
    }
    at += usize(ctz(stop));
    const c = u32(load<u8>(at));
    if (c == CHAR_QUOTE) return at;
    if (c == CHAR_BACKSLASH) {
      stringHasEscape = true;
      at = isShortEscape(load<u8>(at, 1)) ? at + 2 : readEscape(at);
    } else if (c >= 0x80) {
      at = readUtf8(at);
    } else {
      return fail(READ_CONTROL, at);
    }
    if (at == 0) return 0;
  }
}

/** One bit for each of `\\ b f n r t`, counted from the backslash. */
const SHORT_ESCAPES: u32 =
  1 |
  (1 << (CHAR_B - CHAR_BACKSLASH)) |
  (1 << (CHAR_F - CHAR_BACKSLASH)) |
  (1 << (CHAR_N - CHAR_BACKSLASH)) |
  (1 << (CHAR_R - CHAR_BACKSLASH)) |
  (1 << (CHAR_T - CHAR_BACKSLASH));

/** True when `c` behind a backslash makes an escape of two bytes. */
function isShortEscape(c: u32): bool {
  const bit = c - CHAR_BACKSLASH;
  if (bit < 32) return ((SHORT_ESCAPES >>> bit) & 1) != 0;
  return c == CHAR_QUOTE || c == CHAR_SLASH;
}

/** Checks one long escape at its backslash; returns the address behind it, or 0. */
function readEscape(at: usize): usize {
  if (u32(load<u8>(at, 1)) != CHAR_U) return fail(READ_SYNTAX, at);
  const unit = hexUnit(at + 2);
  if (unit < 0) return fail(READ_SYNTAX, at);
  if ((unit & 0xf800) != 0xd800) return at + 6;
  if ((unit & 0xfc00) == 0xd800 && load<u16>(at + 6) == 0x755c) {
    const second = hexUnit(at + 8);
    if (second < 0) return fail(READ_SYNTAX, at + 6);
    if ((second & 0xfc00) == 0xdc00) return at + 12;
  }
  return isLenient ? at + 6 : fail(READ_SURROGATE, at);
}

/** Value of four hex digits, or -1. */
function hexUnit(at: usize): i32 {
  let unit = 0;
  for (let index: usize = 0; index < 4; index++) {
    const c = u32(load<u8>(at + index));
    const lower = c | 0x20;
    let digit: u32;
    if (c - 0x30 <= 9) digit = c - 0x30;
    else if (lower - 0x61 <= 5) digit = lower - 0x57;
    else return -1;
    unit = (unit << 4) | i32(digit);
  }
  return unit;
}

/**
 * Checks the UTF-8 sequences from `at` on, as far as they go (Unicode 16, table 3-7).
 *
 * @returns the address of the next ASCII byte, or 0
 */
function readUtf8(start: usize): usize {
  let at = start;
  let c = u32(load<u8>(at));
  while (c >= 0x80) {
    const next = u32(load<u8>(at, 1));
    if (c < 0xe0) {
      if (c < 0xc2 || (next & 0xc0) != 0x80) return fail(READ_UTF8, at);
      at += 2;
    } else if (c < 0xf0) {
      const third = u32(load<u8>(at, 2));
      if ((next & 0xc0) != 0x80 || (third & 0xc0) != 0x80) return fail(READ_UTF8, at);
      if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f)) return fail(READ_UTF8, at);
      at += 3;
    } else {
      const rest = load<u16>(at, 2);
      if (c > 0xf4 || (next & 0xc0) != 0x80 || (rest & 0xc0c0) != 0x8080) {
        return fail(READ_UTF8, at);
      }
      if ((c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f)) return fail(READ_UTF8, at);
      at += 4;
    }
    c = u32(load<u8>(at));
  }
  return at;
}

/** Address behind the last code point that `nextCodePoint` returned. */
export let pointEnd: usize = 0;

/**
 * Decodes one code point of a checked raw span: an escape, an escaped surrogate pair, or UTF-8.
 * Lone surrogates (lenient reading) come back as themselves. Leaves `pointEnd` behind it.
 */
export function nextCodePoint(at: usize): u32 {
  const c = u32(load<u8>(at));
  if (c == CHAR_BACKSLASH) return nextEscaped(at);
  if (c < 0x80) {
    pointEnd = at + 1;
    return c;
  }
  const second = u32(load<u8>(at, 1)) & 0x3f;
  if (c < 0xe0) {
    pointEnd = at + 2;
    return ((c & 0x1f) << 6) | second;
  }
  const third = u32(load<u8>(at, 2)) & 0x3f;
  if (c < 0xf0) {
    pointEnd = at + 3;
    return ((c & 0x0f) << 12) | (second << 6) | third;
  }
  pointEnd = at + 4;
  return ((c & 0x07) << 18) | (second << 12) | (third << 6) | (u32(load<u8>(at, 3)) & 0x3f);
}

function nextEscaped(at: usize): u32 {
  const c = u32(load<u8>(at, 1));
  pointEnd = at + 2;
  if (c == CHAR_N) return 0x0a;
  if (c == CHAR_T) return 0x09;
  if (c == CHAR_R) return 0x0d;
  if (c == CHAR_B) return 0x08;
  if (c == CHAR_F) return 0x0c;
  if (c != CHAR_U) return c;
  pointEnd = at + 6;
  const unit = u32(hexUnit(at + 2));
  if ((unit & 0xfc00) != 0xd800 || load<u16>(at + 6) != 0x755c) return unit;
  const second = u32(hexUnit(at + 8));
  if ((second & 0xfc00) != 0xdc00) return unit;
  pointEnd = at + 12;
  return 0x10000 + ((unit & 0x3ff) << 10) + (second & 0x3ff);
}

/** Writes `point` as UTF-8 (three bytes for a lone surrogate); returns its size. */
function writeUtf8(point: u32, out: usize): usize {
  if (point < 0x80) {
    store<u8>(out, point);
    return 1;
  }
  if (point < 0x800) {
    store<u8>(out, 0xc0 | (point >> 6));
    store<u8>(out, 0x80 | (point & 0x3f), 1);
    return 2;
  }
  if (point < 0x10000) {
    store<u8>(out, 0xe0 | (point >> 12));
    store<u8>(out, 0x80 | ((point >> 6) & 0x3f), 1);
    store<u8>(out, 0x80 | (point & 0x3f), 2);
    return 3;
  }
  store<u8>(out, 0xf0 | (point >> 18));
  store<u8>(out, 0x80 | ((point >> 12) & 0x3f), 1);
  store<u8>(out, 0x80 | ((point >> 6) & 0x3f), 2);
  store<u8>(out, 0x80 | (point & 0x3f), 3);
  return 4;
}

/**
 * Decodes a checked raw span to UTF-8 at `out`.
 *
 * @returns its size in bytes, or -1 when it is more than `capacity`; writes at most `capacity`
 */
export function decodeString(start: usize, end: usize, out: usize, capacity: usize): i32 {
  let at = start;
  let size: usize = 0;
  while (at < end) {
    const point = nextCodePoint(at);
    const pointSize: usize = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (size + pointSize > capacity) return -1;
    size += writeUtf8(point, out + size);
    at = pointEnd;
  }
  return i32(size);
}

/**
 * Writes one code point of a checked raw span in canonical form (RFC 8785 section 3.2.2.2).
 *
 * @param at address of an escape
 * @param out room for 6 bytes
 * @returns the address behind the escape; `writtenSize` says how much was written
 */
export function writeCanonicalEscape(at: usize, out: usize): usize {
  const point = nextEscaped(at);
  if (point == CHAR_QUOTE || point == CHAR_BACKSLASH) return writeShort(out, point);
  if (point >= CHAR_SPACE) {
    writtenSize = writeUtf8(point, out);
    return pointEnd;
  }
  if (point == 0x0a) return writeShort(out, CHAR_N);
  if (point == 0x09) return writeShort(out, CHAR_T);
  if (point == 0x0d) return writeShort(out, CHAR_R);
  if (point == 0x08) return writeShort(out, CHAR_B);
  if (point == 0x0c) return writeShort(out, CHAR_F);
  store<u32>(out, 0x3030755c); // \u00
  store<u8>(out, 0x30 + (point >> 4), 4);
  const low = point & 15;
  store<u8>(out, low < 10 ? 0x30 + low : 0x57 + low, 5);
  writtenSize = 6;
  return pointEnd;
}

/** Bytes that the last `writeCanonicalEscape` wrote. */
export let writtenSize: usize = 0;

function writeShort(out: usize, c: u32): usize {
  store<u16>(out, CHAR_BACKSLASH | (c << 8));
  writtenSize = 2;
  return pointEnd;
}

/**
 * Order of UTF-16 code units, from bytes: a lead byte of an astral character (F0..F4) sorts as the
 * surrogate it becomes, below EE and EF (U+E000..U+FFFF).
 */
function utf16Rank(byte: u32): u32 {
  if (byte < 0xee) return byte;
  return byte >= 0xf0 ? byte - 2 : byte + 5;
}

/**
 * Compares two checked raw spans as decoded text, by UTF-16 code units (RFC 8785 section 3.2.3).
 *
 * @returns negative, 0 or positive
 */
export function compareStrings(
  a: usize,
  aSize: usize,
  aHasEscape: bool,
  b: usize,
  bSize: usize,
  bHasEscape: bool,
): i32 {
  if (aHasEscape || bHasEscape) return compareDecoded(a, a + aSize, b, b + bSize);
  const common = aSize < bSize ? aSize : bSize;
  for (let index: usize = 0; index < common; index++) {
    const x = u32(load<u8>(a + index));
    const y = u32(load<u8>(b + index));
    if (x != y) return i32(utf16Rank(x)) - i32(utf16Rank(y));
  }
  return i32(aSize) - i32(bSize);
}

function compareDecoded(a: usize, aEnd: usize, b: usize, bEnd: usize): i32 {
  let x = a;
  let y = b;
  while (x < aEnd && y < bEnd) {
    const pointA = nextCodePoint(x);
    x = pointEnd;
    const pointB = nextCodePoint(y);
    y = pointEnd;
    if (pointA != pointB) return i32(firstUnit(pointA, pointB)) - i32(firstUnit(pointB, pointA));
  }
  return x < aEnd ? 1 : y < bEnd ? -1 : 0;
}

/** First UTF-16 unit of `point` that differs from `other`'s. */
function firstUnit(point: u32, other: u32): u32 {
  if (point < 0x10000) return point;
  const lead = 0xd800 + ((point - 0x10000) >> 10);
  if (other < 0x10000 || 0xd800 + ((other - 0x10000) >> 10) != lead) return lead;
  return 0xdc00 + ((point - 0x10000) & 0x3ff);
}

/** True when two checked raw spans are the same text. */
export function stringsEqual(
  a: usize,
  aSize: usize,
  aHasEscape: bool,
  b: usize,
  bSize: usize,
  bHasEscape: bool,
): bool {
  if (aHasEscape || bHasEscape) return compareDecoded(a, a + aSize, b, b + bSize) == 0;
  return aSize == bSize && memory.compare(a, b, aSize) == 0;
}
