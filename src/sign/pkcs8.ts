// PKCS#8 Ed25519 private keys (RFC 5958, RFC 8410), plain and encrypted.
import { bytesEqual, concatBytes, fromHex } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import {
  DER_CONTEXT_1,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  DerReader,
  derElement,
  derSmallInteger,
} from "./der.ts";
import { SEED_SIZE_BYTES } from "./ed25519.ts";
import { PrivateKey } from "./keys.ts";
import { decryptPbes2, encryptPbes2, wrongPassphrase } from "./pbes2.ts";

const OID_ED25519 = fromHex("2b6570") ?? new Uint8Array(0);

/**
 * The key of a plain PKCS#8 PrivateKeyInfo; a public key beside it is accepted when it matches.
 *
 * @throws {GuardError} KEY_INVALID when `der` is not strict DER of an Ed25519 key.
 */
export function decodePkcs8(der: Uint8Array): PrivateKey {
  const outer = new DerReader(der);
  const info = outer.readSequence();
  outer.end();
  const version = info.readSmallInteger();
  if (version > 1) throw refused(`expected PKCS#8 version 0 or 1, got ${version}`);
  const algorithm = info.readSequence();
  if (!bytesEqual(algorithm.read(DER_OID), OID_ED25519)) {
    throw refused(
      "expected an Ed25519 private key, got another key type; make one with `portcullis key new`",
    );
  }
  algorithm.end();
  const inner = new DerReader(info.read(DER_OCTET_STRING));
  const seed = inner.read(DER_OCTET_STRING);
  inner.end();
  if (seed.length !== SEED_SIZE_BYTES) throw refused("expected a seed of 32 bytes in the key file");
  const key = new PrivateKey(seed);
  if (version === 1 && info.peekTag() === DER_CONTEXT_1) {
    // a BIT STRING starts with its count of unused bits
    const expected = concatBytes(Uint8Array.of(0), key.publicKey.bytes);
    if (!bytesEqual(info.read(DER_CONTEXT_1), expected)) {
      throw refused("expected the public key of the private key beside it, got another one");
    }
  }
  info.end();
  return key;
}

/** Plain PKCS#8 version 0 DER of a key: 48 bytes. */
export function encodePkcs8(key: PrivateKey): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    derElement(
      DER_SEQUENCE,
      derSmallInteger(0),
      derElement(DER_SEQUENCE, derElement(DER_OID, OID_ED25519)),
      derElement(DER_OCTET_STRING, derElement(DER_OCTET_STRING, key.revealSeed())),
    ),
  );
}

/**
 * The key of an EncryptedPrivateKeyInfo.
 *
 * @param passphrase its UTF-8 bytes are the password; never in a message.
 * @throws {GuardError} KEY_INVALID when the suite is another, or the passphrase is wrong.
 */
export async function decryptPkcs8(der: Uint8Array, passphrase: string): Promise<PrivateKey> {
  const outer = new DerReader(der);
  const info = outer.readSequence();
  outer.end();
  const algorithm = info.readSequence();
  const ciphertext = info.read(DER_OCTET_STRING);
  info.end();
  const plain = await decryptPbes2(algorithm, ciphertext, passphrase);
  try {
    return decodePkcs8(plain);
  } catch {
    // WHY: a wrong passphrase passes the padding check once in 256 times
    throw wrongPassphrase();
  }
}

/**
 * An EncryptedPrivateKeyInfo of the key, with a fresh salt and IV.
 *
 * @throws {GuardError} ARGUMENT_INVALID when the passphrase is empty.
 */
export async function encryptPkcs8(key: PrivateKey, passphrase: string): Promise<Uint8Array> {
  const { algorithm, ciphertext } = await encryptPbes2(encodePkcs8(key), passphrase);
  return derElement(DER_SEQUENCE, algorithm, derElement(DER_OCTET_STRING, ciphertext));
}

function refused(message: string): GuardError {
  return new GuardError("KEY_INVALID", message);
}
