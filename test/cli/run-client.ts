// Real clients of both SDKs in front of `portcullis run`, and the person behind them.
import { Client as ClientOfSdk2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as TransportOfSdk2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as TransportOfSdk1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect } from "vitest";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";

export type ClientKind = "SDK 1.32" | "SDK 2.4 legacy" | "SDK 2.4 modern";
export const CLIENT_KINDS: readonly ClientKind[] = ["SDK 1.32", "SDK 2.4 legacy", "SDK 2.4 modern"];

/** What a person answers. */
export interface Reply {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: Record<string, boolean | number | string>;
}

/** What a person does with a question, in their own time. */
export type Person = (question: string) => Reply | Promise<Reply>;

/** One JSON-RPC message as the SDK's transport has it. */
export interface WireMessage {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly data?: Record<string, unknown> };
}

/** A client behind a guard. */
export interface GuardedClient {
  /** Texts of the questions that were put to the person. */
  readonly questions: readonly string[];
  /** What has gone through the SDK's transport since the connection was made. */
  readonly wire: {
    readonly sent: readonly WireMessage[];
    readonly received: readonly WireMessage[];
  };
  /** What the person says from now on. */
  says(person: Reply | Person): void;
  /** `allowed`, or why not. */
  call(name: string, args?: object): Promise<unknown>;
  /** Sends a message that the SDK itself would not send, through its transport. */
  inject(message: WireMessage): Promise<void>;
  /** The same for a call; `allowed`, `asked`, or why not. */
  injectCall(params: object): Promise<unknown>;
  close(): Promise<void>;
}

const INFO = { name: "test-client", version: "1.0.0" };

/** @param person `undefined`: a client that cannot be asked */
export async function connectClient(
  kind: ClientKind,
  argv: readonly string[],
  person?: Reply | Person,
): Promise<GuardedClient> {
  const questions: string[] = [];
  let current: Reply | Person = person ?? { action: "cancel" };
  const asked: Person = (message) => {
    questions.push(message);
    return typeof current === "function" ? current(message) : current;
  };
  const isAskable = person !== undefined;
  const sdk =
    kind === "SDK 1.32"
      ? await sdk1(argv, isAskable, asked)
      : await sdk2(argv, isAskable, asked, kind === "SDK 2.4 modern");
  const wire = tap(sdk.transport);
  const inject = async (message: WireMessage): Promise<void> => {
    await sdk.transport.send({ jsonrpc: "2.0", ...message });
  };
  return {
    questions,
    wire,
    inject,
    says: (next) => {
      current = next;
    },
    call: async (name, args = FIXTURE_ARGUMENTS.get(name) ?? {}) => {
      try {
        await sdk.call({ name, arguments: { ...args } });
        return "allowed";
      } catch (error) {
        return reasonOf(error);
      }
    },
    injectCall: async (params) => {
      const id = `injected-${wire.sent.length}`;
      await inject({ id, method: "tools/call", params: { ...params } });
      const answer = (): WireMessage | undefined => wire.received.find((one) => one.id === id);
      await expect.poll(answer, { timeout: 20_000 }).toBeDefined();
      const { result, error } = answer() ?? {};
      if (result?.["resultType"] === "input_required") return "asked";
      return error === undefined ? "allowed" : reasonOf(error);
    },
    close: () => sdk.close(),
  };
}

interface Wire {
  onmessage?: ((message: WireMessage, extra?: never) => void) | undefined;
  send(message: WireMessage & { readonly jsonrpc: "2.0" }): Promise<void>;
}

interface Sdk {
  readonly transport: Wire;
  call(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

/** Writes down what passes a transport that is connected. */
function tap(transport: Wire): GuardedClient["wire"] {
  const wire = { sent: [] as WireMessage[], received: [] as WireMessage[] };
  const { onmessage } = transport;
  const send = transport.send.bind(transport);
  transport.onmessage = (message, extra) => {
    wire.received.push(message);
    onmessage?.call(transport, message, extra);
  };
  transport.send = (message, ...rest) => {
    wire.sent.push(message);
    return send(message, ...rest);
  };
  return wire;
}

async function sdk1(argv: readonly string[], isAskable: boolean, asked: Person): Promise<Sdk> {
  const client = new ClientOfSdk1(INFO, { capabilities: isAskable ? { elicitation: {} } : {} });
  if (isAskable) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
      ...(await asked(params.message)),
    }));
  }
  const transport = new TransportOfSdk1(serverOf(argv));
  await client.connect(transport);
  return {
    // @ts-expect-error the SDK's own type of messages is narrower than what a test may send
    transport,
    call: (params) => client.callTool(params),
    close: () => client.close(),
  };
}

async function sdk2(
  argv: readonly string[],
  isAskable: boolean,
  asked: Person,
  isModern: boolean,
): Promise<Sdk> {
  const client = new ClientOfSdk2(INFO, {
    capabilities: isAskable ? { elicitation: {} } : {},
    ...(isModern && { versionNegotiation: { mode: "auto" } }),
  });
  if (isAskable) {
    client.setRequestHandler("elicitation/create", async ({ params }) => ({
      ...(await asked(params.message)),
    }));
  }
  const transport = new TransportOfSdk2(serverOf(argv));
  await client.connect(transport);
  if (client.getProtocolEra() !== (isModern ? "modern" : "legacy")) throw new Error("another era");
  return {
    // @ts-expect-error the SDK's own type of messages is narrower than what a test may send
    transport,
    call: (params) => client.callTool(params),
    close: () => client.close(),
  };
}

function serverOf([...args]: readonly string[]) {
  return { command: process.execPath, args, stderr: "ignore" } as const;
}

function reasonOf(error: unknown): unknown {
  const data: unknown = typeof error === "object" && error ? Reflect.get(error, "data") : error;
  return typeof data === "object" && data !== null ? Reflect.get(data, "reason") : String(error);
}
