// The two frames of `decide` on the host's side (src/abi/frame.ts): written word by word at fixed
// addresses, no allocation, no DataView; and re-executed byte for byte by replay.
import * as abi from "../abi/frame.ts";
import { GuardError } from "../errors.ts";
import type { Kernel } from "./kernel.ts";

/** 32 bytes as the kernel's memory holds them: eight words; made by `digestWords`. */
export type DigestWords = Int32Array;

/** 128 scope bits as four words, the low one first. */
export interface ScopeWords {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

/** Terms and state of the chosen lease (40-gateway section 5). */
export interface LeaseFields {
  readonly id: DigestWords;
  readonly principal: DigestWords;
  /** The digest it is for; `undefined` = any arguments. */
  readonly argumentsDigest: DigestWords | undefined;
  /** Index in the image, or -1. */
  readonly server: number;
  /** Index of the granted tool that has the call's name, or -1. */
  readonly item: number;
  /** ms since the epoch; what is no time is expired. */
  readonly expiresMs: number;
  /** Invocations left; `undefined` = not counted. What is no count is none. */
  readonly remaining: number | undefined;
  readonly isStateChanging: boolean;
}

/** A recorded approval (40-gateway section 6). */
export interface ConsentFields {
  readonly principal: DigestWords;
  readonly session: DigestWords;
  /** Item digest of the definition that was shown. */
  readonly item: DigestWords;
  /** The digest it is for; `undefined` = any arguments. */
  readonly argumentsDigest: DigestWords | undefined;
  readonly image: DigestWords;
  /** ms since the epoch; what is no time is expired. */
  readonly expiresMs: number;
  /** The asking set and the session's taint as they were shown. */
  readonly asking: number;
  readonly taint: number;
  /** A valid lease was at hand when the person was asked. */
  readonly wasLeased: boolean;
  /** Index in the image, or -1. */
  readonly server: number;
}

/** All that a decision depends on. Numbers without a comment are those of src/abi/frame.ts. */
export interface InputFields {
  readonly catalog: number;
  readonly message: number;
  readonly feature: number;
  readonly identity: number;
  readonly serverState: number;
  readonly itemState: number;
  readonly vetting: number;
  readonly arguments: number;
  readonly schema: number;
  readonly custom: number;
  readonly audit: number;
  /** Indices in the image, or -1. */
  readonly server: number;
  readonly item: number;
  /** Counted from 1; 0 = none. */
  readonly principalRow: number;
  /** ms since the epoch. */
  readonly nowMs: number;
  /** Labels of the session: a mask. */
  readonly taint: number;
  /** Requested; `undefined` = the item's own. */
  readonly scope: ScopeWords | undefined;
  /** Cap of the session; `undefined` = none. */
  readonly cap: ScopeWords | undefined;
  readonly image: DigestWords;
  /** Item digest of the definition as the server sent it; `undefined` = not seen. */
  readonly live: DigestWords | undefined;
  readonly principal: DigestWords;
  readonly session: DigestWords;
  readonly argumentsDigest: DigestWords;
  readonly isStickyDrift: boolean;
  readonly isLeaseNamed: boolean;
  readonly isConsentRefused: boolean;
  readonly lease: LeaseFields | undefined;
  readonly consent: ConsentFields | undefined;
}

/** Later times are no times: `Number.MAX_SAFE_INTEGER` + 1 ms. */
const TIME_END = 9007199254740992;
/** Divisor that takes the high word out of a time in ms. */
const WORD = 4294967296;

/**
 * A copy of a digest as words.
 *
 * @param bytes 32 bytes
 * @throws {GuardError} ARGUMENT_INVALID for another size
 */
export function digestWords(bytes: Uint8Array): DigestWords {
  if (bytes.length !== 32) {
    throw new GuardError("ARGUMENT_INVALID", `expected a digest of 32 bytes, got ${bytes.length}`);
  }
  // WHY: the constructor always copies; `slice` of a Buffer is a view into somebody's pool
  return new Int32Array(new Uint8Array(bytes).buffer);
}

function writeDigest(words: Int32Array, at: number, digest: DigestWords | undefined): void {
  if (digest === undefined) return;
  // WHY: no loop: five digests a decision, and a loop is 3 % of it
  words[at] = digest[0] ?? 0;
  words[at + 1] = digest[1] ?? 0;
  words[at + 2] = digest[2] ?? 0;
  words[at + 3] = digest[3] ?? 0;
  words[at + 4] = digest[4] ?? 0;
  words[at + 5] = digest[5] ?? 0;
  words[at + 6] = digest[6] ?? 0;
  words[at + 7] = digest[7] ?? 0;
}

/** Two words; 0 for what is no time, which is too late for everything. */
function writeTime(words: Int32Array, at: number, ms: number): void {
  const time = ms > 0 && ms < TIME_END ? ms : 0;
  words[at] = time | 0;
  words[at + 1] = (time / WORD) | 0;
}

function writeScope(words: Int32Array, at: number, scope: ScopeWords | undefined): void {
  if (scope === undefined) return;
  words[at] = scope.w0;
  words[at + 1] = scope.w1;
  words[at + 2] = scope.w2;
  words[at + 3] = scope.w3;
}

/** A count of invocations; what is no count is none. */
function toCount(value: number): number {
  return value > 0 && value < WORD && Number.isInteger(value) ? value | 0 : 0;
}

/** Four bytes as one word; a number that is no byte becomes 255, which every layer refuses. */
function toWord(a: number, b: number, c: number, d: number): number {
  return toByte(a) | (toByte(b) << 8) | (toByte(c) << 16) | (toByte(d) << 24);
}

function toByte(value: number): number {
  return (value & 255) === value ? value : 255;
}

/** An index, or -1 for what is none; `| 0` alone would turn NaN into the first index. */
function toIndex(value: number): number {
  return value >= 0 && (value | 0) === value ? value : -1;
}

/** A mask of 32 bits; `otherwise` for what is none, since `| 0` would make it the empty one. */
function toMask(value: number, otherwise: number): number {
  return (value | 0) === value || value >>> 0 === value ? value : otherwise;
}

/** INPUT_FLAG_* of the fields. */
function toFlags(fields: InputFields): number {
  return (
    (fields.scope === undefined ? 0 : abi.INPUT_FLAG_SCOPE) |
    (fields.cap === undefined ? 0 : abi.INPUT_FLAG_CAP) |
    (fields.lease === undefined ? 0 : abi.INPUT_FLAG_LEASE) |
    (fields.consent === undefined ? 0 : abi.INPUT_FLAG_CONSENT) |
    (fields.isStickyDrift ? abi.INPUT_FLAG_STICKY_DRIFT : 0) |
    (fields.isLeaseNamed ? abi.INPUT_FLAG_LEASE_NAMED : 0) |
    (fields.isConsentRefused ? abi.INPUT_FLAG_CONSENT_REFUSED : 0)
  );
}

/** Writes the whole input frame into the kernel's memory; nothing of an earlier one stays. */
export function writeInputFrame(kernel: Kernel, fields: InputFields): void {
  const { words } = kernel;
  const start = kernel.inputFrameAt >> 2;
  words.fill(0, start, start + (abi.INPUT_SIZE >> 2));
  words[start] = abi.INPUT_MAGIC;
  words[start + (abi.INPUT_OFFSET_VERSION >> 2)] = abi.FRAME_VERSION;
  words[start + (abi.INPUT_OFFSET_SIZE >> 2)] = abi.INPUT_SIZE;
  words[start + (abi.INPUT_OFFSET_FLAGS >> 2)] = toFlags(fields);
  const { catalog, message, feature, identity, serverState, itemState, vetting } = fields;
  const attested = start + (abi.INPUT_OFFSET_CATALOG >> 2);
  words[attested] = toWord(catalog, message, feature, identity);
  words[attested + 1] = toWord(serverState, itemState, vetting, fields.arguments);
  words[attested + 2] = toWord(fields.schema, fields.custom, fields.audit, 0);
  words[start + (abi.INPUT_OFFSET_SERVER >> 2)] = toIndex(fields.server);
  words[start + (abi.INPUT_OFFSET_ITEM >> 2)] = toIndex(fields.item);
  words[start + (abi.INPUT_OFFSET_PRINCIPAL_ROW >> 2)] = toIndex(fields.principalRow);
  writeTime(words, start + (abi.INPUT_OFFSET_NOW >> 2), fields.nowMs);
  words[start + (abi.INPUT_OFFSET_TAINT >> 2)] = toMask(fields.taint, -1);
  writeScope(words, start + (abi.INPUT_OFFSET_SCOPE >> 2), fields.scope);
  writeScope(words, start + (abi.INPUT_OFFSET_CAP >> 2), fields.cap);
  writeDigest(words, start + (abi.INPUT_OFFSET_IMAGE >> 2), fields.image);
  writeDigest(words, start + (abi.INPUT_OFFSET_LIVE >> 2), fields.live);
  writeDigest(words, start + (abi.INPUT_OFFSET_PRINCIPAL >> 2), fields.principal);
  writeDigest(words, start + (abi.INPUT_OFFSET_SESSION >> 2), fields.session);
  writeDigest(words, start + (abi.INPUT_OFFSET_ARGUMENTS_DIGEST >> 2), fields.argumentsDigest);
  if (fields.lease !== undefined) writeLease(words, start, fields.lease);
  if (fields.consent !== undefined) writeConsent(words, start, fields.consent);
}

function writeLease(words: Int32Array, start: number, lease: LeaseFields): void {
  const flags =
    (lease.isStateChanging ? abi.LEASE_FLAG_STATE_CHANGING : 0) |
    (lease.argumentsDigest === undefined ? 0 : abi.LEASE_FLAG_ARGUMENTS) |
    (lease.remaining === undefined ? abi.LEASE_FLAG_UNLIMITED : 0);
  writeDigest(words, start + (abi.INPUT_OFFSET_LEASE_ID >> 2), lease.id);
  writeDigest(words, start + (abi.INPUT_OFFSET_LEASE_PRINCIPAL >> 2), lease.principal);
  writeDigest(words, start + (abi.INPUT_OFFSET_LEASE_ARGUMENTS >> 2), lease.argumentsDigest);
  words[start + (abi.INPUT_OFFSET_LEASE_SERVER >> 2)] = toIndex(lease.server);
  words[start + (abi.INPUT_OFFSET_LEASE_ITEM >> 2)] = toIndex(lease.item);
  writeTime(words, start + (abi.INPUT_OFFSET_LEASE_EXPIRES >> 2), lease.expiresMs);
  words[start + (abi.INPUT_OFFSET_LEASE_REMAINING >> 2)] = toCount(lease.remaining ?? 0);
  words[start + (abi.INPUT_OFFSET_LEASE_FLAGS >> 2)] = flags;
}

function writeConsent(words: Int32Array, start: number, consent: ConsentFields): void {
  const flags =
    (consent.argumentsDigest === undefined ? abi.CONSENT_FLAG_ANY_ARGUMENTS : 0) |
    (consent.wasLeased ? abi.CONSENT_FLAG_LEASE : 0);
  writeDigest(words, start + (abi.INPUT_OFFSET_CONSENT_PRINCIPAL >> 2), consent.principal);
  writeDigest(words, start + (abi.INPUT_OFFSET_CONSENT_SESSION >> 2), consent.session);
  writeDigest(words, start + (abi.INPUT_OFFSET_CONSENT_ITEM >> 2), consent.item);
  writeDigest(words, start + (abi.INPUT_OFFSET_CONSENT_ARGUMENTS >> 2), consent.argumentsDigest);
  writeDigest(words, start + (abi.INPUT_OFFSET_CONSENT_IMAGE >> 2), consent.image);
  writeTime(words, start + (abi.INPUT_OFFSET_CONSENT_EXPIRES >> 2), consent.expiresMs);
  words[start + (abi.INPUT_OFFSET_CONSENT_ASKING >> 2)] = toMask(consent.asking, 0);
  words[start + (abi.INPUT_OFFSET_CONSENT_TAINT >> 2)] = toMask(consent.taint, 0);
  words[start + (abi.INPUT_OFFSET_CONSENT_FLAGS >> 2)] = flags;
  words[start + (abi.INPUT_OFFSET_CONSENT_SERVER >> 2)] = toIndex(consent.server);
}

/** Writes the frame and decides it; only VERDICT_ALLOWED is an allow. */
export function decideFields(kernel: Kernel, fields: InputFields): number {
  writeInputFrame(kernel, fields);
  return kernel.exports.decide();
}

/** A copy of the input frame that stands in the kernel's memory. */
export function inputFrameBytes(kernel: Kernel): Uint8Array<ArrayBuffer> {
  return kernel.bytes.slice(kernel.inputFrameAt, kernel.inputFrameAt + abi.INPUT_SIZE);
}

/** A copy of the output frame of the last decision. */
export function outputFrameBytes(kernel: Kernel): Uint8Array<ArrayBuffer> {
  const at = kernel.outputFrameAt;
  return kernel.bytes.slice(at, at + outputWord(kernel, abi.OUTPUT_OFFSET_SIZE));
}

/** The word at OUTPUT_OFFSET_* of the last decision's output frame: an i32. */
export function outputWord(kernel: Kernel, offset: number): number {
  return kernel.words[(kernel.outputFrameAt + offset) >> 2] ?? 0;
}

/**
 * Decides a recorded input frame again.
 *
 * @param input its bytes; any other number of them than 576 is decided as `undecided`
 * @returns the bytes of the output frame: the same for the same input and image, for ever
 */
export function executeFrame(kernel: Kernel, input: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = kernel.inputFrameAt;
  if (input.length === abi.INPUT_SIZE) kernel.bytes.set(input, at);
  else kernel.bytes.fill(0, at, at + abi.INPUT_SIZE);
  kernel.exports.decide();
  return outputFrameBytes(kernel);
}
