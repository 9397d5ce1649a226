// Signing (RFC 8032 section 5.1.6): by the host where it can, else by the curve library.
import { type EdDSA, eddsa } from "@noble/curves/abstract/edwards.js";
import { edwardsPoints } from "./ed25519-curve.ts";
import { publicKeyNatively, signNatively } from "./ed25519-native.ts";
import { sha512 } from "./sha512.ts";

/**
 * Signs `message`; deterministic.
 *
 * @param seed 32 bytes that never change: the host's handle of them is kept.
 * @returns 64 bytes, R || S.
 */
export function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return signNatively(seed, message) ?? signer().sign(message, seed);
}

/** The public key of a seed: 32 bytes from 32 bytes. */
export function publicKeyOfSeed(seed: Uint8Array): Uint8Array {
  return publicKeyNatively(seed) ?? signer().getPublicKey(seed);
}

let made: EdDSA | undefined;

/** The signer for hosts without one of their own. */
export function signer(): EdDSA {
  made ??= eddsa(edwardsPoints(), sha512, { adjustScalarBytes: clamp });
  return made;
}

/** RFC 8032 section 5.1.5, step 2; in place. */
function clamp(bytes: Uint8Array): Uint8Array {
  bytes[0] = (bytes[0] ?? 0) & 248;
  bytes[31] = ((bytes[31] ?? 0) & 127) | 64;
  return bytes;
}
