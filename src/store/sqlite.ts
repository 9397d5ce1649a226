// The store of one machine: a SQLite file that many processes use at once.
import { endLeasesOfOtherBoot, readBootId } from "./sqlite-boot.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { createSchema } from "./sqlite-create.ts";
import { loadSqliteDriver, type SqliteDriver, type SqliteDriverName } from "./sqlite-driver.ts";
import { sqliteFault } from "./sqlite-fault.ts";
import { checkStoreFile, createStoreFile } from "./sqlite-file.ts";
import { sqliteConsents, sqliteLeases } from "./sqlite-grants.ts";
import { sqliteHost } from "./sqlite-host.ts";
import { sqliteQuestions } from "./sqlite-questions.ts";
import { sqliteSessions } from "./sqlite-sessions.ts";
import type { SyncStateStore } from "./types.ts";

export interface SqliteStoreOptions {
  /** How long a call waits for other processes, in ms. Default 5 000. */
  readonly busyTimeoutMs?: number;
  /** Default: `node:sqlite` where the runtime has it, else better-sqlite3. */
  readonly driver?: SqliteDriverName;
}

const BUSY_TIMEOUT_MS_DEFAULT = 5_000;

/**
 * Opens the store in `path`, and makes it when there is none. What is there and is not a store, or
 * is damaged, is refused and left as it is.
 *
 * @param path e.g. `<home>/state.db`; its folder exists and belongs to this user
 * @throws {GuardError} DEPENDENCY_MISSING when the host has no SQLite; HOME_UNSAFE when others can
 *   write the folder or open the file; STORE_CORRUPT; STORE_UNAVAILABLE.
 * @example const store = openSqliteStore("/home/me/.config/portcullis/state.db")
 */
export function openSqliteStore(path: string, options: SqliteStoreOptions = {}): SyncStateStore {
  const { busyTimeoutMs = BUSY_TIMEOUT_MS_DEFAULT } = options;
  const driver = loadSqliteDriver(options.driver);
  if (!checkStoreFile(path)) createStoreFile(path, (temporary) => fill(temporary, driver, path));
  const connection = new SqliteConnection(path, driver, busyTimeoutMs);
  const bootId = readBootId();
  try {
    if (bootId !== undefined) endLeasesOfOtherBoot(connection, bootId);
  } catch (fault) {
    connection.close();
    throw fault;
  }
  return {
    mode: "sync",
    ...sqliteLeases(connection, bootId === undefined),
    ...sqliteConsents(connection),
    ...sqliteQuestions(connection),
    ...sqliteSessions(connection),
    ...sqliteHost(connection),
    close: () => connection.close(),
  };
}

/** @param path what the file will be called, for the fault */
function fill(temporary: string, driver: SqliteDriver, path: string): void {
  try {
    const database = driver(temporary);
    try {
      createSchema(database);
    } finally {
      database.close();
    }
  } catch (error) {
    throw sqliteFault(path, error);
  }
}
