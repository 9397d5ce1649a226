// The HTTP guard (50-proxy section 5): one web-standard handler for Node, Deno, Bun and Workers.
import { LIMIT_MESSAGE_HTTP_BYTES } from "../abi/limits.ts";
import {
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_INTERNAL_FAULT,
  VERDICT_MALFORMED_MESSAGE,
} from "../abi/verdict.ts";
import type { CatalogChange } from "../catalog/succession.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { type Clock, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import { systemTimer } from "../proxy/timer.ts";
import { toDecision } from "../verdict.ts";
import { type Authenticator, authenticatorOf, isCaller } from "./auth.ts";
import type { Caller } from "./auth-types.ts";
import { readTimed } from "./body.ts";
import { Connections } from "./connections.ts";
import { namedOrigin, preflight, shareWith } from "./cors.ts";
import { McpEndpoint } from "./mcp-endpoint.ts";
import { METRICS_TYPE, Metrics } from "./metrics.ts";
import type { GuardHandlerOptions, HttpRecord } from "./options.ts";
import {
  forwardedOf,
  hostRefusal,
  LOOPBACK_HOSTS,
  originRefusal,
  postRefusal,
} from "./request-checks.ts";
import { Upstreams } from "./upstreams.ts";

/** Answers requests, and can be given a newer catalog. */
export interface GuardHandler {
  (request: Request): Promise<Response>;
  /** The catalog that decides the next message. */
  currentCatalog(): TrustedCatalog;
  /**
   * Puts a newer catalog in force, for sessions that are open as well.
   *
   * @throws {GuardError} CATALOG_ID, CATALOG_ROLLBACK, CATALOG_EQUIVOCATION, ROOT_CHAIN,
   *   SERVER_UNKNOWN, SERVER_COMMAND, CONFIG_INVALID; the running catalog stays in force then
   */
  replaceCatalog(catalog: TrustedCatalog): CatalogChange;
  /** Records that a catalog was refused and the running one kept. */
  recordKept(detail: string): void;
  /** Ends sessions that nobody has used for half an hour; a host calls it now and then. */
  dropIdle(): void;
  /** Ends every session; what waits is answered. */
  close(): void;
}

/**
 * A guard in front of MCP servers over Streamable HTTP, both protocol eras: `/mcp/<server id>` is the
 * server of that id, `GET /healthz` says whether the catalog is in force, `GET /metrics` counts.
 *
 * In Workers it belongs into a Durable Object: elsewhere requests there cannot share connections.
 *
 * @example
 * const guard = createGuardHandler({ catalog, auth: { tokens: [{ sha256, principal: "agent:a" }] } });
 * Deno.serve({ hostname: "127.0.0.1", port: 8787 }, guard);
 * @throws {GuardError} CONFIG_INVALID without authentication, for a wrong token, issuer or variable;
 *   SERVER_UNKNOWN, SERVER_COMMAND for upstreams that the catalog does not have
 */
export function createGuardHandler(options: GuardHandlerOptions): GuardHandler {
  const guard = new HttpGuard(options);
  return Object.assign((request: Request): Promise<Response> => guard.handle(request), {
    currentCatalog: () => guard.catalog,
    replaceCatalog: (catalog: TrustedCatalog) => guard.replaceCatalog(catalog),
    recordKept: (detail: string) => guard.recordKept(detail),
    dropIdle: () => guard.dropIdle(),
    close: () => guard.close(),
  });
}

const MCP_PATH = /^\/mcp\/([^/]+)$/;

class HttpGuard {
  readonly #options: GuardHandlerOptions;
  readonly #clock: Clock;
  readonly #authenticate: Authenticator;
  readonly #connections: Connections;
  readonly #endpoint: McpEndpoint;
  readonly #metrics = new Metrics();
  readonly #hosts: readonly string[];
  readonly #origins: readonly string[];
  readonly #messageSizeMax: number;

  constructor(options: GuardHandlerOptions) {
    const { auth, clock = systemClock, principal = PRINCIPAL_DEFAULT } = options;
    if (auth === undefined) {
      const message = 'expected auth, or "none" where nobody else can call, got neither';
      throw new GuardError("CONFIG_INVALID", message);
    }
    this.#options = options;
    this.#clock = clock;
    this.#hosts = options.allowedHosts ?? LOOPBACK_HOSTS;
    this.#origins = options.allowedOrigins ?? [];
    this.#messageSizeMax = options.messageSizeMax ?? LIMIT_MESSAGE_HTTP_BYTES;
    this.#authenticate = authenticatorOf(auth, { principal, clock });
    this.#connections = new Connections({
      options,
      upstreams: new Upstreams(options, this.#messageSizeMax),
      messageSizeMax: this.#messageSizeMax,
      recordFor: (caller) => (record) => this.#record({ ...record, principal: caller.principal }),
      onFault: (fault) => {
        this.#metrics.count("portcullis_faults_total");
        options.onFault?.(fault);
      },
    });
    this.#endpoint = new McpEndpoint(this.#connections);
  }

  get catalog(): TrustedCatalog {
    return this.#connections.catalog;
  }

  replaceCatalog(catalog: TrustedCatalog): CatalogChange {
    return this.#connections.replaceCatalog(catalog);
  }

  recordKept(detail: string): void {
    this.#connections.recordKept(detail);
  }

  dropIdle(): void {
    this.#connections.dropIdle();
  }

  close(): void {
    this.#connections.close();
  }

  /** Never rejects: a fault of the guard is a response without anything of the server. */
  async handle(request: Request): Promise<Response> {
    let response: Response;
    try {
      response = await this.#route(request);
    } catch (fault) {
      this.#metrics.count("portcullis_faults_total");
      this.#options.onFault?.(fault);
      response = plain(500, "the guard has failed");
    }
    this.#metrics.count("portcullis_http_requests_total", { status: String(response.status) });
    const origin = namedOrigin(request, this.#origins);
    return origin === undefined ? response : shareWith(response, origin);
  }

  async #route(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, encodedId] = MCP_PATH.exec(pathname) ?? [];
    const serverId = encodedId === undefined ? "" : decoded(encodedId);
    const form = hostRefusal(request, this.#hosts) ?? originRefusal(request, this.#origins);
    if (form !== undefined) return this.#refuse(VERDICT_MALFORMED_MESSAGE, form, serverId);
    const { method } = request;
    if (method === "OPTIONS" && namedOrigin(request, this.#origins) !== undefined) {
      return preflight(request);
    }
    if (pathname === "/healthz") return only(method, ["GET", "HEAD"]) ?? this.#health();
    const found = await this.#authenticate(request.headers);
    if (!isCaller(found)) {
      const response = this.#refuse(VERDICT_IDENTITY_UNKNOWN, found, serverId);
      if (found.status === 401) response.headers.set("www-authenticate", challengeOf(request));
      return response;
    }
    if (pathname === "/metrics") return only(method, ["GET", "HEAD"]) ?? this.#metricsText();
    if (serverId === undefined || serverId === "") return plain(404, "expected /mcp/<server id>");
    return await this.#mcp(request, serverId, found);
  }

  async #mcp(request: Request, serverId: string, caller: Caller): Promise<Response> {
    const { method, headers, signal } = request;
    const other = only(method, ["POST", "GET", "DELETE"]);
    if (other !== undefined) return other;
    const forwarded = forwardedOf(headers);
    if (forwarded === undefined) {
      const refusal = { status: 431, detail: "a header that is too long" };
      return this.#refuse(VERDICT_MALFORMED_MESSAGE, refusal, serverId, caller);
    }
    const asked = { serverId, caller, headers, forwarded, signal };
    if (method === "GET") return await this.#endpoint.listen(asked);
    if (method === "DELETE") return await this.#endpoint.end(asked);
    const form = postRefusal(request);
    if (form !== undefined) return this.#refuse(VERDICT_MALFORMED_MESSAGE, form, serverId, caller);
    const { timer = systemTimer } = this.#options;
    const body = await readTimed(request, this.#messageSizeMax, timer);
    if (body instanceof Uint8Array) return await this.#endpoint.post(asked, body);
    return this.#refuse(VERDICT_MALFORMED_MESSAGE, BODY_REFUSALS[body], serverId, caller);
  }

  #health(): Response {
    const { catalog } = this;
    const isInForce = this.#clock() < catalog.expiresAt;
    const body = JSON.stringify({ ok: isInForce, catalog: catalog.version });
    // WHY: not Response.json, whose content type is not the same in every runtime
    const headers = { "content-type": "application/json" };
    return new Response(body, { status: isInForce ? 200 : 503, headers });
  }

  #metricsText(): Response {
    const { catalog } = this;
    this.#metrics.set("portcullis_sessions", this.#connections.sessionCount);
    this.#metrics.set("portcullis_lanes", this.#connections.laneCount);
    this.#metrics.set("portcullis_streams", this.#connections.streamCount);
    this.#metrics.set("portcullis_catalog_version", catalog.version);
    this.#metrics.set("portcullis_catalog_expires_seconds", Math.floor(catalog.expiresAt / 1000));
    return new Response(this.#metrics.text(), { headers: { "content-type": METRICS_TYPE } });
  }

  /** Refuses a request before it is a message. */
  #refuse(
    verdict: number,
    { status, detail }: { readonly status: number; readonly detail: string },
    serverId: string | undefined,
    caller?: Caller,
  ): Response {
    const code = status === 503 ? VERDICT_INTERNAL_FAULT : verdict;
    const { reason, outcome, layer } = toDecision(code);
    const server = serverId ?? "";
    const about = { kind: "drop", sender: "client", server, detail } as const;
    this.#record({ ...about, reason, code, outcome, layer, principal: caller?.principal });
    return plain(status, status === 401 ? "authentication is required" : detail);
  }

  #record(record: HttpRecord): void {
    const { kind, reason, outcome, sender } = record;
    if (kind === "decision") this.#metrics.count("portcullis_decisions_total", { outcome, reason });
    if (kind === "drop") this.#metrics.count("portcullis_dropped_total", { sender, reason });
    if (kind === "listing") this.#metrics.count("portcullis_listings_total", { reason });
    this.#options.onRecord?.(record);
  }
}

const BODY_REFUSALS = {
  "too-large": { status: 413, detail: "a body that is over the limit" },
  "too-slow": { status: 408, detail: "a body that did not come in time" },
  broken: { status: 400, detail: "a body that broke off" },
} as const;

function plain(status: number, text: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return new Response(`${text}\n`, { status, headers });
}

/** Refuses methods beside these. */
function only(method: string, allowed: readonly string[]): Response | undefined {
  if (allowed.includes(method)) return undefined;
  const response = plain(405, "method not allowed");
  response.headers.set("allow", allowed.join(", "));
  return response;
}

/** RFC 6750 section 3: without a token nothing is said of an error. */
function challengeOf({ headers }: Request): string {
  const error = headers.has("authorization") ? ', error="invalid_token"' : "";
  return `Bearer realm="portcullis"${error}`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
