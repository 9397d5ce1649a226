// HMAC-SHA-256 (RFC 2104, FIPS 198-1) over the kernel's SHA-256.
import { concatBytes } from "../bytes.ts";
import { sha256 } from "./digest.ts";

const BLOCK_SIZE_BYTES = 64;

/**
 * HMAC-SHA-256 of `message` under `key`.
 *
 * @param key of any size; longer than 64 bytes it is hashed first
 * @returns 32 bytes
 */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_SIZE_BYTES);
  block.set(key.length > BLOCK_SIZE_BYTES ? sha256(key) : key);
  const inner = sha256(concatBytes(xored(block, 0x36), message));
  return sha256(concatBytes(xored(block, 0x5c), inner));
}

function xored(block: Uint8Array, pad: number): Uint8Array {
  return block.map((byte) => byte ^ pad);
}
