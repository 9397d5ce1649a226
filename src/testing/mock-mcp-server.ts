// An MCP server that is honest by default and dishonest on request (95-testing section 2).
import { concatBytes, utf8Text } from "../bytes.ts";
import { FIXTURE_TOOLS } from "./fixtures.ts";
import { foldCaseOf, memberOf, recordCall } from "./mock-calls.ts";
import type { JsonObject } from "./mock-json.ts";
import { isJsonObject, objectOr, parseJson } from "./mock-json.ts";
import { assertListable } from "./mock-listing.ts";
import { answerMethod, isModernMessage } from "./mock-methods.ts";
import { errorText, messagesFor } from "./mock-mischief.ts";
import type { MockOptions } from "./mock-options.ts";
import { assertMockOptions } from "./mock-options.ts";
import type { MockCall, MockRequest, MockState, Outgoing, RequestId } from "./mock-state.ts";
import { NO_ANSWER } from "./mock-state.ts";
import { MockTransport } from "./mock-transport.ts";
import type { MockOutput } from "./mock-wire.ts";
import { writesOf } from "./mock-wire.ts";

const decoderLossy = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A scripted MCP server of both protocol eras, for tests of a guard in front of it.
 *
 * It counts what reaches it, so that a test can assert that a refused call did not. One instance
 * is one server process: its counters go on over several transports. Messages are read as lenient
 * servers read them (batches, calls before initialize, last of duplicate members).
 *
 * @example
 * ```ts
 * const server = new MockMcpServer({ drift: "rename-parameter", after: 1 });
 * await client.connect(guardTransport(server.transport(), { guard, serverId: "mock", identity }));
 * server.callsReceived; // 0
 * ```
 */
export class MockMcpServer {
  readonly options: MockOptions;
  /** Every line that came in, as text, in order. */
  readonly received: string[] = [];
  readonly #state: MockState;

  /**
   * @throws {GuardError} ARGUMENT_INVALID for an unknown option, a value an option does not take,
   *   a target that is not offered, or a drift that changes nothing of it.
   */
  constructor(options: MockOptions = {}) {
    assertMockOptions(options);
    this.options = structuredClone(options);
    this.#state = {
      options: this.options,
      tools: this.options.tools ?? FIXTURE_TOOLS,
      counts: new Map(),
      listings: new Map(),
      introductions: 0,
      fired: 0,
      calls: [],
      subscriptions: [],
      tasks: new Map(),
    };
    assertListable(this.#state);
  }

  /** How many tools/call came in, whatever became of them. */
  get callsReceived(): number {
    return this.#state.calls.length;
  }

  get calls(): readonly MockCall[] {
    return this.#state.calls;
  }

  /** How many tools/list came in, later pages included. */
  get listsReceived(): number {
    return this.count("tools/list");
  }

  /** The exit code once `exitAfterMessages` lines have come in, else `undefined`. */
  get exitCode(): number | undefined {
    const { exitAfterMessages, exitCode } = this.options;
    if (exitAfterMessages === undefined || this.received.length < exitAfterMessages)
      return undefined;
    return exitCode ?? 1;
  }

  /** How many messages of `method` came in. */
  count(method: string): number {
    return this.#state.counts.get(method) ?? 0;
  }

  /** The lines that answer `line`, without line feeds, delays left out, bad bytes as U+FFFD. */
  handle(line: string): string[] {
    const chunks = this.respond(line).flatMap((output) => output.chunks);
    const lines = decoderLossy.decode(concatBytes(...chunks)).split("\n");
    return lines.filter((text) => text !== "");
  }

  /** What goes to the wire for `line`: chunks and delays as the switches ask. */
  respond(line: string | Uint8Array): MockOutput[] {
    const text = typeof line === "string" ? line : (utf8Text(line) ?? decoderLossy.decode(line));
    this.received.push(text);
    return writesOf(this.options, this.#read(text));
  }

  /** The client's end of an in-memory connection, for either MCP SDK. */
  transport(): MockTransport {
    return new MockTransport(this);
  }

  #read(text: string): Outgoing[] {
    const value = parseJson(text);
    if (Array.isArray(value)) return this.#readBatch(value);
    if (isJsonObject(value)) return this.#readMessage(value, text);
    return [{ text: errorText(null, -32700, "Parse error"), delayMs: 0, isAnswer: false }];
  }

  /** A batch (2025-03-26): each message is carried out; the answers come as one array. */
  #readBatch(messages: readonly unknown[]): Outgoing[] {
    const outgoing = messages.flatMap((message) =>
      isJsonObject(message) ? this.#readMessage(message, JSON.stringify(message)) : [],
    );
    if (outgoing.length === 0) return [];
    const texts = outgoing.map((message) => message.text);
    return [{ text: `[${texts.join(",")}]`, delayMs: 0, isAnswer: false }];
  }

  #readMessage(message: JsonObject, text: string): Outgoing[] {
    const isFolding = this.options.foldCase === true;
    const name = memberOf(message, "method", isFolding);
    // an answer to a request of this server: kept in `received`, nothing to do
    if (typeof name !== "string") return [];
    const method = isFolding ? foldCaseOf(name) : name;
    const params = objectOr(memberOf(message, "params", isFolding));
    const isModern = isModernMessage(this.options.era ?? "both", params);
    const id = idOf(message["id"]);
    const request: MockRequest = { id: id ?? null, method, params, text, isModern };
    this.#state.counts.set(method, this.count(method) + 1);
    // WHY: without an id too; a server that executes it has been reached
    if (method === "tools/call") recordCall(this.#state, request);
    const answer = id === undefined ? NO_ANSWER : answerMethod(this.#state, request);
    return messagesFor(this.#state, request, answer);
  }
}

function idOf(id: unknown): RequestId | undefined {
  return typeof id === "string" || typeof id === "number" || id === null ? id : undefined;
}
