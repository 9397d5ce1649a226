// The exported ABI: names only. Every argument and result is an i32; a 64-bit value is two words,
// the low one first; a region is an address. Text goes in through the regions.

import {
  READ_FLAG_LENIENT,
  READ_FLAG_LINE_BREAKS,
  READ_OK,
  READ_SIZE,
  READ_TRAILING,
} from "../src/abi/layout";
import { LIMIT_DEPTH } from "../src/abi/limits";
import {
  beginAdmission as admissionBegin,
  finishAdmission as admissionEnd,
  admitItem as admit,
  comparePins as compare,
  markDrifted as drifted,
  markInstructionsDrifted as instructionsDrifted,
} from "./admission";
import {
  bindServer as bind,
  checkBoundName,
  checkFrame as checkFrameAt,
  checkMessageBytes,
} from "./bound";
import { writeCanonical } from "./canonical";
import { checkItem, checkNames, refreshAllVerdicts, setTime as setTimeInput } from "./check";
import { decide as decideFrame } from "./decide";
import { findingCount } from "./findings";
import { digestImage, loadImage as load_, openImage } from "./image";
import { setRequest as setRequestInput } from "./inputs";
import { beginTables, readValue, skipSpace } from "./json";
import { listBegin as beginList, listNext as nextInList, readSingle } from "./list";
import { manifestBegin as beginManifest, manifestNext as nextInManifest } from "./manifest";
import {
  canonicalBuffer,
  canonicalEnd,
  configure as configureRegions,
  digestBuffer,
  findings,
  frame,
  growInput as growInputRegion,
  image,
  input,
  inputCapacity,
  inputFrame,
  itemStates,
  listEntries,
  nameBuffer,
  outputFrame,
  patterns,
  serverStates,
  terminateInput,
} from "./memory";
import { readMessage as readMessageAt } from "./message";
import { loadPatterns as loadPatternFile } from "./patterns";
import { beginText, fail, failure, failureAt } from "./reader-state";
import { scanText as scan } from "./scan";
import { joinWords, setCap as setCapWords } from "./scope";
import { sha256Final, sha256Init, sha256Update } from "./sha256";
import { scanShape as shapeOf } from "./shape";
import { decodeString } from "./string";
import { fillIndex, findItem, hashBuffers } from "./table";
import { treeAppend as appendLeaf, treeBegin as beginTree, treeEnd as endTree } from "./tree";

// ---- regions ----

export function configure(
  imageSize: i32,
  items: i32,
  servers: i32,
  inputSize: i32,
  recordSize: i32,
  patternSize: i32,
): i32 {
  return configureRegions(
    u32(imageSize),
    u32(items),
    u32(servers),
    u32(inputSize),
    u32(recordSize),
    u32(patternSize),
  );
}

export function growInput(inputSize: i32, recordSize: i32): i32 {
  return growInputRegion(u32(inputSize), u32(recordSize));
}

export function regionImage(): usize {
  return image;
}
export function regionInput(): usize {
  return input;
}
export function regionName(): usize {
  return nameBuffer;
}
export function regionFrame(): usize {
  return frame;
}
export function regionList(): usize {
  return listEntries;
}
export function regionDigest(): usize {
  return digestBuffer;
}
export function regionCanonical(): usize {
  return canonicalBuffer;
}
export function regionItemStates(): usize {
  return itemStates;
}
export function regionServerStates(): usize {
  return serverStates;
}
export function regionInputFrame(): usize {
  return inputFrame;
}
export function regionOutputFrame(): usize {
  return outputFrame;
}

export function regionPatterns(): usize {
  return patterns;
}
export function regionFindings(): usize {
  return findings;
}

// ---- image ----

export function loadImage(size: i32): i32 {
  return load_(u32(size));
}

/** Fills the index of an image under construction; returns 1, 0 for another key, or -IMAGE_*. */
export function buildIndex(size: i32): i32 {
  const opened = openImage(u32(size));
  return opened == 1 ? (fillIndex() ? 1 : 0) : -opened;
}

/** SHA-256 of the image under construction into the digest buffer. */
export function sealImage(size: i32): void {
  digestImage(u32(size), digestBuffer);
}

/** Low word of the hash of the names in the buffers; the high word is in the digest buffer. */
export function hashNames(serverSize: i32, kind: i32, nameSize: i32): i32 {
  const hash = hashBuffers(u32(serverSize), u32(kind), u32(nameSize));
  store<u64>(digestBuffer, hash);
  return i32(hash);
}

// ---- digests ----

export function digestBegin(): void {
  sha256Init();
}

/** Takes in `size` bytes from the start of the input region. */
export function digestInput(size: i32): void {
  sha256Update(input, size);
}

export function digestEnd(): void {
  sha256Final(digestBuffer);
}

export function treeBegin(): void {
  beginTree();
}

/** Appends the entry of `size` bytes at the start of the input region. */
export function treeAppend(size: i32): void {
  appendLeaf(input, size);
}

export function treeEnd(): void {
  endTree(digestBuffer);
}

// ---- reading ----

function begin(size: i32, flags: i32, record: bool): usize {
  if (usize(u32(size)) > inputCapacity) return fail(READ_SIZE, input);
  terminateInput(usize(size));
  const lenient = (flags & READ_FLAG_LENIENT) != 0;
  beginText(input + usize(size), LIMIT_DEPTH, lenient, (flags & READ_FLAG_LINE_BREAKS) != 0);
  beginTables(record);
  const first = skipSpace(input);
  return first == 0 ? 0 : readWhole(first, input + usize(size));
}

/** Reads one value with nothing but white space behind it; returns its address, or 0. */
function readWhole(first: usize, end: usize): usize {
  const behind = readValue(first, 0);
  if (behind == 0) return 0;
  const rest = skipSpace(behind);
  if (rest == 0) return 0;
  return rest == end ? first : fail(READ_TRAILING, rest);
}

/** Reads the text at the start of the input region strictly; returns READ_OK or why not. */
export function readJson(size: i32, flags: i32): i32 {
  begin(size, flags, false);
  return failure;
}

/** Byte offset of the last failure. */
export function readFailureAt(): i32 {
  return i32(failureAt - input);
}

/** Canonical form of the text, into the canonical region; returns its size, or -READ_*. */
export function canonicalize(size: i32): i32 {
  const first = begin(size, READ_FLAG_LINE_BREAKS, true);
  if (failure != READ_OK) return -failure;
  const end = writeCanonical(first, canonicalBuffer, canonicalEnd, false);
  return end == 0 ? -READ_SIZE : i32(end - canonicalBuffer);
}

/** Decodes a checked raw span of the input into the canonical region; returns its size, or -1. */
export function decodeSpan(start: i32, end: i32): i32 {
  const capacity = canonicalEnd - canonicalBuffer;
  return decodeString(input + usize(start), input + usize(end), canonicalBuffer, capacity);
}

export function listBegin(kind: i32, start: i32, end: i32): i32 {
  terminateInput(usize(end));
  return beginList(u32(kind), input + usize(start), input + usize(end));
}

export function listNext(): i32 {
  return nextInList();
}

/** Reads the one definition of `size` bytes at the start of the input region. */
export function readDefinition(kind: i32, size: i32): i32 {
  terminateInput(usize(size));
  return readSingle(u32(kind), input, input + usize(size));
}

export function manifestBegin(size: i32): void {
  beginManifest(u32(size));
}

export function manifestNext(): i32 {
  return nextInManifest();
}

export function readMessage(size: i32, flags: i32): i32 {
  return readMessageAt(u32(size), u32(flags));
}

// ---- admission ----

export function beginAdmission(server: i32): void {
  admissionBegin(u32(server));
}
export function comparePins(server: i32, kind: i32, nameSize: i32): i32 {
  return compare(u32(server), u32(kind), u32(nameSize));
}
export function admitItem(server: i32, kind: i32, nameSize: i32): i32 {
  return admit(u32(server), u32(kind), u32(nameSize));
}
export function markDrifted(server: i32, kind: i32, nameSize: i32): i32 {
  return drifted(u32(server), u32(kind), u32(nameSize));
}
export function markInstructionsDrifted(server: i32): void {
  instructionsDrifted(u32(server));
}
export function finishAdmission(server: i32, smuggled: i32): i32 {
  return admissionEnd(u32(server), smuggled);
}

// ---- deciding ----

export function setCap(c0: i32, c1: i32, c2: i32, c3: i32): void {
  setCapWords(joinWords(c0, c1), joinWords(c2, c3));
  refreshAllVerdicts();
}

/** Index of the item whose names are in the buffers, or -1. */
export function resolve(serverSize: i32, kind: i32, nameSize: i32): i32 {
  return findItem(u32(serverSize), u32(kind), u32(nameSize));
}

/** The time of the checks that follow, until the next call. */
export function setTime(nowLow: i32, nowHigh: i32): void {
  setTimeInput(joinWords(nowLow, nowHigh));
}

/** The requested scopes of the scoped checks that follow, until the next call. */
export function setRequest(s0: i32, s1: i32, s2: i32, s3: i32): void {
  setRequestInput(joinWords(s0, s1), joinWords(s2, s3));
}

export function check(serverSize: i32, kind: i32, nameSize: i32): i32 {
  return checkNames(u32(serverSize), u32(kind), u32(nameSize), false);
}

export function checkScoped(serverSize: i32, kind: i32, nameSize: i32): i32 {
  return checkNames(u32(serverSize), u32(kind), u32(nameSize), true);
}

export function checkHandle(item: i32): i32 {
  return checkItem(u32(item));
}

export function bindServer(serverSize: i32): i32 {
  return bind(u32(serverSize));
}

export function checkBound(kind: i32, nameSize: i32): i32 {
  return checkBoundName(u32(kind), u32(nameSize), false);
}

export function checkBoundScoped(kind: i32, nameSize: i32): i32 {
  return checkBoundName(u32(kind), u32(nameSize), true);
}

export function checkMessage(size: i32, flags: i32): i32 {
  return checkMessageBytes(u32(size), u32(flags));
}

export function checkFrame(): i32 {
  return checkFrameAt();
}

/** The whole decision on the input frame, into the output frame; returns its verdict. */
export function decide(): i32 {
  return decideFrame();
}

// ---- scanning text ----

/** Validates the pattern file in its region; returns PATTERN_OK or why not. */
export function loadPatterns(size: i32): i32 {
  return loadPatternFile(u32(size));
}

/** Scans the text in the input region from `from` on; returns where to go on, or -1. */
export function scanText(from: i32, size: i32): i32 {
  return scan(from, size);
}

/** Findings of the last `scanText`. */
export function scanCount(): i32 {
  return findingCount;
}

/** SHAPE_* of the text in the input region, or -1. */
export function scanShape(size: i32): i32 {
  return shapeOf(size);
}
