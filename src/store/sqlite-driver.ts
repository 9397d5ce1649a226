// The SQLite of the runtime: `node:sqlite` where there is one, else the package better-sqlite3.
import { createRequire } from "node:module";
import process from "node:process";

import { GuardError } from "../errors.ts";
import type { SqlValue } from "./sql-tables.ts";

/** What both packages have in common. */
export interface SqliteStatement {
  /** For a statement that gives no rows. */
  run(...values: SqlValue[]): { readonly changes: number | bigint };
  /** For a statement that gives rows; all of it is done when this returns. */
  all(...values: SqlValue[]): readonly unknown[];
}

export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

export type SqliteDriverName = "node:sqlite" | "better-sqlite3";

/** Opens a file that is there. */
export type SqliteDriver = (path: string) => SqliteDatabase;

/** The version that `docs/dependencies.md` names; the tests run with it. */
export const BETTER_SQLITE3_VERSION = "12.11.1";

const CLASS_NAMES: Readonly<Record<SqliteDriverName, string | undefined>> = {
  "node:sqlite": "DatabaseSync",
  // the package is the class
  "better-sqlite3": undefined,
};
const requireModule: (name: string) => unknown = createRequire(import.meta.url);

/**
 * The driver of this host.
 *
 * @param name default: the first that works
 * @throws {GuardError} DEPENDENCY_MISSING when there is none.
 */
export function loadSqliteDriver(name?: SqliteDriverName): SqliteDriver {
  const names: readonly SqliteDriverName[] =
    name === undefined ? ["node:sqlite", "better-sqlite3"] : [name];
  const causes: unknown[] = [];
  for (const candidate of names) {
    try {
      return tryDriver(candidate);
    } catch (cause) {
      causes.push(cause);
    }
  }
  const wanted = name ?? "node:sqlite (Node 22.13 or newer) or the package better-sqlite3";
  const remedy = `install it with \`npm install better-sqlite3@${BETTER_SQLITE3_VERSION}\``;
  throw new GuardError("DEPENDENCY_MISSING", `expected ${wanted}, got none that works; ${remedy}`, {
    cause: causes.at(-1),
  });
}

function tryDriver(name: SqliteDriverName): SqliteDriver {
  const module = withoutWarning(() => requireModule(name));
  const className = CLASS_NAMES[name];
  const maker = className === undefined ? module : memberOf(module, className);
  if (typeof maker !== "function") throw new TypeError(`${name} has no database class`);
  const driver: SqliteDriver = (path) => {
    const database: unknown = Reflect.construct(maker, [path]);
    if (isDatabase(database)) return database;
    throw new TypeError(`${name} makes something else than a database`);
  };
  // WHY: better-sqlite3 looks for its compiled half when the first database is opened
  driver(":memory:").close();
  return driver;
}

/**
 * Loads without the notice that `node:sqlite` is experimental.
 *
 * WHY: standard error of a guard is shown to people as the server's; the loading is synchronous, so
 * nobody else's warning is lost.
 */
function withoutWarning<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function isDatabase(value: unknown): value is SqliteDatabase {
  return ["exec", "prepare", "close"].every((name) => typeof memberOf(value, name) === "function");
}
