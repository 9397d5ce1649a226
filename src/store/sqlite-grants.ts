// Leases and consents in `state.db`.
import { LIMIT_PURGE_ROWS } from "./limits.ts";
import { purgeBeforeMs } from "./order.ts";
import { CONSENT, isCount, LEASE, readRecord } from "./shapes.ts";
import type { SqlTables } from "./sql-tables.ts";
import { consentOf, leaseOf } from "./sqlite-rows.ts";
import type { ConsentOperations, LeaseOperations } from "./types.ts";

const LEASE_ORDER = "ORDER BY expires_ms, id";
const CONSENT_ORDER = "ORDER BY created_ms DESC, id";

/** @param waitsForDisk a used invocation is on the disk before the call goes on */
export function sqliteLeases(database: SqlTables, waitsForDisk: boolean): LeaseOperations {
  return {
    putLease: (given) => {
      const lease = readRecord(LEASE, given, "ARGUMENT_INVALID");
      return database.transaction(() => {
        purge(database, "leases", lease.createdAtMs);
        const inserted = database.run(
          `INSERT OR IGNORE INTO leases (id, principal, server, tools, created_ms, expires_ms,
            max_invocations, remaining, state_changing, args_digest, revoked)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          lease.id,
          lease.principalHash,
          lease.serverId,
          JSON.stringify(lease.grantedTools),
          lease.createdAtMs,
          lease.expiresAtMs,
          lease.maxInvocations,
          lease.remaining,
          Number(lease.stateChanging),
          lease.argsDigest,
          Number(lease.revoked),
        );
        return inserted === 1;
      });
    },
    getLease: (id) => database.rows(leaseOf, "SELECT * FROM leases WHERE id = ?", id)[0],
    findLeases: (principalHash, serverId) =>
      database.rows(
        leaseOf,
        `SELECT * FROM leases WHERE principal = ? AND server = ? AND revoked = 0 ${LEASE_ORDER}`,
        principalHash,
        serverId,
      ),
    listLeases: () => database.rows(leaseOf, `SELECT * FROM leases ${LEASE_ORDER}`),
    // one statement: compare and set under SQLite's own write lock
    consumeLease: (id, remainingExpected) => {
      if (remainingExpected !== null && !isCount(remainingExpected)) return false;
      const sql = `UPDATE leases SET remaining = remaining - 1
          WHERE id = ? AND remaining IS ? AND revoked = 0`;
      const updated = waitsForDisk
        ? database.run(sql, id, remainingExpected)
        : database.runUnsynced(sql, id, remainingExpected);
      return updated === 1;
    },
    revokeLease: (id) => database.run("UPDATE leases SET revoked = 1 WHERE id = ?", id) === 1,
  };
}

export function sqliteConsents(database: SqlTables): ConsentOperations {
  return {
    putConsent: (given) => {
      const consent = readRecord(CONSENT, given, "ARGUMENT_INVALID");
      return database.transaction(() => {
        purge(database, "consents", consent.createdAtMs);
        const inserted = database.run(
          `INSERT OR IGNORE INTO consents (id, principal, server, kind, item, fingerprint,
            args_digest, session, image, asking, taint, had_lease, created_ms, expires_ms,
            text_hash, channel, single_use)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          consent.id,
          consent.principalHash,
          consent.serverId,
          consent.kind,
          consent.itemName,
          consent.itemFingerprint,
          consent.argsDigest,
          consent.sessionHash,
          consent.imageDigest,
          consent.asking,
          consent.taint,
          Number(consent.hadLease),
          consent.createdAtMs,
          consent.expiresAtMs,
          consent.textHash,
          consent.channel,
          Number(consent.singleUse),
        );
        return inserted === 1;
      });
    },
    findConsents: (principalHash, serverId, itemFingerprint) =>
      database.rows(
        consentOf,
        `SELECT * FROM consents WHERE principal = ? AND server = ? AND fingerprint = ?
          ${CONSENT_ORDER}`,
        principalHash,
        serverId,
        itemFingerprint,
      ),
    listConsents: () => database.rows(consentOf, `SELECT * FROM consents ${CONSENT_ORDER}`),
    consumeConsent: (id) => {
      const isTaken =
        database.run("DELETE FROM consents WHERE id = ? AND single_use = 1", id) === 1;
      if (isTaken) return true;
      const other = database.all("SELECT 1 FROM consents WHERE id = ? AND single_use = 0", id);
      return other.length === 1;
    },
    revokeConsent: (id) => database.run("DELETE FROM consents WHERE id = ?", id) === 1,
  };
}

/** Removes rows that expired long ago, a bounded number of them. */
export function purge(
  database: SqlTables,
  table: "leases" | "consents" | "questions",
  nowMs: number,
): void {
  database.run(
    `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires_ms <= ?
      ORDER BY expires_ms LIMIT ${LIMIT_PURGE_ROWS})`,
    purgeBeforeMs(nowMs),
  );
}
