// What is on the disk when the power goes: everything that was acknowledged but used invocations of
// leases, and of those none comes back.
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { SqliteConnection } from "../../src/store/sqlite-connection.ts";
import { loadSqliteDriver, type SqliteDriver } from "../../src/store/sqlite-driver.ts";
import { sqliteConsents, sqliteLeases } from "../../src/store/sqlite-grants.ts";
import { sqliteHost } from "../../src/store/sqlite-host.ts";
import { sqliteSessions } from "../../src/store/sqlite-sessions.ts";
import { hash, lease, NOW_MS } from "./fixtures.ts";
import { alter, filled } from "./sqlite-files.ts";

describe("a power cut", () => {
  const unlimited = lease(100, { maxInvocations: null, remaining: null });

  it("gives no invocation back: in another boot no lease with a number has any left", () => {
    const { path } = filled();
    const first = openSqliteStore(path);
    first.putLease(unlimited);
    expect(first.consumeLease(hash(1), 3)).toBe(true);
    first.close();
    alter(path, "UPDATE meta SET value = 'the boot before' WHERE key = 'boot_id'");
    // where no boot can be told from another, every invocation waits for the disk instead
    const canTell = existsSync("/proc/sys/kernel/random/boot_id");
    for (const opening of ["the first process", "the next one"]) {
      const store = openSqliteStore(path);
      expect(store.getLease(hash(1))?.remaining, opening).toBe(canTell ? 0 : 2);
      expect(store.getLease(hash(2))?.remaining, opening).toBe(canTell ? 0 : 3);
      expect(store.consumeLease(hash(1), 2), opening).toBe(!canTell);
      expect(store.consumeLease(unlimited.id, null), opening).toBe(true);
      expect(store.getTaint(hash(3)), opening).toBe(3);
      expect(store.listConsents(), opening).toHaveLength(40);
      store.close();
      if (!canTell) return;
    }
    const store = openSqliteStore(path);
    store.putLease(lease(101));
    store.close();
    const next = openSqliteStore(path);
    expect(next.consumeLease(hash(101), 3)).toBe(true);
    next.close();
  });

  it("every other write waits for the disk, and so does that one where boots look alike", () => {
    for (const waitsForDisk of [false, true]) {
      const { path } = filled();
      const unsynced = new Set<string>();
      let synced = 0;
      const database = new SqliteConnection(
        path,
        watched((sql, mode) => {
          if (mode === "FULL") synced += 1;
          else unsynced.add(sql);
        }),
        100,
      );
      const leases = sqliteLeases(database, waitsForDisk);
      const consents = sqliteConsents(database);
      const sessions = sqliteSessions(database);
      const host = sqliteHost(database);
      leases.putLease(unlimited);
      const steps: readonly (() => unknown)[] = [
        () => leases.putLease(lease(102)),
        () => leases.revokeLease(hash(2)),
        () => consents.consumeConsent(hash(1)),
        () => sessions.addTaint(hash(60), 2),
        () => sessions.linkSession(hash(61), hash(60)),
        () => sessions.resetSession(hash(60)),
        () => host.useNonce("fresh", NOW_MS + 1, NOW_MS),
        () => host.addDrift({ serverId: "s", kind: "tool", name: "t", catalogSha256: hash(1) }),
        () => host.registerLog({ origin: "o", path: "/p", createdAtMs: 1 }),
      ];
      for (const step of steps) {
        expect(leases.consumeLease(unlimited.id, null)).toBe(true);
        step();
      }
      database.close();
      expect(synced).toBeGreaterThan(steps.length);
      const fast = [...unsynced].filter((sql) => !sql.startsWith("UPDATE leases SET remaining ="));
      expect(fast).toEqual([]);
      expect(unsynced.size).toBe(waitsForDisk ? 0 : 1);
    }
  });
});

/** A driver that tells of every write in which mode it runs. */
function watched(onWrite: (sql: string, mode: string) => void): SqliteDriver {
  const driver = loadSqliteDriver();
  return (path) => {
    const database = driver(path);
    let mode = "";
    return {
      close: () => database.close(),
      exec: (sql) => {
        mode = /^PRAGMA synchronous = (\w+)$/.exec(sql)?.[1] ?? mode;
        return database.exec(sql);
      },
      prepare: (sql) => {
        const statement = database.prepare(sql);
        return {
          all: (...values) => statement.all(...values),
          run: (...values) => {
            onWrite(sql, mode);
            return statement.run(...values);
          },
        };
      },
    };
  };
}
