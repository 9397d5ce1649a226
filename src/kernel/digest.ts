// SHA-256 (FIPS 180-4) and the RFC 6962 tree hash, by the kernel.
import { readerKernel } from "./shared.ts";

// WHY: between two calls V8 can replace the kernel's first, slow code by the optimised one; in one
// call of a megabyte it cannot
const CHUNK_BYTES = 1 << 15;

/** SHA-256 of `bytes`: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const kernel = readerKernel(0);
  kernel.exports.digestBegin();
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    const isWhole = bytes.length <= CHUNK_BYTES;
    const chunk = isWhole ? bytes : bytes.subarray(start, start + CHUNK_BYTES);
    kernel.writeInput(chunk);
    kernel.exports.digestInput(chunk.length);
  }
  kernel.exports.digestEnd();
  return kernel.readDigest();
}

/** Merkle tree hash of `entries` (RFC 6962 section 2.1): 32 bytes; of none, SHA-256 of nothing. */
export function merkleRoot(entries: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const kernel = readerKernel(0);
  kernel.exports.treeBegin();
  for (const entry of entries) {
    kernel.writeInput(entry);
    kernel.exports.treeAppend(entry.length);
  }
  kernel.exports.treeEnd();
  return kernel.readDigest();
}
