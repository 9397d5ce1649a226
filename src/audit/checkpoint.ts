// Checkpoints: C2SP tlog-checkpoint in a C2SP signed-note with one Ed25519 signature.
//
//   portcullis/<host>/<origin>
//   <size>
//   <base64 of the root hash>
//
//   — <key name> <base64 of 4 bytes of key hash and 64 of signature>
import { bytesEqual, concatBytes, fromBase64, toBase64, toHex, utf8 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import type { PrivateKey, PublicKey } from "../sign/keys.ts";

/** What a checkpoint says. */
export interface Checkpoint {
  /** `portcullis/<host>/<origin>`. */
  readonly name: string;
  /** Records. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** A checkpoint that was read; whether it is believed, `isSignedBy` says. */
export interface SignedCheckpoint extends Checkpoint {
  /** What is signed: everything up to the empty line. */
  readonly body: string;
  readonly keyName: string;
  readonly keyHash: Uint8Array;
  readonly signature: Uint8Array;
}

/** Lines of one note: three of the body, the empty one, the signature. */
export const NOTE_LINES = 5;
const ALGORITHM_ED25519 = 1;
const KEY_HASH_BYTES = 4;
const SIGNATURE_BYTES = 64;
const SIZE = /^(?:0|[1-9]\d{0,15})$/;

/** The first 4 bytes of SHA-256(name || 0x0a || 0x01 || public key). */
function keyHashOf(name: string, key: PublicKey): Uint8Array {
  return sha256(concatBytes(utf8(`${name}\n`), algorithmKey(key))).slice(0, KEY_HASH_BYTES);
}

function algorithmKey(key: PublicKey): Uint8Array {
  return concatBytes(Uint8Array.of(ALGORITHM_ED25519), key.bytes);
}

/** The verifier key of signed notes: `<name>+<key hash>+<base64>`. */
export function verifierKey(name: string, key: PublicKey): string {
  return `${name}+${toHex(keyHashOf(name, key))}+${toBase64(algorithmKey(key))}`;
}

/** The signed note of a checkpoint; deterministic. The key name is the origin line. */
export function signCheckpoint(checkpoint: Checkpoint, key: PrivateKey): string {
  const { name, size, root } = checkpoint;
  const body = `${name}\n${size}\n${toBase64(root)}\n`;
  const signature = concatBytes(keyHashOf(name, key.publicKey), key.sign(utf8(body)));
  return `${body}\n\u2014 ${name} ${toBase64(signature)}\n`;
}

/**
 * Reads one note, byte for byte as `signCheckpoint` writes it: no extension lines, one signature.
 *
 * @returns `undefined` for anything else
 */
export function readCheckpoint(text: string): SignedCheckpoint | undefined {
  const lines = text.split("\n");
  const [name = "", sizeText = "", rootText = "", empty, signed = "", end] = lines;
  if (lines.length !== NOTE_LINES + 1 || empty !== "" || end !== "") return undefined;
  const [dash, keyName = "", signatureText = "", ...rest] = signed.split(" ");
  if (dash !== "\u2014" || rest.length > 0 || name === "" || !SIZE.test(sizeText)) return undefined;
  const root = strictBase64(rootText, 32);
  const signature = strictBase64(signatureText, KEY_HASH_BYTES + SIGNATURE_BYTES);
  if (root === undefined || signature === undefined) return undefined;
  return {
    name,
    size: Number(sizeText),
    root,
    body: `${name}\n${sizeText}\n${rootText}\n`,
    keyName,
    keyHash: signature.subarray(0, KEY_HASH_BYTES),
    signature: signature.subarray(KEY_HASH_BYTES),
  };
}

/** True when one of `keys` signed the note under the name of its origin. */
export function isSignedBy(note: SignedCheckpoint, keys: readonly PublicKey[]): boolean {
  if (note.keyName !== note.name) return false;
  const body = utf8(note.body);
  return keys.some(
    (key) =>
      bytesEqual(keyHashOf(note.name, key), note.keyHash) && key.verify(body, note.signature),
  );
}

/** Strict standard base64 of exactly `size` bytes. */
function strictBase64(text: string, size: number): Uint8Array | undefined {
  try {
    const bytes = fromBase64(text);
    return bytes.length === size && toBase64(bytes) === text ? bytes : undefined;
  } catch (fault) {
    if (fault instanceof GuardError) return undefined;
    throw fault;
  }
}
