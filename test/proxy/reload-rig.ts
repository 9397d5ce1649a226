// A guarded connection that goes on only when it is told to: what is on its way to the server waits
// until `serve`, so that a catalog can be replaced at any moment.
import { utf8, utf8Text } from "../../src/bytes.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { LineSplitter } from "../../src/proxy/framing.ts";
import type { GuardRecord } from "../../src/proxy/records.ts";
import { GuardSession } from "../../src/proxy/session.ts";
import type { GuardSessionOptions } from "../../src/proxy/session-options.ts";
import {
  FIXTURE_SERVER,
  MockMcpServer,
  type MockOffer,
  type MockOptions,
} from "../../src/testing/index.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { type CatalogParts, type ClientMessage, catalogToml, SERVER_ID, trust } from "./rig.ts";

/** A trusted catalog of this version. */
export function version(number: number, parts: CatalogParts = {}): Promise<TrustedCatalog> {
  return trust(catalogToml(parts).replace("version = 7", `version = ${number}`));
}

/** What an offer is without one tool. */
export function without(tool: string): MockOffer {
  const tools = FIXTURE_SERVER.tools?.filter(({ name }) => name !== tool) ?? [];
  return { ...FIXTURE_SERVER, tools };
}

/** A message as the server has got it. */
export interface UpstreamMessage {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: unknown;
}

export class StepRig {
  readonly mock: MockMcpServer;
  readonly session: GuardSession;
  readonly records: GuardRecord[] = [];
  readonly received: ClientMessage[] = [];
  readonly upstream: UpstreamMessage[] = [];
  nowMs: number = NOW_MS;
  #elapsedMs = 0;
  readonly #timers = new Map<object, { readonly atMs: number; readonly run: () => void }>();
  readonly #queue: Uint8Array[] = [];
  readonly #fromServer = new LineSplitter(1 << 20);
  readonly #fromClient = new LineSplitter(1 << 20);

  constructor(
    catalog: TrustedCatalog,
    options: MockOptions = FIXTURE_SERVER,
    extra: Partial<GuardSessionOptions> = {},
  ) {
    this.mock = new MockMcpServer(options);
    this.session = new GuardSession({
      catalog,
      serverId: SERVER_ID,
      clock: () => this.nowMs,
      monotonic: () => this.#elapsedMs,
      timer: (delayMs, run) => {
        const key = {};
        this.#timers.set(key, { atMs: this.#elapsedMs + delayMs, run });
        return () => this.#timers.delete(key);
      },
      messageSizeMax: 1 << 20,
      onRecord: (record) => this.records.push(record),
      ...extra,
      toClient: (frame) => this.received.push(JSON.parse(utf8Text(frame) ?? "")),
      toServer: (frame) => {
        this.upstream.push(JSON.parse(utf8Text(frame) ?? ""));
        this.#queue.push(frame.slice(0, -1));
      },
    });
  }

  /** Sends messages from the client. */
  send(...messages: readonly object[]): this {
    for (const message of messages) {
      const bytes = utf8(`${JSON.stringify(message)}\n`);
      for (const line of this.#fromClient.push(bytes)) this.session.fromClient(line);
    }
    return this;
  }

  /** Lets the server handle `count` messages that wait for it, or all there will be. */
  serve(count: number = Number.POSITIVE_INFINITY): this {
    for (let served = 0; served < count; served++) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      for (const { chunks } of this.mock.respond(next)) {
        for (const chunk of chunks) this.#push(chunk);
      }
    }
    return this;
  }

  /** Sends a line from the server, of its own accord. */
  serverSends(message: object): this {
    this.#push(utf8(`${JSON.stringify(message)}\n`));
    return this;
  }

  /** Puts a catalog in force. */
  replace(catalog: TrustedCatalog): this {
    this.session.replaceCatalog(catalog);
    return this;
  }

  elapse(ms: number): this {
    this.#elapsedMs += ms;
    for (const [key, timer] of [...this.#timers]) {
      if (timer.atMs > this.#elapsedMs) continue;
      this.#timers.delete(key);
      timer.run();
    }
    return this;
  }

  answers(id: string | number): ClientMessage[] {
    return this.received.filter((message) => message.id === id && message.method === undefined);
  }

  /** `allowed`, the reason of the refusal, or `undefined` while there is no answer. */
  reason(id: string | number): unknown {
    const [only, ...more] = this.answers(id);
    if (more.length > 0) throw new Error(`expected one answer to ${id}, got ${more.length + 1}`);
    if (only === undefined) return undefined;
    return only.result === undefined ? only.error?.data?.["reason"] : "allowed";
  }

  /** Methods of what went upstream, from `start` on. */
  methods(start = 0): (string | undefined)[] {
    return this.upstream.slice(start).map(({ method }) => method);
  }

  /** Names of the tools in an answer to tools/list. */
  toolsOf(id: string | number): unknown {
    const tools = this.answers(id)[0]?.result?.["tools"];
    return Array.isArray(tools) ? tools.map(({ name }) => name) : tools;
  }

  /** Methods of the notifications that the client has got. */
  heard(): (string | undefined)[] {
    return this.received.filter(({ id }) => id === undefined).map(({ method }) => method);
  }

  #push(chunk: Uint8Array): void {
    for (const line of this.#fromServer.push(chunk)) this.session.fromServer(line);
  }
}
