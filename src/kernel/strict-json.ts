// Strict JSON and RFC 8785 for the host: the kernel judges the bytes, `JSON.parse` builds the value.
import { READ_FLAG_LINE_BREAKS, READ_OK } from "../abi/layout.ts";
import { isWellFormed, utf8 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { describeReadError } from "./read-errors.ts";
import { readerKernel } from "./shared.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 of JSON text. @throws {GuardError} JSON_INVALID when it holds a lone surrogate */
export function jsonBytes(text: string): Uint8Array<ArrayBuffer> {
  if (isWellFormed(text)) return utf8(text);
  throw new GuardError("JSON_INVALID", "expected well-formed text, got a lone surrogate");
}

/**
 * Parses JSON after the strict reader accepted it: no duplicate names, valid UTF-8, no lone
 * surrogates, numbers that a double keeps, at most 64 levels, nothing behind the value.
 *
 * @throws {GuardError} JSON_INVALID with the byte offset
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const kernel = readerKernel(bytes.length);
  kernel.writeInput(bytes);
  const code = kernel.exports.readJson(bytes.length, READ_FLAG_LINE_BREAKS);
  if (code !== READ_OK) {
    throw new GuardError("JSON_INVALID", describeReadError(code), {
      at: { offset: kernel.exports.readFailureAt() },
    });
  }
  const value: unknown = JSON.parse(decoder.decode(bytes));
  return value;
}

/**
 * The RFC 8785 canonical form of JSON text, or of a value by way of `JSON.stringify`.
 *
 * @example canonicalize('{"b":1.0,"a":"\\u00e9"}') // '{"a":"é","b":1}'
 * @throws {GuardError} JSON_INVALID when the strict reader refuses the text
 */
export function canonicalize(source: string | Uint8Array | object): string {
  return decoder.decode(canonicalBytes(source));
}

/**
 * True when `bytes` are their own RFC 8785 canonical form.
 *
 * @param bytes at most 4 MiB: the kernel has room for the canonical form of that much
 */
export function isCanonical(bytes: Uint8Array): boolean {
  const kernel = readerKernel(bytes.length);
  kernel.writeInput(bytes);
  if (kernel.exports.canonicalize(bytes.length) !== bytes.length) return false;
  const { bytes: memory, canonicalAt } = kernel;
  for (let index = 0; index < bytes.length; index++) {
    if (memory[canonicalAt + index] !== bytes[index]) return false;
  }
  return true;
}

/** As `canonicalize`: its UTF-8, a copy. @throws {GuardError} JSON_INVALID */
export function canonicalBytes(source: string | Uint8Array | object): Uint8Array<ArrayBuffer> {
  const bytes = sourceBytes(source);
  const kernel = readerKernel(bytes.length);
  kernel.writeInput(bytes);
  const size = kernel.exports.canonicalize(bytes.length);
  if (size < 0) {
    throw new GuardError("JSON_INVALID", describeReadError(-size), {
      at: { offset: kernel.exports.readFailureAt() },
    });
  }
  const start = kernel.canonicalAt;
  return kernel.bytes.slice(start, start + size);
}

/**
 * UTF-8 JSON text of what a caller holds: text, bytes, or a value that `JSON.stringify` writes.
 *
 * @throws {GuardError} JSON_INVALID for a value that JSON cannot hold
 */
export function sourceBytes(source: string | Uint8Array | object): Uint8Array {
  if (source instanceof Uint8Array) return source;
  return jsonBytes(typeof source === "string" ? source : stringify(source));
}

/** JSON text of a value; a cycle, a bigint or a throwing member is a fault like any other. */
function stringify(value: object): string {
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new GuardError("JSON_INVALID", "expected a value that JSON can hold", { cause });
  }
  if (typeof text === "string") return text;
  throw new GuardError("JSON_INVALID", "expected a value that JSON can hold");
}
