// An agent as they are: the official MCP client on stdio. The package is loaded when it is needed,
// because a guard does not depend on it.
import { GuardError } from "../errors.ts";
import { isJsonObject, objectOr } from "./mock-json.ts";

/** What an agent gets for a call. */
export interface AgentAnswer {
  /** `allow`, or what the refusal says of itself. */
  readonly outcome: string;
  readonly reason: string;
  /** The result's text, or the message of the refusal. */
  readonly text: string;
}

export interface DemoAgent {
  listTools(): Promise<readonly string[]>;
  callTool(name: string, args: Readonly<Record<string, unknown>>): Promise<AgentAnswer>;
  close(): Promise<void>;
}

export interface AgentOptions {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const SDK = "@modelcontextprotocol/sdk";

/**
 * Starts a stdio server and connects an MCP client to it.
 *
 * @throws {GuardError} DEPENDENCY_MISSING when the MCP SDK is not installed; SERVER_START when the
 *   server does not answer.
 */
export async function connectAgent(options: AgentOptions): Promise<DemoAgent> {
  const { Client, StdioClientTransport } = await loadSdk();
  const [command = "", ...args] = options.command;
  const env = { ...options.env };
  const transport = new StdioClientTransport({ command, args, env, stderr: "pipe" });
  // WHY: a pipe that nobody reads fills up and stops the server
  let stderrText = "";
  transport.stderr?.on("data", (chunk: unknown) => {
    stderrText += String(chunk);
  });
  const client = new Client({ name: "portcullis-demo", version: "1.0.0" });
  try {
    await client.connect(transport);
  } catch (cause) {
    const [line = "nothing"] = stderrText.trim().split("\n").slice(-1);
    throw new GuardError("SERVER_START", `expected a server, got: ${line}`, { cause });
  }
  return {
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    callTool: async (name, callArguments) => {
      try {
        return answerOf(await client.callTool({ name, arguments: { ...callArguments } }));
      } catch (refusal) {
        return refusalOf(refusal);
      }
    },
    close: () => client.close(),
  };
}

async function loadSdk() {
  try {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    return { Client, StdioClientTransport };
  } catch (cause) {
    throw new GuardError(
      "DEPENDENCY_MISSING",
      `expected the package ${SDK}, got none; run npm install --no-save ${SDK}@1.32.2`,
      { cause },
    );
  }
}

function answerOf(result: unknown): AgentAnswer {
  const { content, isError } = objectOr(result);
  const texts = (Array.isArray(content) ? content : []).filter(isJsonObject);
  const text = texts.map((part) => String(part["text"] ?? "")).join("\n");
  if (isError === true) return { outcome: "error", reason: "server_error", text };
  return { outcome: "allow", reason: "allowed", text };
}

/** A refusal arrives as a protocol error whose data says what it is (50-proxy section 2). */
function refusalOf(refusal: unknown): AgentAnswer {
  const text = refusal instanceof Error ? refusal.message : String(refusal);
  const held: unknown = refusal instanceof Error && "data" in refusal ? refusal.data : undefined;
  const { outcome, reason } = objectOr(held);
  if (typeof outcome === "string" && typeof reason === "string") return { outcome, reason, text };
  return { outcome: "error", reason: "protocol_error", text };
}
