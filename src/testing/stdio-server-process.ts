// A mock server as a process: `node stdio-server-process.js '<options as JSON>'` or `@<file>`.
// With a file, its argv stays the same while its behaviour changes between two starts.
import { appendFileSync, readFileSync } from "node:fs";
import process from "node:process";
import type { MockLogEntry } from "./mock-log.ts";
import { MockMcpServer } from "./mock-mcp-server.ts";
import type { MockOptions } from "./mock-options.ts";
import { parseMockOptions } from "./mock-options.ts";
import { ChunkWriter, LineReader } from "./mock-wire.ts";

const KEEP_ALIVE_MS = 60_000;

/**
 * Serves a mock server on stdin and stdout until stdin ends.
 *
 * Each message is in `logFile` before its answer leaves, so that a log read after an answer is
 * complete up to it.
 */
function serve(options: MockOptions): void {
  const server = new MockMcpServer(options);
  const reader = new LineReader(options.splitOnCr === true);
  const writer = new ChunkWriter((chunk) => process.stdout.write(chunk));
  const { logFile, stderrText } = options;
  const log = (entry: MockLogEntry): void => {
    if (logFile !== undefined) appendFileSync(logFile, `${JSON.stringify(entry)}\n`);
  };
  const { pid } = process;
  const chatter = (): void => {
    if (stderrText !== undefined) process.stderr.write(`${stderrText}\n`);
  };

  log({ event: "start", pid });
  chatter();
  if (options.ignoreSigterm === true) {
    process.on("SIGTERM", () => log({ event: "sigterm", pid }));
  }
  process.stdin.on("data", (chunk: Uint8Array) => {
    for (const bytes of reader.push(chunk)) {
      if (server.exitCode !== undefined) return;
      const callsBefore = server.callsReceived;
      const outputs = server.respond(bytes);
      const line = server.received.at(-1) ?? "";
      log({ event: "line", pid, line, calls: server.calls.slice(callsBefore) });
      chatter();
      writer.send(outputs);
      if (server.exitCode !== undefined) exit(writer, server.exitCode);
    }
  });
  process.stdin.on("end", () => {
    log({ event: "eof", pid });
    if (options.stayAfterEof === true) setInterval(() => undefined, KEEP_ALIVE_MS);
  });
  // the reader of stdout may be gone first; that is no fault of this process
  process.stdout.on("error", () => process.exit(0));
}

function exit(writer: ChunkWriter, code: number): void {
  void writer.stop().then(() => process.stdout.write("", () => process.exit(code)));
}

const argument = process.argv[2] ?? "{}";
serve(
  parseMockOptions(argument.startsWith("@") ? readFileSync(argument.slice(1), "utf8") : argument),
);
