// Ed25519 keys in memory. A keyid is always computed from the key, never read.
import { bytesEqual, concatBytes, toHex } from "../bytes.ts";
import { randomBytes } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import {
  assertPrimeOrderKey,
  assertPublicKey,
  PUBLIC_KEY_SIZE_BYTES,
  SEED_SIZE_BYTES,
  verifyEd25519,
  verifyEd25519Later,
} from "./ed25519.ts";
import { SPKI_PREFIX } from "./ed25519-native.ts";
import { publicKeyOfSeed, signEd25519 } from "./ed25519-sign.ts";

/** DER SubjectPublicKeyInfo of a 32-byte public key: 44 bytes. */
export function encodeSpki(publicKey: Uint8Array): Uint8Array {
  return concatBytes(SPKI_PREFIX, publicKey);
}

/**
 * The 32 key bytes of a DER SubjectPublicKeyInfo; exactly the one encoding of an Ed25519 key.
 *
 * @throws {GuardError} KEY_INVALID when `der` is anything else.
 */
export function decodeSpki(der: Uint8Array): Uint8Array {
  const prefixSize = SPKI_PREFIX.length;
  const isEd25519 =
    der.length === prefixSize + PUBLIC_KEY_SIZE_BYTES &&
    bytesEqual(der.subarray(0, prefixSize), SPKI_PREFIX);
  if (!isEd25519) {
    throw new GuardError(
      "KEY_INVALID",
      `expected the SubjectPublicKeyInfo of an Ed25519 key, got ${der.length} other bytes`,
    );
  }
  return der.slice(prefixSize);
}

/** Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo of a 32-byte public key. */
export function keyidOf(publicKey: Uint8Array): string {
  return toHex(sha256(encodeSpki(publicKey)));
}

/** A public key that passed `assertPublicKey`, with its recomputed keyid. */
export class PublicKey {
  readonly keyid: string;
  readonly #bytes: Uint8Array;

  /**
   * @param bytes 32 bytes, copied.
   * @throws {GuardError} KEY_INVALID when the key is refused (see `assertPublicKey`).
   */
  constructor(bytes: Uint8Array) {
    const copy = new Uint8Array(bytes);
    assertPublicKey(copy);
    this.#bytes = copy;
    this.keyid = keyidOf(copy);
  }

  /** A copy of the 32 key bytes. */
  get bytes(): Uint8Array {
    return this.#bytes.slice();
  }

  /** True when `signature` (64 bytes) is this key's over `message`. */
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    return verifyEd25519(this.#bytes, message, signature);
  }

  /** As `verify`, by a host that answers later where there is one. */
  verifyLater(message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return verifyEd25519Later(this.#bytes, message, signature);
  }
}

/**
 * A key that enters the system: as the constructor, and with `assertPrimeOrderKey`.
 *
 * @throws {GuardError} KEY_INVALID when the key is refused.
 */
export function enterPublicKey(bytes: Uint8Array): PublicKey {
  const key = new PublicKey(bytes);
  assertPrimeOrderKey(key.bytes);
  return key;
}

/** A private key. The seed is not visible to loggers, inspectors or JSON. */
export class PrivateKey {
  readonly publicKey: PublicKey;
  readonly #seed: Uint8Array;

  /**
   * @param seed 32 bytes, copied.
   * @throws {GuardError} KEY_INVALID when the size is another.
   */
  constructor(seed: Uint8Array) {
    if (seed.length !== SEED_SIZE_BYTES) {
      throw new GuardError(
        "KEY_INVALID",
        `expected an Ed25519 seed of ${SEED_SIZE_BYTES} bytes, got ${seed.length} bytes`,
      );
    }
    this.#seed = new Uint8Array(seed);
    this.publicKey = new PublicKey(publicKeyOfSeed(this.#seed));
  }

  get keyid(): string {
    return this.publicKey.keyid;
  }

  /** The 64-byte signature over `message`; deterministic. */
  sign(message: Uint8Array): Uint8Array {
    return signEd25519(this.#seed, message);
  }

  /** A copy of the 32 secret bytes, for writing a key file and for nothing else. */
  revealSeed(): Uint8Array {
    return this.#seed.slice();
  }
}

/** A new key from the platform's random generator. */
export function generatePrivateKey(): PrivateKey {
  return new PrivateKey(randomBytes(SEED_SIZE_BYTES));
}
