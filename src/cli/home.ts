// The home: whose configuration this is (10-catalog section 3, attack case A8).
import { readdirSync, type Stats, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";

import { GuardError, quote } from "../errors.ts";
import type { Arguments, Io, OptionSpec } from "./command.ts";
import { ioFault, systemCode } from "./files.ts";

/** A folder that passed `assertSafeHome`, or does not exist yet. */
export interface Home {
  /** Absolute. */
  readonly path: string;
  /** True when it was found by walking up from the current folder. */
  readonly isFound: boolean;
  readonly exists: boolean;
}

/** The option of every command that has a home. */
export const DIR_OPTION: Readonly<Record<"dir", OptionSpec>> = {
  dir: {
    type: "string",
    value: "DIR",
    help: "the home; else PORTCULLIS_DIR or ~/.config/portcullis",
  },
};

const FOUND_NAME = ".portcullis";
const WRITABLE_BY_OTHERS = 0o022;
const ROOT_FILE = /^root\.[1-9]\d*\.dsse\.json$/;
const KEYS_FOLDER = "keys";
const OTHER_NAMES: ReadonlySet<string> = new Set([
  ...["config.toml", "state.json", KEYS_FOLDER, "audit"],
  ...["state.db", "state.db-wal", "state.db-shm", "tokens"],
]);

/**
 * The home of `run`, `check`, `verify` and `root init`: `--dir`, `PORTCULLIS_DIR` or the default,
 * and no other. A folder that came with a repository is never looked at.
 *
 * @throws {GuardError} HOME_UNSAFE when others can write it, or it belongs to somebody else.
 */
export function guardHome(args: Arguments, io: Io): Home {
  return checkHome(namedHome(args, io) ?? join(homeFolder(io), ".config", "portcullis"), false);
}

/**
 * The home of authoring commands: as `guardHome`, but when none is named, a `.portcullis` in the
 * current folder or above it comes before the default.
 *
 * @throws {GuardError} HOME_UNSAFE as `guardHome`.
 */
export function authoringHome(args: Arguments, io: Io): Home {
  const named = namedHome(args, io);
  if (named !== undefined) return checkHome(named, false);
  for (let folder = io.cwd; ; folder = dirname(folder)) {
    const candidate = join(folder, FOUND_NAME);
    if (statOf(candidate)?.isDirectory()) return checkHome(candidate, true);
    if (dirname(folder) === folder) return guardHome(args, io);
  }
}

/** Refuses a home that does not exist. @throws {GuardError} HOME_INCOMPLETE */
export function assertHomeExists(home: Home): void {
  if (home.exists) return;
  throw incomplete(home.path, "a home");
}

/** The fault of a home that lacks something. */
export function incomplete(path: string, what: string): GuardError {
  const message = `expected ${what}, got none; make it with \`portcullis root init\``;
  return new GuardError("HOME_INCOMPLETE", message, { at: { file: path } });
}

function namedHome(args: Arguments, io: Io): string | undefined {
  const typed = args.text("dir");
  const named = typed ?? io.env["PORTCULLIS_DIR"];
  if (named === undefined) return undefined;
  // WHY: an empty name would resolve to the current folder, which is the one never to be trusted
  if (named === "") {
    const message = "expected a folder as --dir or PORTCULLIS_DIR, got an empty name";
    throw new GuardError("USAGE", message);
  }
  if (typed === undefined) assertAbsolute(named, "PORTCULLIS_DIR");
  return resolve(io.cwd, named);
}

/** WHY: the environment outlives a change of folder; a relative name there is whatever folder it is. */
function assertAbsolute(path: string, name: string): void {
  if (isAbsolute(path)) return;
  const message = `expected an absolute path in ${name}, got ${quote(path)}`;
  throw new GuardError("HOME_UNSAFE", message);
}

function homeFolder(io: Io): string {
  const named = io.env["HOME"] ?? "";
  // WHY: os.homedir() believes an empty HOME; the account's own folder does not depend on it
  const folder = named === "" ? userInfo().homedir : named;
  assertAbsolute(folder, "HOME");
  return folder;
}

function checkHome(path: string, isFound: boolean): Home {
  const stats = statOf(path);
  if (stats === undefined) return { path, isFound, exists: false };
  if (!stats.isDirectory()) {
    throw new GuardError("HOME_UNSAFE", "expected a folder, got another kind of file", {
      at: { file: path },
    });
  }
  assertOwn(path, stats);
  const names = readdirSync(path).filter((name) => ROOT_FILE.test(name) || OTHER_NAMES.has(name));
  const keys = join(path, KEYS_FOLDER);
  const keyNames = names.includes(KEYS_FOLDER) ? keyFiles(keys) : [];
  for (const file of [...names.map((name) => join(path, name)), ...keyNames]) {
    const found = statOf(file);
    if (found !== undefined) assertOwn(file, found);
  }
  return { path, isFound, exists: true };
}

function keyFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch (cause) {
    throw ioFault("expected a readable folder", folder, cause);
  }
}

/** WHY: Windows has no owner and mode in this sense; its access lists are not read here. */
function assertOwn(path: string, stats: Stats): void {
  const user = process.getuid?.();
  if (user === undefined) return;
  if (stats.uid !== user) {
    const message = `expected a home of user ${user}, got one of user ${stats.uid}`;
    throw unsafe(path, `${message}; use --dir with a folder of your own`);
  }
  if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
    const message = `expected a home that only its owner can write, got mode ${mode}`;
    throw unsafe(path, `${message}; run chmod go-w on it`);
  }
}

/**
 * Refuses a file outside of a home that says who may call and that others can write.
 *
 * WHY: its owner may be another one, as of a secret that is mounted into a container
 *
 * @throws {GuardError} HOME_UNSAFE
 */
export function assertNotShared(path: string): void {
  const stats = statOf(path);
  if (stats === undefined || process.getuid === undefined) return;
  if ((stats.mode & WRITABLE_BY_OTHERS) === 0) return;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
  const message = `expected a file that only its owner can write, got mode ${mode}`;
  throw unsafe(path, `${message}; run chmod go-w on it`);
}

function unsafe(path: string, message: string): GuardError {
  return new GuardError("HOME_UNSAFE", message, { at: { file: path } });
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw ioFault("expected to look at the file", path, cause);
  }
}
