// Definitions of one listing: strict read, canonical form, item digest (20-fingerprint section 2).
//
// Several definitions a step, hashed side by side in SIMD lanes where that is faster.
import {
  KIND_PROMPT,
  KIND_RESOURCE,
  KIND_RESOURCE_TEMPLATE,
  KIND_TOOL,
  LIST_BROKEN,
  LIST_ENTRY_COUNT_MAX,
  LIST_ENTRY_OFFSET_DIGEST,
  LIST_ENTRY_SIZE,
  LIST_ENTRY_WORD_END,
  LIST_ENTRY_WORD_NAME_END,
  LIST_ENTRY_WORD_NAME_START,
  LIST_ENTRY_WORD_START,
  LIST_ENTRY_WORD_STATUS,
  READ_NAME,
  READ_OK,
  READ_SHAPE,
  READ_SIZE,
} from "../src/abi/layout";
import {
  LIMIT_DEFINITION_BYTES,
  LIMIT_DEPTH,
  LIMIT_NAME_BYTES,
  LIMIT_URI_BYTES,
} from "../src/abi/limits";
import { writeCanonical } from "./canonical";
import { CHAR_BRACE_OPEN, CHAR_BRACKET_CLOSE, CHAR_COMMA, CHAR_QUOTE } from "./chars";
import {
  beginTables,
  KEY_ESCAPE_BIT,
  KEY_SIZE_MASK,
  lastMemberCount,
  lastMembers,
  MEMBER_OFFSET_KEY,
  MEMBER_OFFSET_KEY_SIZE,
  MEMBER_OFFSET_VALUE,
  MEMBER_SIZE,
  readObject,
  skipSpace,
} from "./json";
import {
  CANONICAL_GROWTH,
  canonicalBuffer,
  canonicalEnd,
  input,
  LANE_SPARE,
  listEntries,
  nameBuffer,
} from "./memory";
import { findRawMember, rawEnd, rawStart, skipRaw } from "./raw";
import { beginText, failure, textEnd } from "./reader-state";
import { sha256Final, sha256Init, sha256Once, sha256Update } from "./sha256";
import { sha256x4 } from "./sha256x4";
import { compareStrings, decodeString, readString } from "./string";

/** "portcullis:item:v1\0" */
const tagItem: usize = memory.data<u8>([
  0x70, 0x6f, 0x72, 0x74, 0x63, 0x75, 0x6c, 0x6c, 0x69, 0x73, 0x3a, 0x69, 0x74, 0x65, 0x6d, 0x3a,
  0x76, 0x31, 0x00,
]);
const TAG_ITEM_SIZE: usize = 19;
/** "tool\0", "prompt\0", "resource\0", "resource_template\0" */
const tagTool: usize = memory.data<u8>([0x74, 0x6f, 0x6f, 0x6c, 0x00]);
const tagPrompt: usize = memory.data<u8>([0x70, 0x72, 0x6f, 0x6d, 0x70, 0x74, 0x00]);
const tagTemplate: usize = memory.data<u8>([
  0x72, 0x65, 0x73, 0x6f, 0x75, 0x72, 0x63, 0x65, 0x5f, 0x74, 0x65, 0x6d, 0x70, 0x6c, 0x61, 0x74,
  0x65, 0x00,
]);
const tagResource: usize = memory.data<u8>([0x72, 0x65, 0x73, 0x6f, 0x75, 0x72, 0x63, 0x65, 0x00]);
/** "name", "uri", "uriTemplate" */
const keyName: usize = memory.data<u8>([0x6e, 0x61, 0x6d, 0x65]);
const keyUriTemplate: usize = memory.data<u8>([
  0x75, 0x72, 0x69, 0x54, 0x65, 0x6d, 0x70, 0x6c, 0x61, 0x74, 0x65,
]);

let kind: u32 = 0;
/** Address of the next element, 0 behind the last one. */
let nextAt: usize = 0;
/** Address behind the array's `]`; 0 before it was reached. */
export let listEnd: usize = 0;

// What waits to be hashed, the longest first: so those that are hashed together are of about one size.
//
//    0      4       8      12     16
//    +------+-------+------+------+
//    | size | entry | text | zero |   u32 each: bytes of the text, its list entry, where it stands
//    +------+-------+------+------+
const LANE_SIZE: usize = 16;
const lanes: usize = memory.data(16 * (LIST_ENTRY_COUNT_MAX + 4), 16);
const LANE_OFFSET_SIZE: usize = 0;
const LANE_OFFSET_ENTRY: usize = 4;
const LANE_OFFSET_TEXT: usize = 8;
const laneDigests: usize = memory.data(128, 16);
let laneCount: u32 = 0;

/** Bytes that each text may take: the canonical buffer holds all of a batch. */
function laneCapacity(): usize {
  return (canonicalEnd - canonicalBuffer) / LIST_ENTRY_COUNT_MAX;
}

function laneText(lane: u32): usize {
  return canonicalBuffer + usize(lane) * laneCapacity();
}

/** Writes the framing of an item digest at `out`; returns the address behind it. */
function writeTags(out: usize): usize {
  memory.copy(out, tagItem, TAG_ITEM_SIZE);
  const at = out + TAG_ITEM_SIZE;
  let tag = tagTool;
  let size: usize = 5;
  if (kind == KIND_PROMPT) {
    tag = tagPrompt;
    size = 7;
  } else if (kind == KIND_RESOURCE) {
    tag = tagResource;
    size = 9;
  } else if (kind == KIND_RESOURCE_TEMPLATE) {
    tag = tagTemplate;
    size = 18;
  }
  memory.copy(at, tag, size);
  return at + size;
}

/**
 * Starts on the array whose `[` is at `start`; the text ends at `end`.
 *
 * @returns 1, or 0 when there is no array
 */
export function listBegin(itemKind: u32, start: usize, end: usize): i32 {
  kind = itemKind;
  beginText(end, LIMIT_DEPTH, false, true);
  nextAt = 0;
  listEnd = 0;
  if (itemKind < u32(KIND_TOOL) || itemKind > u32(KIND_RESOURCE_TEMPLATE)) return 0;
  const first = skipSpace(start + 1);
  if (u32(load<u8>(first)) != CHAR_BRACKET_CLOSE) nextAt = first;
  else listEnd = first + 1;
  return 1;
}

/**
 * Reads up to LIST_ENTRY_COUNT_MAX definitions into the list entries.
 *
 * @returns how many, 0 at the end, or LIST_BROKEN when the end of an element cannot be found
 */
export function listNext(): i32 {
  let count = 0;
  laneCount = 0;
  while (nextAt != 0 && count < LIST_ENTRY_COUNT_MAX) {
    const entry = listEntries + usize(count) * LIST_ENTRY_SIZE;
    const end = readDefinition(nextAt, entry);
    if (end == 0) return LIST_BROKEN;
    count += 1;
    const behind = skipSpace(end);
    const c = u32(load<u8>(behind));
    if (c == CHAR_BRACKET_CLOSE) {
      nextAt = 0;
      listEnd = behind + 1;
    } else if (c == CHAR_COMMA) nextAt = skipSpace(behind + 1);
    else return LIST_BROKEN;
  }
  hashLanes();
  return count;
}

/** Reads one definition alone, as `listNext` does; its entry is the first one. */
export function readSingle(itemKind: u32, start: usize, end: usize): i32 {
  kind = itemKind;
  laneCount = 0;
  beginText(end, LIMIT_DEPTH, false, true);
  const behind = readDefinition(skipSpace(start), listEntries);
  if (behind == 0) return LIST_BROKEN;
  hashLanes();
  return skipSpace(behind) == end ? 1 : LIST_BROKEN;
}

function setWord(entry: usize, word: usize, value: u32): void {
  store<u32>(entry + (word << 2), value);
}

/** Reads the definition at `start` into `entry`; returns the address behind it, or 0. */
function readDefinition(start: usize, entry: usize): usize {
  memory.fill(entry, 0, LIST_ENTRY_SIZE);
  beginText(textEnd, LIMIT_DEPTH, false, true);
  beginTables(true);
  const isObject = u32(load<u8>(start)) == CHAR_BRACE_OPEN;
  let end = isObject ? readObject(start, 0) : 0;
  let status = isObject ? failure : READ_SHAPE;
  if (end == 0) {
    end = skipRaw(start);
    if (end == 0) return 0;
  }
  if (status == READ_OK && end - start > usize(LIMIT_DEFINITION_BYTES)) status = READ_SIZE;
  if (status == READ_OK) status = findName(entry);
  else recoverName(start, entry);
  setWord(entry, LIST_ENTRY_WORD_START, u32(start - input));
  setWord(entry, LIST_ENTRY_WORD_END, u32(end - input));
  setWord(entry, LIST_ENTRY_WORD_STATUS, u32(status));
  if (status == READ_OK) writeLane(start, end - start, entry);
  return end;
}

/** Finds the name in the table of the object that was read last. */
function findName(entry: usize): i32 {
  const isTemplate = kind == KIND_RESOURCE_TEMPLATE;
  const isUri = isTemplate || kind == KIND_RESOURCE;
  const key = isUri ? keyUriTemplate : keyName;
  const keySize: usize = isTemplate ? 11 : isUri ? 3 : 4;
  for (let index: u32 = 0; index < lastMemberCount; index++) {
    const member = lastMembers + usize(index) * MEMBER_SIZE;
    const size = load<u32>(member, MEMBER_OFFSET_KEY_SIZE);
    const at = usize(load<u32>(member, MEMBER_OFFSET_KEY));
    const hasEscape = (size & KEY_ESCAPE_BIT) != 0;
    if (compareStrings(at, usize(size & KEY_SIZE_MASK), hasEscape, key, keySize, false) != 0) {
      continue;
    }
    const value = usize(load<u32>(member, MEMBER_OFFSET_VALUE));
    if (u32(load<u8>(value)) != CHAR_QUOTE) return READ_NAME;
    return setName(entry, value + 1, readString(value + 1));
  }
  return READ_NAME;
}

/** Keeps the name of a refused definition where exactly one can be read: it is still that item's. */
function recoverName(start: usize, entry: usize): void {
  const isTemplate = kind == KIND_RESOURCE_TEMPLATE;
  const isUri = isTemplate || kind == KIND_RESOURCE;
  const keySize: usize = isTemplate ? 11 : isUri ? 3 : 4;
  if (!findRawMember(start, isUri ? keyUriTemplate : keyName, keySize)) return;
  if (u32(load<u8>(rawStart)) != CHAR_QUOTE) return;
  if (readString(rawStart + 1) == rawEnd - 1) setName(entry, rawStart + 1, rawEnd - 1);
}

/** Sets the name's raw span when its decoded size is within the limit. */
function setName(entry: usize, start: usize, end: usize): i32 {
  const sizeMax: usize = kind <= u32(KIND_PROMPT) ? LIMIT_NAME_BYTES : LIMIT_URI_BYTES;
  if (decodeString(start, end, nameBuffer, sizeMax) < 0) return READ_NAME;
  setWord(entry, LIST_ENTRY_WORD_NAME_START, u32(start - input));
  setWord(entry, LIST_ENTRY_WORD_NAME_END, u32(end - input));
  return READ_OK;
}

/** Puts the canonical form of the recorded definition into the next lane, or hashes it at once. */
function writeLane(start: usize, size: usize, entry: usize): void {
  const text = laneText(laneCount);
  const body = writeTags(text);
  const laneEnd = text + laneCapacity();
  // it may not fit into a lane
  if (size * CANONICAL_GROWTH + LANE_SPARE > laneCapacity()) {
    sha256Init();
    sha256Update(text, i32(body - text));
    writeCanonical(start, body, laneEnd, true);
    sha256Final(entry + LIST_ENTRY_OFFSET_DIGEST);
    return;
  }
  const end = writeCanonical(start, body, laneEnd, false);
  addLane(u32(end - text), entry, text);
}

/** Keeps a text until `hashLanes`, behind all that are as long. */
function addLane(size: u32, entry: usize, text: usize): void {
  let lane = lanes + usize(laneCount) * LANE_SIZE;
  for (; lane > lanes && load<u32>(lane - LANE_SIZE, LANE_OFFSET_SIZE) < size; lane -= LANE_SIZE) {
    v128.store(lane, v128.load(lane - LANE_SIZE));
  }
  store<u32>(lane, size, LANE_OFFSET_SIZE);
  store<u32>(lane, u32(entry), LANE_OFFSET_ENTRY);
  store<u32>(lane, u32(text), LANE_OFFSET_TEXT);
  laneCount += 1;
}

function hashLanes(): void {
  const end = lanes + usize(laneCount) * LANE_SIZE;
  // the last four may be filled up with texts of no size, which nobody reads
  memory.fill(end, 0, 4 * LANE_SIZE);
  for (let first = lanes; first < end; first += 4 * LANE_SIZE) hashFour(first, end);
}

/** Hashes up to four texts, together when that costs less than one after the other. */
function hashFour(first: usize, end: usize): void {
  // WHY: a step of four lanes costs about as much as two scalar ones
  const rest = sizeAt(first, 1) + sizeAt(first, 2) + sizeAt(first, 3);
  const isShared = rest > sizeAt(first, 0);
  if (isShared) {
    sha256x4(
      textAt(first, 0),
      sizeAt(first, 0),
      textAt(first, 1),
      sizeAt(first, 1),
      textAt(first, 2),
      sizeAt(first, 2),
      textAt(first, 3),
      sizeAt(first, 3),
      laneDigests,
    );
  }
  for (let index: usize = 0; index < 4; index++) {
    const lane = first + index * LANE_SIZE;
    if (lane >= end) return;
    const digest = laneDigests + index * 32;
    if (!isShared) sha256Once(textAt(first, index), sizeAt(first, index), digest);
    memory.copy(usize(load<u32>(lane, LANE_OFFSET_ENTRY)) + LIST_ENTRY_OFFSET_DIGEST, digest, 32);
  }
}

function sizeAt(first: usize, index: usize): i32 {
  return load<i32>(first + index * LANE_SIZE, LANE_OFFSET_SIZE);
}

function textAt(first: usize, index: usize): usize {
  return usize(load<u32>(first + index * LANE_SIZE, LANE_OFFSET_TEXT));
}
