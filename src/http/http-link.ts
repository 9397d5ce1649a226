// A server behind a URL: every message a POST of its own, answers as JSON or as a stream of events.

import { readString } from "../proxy/json-members.ts";
import { LIMIT_ADMISSION_WAIT_MS } from "../proxy/limits.ts";
import { systemTimer, type Timer } from "../proxy/timer.ts";
import { readLimited } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { type Fetch, guardedFetch } from "./guarded-fetch.ts";
import { LIMIT_TELL_WAIT_MS } from "./limits.ts";
import type { Link, LinkEvents, Outgoing } from "./link.ts";
import { headOf, versionSpan } from "./message-head.ts";
import { mediaTypeOf } from "./request-checks.ts";
import { SseReader } from "./sse.ts";

export interface HttpLinkOptions {
  readonly serverId: string;
  readonly url: URL;
  readonly era: "legacy" | "modern";
  /** The server's credentials: header -> value. */
  readonly credentials: ReadonlyMap<string, string>;
  readonly fetch: Fetch;
  /** Bytes of one message of the server. */
  readonly messageSizeMax: number;
  readonly timer?: Timer | undefined;
}

const SESSION = "mcp-session-id";
const VERSION = "mcp-protocol-version";
const BOTH_TYPES = "application/json, text/event-stream";
const CANCELLED = "notifications/cancelled";
/** Statuses of a server that say something about the client's message. */
const PASSED_STATUSES: ReadonlySet<number> = new Set([400, 404, 405, 406, 409, 413, 415, 422, 429]);

export class HttpLink implements Link {
  readonly #options: HttpLinkOptions;
  readonly #events: LinkEvents;
  readonly #timer: Timer;
  readonly #open = new Map<string, AbortController>();
  readonly #streams = new Set<AbortController>();
  /** The server's own session id, which no client sees. */
  #sessionId: string | undefined;
  /** Revision that the client named last; the guard's own requests of a session name it, too. */
  #version: string | undefined;

  constructor(options: HttpLinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#timer = options.timer ?? systemTimer;
  }

  request(message: Outgoing): void {
    const { key = "" } = message;
    const abort = new AbortController();
    this.#open.set(key, abort);
    const isOwn = message.exchange === undefined;
    const stopTimer = isOwn
      ? this.#timer(LIMIT_ADMISSION_WAIT_MS, () => abort.abort())
      : () => undefined;
    void this.#exchange(message, key, abort).finally(() => {
      stopTimer();
      if (this.#open.get(key) === abort) this.#open.delete(key);
    });
  }

  async tell(message: Outgoing): Promise<number> {
    const { era } = this.#options;
    // the end of its stream is what tells a modern server
    if (era === "modern" && headOf(message.body)?.method === CANCELLED) return 202;
    const abort = new AbortController();
    const stopTimer = this.#timer(LIMIT_TELL_WAIT_MS, () => abort.abort());
    try {
      const response = await this.#post(message, abort.signal);
      await response.body?.cancel();
      if (response.status === 404 && this.#sessionId !== undefined) this.#events.lost();
      return PASSED_STATUSES.has(response.status) || response.ok ? response.status : 502;
    } catch {
      return 502;
    } finally {
      stopTimer();
    }
  }

  abandon(key: string): boolean {
    this.#open.get(key)?.abort();
    this.#open.delete(key);
    return true;
  }

  listen(stream: Exchange): void {
    const abort = new AbortController();
    this.#streams.add(abort);
    void this.#listen(stream, abort).finally(() => this.#streams.delete(abort));
  }

  async end(): Promise<number> {
    if (this.#sessionId === undefined) return 204;
    const abort = new AbortController();
    const stopTimer = this.#timer(LIMIT_TELL_WAIT_MS, () => abort.abort());
    try {
      const response = await this.#fetch(
        "DELETE",
        this.#headers(new Map()),
        undefined,
        abort.signal,
      );
      await response.body?.cancel();
      return PASSED_STATUSES.has(response.status) || response.ok ? response.status : 502;
    } catch {
      return 502;
    } finally {
      stopTimer();
    }
  }

  close(): void {
    for (const abort of [...this.#open.values(), ...this.#streams]) abort.abort();
    this.#open.clear();
    this.#streams.clear();
  }

  async #exchange(message: Outgoing, key: string, abort: AbortController): Promise<void> {
    const { serverId } = this.#options;
    const { exchange } = message;
    let detail = `server ${serverId} has given no answer`;
    try {
      const response = await this.#post(message, abort.signal);
      if (this.#options.era === "legacy") {
        // the modern era knows no sessions
        this.#sessionId ??= response.headers.get(SESSION) ?? undefined;
      }
      const refusal = this.#refusalOf(response);
      if (refusal === "lost") {
        exchange?.close(new Response("no such session", { status: 404 }));
        this.#events.lost();
        return;
      }
      if (refusal !== undefined) {
        detail = refusal;
        await response.body?.cancel();
      } else if (mediaTypeOf(response.headers) === "text/event-stream") {
        const isResumable = await this.#stream(response, exchange, abort.signal);
        if (isResumable && this.#options.era === "legacy" && exchange !== undefined) {
          if (!abort.signal.aborted) this.#events.paused(key);
          return;
        }
        detail = `server ${serverId} has ended its stream without an answer`;
      } else {
        detail = await this.#json(response, exchange, abort.signal);
      }
    } catch {
      detail = `server ${serverId} cannot be reached, or broke off`;
    }
    if (!abort.signal.aborted || message.exchange === undefined) this.#events.settled(key, detail);
  }

  /** Why nothing of this response is looked at; `lost` when the session is no more. */
  #refusalOf({ status, headers }: Response): string | undefined {
    const { serverId } = this.#options;
    if (status === 404 && this.#sessionId !== undefined) return "lost";
    if (status === 401 || status === 403 || status === 407) {
      return `server ${serverId} refused the guard's own credentials (HTTP ${status})`;
    }
    if (status >= 300 && status < 400) {
      return `server ${serverId} redirects to where the guard does not follow (HTTP ${status})`;
    }
    const coding = headers.get("content-encoding") ?? "identity";
    if (coding !== "identity")
      return `server ${serverId} answered in an encoding that was not asked for`;
    return undefined;
  }

  async #json(
    response: Response,
    exchange: Exchange | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const { serverId, messageSizeMax } = this.#options;
    const { status } = response;
    if (status >= 400) exchange?.setStatus(PASSED_STATUSES.has(status) ? status : 502);
    const answered = `server ${serverId} answered with HTTP ${status} and nothing that is an answer`;
    if (mediaTypeOf(response.headers) !== "application/json") {
      await response.body?.cancel();
      return answered;
    }
    const text = await readLimited(response.body, messageSizeMax);
    if (text === "too-large") return `the answer of server ${serverId} is over the limit`;
    if (!signal.aborted && text.length > 0) this.#events.message(text, exchange);
    return answered;
  }

  /** Passes events on as they come; true when the client may ask for the rest of them. */
  async #stream(
    response: Response,
    exchange: Exchange | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    exchange?.openStream();
    const reader = response.body?.getReader();
    if (reader === undefined) return false;
    const events = new SseReader(this.#options.messageSizeMax);
    let isResumable = false;
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        for (const event of events.push(part.value)) {
          if (signal.aborted) return isResumable;
          if (event === "too-large") {
            this.#events.dropped("an event of the server is over the limit");
            return false;
          }
          isResumable ||= event.id !== undefined;
          if (event.type !== "message") {
            this.#events.dropped("an event of the server that is no message");
          } else if (event.data.length > 0) {
            this.#events.message(event.data, exchange, event);
          } else if (exchange?.isOpen === true) exchange.push(event.data, event);
        }
        if (events.takeComment()) exchange?.beat();
        await (exchange?.room() ?? this.#events.room());
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
    return isResumable;
  }

  async #listen(stream: Exchange, abort: AbortController): Promise<void> {
    const { serverId } = this.#options;
    const onGone = (): void => abort.abort();
    void stream.ended.then(onGone);
    try {
      const headers = this.#headers(stream.forwarded);
      headers.set("accept", "text/event-stream");
      const response = await this.#fetch("GET", headers, undefined, abort.signal);
      const refusal = this.#refusalOf(response);
      const isStream = mediaTypeOf(response.headers) === "text/event-stream";
      if (refusal === undefined && response.ok && isStream) {
        await this.#stream(response, stream, abort.signal);
        this.#events.streamEnded(stream);
        return;
      }
      await response.body?.cancel();
      const { status } = response;
      const passed = PASSED_STATUSES.has(status) ? status : 502;
      stream.close(new Response(null, { status: passed }));
      if (refusal === "lost") this.#events.lost();
    } catch {
      const text = `server ${serverId} cannot be reached`;
      stream.close(new Response(text, { status: 502 }));
    }
  }

  #post({ body, exchange, forwarded }: Outgoing, signal: AbortSignal): Promise<Response> {
    const headers = this.#headers(forwarded);
    headers.set("content-type", "application/json");
    if (exchange === undefined) this.#nameOwn(headers, body);
    else this.#version = forwarded.get(VERSION) ?? this.#version;
    return this.#fetch("POST", headers, body, signal);
  }

  /** The headers of the modern era for a request that no client has sent. */
  #nameOwn(headers: Headers, body: Uint8Array): void {
    const head = headOf(body);
    const version = head && readString(body, versionSpan(body, head));
    if (head === undefined || version === undefined) {
      if (!headers.has(VERSION) && this.#version !== undefined) headers.set(VERSION, this.#version);
      return;
    }
    headers.set(VERSION, version);
    headers.set("mcp-method", head.method);
  }

  #headers(forwarded: ReadonlyMap<string, string>): Headers {
    const headers = new Headers();
    for (const [name, value] of forwarded) headers.set(name, value);
    headers.set("accept", BOTH_TYPES);
    headers.set("accept-encoding", "identity");
    for (const [name, value] of this.#options.credentials) headers.set(name, value);
    if (this.#sessionId !== undefined) headers.set(SESSION, this.#sessionId);
    return headers;
  }

  #fetch(
    method: string,
    headers: Headers,
    body: Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<Response> {
    const { fetch, url } = this.#options;
    return guardedFetch({ fetch, url, method, headers, body, signal });
  }
}
