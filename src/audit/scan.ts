// Records of logs one after the other, for views: what is no record is left out, so verify first.
import { type AuditLogInput, lineBatches } from "./input.ts";
import { LIMIT_RECORD_BYTES } from "./limits.ts";
import { type AuditRecord, readRecord, textOf } from "./record.ts";

export interface ScannedRecord {
  readonly origin: string;
  readonly record: AuditRecord;
  /** Without its line feed. */
  readonly line: Uint8Array;
}

/** Which records a view is about; absent members let all pass. */
export interface RecordFilter {
  readonly kind?: string | undefined;
  readonly decision?: string | undefined;
  readonly server?: string | undefined;
  readonly tool?: string | undefined;
  readonly reason?: string | undefined;
  /** Hash of a session, or the beginning of one. */
  readonly session?: string | undefined;
  /** ms since the epoch. */
  readonly sinceMs?: number | undefined;
  /** ms since the epoch; records of this time are left out. */
  readonly untilMs?: number | undefined;
}

/** True when `record` passes every member of `filter`. */
export function passesFilter(
  { value, kind, timeMs, decision }: AuditRecord,
  filter: RecordFilter,
): boolean {
  const isSame = (name: "server" | "tool" | "reason"): boolean =>
    filter[name] === undefined || textOf(value, name) === filter[name];
  return (
    (filter.kind === undefined || kind === filter.kind) &&
    (filter.decision === undefined || decision === filter.decision) &&
    isSame("server") &&
    isSame("tool") &&
    isSame("reason") &&
    (filter.session === undefined || textOf(value, "sess")?.startsWith(filter.session) === true) &&
    (filter.sinceMs === undefined || timeMs >= filter.sinceMs) &&
    (filter.untilMs === undefined || timeMs < filter.untilMs)
  );
}

/** The records of one log that pass, in order. */
export async function* scanLog(
  log: AuditLogInput,
  filter: RecordFilter,
): AsyncGenerator<ScannedRecord> {
  for await (const lines of lineBatches(log.records, LIMIT_RECORD_BYTES)) {
    for (const { bytes, isWhole } of lines) {
      const record = isWhole ? readRecord(bytes) : undefined;
      if (record === undefined || !passesFilter(record, filter)) continue;
      yield { origin: log.origin, record, line: bytes };
    }
  }
}
