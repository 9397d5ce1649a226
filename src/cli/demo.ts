// `portcullis demo`: the guided tour. Real processes, the official MCP client, four attacks.
import process from "node:process";

import { monotonicMs } from "../clock.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import {
  attackCases,
  type DemoCase,
  DRIFT_SERVER,
  DRIFTED,
  GRANTED_FILE,
  grantCases,
  honestCases,
  SECOND_FILE,
  SMUGGLE_SERVER,
  SMUGGLING,
  WRITTEN_FILE,
} from "./demo-cases.ts";
import { type DemoAudit, DemoStage, type Played } from "./demo-stage.ts";
import { columns, type Style, visible } from "./style.ts";

const spec: CommandSpec = {
  name: "demo",
  summary:
    "the guided tour: a real server behind the guard, attacks, a lease, a taint flow, the log",
  usage: "[--keep]",
  options: { keep: { type: "boolean", help: "leave the temporary folder and print its path" } },
  notes: [
    "Needs the packages @modelcontextprotocol/sdk and @modelcontextprotocol/server-filesystem.\n" +
      "Everything happens in a temporary folder. Exit 0 when every case ends as it should.",
  ],
  examples: ["portcullis demo"],
};

const NO_SQLITE =
  "left out: the lease; this machine has no SQLite (Node 22.13, or npm install better-sqlite3@12.11.1)";
/** 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;
/** Lines of a result that are shown. */
const LINES_MAX = 4;

interface PlayedCase extends Played {
  readonly case: DemoCase;
  readonly passed: boolean;
}

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const startedMs = monotonicMs();
  const stage = new DemoStage(io);
  const clean = (): void => stage.remove();
  // WHY: a tour that fails or is interrupted leaves nothing behind either
  if (!args.flag("keep")) process.once("exit", clean);
  process.once("SIGINT", () => process.exit(EXIT_INTERRUPTED));
  io.progress("setting the stage: a key, a trust root, four servers, a signed catalog, a lease");
  const commands = await stage.setUp();
  const played: PlayedCase[] = [];
  const grants = grantCases(stage.workspace).filter(
    ({ needsLease = false }) => stage.canLease || !needsLease,
  );
  const calls = [...honestCases(stage.workspace), ...grants];
  for (const call of calls) played.push(await playCase(stage, call, io));
  stage.turn(DRIFT_SERVER, DRIFTED);
  stage.turn(SMUGGLE_SERVER, SMUGGLING);
  for (const attack of attackCases(stage.workspace)) played.push(await playCase(stage, attack, io));
  const isUntouched = !stage.exists(WRITTEN_FILE) && !stage.exists(SECOND_FILE);
  const isGranted = stage.exists(GRANTED_FILE) || !stage.canLease;
  const audits = await stage.audit();
  const failed = [
    ...played.map(({ passed }) => passed),
    ...audits.map(({ isSound }) => isSound),
    isUntouched,
    isGranted,
  ].filter((isGood) => !isGood).length;
  const seconds = (monotonicMs() - startedMs) / 1000;
  return {
    exitCode: failed === 0 ? 0 : 1,
    json: {
      cases: played.map(caseJson),
      fileWritten: !isUntouched,
      audit: audits.map(({ command, isSound }) => ({ command, ok: isSound })),
      passed: played.filter(({ passed }) => passed).length,
      failed,
      ...(args.flag("keep") ? { folder: stage.path } : {}),
    },
    text: describe({ commands, played, audits, isUntouched, failed, seconds }, io.style).concat(
      stage.canLease ? "" : `\n   ${NO_SQLITE}`,
      args.flag("keep") ? `\nkept: ${stage.path}` : "",
    ),
  };
}

async function playCase(stage: DemoStage, demoCase: DemoCase, io: Io): Promise<PlayedCase> {
  io.progress(`  ${demoCase.title}: ${demoCase.server} ${demoCase.tool}`);
  const played = await stage.play(demoCase);
  const { answer, upstreamCalls } = played;
  const passed =
    answer.outcome === demoCase.outcome &&
    answer.reason === demoCase.reason &&
    upstreamCalls === demoCase.upstreamCalls;
  return { ...played, case: demoCase, passed };
}

function caseJson({ case: demoCase, answer, upstreamCalls, passed }: PlayedCase): object {
  const { title, server, tool, outcome, reason } = demoCase;
  return {
    title,
    server,
    tool,
    expected: { outcome, reason, upstreamCalls: demoCase.upstreamCalls },
    observed: { outcome: answer.outcome, reason: answer.reason, message: answer.text },
    upstreamCalls,
    passed,
  };
}

interface Tour {
  readonly commands: readonly string[];
  readonly played: readonly PlayedCase[];
  readonly audits: readonly DemoAudit[];
  readonly isUntouched: boolean;
  readonly failed: number;
  readonly seconds: number;
}

function describe(tour: Tour, style: Style): string {
  const { commands, played, audits, isUntouched, failed, seconds } = tour;
  const attackTitles = new Set(attackCases("").map(({ title }) => title));
  const agent = played.filter(({ case: one }) => !attackTitles.has(one.title));
  const attacks = played.filter(({ case: one }) => attackTitles.has(one.title));
  const touched = isUntouched
    ? style.dim("No file was written but the one that the lease was for.")
    : style.red("A file was written that nobody granted.");
  const verdict =
    failed === 0
      ? style.green(`all ${played.length} as expected, in ${seconds.toFixed(1)} s`)
      : style.red(`${failed} not as expected`);
  return [
    style.bold("1  The operator reviews and signs"),
    "",
    ...commands.map((command) => style.dim(`   $ ${visible(command)}`)),
    "",
    style.bold("2  The agent works"),
    "",
    ...agent.flatMap((one) => tell(one, style)),
    style.bold("3  Four attacks"),
    "",
    ...attacks.flatMap((one) => tell(one, style)),
    style.bold("4  What happened"),
    "",
    ...table(played, style),
    "",
    `   ${touched}`,
    "",
    style.bold("5  The audit log, verified and decided again"),
    "",
    ...audits.flatMap((audit) => tellAudit(audit, style)),
    `   ${verdict}`,
  ].join("\n");
}

/** A case as a reader is told it: the story, and the first lines of what the agent got. */
function tell({ case: one, answer }: PlayedCase, style: Style): readonly string[] {
  const isAllowed = answer.outcome === "allow";
  const text = isAllowed ? answer.text : essence(answer.text);
  const lines = text.trim().split("\n").slice(0, LINES_MAX);
  const mark = isAllowed ? style.green(">") : style.red("x");
  return [`   ${one.story}`, ...lines.map((line) => `     ${mark} ${visible(line)}`), ""];
}

function tellAudit({ command, isSound, text }: DemoAudit, style: Style): readonly string[] {
  const lines = text.trim().split("\n");
  const shown = isSound ? lines.slice(-1) : lines;
  return [
    style.dim(`   $ portcullis ${command}`),
    ...shown.map((line) => `     ${isSound ? style.green(">") : style.red("x")} ${visible(line)}`),
    "",
  ];
}

/** The refusal itself, without what the SDK puts before it and the advice behind it. */
function essence(text: string): string {
  const refusal = text
    .replace(/^.*?portcullis: /, "the guard does not start: ")
    .replace(/^.*?portcullis refused/, "refused");
  return refusal.split("; ", 1)[0] ?? refusal;
}

function table(played: readonly PlayedCase[], style: Style): readonly string[] {
  const head = ["case", "server", "tool", "outcome", "reason", "calls upstream", ""];
  const rows = played.map(({ case: one, answer, upstreamCalls, passed }) => [
    one.title,
    one.server,
    one.tool,
    answer.outcome === "allow" ? style.green(answer.outcome) : style.red(answer.outcome),
    answer.reason,
    String(upstreamCalls),
    passed ? style.green("as expected") : style.red("NOT as expected"),
  ]);
  return columns([head.map(style.bold), ...rows]).map((line) => `   ${line}`);
}

export const demoCommand: ReportCommand = { spec, run };
