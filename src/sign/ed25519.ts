// Strict Ed25519 (RFC 8032, FIPS 186-5): one answer for one signature in every runtime.
import { ed25519 } from "@noble/curves/ed25519.js";

import { GuardError } from "../errors.ts";

/** Bytes of a public key: the compressed point. */
export const PUBLIC_KEY_SIZE_BYTES = 32;
/** Bytes of a private key: the RFC 8032 seed. */
export const SEED_SIZE_BYTES = 32;
/** Bytes of a signature: R then S. */
export const SIGNATURE_SIZE_BYTES = 64;

/** The order L of the prime-order subgroup, 2^252 + 27742317777372353535851937790883648493. */
const GROUP_ORDER = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;

const STRICT = { zip215: false } as const;

/** True when `bytes` is the canonical encoding of a point of order L: no small or mixed order. */
function isPrimeOrderPoint(bytes: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(bytes, false);
    // the neutral element is torsion-free too, so small order is a question of its own
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}

/** True when the 32 little-endian bytes are a reduced scalar, 0 <= S < L. */
function isReducedScalar(bytes: Uint8Array): boolean {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return value < GROUP_ORDER;
}

/**
 * Refuses a public key under which a signature does not mean what it should: wrong size,
 * non-canonical encoding, not on the curve, small order, or with a small-order component.
 *
 * Call it once where a key enters (trust root, key file); `verifyEd25519` counts on it.
 *
 * @param publicKey 32 bytes, RFC 8032 encoding.
 * @throws {GuardError} KEY_INVALID when the key is refused.
 */
export function assertPublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== PUBLIC_KEY_SIZE_BYTES) {
    throw new GuardError(
      "KEY_INVALID",
      `expected an Ed25519 public key of ${PUBLIC_KEY_SIZE_BYTES} bytes, got ` +
        `${publicKey.length} bytes`,
    );
  }
  if (!isPrimeOrderPoint(publicKey)) {
    throw new GuardError(
      "KEY_INVALID",
      "expected a canonical Ed25519 public key of prime order, got one under which forged " +
        "signatures can verify; replace it with a new key",
    );
  }
}

/**
 * Verifies one Ed25519 signature; anything malformed is false, never an exception.
 *
 * Refused before the equation is looked at: S >= L, and an R that is not canonical or not of
 * prime order. With a key that passed `assertPublicKey` the cofactored and the cofactorless
 * equation then agree, so every conforming verifier gives this same answer.
 *
 * @param publicKey 32 bytes that passed `assertPublicKey`.
 * @param message the bytes that were signed.
 * @param signature 64 bytes, R || S.
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== PUBLIC_KEY_SIZE_BYTES) return false;
  if (signature.length !== SIGNATURE_SIZE_BYTES) return false;
  if (!isReducedScalar(signature.subarray(32))) return false;
  if (!isPrimeOrderPoint(signature.subarray(0, 32))) return false;
  keepTableSmall();
  return ed25519.verify(signature, message, publicKey, STRICT) === true;
}

let isTableSmall = false;

/**
 * WHY: noble makes a table of multiples of the base point at first use. A process verifies a
 * handful of signatures: with windows of 4 bits instead of 6 the first one takes 9 ms, not 15,
 * and the next ones are as fast.
 */
function keepTableSmall(): void {
  if (isTableSmall) return;
  isTableSmall = true;
  ed25519.Point.BASE.precompute(4);
}

/**
 * Signs `message`; deterministic (RFC 8032 section 5.1.6).
 *
 * @param seed 32 bytes.
 * @returns 64 bytes, R || S.
 */
export function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}

/** The public key of a seed: 32 bytes from 32 bytes. */
export function publicKeyOfSeed(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}
