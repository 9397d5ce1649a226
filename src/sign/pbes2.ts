// PBES2 (RFC 8018) with one suite: PBKDF2 with HMAC-SHA-256, AES-256 in CBC mode.
import { bytesEqual, fromHex, utf8 } from "../bytes.ts";
import { randomBytes } from "../clock.ts";
import { GuardError } from "../errors.ts";
import {
  DER_NULL,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  type DerReader,
  derElement,
  derSmallInteger,
} from "./der.ts";

/** PBKDF2 rounds of the keys we write. */
export const PBKDF2_ITERATIONS = 600_000;
/** PBKDF2 rounds of a key we read, at most: a damaged file must not stall the process. */
export const PBKDF2_ITERATIONS_MAX = 10_000_000;

const SALT_SIZE_BYTES = 16;
const SALT_SIZE_BYTES_MAX = 1024;
const IV_SIZE_BYTES = 16;
const AES_KEY_SIZE_BYTES = 32;

function oid(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}
const OID_PBES2 = oid("2a864886f70d01050d");
const OID_PBKDF2 = oid("2a864886f70d01050c");
const OID_HMAC_SHA256 = oid("2a864886f70d0209");
const OID_AES_256_CBC = oid("60864801650304012a");

interface Pbes2 {
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly iterations: number;
  readonly iv: Uint8Array<ArrayBuffer>;
}

/**
 * Decrypts with the parameters of a PBES2 AlgorithmIdentifier.
 *
 * @param algorithm a reader inside the AlgorithmIdentifier.
 * @throws {GuardError} KEY_INVALID when the suite is another, or the passphrase is wrong.
 */
export async function decryptPbes2(
  algorithm: DerReader,
  ciphertext: Uint8Array,
  passphrase: string,
): Promise<Uint8Array> {
  const pbes2 = readPbes2(algorithm);
  const aes = await deriveAesKey(passphrase, pbes2, "decrypt");
  const cipher = { name: "AES-CBC", iv: pbes2.iv };
  try {
    const plain = await globalThis.crypto.subtle.decrypt(cipher, aes, new Uint8Array(ciphertext));
    return new Uint8Array(plain);
  } catch {
    throw wrongPassphrase();
  }
}

/**
 * Encrypts with a fresh salt and IV.
 *
 * @returns the DER AlgorithmIdentifier and the ciphertext.
 * @throws {GuardError} ARGUMENT_INVALID when the passphrase is empty.
 */
export async function encryptPbes2(
  plain: Uint8Array<ArrayBuffer>,
  passphrase: string,
): Promise<{ readonly algorithm: Uint8Array; readonly ciphertext: Uint8Array }> {
  if (passphrase === "") {
    throw new GuardError("ARGUMENT_INVALID", "expected a passphrase of at least one character");
  }
  const pbes2: Pbes2 = {
    salt: new Uint8Array(randomBytes(SALT_SIZE_BYTES)),
    iterations: PBKDF2_ITERATIONS,
    iv: new Uint8Array(randomBytes(IV_SIZE_BYTES)),
  };
  const aes = await deriveAesKey(passphrase, pbes2, "encrypt");
  const cipher = { name: "AES-CBC", iv: pbes2.iv };
  const ciphertext = await globalThis.crypto.subtle.encrypt(cipher, aes, plain);
  return { algorithm: encodePbes2(pbes2), ciphertext: new Uint8Array(ciphertext) };
}

/** One message and no cause: whether padding or content was wrong is nobody's business. */
export function wrongPassphrase(): GuardError {
  return refused(
    "expected the passphrase of this key file, got another one, or the file is damaged",
  );
}

/** Reads AlgorithmIdentifier { PBES2, { PBKDF2 parameters, AES-256-CBC iv } }. */
function readPbes2(algorithm: DerReader): Pbes2 {
  expectOid(algorithm, OID_PBES2);
  const parameters = algorithm.readSequence();
  algorithm.end();
  const derivation = parameters.readSequence();
  const cipher = parameters.readSequence();
  parameters.end();

  expectOid(derivation, OID_PBKDF2);
  const pbkdf2 = derivation.readSequence();
  derivation.end();
  const salt = new Uint8Array(pbkdf2.read(DER_OCTET_STRING));
  const iterations = pbkdf2.readSmallInteger();
  // keyLength is optional; the PRF is not, because its default is HMAC-SHA-1
  const hasPrf = pbkdf2.peekTag() === DER_SEQUENCE;
  const keySize = hasPrf || pbkdf2.isAtEnd ? AES_KEY_SIZE_BYTES : pbkdf2.readSmallInteger();
  if (pbkdf2.isAtEnd) throw unsupportedSuite();
  const prf = pbkdf2.readSequence();
  pbkdf2.end();
  expectOid(prf, OID_HMAC_SHA256);
  if (prf.read(DER_NULL).length !== 0) throw unsupportedSuite();
  prf.end();

  expectOid(cipher, OID_AES_256_CBC);
  const iv = new Uint8Array(cipher.read(DER_OCTET_STRING));
  cipher.end();
  if (keySize !== AES_KEY_SIZE_BYTES || iv.length !== IV_SIZE_BYTES) throw unsupportedSuite();
  if (salt.length === 0 || salt.length > SALT_SIZE_BYTES_MAX) throw unsupportedSuite();
  if (iterations < 1 || iterations > PBKDF2_ITERATIONS_MAX) {
    throw refused(
      `expected 1 to ${PBKDF2_ITERATIONS_MAX} PBKDF2 iterations in the key file, got ${iterations}`,
    );
  }
  return { salt, iterations, iv };
}

function encodePbes2(pbes2: Pbes2): Uint8Array {
  const prf = derElement(DER_SEQUENCE, derElement(DER_OID, OID_HMAC_SHA256), derElement(DER_NULL));
  const pbkdf2 = derElement(
    DER_SEQUENCE,
    derElement(DER_OCTET_STRING, pbes2.salt),
    derSmallInteger(pbes2.iterations),
    prf,
  );
  const derivation = derElement(DER_SEQUENCE, derElement(DER_OID, OID_PBKDF2), pbkdf2);
  const cipher = derElement(
    DER_SEQUENCE,
    derElement(DER_OID, OID_AES_256_CBC),
    derElement(DER_OCTET_STRING, pbes2.iv),
  );
  const parameters = derElement(DER_SEQUENCE, derivation, cipher);
  return derElement(DER_SEQUENCE, derElement(DER_OID, OID_PBES2), parameters);
}

function expectOid(reader: DerReader, expected: Uint8Array): void {
  if (!bytesEqual(reader.read(DER_OID), expected)) throw unsupportedSuite();
}

function unsupportedSuite(): GuardError {
  return refused(
    "expected a key encrypted with PBKDF2 HMAC-SHA-256 and AES-256-CBC, got another suite; " +
      "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256`",
  );
}

async function deriveAesKey(
  passphrase: string,
  pbes2: Pbes2,
  usage: "encrypt" | "decrypt",
): Promise<CryptoKey> {
  const subtle = globalThis.crypto.subtle;
  const password = await subtle.importKey("raw", utf8(passphrase), "PBKDF2", false, ["deriveKey"]);
  const { salt, iterations } = pbes2;
  return await subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations },
    password,
    { name: "AES-CBC", length: AES_KEY_SIZE_BYTES * 8 },
    false,
    [usage],
  );
}

function refused(message: string): GuardError {
  return new GuardError("KEY_INVALID", message);
}
