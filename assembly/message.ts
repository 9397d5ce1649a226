// JSON-RPC 2.0 shape of one message, from its raw bytes (50-proxy section 2, "Message shapes").
//
// Exactly three shapes: request {jsonrpc, id, method[, params]}, notification {jsonrpc, method
// [, params]}, response {jsonrpc, id, result | error}; no other top-level member, none twice.
import {
  FRAME_SIZE_BYTES,
  FRAME_WORD_ARGUMENTS_START,
  FRAME_WORD_ERROR,
  FRAME_WORD_ERROR_AT,
  FRAME_WORD_FAILURE_START,
  FRAME_WORD_HANDLE,
  FRAME_WORD_ID_END,
  FRAME_WORD_ID_START,
  FRAME_WORD_ID_TYPE,
  FRAME_WORD_KIND,
  FRAME_WORD_META_START,
  FRAME_WORD_METHOD,
  FRAME_WORD_METHOD_END,
  FRAME_WORD_METHOD_START,
  FRAME_WORD_NAME_SIZE,
  FRAME_WORD_NAME_START,
  FRAME_WORD_PARAMS_START,
  FRAME_WORD_RESULT_START,
  ID_INTEGER,
  ID_NONE,
  ID_NULL,
  ID_STRING,
  MESSAGE_ERROR,
  MESSAGE_MALFORMED,
  MESSAGE_NOTIFICATION,
  MESSAGE_REQUEST,
  MESSAGE_RESULT,
  METHOD_OTHER,
  METHOD_PROMPTS_GET,
  METHOD_TOOLS_CALL,
  READ_FLAG_LENIENT,
  READ_FLAG_LINE_BREAKS,
  READ_FLAG_LISTING,
  READ_ID,
  READ_OK,
  READ_SHAPE,
  READ_SIZE,
  READ_SYNTAX,
  READ_TRAILING,
} from "../src/abi/layout";
import { LIMIT_DEPTH, LIMIT_ID_BYTES, LIMIT_NAME_BYTES, LIMIT_URI_BYTES } from "../src/abi/limits";
import {
  CHAR_0,
  CHAR_BRACE_CLOSE,
  CHAR_BRACE_OPEN,
  CHAR_COLON,
  CHAR_COMMA,
  CHAR_MINUS,
  CHAR_N,
  CHAR_QUOTE,
} from "./chars";
import { beginTables, mayBeSpace, readObject, readValue, skipSpace } from "./json";
import { frame, input, inputCapacity, nameBuffer, padName, terminateInput } from "./memory";
import { dispatchMethod, isNotificationMethod, loadMethod } from "./method";
import { readNumber } from "./number";
import {
  argumentsEnd,
  argumentsStart,
  beginParams,
  inspectParams,
  metaEnd,
  metaStart,
  nameEnd,
  nameStart,
  paramsFailure,
  uriEnd,
  uriStart,
} from "./params";
import { findRawMember, rawEnd, rawStart } from "./raw";
import { beginText, fail, failure, failureAt, textEnd } from "./reader-state";
import { decodeString, readString, stringHasEscape } from "./string";

const SEEN_JSONRPC: u32 = 1;
const SEEN_ID: u32 = 2;
const SEEN_METHOD: u32 = 4;
const SEEN_PARAMS: u32 = 8;
const SEEN_RESULT: u32 = 16;
const SEEN_ERROR: u32 = 32;

/** Members seen so far. */
let seen: u32 = 0;
const scratch: usize = memory.data(LIMIT_ID_BYTES + 16, 16);

function setWord(word: usize, value: i32): void {
  store<i32>(frame + (word << 2), value);
}

function getWord(word: usize): i32 {
  return load<i32>(frame + (word << 2));
}

/** Writes a span, or two zeros for an absent one. */
function setSpan(word: usize, start: usize, end: usize): void {
  setWord(word, start == 0 ? 0 : i32(start - input));
  setWord(word + 1, end == 0 ? 0 : i32(end - input));
}

/**
 * Reads the message of `size` bytes at the start of the input region into the frame.
 *
 * @param flags READ_FLAG_*
 * @returns MESSAGE_REQUEST ... or MESSAGE_MALFORMED; then the frame holds the reason, and the id
 *   if there is exactly one and it is readable
 */
export function readMessage(size: u32, flags: u32): i32 {
  // WHY: memory.fill is a call into the runtime; with five of them and the method decoded twice,
  // reading a message of 240 bytes took 280 ns instead of 180
  for (let offset: usize = 0; offset < usize(FRAME_SIZE_BYTES); offset += 16) {
    v128.store(frame + offset, i64x2.splat(0));
  }
  setWord(FRAME_WORD_HANDLE, -1);
  if (usize(size) > inputCapacity) {
    setWord(FRAME_WORD_ERROR, READ_SIZE);
    return MESSAGE_MALFORMED;
  }
  terminateInput(usize(size));
  const isListing = (flags & READ_FLAG_LISTING) != 0;
  const depth: i32 = isListing ? LIMIT_DEPTH + 3 : LIMIT_DEPTH;
  const lenient = (flags & READ_FLAG_LENIENT) != 0;
  beginText(input + usize(size), depth, lenient, (flags & READ_FLAG_LINE_BREAKS) != 0);
  beginTables(false);
  beginParams();
  seen = 0;
  const kind = readTop() ? classifyShape() : MESSAGE_MALFORMED;
  setWord(FRAME_WORD_KIND, kind);
  if (kind == MESSAGE_MALFORMED) {
    setWord(FRAME_WORD_ERROR, failure);
    setWord(FRAME_WORD_ERROR_AT, i32(failureAt - input));
    recoverId();
  }
  return kind;
}

/** Reads the outermost object, with nothing but white space around it. */
function readTop(): bool {
  let at = input;
  if (mayBeSpace(at)) {
    at = skipSpace(at);
    if (at == 0) return false;
  }
  if (u32(load<u8>(at)) != CHAR_BRACE_OPEN) return refuse(READ_SHAPE, at);
  at += 1;
  if (mayBeSpace(at)) {
    at = skipSpace(at);
    if (at == 0) return false;
  }
  while (true) {
    at = readTopMember(at);
    if (at == 0) return false;
    if (mayBeSpace(at)) {
      at = skipSpace(at);
      if (at == 0) return false;
    }
    const c = u32(load<u8>(at));
    if (c == CHAR_BRACE_CLOSE) break;
    if (c != CHAR_COMMA) return refuse(READ_SYNTAX, at);
    at += 1;
    if (mayBeSpace(at)) {
      at = skipSpace(at);
      if (at == 0) return false;
    }
  }
  at += 1;
  if (mayBeSpace(at)) {
    at = skipSpace(at);
    if (at == 0) return false;
  }
  return at == textEnd || refuse(READ_TRAILING, at);
}

function refuse(code: i32, at: usize): bool {
  fail(code, at);
  return false;
}

/** Reads one top-level member; returns the address behind its value, or 0. */
function readTopMember(start: usize): usize {
  if (u32(load<u8>(start)) != CHAR_QUOTE) return fail(READ_SYNTAX, start);
  const keyEnd = readString(start + 1);
  if (keyEnd == 0) return 0;
  const member = topMember(start + 1, keyEnd);
  if (member == 0 || (seen & member) != 0) return fail(READ_SHAPE, start);
  seen |= member;
  let at = keyEnd + 1;
  if (mayBeSpace(at)) {
    at = skipSpace(at);
    if (at == 0) return 0;
  }
  if (u32(load<u8>(at)) != CHAR_COLON) return fail(READ_SYNTAX, at);
  at += 1;
  if (mayBeSpace(at)) {
    at = skipSpace(at);
    if (at == 0) return 0;
  }
  if (member == SEEN_PARAMS) return readParams(at);
  const end = readValue(at, 1);
  if (end == 0) return 0;
  if (member == SEEN_JSONRPC) return isVersion(at, end) ? end : fail(READ_SHAPE, at);
  if (member == SEEN_ID) return readId(at, end) ? end : fail(READ_ID, at);
  if (member == SEEN_METHOD) return readMethod(at, end) ? end : fail(READ_SHAPE, at);
  setSpan(member == SEEN_RESULT ? FRAME_WORD_RESULT_START : FRAME_WORD_FAILURE_START, at, end);
  return end;
}

/** Which member the raw span names, or 0. */
function topMember(start: usize, end: usize): u32 {
  let at = start;
  let size = end - start;
  if (stringHasEscape) {
    const decoded = decodeString(start, end, scratch, 16);
    if (decoded < 0) return 0;
    at = scratch;
    size = usize(decoded);
  }
  if (size == 2) return load<u16>(at) == 0x6469 ? SEEN_ID : 0;
  if (size == 5) {
    // "erro" "r"
    return load<u32>(at) == 0x6f727265 && load<u8>(at, 4) == 0x72 ? SEEN_ERROR : 0;
  }
  if (size == 6) {
    const head = load<u32>(at);
    const tail = u32(load<u16>(at, 4));
    if (head == 0x6874656d && tail == 0x646f) return SEEN_METHOD;
    if (head == 0x61726170 && tail == 0x736d) return SEEN_PARAMS;
    return head == 0x75736572 && tail == 0x746c ? SEEN_RESULT : 0;
  }
  if (size == 7) {
    const isName = load<u32>(at) == 0x6e6f736a && load<u32>(at, 3) == 0x6370726e;
    return isName ? SEEN_JSONRPC : 0;
  }
  return 0;
}

/** The value of `jsonrpc` is the string 2.0. */
function isVersion(start: usize, end: usize): bool {
  if (u32(load<u8>(start)) != CHAR_QUOTE) return false;
  if (end - start == 5) return (load<u32>(start, 1) & 0xffffff) == 0x302e32;
  return (
    decodeString(start + 1, end - 1, scratch, 3) == 3 && (load<u32>(scratch) & 0xffffff) == 0x302e32
  );
}

/** A string of at most 256 bytes, an integer within +-(2^53 - 1), or null. */
function readId(start: usize, end: usize): bool {
  const c = u32(load<u8>(start));
  let type = ID_NONE;
  if (c == CHAR_QUOTE) {
    if (decodeString(start + 1, end - 1, scratch, LIMIT_ID_BYTES) >= 0) type = ID_STRING;
  } else if (c == CHAR_N) {
    type = ID_NULL;
  } else if (isSafeInteger(start, end)) {
    type = ID_INTEGER;
  }
  if (type == ID_NONE) return false;
  setWord(FRAME_WORD_ID_TYPE, type);
  setSpan(FRAME_WORD_ID_START, start, end);
  return true;
}

function isSafeInteger(start: usize, end: usize): bool {
  let at = start;
  if (u32(load<u8>(at)) == CHAR_MINUS) at += 1;
  if (end - at > 16 || end == at) return false;
  let value: u64 = 0;
  for (; at < end; at++) {
    const digit = u32(load<u8>(at)) - CHAR_0;
    if (digit > 9) return false;
    value = value * 10 + u64(digit);
  }
  return value <= 9007199254740991;
}

function readMethod(start: usize, end: usize): bool {
  if (u32(load<u8>(start)) != CHAR_QUOTE) return false;
  setSpan(FRAME_WORD_METHOD_START, start + 1, end - 1);
  return true;
}

/** Reads `params`, which must be an object, and keeps its known members. */
function readParams(start: usize): usize {
  if (u32(load<u8>(start)) != CHAR_BRACE_OPEN) return fail(READ_SHAPE, start);
  const end = readObject(start, 1);
  if (end == 0) return 0;
  inspectParams();
  setSpan(FRAME_WORD_PARAMS_START, start, end);
  setSpan(FRAME_WORD_ARGUMENTS_START, argumentsStart, argumentsEnd);
  setSpan(FRAME_WORD_META_START, metaStart, metaEnd);
  return end;
}

/** Says which of the shapes the members make, or MESSAGE_MALFORMED. */
function classifyShape(): i32 {
  const idType = getWord(FRAME_WORD_ID_TYPE);
  if ((seen & SEEN_JSONRPC) == 0) return malformed(READ_SHAPE);
  const answer = seen & (SEEN_RESULT | SEEN_ERROR);
  if ((seen & SEEN_METHOD) == 0) {
    if (idType == ID_NONE || (seen & SEEN_PARAMS) != 0) return malformed(READ_SHAPE);
    if (answer == SEEN_ERROR) return MESSAGE_ERROR;
    return answer == SEEN_RESULT && idType != ID_NULL ? MESSAGE_RESULT : malformed(READ_SHAPE);
  }
  if (answer != 0 || idType == ID_NULL) return malformed(READ_SHAPE);
  const methodSize = loadMethod(
    input + usize(getWord(FRAME_WORD_METHOD_START)),
    input + usize(getWord(FRAME_WORD_METHOD_END)),
  );
  const isNotification = isNotificationMethod();
  if (isNotification != (idType == ID_NONE)) return malformed(READ_SHAPE);
  if (isNotification) return MESSAGE_NOTIFICATION;
  const method = dispatchMethod(methodSize);
  if (idType == ID_STRING && isReservedId()) return malformed(READ_ID);
  setWord(FRAME_WORD_METHOD, method);
  if (method != METHOD_OTHER && !readDispatch(method)) return MESSAGE_MALFORMED;
  return MESSAGE_REQUEST;
}

/** Ids that start with `portcullis:` are the guard's own. */
function isReservedId(): bool {
  const start = input + usize(getWord(FRAME_WORD_ID_START)) + 1;
  const end = input + usize(getWord(FRAME_WORD_ID_END)) - 1;
  v128.store(scratch, i64x2.splat(0));
  decodeString(start, end, scratch, 11);
  // "portcull" "is:"
  return load<u64>(scratch) == 0x6c6c756374726f70 && (load<u32>(scratch, 8) & 0xffffff) == 0x3a7369;
}

function malformed(code: i32): i32 {
  fail(code, input);
  return MESSAGE_MALFORMED;
}

/** A dispatch names its target, has no look-alike member, and its arguments are an object. */
function readDispatch(method: i32): bool {
  if (paramsFailure != READ_OK) return refuse(paramsFailure, input);
  const byName = method == METHOD_TOOLS_CALL || method == METHOD_PROMPTS_GET;
  const start = byName ? nameStart : uriStart;
  const end = byName ? nameEnd : uriEnd;
  if (start == 0 || u32(load<u8>(start)) != CHAR_QUOTE) return refuse(READ_SHAPE, input);
  const hasArguments = argumentsStart != 0;
  if (byName && hasArguments && u32(load<u8>(argumentsStart)) != CHAR_BRACE_OPEN) {
    return refuse(READ_SHAPE, argumentsStart);
  }
  setSpan(FRAME_WORD_NAME_START, start + 1, end - 1);
  const size = readName(start + 1, end - 1, byName ? LIMIT_NAME_BYTES : LIMIT_URI_BYTES);
  setWord(FRAME_WORD_NAME_SIZE, size);
  if (size >= 0) padName(u32(size));
  return true;
}

/** Decodes the raw span into the name buffer; returns its size, or -1 when it is too long. */
function readName(start: usize, end: usize, sizeMax: usize): i32 {
  const size = end - start;
  if (size > sizeMax) return decodeString(start, end, nameBuffer, sizeMax);
  const backslash = i8x16.splat(0x5c);
  for (let offset: usize = 0; offset < size; offset += 16) {
    const block = v128.load(start + offset);
    if (v128.any_true(i8x16.eq(block, backslash))) {
      return decodeString(start, end, nameBuffer, sizeMax);
    }
    // INVARIANT: the buffer has room for a block behind the longest name
    v128.store(nameBuffer + offset, block);
  }
  return i32(size);
}

/** "id" */
const keyId: usize = memory.data<u8>([0x69, 0x64]);

/** Sets the id words of a malformed message, so that its sender can be answered, or clears them. */
function recoverId(): void {
  setWord(FRAME_WORD_ID_TYPE, ID_NONE);
  if (!findRawMember(input, keyId, 2)) return;
  const c = u32(load<u8>(rawStart));
  if (c == CHAR_QUOTE && readString(rawStart + 1) != rawEnd - 1) return;
  // what cannot be an id: null in a request, a literal, a number with a leading zero
  if (c != CHAR_QUOTE && readNumber(rawStart) != rawEnd) return;
  readId(rawStart, rawEnd);
}
