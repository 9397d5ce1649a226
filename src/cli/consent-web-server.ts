// The local page for pending questions: an HTTP server on the loopback interface.
//
// Who may answer: a browser that opened the link (its token works once), which then holds a cookie that
// scripts cannot read and a key that cookies do not carry. Cookies know no ports: another program on
// this machine may be shown ours, and cannot do anything with it without the key.
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";

import { type Clock, randomBytes } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { Answer, Question } from "../store/records.ts";
import type { SyncStateStore } from "../store/types.ts";
import { leaseAnswer } from "./consent-answers.ts";
import { messageHtml, PAGE_STYLE, pageHtml } from "./consent-page.ts";

/** The only address that is listened on. */
export const WEB_HOST = "127.0.0.1";
/** Bytes of a request's body, at most. */
export const LIMIT_WEB_BODY_BYTES = 4096;
/** Milliseconds for which the link may be opened. */
export const WEB_TOKEN_MS = 600_000;

const COOKIE = "portcullis";
const KEY_HEADER = "x-portcullis-key";
const SECRET_SIZE_BYTES = 32;
const CONNECTIONS_MAX = 32;
const REQUEST_MS_MAX = 10_000;

const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** What is answered to one request. */
interface Reply {
  readonly status: number;
  readonly type: "html" | "css" | "javascript" | "json";
  readonly body: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** The page of one store. */
export class ConsentWebServer {
  readonly #store: SyncStateStore;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #token: string = secret();
  readonly #session: string = secret();
  readonly #key: string = secret();
  readonly #tokenUntilMs: number;
  #isTokenUsed = false;
  #port = 0;

  constructor(store: SyncStateStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#tokenUntilMs = clock() + WEB_TOKEN_MS;
    this.#server = createServer({ requestTimeout: REQUEST_MS_MAX, maxHeaderSize: 8192 });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on("request", (request, response) => void this.#serve(request, response));
  }

  /**
   * Listens.
   *
   * @param port 0 = any that is free
   * @returns the link that opens the page, once
   * @throws {GuardError} ARGUMENT_INVALID when the port cannot be had
   */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => {
        const message = `expected a free port, got ${port}, which cannot be had; use --port 0`;
        reject(new GuardError("ARGUMENT_INVALID", message, { cause }));
      });
      this.#server.listen({ host: WEB_HOST, port, exclusive: true }, resolve);
    });
    const address = this.#server.address();
    this.#port = typeof address === "object" && address !== null ? address.port : 0;
    return `${this.#origin()}/?token=${this.#token}`;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #origin(): string {
    return `http://${WEB_HOST}:${this.#port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: Reply;
    try {
      reply = await this.#reply(request);
    } catch (fault) {
      reply = refused(500, fault instanceof GuardError ? fault.message : "the page has failed");
    }
    const size = Buffer.byteLength(reply.body);
    response.writeHead(reply.status, {
      ...HEADERS,
      ...reply.headers,
      "Content-Type": `${reply.type === "json" ? "application" : "text"}/${reply.type}; charset=utf-8`,
      "Content-Length": size,
      // WHY: a body that was too long is not read to its end
      ...(reply.status === 413 ? { Connection: "close" } : {}),
    });
    response.end(request.method === "HEAD" ? "" : reply.body);
  }

  async #reply(request: IncomingMessage): Promise<Reply> {
    const { method = "", headers } = request;
    // WHY: a name that an attacker's server resolves to this address is another host (DNS rebinding)
    if (headers.host !== `${WEB_HOST}:${this.#port}`) return refused(421, "another host");
    const { origin } = headers;
    if (origin !== undefined && origin !== this.#origin()) return refused(403, "another origin");
    const site = headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin" && site !== "none") {
      return refused(403, "another site");
    }
    const url = new URL(request.url ?? "/", this.#origin());
    const route = `${method} ${url.pathname}`;
    if (route === "GET /") return this.#page(url, headers.cookie);
    if (route === "GET /page.css") return { status: 200, type: "css", body: PAGE_STYLE };
    if (route === "GET /page.js") return { status: 200, type: "javascript", body: pageScript() };
    if (route !== "GET /questions" && route !== "POST /answer") return refused(404, "nothing here");
    const key = headers[KEY_HEADER];
    if (!this.#isSession(headers.cookie) || typeof key !== "string" || !isSame(key, this.#key)) {
      return refused(401, "open the link that the command has printed");
    }
    if (method === "GET") return this.#questions();
    if (origin === undefined) return refused(403, "no origin");
    if (headers["content-type"] !== "application/json") return refused(415, "not json");
    const body = await readBody(request);
    return body === undefined ? refused(413, "too long") : this.#answer(body);
  }

  /** The page: with the key for whoever brings the token, without it for the session's browser. */
  #page(url: URL, cookie: string | undefined): Reply {
    const token = url.searchParams.get("token");
    if (token === null) {
      if (this.#isSession(cookie)) return { status: 200, type: "html", body: pageHtml("") };
      return message(401, "Open the link that the command has printed.");
    }
    if (!isSame(token, this.#token)) {
      return message(403, "This is not the link that the command has printed.");
    }
    if (this.#isTokenUsed || this.#clock() >= this.#tokenUntilMs) {
      return message(403, "This link was used, or is too old. Start the command again.");
    }
    this.#isTokenUsed = true;
    const cookieText = `${COOKIE}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`;
    const headers = { "Set-Cookie": cookieText };
    return { status: 200, type: "html", body: pageHtml(this.#key), headers };
  }

  #isSession(cookie: string | undefined): boolean {
    const values = (cookie ?? "").split("; ").filter((pair) => pair.startsWith(`${COOKIE}=`));
    return values.some((pair) => isSame(pair.slice(COOKIE.length + 1), this.#session));
  }

  #questions(): Reply {
    const nowMs = this.#clock();
    const questions = this.#store
      .listQuestions(nowMs)
      .map((question) => pageQuestion(question, nowMs));
    return json(200, { ok: true, questions });
  }

  #answer(body: string): Reply {
    const given = readAnswer(body);
    if (given === undefined) return refused(400, "expected { id, choice }");
    const nowMs = this.#clock();
    const question = this.#store.listQuestions(nowMs).find(({ id }) => id === given.id);
    if (question === undefined) return refused(409, "it was answered elsewhere, or has expired");
    if (!question.channels.includes("web")) return refused(403, "not to be answered on this page");
    const isFirst = this.#store.answerQuestion(given.id, given.answer, "web", nowMs);
    return isFirst
      ? json(200, { ok: true })
      : refused(409, "it was answered elsewhere, or has expired");
  }
}

/** What the page needs of a question. */
function pageQuestion(question: Question, nowMs: number): Readonly<Record<string, unknown>> {
  const { id, serverId, kind, itemName, text, channels, expiresAtMs } = question;
  return {
    ...{ id, server: serverId, kind, name: itemName, text, channels },
    leftMs: expiresAtMs - nowMs,
  };
}

function readAnswer(text: string): { readonly id: string; readonly answer: Answer } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const members = new Map<string, unknown>(Object.entries(value));
  const id = members.get("id");
  const choice = members.get("choice");
  if (typeof id !== "string") return undefined;
  if (choice === "lease") {
    const answer = leaseAnswer(members.get("calls"), members.get("minutes"));
    return answer === undefined ? undefined : { id, answer };
  }
  const isPlain = choice === "deny" || choice === "once" || choice === "session";
  return isPlain ? { id, answer: { choice } } : undefined;
}

/** The body as text; `undefined` when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > LIMIT_WEB_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const part: Buffer = Buffer.from(chunk);
    size += part.length;
    if (size > LIMIT_WEB_BODY_BYTES) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString();
}

function json(status: number, value: unknown): Reply {
  return { status, type: "json", body: JSON.stringify(value) };
}

function message(status: number, text: string): Reply {
  return { status, type: "html", body: messageHtml(text) };
}

function refused(status: number, message: string): Reply {
  return json(status, { ok: false, error: message });
}

function secret(): string {
  return Buffer.from(randomBytes(SECRET_SIZE_BYTES)).toString("base64url");
}

/** Compares secrets in a time that says nothing of them. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** The page's script, as it was compiled; the same place for the modules and for the bundle. */
function pageScript(): string {
  return readFileSync(new URL("../cli/consent-page-script.js", import.meta.url), "utf8");
}
