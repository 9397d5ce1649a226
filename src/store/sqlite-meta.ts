// Single values in `state.db`.

import type { SqlTables } from "./sql-tables.ts";
import { textOf } from "./sqlite-rows.ts";

export function readMeta(database: SqlTables, key: string): string | undefined {
  const [row] = database.all("SELECT value FROM meta WHERE key = ?", key);
  return row === undefined ? undefined : textOf(row["value"]);
}

export function writeMeta(database: SqlTables, key: string, value: string): void {
  database.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
}
