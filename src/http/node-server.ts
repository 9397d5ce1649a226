// A web-standard handler behind Node's HTTP server: requests in, responses out, both as streams.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { bodyStream } from "./node-body.ts";

/**
 * Answers one request; must not reject. The request's signal is aborted when the client goes before the
 * response is complete.
 */
export type RequestHandler = (request: Request) => Promise<Response>;

/** Milliseconds in which the head of a request has to be complete. */
const HEAD_WAIT_MS = 15_000;
/** Headers that mean one thing at most: two of them are two meanings. */
const SINGLE: readonly string[] = [
  "host",
  "authorization",
  "content-type",
  "content-length",
  "mcp-session-id",
  "last-event-id",
];
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Node's server in front of a handler. It does not listen yet.
 *
 * @example
 * createNodeServer(guard).listen(8787, "127.0.0.1");
 */
export function createNodeServer(handler: RequestHandler): Server {
  const server = createServer((incoming, outgoing) => {
    void serve(handler, incoming, outgoing);
  });
  server.headersTimeout = HEAD_WAIT_MS;
  return server;
}

/**
 * Requests whose responses are open. WHY: a request's own signal follows `abort` for only as long as the
 * request is reachable, and a handler that has answered with a stream keeps the signal alone.
 */
const KEPT = new WeakMap<ServerResponse, Request>();

async function serve(
  handler: RequestHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const abort = new AbortController();
  outgoing.once("close", () => {
    // WHY: an abort that nobody waits for costs as much as the decision
    if (!outgoing.writableFinished) abort.abort();
  });
  outgoing.on("error", () => undefined);
  incoming.on("error", () => undefined);
  try {
    const request = requestOf(incoming, abort.signal);
    if (request !== undefined) KEPT.set(outgoing, request);
    const response = request === undefined ? BAD_REQUEST() : await handler(request);
    await send(response, incoming, outgoing);
  } catch {
    // what is left of it cannot be said any more
    outgoing.destroy();
  }
}

const BAD_REQUEST = (): Response =>
  new Response("expected a request for this server\n", { status: 400 });

/** `undefined` for what is no request for a path of this server, or could be read in two ways. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = "GET", url = "", rawHeaders } = incoming;
  const headers = new Headers();
  const seen = new Map<string, number>();
  try {
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const name = (rawHeaders[at] ?? "").toLowerCase();
      seen.set(name, (seen.get(name) ?? 0) + 1);
      headers.append(name, rawHeaders[at + 1] ?? "");
    }
    if (SINGLE.some((name) => (seen.get(name) ?? 0) > 1)) return undefined;
    const host = headers.get("host") ?? "";
    if (!url.startsWith("/") || !/^[a-z0-9.:[\]_-]+$/i.test(host)) return undefined;
    const hasBody = !WITHOUT_BODY.has(method);
    const init = { method, headers, signal };
    const target = new URL(`http://${host}`);
    const [path = "/", ...query] = url.split("?");
    target.pathname = path;
    target.search = query.join("?");
    if (!hasBody) return new Request(target, init);
    return new Request(target, { ...init, ...bodyOf(incoming) });
  } catch {
    // a method or a header that the standard does not allow
    return undefined;
  }
}

/** WHY: `duplex` is in the standard, and not in the types of every host. */
function bodyOf(incoming: IncomingMessage): RequestInit {
  // WHY: what is refused stays unread until its response is out; `finish` closes then
  const body: unknown = bodyStream(incoming, () => void incoming.pause());
  const init: object = { body, duplex: "half" };
  return init;
}

async function send(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (outgoing.destroyed) {
    await response.body?.cancel();
    return;
  }
  for (const [name, value] of response.headers) outgoing.setHeader(name, value);
  // WHY: a body that was refused is not read to its end
  if (!incoming.complete) outgoing.setHeader("connection", "close");
  outgoing.writeHead(response.status);
  const reader = response.body?.getReader();
  if (reader === undefined) {
    finish(incoming, outgoing);
    return;
  }
  const onClose = (): void => void reader.cancel().catch(() => undefined);
  outgoing.once("close", onClose);
  // WHY: head and body are one write where the body is there already, which saves a tenth of a call; a
  // stream that has nothing to say yet begins all the same
  outgoing.cork();
  setImmediate(() => {
    if (outgoing.writableEnded || outgoing.destroyed) return;
    outgoing.flushHeaders();
    outgoing.uncork();
  });
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(part.value)) await drained(outgoing);
  }
  finish(incoming, outgoing);
}

function finish(incoming: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.end(() => {
    if (!incoming.complete) incoming.destroy();
  });
}

/** Resolves when the client has taken what was written, or has gone. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}
