// What a host remembers, in `state.db`: drift, nonces, audit logs, the trust state.
import { utf8, utf8Text } from "../bytes.ts";
import {
  assertAdvances,
  assertTrustState,
  parseTrustState,
  serializeTrustState,
  type TrustState,
} from "../catalog/state.ts";
import { LIMIT_PURGE_ROWS } from "./limits.ts";
import {
  assertArgument,
  DRIFT,
  isNonce,
  isOrigin,
  isTimeMs,
  REGISTERED_LOG,
  readRecord,
} from "./shapes.ts";
import type { SqlTables } from "./sql-tables.ts";
import { readMeta, writeMeta } from "./sqlite-meta.ts";
import { driftOf, integerOf, logOf, textOf } from "./sqlite-rows.ts";
import type { HostOperations } from "./types.ts";

/** The latest expiry of a nonce that was forgotten, in ms. */
const KEY_FORGOTTEN = "nonces_forgotten_ms";
const KEY_TRUST_STATE = "trust_state";

export function sqliteHost(database: SqlTables): HostOperations {
  return {
    ...drifts(database),
    ...nonces(database),
    ...logs(database),
    ...trustState(database),
  };
}

function drifts(database: SqlTables): Pick<HostOperations, "addDrift" | "listDrift"> {
  return {
    addDrift: (given) => {
      const { serverId, catalogSha256, kind, name } = readRecord(DRIFT, given, "ARGUMENT_INVALID");
      database.run(
        "INSERT OR IGNORE INTO drift (server, catalog, kind, name) VALUES (?, ?, ?, ?)",
        serverId,
        catalogSha256,
        kind,
        name,
      );
    },
    listDrift: (serverId, catalogSha256) =>
      database.rows(
        driftOf,
        "SELECT * FROM drift WHERE server = ? AND catalog = ? ORDER BY kind, name",
        serverId,
        catalogSha256,
      ),
  };
}

function nonces(database: SqlTables): Pick<HostOperations, "useNonce"> {
  const forget = (nowMs: number): number => {
    const old = database.all(
      `SELECT nonce, expires_ms FROM nonces WHERE expires_ms <= ? ORDER BY expires_ms
        LIMIT ${LIMIT_PURGE_ROWS}`,
      nowMs,
    );
    const before = integerOf(Number(readMeta(database, KEY_FORGOTTEN) ?? -1));
    const forgotten = old.reduce((at, row) => Math.max(at, integerOf(row["expires_ms"])), before);
    for (const row of old) {
      database.run("DELETE FROM nonces WHERE nonce = ?", textOf(row["nonce"]));
    }
    if (forgotten !== before) writeMeta(database, KEY_FORGOTTEN, String(forgotten));
    return forgotten;
  };
  return {
    useNonce: (nonce, expiresAtMs, nowMs) => {
      assertArgument("a nonce of printable ascii", isNonce, nonce);
      assertArgument("a time in ms", isTimeMs, expiresAtMs);
      assertArgument("a time in ms", isTimeMs, nowMs);
      if (nowMs >= expiresAtMs) return false;
      return database.transaction(() => {
        if (expiresAtMs <= forget(nowMs)) return false;
        const sql = "INSERT OR IGNORE INTO nonces (nonce, expires_ms) VALUES (?, ?)";
        return database.run(sql, nonce, expiresAtMs) === 1;
      });
    },
  };
}

function logs(database: SqlTables): Pick<HostOperations, "registerLog" | "closeLog" | "listLogs"> {
  return {
    registerLog: (given) => {
      const log = readRecord(REGISTERED_LOG, { ...given, closedAtMs: null }, "ARGUMENT_INVALID");
      const inserted = database.run(
        "INSERT OR IGNORE INTO logs (origin, path, created_ms, public) VALUES (?, ?, ?, ?)",
        log.origin,
        log.path,
        log.createdAtMs,
        log.public ?? null,
      );
      return inserted === 1;
    },
    closeLog: (origin, nowMs) => {
      assertArgument("the origin of a log", isOrigin, origin);
      assertArgument("a time in ms", isTimeMs, nowMs);
      const sql = "UPDATE logs SET closed_ms = coalesce(closed_ms, ?) WHERE origin = ?";
      return database.run(sql, nowMs, origin) === 1;
    },
    listLogs: () => database.rows(logOf, "SELECT * FROM logs ORDER BY created_ms, origin"),
  };
}

function trustState(
  database: SqlTables,
): Pick<HostOperations, "loadCatalogState" | "saveCatalogState"> {
  const load = (): TrustState | undefined => {
    const text = readMeta(database, KEY_TRUST_STATE);
    return text === undefined ? undefined : parseTrustState(utf8(text));
  };
  return {
    loadCatalogState: load,
    saveCatalogState: (state) => {
      const { rootVersion, rootSha256, catalogVersion, catalogSha256 } = state;
      const next = { rootVersion, rootSha256, catalogVersion, catalogSha256 };
      assertTrustState(next);
      database.transaction(() => {
        assertAdvances(load(), next);
        writeMeta(database, KEY_TRUST_STATE, utf8Text(serializeTrustState(next)) ?? "");
      });
    },
  };
}
