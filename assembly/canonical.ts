// RFC 8785 (JCS) writer: walks the tables that json.ts kept, copies bytes, never builds a value.
//
// The text goes to one of two places: the canonical buffer as a whole, or, where it may be longer
// than its room, through it in pieces into the running SHA-256.
import {
  CHAR_BACKSLASH,
  CHAR_BRACE_CLOSE,
  CHAR_BRACE_OPEN,
  CHAR_BRACKET_CLOSE,
  CHAR_BRACKET_OPEN,
  CHAR_COLON,
  CHAR_COMMA,
  CHAR_F,
  CHAR_N,
  CHAR_QUOTE,
  CHAR_T,
} from "./chars";
import {
  KEY_ESCAPE_BIT,
  KEY_SIZE_MASK,
  mayBeSpace,
  MEMBER_OFFSET_KEY,
  MEMBER_OFFSET_KEY_SIZE,
  MEMBER_OFFSET_TAIL,
  MEMBER_OFFSET_VALUE,
  MEMBER_SIZE,
  OBJECT_OFFSET_COUNT,
  OBJECT_OFFSET_END,
  OBJECT_OFFSET_MEMBERS,
  OBJECT_OFFSET_NEXT,
  OBJECT_SIZE,
  skipSpace,
} from "./json";
import { objectsStart, TOKEN_ROOM } from "./memory";
import { numberReadTo, writeNumber } from "./number";
import { sha256Update } from "./sha256";
import { writeCanonicalEscape, writtenSize } from "./string";

let out: usize = 0;
let outStart: usize = 0;
/** From here on the buffer is flushed, or the text does not fit. */
let outLimit: usize = 0;
let isHashing: bool = false;
let overflowed: bool = false;
/** Number of the next object the walk will meet. */
let nextObject: u32 = 0;

/**
 * Writes the canonical form of the recorded value at `at` to `start`.
 *
 * @param end behind the room; more than TOKEN_ROOM
 * @param hashing true: whatever does not fit, and the rest at the end, goes into the running SHA-256
 * @returns address behind the text, or 0 when it does not fit and is not hashed
 */
export function writeCanonical(at: usize, start: usize, end: usize, hashing: bool): usize {
  out = start;
  outStart = start;
  outLimit = end - TOKEN_ROOM;
  isHashing = hashing;
  overflowed = false;
  nextObject = 0;
  writeValue(at);
  if (hashing) flush();
  return overflowed ? 0 : out;
}

function flush(): void {
  if (isHashing) sha256Update(outStart, i32(out - outStart));
  else overflowed = true;
  out = outStart;
}

/** Writes the value at `at`; returns the address behind it in the text. */
function writeValue(at: usize): usize {
  if (out >= outLimit) flush();
  const c = u32(load<u8>(at));
  if (c == CHAR_QUOTE) return writeString(at + 1, 0);
  if (c == CHAR_BRACE_OPEN) return writeObject(at);
  if (c == CHAR_BRACKET_OPEN) return writeArray(at);
  if (c == CHAR_T || c == CHAR_N) {
    store<u32>(out, load<u32>(at));
    out += 4;
    return at + 4;
  }
  if (c == CHAR_F) {
    store<u64>(out, load<u64>(at));
    out += 5;
    return at + 5;
  }
  out += writeNumber(at, out);
  return numberReadTo;
}

function writeByte(c: u32): void {
  store<u8>(out, c);
  out += 1;
}

function writeArray(start: usize): usize {
  writeByte(CHAR_BRACKET_OPEN);
  let at = skipSpace(start + 1);
  if (u32(load<u8>(at)) == CHAR_BRACKET_CLOSE) {
    writeByte(CHAR_BRACKET_CLOSE);
    return at + 1;
  }
  while (true) {
    at = writeValue(at);
    if (mayBeSpace(at)) at = skipSpace(at);
    if (u32(load<u8>(at)) == CHAR_BRACKET_CLOSE) break;
    writeByte(CHAR_COMMA);
    at += 1;
    if (mayBeSpace(at)) at = skipSpace(at);
  }
  writeByte(CHAR_BRACKET_CLOSE);
  return at + 1;
}

function writeObject(start: usize): usize {
  const inside = skipSpace(start + 1);
  writeByte(CHAR_BRACE_OPEN);
  if (u32(load<u8>(inside)) == CHAR_BRACE_CLOSE) {
    writeByte(CHAR_BRACE_CLOSE);
    return inside + 1;
  }
  const record = objectsStart + usize(nextObject) * OBJECT_SIZE;
  let entry = usize(load<u32>(record, OBJECT_OFFSET_MEMBERS));
  const tableEnd = entry + usize(load<u32>(record, OBJECT_OFFSET_COUNT)) * MEMBER_SIZE;
  while (true) {
    const keySize = load<u32>(entry, MEMBER_OFFSET_KEY_SIZE);
    const key = usize(load<u32>(entry, MEMBER_OFFSET_KEY));
    if (out >= outLimit) flush();
    if ((keySize & KEY_ESCAPE_BIT) != 0) writeString(key, 0);
    else writeString(key, usize(keySize & KEY_SIZE_MASK));
    writeByte(CHAR_COLON);
    nextObject = load<u32>(entry, MEMBER_OFFSET_TAIL);
    const value = usize(load<u32>(entry, MEMBER_OFFSET_VALUE));
    // WHY: most values are strings; a call less for each
    if (u32(load<u8>(value)) == CHAR_QUOTE) {
      if (out >= outLimit) flush();
      writeString(value + 1, 0);
    } else {
      writeValue(value);
    }
    entry += MEMBER_SIZE;
    if (entry == tableEnd) break;
    writeByte(CHAR_COMMA);
  }
  writeByte(CHAR_BRACE_CLOSE);
  nextObject = load<u32>(record, OBJECT_OFFSET_NEXT);
  return usize(load<u32>(record, OBJECT_OFFSET_END));
}

/**
 * Writes a string from the byte behind its opening quote, both quotes included.
 *
 * @param knownSize size of the raw span when it is known to hold no escape, else 0
 * @returns the address behind its closing quote
 */
function writeString(start: usize, knownSize: usize): usize {
  writeByte(CHAR_QUOTE);
  if (knownSize != 0 && out + knownSize + 16 < outLimit) {
    copyBlocks(start, knownSize);
    writeByte(CHAR_QUOTE);
    return start + knownSize + 1;
  }
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  let at = start;
  while (true) {
    if (out >= outLimit) flush();
    // INVARIANT: a block behind `outLimit` still fits into TOKEN_ROOM
    const block = v128.load(at);
    v128.store(out, block);
    const stop = i8x16.bitmask(v128.or(i8x16.eq(block, quote), i8x16.eq(block, backslash)));
    if (stop == 0) {
      at += 16;
      out += 16;
      continue;
    }
    const size = usize(ctz(stop));
    at += size;
    out += size;
    if (u32(load<u8>(at)) != CHAR_BACKSLASH) break;
    at = writeCanonicalEscape(at, out);
    out += writtenSize;
  }
  writeByte(CHAR_QUOTE);
  return at + 1;
}

/** Copies in blocks of 16; up to 15 bytes behind the copy are overwritten by the next token. */
function copyBlocks(from: usize, size: usize): void {
  for (let index: usize = 0; index < size; index += 16) {
    v128.store(out + index, v128.load(from + index));
  }
  out += size;
}
