// A guard over HTTP in memory: a mock server behind `fetch`, a client that writes requests itself.
import { toHex, utf8 } from "../../src/bytes.ts";
import { createGuardHandler, type GuardHandler } from "../../src/http/handler.ts";
import type { GuardHandlerOptions, HttpRecord } from "../../src/http/options.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { FIXTURE_SERVER, type MockOptions } from "../../src/testing/index.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { type CatalogParts, catalogToml, SERVER_ID, trust } from "../proxy/rig.ts";
import { MockUpstream } from "./mock-upstream.ts";

export const UPSTREAM_URL = "https://mcp.example.com/mcp";
export const GUARD_URL = `http://localhost:8787/mcp/${SERVER_ID}`;
export const TOKEN = "token-of-agent-a-0123456789abcdef";
export const OTHER_TOKEN = "token-of-agent-b-0123456789abcdef";
export const MODERN = "2026-07-28";

export function digestOf(token: string): string {
  return toHex(sha256(utf8(token)));
}

export const TOKENS = [
  { sha256: digestOf(TOKEN), principal: "agent:a" },
  { sha256: digestOf(OTHER_TOKEN), principal: "agent:b" },
];

/** A catalog whose server is behind a URL. */
export function httpCatalogToml(parts: CatalogParts = {}, url: string = UPSTREAM_URL): string {
  return catalogToml(parts).replace(/^command = .*$/m, `url = ${JSON.stringify(url)}`);
}

export interface Answer {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Record<string, unknown>;
  };
}

export interface PostOptions {
  readonly token?: string | null;
  readonly session?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly signal?: AbortSignal;
}

export class HttpRig {
  readonly guard: GuardHandler;
  readonly upstream: MockUpstream;
  readonly records: HttpRecord[];

  private constructor(guard: GuardHandler, upstream: MockUpstream, records: HttpRecord[]) {
    this.guard = guard;
    this.upstream = upstream;
    this.records = records;
  }

  static async start(
    parts: CatalogParts = {},
    extra: Partial<GuardHandlerOptions> = {},
    mock: MockOptions = parts.offer ?? FIXTURE_SERVER,
  ): Promise<HttpRig> {
    const upstream = new MockUpstream(mock);
    const records: HttpRecord[] = [];
    const guard = createGuardHandler({
      catalog: await trust(httpCatalogToml(parts)),
      auth: { tokens: TOKENS },
      fetch: upstream.fetch,
      clock: () => NOW_MS,
      onRecord: (record) => records.push(record),
      ...extra,
    });
    return new HttpRig(guard, upstream, records);
  }

  /** POSTs a message, or a text as it stands. */
  post(message: object | string | Uint8Array, options: PostOptions = {}): Promise<Response> {
    const { token = TOKEN, session, headers = {}, url = GUARD_URL, signal } = options;
    const isRaw = typeof message === "string" || message instanceof Uint8Array;
    const body = isRaw ? message : JSON.stringify(message);
    return this.guard(
      new Request(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(session !== undefined && { "mcp-session-id": session }),
          ...headers,
        },
        body: typeof body === "string" ? body : new Uint8Array(body),
        ...(signal !== undefined && { signal }),
      }),
    );
  }

  /** POSTs a request of the modern era with the headers that belong to it. */
  modern(method: string, params: object = {}, options: ModernOptions = {}): Promise<Response> {
    const { id = 1, capabilities = {}, headers = {} } = options;
    const message = modernRequest(method, params, { id, capabilities });
    return this.post(message, { ...options, headers: { ...modernHeaders(message), ...headers } });
  }

  /** Opens a session of the legacy era; gives its id. */
  async open(options: PostOptions & { readonly capabilities?: object } = {}): Promise<string> {
    const { capabilities = {} } = options;
    const response = await this.post(initialize(capabilities), options);
    const session = response.headers.get("mcp-session-id") ?? "";
    await response.text();
    const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };
    const told = await this.post(initialized, { ...options, session });
    if (told.status !== 202) throw new Error(`expected 202, got ${told.status}`);
    return session;
  }

  /** The reasons of refused messages, in order. */
  reasons(): string[] {
    return this.records
      .filter(({ kind, outcome }) => kind !== "listing" && outcome !== "allow")
      .map(({ reason }) => reason);
  }

  get callsReceived(): number {
    return this.upstream.mock.callsReceived;
  }
}

export interface ModernOptions extends PostOptions {
  readonly id?: string | number;
  readonly capabilities?: object;
}

export function initialize(capabilities: object = {}): object {
  const clientInfo = { name: "test", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities, clientInfo };
  return { jsonrpc: "2.0", id: "init", method: "initialize", params };
}

export function call(id: number | string, name: string, args: object = {}): object {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } };
}

export interface ModernRequest {
  readonly jsonrpc: "2.0";
  readonly id: string | number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

export function modernRequest(
  method: string,
  params: object,
  { id = 1, capabilities = {} }: { id?: string | number; capabilities?: object } = {},
): ModernRequest {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
  return { jsonrpc: "2.0", id, method, params: { ...params, _meta } };
}

export function modernHeaders({ method, params }: ModernRequest): Record<string, string> {
  const name = params["name"] ?? params["uri"] ?? params["taskId"];
  return {
    "mcp-protocol-version": MODERN,
    "mcp-method": method,
    ...(typeof name === "string" && { "mcp-name": name }),
  };
}

/** The messages of a response, whatever its form. */
export async function messagesOf(response: Response): Promise<Answer[]> {
  const text = await response.text();
  if (response.headers.get("content-type") !== "text/event-stream") {
    return text === "" ? [] : [JSON.parse(text)];
  }
  return text
    .split("\n\n")
    .flatMap((event) => /^data: (.+)$/m.exec(event)?.[1] ?? [])
    .map((data) => JSON.parse(data));
}

/** The last message of a response: the answer. */
export async function answerOf(response: Response): Promise<Answer> {
  const answer = (await messagesOf(response)).at(-1);
  if (answer === undefined) throw new Error(`expected an answer, got HTTP ${response.status}`);
  return answer;
}

/** The reason of a refusal; `allowed` for a result. */
export async function reasonOf(response: Response): Promise<unknown> {
  const { result, error } = await answerOf(response);
  if (result !== undefined) return "allowed";
  return error?.data?.["reason"] ?? error?.code;
}
