// Strict Ed25519 (RFC 8032, FIPS 186-5): one answer for one signature in every runtime.
import { mulAddUnsafe } from "@noble/curves/abstract/curve.js";
import type { EdwardsPoint } from "@noble/curves/abstract/edwards.js";
import { bytesEqual, concatBytes, toHex } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { edwardsPoints, GROUP_ORDER, isPointEncoding } from "./ed25519-curve.ts";
import { verifyNatively, verifyNativelyLater } from "./ed25519-native.ts";
import { sha512 } from "./sha512.ts";

/** Bytes of a public key: the compressed point. */
export const PUBLIC_KEY_SIZE_BYTES = 32;
/** Bytes of a private key: the RFC 8032 seed. */
export const SEED_SIZE_BYTES = 32;
/** Bytes of a signature: R then S. */
export const SIGNATURE_SIZE_BYTES = 64;

/**
 * The canonical encodings of the eight points of small order (RFC 8032 encoding, hex). Another
 * encoding of one of them is no R: the equation is compared by its bytes.
 */
const SMALL_ORDER_POINTS: ReadonlySet<string> = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]);

/** The point of a canonical encoding that is not of small order; `undefined` for anything else. */
function readPoint(bytes: Uint8Array): EdwardsPoint | undefined {
  try {
    const point = edwardsPoints().fromBytes(bytes, false);
    return point.isSmallOrder() ? undefined : point;
  } catch {
    return undefined;
  }
}

/** The integer of little-endian bytes. */
function integerOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}

/**
 * Refuses a public key under which a signature does not mean what it should: wrong size,
 * non-canonical encoding, not on the curve, or small order.
 *
 * Call it once where a key is loaded (trust root, key file); `verifyEd25519` counts on it.
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
  const isSmall = SMALL_ORDER_POINTS.has(toHex(publicKey));
  if (isSmall || !isPointEncoding(integerOf(publicKey))) throw refusedKey();
}

/**
 * Refuses in addition a key with a small-order component, which no honest generator makes and other
 * verifiers disagree about. For key files, where a key enters the system.
 *
 * WHY: 1 to 3 ms a key, so not at every boot; `verifyEd25519` gives one answer for it everywhere.
 *
 * @throws {GuardError} KEY_INVALID when the key is refused.
 */
export function assertPrimeOrderKey(publicKey: Uint8Array): void {
  if (readPoint(publicKey)?.isTorsionFree() !== true) throw refusedKey();
}

function refusedKey(): GuardError {
  return new GuardError(
    "KEY_INVALID",
    "expected a canonical Ed25519 public key of prime order, got one under which forged " +
      "signatures can verify; replace it with a new key",
  );
}

/**
 * Verifies one Ed25519 signature; anything malformed is false, never an exception.
 *
 * RFC 8032 section 5.1.7 without the cofactor, and stricter: S >= L and a small-order R are
 * refused. R is computed from the rest and compared by its bytes, which is what hosts do, so that
 * every runtime gives the same answer, for keys and points with a small-order component too.
 *
 * @param publicKey 32 bytes that passed `assertPublicKey` and never change.
 * @param message the bytes that were signed.
 * @param signature 64 bytes, R || S.
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return (
    isWellFormedSignature(publicKey, signature) &&
    (verifyNatively(publicKey, message, signature) ??
      isEquationSatisfied(publicKey, message, signature))
  );
}

/** The same answer as `verifyEd25519`, by a host that gives it later where there is one. */
export async function verifyEd25519Later(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (!isWellFormedSignature(publicKey, signature)) return false;
  const answer = await verifyNativelyLater(publicKey, message, signature);
  return answer ?? verifyEd25519(publicKey, message, signature);
}

/** What is refused before the equation is looked at, so that it does not matter who computes it. */
function isWellFormedSignature(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === PUBLIC_KEY_SIZE_BYTES &&
    signature.length === SIGNATURE_SIZE_BYTES &&
    integerOf(signature.subarray(32)) < GROUP_ORDER &&
    !SMALL_ORDER_POINTS.has(toHex(signature.subarray(0, 32))) &&
    !SMALL_ORDER_POINTS.has(toHex(publicKey))
  );
}

/**
 * Whether R = [S]B - [k]A, compared by its encoding, with k = SHA-512(R || A || message) mod L.
 *
 * @param signature 64 bytes with S < L, which `verifyEd25519` has checked.
 */
export function isEquationSatisfied(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = readPoint(publicKey);
  if (key === undefined) return false;
  const r = signature.subarray(0, 32);
  const k = integerOf(sha512(concatBytes(r, publicKey, message))) % GROUP_ORDER;
  const s = integerOf(signature.subarray(32));
  const points = edwardsPoints();
  // WHY: one chain of doublings for both, and no table of the base point: a process verifies a handful of
  // signatures, and a table costs what it saves in ten
  return bytesEqual(mulAddUnsafe(points, [points.BASE, key.negate()], [s, k]).toBytes(), r);
}
