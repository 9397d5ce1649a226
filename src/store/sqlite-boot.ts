// Power cuts. A lease is used without waiting for the disk: SQLite's log survives the death of any
// process, and only a power cut or a fall of the system can bring used invocations back. After one
// the system has booted again, and then no lease with a number has any left.
import { readFileSync } from "node:fs";
import type { SqliteConnection } from "./sqlite-connection.ts";
import { readMeta, writeMeta } from "./sqlite-meta.ts";

const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";
const KEY_BOOT = "boot_id";

/** What tells this boot from every other (Linux, random(4)); `undefined` where nothing does. */
export function readBootId(): string | undefined {
  try {
    const id = readFileSync(BOOT_ID_FILE, "latin1").trim();
    return /^[0-9a-f-]{36}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes what is left of every lease with a number, when the store was last used in another boot.
 *
 * WHY: some of it may have been used already. It loses invocations and never gains one; leases
 * live for minutes, and a grant is one command.
 */
export function endLeasesOfOtherBoot(database: SqliteConnection, bootId: string): void {
  if (readMeta(database, KEY_BOOT) === bootId) return;
  database.transaction(() => {
    // another process may have been faster, and a lease may have been granted since
    if (readMeta(database, KEY_BOOT) === bootId) return;
    database.run("UPDATE leases SET remaining = 0 WHERE remaining > 0");
    writeMeta(database, KEY_BOOT, bootId);
  });
}
