// The two hashes of an RFC 6962 tree (section 2.1), by the kernel's SHA-256.
import { DIGEST_SIZE } from "../abi/layout.ts";
import { readerKernel } from "./shared.ts";

const CHUNK_BYTES = 1 << 15;
const PREFIX_LEAF = 0;
const PREFIX_NODE = 1;

/** SHA-256(0x00 || entry): 32 bytes. */
export function leafHash(entry: Uint8Array): Uint8Array<ArrayBuffer> {
  const kernel = readerKernel(0);
  const { exports, bytes, inputAt } = kernel;
  const isWhole = entry.length < CHUNK_BYTES;
  const first = isWhole ? entry : entry.subarray(0, CHUNK_BYTES);
  exports.digestBegin();
  bytes[inputAt] = PREFIX_LEAF;
  bytes.set(first, inputAt + 1);
  exports.digestInput(first.length + 1);
  for (let start = CHUNK_BYTES; start < entry.length; start += CHUNK_BYTES) {
    const chunk = entry.subarray(start, start + CHUNK_BYTES);
    bytes.set(chunk, inputAt);
    exports.digestInput(chunk.length);
  }
  exports.digestEnd();
  return kernel.readDigest();
}

/** SHA-256(0x01 || left || right): 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const kernel = readerKernel(0);
  const { exports, bytes, inputAt } = kernel;
  exports.digestBegin();
  bytes[inputAt] = PREFIX_NODE;
  bytes.set(left, inputAt + 1);
  bytes.set(right, inputAt + 1 + DIGEST_SIZE);
  exports.digestInput(1 + 2 * DIGEST_SIZE);
  exports.digestEnd();
  return kernel.readDigest();
}
