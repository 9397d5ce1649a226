// Bounded removal of what has expired.
import { LIMIT_PURGE_ROWS } from "./limits.ts";

/**
 * Looks at `LIMIT_PURGE_ROWS` rows and removes those that are old.
 *
 * WHY: the others go to the end of the map, so that the next calls see the next ones, and a write
 * costs the same however many there are.
 */
export function purgeSome<Row>(
  rows: Map<string, Row>,
  isOld: (row: Row) => boolean,
  onRemoved: (id: string, row: Row) => void = () => undefined,
): void {
  const seen: [string, Row][] = [];
  for (const entry of rows) {
    if (seen.length === LIMIT_PURGE_ROWS) break;
    seen.push(entry);
  }
  for (const [id, row] of seen) {
    rows.delete(id);
    if (isOld(row)) onRemoved(id, row);
    else rows.set(id, row);
  }
}
