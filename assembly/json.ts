// Strict JSON reader over raw bytes (RFC 8259, I-JSON strictness of 20-fingerprint section 1).
//
// One pass, no copies. Every open object keeps a table of its members; when it closes, the table
// shows a duplicate. In record mode the sorted table of each object is kept for canonical.ts:
//
//   object record, 16 bytes, numbered in order of the opening braces, empty objects left out
//     0 first member entry (address)   4 member count   8 address behind `}`   12 next number
//   member entry, 16 bytes
//     0 key (address of its raw span)  4 raw size, highest bit = has an escape
//     8 value (address)               12 number of the next object at the value (record mode)
//                                        or address behind the value (check mode)
//
// INVARIANT: the text is followed by a zero byte, so no loop needs a bounds check.
import {
  READ_DEPTH,
  READ_DUPLICATE,
  READ_LINE_BREAK,
  READ_SIZE,
  READ_SYNTAX,
} from "../src/abi/layout";
import {
  CHAR_BACKSLASH,
  CHAR_BRACE_CLOSE,
  CHAR_BRACE_OPEN,
  CHAR_BRACKET_CLOSE,
  CHAR_BRACKET_OPEN,
  CHAR_CARRIAGE_RETURN,
  CHAR_COLON,
  CHAR_COMMA,
  CHAR_F,
  CHAR_LINE_FEED,
  CHAR_N,
  CHAR_QUOTE,
  CHAR_SPACE,
  CHAR_T,
  CHAR_TAB,
} from "./chars";
import { membersEnd, membersStart, objectsEnd, objectsStart } from "./memory";
import { readNumber } from "./number";
import { depthMax, fail, lineBreaksPass, textEnd } from "./reader-state";
import { compareStrings, readString, stringHasEscape, stringsEqual } from "./string";

export const OBJECT_SIZE: usize = 16;
export const OBJECT_OFFSET_MEMBERS: usize = 0;
export const OBJECT_OFFSET_COUNT: usize = 4;
export const OBJECT_OFFSET_END: usize = 8;
export const OBJECT_OFFSET_NEXT: usize = 12;

export const MEMBER_SIZE: usize = 16;
export const MEMBER_OFFSET_KEY: usize = 0;
export const MEMBER_OFFSET_KEY_SIZE: usize = 4;
export const MEMBER_OFFSET_VALUE: usize = 8;
/** Record mode: number of the next object. Check mode: address behind the value. */
export const MEMBER_OFFSET_TAIL: usize = 12;

export const KEY_ESCAPE_BIT: u32 = 0x80000000;
export const KEY_SIZE_MASK: u32 = 0x7fffffff;

/** Insertion sort up to here; heap sort above, so that no input costs more than n log n. */
const SMALL_COUNT: u32 = 24;

let isRecording: bool = false;
/** Number of the next object. */
let objectCount: u32 = 0;
/** Lowest entry of the open objects' tables. */
let openMembers: usize = 0;
/** Behind the last entry of the closed objects' tables. */
let closedMembers: usize = 0;

/** Table of the object that closed last; valid until the next object is read. */
export let lastMembers: usize = 0;
export let lastMemberCount: u32 = 0;

/** Forgets all tables; `record` keeps those of the text that follows. */
export function beginTables(record: bool): void {
  isRecording = record;
  objectCount = 0;
  openMembers = membersEnd;
  closedMembers = membersStart;
}

/** Refuses the line break at `at`, unless it is the end of the text: CR, LF, or CR LF. */
function refusesBreak(at: usize): bool {
  if (lineBreaksPass || at + 1 == textEnd) return false;
  if (at + 2 == textEnd && load<u16>(at) == 0x0a0d) return false;
  fail(READ_LINE_BREAK, at);
  return true;
}

/** The byte at `at` is white space, or a control. WHY: asked first, it saves a sixth of a reading in calls. */
export function mayBeSpace(at: usize): bool {
  return u32(load<u8>(at)) <= CHAR_SPACE;
}

/** Address of the first byte at or behind `at` that is not white space, or 0. */
export function skipSpace(start: usize): usize {
  let at = start;
  while (true) {
    const c = u32(load<u8>(at));
    if (c > CHAR_SPACE) return at;
    if (c == CHAR_CARRIAGE_RETURN || c == CHAR_LINE_FEED) {
      if (refusesBreak(at)) return 0;
    } else if (c != CHAR_SPACE && c != CHAR_TAB) {
      return at;
    }
    at += 1;
  }
}

/**
 * Reads the value whose first byte is at `at`.
 *
 * @param depth `{` and `[` open around it
 * @returns the address behind it, or 0
 */
export function readValue(at: usize, depth: i32): usize {
  const c = u32(load<u8>(at));
  if (c == CHAR_QUOTE) {
    const close = readString(at + 1);
    return close == 0 ? 0 : close + 1;
  }
  if (c == CHAR_BRACE_OPEN) return readObject(at, depth);
  if (c == CHAR_BRACKET_OPEN) return readArray(at, depth);
  if (c == CHAR_T && load<u32>(at) == 0x65757274) return at + 4;
  if (c == CHAR_F && load<u32>(at, 1) == 0x65736c61) return at + 5;
  if (c == CHAR_N && load<u32>(at) == 0x6c6c756e) return at + 4;
  return readNumber(at);
}

/** Reads the array at `start`; see `readValue`. */
export function readArray(start: usize, depth: i32): usize {
  if (depth >= depthMax) return fail(READ_DEPTH, start);
  let at = start + 1;
  if (mayBeSpace(at)) {
    at = skipSpace(at);
    if (at == 0) return 0;
  }
  if (u32(load<u8>(at)) == CHAR_BRACKET_CLOSE) return at + 1;
  while (true) {
    at = readValue(at, depth + 1);
    if (at == 0) return 0;
    if (mayBeSpace(at)) {
      at = skipSpace(at);
      if (at == 0) return 0;
    }
    const c = u32(load<u8>(at));
    if (c == CHAR_BRACKET_CLOSE) return at + 1;
    if (c != CHAR_COMMA) return fail(READ_SYNTAX, at);
    at += 1;
    if (mayBeSpace(at)) {
      at = skipSpace(at);
      if (at == 0) return 0;
    }
  }
}

/** Reads the object at `start`; see `readValue`. Leaves its table in `lastMembers`. */
export function readObject(start: usize, depth: i32): usize {
  if (depth >= depthMax) return fail(READ_DEPTH, start);
  let at = start + 1;
  if (mayBeSpace(at)) {
    at = skipSpace(at);
    if (at == 0) return 0;
  }
  lastMemberCount = 0;
  if (u32(load<u8>(at)) == CHAR_BRACE_CLOSE) return at + 1;
  const number = objectCount;
  if (isRecording) {
    if (objectsStart + usize(number + 1) * OBJECT_SIZE > objectsEnd) return fail(READ_SIZE, start);
    objectCount += 1;
  }
  const tableEnd = openMembers;
  while (true) {
    at = readMember(at, depth);
    if (at == 0) return 0;
    const c = u32(load<u8>(at));
    if (c == CHAR_BRACE_CLOSE) break;
    if (c != CHAR_COMMA) return fail(READ_SYNTAX, at);
    at += 1;
    if (mayBeSpace(at)) {
      at = skipSpace(at);
      if (at == 0) return 0;
    }
  }
  if (!closeTable(tableEnd)) return fail(READ_DUPLICATE, start);
  if (isRecording) recordObject(number, at + 1);
  return at + 1;
}

/** Reads `"key": value` and the white space behind it; returns the address behind, or 0. */
function readMember(start: usize, depth: i32): usize {
  if (u32(load<u8>(start)) != CHAR_QUOTE) return fail(READ_SYNTAX, start);
  const key = start + 1;
  const keyEnd = readString(key);
  if (keyEnd == 0) return 0;
  const keySize = u32(keyEnd - key) | (stringHasEscape ? KEY_ESCAPE_BIT : 0);
  let at = keyEnd + 1;
  if (u32(load<u8>(at)) != CHAR_COLON) {
    if (mayBeSpace(at)) {
      at = skipSpace(at);
      if (at == 0) return 0;
    }
    if (u32(load<u8>(at)) != CHAR_COLON) return fail(READ_SYNTAX, at);
  }
  let value = at + 1;
  if (mayBeSpace(value)) {
    value = skipSpace(value);
    if (value == 0) return 0;
  }
  openMembers -= MEMBER_SIZE;
  const entry = openMembers;
  store<u32>(entry, u32(key), MEMBER_OFFSET_KEY);
  store<u32>(entry, keySize, MEMBER_OFFSET_KEY_SIZE);
  store<u32>(entry, u32(value), MEMBER_OFFSET_VALUE);
  store<u32>(entry, objectCount, MEMBER_OFFSET_TAIL);
  let end: usize;
  // WHY: most values are strings; a call less for each
  if (u32(load<u8>(value)) == CHAR_QUOTE) {
    end = readString(value + 1);
    if (end == 0) return 0;
    end += 1;
  } else {
    end = readValue(value, depth + 1);
    if (end == 0) return 0;
  }
  if (!isRecording) store<u32>(entry, u32(end), MEMBER_OFFSET_TAIL);
  return mayBeSpace(end) ? skipSpace(end) : end;
}

/**
 * Closes the table between `openMembers` and `tableEnd`: sorted in record mode or when it is
 * large, searched for duplicates in any case.
 *
 * @returns false when two members have the same name
 */
function closeTable(tableEnd: usize): bool {
  const table = openMembers;
  const count = u32((tableEnd - table) / MEMBER_SIZE);
  openMembers = tableEnd;
  lastMembers = table;
  lastMemberCount = count;
  if (!isRecording && count <= SMALL_COUNT) return hasDistinctKeys(table, tableEnd);
  return count <= SMALL_COUNT ? insertionSort(table, tableEnd) : heapSort(table, count);
}

function hasDistinctKeys(table: usize, tableEnd: usize): bool {
  for (let a = table; a < tableEnd; a += MEMBER_SIZE) {
    const size = load<u32>(a, MEMBER_OFFSET_KEY_SIZE);
    for (let b = a + MEMBER_SIZE; b < tableEnd; b += MEMBER_SIZE) {
      const otherSize = load<u32>(b, MEMBER_OFFSET_KEY_SIZE);
      if (size != otherSize && ((size | otherSize) & KEY_ESCAPE_BIT) == 0) continue;
      if (keysEqual(a, b)) return false;
    }
  }
  return true;
}

function keysEqual(a: usize, b: usize): bool {
  const aSize = load<u32>(a, MEMBER_OFFSET_KEY_SIZE);
  const bSize = load<u32>(b, MEMBER_OFFSET_KEY_SIZE);
  const aKey = usize(load<u32>(a, MEMBER_OFFSET_KEY));
  const bKey = usize(load<u32>(b, MEMBER_OFFSET_KEY));
  if (load<u8>(aKey) != load<u8>(bKey) && ((aSize | bSize) & KEY_ESCAPE_BIT) == 0) return false;
  return stringsEqual(
    aKey,
    usize(aSize & KEY_SIZE_MASK),
    (aSize & KEY_ESCAPE_BIT) != 0,
    bKey,
    usize(bSize & KEY_SIZE_MASK),
    (bSize & KEY_ESCAPE_BIT) != 0,
  );
}

/** Order of two entries by their names, by UTF-16 code units. */
function compareKeys(a: usize, b: usize): i32 {
  const aSize = load<u32>(a, MEMBER_OFFSET_KEY_SIZE);
  const bSize = load<u32>(b, MEMBER_OFFSET_KEY_SIZE);
  return compareStrings(
    usize(load<u32>(a, MEMBER_OFFSET_KEY)),
    usize(aSize & KEY_SIZE_MASK),
    (aSize & KEY_ESCAPE_BIT) != 0,
    usize(load<u32>(b, MEMBER_OFFSET_KEY)),
    usize(bSize & KEY_SIZE_MASK),
    (bSize & KEY_ESCAPE_BIT) != 0,
  );
}

/** As `compareKeys`. WHY: most names differ in their first letter; a call less for each comparison. */
function compareMostKeys(a: usize, b: usize): i32 {
  const first = i32(load<u8>(usize(load<u32>(a, MEMBER_OFFSET_KEY))));
  const second = i32(load<u8>(usize(load<u32>(b, MEMBER_OFFSET_KEY))));
  return first != second && isPlain(first) && isPlain(second) ? first - second : compareKeys(a, b);
}

/** Behind the backslash in ASCII, as small letters are: no escape, no end of an empty name. */
function isPlain(c: i32): bool {
  return u32(c - CHAR_BACKSLASH - 1) < 0x80 - CHAR_BACKSLASH - 1;
}

/** Sorts a small table; false at the first duplicate. */
function insertionSort(table: usize, tableEnd: usize): bool {
  for (let at = table + MEMBER_SIZE; at < tableEnd; at += MEMBER_SIZE) {
    const moving = v128.load(at);
    let slot = at;
    // WHY: the moving entry stays readable at `at` until the first shift, then at `spare`
    v128.store(spare, moving);
    while (slot > table) {
      const order = compareMostKeys(slot - MEMBER_SIZE, spare);
      if (order == 0) return false;
      if (order < 0) break;
      v128.store(slot, v128.load(slot - MEMBER_SIZE));
      slot -= MEMBER_SIZE;
    }
    v128.store(slot, moving);
  }
  return true;
}

const spare: usize = memory.data(16, 16);

/** Sorts a large table in place; false when two names are equal. */
function heapSort(table: usize, count: u32): bool {
  for (let root = i32(count >> 1) - 1; root >= 0; root--) siftDown(table, u32(root), count);
  for (let size = count - 1; size > 0; size--) {
    swapEntries(table, table + usize(size) * MEMBER_SIZE);
    siftDown(table, 0, size);
  }
  for (let index: u32 = 1; index < count; index++) {
    const entry = table + usize(index) * MEMBER_SIZE;
    if (compareKeys(entry - MEMBER_SIZE, entry) == 0) return false;
  }
  return true;
}

function siftDown(table: usize, start: u32, count: u32): void {
  let root = start;
  while (true) {
    let child = root * 2 + 1;
    if (child >= count) return;
    let childEntry = table + usize(child) * MEMBER_SIZE;
    if (child + 1 < count && compareKeys(childEntry, childEntry + MEMBER_SIZE) < 0) {
      child += 1;
      childEntry += MEMBER_SIZE;
    }
    const rootEntry = table + usize(root) * MEMBER_SIZE;
    if (compareKeys(rootEntry, childEntry) >= 0) return;
    swapEntries(rootEntry, childEntry);
    root = child;
  }
}

function swapEntries(a: usize, b: usize): void {
  const held = v128.load(a);
  v128.store(a, v128.load(b));
  v128.store(b, held);
}

/** Moves the closed table to its final place and writes its object record. */
function recordObject(number: u32, end: usize): void {
  const size = usize(lastMemberCount) * MEMBER_SIZE;
  // INVARIANT: closed and open tables never meet: together they hold one entry per 5 bytes of text
  memory.copy(closedMembers, lastMembers, size);
  const record = objectsStart + usize(number) * OBJECT_SIZE;
  store<u32>(record, u32(closedMembers), OBJECT_OFFSET_MEMBERS);
  store<u32>(record, lastMemberCount, OBJECT_OFFSET_COUNT);
  store<u32>(record, u32(end), OBJECT_OFFSET_END);
  store<u32>(record, objectCount, OBJECT_OFFSET_NEXT);
  closedMembers += size;
}
