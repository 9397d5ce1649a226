// JSON numbers: which are accepted, and their ECMAScript text (20-fingerprint section 1).
//
// A number is a digit string and a power of ten. Up to 15 significant digits survive the way
// through a double and back unchanged (DBL_DIG), so they are formatted as they stand; the others
// go through exact integer arithmetic in bignum.ts. There is no float in the kernel.
import { READ_NUMBER, READ_SYNTAX } from "../src/abi/layout";
import { roundTripDigits } from "./bignum";
import { CHAR_0, CHAR_E, CHAR_MINUS, CHAR_PLUS, CHAR_POINT } from "./chars";
import { fail, isLenient } from "./reader-state";

/** Significant digits that any double keeps. */
const SAFE_DIGITS: u32 = 15;
/** Digits kept for exact arithmetic; what is cut can only break a tie (see bignum.ts). */
const DIGITS_MAX: u32 = 800;
/** Exponents are clamped here: beyond any text's power to shift back into range. */
const EXPONENT_MAX: i32 = 1000000000;

/** Significant digits of the number being read, as values 0..9: no leading, no trailing zeros. */
export const digits: usize = memory.data(832, 16);
/** How many; 0 for zero. */
let digitCount: u32 = 0;
/** The value is 0.d1d2d3... x 10^pointAt. */
let pointAt: i32 = 0;
/** A digit other than 0 was cut behind DIGITS_MAX. */
let isTruncated: bool = false;
let isPlain: bool = false;
let isNegative: bool = false;
let integerSize: u32 = 0;

function isDigit(at: usize): bool {
  return u32(load<u8>(at)) - CHAR_0 <= 9;
}

/**
 * Reads a number by the JSON grammar and refuses what a double would lose.
 *
 * @returns the address behind it, or 0
 */
export function readNumber(start: usize): usize {
  let at = start;
  if (u32(load<u8>(at)) == CHAR_MINUS) at += 1;
  const integerStart = at;
  if (!isDigit(at)) return fail(READ_SYNTAX, start);
  if (u32(load<u8>(at)) == CHAR_0) {
    at += 1;
    if (isDigit(at)) return fail(READ_SYNTAX, start);
  } else {
    while (isDigit(at)) at += 1;
  }
  const c = u32(load<u8>(at));
  if (c != CHAR_POINT && (c | 0x20) != CHAR_E) {
    if (isLenient || at - integerStart <= usize(SAFE_DIGITS)) return at;
    parse(start, at);
    return plainSurvives() ? at : fail(READ_NUMBER, start);
  }
  at = skipFraction(at);
  if (at == 0) return fail(READ_SYNTAX, start);
  if (isLenient) return at;
  parse(start, at);
  return isRepresentable() ? at : fail(READ_NUMBER, start);
}

/** Skips the fraction and the exponent at `start`; returns the address behind, or 0. */
function skipFraction(start: usize): usize {
  let at = start;
  if (u32(load<u8>(at)) == CHAR_POINT) {
    at += 1;
    if (!isDigit(at)) return 0;
    while (isDigit(at)) at += 1;
  }
  if ((u32(load<u8>(at)) | 0x20) == CHAR_E) {
    at += 1;
    const sign = u32(load<u8>(at));
    if (sign == CHAR_PLUS || sign == CHAR_MINUS) at += 1;
    if (!isDigit(at)) return 0;
    while (isDigit(at)) at += 1;
  }
  return at;
}

/** Address behind the number at `start`, which `readNumber` has accepted. */
function numberEnd(start: usize): usize {
  let at = start;
  if (u32(load<u8>(at)) == CHAR_MINUS) at += 1;
  while (isDigit(at)) at += 1;
  return skipFraction(at);
}

/** Takes the checked number between `start` and `end` apart into `digits` and `pointAt`. */
function parse(start: usize, end: usize): void {
  let at = start;
  isNegative = u32(load<u8>(at)) == CHAR_MINUS;
  if (isNegative) at += 1;
  const integerStart = at;
  digitCount = 0;
  pointAt = 0;
  isTruncated = false;
  while (at < end && isDigit(at)) {
    if (pushDigit(at)) pointAt += 1;
    at += 1;
  }
  integerSize = u32(at - integerStart);
  isPlain = at == end;
  if (at < end && u32(load<u8>(at)) == CHAR_POINT) {
    at += 1;
    while (at < end && isDigit(at)) {
      if (!pushDigit(at)) pointAt -= 1;
      at += 1;
    }
  }
  if (at < end) pointAt += parseExponent(at + 1, end);
  // where digits were cut, those that were kept hold their places
  if (isTruncated) return;
  while (digitCount > 0 && load<u8>(digits + usize(digitCount) - 1) == 0) digitCount -= 1;
}

/** Appends one digit; false for a zero before the first other digit. */
function pushDigit(at: usize): bool {
  const digit = u32(load<u8>(at)) - CHAR_0;
  if (digitCount == 0 && digit == 0) return false;
  if (digitCount < DIGITS_MAX) {
    store<u8>(digits + usize(digitCount), digit);
    digitCount += 1;
  } else if (digit != 0) {
    isTruncated = true;
  }
  return true;
}

function parseExponent(start: usize, end: usize): i32 {
  let at = start;
  const sign = u32(load<u8>(at));
  if (sign == CHAR_PLUS || sign == CHAR_MINUS) at += 1;
  let exponent = 0;
  while (at < end) {
    // saturates before it multiplies: 4294967298 must not wrap around to 2
    exponent =
      exponent >= EXPONENT_MAX / 10
        ? EXPONENT_MAX
        : exponent * 10 + i32(u32(load<u8>(at)) - CHAR_0);
    at += 1;
  }
  return sign == CHAR_MINUS ? -exponent : exponent;
}

/** The double is finite, and zero only if all digits are: exact tests only at the two borders. */
function isRepresentable(): bool {
  if (digitCount == 0) return true;
  if (pointAt > 309 || pointAt < -323) return false;
  if (pointAt < 309 && pointAt > -323) return true;
  return shortest();
}

/** A plain integer survives when its shortest text is the integer itself. */
function plainSurvives(): bool {
  if (digitCount == 0) return true;
  if (integerSize > 21 || digitCount > 17) return false;
  if (digitCount <= SAFE_DIGITS) return true;
  const before = digitCount;
  memory.copy(digits + 32, digits, usize(before));
  const pointBefore = pointAt;
  if (!shortest() || digitCount != before || pointAt != pointBefore) return false;
  return memory.compare(digits, digits + 32, usize(before)) == 0;
}

/** Replaces `digits` by the shortest ones that give the same double; false at 0 and infinity. */
function shortest(): bool {
  const shifted = roundTripDigits(digits, digitCount, isTruncated, pointAt);
  if (shifted == i32.MIN_VALUE) return false;
  pointAt = shifted;
  digitCount = 0;
  while (load<u8>(digits + usize(digitCount)) != 0xff) digitCount += 1;
  return true;
}

/** Address behind the number that `writeNumber` wrote last. */
export let numberReadTo: usize = 0;

/**
 * Writes the accepted number at `start` as ECMAScript `Number::toString` does.
 *
 * @param out room for 32 bytes
 * @returns how many bytes were written; leaves `numberReadTo` behind the number
 */
export function writeNumber(start: usize, out: usize): usize {
  const end = numberEnd(start);
  numberReadTo = end;
  parse(start, end);
  if (digitCount == 0) {
    store<u8>(out, CHAR_0);
    return 1;
  }
  if (isPlain) {
    memory.copy(out, start, end - start);
    return end - start;
  }
  const isExact = digitCount <= SAFE_DIGITS && !isTruncated && pointAt > -290 && pointAt < 300;
  if (!isExact) shortest();
  return format(out);
}

/** ECMA-262 section 6.1.6.1.20, steps 6 to 12, with k = digitCount and n = pointAt. */
function format(start: usize): usize {
  let out = start;
  if (isNegative) out = put(out, CHAR_MINUS);
  const k = i32(digitCount);
  const n = pointAt;
  if (n > 21 || n <= -6) return formatExponent(out, n - 1) - start;
  if (n <= 0) {
    out = put(put(out, CHAR_0), CHAR_POINT);
    for (let zero = n; zero < 0; zero++) out = put(out, CHAR_0);
    return putDigits(out, 0, k) - start;
  }
  if (k <= n) {
    out = putDigits(out, 0, k);
    for (let zero = k; zero < n; zero++) out = put(out, CHAR_0);
    return out - start;
  }
  out = put(putDigits(out, 0, n), CHAR_POINT);
  return putDigits(out, n, k) - start;
}

function formatExponent(start: usize, exponent: i32): usize {
  let out = putDigits(start, 0, 1);
  if (digitCount > 1) out = putDigits(put(out, CHAR_POINT), 1, i32(digitCount));
  out = put(out, CHAR_E);
  out = put(out, exponent < 0 ? CHAR_MINUS : CHAR_PLUS);
  const size = u32(exponent < 0 ? -exponent : exponent);
  if (size >= 100) out = put(out, CHAR_0 + size / 100);
  if (size >= 10) out = put(out, CHAR_0 + ((size / 10) % 10));
  return put(out, CHAR_0 + (size % 10));
}

function put(out: usize, c: u32): usize {
  store<u8>(out, c);
  return out + 1;
}

function putDigits(start: usize, from: i32, to: i32): usize {
  let out = start;
  for (let index = from; index < to; index++) {
    out = put(out, CHAR_0 + u32(load<u8>(digits + usize(index))));
  }
  return out;
}
