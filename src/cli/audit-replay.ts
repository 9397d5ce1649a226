// `portcullis audit replay`: the recorded decisions, decided again by the kernel they name.
import { FileObjects } from "../audit/file-objects.ts";
import { replay } from "../audit/replay.ts";
import { LOGS_OPTIONS, openAuditHome, showProgress, verifyOptions } from "./audit-home.ts";
import { reportJson, reportLines } from "./audit-report.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { readConfig, requiredPin } from "./config.ts";
import { DIR_OPTION } from "./home.ts";
import { columns, visible } from "./style.ts";

const spec: CommandSpec = {
  name: "audit replay",
  summary: "decide every recorded call again and compare",
  usage: "[--origin ORIGIN] [--logs FOLDER] [--dir DIR]",
  options: { ...LOGS_OPTIONS, ...DIR_OPTION },
  notes: [
    "Verifies first. Then every input frame is decided again by the kernel and the catalog whose\n" +
      "digests the records name, and compared byte for byte; it stops at the first difference. The\n" +
      "decision is shown to follow from its frame, and the frame to speak of definitions that were\n" +
      "listed. Argument constraints, schemas and custom rules are inputs of a frame: attested by the\n" +
      "host, not executed again.",
  ],
  examples: ["portcullis audit replay", "portcullis audit replay --json"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = openAuditHome(args, io);
  const report = await replay({
    ...verifyOptions(spec, args, io, home),
    objects: new FileObjects(home.folder),
    rootPin: requiredPin(readConfig(home.path), home.path),
    onReplayed: (progress) => showProgress(io, "replaying", progress),
  });
  io.status("");
  const { frames, outputs, differences = [], ok } = report;
  const rows = differences.map(({ field, recorded, replayed }) => [
    `  ${field}`,
    `recorded ${visible(recorded)}`,
    `replayed ${visible(replayed)}`,
  ]);
  const last = ok
    ? io.style.green(`replayed: ${frames} decisions, all the same; sha256 ${outputs}`)
    : io.style.red(`not replayed: ${report.error?.code}`);
  return {
    exitCode: ok ? 0 : 1,
    json: {
      ...reportJson(report),
      frames,
      outputs,
      ...(differences.length === 0 ? {} : { differences }),
    },
    text: [...reportLines(report, io.style), ...columns(rows), last].join("\n"),
  };
}

export const auditReplayCommand: ReportCommand = { spec, run };
