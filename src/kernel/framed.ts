// Framing of what is hashed: a versioned tag, then every field with its size, so that no two lists
// of fields are the same bytes.
import { concatBytes, toHex, utf8 } from "../bytes.ts";
import { sha256 } from "./digest.ts";

/** u32 little-endian. */
export function u32le(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A whole number below 2^53 as u64 little-endian. */
export function u64le(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** The ASCII of `tag` and one zero byte. */
export function tagBytes(tag: string): Uint8Array<ArrayBuffer> {
  return concatBytes(utf8(tag), Uint8Array.of(0));
}

/** `TAG(tag)`, then for every field u32le(its size in bytes) and its bytes. */
export function frameFields(
  tag: string,
  ...fields: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  return concatBytes(tagBytes(tag), ...fields.flatMap((field) => [u32le(field.length), field]));
}

/** Lower-case hex SHA-256 of `frameFields`. */
export function framedDigest(tag: string, ...fields: readonly Uint8Array[]): string {
  return toHex(sha256(frameFields(tag, ...fields)));
}
