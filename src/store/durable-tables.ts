// The tables of a store in the SQLite storage of a Durable Object.
import { GuardError } from "../errors.ts";
import type { Row, SqlTables, SqlValue } from "./sql-tables.ts";
import { SCHEMA } from "./sqlite-schema.ts";

/** The part of a Durable Object's state that a store uses. */
export interface DurableObjectContext {
  readonly storage: {
    readonly sql: {
      exec(sql: string, ...values: SqlValue[]): { toArray(): Record<string, unknown>[] };
    };
    transactionSync<T>(action: () => T): T;
  };
}

/** Everything that was ever created by a store; names of the runtime's own begin with `_cf`. */
const SCHEMA_QUERY = `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB '_cf*'
  ORDER BY name COLLATE BINARY`;

/**
 * WHY: an object is one thread and its statements are synchronous, so each operation is one step; and
 * the runtime gives no answer out before what was written is kept.
 */
export class DurableTables implements SqlTables {
  readonly #storage: DurableObjectContext["storage"];

  /** @throws {GuardError} STORE_CORRUPT for other tables than those of this version; STORE_UNAVAILABLE */
  constructor({ storage }: DurableObjectContext) {
    this.#storage = storage;
    this.transaction(() => {
      const found = this.all(SCHEMA_QUERY).map((row) => row["sql"]);
      if (found.length === 0) for (const statement of SCHEMA) this.all(statement);
      else if (found.length !== SCHEMA.length || found.some((sql, at) => sql !== SCHEMA[at])) {
        throw this.corrupt("other tables than those of its version");
      }
    });
  }

  run(sql: string, ...values: SqlValue[]): number {
    this.all(sql, ...values);
    return Number(this.all("SELECT changes() AS count")[0]?.["count"]);
  }

  runUnsynced(sql: string, ...values: SqlValue[]): number {
    return this.run(sql, ...values);
  }

  all(sql: string, ...values: SqlValue[]): readonly Row[] {
    return guarded(() => this.#storage.sql.exec(sql, ...values).toArray());
  }

  rows<T>(read: (row: Row) => T, sql: string, ...values: SqlValue[]): readonly T[] {
    return this.all(sql, ...values).map(read);
  }

  transaction<T>(action: () => T): T {
    return guarded(() => this.#storage.transactionSync(action));
  }

  corrupt(what: string): Error {
    const advice = "restore it, or use another object";
    return new GuardError(
      "STORE_CORRUPT",
      `expected an intact Durable Object, got ${what}; ${advice}`,
    );
  }
}

function guarded<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    const said = cause instanceof Error ? cause.message : "";
    const isDamaged = /SQLITE_(CORRUPT|NOTADB|ERROR|CONSTRAINT|MISMATCH)/.test(said);
    throw new GuardError(
      isDamaged ? "STORE_CORRUPT" : "STORE_UNAVAILABLE",
      "expected a usable Durable Object, got an error of its storage",
      { cause },
    );
  }
}
