// A window on a stdio server: `node stdio-tap-process.js LOG CMD ARGS...` runs CMD and writes down
// every line that reaches it, in the form that `readMockLog` reads.
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import process from "node:process";
import { utf8Text } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { isJsonObject, objectOr, parseJson } from "./mock-json.ts";
import type { MockLogEntry } from "./mock-log.ts";
import type { MockCall } from "./mock-state.ts";
import { LineReader } from "./mock-wire.ts";

/**
 * Forwards standard input byte for byte; a line is in the log before the server has it.
 *
 * @throws {GuardError} USAGE without a log file and a command.
 */
function tap(argv: readonly string[]): void {
  const [logFile, command, ...args] = argv;
  if (logFile === undefined || command === undefined) {
    throw new GuardError("USAGE", "expected LOG CMD ARGS..., got fewer arguments");
  }
  const { pid } = process;
  const log = (entry: MockLogEntry): void => appendFileSync(logFile, `${JSON.stringify(entry)}\n`);
  const reader = new LineReader(false);
  const server = spawn(command, args, { stdio: ["pipe", "inherit", "inherit"] });
  log({ event: "start", pid });
  process.stdin.on("data", (chunk: Uint8Array) => {
    for (const bytes of reader.push(chunk)) {
      const line = utf8Text(bytes) ?? "";
      log({ event: "line", pid, line, calls: callsIn(line) });
    }
    server.stdin.write(chunk);
  });
  process.stdin.on("end", () => {
    log({ event: "eof", pid });
    server.stdin.end();
  });
  server.stdin.on("error", () => undefined);
  server.on("exit", (code) => process.exit(code ?? 1));
}

/** The tools/call of a line; of a batch, every one. */
function callsIn(line: string): MockCall[] {
  const value = parseJson(line);
  const messages = Array.isArray(value) ? value.filter(isJsonObject) : [objectOr(value)];
  return messages
    .filter((message) => message["method"] === "tools/call")
    .map((message) => {
      const params = objectOr(message["params"]);
      return { name: String(params["name"]), arguments: params["arguments"] };
    });
}

tap(process.argv.slice(2));
