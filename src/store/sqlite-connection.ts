// One open `state.db`: settings, checks at the door, prepared statements, transactions, faults.
import type { Row, SqlTables, SqlValue } from "./sql-tables.ts";
import type { SqliteDatabase, SqliteDriver, SqliteStatement } from "./sqlite-driver.ts";
import { corruptFault, sqliteFault, unavailableFault } from "./sqlite-fault.ts";
import { APPLICATION_ID, SCHEMA, SCHEMA_QUERY, SCHEMA_VERSION } from "./sqlite-schema.ts";

export class SqliteConnection implements SqlTables {
  readonly #path: string;
  readonly #database: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();
  #isOpen = true;
  #isInTransaction = false;
  #isSynced = false;

  /**
   * @param path a file that is there
   * @param busyTimeoutMs how long a statement waits for other processes
   * @throws {GuardError} STORE_CORRUPT when it is not an intact store of this version;
   *   STORE_UNAVAILABLE when it cannot be opened.
   */
  constructor(path: string, driver: SqliteDriver, busyTimeoutMs: number) {
    this.#path = path;
    let database: SqliteDatabase | undefined;
    try {
      database = driver(path);
      database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
      this.#database = database;
      this.#check();
      database.exec("PRAGMA synchronous = NORMAL");
      database.exec("PRAGMA trusted_schema = OFF");
      database.exec("PRAGMA cell_size_check = ON");
    } catch (error) {
      close(database);
      throw sqliteFault(path, error);
    }
  }

  /**
   * Runs a statement that gives no rows; what it did is on the disk when this returns.
   *
   * @returns the number of rows it changed
   */
  run(sql: string, ...values: SqlValue[]): number {
    return this.#guarded(() => {
      if (!this.#isInTransaction) this.#setSynced(true);
      return this.#change(sql, values);
    });
  }

  /**
   * As `run`, but on the disk only with the next `run`: it survives the death of this process and
   * of every other, and not a power cut.
   */
  runUnsynced(sql: string, ...values: SqlValue[]): number {
    return this.#guarded(() => {
      this.#setSynced(false);
      return this.#change(sql, values);
    });
  }

  /** All rows of a statement. */
  all(sql: string, ...values: SqlValue[]): readonly Row[] {
    // WHY: every row is taken, so that a failed commit behind `RETURNING` is seen
    return this.#guarded(() =>
      this.#prepared(sql)
        .all(...values)
        .filter(isRow),
    );
  }

  /** Rows read by `read`; a row that it refuses is STORE_CORRUPT with the file's name. */
  rows<T>(read: (row: Row) => T, sql: string, ...values: SqlValue[]): readonly T[] {
    const found = this.all(sql, ...values);
    return this.#guarded(() => found.map(read));
  }

  /** Runs `action` alone among all writers; what it throws undoes it. */
  transaction<T>(action: () => T): T {
    return this.#guarded(() => {
      this.#setSynced(true);
      this.#database.exec("BEGIN IMMEDIATE");
      this.#isInTransaction = true;
      try {
        const result = action();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        this.#rollback();
        throw error;
      } finally {
        this.#isInTransaction = false;
      }
    });
  }

  /** The fault of a store that holds what it should not. */
  corrupt(what: string): Error {
    return corruptFault(this.#path, what);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#statements.clear();
    close(this.#database);
  }

  #check(): void {
    const number = (name: string): unknown => Object.values(this.all(`PRAGMA ${name}`)[0] ?? {})[0];
    const application = number("application_id");
    if (application !== APPLICATION_ID) throw this.corrupt("another kind of database");
    const version = number("user_version");
    if (version !== SCHEMA_VERSION) {
      throw this.corrupt(`schema version ${String(version)} instead of ${SCHEMA_VERSION}`);
    }
    const schema = this.all(SCHEMA_QUERY).map((row) => row["sql"]);
    const isOurs =
      schema.length === SCHEMA.length && schema.every((sql, index) => sql === SCHEMA[index]);
    if (!isOurs) throw this.corrupt("other tables than those of its version");
    const report = number("quick_check(1)");
    if (report !== "ok") throw this.corrupt("damaged pages");
  }

  #change(sql: string, values: readonly SqlValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** WHY: in write-ahead mode FULL is one fsync a commit, NORMAL one now and then. */
  #setSynced(isSynced: boolean): void {
    if (this.#isSynced === isSynced) return;
    this.#database.exec(`PRAGMA synchronous = ${isSynced ? "FULL" : "NORMAL"}`);
    this.#isSynced = isSynced;
  }

  #prepared(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }

  #guarded<T>(action: () => T): T {
    if (!this.#isOpen) throw unavailableFault(this.#path, "one that is closed");
    try {
      return action();
    } catch (error) {
      throw sqliteFault(this.#path, error);
    }
  }

  #rollback(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, e.g. when the disk is full
    }
  }
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null;
}

/** WHY: what cannot be closed is closed by the end of the process; nothing depends on it. */
function close(database: SqliteDatabase | undefined): void {
  try {
    database?.close();
  } catch {
    // nothing to do
  }
}
