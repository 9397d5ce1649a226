// Homes with a `state.db` for the tests of the SQLite store.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { loadSqliteDriver } from "../../src/store/sqlite-driver.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { consent, hash, lease, NOW_MS } from "./fixtures.ts";

export const root: string = temporaryDirectory();
let count = 0;

/** A fresh home with nothing in it. */
export function home(): string {
  count += 1;
  const folder = join(root, `home-${count}`);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

/** A store with something in every corner, closed. */
export function filled(): { readonly folder: string; readonly path: string } {
  const folder = home();
  const path = join(folder, "state.db");
  const store = openSqliteStore(path);
  for (let id = 1; id <= 40; id++) {
    store.putLease(lease(id));
    store.putConsent(consent(id));
    store.addTaint(hash(id), id);
    store.useNonce(`n${id}`, NOW_MS + 1, NOW_MS);
  }
  store.close();
  return { folder, path };
}

/** Changes a closed database with the SQLite of this host. */
export function alter(path: string, ...statements: readonly string[]): void {
  const database = loadSqliteDriver()(path);
  for (const sql of statements) database.exec(sql);
  database.close();
}
