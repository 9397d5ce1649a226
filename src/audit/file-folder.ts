// Logs in a folder, as `verifyAuditLog` and `replay` take them.
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import {
  checkpointFile,
  historyFile,
  recordsFile,
  recordsFileOf,
  statementsFile,
} from "./file-names.ts";
import type { AuditLogInput } from "./input.ts";

const PIECE_BYTES = 1 << 20;

/** One log of a folder: its input, and its parts. */
export interface FolderLog {
  readonly input: AuditLogInput;
  readonly files: readonly string[];
}

/** A log by the names of its files. */
export interface NamedLog {
  readonly origin: string;
  /** Absolute paths of its records, in order; with a gap where a part is missing. */
  readonly files: readonly string[];
  /** No part is missing. */
  readonly isWhole: boolean;
}

/**
 * The logs of a folder, by origin; none when there is no folder.
 *
 * @throws {Error} of the system when the folder cannot be read
 */
export function readAuditFolder(folder: string): readonly FolderLog[] {
  return listAuditFolder(folder).map(({ origin, files }) => folderLog(folder, origin, files));
}

/** The same, by name alone: nothing of a log is read. @throws {Error} of the system */
export function listAuditFolder(folder: string): readonly NamedLog[] {
  const parts = new Map<string, Set<number>>();
  for (const name of namesIn(folder)) {
    const records = recordsFileOf(name);
    const origin = records?.origin ?? signedFileOf(name);
    if (origin === undefined) continue;
    const found = parts.get(origin) ?? new Set();
    if (records !== undefined) found.add(records.part);
    parts.set(origin, found);
  }
  return [...parts].sort(byOrigin).map(([origin, found]) => {
    const count = Math.max(0, ...found) + 1;
    const files = Array.from({ length: count }, (_, part) => recordsFile(folder, origin, part));
    return { origin, files, isWhole: found.size === count };
  });
}

function folderLog(folder: string, origin: string, files: readonly string[]): FolderLog {
  const stats = files.map((file) => statSync(file, { throwIfNoEntry: false }));
  const checkpoint = optionalBytes(checkpointFile(folder, origin));
  // WHY: the size behind the latest checkpoint, and no more than that: what a log in use gets
  // meanwhile speaks of records and statements that a reader may have passed already
  const history = historyFile(folder, origin);
  const historyBytes = statSync(history, { throwIfNoEntry: false })?.size ?? 0;
  const isThere = stats.some((one) => one !== undefined);
  const input: AuditLogInput = {
    origin,
    records: isThere ? () => filePieces(files) : undefined,
    checkpoint,
    history: () => filePieces([history], historyBytes),
    statements: () => filePieces([statementsFile(folder, origin)]),
    sizeBytes: stats.reduce((sum, one) => sum + (one?.size ?? 0), 0),
  };
  return { input, files };
}

/**
 * The bytes of files, one behind the other; of a file that is not there, none. Every piece lies in the
 * memory of the one before it.
 *
 * @param bytesMax of each file
 */
export function* filePieces(
  files: readonly string[],
  bytesMax: number = Number.POSITIVE_INFINITY,
): Generator<Uint8Array> {
  const piece = new Uint8Array(PIECE_BYTES);
  for (const file of files) {
    let handle: number;
    try {
      handle = openSync(file, "r");
    } catch (cause) {
      if (isMissing(cause)) continue;
      throw cause;
    }
    try {
      for (let left = bytesMax; left > 0; ) {
        const size = readSync(handle, piece, 0, Math.min(PIECE_BYTES, left), null);
        if (size === 0) break;
        left -= size;
        yield piece.subarray(0, size);
      }
    } finally {
      closeSync(handle);
    }
  }
}

/** The origin of a signed file: a log of which only these are left is a log all the same. */
function signedFileOf(name: string): string | undefined {
  const stem = /^(.+)\.(?:checkpoint|checkpoints|denied\.jsonl)$/.exec(name)?.[1];
  return stem === undefined ? undefined : recordsFileOf(`${stem}.jsonl`)?.origin;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw cause;
  }
}

/** The bytes of a file; `undefined` when there is none. @throws {Error} of the system */
export function optionalBytes(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}

function byOrigin([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
