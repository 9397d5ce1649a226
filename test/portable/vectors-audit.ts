// Audit logs with real frames, and what may be done to them.
import type { AuditEvent } from "../../src/audit/event.ts";
import type { MemoryAuditLog } from "../../src/audit/memory-log.ts";
import {
  auditCatalogText,
  auditGuard,
  bytesIn,
  callEvent,
  closedLog,
  listEvent,
  memoryLog,
} from "../fixtures/audit.ts";
import { digestOf } from "../fixtures/catalog.ts";
import { NOW_MS, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import type { AuditCase, AuditFiles, AuditVectors } from "./vectors-type.ts";

const CALLS = 70;
const decoder = new TextDecoder("utf-8", { fatal: true });
const guard = auditGuard();

function filesOf(log: MemoryAuditLog): AuditFiles {
  const { origin, records, history, checkpoint, statements } = log.toInput();
  const textIn = (source: unknown): string => decoder.decode(bytesIn(source));
  return {
    origin,
    records: textIn(records),
    history: textIn(history),
    checkpoint: textIn(checkpoint),
    statements: textIn(statements),
  };
}

const LOG = filesOf(closedLog(guard, CALLS));
const LINES = LOG.records.split(/(?<=\n)/);

/** The log with one file changed. */
function changed(id: string, want: string, change: Partial<AuditFiles>): AuditCase {
  const files = { ...LOG, ...change };
  if (JSON.stringify(files) === JSON.stringify(LOG)) throw new Error(`expected a change: ${id}`);
  return { id, want, files };
}

/** A log of a host that lied, well signed. */
function lied(id: string, want: string, event: AuditEvent): AuditCase {
  const log = memoryLog(guard);
  log.append(listEvent());
  log.append(event);
  log.close();
  return { id, want, files: filesOf(log) };
}

function withLines(lines: readonly string[]): Partial<AuditFiles> {
  return { records: lines.join("") };
}

function cases(): readonly AuditCase[] {
  const refused = LINES.findIndex((line) => line.includes('"deny"'));
  const altered = (index: number, from: string, to: string): Partial<AuditFiles> =>
    withLines(LINES.with(index, (LINES[index] ?? "").replace(from, to)));
  const notes = LOG.history.match(/(?:.*\n){5}/g) ?? [];
  const read = callEvent(guard, "read");
  const { output } = callEvent(guard, "read", { fields: { serverState: 0 } });
  return [
    { id: "as written", want: "ok", files: LOG },
    changed("another tool", "AUDIT_LEAF", altered(refused, '"smuggled"', '"read"')),
    changed("an allow", "AUDIT_SEQUENCE", altered(refused, '"deny"', '"allow"')),
    changed("another time", "AUDIT_LEAF", altered(20, '"t":', '"t":1')),
    changed("no record", "AUDIT_LEAF", altered(9, "{", "[")),
    changed("one deleted", "AUDIT_SEQUENCE", withLines(LINES.toSpliced(9, 1))),
    changed("one twice", "AUDIT_SEQUENCE", withLines(LINES.toSpliced(9, 0, LINES[8] ?? ""))),
    changed("tail cut", "AUDIT_TRUNCATED", withLines(LINES.slice(0, 40))),
    changed("head cut", "AUDIT_TRUNCATED", withLines(LINES.slice(3))),
    changed("empty", "AUDIT_EMPTY", { records: "" }),
    changed("another name", "AUDIT_ORIGIN", { origin: "host-1-5-7" }),
    changed("checkpoint unsigned", "AUDIT_SIGNATURE", {
      checkpoint: LOG.checkpoint.replace(/.{8}=\n$/, "AAAAAAA=\n"),
    }),
    changed("checkpoint missing", "AUDIT_SEQUENCE", { history: notes.toSpliced(1, 1).join("") }),
    changed("statement missing", "AUDIT_SEQUENCE", {
      statements: LOG.statements
        .split(/(?<=\n)/)
        .toSpliced(2, 1)
        .join(""),
    }),
    lied("an output that does not follow", "AUDIT_REPLAY", { ...read, output }),
    lied("words that are not the frame's", "AUDIT_REPLAY", { ...read, reason: "tool_smuggle" }),
    lied(
      "a definition that was not listed",
      "AUDIT_LIVE",
      callEvent(guard, "read", { live: digestOf("another definition") }),
    ),
  ];
}

export function auditVectors(): AuditVectors {
  const { objects } = guard.evidence;
  const signed = [...objects].filter(([name]) => name.endsWith(".dsse.json"));
  return {
    root: decoder.decode(signedRoot()),
    envelope: decoder.decode(signedCatalog(auditCatalogText())),
    nowMs: NOW_MS,
    objects: signed.map(([name, bytes]) => [name, decoder.decode(bytes)] as const),
    calls: CALLS,
    cases: cases(),
  };
}
