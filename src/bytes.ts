// Bytes and text: strict UTF-8, hex, and strict base64 (RFC 4648).
import { HOST } from "#host";
import { GuardError } from "./errors.ts";

const encoder = new TextEncoder();
const decoderStrict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 of `text`; a lone surrogate becomes U+FFFD, so check `isWellFormed` first where it matters. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** True for bytes. Unlike `instanceof` alone it runs no code of `value`, and never throws. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && value instanceof Uint8Array;
}

/** Text of UTF-8 bytes, or `undefined` when they are not valid UTF-8. A BOM is kept. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoderStrict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** True when `text` holds no lone surrogate. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

/**
 * With what ECMAScript 2026 adds, which Node 20 to 24 do not have.
 *
 * WHY: code that runs for the first time is interpreted: in a fresh worker loops over the digests of 20 tools
 * take 0.3 ms more, and one over the pattern file 1.4.
 */
const BYTES: typeof Uint8Array & {
  readonly fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
  readonly fromHex?: (text: string) => Uint8Array<ArrayBuffer>;
} = Uint8Array;
const bytesToHex: ((this: Uint8Array) => string) | undefined = /* @__PURE__ */ Reflect.get(
  Uint8Array.prototype,
  "toHex",
);

/** Where the digits of a digest are written. */
const DIGEST_DIGITS: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(64);

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  if (bytesToHex !== undefined) return bytesToHex.call(bytes);
  const size = bytes.length * 2;
  // WHY: digits decoded at once are one flat text, which is compared and looked up twice as fast as one
  // of 32 parts
  const digits = size === DIGEST_DIGITS.length ? DIGEST_DIGITS : new Uint8Array(size);
  let at = 0;
  for (const byte of bytes) {
    digits[at] = hexCode(byte >> 4);
    digits[at + 1] = hexCode(byte & 15);
    at += 2;
  }
  return decoderStrict.decode(digits);
}

/** Code of a lower-case hex digit. */
function hexCode(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

/** Value of a lower-case hex digit, or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}

/** Bytes of lower-case hex, or `undefined` when `text` is anything else. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0) return undefined;
  if (BYTES.fromHex !== undefined) return fromHexNative(text, BYTES.fromHex);
  const bytes = new Uint8Array(text.length / 2);
  return writeHex(bytes, 0, text, 0) ? bytes : undefined;
}

/** The host's own reads upper case, too. */
function fromHexNative(
  text: string,
  fromHost: (text: string) => Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = fromHost(text);
    return toHex(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Value of a lower-case hex digit by its code, -1 for every other ASCII code. */
const HEX_VALUES: Int8Array = Int8Array.from({ length: 128 }, (_, code) => hexDigit(code));

/**
 * Writes the bytes of the hex digits behind `from` at `at`.
 *
 * @returns false when one is no lower-case hex digit; what was written then says nothing
 */
function writeHex(bytes: Uint8Array, at: number, text: string, from: number): boolean {
  // WHY: one pass that reads and checks; a pattern first cost a boot of 10 000 tools 5 ms each time
  let seen = 0;
  let to = at;
  for (let index = from; index < text.length; index += 2) {
    const high = HEX_VALUES[text.charCodeAt(index)] ?? -1;
    const low = HEX_VALUES[text.charCodeAt(index + 1)] ?? -1;
    seen |= high | low;
    bytes[to] = (high << 4) | low;
    to += 1;
  }
  return seen >= 0;
}

/**
 * Writes the digest of a fingerprint, `sha256:` and 64 lower-case hex digits, at `at`: 32 bytes.
 *
 * @returns false when `fingerprint` is anything else; what was written then says nothing
 */
export function writeFingerprint(bytes: Uint8Array, at: number, fingerprint: string): boolean {
  if (fingerprint.length !== 71 || !fingerprint.startsWith("sha256:")) return false;
  if (BYTES.fromHex === undefined) return writeHex(bytes, at, fingerprint, 7);
  const digest = fromHexNative(fingerprint.slice(7), BYTES.fromHex);
  if (digest === undefined) return false;
  bytes.set(digest, at);
  return true;
}

/** True for `sha256:` and 64 lower-case hex digits. */
export function isFingerprint(text: string): boolean {
  if (text.length !== 71 || !text.startsWith("sha256:")) return false;
  let seen = 0;
  for (let index = 7; index < 71; index++) seen |= HEX_VALUES[text.charCodeAt(index)] ?? -1;
  return seen >= 0;
}

/** Writes the UTF-8 of a well-formed text at `at`; returns its size in bytes. */
export function writeUtf8(bytes: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80) {
      const encoded = utf8(text);
      bytes.set(encoded, at);
      return encoded.length;
    }
    bytes[at + index] = code;
  }
  return text.length;
}

/** UTF-8 bytes of a well-formed text. */
export function utf8Size(text: string): number {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) >= 0x80) return utf8(text).length;
  }
  return text.length;
}

const SURROGATE = /[\ud800-\udfff]/;

/** Sorts well-formed texts in place by the bytes of their UTF-8, which is by code points. */
export function sortByUtf8(texts: string[]): string[] {
  // code units are in that order too, but for surrogates
  if (!texts.some((text) => SURROGATE.test(text))) return texts.sort();
  return texts.sort((a, b) => compareUtf8(a, b));
}

/** Order of two well-formed texts by the bytes of their UTF-8. */
export function compareUtf8(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  const common = Math.min(left.length, right.length);
  for (let index = 0; index < common; index++) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** True when both hold the same bytes. Not constant-time: digests and public keys only. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** One new array with all parts in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Standard padded base64. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += 8192) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return btoa(binary);
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * The bytes of strict base64 in the standard alphabet, by the web's own decoder; `undefined` for any
 * other text.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  const bytes = BYTES.fromBase64?.(text) ?? decodeCharacters(text);
  // WHY: the decoders ignore trailing bits; encoding the last bytes again is the shortest exact test
  const tail = bytes.subarray(bytes.length - (bytes.length % 3 || 3));
  return text === "" || text.endsWith(toBase64(tail)) ? bytes : undefined;
}

/** Without any decoder of bytes: what hosts are held against. */
export function decodeCharacters(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/**
 * Strict base64: the standard or the URL-safe alphabet but never both, padded, zero trailing bits.
 *
 * @throws {GuardError} ARGUMENT_INVALID when `text` is anything else.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const isUrlSafe = text.includes("-") || text.includes("_");
  const isMixed = isUrlSafe && (text.includes("+") || text.includes("/"));
  const standard = isUrlSafe ? text.replaceAll("-", "+").replaceAll("_", "/") : text;
  const bytes = HOST === undefined ? decodeBase64(standard) : HOST.decodeBase64(standard);
  if (bytes !== undefined && !isMixed) return bytes;
  const message = "expected padded base64 in one alphabet, with zero trailing bits";
  throw new GuardError("ARGUMENT_INVALID", message);
}
