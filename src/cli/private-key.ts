// Private key files: permissions first, then the passphrase, then the key.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { GuardError } from "../errors.ts";
import { isEncryptedPrivateKey, readPrivateKey, readPublicKey } from "../sign/key-file.ts";
import type { PrivateKey, PublicKey } from "../sign/keys.ts";
import type { Io } from "./command.ts";
import { inFile } from "./fault.ts";
import { exists, readRequiredText } from "./files.ts";
import { askPassphrase } from "./passphrase.ts";

/** Bytes of a key file, at most; the largest real one has under 2 000. */
export const LIMIT_KEY_BYTES = 65_536;
const READABLE_BY_OTHERS = 0o077;
const PUBLIC_KEY_TEXT = /^\s*(?:ssh-|-----BEGIN PUBLIC KEY-----)/;

/**
 * Loads a private key, asking for its passphrase when it has one.
 *
 * @throws {GuardError} FILE_UNREADABLE; KEY_PERMISSIONS when others may read the file; KEY_INVALID;
 *   USAGE when a passphrase is needed and cannot be had.
 */
export async function loadPrivateKey(io: Io, file: string): Promise<PrivateKey> {
  const text = readRequiredText(file, LIMIT_KEY_BYTES);
  assertPrivate(file);
  const isEncrypted = inFile(file, () => isEncryptedPrivateKey(text));
  const passphrase = isEncrypted ? await askPassphrase(io, file) : undefined;
  try {
    return await readPrivateKey(text, { passphrase });
  } catch (fault) {
    return inFile(file, () => {
      throw fault;
    });
  }
}

/**
 * The public key in a file: a public one, or the public half of a private one.
 *
 * @throws {GuardError} as `loadPrivateKey`.
 */
export async function loadPublicKey(io: Io, file: string): Promise<PublicKey> {
  const text = readRequiredText(file, LIMIT_KEY_BYTES);
  if (PUBLIC_KEY_TEXT.test(text)) return inFile(file, () => readPublicKey(text));
  return (await loadPrivateKey(io, file)).publicKey;
}

/** A key file of a folder, and whose it is. */
export interface FoundKey {
  readonly file: string;
  readonly keyid: string;
}

/**
 * The private keys of a folder whose keyid can be told without a passphrase: from the `.pub` file
 * beside them, else from the key itself. Other files are left out.
 */
export async function findKeys(folder: string): Promise<readonly FoundKey[]> {
  if (!exists(folder)) return [];
  const found: FoundKey[] = [];
  for (const name of readdirSync(folder).sort()) {
    const file = join(folder, name);
    if (name.endsWith(".pub") || !statSync(file).isFile()) continue;
    const keyid = await keyidOfFile(file);
    if (keyid !== undefined) found.push({ file, keyid });
  }
  return found;
}

async function keyidOfFile(file: string): Promise<string | undefined> {
  const publicFile = `${file}.pub`;
  try {
    const text = readRequiredText(file, LIMIT_KEY_BYTES);
    // the label decides whether it is a private key at all
    if (!isEncryptedPrivateKey(text)) return (await readPrivateKey(text)).keyid;
    return readPublicKey(readRequiredText(publicFile, LIMIT_KEY_BYTES)).keyid;
  } catch (fault) {
    if (fault instanceof GuardError) return undefined;
    throw fault;
  }
}

/** WHY: Windows has no mode in this sense. */
function assertPrivate(file: string): void {
  if (process.platform === "win32") return;
  const mode = statSync(file).mode & 0o777;
  if ((mode & READABLE_BY_OTHERS) === 0) return;
  const got = mode.toString(8).padStart(4, "0");
  const message = `expected a private key that only its owner can read, got mode ${got}`;
  throw new GuardError("KEY_PERMISSIONS", `${message}; run chmod 600 on it`, { at: { file } });
}
