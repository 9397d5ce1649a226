// HMAC-SHA-256 (RFC 2104, FIPS 198-1) over the kernel's SHA-256.
import { DIGEST_SIZE } from "../abi/layout.ts";
import { sha256 } from "./digest.ts";
import { readerKernel } from "./shared.ts";

const BLOCK_SIZE_BYTES = 64;
const CHUNK_BYTES = 1 << 15;

/** A key, ready for many messages. */
export class HmacKey {
  readonly #inner: Uint8Array<ArrayBuffer>;
  readonly #outer: Uint8Array<ArrayBuffer>;

  /** @param key of any size; longer than 64 bytes it is hashed first */
  constructor(key: Uint8Array) {
    const block = new Uint8Array(BLOCK_SIZE_BYTES);
    block.set(key.length > BLOCK_SIZE_BYTES ? sha256(key) : key);
    this.#inner = block.map((byte) => byte ^ 0x36);
    this.#outer = block.map((byte) => byte ^ 0x5c);
  }

  /** HMAC-SHA-256 of `message`: 32 bytes. */
  digest(message: Uint8Array): Uint8Array<ArrayBuffer> {
    const kernel = readerKernel(0);
    const { exports, bytes, inputAt, digestAt } = kernel;
    const first = message.length <= CHUNK_BYTES ? message : message.subarray(0, CHUNK_BYTES);
    exports.digestBegin();
    bytes.set(this.#inner, inputAt);
    bytes.set(first, inputAt + BLOCK_SIZE_BYTES);
    exports.digestInput(BLOCK_SIZE_BYTES + first.length);
    for (let start = CHUNK_BYTES; start < message.length; start += CHUNK_BYTES) {
      const chunk = message.subarray(start, start + CHUNK_BYTES);
      bytes.set(chunk, inputAt);
      exports.digestInput(chunk.length);
    }
    exports.digestEnd();
    bytes.copyWithin(inputAt + BLOCK_SIZE_BYTES, digestAt, digestAt + DIGEST_SIZE);
    bytes.set(this.#outer, inputAt);
    exports.digestBegin();
    exports.digestInput(BLOCK_SIZE_BYTES + DIGEST_SIZE);
    exports.digestEnd();
    return kernel.readDigest();
  }
}

/**
 * HMAC-SHA-256 of `message` under `key`.
 *
 * @param key of any size; longer than 64 bytes it is hashed first
 * @returns 32 bytes
 */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  return new HmacKey(key).digest(message);
}
