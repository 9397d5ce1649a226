// What the operations of a SQL store need of a database: `state.db`, or the storage of a Durable Object.

/** A row, column by column. */
export type Row = Readonly<Record<string, unknown>>;
export type SqlValue = string | number | null;

/** The tables of `sqlite-schema.ts`. Each method throws STORE_UNAVAILABLE or STORE_CORRUPT. */
export interface SqlTables {
  /**
   * Runs a statement that gives no rows; what it did is kept, whatever happens, when this returns, or
   * before anybody outside is told.
   *
   * @returns the number of rows it changed
   */
  run(sql: string, ...values: SqlValue[]): number;
  /** As `run`, but perhaps kept only with the next `run`: it survives the death of any process. */
  runUnsynced(sql: string, ...values: SqlValue[]): number;
  /** All rows of a statement. */
  all(sql: string, ...values: SqlValue[]): readonly Row[];
  /** Rows read by `read`; a row that it refuses is STORE_CORRUPT. */
  rows<T>(read: (row: Row) => T, sql: string, ...values: SqlValue[]): readonly T[];
  /** Runs `action` alone among all writers; what it throws undoes it. */
  transaction<T>(action: () => T): T;
  /** The fault of a store that holds what it should not. */
  corrupt(what: string): Error;
}
