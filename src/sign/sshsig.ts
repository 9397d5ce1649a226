// OpenSSH signatures of a catalog (PROTOCOL.sshsig, version 1): `ssh-keygen -Y sign`.
import { bytesEqual, concatBytes, utf8 } from "../bytes.ts";
import { GuardError, quote } from "../errors.ts";
import { type Asking, answerNow } from "./asking.ts";
import { PUBLIC_KEY_SIZE_BYTES, SIGNATURE_SIZE_BYTES } from "./ed25519.ts";
import type { PrivateKey, PublicKey } from "./keys.ts";
import { readPem, writePem } from "./pem.ts";
import { sha512 } from "./sha512.ts";
import { SSH_ED25519, SshReader, sshPublicKeyBlob, sshString, sshUint32 } from "./ssh-wire.ts";

/** The one namespace accepted: a signature for git, mail or a file is not one for a catalog. */
export const SSHSIG_NAMESPACE = "portcullis-catalog";

const MAGIC = utf8("SSHSIG");
const VERSION = 1;
const HASH = "sha512";
const LABEL = "SSH SIGNATURE";
/** ssh-keygen wraps its armour at 70 characters. */
const LINE_CHARACTERS = 70;

/** A parsed signature: its key is a claim until it is matched with a known one. */
export interface SshSignature {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/**
 * Reads one armoured signature.
 *
 * @throws {GuardError} CATALOG_ENVELOPE when the container is malformed; CATALOG_TYPE when the
 *   namespace is not `portcullis-catalog`, the hash not `sha512` or the key type not `ssh-ed25519`.
 */
export function parseSshsig(text: string): SshSignature {
  const { label, bytes } = readPem(text, "an OpenSSH signature file", "CATALOG_ENVELOPE");
  if (label !== LABEL) throw malformed(`a ${quote(label)} block`);
  const reader = new SshReader(bytes, "CATALOG_ENVELOPE");
  if (!bytesEqual(reader.readBytes(MAGIC.length), MAGIC)) throw malformed("another magic number");
  const version = reader.readUint32();
  if (version !== VERSION) throw malformed(`version ${version}`);
  const key = new SshReader(reader.readString(), "CATALOG_ENVELOPE");
  const namespace = reader.readText();
  const reservedSize = reader.readString().length;
  const hash = reader.readText();
  const inner = new SshReader(reader.readString(), "CATALOG_ENVELOPE");
  reader.end();
  if (reservedSize !== 0) throw malformed(`${reservedSize} reserved bytes`);

  if (namespace !== SSHSIG_NAMESPACE) throw wrongType("namespace", SSHSIG_NAMESPACE, namespace);
  if (hash !== HASH) throw wrongType("hash", HASH, hash);
  const publicKey = readTyped(key, "key type", PUBLIC_KEY_SIZE_BYTES);
  const signature = readTyped(inner, "signature type", SIGNATURE_SIZE_BYTES);
  return { publicKey, signature };
}

/**
 * The keyids of those `keys` that signed `message`, each counted once. A signature counts only
 * for the key it names, and only when that key is one of `keys`.
 */
export function verifiedSshsigKeys(
  message: Uint8Array,
  signatures: readonly SshSignature[],
  keys: readonly PublicKey[],
): Set<string> {
  return answerNow(askVerifiedSshsigKeys(message, signatures, keys));
}

/** `verifiedSshsigKeys`, one question a try. */
export function* askVerifiedSshsigKeys(
  message: Uint8Array,
  signatures: readonly SshSignature[],
  keys: readonly PublicKey[],
): Asking<Set<string>> {
  const signed = signedData(message);
  const verified = new Set<string>();
  for (const key of keys) {
    const bytes = key.bytes;
    for (const { publicKey, signature } of signatures) {
      if (!bytesEqual(publicKey, bytes)) continue;
      if (!(yield { key, message: signed, signature })) continue;
      verified.add(key.keyid);
      break;
    }
  }
  return verified;
}

/** An armoured signature of `message`, as `ssh-keygen -Y sign -n portcullis-catalog` makes it. */
export function signSshsig(message: Uint8Array, key: PrivateKey): string {
  const signature = concatBytes(sshString(SSH_ED25519), sshString(key.sign(signedData(message))));
  const blob = concatBytes(
    MAGIC,
    sshUint32(VERSION),
    sshString(sshPublicKeyBlob(key.publicKey.bytes)),
    sshString(SSHSIG_NAMESPACE),
    sshString(""),
    sshString(HASH),
    sshString(signature),
  );
  return writePem(LABEL, blob, LINE_CHARACTERS);
}

/** What the key signs: magic, namespace, reserved, hash name, SHA-512 of the message. */
function signedData(message: Uint8Array): Uint8Array {
  return concatBytes(
    MAGIC,
    sshString(SSHSIG_NAMESPACE),
    sshString(""),
    sshString(HASH),
    sshString(sha512(message)),
  );
}

/** Reads `string "ssh-ed25519", string value` to its end. */
function readTyped(reader: SshReader, what: string, sizeBytes: number): Uint8Array {
  const type = reader.readText();
  if (type !== SSH_ED25519) throw wrongType(what, SSH_ED25519, type);
  const value = reader.readString();
  reader.end();
  if (value.length !== sizeBytes) throw malformed(`${value.length} bytes as ${what} value`);
  return value.slice();
}

function malformed(got: string): GuardError {
  return new GuardError("CATALOG_ENVELOPE", `expected an OpenSSH signature version 1, got ${got}`);
}

function wrongType(what: string, expected: string, got: string): GuardError {
  return new GuardError(
    "CATALOG_TYPE",
    `expected ${what} \`${expected}\`, got ${quote(got)}; sign with \`ssh-keygen -Y sign -n ` +
      `${SSHSIG_NAMESPACE}\` and an Ed25519 key`,
  );
}
