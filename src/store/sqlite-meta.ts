// Single values in `state.db`.
import type { SqliteConnection } from "./sqlite-connection.ts";
import { textOf } from "./sqlite-rows.ts";

export function readMeta(database: SqliteConnection, key: string): string | undefined {
  const [row] = database.all("SELECT value FROM meta WHERE key = ?", key);
  return row === undefined ? undefined : textOf(row["value"]);
}

export function writeMeta(database: SqliteConnection, key: string, value: string): void {
  database.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
}
