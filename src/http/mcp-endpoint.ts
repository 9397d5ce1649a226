// `/mcp/<server id>`: finds the connection that a request belongs to.
import { VERDICT_IDENTITY_UNKNOWN, VERDICT_MALFORMED_MESSAGE } from "../abi/verdict.ts";
import { plainError } from "../proxy/answers.ts";
import { metaOf } from "../proxy/complete-listing.ts";
import { valueAt } from "../proxy/json-members.ts";
import type { Caller } from "./auth-types.ts";
import type { Connection } from "./connection.ts";
import { type Connections, NO_CONTEXT, SESSION_HEADER } from "./connections.ts";
import { type EraRefusal, eraOf, MODERN_VERSION } from "./era.ts";
import { onOneLine } from "./line-breaks.ts";
import { headOf, type MessageHead } from "./message-head.ts";
import { accepts, withoutNames } from "./request-checks.ts";

/** A request of somebody who is known. */
export interface Asked {
  readonly serverId: string;
  readonly caller: Caller;
  readonly headers: Headers;
  /** Those that the server may get. */
  readonly forwarded: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

const INVALID_REQUEST = -32600;

export class McpEndpoint {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  async post(asked: Asked, body: Uint8Array): Promise<Response> {
    const line = onOneLine(body);
    const head = headOf(line);
    // no object: whoever takes it refuses it
    if (head === undefined) return await this.#toLane(asked, body, NO_CONTEXT, "null");
    const found = eraOf(line, head, asked.forwarded);
    if ("refusal" in found) return await this.#refuseEra(asked, found.refusal);
    if (found.era === "legacy") return await this.#legacy(legacyOf(asked), body, head);
    const context = metaOf(line, valueAt(line, head.params, "_meta")) ?? NO_CONTEXT;
    return await this.#toLane(asked, body, context, head.key);
  }

  async listen(asked: Asked): Promise<Response> {
    const { headers, forwarded, signal } = asked;
    if (forwarded.get("mcp-protocol-version") === MODERN_VERSION) return notAllowed();
    if (!accepts(headers, "text/event-stream")) return text(406, "expected text/event-stream");
    const session = this.#session(asked);
    if (typeof session === "string") return await this.#withoutSession(asked, session);
    return await session.listen(legacyOf(asked).forwarded, signal);
  }

  async end(asked: Asked): Promise<Response> {
    if (asked.forwarded.get("mcp-protocol-version") === MODERN_VERSION) return notAllowed();
    const session = this.#session(asked);
    if (typeof session === "string") return await this.#withoutSession(asked, session);
    return new Response(null, { status: await session.end() });
  }

  async #legacy(asked: Asked, body: Uint8Array, head: MessageHead): Promise<Response> {
    const { headers, serverId, caller, forwarded, signal } = asked;
    const isOpening = head.kind === "request" && head.method === "initialize";
    if (isOpening && !headers.has(SESSION_HEADER)) {
      return await this.#connections.openSession(
        serverId,
        caller,
        (opened) => opened?.post({ body, forwarded, signal }) ?? text(503, "too many sessions"),
      );
    }
    if (!this.#isKnown(serverId)) return await this.#toLane(asked, body, NO_CONTEXT, head.key);
    if (!headers.has(SESSION_HEADER)) {
      const detail = "expected initialize first, or the header Mcp-Session-Id";
      const id = null;
      return await this.#refuseEra(asked, {
        verdict: VERDICT_MALFORMED_MESSAGE,
        status: 400,
        detail: "a message without a session",
        answer: plainError(id, INVALID_REQUEST, detail).subarray(0, -1),
      });
    }
    const session = this.#session(asked);
    if (typeof session === "string") return await this.#withoutSession(asked, session);
    return await session.post({ body, forwarded, signal });
  }

  #session({ headers, serverId, caller }: Asked): Connection | "nameless" | "other" | "unknown" {
    const id = headers.get(SESSION_HEADER);
    if (id === null) return "nameless";
    return this.#connections.findSession(id, serverId, caller) ?? "unknown";
  }

  /** Somebody else's session is as unknown as one that never was. */
  async #withoutSession(asked: Asked, why: "nameless" | "other" | "unknown"): Promise<Response> {
    if (why === "nameless") return text(400, "expected the header Mcp-Session-Id");
    if (why === "other") {
      const detail = "a session of another caller, or of another server";
      await this.#record(asked, VERDICT_IDENTITY_UNKNOWN, detail);
    } else await this.#record(asked, VERDICT_MALFORMED_MESSAGE, "a session that is not open");
    return text(404, "no such session");
  }

  async #toLane(asked: Asked, body: Uint8Array, context: string, key: string): Promise<Response> {
    const { serverId, caller, forwarded, signal } = asked;
    return await this.#connections.withLane(
      { serverId, caller, context, key },
      (lane) => lane?.post({ body, forwarded, signal }) ?? text(503, "too many connections"),
    );
  }

  async #refuseEra(asked: Asked, refusal: EraRefusal): Promise<Response> {
    const { verdict, detail, status, answer } = refusal;
    await this.#record(asked, verdict, detail);
    const headers = { "content-type": "application/json" };
    return new Response(new Uint8Array(answer), { status, headers });
  }

  async #record({ serverId, caller }: Asked, verdict: number, detail: string): Promise<void> {
    const wanted = { serverId, caller, context: NO_CONTEXT, key: "null" };
    await this.#connections.withLane(wanted, (lane) =>
      lane?.session.recordRefused("client", verdict, detail),
    );
  }

  #isKnown(serverId: string): boolean {
    return this.#connections.catalog.servers.has(serverId);
  }
}

/** Headers of the modern era mean nothing in the legacy one: nobody behind may go by them. */
function legacyOf(asked: Asked): Asked {
  return { ...asked, forwarded: withoutNames(asked.forwarded) };
}

function notAllowed(): Response {
  const response = text(405, "method not allowed");
  response.headers.set("allow", "POST");
  return response;
}

function text(status: number, line: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return new Response(`${line}\n`, { status, headers });
}
