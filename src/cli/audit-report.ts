// What `audit verify` and `audit replay` say.
import type { AuditFinding } from "../audit/finding.ts";
import type { AuditReport } from "../audit/verify.ts";
import type { AuditLogReport } from "../audit/verify-log.ts";
import { columns, type Style, visible } from "./style.ts";

/** A finding in `--json`. */
export function findingJson(found: AuditFinding): Readonly<Record<string, unknown>> {
  const { code, message, origin, seq } = found;
  return { code, message, origin, ...(seq === undefined ? {} : { seq }) };
}

/** The members that both commands have in `--json`. */
export function reportJson(report: AuditReport): Readonly<Record<string, unknown>> {
  const { records, checkpoints, refusals, logs, findings, error } = report;
  return {
    records,
    checkpoints,
    refusals,
    logs: logs.map(({ finding, ...log }) => ({ ...log, ok: finding === undefined })),
    findings: findings.map(findingJson),
    ...(error === undefined ? {} : { error: findingJson(error) }),
  };
}

/** A line for each log, and one for each finding. */
export function reportLines(report: AuditReport, style: Style): readonly string[] {
  const rows = report.logs.map((log) => [
    log.finding === undefined ? style.green("ok") : style.red("FAILED"),
    visible(log.origin),
    `${log.records} records`,
    `${log.refusals} refused`,
    `${log.checkpoints} checkpoints`,
    remarks(log).join(", "),
  ]);
  const found = report.findings.map((one) => {
    const place = one.seq === undefined ? "" : ` record ${one.seq}`;
    return `${style.red("FAILED")} ${visible(one.origin)}${place}: ${visible(one.message)} (${one.code})`;
  });
  return [...columns(rows), ...found];
}

function remarks(log: AuditLogReport): readonly string[] {
  return [
    log.end === "closed" ? "" : "no clean end: in use, or its process died",
    log.unsigned === 0 ? "" : `${log.unsigned} records not signed yet`,
    log.cutBytes === 0 ? "" : `the last line was cut after ${log.cutBytes} bytes`,
    log.lost === 0 ? "" : `${log.lost} events could not be written`,
    log.clockBack === 0 ? "" : `the clock went back ${log.clockBack} times`,
  ].filter((remark) => remark !== "");
}
