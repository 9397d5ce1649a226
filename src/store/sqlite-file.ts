// Where `state.db` lies: whose folder, whose file, and made whole or not at all.
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";

import { randomUuid } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { corruptFault, unavailableFault } from "./sqlite-fault.ts";

const MODE_PRIVATE = 0o600;
const WRITABLE_BY_OTHERS = 0o022;
const OPEN_TO_OTHERS = 0o077;
/** Files that SQLite keeps beside the database; alone they mean that the database was taken away. */
const COMPANIONS = ["-wal", "-journal"];

/**
 * Refuses a folder that others can write, and a file that is not this user's alone.
 *
 * @returns true when the file is there
 * @throws {GuardError} HOME_UNSAFE; STORE_UNAVAILABLE when the folder cannot be looked at.
 */
export function checkStoreFile(path: string): boolean {
  const folder = dirname(path);
  const found = statOf(folder, statSync);
  if (found?.isDirectory() !== true) {
    throw unavailableFault(path, "no folder for it; make the home first");
  }
  assertOwner(folder, found);
  if ((found.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw unsafe(folder, "a folder that only its owner can write", found, "chmod go-w");
  }
  const file = statOf(path, lstatSync);
  if (file === undefined) return false;
  if (!file.isFile()) {
    const message = "expected a plain file, got another kind; move it away";
    throw new GuardError("HOME_UNSAFE", message, { at: { file: path } });
  }
  assertOwner(path, file);
  if (process.getuid !== undefined && (file.mode & OPEN_TO_OTHERS) !== 0) {
    throw unsafe(path, "a file for its owner alone", file, "chmod 600");
  }
  return true;
}

/**
 * Makes a file under another name and gives it this one when it is complete: two processes that
 * start at once get one database, and a crash leaves none that is half made.
 *
 * @param fill writes the file and closes it
 * @throws {GuardError} STORE_CORRUPT when something of an earlier database is left;
 *   STORE_UNAVAILABLE when it cannot be made.
 */
export function createStoreFile(path: string, fill: (temporary: string) => void): void {
  for (const suffix of COMPANIONS) {
    // WHY: SQLite would replay the old log into the new file
    if (statOf(path + suffix, lstatSync) !== undefined) {
      throw corruptFault(path, `none beside its state.db${suffix}`);
    }
  }
  const temporary = `${path}.${randomUuid()}.new`;
  try {
    closeSync(openSync(temporary, "wx", MODE_PRIVATE));
    fill(temporary);
    link(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    throw unavailableFault(path, `${codeOf(cause) ?? "an error"} while it was made`, cause);
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(temporary + suffix, { force: true });
  }
}

function link(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (cause) {
    // another process was faster: its file is as good
    if (codeOf(cause) !== "EEXIST") throw cause;
  }
}

/** Makes a new name durable; Windows has no such call for folders. */
function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** WHY: Windows has no owner and mode in this sense. */
function assertOwner(path: string, stats: Stats): void {
  const user = process.getuid?.();
  if (user === undefined || stats.uid === user) return;
  const message = `expected a file of user ${user}, got one of user ${stats.uid}`;
  throw new GuardError("HOME_UNSAFE", `${message}; use a home of your own`, { at: { file: path } });
}

function unsafe(path: string, expected: string, { mode }: Stats, remedy: string): GuardError {
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  const message = `expected ${expected}, got mode ${octal}; run ${remedy} on it`;
  return new GuardError("HOME_UNSAFE", message, { at: { file: path } });
}

function statOf(path: string, stat: (path: string) => Stats): Stats | undefined {
  try {
    return stat(path);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unavailableFault(path, code ?? "an error", cause);
  }
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
