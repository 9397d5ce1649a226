// Starts a stdio server, lists what it offers, and ends it.
import { LIMIT_MESSAGE_STDIO_BYTES } from "../abi/limits.ts";
import { quote } from "../errors.ts";
import { type FramedLine, LineSplitter } from "./framing.ts";
import {
  type ListServerOptions,
  type LiveManifest,
  listServer,
  type ServerLines,
} from "./manifest-client.ts";
import { StdioChild } from "./stdio-child.ts";

export interface ListStdioOptions extends ListServerOptions {
  /** argv. */
  readonly command: readonly string[];
  /** Names of variables beyond the basic ones. */
  readonly env?: readonly string[];
  /** Variables with their values, as a client's configuration has them. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Default `ignore`. */
  readonly stderr?: "inherit" | "ignore";
}

/** Milliseconds a listed server has to end by itself. */
const PATIENCE_MS = 1_000;

/**
 * As `listServer`, for a command.
 *
 * @throws {GuardError} SERVER_START when it cannot be started or ends too early; SERVER_PROTOCOL
 */
export async function listStdioServer(options: ListStdioOptions): Promise<LiveManifest> {
  const { command, env = [], variables = {}, stderr = "ignore" } = options;
  const child = await StdioChild.start({ command, env, variables, stderr });
  try {
    return await listServer(linesOf(child, command), options);
  } finally {
    child.close(PATIENCE_MS);
    await child.exit;
  }
}

function linesOf(child: StdioChild, command: readonly string[]): ServerLines {
  const splitter = new LineSplitter(LIMIT_MESSAGE_STDIO_BYTES);
  let onLine: ((line: FramedLine) => void) | undefined;
  child.stdout.on("data", (chunk: Uint8Array) => {
    for (const line of splitter.push(chunk)) onLine?.(line);
  });
  return {
    send: (frame) => {
      child.stdin.write(frame);
    },
    onLine: (listener) => {
      onLine = listener;
    },
    onEnd: (listener) => {
      void child.exit.then(({ code, signal }) => {
        const how = signal ?? `exit code ${code ?? 0}`;
        listener(`expected ${quote(command.join(" "))} to stay until it is listed, got ${how}`);
      });
    },
  };
}
