// What SQLite says, as a GuardError: damaged, or not to be had.
import { GuardError, quote } from "../errors.ts";

const RESULT_NAMES: ReadonlyMap<number, string> = new Map([
  [1, "SQLITE_ERROR"],
  [5, "SQLITE_BUSY"],
  [6, "SQLITE_LOCKED"],
  [8, "SQLITE_READONLY"],
  [10, "SQLITE_IOERR"],
  [11, "SQLITE_CORRUPT"],
  [13, "SQLITE_FULL"],
  [14, "SQLITE_CANTOPEN"],
  [22, "SQLITE_NOLFS"],
  [23, "SQLITE_AUTH"],
  [26, "SQLITE_NOTADB"],
]);

/** What to do, by the first words of the code. */
const REMEDIES: readonly (readonly [prefix: string, remedy: string])[] = [
  ["SQLITE_BUSY", "another process keeps it locked; end it, or try again"],
  ["SQLITE_LOCKED", "another process keeps it locked; end it, or try again"],
  ["SQLITE_READONLY", "make the file and its folder writable for this user"],
  ["SQLITE_CANTOPEN", "make the file and its folder writable for this user"],
  ["SQLITE_FULL", "make room on the disk"],
  ["SQLITE_IOERR", "look at the disk, its room and its limits"],
];

/** The fault of a file that is not, or no longer, a store. */
export function corruptFault(path: string, what: string, cause?: unknown): GuardError {
  const advice = "restore it from a backup, or move it and its -wal and -shm away";
  return new GuardError("STORE_CORRUPT", `expected an intact state.db, got ${what}; ${advice}`, {
    cause,
    at: { file: path },
  });
}

/** The fault of a store that cannot be used now. */
export function unavailableFault(path: string, what: string, cause?: unknown): GuardError {
  return new GuardError("STORE_UNAVAILABLE", `expected a usable state.db, got ${what}`, {
    cause,
    at: { file: path },
  });
}

/** Any error that came out of SQLite, its package, or the reader of a row. */
export function sqliteFault(path: string, error: unknown): GuardError {
  if (error instanceof GuardError) {
    return error.at?.file === undefined && error.code === "STORE_CORRUPT"
      ? new GuardError(error.code, error.message, { cause: error, at: { file: path } })
      : error;
  }
  const code = resultName(error);
  if (/^SQLITE_(CORRUPT|NOTADB|ERROR|CONSTRAINT|MISMATCH)/.test(code ?? "")) {
    return corruptFault(path, code ?? "", error);
  }
  const remedy = REMEDIES.find(([prefix]) => code?.startsWith(prefix))?.[1];
  const said = code ?? (error instanceof Error ? quote(error.message) : "an error");
  return unavailableFault(path, remedy === undefined ? said : `${said}; ${remedy}`, error);
}

/** The name of the result code: better-sqlite3 gives the name, node:sqlite the number. */
function resultName(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const number: unknown = "errcode" in error ? error.errcode : undefined;
  // WHY: the low byte is the primary result code, the rest says where
  if (typeof number === "number") return RESULT_NAMES.get(number & 0xff) ?? `SQLITE_${number}`;
  const code: unknown = "code" in error ? error.code : undefined;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : undefined;
}
