// Key files as text: one reader for every accepted form, one writer for the form we make.
import { GuardError, quote } from "../errors.ts";
import { decodeSpki, encodeSpki, enterPublicKey, type PrivateKey, type PublicKey } from "./keys.ts";
import { decodeOpenSshPrivateKey, readOpenSshPublicKey } from "./openssh-key.ts";
import { type PemBlock, readPem, writePem } from "./pem.ts";
import { decodePkcs8, decryptPkcs8, encodePkcs8, encryptPkcs8 } from "./pkcs8.ts";

const LABEL_PRIVATE = "PRIVATE KEY";
const LABEL_ENCRYPTED = "ENCRYPTED PRIVATE KEY";
const LABEL_OPENSSH = "OPENSSH PRIVATE KEY";
const LABEL_PUBLIC = "PUBLIC KEY";

export interface PassphraseOptions {
  /** Its UTF-8 bytes are the password. It never appears in a message. */
  readonly passphrase?: string | undefined;
}

/**
 * True when the key file needs a passphrase, so that a caller knows whether to ask for one.
 *
 * @throws {GuardError} KEY_INVALID when the text is not one PEM block.
 */
export function isEncryptedPrivateKey(text: string): boolean {
  return readKeyPem(text).label === LABEL_ENCRYPTED;
}

/**
 * Reads an Ed25519 private key: PKCS#8 PEM, plain or encrypted, or an unencrypted OpenSSH file.
 *
 * @throws {GuardError} KEY_INVALID when the file is of another kind or damaged, or the passphrase
 *   is missing or wrong.
 */
export async function readPrivateKey(
  text: string,
  options: PassphraseOptions = {},
): Promise<PrivateKey> {
  const { label, bytes } = readKeyPem(text);
  if (label === LABEL_PRIVATE) return decodePkcs8(bytes);
  if (label === LABEL_OPENSSH) return decodeOpenSshPrivateKey(bytes);
  if (label !== LABEL_ENCRYPTED) {
    throw new GuardError(
      "KEY_INVALID",
      `expected a PKCS#8 or OpenSSH private key, got ${quote(label)}; make one with ` +
        "`portcullis key new`",
    );
  }
  const { passphrase } = options;
  if (passphrase === undefined || passphrase === "") {
    throw new GuardError(
      "KEY_INVALID",
      "expected a passphrase for an encrypted key, got none; set PORTCULLIS_KEY_PASSPHRASE",
    );
  }
  return await decryptPkcs8(bytes, passphrase);
}

/**
 * PKCS#8 PEM of a private key; encrypted when a passphrase is given. Write it with mode 0600.
 *
 * @throws {GuardError} ARGUMENT_INVALID when the passphrase is empty.
 */
export async function writePrivateKey(
  key: PrivateKey,
  options: PassphraseOptions = {},
): Promise<string> {
  const { passphrase } = options;
  if (passphrase === undefined) return writePem(LABEL_PRIVATE, encodePkcs8(key));
  return writePem(LABEL_ENCRYPTED, await encryptPkcs8(key, passphrase));
}

/**
 * Reads a public key: SubjectPublicKeyInfo PEM, or an OpenSSH line `ssh-ed25519 <base64>`.
 *
 * @throws {GuardError} KEY_INVALID when the text is anything else or the key itself is refused.
 */
export function readPublicKey(text: string): PublicKey {
  if (/^\s*ssh-/.test(text)) return readOpenSshPublicKey(text);
  const { label, bytes } = readKeyPem(text);
  if (label !== LABEL_PUBLIC) {
    throw new GuardError("KEY_INVALID", `expected a public key file, got ${quote(label)}`);
  }
  return enterPublicKey(decodeSpki(bytes));
}

/** SubjectPublicKeyInfo PEM of a public key. */
export function writePublicKey(key: PublicKey): string {
  return writePem(LABEL_PUBLIC, encodeSpki(key.bytes));
}

function readKeyPem(text: string): PemBlock {
  return readPem(text, "a key file", "KEY_INVALID");
}
