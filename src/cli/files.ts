// Files of the command line: bounded reads, atomic writes, faults with a path.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

import { utf8Text } from "../bytes.ts";
import { randomUuid } from "../clock.ts";
import { GuardError } from "../errors.ts";

export const MODE_PRIVATE_FILE = 0o600;
export const MODE_PRIVATE_FOLDER = 0o700;
export const MODE_PUBLIC_FILE = 0o644;

/** The `code` of a system error, e.g. `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * The bytes of a file, or `undefined` when there is none.
 *
 * @throws {GuardError} FILE_UNREADABLE when it is there and cannot be read, or is larger than
 *   `sizeBytesMax`.
 */
export function readOptionalFile(path: string, sizeBytesMax: number): Uint8Array | undefined {
  try {
    const { size } = statSync(path);
    if (size > sizeBytesMax) {
      const message = `expected a file of at most ${sizeBytesMax} bytes, got ${size}`;
      throw new GuardError("FILE_UNREADABLE", message, { at: { file: path } });
    }
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    if (systemCode(cause) === "ENOENT") return undefined;
    throw ioFault("expected a readable file", path, cause);
  }
}

/**
 * The bytes of a file that must be there.
 *
 * @throws {GuardError} FILE_UNREADABLE when it cannot be read.
 */
export function readRequiredFile(path: string, sizeBytesMax: number): Uint8Array {
  const bytes = readOptionalFile(path, sizeBytesMax);
  if (bytes !== undefined) return bytes;
  throw new GuardError("FILE_UNREADABLE", "expected a file, got none; check the path", {
    at: { file: path },
  });
}

/** The text of a file that must be there and be UTF-8. @throws {GuardError} FILE_UNREADABLE */
export function readRequiredText(path: string, sizeBytesMax: number): string {
  const text = utf8Text(readRequiredFile(path, sizeBytesMax));
  if (text !== undefined) return text;
  throw new GuardError("FILE_UNREADABLE", "expected utf-8, got other bytes", {
    at: { file: path },
  });
}

/** True when something is at `path`. */
export function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Writes a whole file: beside it first, then renamed over it, on disk when this returns.
 *
 * @throws {GuardError} FILE_UNREADABLE when it cannot be written; the old file is then untouched.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode: number): void {
  const temporary = `${path}.${randomUuid()}.tmp`;
  try {
    const file = openSync(temporary, "wx", mode);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    throw ioFault("expected to write the file", path, cause);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Writes a file that must not be there yet.
 *
 * @throws {GuardError} FILE_EXISTS when it is; FILE_UNREADABLE when it cannot be written.
 */
export function writeNewFile(path: string, content: string | Uint8Array, mode: number): void {
  try {
    writeFileSync(path, content, { flag: "wx", mode, flush: true });
  } catch (cause) {
    if (systemCode(cause) === "EEXIST") throw existsFault(path);
    throw ioFault("expected to write the file", path, cause);
  }
}

/** Refuses a path where something is. @throws {GuardError} FILE_EXISTS */
export function assertAbsent(path: string): void {
  if (exists(path)) throw existsFault(path);
}

/** Makes a folder, and those above it, for this user alone. @throws {GuardError} FILE_UNREADABLE */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: MODE_PRIVATE_FOLDER });
  } catch (cause) {
    throw ioFault("expected to make the folder", path, cause);
  }
}

/** A fault of the file system, with the system's code. */
export function ioFault(expected: string, path: string, cause: unknown): GuardError {
  const message = `${expected}, got ${systemCode(cause) ?? "an error"}`;
  return new GuardError("FILE_UNREADABLE", message, { cause, at: { file: path } });
}

function existsFault(path: string): GuardError {
  const message = "expected no file, got one; choose another name, or move it away first";
  return new GuardError("FILE_EXISTS", message, { at: { file: path } });
}

/** Makes a rename durable; Windows has no such call for folders. */
function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
