// The file of `--record`: one line for everything that a guard decided, dropped or changed.
import { closeSync, openSync, writeSync } from "node:fs";

import { systemClock } from "../clock.ts";
import type { GuardRecord } from "../proxy/records.ts";
import { ioFault, MODE_PRIVATE_FILE } from "./files.ts";

export interface Recorder {
  readonly write: (record: GuardRecord) => void;
  readonly close: () => void;
}

/**
 * Appends records to a file of this user, one JSON text a line, each in one write.
 *
 * @throws {GuardError} FILE_UNREADABLE when the file cannot be opened.
 */
export function openRecorder(
  file: string,
  who: { readonly principal?: string; readonly session?: string } = {},
): Recorder {
  let handle: number;
  try {
    handle = openSync(file, "a", MODE_PRIVATE_FILE);
  } catch (cause) {
    throw ioFault("expected to append to the file", file, cause);
  }
  return {
    write: (record) => {
      const time = new Date(systemClock()).toISOString();
      writeSync(handle, `${JSON.stringify({ time, ...who, ...record })}\n`);
    },
    close: () => closeSync(handle),
  };
}
