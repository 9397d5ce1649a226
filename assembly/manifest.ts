// Walks the outermost object of a manifest, member by member, in one pass with its definitions:
// `manifestNext` stops at each listing, the host drains it with `listNext`, and comes back.
import {
  FRAME_WORD_NAME_END,
  FRAME_WORD_NAME_START,
  KIND_PROMPT,
  KIND_RESOURCE,
  KIND_RESOURCE_TEMPLATE,
  KIND_TOOL,
  LIMIT_MANIFEST_MEMBERS,
  MANIFEST_END,
  MANIFEST_INSTRUCTIONS,
  READ_DUPLICATE,
  READ_OK,
  READ_SHAPE,
  READ_SIZE,
  READ_SYNTAX,
  READ_TRAILING,
} from "../src/abi/layout";
import { LIMIT_DEPTH } from "../src/abi/limits";
import {
  CHAR_BRACE_CLOSE,
  CHAR_BRACE_OPEN,
  CHAR_BRACKET_OPEN,
  CHAR_COLON,
  CHAR_COMMA,
  CHAR_QUOTE,
} from "./chars";
import { beginTables, readValue, skipSpace } from "./json";
import { listBegin, listEnd } from "./list";
import { frame, input, terminateInput } from "./memory";
import { beginText, fail, failure, textEnd } from "./reader-state";
import { compareStrings, decodeString, readString, stringHasEscape } from "./string";

/** Address where the walk goes on; 0 = behind the listing that was handed out last. */
let at: usize = 0;
let end: usize = 0;
let isArray: bool = false;
let isStarted: bool = false;

/** Raw spans of the names seen so far: start u32, size u32 with the escape bit. */
const names: usize = memory.data(LIMIT_MANIFEST_MEMBERS * 8, 16);
let nameCount: i32 = 0;
const decoded: usize = memory.data(32, 16);

/** Starts on the text of `size` bytes at the start of the input region. */
export function manifestBegin(size: u32): void {
  terminateInput(usize(size));
  end = input + usize(size);
  at = input;
  isStarted = false;
  nameCount = 0;
}

/**
 * Goes on to the next listing.
 *
 * @returns its kind, MANIFEST_INSTRUCTIONS, MANIFEST_END, or -READ_* when the text is refused
 */
export function manifestNext(): i32 {
  const isBehindList = at == 0;
  if (isBehindList) at = listEnd;
  beginText(end, LIMIT_DEPTH, false, true);
  if (at == 0) return -READ_SYNTAX;
  const found = isStarted ? goOn() : start();
  return failure == READ_OK ? found : -failure;
}

function start(): i32 {
  isStarted = true;
  at = skipSpace(at);
  const c = u32(load<u8>(at));
  isArray = c == CHAR_BRACKET_OPEN;
  if (isArray) return beginListing(KIND_TOOL);
  if (c != CHAR_BRACE_OPEN) return refuse(READ_SHAPE);
  at = skipSpace(at + 1);
  if (u32(load<u8>(at)) == CHAR_BRACE_CLOSE) return finish(at + 1);
  return nextMember();
}

/** Goes on behind a value. */
function goOn(): i32 {
  at = skipSpace(at);
  if (isArray) return finish(at);
  const c = u32(load<u8>(at));
  if (c == CHAR_BRACE_CLOSE) return finish(at + 1);
  if (c != CHAR_COMMA) return refuse(READ_SYNTAX);
  at = skipSpace(at + 1);
  return nextMember();
}

function finish(behind: usize): i32 {
  at = skipSpace(behind);
  return at == textEnd ? MANIFEST_END : refuse(READ_TRAILING);
}

function refuse(code: i32): i32 {
  fail(code, at);
  return MANIFEST_END;
}

function beginListing(kind: i32): i32 {
  listBegin(u32(kind), at, end);
  at = 0;
  return kind;
}

/** Reads members from `at` on, until one is handed out. */
function nextMember(): i32 {
  while (true) {
    if (u32(load<u8>(at)) != CHAR_QUOTE) return refuse(READ_SYNTAX);
    const key = at + 1;
    const keyEnd = readString(key);
    if (keyEnd == 0) return MANIFEST_END;
    if (!isNewName(key, u32(keyEnd - key))) return refuse(READ_DUPLICATE);
    const kind = kindOf(key, keyEnd);
    at = skipSpace(keyEnd + 1);
    if (u32(load<u8>(at)) != CHAR_COLON) return refuse(READ_SYNTAX);
    at = skipSpace(at + 1);
    if (kind == MANIFEST_INSTRUCTIONS) return readInstructions();
    if (kind != MANIFEST_END) {
      return u32(load<u8>(at)) == CHAR_BRACKET_OPEN ? beginListing(kind) : refuse(READ_SHAPE);
    }
    beginTables(false);
    at = readValue(at, 1);
    if (at == 0) return MANIFEST_END;
    at = skipSpace(at);
    const c = u32(load<u8>(at));
    if (c == CHAR_BRACE_CLOSE) return finish(at + 1);
    if (c != CHAR_COMMA) return refuse(READ_SYNTAX);
    at = skipSpace(at + 1);
  }
}

/** Remembers a name; false when it was there before, or when there are too many. */
function isNewName(key: usize, size: u32): bool {
  const hasEscape = stringHasEscape;
  for (let index = 0; index < nameCount; index++) {
    const entry = names + (usize(index) << 3);
    const otherSize = load<u32>(entry, 4);
    const otherEscape = otherSize >> 31 != 0;
    const other = usize(load<u32>(entry));
    const order = compareStrings(
      key,
      usize(size),
      hasEscape,
      other,
      usize(otherSize & 0x7fffffff),
      otherEscape,
    );
    if (order == 0) return false;
  }
  if (nameCount == LIMIT_MANIFEST_MEMBERS) {
    fail(READ_SIZE, key);
    return false;
  }
  const entry = names + (usize(nameCount) << 3);
  store<u32>(entry, u32(key));
  store<u32>(entry, size | (hasEscape ? u32(0x80000000) : 0), 4);
  nameCount += 1;
  return true;
}

/** Which listing the raw span names, or MANIFEST_END. */
function kindOf(key: usize, keyEnd: usize): i32 {
  memory.fill(decoded, 0, 32);
  const size = decodeString(key, keyEnd, decoded, 24);
  const head = load<u64>(decoded);
  const tail = load<u64>(decoded, 8);
  if (size == 5) return head == 0x736c6f6f74 ? KIND_TOOL : MANIFEST_END; // tools
  if (size == 7) return head == 0x7374706d6f7270 ? KIND_PROMPT : MANIFEST_END; // prompts
  // "resource" "s"
  if (size == 9) return head == 0x656372756f736572 && tail == 0x73 ? KIND_RESOURCE : MANIFEST_END;
  if (size == 12) {
    // "instruct" "ions"
    const isText = head == 0x7463757274736e69 && tail == 0x736e6f69;
    return isText ? MANIFEST_INSTRUCTIONS : MANIFEST_END;
  }
  if (size != 17) return MANIFEST_END;
  // "resource" "Template" "s"
  const isTemplates = head == 0x656372756f736572 && tail == 0x6574616c706d6554;
  return isTemplates && load<u8>(decoded, 16) == 0x73 ? KIND_RESOURCE_TEMPLATE : MANIFEST_END;
}

function readInstructions(): i32 {
  if (u32(load<u8>(at)) != CHAR_QUOTE) return refuse(READ_SHAPE);
  const close = readString(at + 1);
  if (close == 0) return MANIFEST_END;
  store<i32>(frame + (FRAME_WORD_NAME_START << 2), i32(at + 1 - input));
  store<i32>(frame + (FRAME_WORD_NAME_END << 2), i32(close - input));
  at = close + 1;
  return MANIFEST_INSTRUCTIONS;
}
