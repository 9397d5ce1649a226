// The command line: finds the command, runs it, prints its result, sets the exit code.
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline/promises";

import { GuardError, quote } from "../errors.ts";
import { readArguments } from "./arguments.ts";
import type { Command, CommandResult, Io } from "./command.ts";
import { type CommandEntry, findCommand } from "./command-entry.ts";
import { type FaultReport, reportFault } from "./fault.ts";
import { settleOptimizer, stopOptimizing } from "./optimizer.ts";
import { styleFor } from "./style.ts";

const EXIT_FINE = 0;
const EXIT_FAULT = 2;

/** Runs the command line of this process with these commands; sets the exit code. */
export async function runProgram(commands: readonly CommandEntry[]): Promise<void> {
  // WHY: `portcullis fingerprint big.json | head` closes the pipe early; that is the reader's right
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  // WHY: an exit code, not process.exit, so that what is still in a pipe is read by its reader
  process.exitCode = await main(process.argv.slice(2), commands);
}

/** Runs one command line; resolves to its exit code when everything is written. */
async function main(argv: readonly string[], commands: readonly CommandEntry[]): Promise<number> {
  const [first] = argv;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    const { generalHelp } = await import("./help.ts");
    await write(process.stdout, `${generalHelp(commands)}\n`);
    return first === undefined ? EXIT_FAULT : EXIT_FINE;
  }
  if (first === "--version") {
    await write(process.stdout, `${version()}\n`);
    return EXIT_FINE;
  }
  const end = argv.indexOf("--");
  const own = end === -1 ? argv : argv.slice(0, end);
  const isJson = own.includes("--json");
  let isStream = false;
  let isLong = false;
  try {
    const found = findCommand(commands, argv);
    if (found === undefined) {
      const words = argv.slice(0, 2).filter((word) => !word.startsWith("-"));
      const message = `expected a command, got ${quote(words.join(" "))}`;
      throw new GuardError("USAGE", `${message}; see \`portcullis --help\``);
    }
    isLong = found.entry.isLong === true;
    if (!isLong) stopOptimizing();
    const command = await found.entry.load();
    // a mixed command has read its arguments before standard output is its own
    isStream = "stream" in command && !("run" in command) && command.givesDocuments !== true;
    return await runCommand(command, found.rest, isJson);
  } catch (fault) {
    const report = await reportFault(fault);
    // WHY: standard output of a stream command belongs to its protocol
    await writeFault(report, isJson, isStream ? process.stderr : process.stdout);
    return EXIT_FAULT;
  } finally {
    if (isLong) await settleOptimizer();
  }
}

async function runCommand(
  command: Command,
  argv: readonly string[],
  isJson: boolean,
): Promise<number> {
  const { spec } = command;
  const end = argv.indexOf("--");
  if ((end === -1 ? argv : argv.slice(0, end)).includes("--help")) {
    const { commandHelp } = await import("./help.ts");
    await write(process.stdout, `${commandHelp(spec)}\n`);
    return EXIT_FINE;
  }
  const args = readArguments(spec, argv);
  const io = processIo(isJson);
  if ("stream" in command && (!("run" in command) || command.streams(args))) {
    return await command.stream(args, io);
  }
  const result = await command.run(args, io);
  await write(process.stdout, isJson ? jsonText(result) : `${result.text}\n`);
  return result.exitCode;
}

function processIo(isJson: boolean): Io {
  const { env } = process;
  const isWatched = process.stderr.isTTY === true && !isJson;
  return {
    env,
    cwd: process.cwd(),
    style: styleFor(process.stdout.isTTY === true, env),
    note: (line) => void process.stderr.write(`portcullis: ${line}\n`),
    progress: (line) => {
      if (isWatched) process.stderr.write(`${line}\n`);
    },
    status: (line) => {
      if (isWatched) process.stderr.write(`\r\u001b[K${line}`);
    },
    // WHY: both ends, since an answer to a question that nobody saw is none
    ask: process.stdin.isTTY === true && process.stderr.isTTY === true ? ask : undefined,
  };
}

/** One line from the terminal; the end of input is an empty answer, and so is an aborted question. */
async function ask(question: string, signal?: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const close = (): void => lines.close();
  signal?.addEventListener("abort", close);
  // WHY: readline takes Ctrl-C for the end of the line; it is meant for the program
  lines.on("SIGINT", () => {
    lines.close();
    process.kill(process.pid, "SIGINT");
  });
  try {
    if (signal?.aborted === true) return "";
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    return await Promise.race([lines.question(question), closed]);
  } finally {
    signal?.removeEventListener("abort", close);
    lines.close();
  }
}

/** INVARIANT: `ok` is true exactly when the exit code is 0. */
function jsonText(result: CommandResult): string {
  return `${JSON.stringify({ ok: result.exitCode === 0, ...result.json }, undefined, 2)}\n`;
}

async function writeFault(
  report: FaultReport,
  isJson: boolean,
  jsonStream: NodeJS.WriteStream,
): Promise<void> {
  const { code, message } = report;
  if (isJson) {
    await write(jsonStream, `${JSON.stringify({ ok: false, error: { code, message } })}\n`);
    return;
  }
  await write(process.stderr, `portcullis: ${message} (${code})\n`);
}

/** Resolves when the text has left this process; a reader that is gone is no fault. */
function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
}

function version(): string {
  const url = new URL("../../../package.json", import.meta.url);
  const manifest: unknown = JSON.parse(readFileSync(url, "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) {
    return String(manifest.version);
  }
  return "unknown";
}
