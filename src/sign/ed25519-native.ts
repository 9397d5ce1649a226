// The host's own Ed25519, where it is at hand without waiting: in Node, Deno and Bun. A browser and a
// worker compute the equation themselves.
import { HOST } from "#host";
import { bytesEqual, concatBytes, fromHex } from "../bytes.ts";
import type { Ed25519Signer, Ed25519Verifier } from "../host/types.ts";

/** DER of SubjectPublicKeyInfo up to the 32 key bytes (RFC 8410 section 4). */
export const SPKI_PREFIX: Uint8Array = fromHex("302a300506032b6570032100") ?? new Uint8Array(0);

/** DER of PKCS#8 version 0 up to the 32 bytes of the seed (RFC 8410 section 7). */
const PKCS8_PREFIX = fromHex("302e020100300506032b657004220420") ?? new Uint8Array(0);

/** What the host has made of each key, for as long as the array that holds it lives. */
const verifiers = new WeakMap<Uint8Array, Ed25519Verifier>();
const signers = new WeakMap<Uint8Array, Ed25519Signer>();

/**
 * Whether [S]B = R + [k]A as the host computes it; `undefined` where the host offers no verifier.
 *
 * The hosts' verifiers compute R from the rest and compare its 32 bytes, as
 * `isEquationSatisfied` does; they differ in what they refuse before, which is why
 * `verifyEd25519` refuses all of that itself.
 *
 * @param publicKey 32 bytes that never change: what the host has made of them is kept
 */
export function verifyNatively(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean | undefined {
  if (HOST === undefined) return undefined;
  try {
    let verifier = verifiers.get(publicKey);
    if (verifier === undefined) {
      verifier = HOST.ed25519Verifier(concatBytes(SPKI_PREFIX, publicKey));
      verifiers.set(publicKey, verifier);
    }
    return verifier(message, signature) === true;
  } catch {
    // a host without this curve
    return undefined;
  }
}

/**
 * The signature as the host computes it: the same 64 bytes, since Ed25519 is deterministic;
 * `undefined` where the host offers no signer.
 *
 * WHY: an audit log signs every refusal; 40 us each instead of 250.
 *
 * @param seed 32 bytes that never change
 */
export function signNatively(seed: Uint8Array, message: Uint8Array): Uint8Array | undefined {
  if (HOST === undefined) return undefined;
  try {
    let signer = signers.get(seed);
    if (signer === undefined) {
      signer = HOST.ed25519Signer(concatBytes(PKCS8_PREFIX, seed));
      signers.set(seed, signer);
    }
    const signature = signer(message);
    return signature.length === 64 ? new Uint8Array(signature) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The public key of a seed as the host computes it: the same 32 bytes; `undefined` where the host
 * offers no signer.
 *
 * WHY: a guard loads the audit key when it starts; 1 ms in a fresh process instead of 30.
 *
 * @param seed 32 bytes
 */
export function publicKeyNatively(seed: Uint8Array): Uint8Array | undefined {
  if (HOST === undefined) return undefined;
  try {
    const spki = HOST.ed25519PublicKey(concatBytes(PKCS8_PREFIX, seed));
    const isSpki = bytesEqual(spki.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX);
    const key = spki.slice(SPKI_PREFIX.length);
    return isSpki && key.length === 32 ? key : undefined;
  } catch {
    return undefined;
  }
}
