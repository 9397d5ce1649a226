// The store in a SQLite file, with every SQLite that this host has.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { loadSqliteDriver, type SqliteDriverName } from "../../src/store/sqlite-driver.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { describeStateStore } from "./conformance.ts";

const BUILT = new URL("../../build/esm/store/sqlite.js", import.meta.url).href;
const NAMES: readonly SqliteDriverName[] = ["node:sqlite", "better-sqlite3"];

function works(name: SqliteDriverName): boolean {
  try {
    loadSqliteDriver(name);
    return true;
  } catch {
    return false;
  }
}

const drivers = NAMES.filter(works);
const root = temporaryDirectory();
let count = 0;

it("this host has a SQLite", () => {
  expect(drivers).not.toEqual([]);
});

for (const driver of drivers) {
  describeStateStore({
    name: driver,
    isShared: true,
    create: async () => {
      count += 1;
      const folder = join(root, `home-${count}`);
      mkdirSync(folder, { mode: 0o700 });
      const path = join(folder, "state.db");
      const open = `openSqliteStore(${JSON.stringify(path)}, { driver: ${JSON.stringify(driver)} })`;
      return {
        store: openSqliteStore(path, { driver }),
        reopen: async () => openSqliteStore(path, { driver }),
        childSource: `const { openSqliteStore } = await import(${JSON.stringify(BUILT)});
const store = ${open};`,
      };
    },
  });
}
