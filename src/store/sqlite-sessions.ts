// Taint of sessions in `state.db`.
import { LIMIT_SESSION_ANCESTORS } from "./limits.ts";
import type { SessionTaint } from "./records.ts";
import { assertArgument, isHash, isMask } from "./shapes.ts";
import type { Row, SqlTables } from "./sql-tables.ts";
import { hashOf, maskOf } from "./sqlite-rows.ts";
import type { SessionOperations } from "./types.ts";

/** A session and all above it, itself first. */
const LINEAGE = `WITH RECURSIVE line (taint, parent, depth) AS (
  SELECT taint, parent, 0 FROM sessions WHERE hash = ?
  UNION ALL
  SELECT above.taint, above.parent, depth + 1 FROM line JOIN sessions AS above
    ON above.hash = line.parent WHERE depth < ${LIMIT_SESSION_ANCESTORS})
  SELECT taint, parent FROM line ORDER BY depth`;

/** WHY: nearly every session stands alone, and the question for its line costs three times as much. */
const ITSELF = "SELECT taint, parent FROM sessions WHERE hash = ?";

const CHILDREN = "SELECT 1 FROM sessions WHERE parent = ? LIMIT 1";

export function sqliteSessions(database: SqlTables): SessionOperations {
  const lineage = (hash: string): readonly Row[] => {
    const itself = database.all(ITSELF, hash);
    if ((itself[0]?.["parent"] ?? null) === null) return itself;
    const rows = database.all(LINEAGE, hash);
    // the last one has no parent, unless there is a cycle or one is missing: nobody knows its labels
    if ((rows.at(-1)?.["parent"] ?? null) === null) return rows;
    throw database.corrupt("a session whose line does not end");
  };
  // WHY: `|` gives an i32; a mask is a u32
  const taintOf = (rows: readonly Row[]): number =>
    rows.reduce((mask, row) => (mask | maskOf(row["taint"])) >>> 0, 0);
  const getTaint = (hash: string): number => {
    assertSession(hash);
    return taintOf(lineage(hash));
  };
  return {
    getTaint,
    addTaint: (hash, mask) => {
      assertSession(hash);
      assertArgument("a mask of 32 bits", isMask, mask);
      const rows = lineage(hash);
      const own = maskOf(rows[0]?.["taint"] ?? 0);
      // WHY: labels never go away by themselves, so what is there need not be written again
      if ((own | mask) >>> 0 === own) return taintOf(rows);
      database.run(
        `INSERT INTO sessions (hash, taint) VALUES (?, ?)
          ON CONFLICT (hash) DO UPDATE SET taint = taint | excluded.taint`,
        hash,
        mask,
      );
      return getTaint(hash);
    },
    linkSession: (child, parent) => {
      assertSession(child);
      assertSession(parent);
      return database.transaction(() => link(child, parent));
    },
    listSessions: () =>
      database.rows((row): SessionTaint => {
        const sessionHash = hashOf(row["hash"]);
        const parent = row["parent"] === null ? null : hashOf(row["parent"]);
        const own = maskOf(row["taint"]);
        return Object.freeze({ sessionHash, own, taint: getTaint(sessionHash), parent });
      }, "SELECT hash, taint, parent FROM sessions ORDER BY hash"),
    resetSession: (hash) => {
      assertSession(hash);
      return database.transaction(() => {
        const isKnown = database.run("UPDATE sessions SET taint = 0 WHERE hash = ?", hash) === 1;
        if (isKnown && database.all(CHILDREN, hash).length === 0) {
          database.run("DELETE FROM sessions WHERE hash = ? AND parent IS NULL", hash);
        }
        return isKnown;
      });
    },
  };

  function link(child: string, parent: string): boolean {
    const [known] = lineage(child);
    const before = known?.["parent"] ?? null;
    if (before === parent) return true;
    if (child === parent || before !== null) return false;
    if (database.all(CHILDREN, child).length > 0) return false;
    if (Math.max(lineage(parent).length, 1) > LIMIT_SESSION_ANCESTORS) return false;
    database.run("INSERT OR IGNORE INTO sessions (hash, taint) VALUES (?, 0)", parent);
    database.run(
      `INSERT INTO sessions (hash, taint, parent) VALUES (?, 0, ?)
        ON CONFLICT (hash) DO UPDATE SET parent = excluded.parent`,
      child,
      parent,
    );
    return true;
  }
}

function assertSession(hash: string): void {
  assertArgument("a session hash of 64 lower-case hex digits", isHash, hash);
}
