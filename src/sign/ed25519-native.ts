// The host's own Ed25519: at hand without waiting in Node, Deno and Bun; later in a browser and a worker.
import { ASYNC_HOST, HOST } from "#host";
import { bytesEqual, concatBytes, fromHex } from "../bytes.ts";
import type { Ed25519Signer, Ed25519Verifier } from "../host/types.ts";

/** DER of SubjectPublicKeyInfo up to the 32 key bytes (RFC 8410 section 4). */
export const SPKI_PREFIX: Uint8Array = bytesOf("302a300506032b6570032100");

/** DER of PKCS#8 version 0 with the 32 bytes of the seed (RFC 8410 section 7). */
function pkcs8Of(seed: Uint8Array): Uint8Array {
  return concatBytes(bytesOf("302e020100300506032b657004220420"), seed);
}

/** Bytes of a constant in hex. */
function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}

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
 * A signature that holds only for who multiplies the equation by the cofactor: by the base point as public
 * key, of no bytes, with the point of order 2 added to R. Hex.
 */
const COFACTOR_KEY = `58${"66".repeat(31)}`;
const COFACTOR_SIGNATURE = `95${"99".repeat(31)}cb88090fe116309da75e53b628dfe8dc7ba29364f7510b2fbd7888bc0987c501`;

/** Whether the host that answers later has refused that signature; `undefined` before it was asked. */
let isCofactorless: boolean | undefined;

/**
 * As `verifyNatively`, by a host that answers later; `undefined` where there is none, and where it
 * computes another equation.
 *
 * WHY: browsers are many, and each shows that it agrees before its first answer counts.
 */
export async function verifyNativelyLater(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean | undefined> {
  const host = ASYNC_HOST;
  if (host === undefined) return undefined;
  try {
    // WHY: the answer is kept and not its promise, which in a worker belongs to one request
    isCofactorless ??= !(await host.verifyEd25519(
      bytesOf(COFACTOR_KEY),
      new Uint8Array(0),
      bytesOf(COFACTOR_SIGNATURE),
    ));
    if (!isCofactorless) return undefined;
    return (await host.verifyEd25519(publicKey, message, signature)) === true;
  } catch {
    // a host without this curve, or a page without a secure context
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
      signer = HOST.ed25519Signer(pkcs8Of(seed));
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
    const spki = HOST.ed25519PublicKey(pkcs8Of(seed));
    const isSpki = bytesEqual(spki.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX);
    const key = spki.slice(SPKI_PREFIX.length);
    return isSpki && key.length === 32 ? key : undefined;
  } catch {
    return undefined;
  }
}
