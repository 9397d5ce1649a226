// OpenSSH key files (PROTOCOL.key): unencrypted Ed25519 private keys, and `.pub` lines.
import { bytesEqual, concatBytes, fromBase64, utf8 } from "../bytes.ts";
import { GuardError, quote } from "../errors.ts";
import { SEED_SIZE_BYTES } from "./ed25519.ts";
import { enterPublicKey, PrivateKey, type PublicKey } from "./keys.ts";
import { SSH_ED25519, SshReader } from "./ssh-wire.ts";

const MAGIC = utf8("openssh-key-v1\0");
const PADDING_BLOCK_SIZE_BYTES = 8;

function refused(message: string): GuardError {
  return new GuardError("KEY_INVALID", message);
}

/**
 * The Ed25519 key of an OpenSSH private key file's decoded body.
 *
 * Checked: magic, no cipher and no KDF, one key, equal check numbers, three equal copies of the
 * public key which is the seed's, and padding 1, 2, 3 ... to a multiple of 8.
 *
 * @throws {GuardError} KEY_INVALID when the file is encrypted, of another type, or damaged.
 */
export function decodeOpenSshPrivateKey(body: Uint8Array): PrivateKey {
  const reader = new SshReader(body, "KEY_INVALID");
  if (!bytesEqual(reader.readBytes(MAGIC.length), MAGIC)) {
    throw refused("expected an openssh-key-v1 file, got another format");
  }
  const cipher = reader.readText();
  const kdf = reader.readText();
  if (cipher !== "none" || kdf !== "none") {
    throw refused(
      `expected an unencrypted OpenSSH key, got cipher ${quote(cipher)}; make an encrypted ` +
        "PKCS#8 key with `portcullis key new --encrypt` instead",
    );
  }
  if (reader.readString().length !== 0)
    throw refused("expected empty KDF options in an OpenSSH key");
  const count = reader.readUint32();
  if (count !== 1) throw refused(`expected one key in the OpenSSH file, got ${count}`);
  const publicBlob = reader.readString();
  const secret = reader.readString();
  reader.end();
  const { key, publicBytes } = readSecretSection(secret);
  if (!bytesEqual(publicKeyOfBlob(publicBlob), publicBytes)) {
    throw refused("expected one public key in the OpenSSH file, got two different ones");
  }
  return key;
}

/**
 * The key of a line `ssh-ed25519 AAAA... comment` (a `.pub` file).
 *
 * @throws {GuardError} KEY_INVALID when the line is anything else.
 */
export function readOpenSshPublicKey(line: string): PublicKey {
  const [type = "", blob = ""] = line.trim().split(/[ \t]+/, 2);
  if (type !== SSH_ED25519 || /[\r\n]/.test(line.trim())) {
    throw refused(`expected one line \`${SSH_ED25519} <base64>\`, got ${quote(type)}`);
  }
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(blob);
  } catch {
    throw refused("expected base64 in the OpenSSH public key line");
  }
  return enterPublicKey(publicKeyOfBlob(bytes));
}

/** The 32 key bytes of a public key blob. */
function publicKeyOfBlob(blob: Uint8Array): Uint8Array {
  const reader = new SshReader(blob, "KEY_INVALID");
  const type = reader.readText();
  if (type !== SSH_ED25519) throw wrongType(type);
  const bytes = reader.readString();
  reader.end();
  return bytes;
}

/** Reads the section that a cipher would cover: check numbers, key, comment, padding. */
function readSecretSection(section: Uint8Array): { key: PrivateKey; publicBytes: Uint8Array } {
  if (section.length % PADDING_BLOCK_SIZE_BYTES !== 0) {
    throw refused(`expected OpenSSH key data in blocks of 8 bytes, got ${section.length} bytes`);
  }
  const reader = new SshReader(section, "KEY_INVALID");
  const checkFirst = reader.readUint32();
  const checkSecond = reader.readUint32();
  if (checkFirst !== checkSecond) {
    throw refused("expected two equal check numbers in the OpenSSH key, got a damaged file");
  }
  const type = reader.readText();
  if (type !== SSH_ED25519) throw wrongType(type);
  const publicBytes = reader.readString();
  const seedAndPublic = reader.readString();
  reader.readText(); // the comment
  const padding = reader.readRest();
  const isPadded =
    padding.length < PADDING_BLOCK_SIZE_BYTES && padding.every((byte, index) => byte === index + 1);
  if (!isPadded) throw refused("expected padding 1, 2, 3 in the OpenSSH key, got a damaged file");

  if (seedAndPublic.length !== SEED_SIZE_BYTES + publicBytes.length) {
    throw refused("expected 64 secret bytes in the OpenSSH key, got a damaged file");
  }
  const key = new PrivateKey(seedAndPublic.subarray(0, SEED_SIZE_BYTES));
  const expected = concatBytes(key.publicKey.bytes, key.publicKey.bytes);
  const actual = concatBytes(publicBytes, seedAndPublic.subarray(SEED_SIZE_BYTES));
  if (!bytesEqual(actual, expected)) {
    throw refused("expected the public key of the private key beside it, got another one");
  }
  return { key, publicBytes };
}

function wrongType(type: string): GuardError {
  return refused(
    `expected an ${SSH_ED25519} key, got ${quote(type)}; make one with \`ssh-keygen -t ed25519\``,
  );
}
