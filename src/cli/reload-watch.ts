// Notices changes of the signed files in a home. Loaded once the server runs: it costs the start
// nothing.
import { type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { basename, join } from "node:path";

import { systemCode } from "./files.ts";
import { CATALOG_NAME, ENVELOPE_NAME } from "./trust-files.ts";

/** Milliseconds without a change before it is looked at what the files are now. */
export const WATCH_QUIET_MS = 100;
/** Milliseconds after the first change at which it is looked at in any case. */
export const WATCH_DELAY_MS_MAX = 1_000;
/** File systems keep time more coarsely than clocks, some to the second or two. */
const TIME_SLACK_MS = 2_000;

const ROOT_FILE = /^root\.[1-9]\d*\.dsse\.json$/;

export interface WatchOptions {
  /** Absolute. */
  readonly folder: string;
  /** ms since the epoch: what changed since then is a change, too. */
  readonly sinceMs: number;
  readonly onChange: () => void;
  /** Called at most once, with the reason, when changes can be noticed no more. */
  readonly onLost: (why: string) => void;
}

/**
 * Watches the folder and not the files, so that a file renamed over another is seen. Waits for
 * quiet, so that several files are read when all of them are there.
 *
 * @returns ends it
 */
export function watchSignedFiles(options: WatchOptions): () => void {
  const watcher = new SignedFilesWatch(options);
  watcher.start();
  return () => watcher.stop();
}

class SignedFilesWatch {
  readonly #options: WatchOptions;
  #watcher: FSWatcher | undefined;
  #quietTimer: NodeJS.Timeout | undefined;
  #delayTimer: NodeJS.Timeout | undefined;
  #mustOpen = false;
  #isLost = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  start(): void {
    const { folder, sinceMs } = this.#options;
    this.#open();
    if (!this.#isLost && hasChangedSince(folder, sinceMs - TIME_SLACK_MS)) this.#changed();
  }

  stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#clearTimers();
  }

  #open(): void {
    const { folder } = this.#options;
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => this.#event(name));
      watcher.on("error", (cause) => this.#lost(cause));
      this.#watcher = watcher;
    } catch (cause) {
      this.#lost(cause);
    }
  }

  /** @param name of the file, or of the folder itself; null where the system does not say */
  #event(name: string | null): void {
    if (this.#watcher === undefined) return;
    if (name === null || isSignedFile(name)) this.#changed();
    else if (name === basename(this.#options.folder)) {
      // WHY: it was renamed, removed or replaced, and a watch stays with the folder that it had;
      // once there is quiet, what stands in its place is watched
      this.#mustOpen = true;
      this.#changed();
    }
  }

  #changed(): void {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.#tell(), WATCH_QUIET_MS).unref();
    this.#delayTimer ??= setTimeout(() => this.#tell(), WATCH_DELAY_MS_MAX).unref();
  }

  #tell(): void {
    this.#clearTimers();
    if (this.#mustOpen) {
      this.#mustOpen = false;
      this.#watcher?.close();
      this.#open();
    }
    this.#options.onChange();
  }

  #clearTimers(): void {
    clearTimeout(this.#quietTimer);
    clearTimeout(this.#delayTimer);
    this.#delayTimer = undefined;
  }

  #lost(cause: unknown): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    if (this.#isLost) return;
    this.#isLost = true;
    this.#options.onLost(systemCode(cause) ?? "an error");
  }
}

/** True for the files that a guard verifies, but not for its state, its keys and its settings. */
function isSignedFile(name: string): boolean {
  if (name === ENVELOPE_NAME || name === CATALOG_NAME || ROOT_FILE.test(name)) return true;
  return name.startsWith(`${CATALOG_NAME}.`) && name.endsWith(".sig");
}

/** True when a signed file, as far as times tell, is newer; true when that cannot be seen. */
function hasChangedSince(folder: string, sinceMs: number): boolean {
  try {
    return readdirSync(folder)
      .filter(isSignedFile)
      .some((name) => statSync(join(folder, name)).ctimeMs >= sinceMs);
  } catch {
    return true;
  }
}
