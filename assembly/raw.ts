// Reading by brackets and quotes alone, for texts that the strict reader has refused: to answer a
// malformed message, and to tell which item an unreadable definition is.
import {
  CHAR_BACKSLASH,
  CHAR_BRACE_CLOSE,
  CHAR_BRACE_OPEN,
  CHAR_BRACKET_CLOSE,
  CHAR_BRACKET_OPEN,
  CHAR_COLON,
  CHAR_COMMA,
  CHAR_QUOTE,
  CHAR_SPACE,
} from "./chars";
import { textEnd } from "./reader-state";
import { decodeString, readString } from "./string";

/** Value of the member that `findRawMember` found. */
export let rawStart: usize = 0;
export let rawEnd: usize = 0;

const decoded: usize = memory.data(32, 16);

/**
 * Skips one value, whatever else is wrong with it.
 *
 * @returns the address behind it, or 0 when the text ends inside it
 */
export function skipRaw(start: usize): usize {
  let at = start;
  let depth = 0;
  while (true) {
    const c = u32(load<u8>(at));
    if (c == 0 && at >= textEnd) return 0;
    if (c == CHAR_QUOTE) {
      at = skipRawString(at + 1);
      if (at == 0) return 0;
      if (depth == 0) return at;
      continue;
    }
    const isClosing = c == CHAR_BRACE_CLOSE || c == CHAR_BRACKET_CLOSE;
    if (c == CHAR_BRACE_OPEN || c == CHAR_BRACKET_OPEN) depth += 1;
    else if (isClosing && depth <= 1) return depth == 1 ? at + 1 : at;
    else if (isClosing) depth -= 1;
    else if (depth == 0 && c == CHAR_COMMA) return at;
    at += 1;
  }
}

function skipRawString(start: usize): usize {
  let at = start;
  while (at < textEnd) {
    const c = u32(load<u8>(at));
    if (c == CHAR_QUOTE) return at + 1;
    at += c == CHAR_BACKSLASH ? 2 : 1;
  }
  return 0;
}

function skipAnySpace(start: usize): usize {
  let at = start;
  while (at < textEnd && u32(load<u8>(at)) <= CHAR_SPACE) at += 1;
  return at;
}

/**
 * Finds the member `key` (at most 32 ASCII bytes) of the object at `start`, escapes decoded.
 *
 * @returns true when exactly one complete member has that name; then `rawStart` and `rawEnd` are
 *   its value, without white space around it
 */
export function findRawMember(start: usize, key: usize, keySize: usize): bool {
  let at = skipAnySpace(start);
  if (u32(load<u8>(at)) != CHAR_BRACE_OPEN) return false;
  let found = 0;
  at = skipAnySpace(at + 1);
  while (u32(load<u8>(at)) == CHAR_QUOTE) {
    const keyEnd = skipRaw(at);
    if (keyEnd == 0) break;
    const isKey = isRawKey(at + 1, keyEnd - 1, key, keySize);
    at = skipAnySpace(keyEnd);
    if (u32(load<u8>(at)) != CHAR_COLON) break;
    const value = skipAnySpace(at + 1);
    const end = skipRaw(value);
    if (end == 0) break;
    at = skipAnySpace(end);
    const c = u32(load<u8>(at));
    if (c != CHAR_COMMA && c != CHAR_BRACE_CLOSE) break;
    if (isKey) {
      found += 1;
      rawStart = value;
      rawEnd = end;
      while (rawEnd > rawStart && u32(load<u8>(rawEnd - 1)) <= CHAR_SPACE) rawEnd -= 1;
    }
    if (c != CHAR_COMMA) break;
    at = skipAnySpace(at + 1);
  }
  return found == 1;
}

/** The raw span is `key`; what cannot be read is not. */
function isRawKey(start: usize, end: usize, key: usize, keySize: usize): bool {
  if (readString(start) != end) return false;
  if (decodeString(start, end, decoded, 32) != i32(keySize)) return false;
  return memory.compare(decoded, key, keySize) == 0;
}
