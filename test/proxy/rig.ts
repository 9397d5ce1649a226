// A guarded connection in memory: a mock server, the session in front of it, a client's two lists.
import { utf8, utf8Text } from "../../src/bytes.ts";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import {
  fingerprintInstructions,
  fingerprintPrompt,
  fingerprintResource,
  fingerprintResourceTemplate,
  fingerprintTool,
} from "../../src/manifest/fingerprint.ts";
import { LineSplitter } from "../../src/proxy/framing.ts";
import type { GuardRecord } from "../../src/proxy/records.ts";
import { GuardSession } from "../../src/proxy/session.ts";
import type { GuardSessionOptions } from "../../src/proxy/session-options.ts";
import type { Drift } from "../../src/store/records.ts";
import { FIXTURE_GRANTS } from "../../src/testing/fixtures.ts";
import {
  FIXTURE_SERVER,
  MockMcpServer,
  type MockOffer,
  type MockOptions,
} from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { catalogOf } from "../fixtures/catalog.ts";
import { NOW_MS, rootSettings, signedCatalog, signedRoot } from "../fixtures/trust.ts";

export const SERVER_ID = "filesystem";
const ALL_FEATURES = [
  "tools",
  "prompts",
  "resources",
  "completions",
  "sampling",
  "elicitation",
  "roots",
  "logging",
  "tasks",
];

export interface CatalogParts {
  readonly offer?: MockOffer;
  readonly allow?: readonly string[];
  readonly methods?: readonly string[];
  readonly onDrift?: "block-server" | "block-tool";
  readonly command?: readonly string[];
  /** Further keys of the server's table. */
  readonly serverKeys?: string;
  /** Further keys of items, by name. */
  readonly itemKeys?: Readonly<Record<string, string>>;
  /** Tables behind the server. */
  readonly rest?: string;
}

function item(table: string, name: string, fingerprint: string, parts: CatalogParts): string {
  const grant = FIXTURE_GRANTS.get(name) ?? { scope: ["fs.read"], effect: "read" };
  return `[servers.${SERVER_ID}.${table}.${JSON.stringify(name)}]
fingerprint = "${fingerprint}"
scope = ${JSON.stringify(grant.scope)}
effect = "${grant.effect}"
${parts.itemKeys?.[name] ?? ""}
`;
}

/** The TOML of a catalog that pins everything `offer` holds. */
export function catalogToml(parts: CatalogParts = {}): string {
  const { offer = FIXTURE_SERVER, allow = ["tools", "prompts", "resources"] } = parts;
  const { tools = [], prompts = [], resources = [], resourceTemplates = [], instructions } = offer;
  const text = `[servers.${SERVER_ID}]
command = ${JSON.stringify(parts.command ?? ["node", "server.js"])}
fingerprint = "@FP@"
max_allowed_scope = ["fs.read", "fs.write", "fs.delete", "net.fetch"]
allow = ${JSON.stringify(allow)}
methods = ${JSON.stringify(parts.methods ?? [])}
on_drift = "${parts.onDrift ?? "block-server"}"
${instructions === undefined ? "" : `instructions = "${fingerprintInstructions(instructions)}"`}
${parts.serverKeys ?? ""}
${tools.map((tool) => item("tools", tool.name, fingerprintTool(tool), parts)).join("")}
${prompts.map((prompt) => item("prompts", prompt.name, fingerprintPrompt(prompt), parts)).join("")}
${resources.map((it) => item("resources", it.uri, fingerprintResource(it), parts)).join("")}
${resourceTemplates
  .map((it) => item("resource_templates", it.uriTemplate, fingerprintResourceTemplate(it), parts))
  .join("")}
${parts.rest ?? ""}`;
  return utf8Text(catalogOf(text)) ?? "";
}

/** A trusted catalog of TOML text. */
export function trust(toml: string): Promise<TrustedCatalog> {
  return TrustedCatalog.open({
    envelope: signedCatalog(toml),
    root: signedRoot(rootSettings()),
    clock: () => NOW_MS,
  });
}

export const ALLOW_ALL: readonly string[] = ALL_FEATURES;

/** What a client reads of a message. */
export interface ClientMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Record<string, unknown>;
  };
}

/** One client, one session, one mock server. Delays of the mock are left out. */
export class Rig {
  readonly mock: MockMcpServer;
  readonly session: GuardSession;
  readonly records: GuardRecord[] = [];
  /** What the client has got, line by line, without line feeds. */
  readonly received: string[] = [];
  /** What the server has got. */
  readonly upstream: string[] = [];
  readonly #fromServer = new LineSplitter(1 << 20);
  readonly #fromClient = new LineSplitter(1 << 20);
  readonly #work: (() => void)[] = [];
  readonly #timers = new Map<object, { atMs: number; run: () => void }>();
  #nowMs = 0;
  #isDraining = false;

  constructor(
    catalog: TrustedCatalog,
    options: MockOptions = FIXTURE_SERVER,
    extra: Partial<GuardSessionOptions> = {},
    drift?: readonly Drift[],
  ) {
    this.mock = new MockMcpServer(options);
    const settings: GuardSessionOptions = {
      catalog,
      serverId: SERVER_ID,
      clock: () => NOW_MS,
      monotonic: () => this.#nowMs,
      timer: (delayMs, run) => {
        const key = {};
        this.#timers.set(key, { atMs: this.#nowMs + delayMs, run });
        return () => this.#timers.delete(key);
      },
      messageSizeMax: 1 << 20,
      onRecord: (record) => this.records.push(record),
      ...extra,
      toClient: (frame) => this.received.push(textOf(frame)),
      toServer: (frame) => {
        this.upstream.push(textOf(frame));
        const copy = frame.slice(0, -1);
        this.#work.push(() => this.#serve(copy));
        // for what is sent on later, when a store has answered
        queueMicrotask(() => this.#drain());
      },
    };
    this.session = new GuardSession(settings, drift);
  }

  /** Sends a line, or a message, from the client; its answers have come when this returns. */
  send(message: string | Uint8Array | object): this {
    const isText = typeof message === "string";
    const bytes =
      message instanceof Uint8Array ? message : utf8(isText ? message : JSON.stringify(message));
    const frame = new Uint8Array(bytes.length + 1);
    frame.set(bytes);
    frame[bytes.length] = 0x0a;
    for (const line of this.#fromClient.push(frame)) this.session.fromClient(line);
    this.#drain();
    return this;
  }

  /** Sends a line from the server, of its own accord. */
  serverSends(message: string | object): this {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    for (const line of this.#fromServer.push(utf8(`${text}\n`))) this.session.fromServer(line);
    this.#drain();
    return this;
  }

  /** Lets time pass; timers that are due run. */
  elapse(ms: number): this {
    this.#nowMs += ms;
    for (const [key, timer] of [...this.#timers]) {
      if (timer.atMs > this.#nowMs) continue;
      this.#timers.delete(key);
      timer.run();
    }
    this.#drain();
    return this;
  }

  /** Everything the client got for a request with this id. */
  answers(id: string | number | null): ClientMessage[] {
    return this.messages().filter((message) => message.id === id && message.method === undefined);
  }

  /** The only answer. */
  answer(id: string | number | null): ClientMessage {
    const [only, ...more] = this.answers(id);
    if (only === undefined || more.length > 0) {
      throw new Error(`expected one answer to ${id}, got ${this.received.join("\n")}`);
    }
    return only;
  }

  messages(): ClientMessage[] {
    return this.received.map((line) => JSON.parse(line));
  }

  /** The reason with which a request ended: `allowed` when it got a result. */
  reason(id: string | number | null): unknown {
    const { error, result } = this.answer(id);
    if (result !== undefined) return "allowed";
    return error?.code === -32700 ? "malformed_message" : error?.data?.["reason"];
  }

  /** Handshake of the legacy era, then every listing. */
  connect(): this {
    this.send(INITIALIZE).send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return this;
  }

  #serve(line: Uint8Array): void {
    for (const { chunks } of this.mock.respond(line)) {
      for (const chunk of chunks) {
        for (const framed of this.#fromServer.push(chunk)) this.session.fromServer(framed);
      }
    }
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    while (this.#work.length > 0) this.#work.shift()?.();
    this.#isDraining = false;
  }
}

function textOf(frame: Uint8Array): string {
  const text = utf8Text(frame.subarray(0, -1));
  if (frame.at(-1) !== 0x0a || text === undefined) throw new Error("not a line of text");
  return text;
}

export const INITIALIZE = {
  jsonrpc: "2.0",
  id: "init",
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: { sampling: {}, elicitation: {}, roots: {} },
    clientInfo: { name: "test", version: "1" },
  },
};

/** A tools/call. */
export function call(
  id: string | number,
  name: string,
  args: object = FIXTURE_ARGUMENTS.get(name) ?? {},
): object {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } };
}

/** A request without parameters. */
export function request(id: string | number, method: string, params: object = {}): object {
  return { jsonrpc: "2.0", id, method, params };
}

/** What every modern request carries. */
export const MODERN_META: Readonly<Record<string, unknown>> = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
};

/** What the server itself says. */
export function direct(options: MockOptions, message: object): string {
  return new MockMcpServer(options).handle(JSON.stringify(message))[0] ?? "";
}

/** The message as a modern client sends it. */
export function modern(message: object, more: object = {}): object {
  const params = "params" in message && typeof message.params === "object" ? message.params : {};
  return { ...message, params: { ...params, _meta: { ...MODERN_META, ...more } } };
}
