// A closed log and its parts, and ways to tamper with them.
import { expect } from "vitest";
import type { AuditCode } from "../../src/audit/finding.ts";
import type { AuditLogInput } from "../../src/audit/input.ts";
import {
  type AuditReport,
  type VerifyAuditOptions,
  verifyAuditLog,
} from "../../src/audit/verify.ts";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { auditGuard, bytesIn, closedLog } from "../fixtures/audit.ts";
import { NOW_MS } from "../fixtures/trust.ts";

export const guard = auditGuard();
export const INPUT = closedLog(guard, 200).toInput();
/** Another log of the same guard and key. */
export const OTHER = closedLog(guard, 120, {
  process: { host: "h", pid: 6, startMs: NOW_MS },
}).toInput();
export const ROOTS = [guard.root];

export const textIn = (source: unknown): string => utf8Text(bytesIn(source)) ?? "";
/** Records as they were written, without their line ends. */
export const LINES = textIn(INPUT.records).split("\n").slice(0, -1);
/** Checkpoints, oldest first; five lines each. */
export const HISTORY = (textIn(INPUT.history).match(/(?:.*\n){5}/g) ?? []).map(String);

/** The records, changed. */
export function lines(change: (lines: string[]) => readonly string[]): Uint8Array {
  return utf8(
    change([...LINES])
      .map((line) => `${line}\n`)
      .join(""),
  );
}

/** Verifies the log with some of its parts changed. */
export async function verify(
  change: Partial<AuditLogInput>,
  options: Partial<VerifyAuditOptions> = {},
): Promise<AuditReport> {
  const report = await verifyAuditLog({
    logs: [{ ...INPUT, ...change }],
    roots: ROOTS,
    ...options,
  });
  expect(report.ok).toBe(report.error === undefined);
  expect(report.error?.message ?? "").not.toMatch(/[\r\n]|\.$/);
  return report;
}

/** The changed log fails with this code, at this record; gives the message. */
export async function expectFinding(
  code: AuditCode,
  seq: number | undefined,
  change: Partial<AuditLogInput>,
  options: Partial<VerifyAuditOptions> = {},
): Promise<string> {
  const { error } = await verify(change, options);
  expect(error).toMatchObject({ code, origin: INPUT.origin });
  expect(error?.seq).toBe(seq);
  return error?.message ?? "";
}

/** Other checkpoints, the last of them as the newest. */
export function resignedAs(notes: readonly string[]): Partial<AuditLogInput> {
  return { history: utf8(notes.join("")), checkpoint: utf8(notes.at(-1) ?? "") };
}
