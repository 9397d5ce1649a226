// How an empty database becomes a `state.db`.
import type { SqliteDatabase } from "./sqlite-driver.ts";
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from "./sqlite-schema.ts";

/** Makes the tables in an empty database, in write-ahead mode. */
export function createSchema(database: SqliteDatabase): void {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec("BEGIN IMMEDIATE");
  for (const statement of SCHEMA) database.exec(statement);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  database.exec("COMMIT");
}
