// Region map. Static buffers first, then what `configure` lays out, each region aligned to 64:
//
//   | static data | patterns | image | item states | item verdicts | server states | input + pad | canonical | objects | members |
//
// Memory grows in `configure`, and in `growInput` where the host asks for it: then everything from the
// input on is laid out anew, nothing before it moves, and the host makes its views anew.
import { INPUT_SIZE, OUTPUT_SIZE_MAX } from "../src/abi/frame";
import {
  FRAME_SIZE_BYTES,
  IMAGE_SECTION_ALIGN,
  LIST_ENTRY_COUNT_MAX,
  LIST_ENTRY_SIZE,
} from "../src/abi/layout";
import {
  LIMIT_DEPTH,
  LIMIT_IMAGE_ITEMS,
  LIMIT_MESSAGE_BYTES_MAX,
  LIMIT_SERVERS,
} from "../src/abi/limits";
import { FINDING_COUNT_MAX, FINDING_SIZE } from "../src/abi/patterns";

const PAGE_SIZE: usize = 65536;
/** Zero bytes behind the input: the reader stops at the first one, and SIMD may read over. */
const INPUT_PAD: usize = 64;
/** An image cannot be larger than this: 2^20 items with their longest names stay below it. */
const IMAGE_SIZE_MAX: u32 = 1073741824;
/** More than the largest number of states unfolds to. */
const PATTERN_SIZE_MAX: u32 = 8388608;
/**
 * Bytes of canonical form for a byte of text. RFC 8785 can lengthen a text: `1e20,` (5 bytes) becomes
 * 22, so 1 MiB becomes at most 4.4 MiB.
 */
export const CANONICAL_GROWTH: usize = 5;
/** Room for what is written between two tests for its end: a number, and 64 closing brackets. */
export const TOKEN_ROOM: usize = 192;
/** What each text of a batch needs beside that, its framing as an item (37 bytes) included. */
export const LANE_SPARE: usize = TOKEN_ROOM + 64;
const CANONICAL_SPARE: usize = LANE_SPARE * LIST_ENTRY_COUNT_MAX;
/** One definition's canonical form. Longer texts are hashed in pieces of this buffer. */
const CANONICAL_SIZE_MAX: usize = 5242880;

// The names under consideration, in UTF-8, each zero-padded to a multiple of 8 bytes. The server id
// ends where the name begins, so that both are hashed in one loop:
//
//    0                    64                              64 + 2048
//    +-----+--------------+-------------------------------+---------+
//    |     | server, zeros| name, zeros                   | padding |
//    +-----+--------------+-------------------------------+---------+
const NAMES: usize = memory.data(64 + 2048 + 32, 16);
/** UTF-8 of the name or URI under consideration. */
export const nameBuffer: usize = NAMES + 64;

/** Where the server id of `size` bytes under consideration stands. */
export function serverAt(size: u32): usize {
  return nameBuffer - usize(padded(size));
}

/** The next multiple of 8. */
export function padded(size: u32): u32 {
  return (size + 7) & ~7;
}

/** Zero-pads the name of `size` bytes in the name buffer. */
export function padName(size: u32): void {
  store<u64>(nameBuffer + usize(size), 0);
}
/** The message frame (src/abi/layout.ts). */
export const frame: usize = memory.data(FRAME_SIZE_BYTES, 16);
/** What `listNext` found. */
export const listEntries: usize = memory.data(LIST_ENTRY_SIZE * LIST_ENTRY_COUNT_MAX, 16);
/** The frames of `decide` (src/abi/frame.ts). */
export const inputFrame: usize = memory.data(INPUT_SIZE, 16);
export const outputFrame: usize = memory.data(OUTPUT_SIZE_MAX, 16);
/** What the scanner found. */
export const findings: usize = memory.data(FINDING_SIZE * FINDING_COUNT_MAX, 16);
/** A 32-byte digest, in or out. */
export const digestBuffer: usize = memory.data(32, 16);

/** The pattern file, and behind it what it unfolds to. */
export let patterns: usize = 0;
export let patternCapacity: usize = 0;
export let image: usize = 0;
export let imageCapacity: usize = 0;
export let itemStates: usize = 0;
/** What a check of each item comes to, the request aside: one verdict code a byte. */
export let itemVerdicts: usize = 0;
export let serverStates: usize = 0;
export let input: usize = 0;
export let inputCapacity: usize = 0;
export let canonicalBuffer: usize = 0;
export let canonicalEnd: usize = 0;
/** Object records of the text being recorded, upward. */
export let objectsStart: usize = 0;
export let objectsEnd: usize = 0;
/** Member entries: closed objects' upward from the start, open objects' downward from the end. */
export let membersStart: usize = 0;
export let membersEnd: usize = 0;

function align64(offset: usize): usize {
  return (offset + 63) & ~usize(63);
}

/** The next offset in an image at which a section may start. */
export function alignSection(offset: u64): u64 {
  return (offset + (IMAGE_SECTION_ALIGN - 1)) & ~u64(IMAGE_SECTION_ALIGN - 1);
}

/**
 * Lays out the regions and grows memory to hold them. Called once, before anything else.
 *
 * @param imageSize bytes of the image, 0 for an instance that only reads and digests
 * @param itemCount items of the image
 * @param serverCount servers of the image
 * @param inputSize bytes of the largest text that will be read
 * @param recordSize bytes of the largest text that will be canonicalised
 * @param patternSize bytes of the pattern file and what it unfolds to, 0 for none
 * @returns 1, or 0 when memory cannot be had or an argument is out of range
 */
export function configure(
  imageSize: u32,
  itemCount: u32,
  serverCount: u32,
  inputSize: u32,
  recordSize: u32,
  patternSize: u32,
): i32 {
  if (input != 0 || imageSize > IMAGE_SIZE_MAX || patternSize > PATTERN_SIZE_MAX) return 0;
  if (itemCount > u32(LIMIT_IMAGE_ITEMS) || serverCount > u32(LIMIT_SERVERS)) return 0;
  if (inputSize > u32(LIMIT_MESSAGE_BYTES_MAX) || recordSize > inputSize) return 0;
  let at = align64(__heap_base);
  const patternsAt = at;
  at = align64(at + usize(patternSize));
  const imageAt = at;
  at = align64(at + usize(imageSize));
  const itemStatesAt = at;
  at = align64(at + usize(itemCount));
  const itemVerdictsAt = at;
  at = align64(at + usize(itemCount));
  const serverStatesAt = at;
  at = align64(at + usize(serverCount));
  if (!layInput(at, usize(inputSize), usize(recordSize))) return 0;
  patterns = patternsAt;
  patternCapacity = usize(patternSize);
  image = imageAt;
  imageCapacity = usize(imageSize);
  itemStates = itemStatesAt;
  itemVerdicts = itemVerdictsAt;
  serverStates = serverStatesAt;
  return 1;
}

/**
 * Makes the input region larger, and those behind it; what they held is lost.
 *
 * @param inputSize bytes of the largest text that will be read
 * @param recordSize bytes of the largest text that will be canonicalised
 * @returns 1, or 0 when memory cannot be had or an argument is out of range: then nothing has changed
 */
export function growInput(inputSize: u32, recordSize: u32): i32 {
  if (input == 0 || usize(inputSize) < inputCapacity) return 0;
  if (inputSize > u32(LIMIT_MESSAGE_BYTES_MAX) || recordSize > inputSize) return 0;
  return i32(layInput(input, usize(inputSize), usize(recordSize)));
}

/** Lays out the regions from `start` on that only one text at a time needs, and grows memory. */
function layInput(start: usize, inputSize: usize, recordSize: usize): bool {
  const canonicalAt = align64(start + inputSize + INPUT_PAD);
  const canonicalSize = inputSize * CANONICAL_GROWTH + CANONICAL_SPARE;
  const objectsAt = align64(canonicalAt + min(canonicalSize, CANONICAL_SIZE_MAX));
  // WHY: a recorded object takes 16 bytes and at least 5 of text that no other has (`{"":` and `}`),
  // but for those that are open
  const membersAt = align64(objectsAt + (recordSize / 5 + usize(LIMIT_DEPTH) + 8) * 16);
  // WHY: an entry takes 16 bytes and at least 5 of text (`"":1,`), but for the one that is being
  // read in each open object
  const end = align64(membersAt + (inputSize / 5 + usize(LIMIT_DEPTH) + 8) * 16);
  const missing = i32((end + PAGE_SIZE - 1) / PAGE_SIZE) - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) return false;
  input = start;
  inputCapacity = inputSize;
  canonicalBuffer = canonicalAt;
  canonicalEnd = objectsAt;
  objectsStart = objectsAt;
  objectsEnd = membersAt;
  membersStart = membersAt;
  membersEnd = end;
  return true;
}

/** Puts the sentinel behind a text of `size` bytes at the start of the input region. */
export function terminateInput(size: usize): void {
  // WHY: memory.fill is a call into the runtime, whatever the size
  for (let offset: usize = 0; offset < INPUT_PAD; offset += 16) {
    v128.store(input + size + offset, i64x2.splat(0));
  }
}
