// `fetch` over Node's own HTTP client, for servers behind a URL: half the work of the one that Node has
// for everybody, which follows redirects, decodes and caches. A connection is kept for the next request.
import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps, Agent as SecureAgent } from "node:https";
import type { Fetch } from "./guarded-fetch.ts";
import { LIMIT_CONNECT_WAIT_MS } from "./limits.ts";
import { bodyStream } from "./node-body.ts";

/** Milliseconds that a connection waits for its next request; servers of Node give up after 5 000. */
const IDLE_MS = 4_000;
/** Statuses whose responses have no body (RFC 9110). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * A `fetch` for `createGuardHandler` in Node. It takes `method`, `headers`, `signal` and a `body` of
 * bytes; redirects are never followed, and nothing is decoded.
 *
 * @example
 * createGuardHandler({ catalog, auth, fetch: nodeFetch() });
 */
export function nodeFetch(): Fetch {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS });
  const secureAgent = new SecureAgent({ keepAlive: true, timeout: IDLE_MS });
  return (url, init) =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      const { method = "GET", signal } = init;
      const headers = Object.fromEntries(new Headers(init.headers));
      const body = bytesOf(init.body);
      if (body !== undefined) headers["content-length"] = String(body.length);
      const options = { method, headers, ...(signal != null && { signal }) };
      const request =
        target.protocol === "https:"
          ? requestHttps(target, { ...options, agent: secureAgent })
          : requestHttp(target, { ...options, agent });
      request.on("error", reject);
      request.on("close", () => reject(new Error("closed without a response")));
      request.on("response", (incoming) => {
        try {
          resolve(responseOf(incoming));
        } catch (cause) {
          // a status or a header that the standard does not know
          incoming.destroy();
          reject(cause);
        }
      });
      limitConnecting(request);
      request.end(body);
    });
}

function bytesOf(body: unknown): Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (body instanceof Uint8Array) return body;
  throw new TypeError("expected a body of bytes");
}

/** WHY: the system waits two minutes for a machine that answers nothing. */
function limitConnecting(request: ClientRequest): void {
  request.on("socket", (socket) => {
    if (!socket.connecting) return;
    const giveUp = (): void => {
      if (socket.connecting) request.destroy(new Error("no connection in time"));
    };
    // WHY: a process that was busy itself learns of a connection behind its timers
    const timer = setTimeout(() => setImmediate(giveUp), LIMIT_CONNECT_WAIT_MS);
    const stop = (): void => clearTimeout(timer);
    socket.once("connect", stop);
    socket.once("close", stop);
  });
}

function responseOf(incoming: IncomingMessage): Response {
  const { statusCode: status = 0, rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  }
  if (WITHOUT_BODY.has(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  const body = bodyStream(incoming, () => {
    // WHY: all of it is here, so the connection can be used again
    if (incoming.complete) incoming.resume();
    else incoming.destroy();
  });
  return new Response(body, { status, headers });
}
