// Members of `params` that a decision reads, and their look-alikes (50-proxy section 2).
//
// A member that equals a known one under Unicode simple case folding without being it (`Name`,
// `param\u017f`) is a second spelling that another parser may take for the first: malformed.
import { READ_MEMBER_VARIANT, READ_OK } from "../src/abi/layout";
import {
  KEY_ESCAPE_BIT,
  KEY_SIZE_MASK,
  lastMemberCount,
  lastMembers,
  MEMBER_OFFSET_KEY,
  MEMBER_OFFSET_KEY_SIZE,
  MEMBER_OFFSET_TAIL,
  MEMBER_OFFSET_VALUE,
  MEMBER_SIZE,
} from "./json";
import { decodeString } from "./string";

/** Values of the members, as addresses; 0 = absent. */
export let nameStart: usize = 0;
export let nameEnd: usize = 0;
export let uriStart: usize = 0;
export let uriEnd: usize = 0;
export let argumentsStart: usize = 0;
export let argumentsEnd: usize = 0;
export let metaStart: usize = 0;
export let metaEnd: usize = 0;
/** READ_OK, or READ_MEMBER_VARIANT when a member only looks like a known one. */
export let paramsFailure: i32 = 0;

/** Longest known name folded, and the three bytes that U+212A may take beyond it. */
const FOLDED_CAPACITY: usize = 64;
const decoded: usize = memory.data(72, 16);
const folded: usize = memory.data(72, 16);

const KNOWN_NONE: i32 = 0;
const KNOWN_NAME: i32 = 1;
const KNOWN_URI: i32 = 2;
const KNOWN_ARGUMENTS: i32 = 3;
const KNOWN_META: i32 = 4;
const KNOWN_OTHER: i32 = 5;

export function beginParams(): void {
  nameStart = 0;
  nameEnd = 0;
  uriStart = 0;
  uriEnd = 0;
  argumentsStart = 0;
  argumentsEnd = 0;
  metaStart = 0;
  metaEnd = 0;
  paramsFailure = READ_OK;
}

/** Takes the known members from the table of the object that was read last. */
export function inspectParams(): void {
  for (let index: u32 = 0; index < lastMemberCount; index++) {
    const member = lastMembers + usize(index) * MEMBER_SIZE;
    const value = usize(load<u32>(member, MEMBER_OFFSET_VALUE));
    const end = usize(load<u32>(member, MEMBER_OFFSET_TAIL));
    const known = classify(member);
    if (known == KNOWN_NAME) {
      nameStart = value;
      nameEnd = end;
    } else if (known == KNOWN_ARGUMENTS) {
      argumentsStart = value;
      argumentsEnd = end;
    } else if (known == KNOWN_URI) {
      uriStart = value;
      uriEnd = end;
    } else if (known == KNOWN_META) {
      metaStart = value;
      metaEnd = end;
    }
  }
}

/** Which known member this is. Sets `paramsFailure` for a look-alike. */
function classify(member: usize): i32 {
  const keySize = load<u32>(member, MEMBER_OFFSET_KEY_SIZE);
  const key = usize(load<u32>(member, MEMBER_OFFSET_KEY));
  const size = usize(keySize & KEY_SIZE_MASK);
  if ((keySize & KEY_ESCAPE_BIT) == 0) {
    const exact = knownName(key, size);
    if (exact != KNOWN_NONE) return exact;
    if (size > FOLDED_CAPACITY) return KNOWN_NONE;
  }
  const decodedSize = decodeString(key, key + size, decoded, FOLDED_CAPACITY);
  if (decodedSize < 0) return KNOWN_NONE;
  const exact = knownName(decoded, usize(decodedSize));
  if (exact != KNOWN_NONE) return exact;
  if (isKnownFolded(usize(decodedSize))) paramsFailure = READ_MEMBER_VARIANT;
  return KNOWN_NONE;
}

/** name, uri, arguments, _meta, task, requestState, inputResponses: byte for byte. */
function knownName(at: usize, size: usize): i32 {
  if (size == 4) {
    const word = load<u32>(at);
    if (word == 0x656d616e) return KNOWN_NAME;
    return word == 0x6b736174 ? KNOWN_OTHER : KNOWN_NONE; // task
  }
  if (size == 9) {
    // "argument" "s"
    const isArguments = load<u64>(at) == 0x746e656d75677261 && load<u8>(at, 8) == 0x73;
    return isArguments ? KNOWN_ARGUMENTS : KNOWN_NONE;
  }
  if (size == 5) {
    // "_met" "a"
    return load<u32>(at) == 0x74656d5f && load<u8>(at, 4) == 0x61 ? KNOWN_META : KNOWN_NONE;
  }
  if (size == 3) {
    return load<u16>(at) == 0x7275 && load<u8>(at, 2) == 0x69 ? KNOWN_URI : KNOWN_NONE;
  }
  if (size == 12) {
    // "requestS" "tate"
    const isState = load<u64>(at) == 0x5374736575716572 && load<u32>(at, 8) == 0x65746174;
    return isState ? KNOWN_OTHER : KNOWN_NONE;
  }
  if (size == 14) {
    // "inputRes" "ponses": the last 8 bytes are "sponses" behind an "e"
    const isAnswers = load<u64>(at) == 0x7365527475706e69 && load<u64>(at, 6) == 0x7365736e6f707365;
    return isAnswers ? KNOWN_OTHER : KNOWN_NONE;
  }
  return KNOWN_NONE;
}

/** True when the decoded key is a known name after simple case folding to ASCII. */
function isKnownFolded(size: usize): bool {
  let at: usize = 0;
  let out: usize = 0;
  while (at < size) {
    const c = u32(load<u8>(decoded + at));
    let lower = c;
    if (c - 0x41 <= 25) {
      lower = c + 32;
    } else if (c == 0xc5 && load<u8>(decoded + at, 1) == 0xbf) {
      lower = 0x73; // U+017F, long s
      at += 1;
    } else if (c == 0xe2 && load<u16>(decoded + at, 1) == 0xaa84) {
      lower = 0x6b; // U+212A, Kelvin sign
      at += 2;
    }
    store<u8>(folded + out, lower);
    at += 1;
    out += 1;
  }
  if (out == 12) {
    return load<u64>(folded) == 0x7374736575716572 && load<u32>(folded, 8) == 0x65746174;
  }
  if (out == 14) {
    return load<u64>(folded) == 0x7365727475706e69 && load<u64>(folded, 6) == 0x7365736e6f707365;
  }
  return knownName(folded, out) != KNOWN_NONE;
}
