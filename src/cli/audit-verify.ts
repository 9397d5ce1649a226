// `portcullis audit verify`: nothing altered, missing, moved or added in the audit logs.
import { verifyAuditLog } from "../audit/verify.ts";
import { LOGS_OPTIONS, openAuditHome, verifyOptions } from "./audit-home.ts";
import { reportJson, reportLines } from "./audit-report.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";

const spec: CommandSpec = {
  name: "audit verify",
  summary: "check the audit logs: signatures, order, completeness",
  usage: "[--against FILE[,FILE]] [--origin ORIGIN] [--logs FOLDER] [--dir DIR]",
  options: {
    against: {
      type: "string",
      value: "FILE,...",
      help: "checkpoints that somebody else kept: the logs must continue them",
    },
    ...LOGS_OPTIONS,
    ...DIR_OPTION,
  },
  notes: [
    "Exit 1 when something was altered, deleted, moved, added or cut off, when a signature is not one\n" +
      "of the trust root's audit key, or when a log is missing. The code says which. A log that is\n" +
      "in use, or whose process died, has no clean end: that is told, and is no finding.",
  ],
  examples: [
    "portcullis audit verify",
    "portcullis audit verify --against kept/host-1.checkpoint --json",
  ],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = openAuditHome(args, io);
  const report = await verifyAuditLog(verifyOptions(spec, args, io, home));
  io.status("");
  const { records, checkpoints, logs, ok } = report;
  const last = ok
    ? io.style.green(
        `verified: ${logs.length} logs, ${records} records, ${checkpoints} checkpoints`,
      )
    : io.style.red(`not verified: ${report.error?.code}`);
  return {
    exitCode: ok ? 0 : 1,
    json: reportJson(report),
    text: [...reportLines(report, io.style), last].join("\n"),
  };
}

export const auditVerifyCommand: ReportCommand = { spec, run };
