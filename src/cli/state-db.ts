// `state.db` of a home: leases, consents, pending questions, taint, drift, logs.
import { join } from "node:path";

import { GuardError, quote } from "../errors.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { SyncStateStore } from "../store/types.ts";
import type { Arguments, Io } from "./command.ts";
import { exists } from "./files.ts";
import { assertHomeExists, guardHome, type Home } from "./home.ts";

export const STATE_DB_NAME = "state.db";

/** Hex digits that are enough to name a row, where they fit one alone. */
const ID_PREFIX = /^[0-9a-f]{8,64}$/;

/**
 * Opens the store of a home; it is made when there is none.
 *
 * @throws {GuardError} HOME_INCOMPLETE, HOME_UNSAFE, and what `openSqliteStore` throws.
 */
export function openState(home: Home): SyncStateStore {
  assertHomeExists(home);
  return openSqliteStore(join(home.path, STATE_DB_NAME));
}

/**
 * Uses the store of a home, and closes it; it is made when there is none.
 *
 * @throws {GuardError} HOME_INCOMPLETE, HOME_UNSAFE, and what `openSqliteStore` throws.
 */
export function withState<T>(home: Home, action: (store: SyncStateStore) => T): T {
  const store = openState(home);
  try {
    return action(store);
  } finally {
    store.close();
  }
}

/**
 * Uses the store of the guard's home as it is: where there is none, none is made and `action` gets
 * `undefined`.
 *
 * @throws {GuardError} as `withState`.
 */
export function withStateIfAny<T>(
  args: Arguments,
  io: Io,
  action: (store: SyncStateStore | undefined) => T,
): T {
  const home = guardHome(args, io);
  assertHomeExists(home);
  if (!exists(join(home.path, STATE_DB_NAME))) return action(undefined);
  return withState(home, action);
}

/**
 * The one id that `typed` is, or begins with.
 *
 * @param what e.g. `a lease`; `command` lists the ids
 * @throws {GuardError} ARGUMENT_INVALID when it fits none, or several.
 */
export function findId(
  ids: readonly string[],
  typed: string,
  { what, command }: { readonly what: string; readonly command: string },
): string {
  const found = ids.filter((id) => id === typed || (ID_PREFIX.test(typed) && id.startsWith(typed)));
  const [id] = found;
  if (id !== undefined && found.length === 1) return id;
  const got = found.length > 1 ? `${quote(typed)}, which fits ${found.length}` : quote(typed);
  const message = `expected the id of ${what}, or its first 8 digits or more, got ${got}`;
  throw new GuardError("ARGUMENT_INVALID", `${message}; see \`portcullis ${command}\``);
}

/** The first digits of an id, for tables. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

/** RFC 3339 in UTC, seconds. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "never" : date.toISOString().replace(/\.\d+Z$/, "Z");
}
