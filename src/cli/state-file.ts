// The trust state in a file: durable, atomic, and never moved backwards by a slower process.
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TrustState, TrustStateStore } from "../catalog/state.ts";
import { assertAdvances, parseTrustState, serializeTrustState } from "../catalog/state.ts";
import { monotonicMs, randomUuid, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";

/** A lock this old was left behind: what it protects takes milliseconds. */
const LOCK_STALE_MS = 10_000;
const LOCK_WAIT_MS_MAX = 15_000;
const LOCK_POLL_MS = 10;
const MODE_PRIVATE = 0o600;

/**
 * Keeps the trust state in `path`; a lock file beside it serialises writers of all processes.
 *
 * INVARIANT: between taking the lock and giving it back nothing is awaited.
 */
export class FileTrustState implements TrustStateStore {
  readonly #path: string;
  readonly #lockPath: string;

  /** @param path e.g. `<home>/state.json`; its directory exists. */
  constructor(path: string) {
    this.#path = path;
    this.#lockPath = `${path}.lock`;
  }

  /**
   * @throws {GuardError} STATE_CORRUPT when the file is damaged; FILE_UNREADABLE when it is there
   *   and cannot be read.
   */
  async load(): Promise<TrustState | undefined> {
    return this.#read();
  }

  /**
   * @throws {GuardError} ROOT_CHAIN, CATALOG_ROLLBACK, CATALOG_EQUIVOCATION when the file holds
   *   something newer by now; FILE_EXISTS when the lock stays taken; FILE_UNREADABLE when the
   *   directory cannot be written.
   */
  async save(state: TrustState): Promise<void> {
    // WHY: nearly every start finds what the last one left; a lock and its fsync are 4 ms or more.
    // What a faster process writes behind this look is as if it had come after the whole save
    if (this.#isStored(state)) return;
    const deadlineMs = monotonicMs() + LOCK_WAIT_MS_MAX;
    while (!this.#trySave(state)) {
      if (monotonicMs() > deadlineMs) {
        throw new GuardError(
          "FILE_EXISTS",
          "expected the lock of the trust state to be free, got one that stays; remove it " +
            "when no portcullis is starting",
          { at: { file: this.#lockPath } },
        );
      }
      await sleep(LOCK_POLL_MS);
    }
  }

  #read(): TrustState | undefined {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(this.#path);
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return undefined;
      throw this.#ioFault("expected a readable trust state", cause);
    }
    try {
      return parseTrustState(bytes);
    } catch (fault) {
      if (!(fault instanceof GuardError)) throw fault;
      const at = { file: this.#path };
      throw new GuardError(fault.code, fault.message, { cause: fault, at });
    }
  }

  /** One attempt; false when another process holds or takes the lock. */
  #trySave(state: TrustState): boolean {
    const token = randomUuid();
    if (!this.#tryLock(token)) return false;
    try {
      return this.#isStored(state) || this.#replace(state, token);
    } finally {
      if (this.#holdsLock(token)) rmSync(this.#lockPath, { force: true });
    }
  }

  /** True when the file holds this state; throws when it holds a newer or another one. */
  #isStored(state: TrustState): boolean {
    const stored = this.#read();
    assertAdvances(stored, state);
    // same versions that advance are the same state
    return (
      stored?.rootVersion === state.rootVersion && stored.catalogVersion === state.catalogVersion
    );
  }

  #tryLock(token: string): boolean {
    try {
      writeDurably(this.#lockPath, Buffer.from(token));
      return true;
    } catch (cause) {
      if (errorCode(cause) !== "EEXIST")
        throw this.#ioFault("expected a writable directory", cause);
      this.#removeStaleLock();
      return false;
    }
  }

  #holdsLock(token: string): boolean {
    try {
      return readFileSync(this.#lockPath, "latin1") === token;
    } catch {
      return false;
    }
  }

  #removeStaleLock(): void {
    if (!isStale(this.#lockPath)) return;
    const aside = `${this.#lockPath}.${randomUuid()}`;
    try {
      renameSync(this.#lockPath, aside);
      // another process may have replaced the stale lock just before the rename: give it back
      if (!isStale(aside)) linkSync(aside, this.#lockPath);
    } catch {
      // somebody else was faster; the next attempt sees what they left
    } finally {
      rmSync(aside, { force: true });
    }
  }

  /** Writes beside the file, then renames; false when the lock was lost meanwhile. */
  #replace(state: TrustState, token: string): boolean {
    const temporary = `${this.#path}.${token}`;
    try {
      writeDurably(temporary, serializeTrustState(state));
      if (!this.#holdsLock(token)) return false;
      renameSync(temporary, this.#path);
      syncDirectory(dirname(this.#path));
      return true;
    } catch (cause) {
      throw this.#ioFault("expected to write the trust state", cause);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  #ioFault(what: string, cause: unknown): GuardError {
    const code = errorCode(cause) ?? "an error";
    return new GuardError("FILE_UNREADABLE", `${what}, got ${code}`, {
      cause,
      at: { file: this.#path },
    });
  }
}

/** Creates a file that must not exist, with all bytes on disk when it returns. */
function writeDurably(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "wx", MODE_PRIVATE);
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes a rename durable; Windows has no such call for directories. */
function syncDirectory(path: string): void {
  if (process.platform === "win32") return;
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** True when the file is older than any honest holder, or from a future the clock has left. */
function isStale(path: string): boolean {
  try {
    return Math.abs(systemClock() - statSync(path).mtimeMs) > LOCK_STALE_MS;
  } catch {
    return false;
  }
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
