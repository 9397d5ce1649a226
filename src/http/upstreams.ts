// How each server of the catalog is reached. The catalog says where a server is; nothing here, and
// nobody who calls, can send a message elsewhere (attack case A7).
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogServer } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import { runtimeFetch } from "./guarded-fetch.ts";
import { HttpLink } from "./http-link.ts";
import type { Link, LinkEvents, LinkFactory } from "./link.ts";
import type { GuardHandlerOptions, Upstream } from "./options.ts";

/**
 * The links of one handler.
 *
 * @throws {GuardError} SERVER_UNKNOWN for a server that the catalog does not name; SERVER_COMMAND for
 *   another url than the catalog's; CONFIG_INVALID when a variable of `header_env` is not set
 */
export class Upstreams {
  readonly #options: GuardHandlerOptions;
  readonly #named: ReadonlyMap<string, Upstream>;
  readonly #messageSizeMax: number;

  constructor(options: GuardHandlerOptions, messageSizeMax: number) {
    this.#options = options;
    this.#messageSizeMax = messageSizeMax;
    this.#named = new Map(
      Object.entries(options.upstreams ?? {}).map(([id, upstream]) => [
        id,
        typeof upstream === "string" ? { url: upstream } : upstream,
      ]),
    );
    this.check(options.catalog);
  }

  /** Refuses a catalog whose servers cannot be reached as they are named here. */
  check(catalog: TrustedCatalog): void {
    for (const [id, upstream] of this.#named) {
      const server = catalog.servers.get(id);
      if (server === undefined) {
        const message = `expected a server of the catalog, got ${quote(id)}; add it and sign the catalog`;
        throw new GuardError("SERVER_UNKNOWN", message);
      }
      if (upstream.url !== undefined && upstream.url !== server.url) {
        const message = `expected the url of the catalog for ${quote(id)}, got ${quote(upstream.url)}; pin it and sign the catalog`;
        throw new GuardError("SERVER_COMMAND", message);
      }
    }
    for (const server of catalog.servers.values()) {
      if (this.#isServed(server)) credentialsOf(server, this.#options.env);
    }
  }

  /** The link to a server under this catalog; one that reaches nobody where it is not served. */
  linkTo(catalog: TrustedCatalog, serverId: string, era: "legacy" | "modern"): LinkFactory {
    const noLink: LinkFactory = (events) =>
      new NoLink(events, `server ${serverId} is not served here`);
    const server = catalog.servers.get(serverId);
    if (server === undefined || !this.#isServed(server)) {
      return noLink;
    }
    const upstream = this.#named.get(serverId);
    const { fetch = runtimeFetch, timer, startCommand } = this.#options;
    const { url } = server;
    if (url === undefined) return startCommand?.(server) ?? noLink;
    const options = {
      serverId,
      url: new URL(url),
      era,
      credentials: credentialsOf(server, this.#options.env),
      fetch: upstream?.fetch ?? fetch,
      messageSizeMax: this.#messageSizeMax,
      timer,
    };
    return (events) => new HttpLink(options, events);
  }

  #isServed({ id, url }: CatalogServer): boolean {
    const isNamed = this.#named.has(id);
    if (this.#options.upstreams !== undefined && !isNamed) return false;
    return url !== undefined || this.#options.startCommand !== undefined;
  }
}

/**
 * The headers that say to a server who the guard is: header -> value.
 *
 * @throws {GuardError} CONFIG_INVALID when a variable is not set
 */
export function credentialsOf(
  { id, headerEnv }: Pick<CatalogServer, "id" | "headerEnv">,
  env: Readonly<Record<string, string | undefined>> = {},
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [header, variable] of headerEnv) {
    const value = env[variable];
    if (value === undefined || value === "") {
      const message = `expected the variable ${quote(variable)} for a header of server ${quote(id)}, got none; set it`;
      throw new GuardError("CONFIG_INVALID", message);
    }
    found.set(header.toLowerCase(), value);
  }
  return found;
}

/** Answers what the session has let through, which reaches nobody. */
class NoLink implements Link {
  readonly #events: LinkEvents;
  readonly #detail: string;

  constructor(events: LinkEvents, detail: string) {
    this.#events = events;
    this.#detail = detail;
  }

  request({ key = "" }: { readonly key: string | undefined }): void {
    queueMicrotask(() => this.#events.settled(key, this.#detail));
  }

  tell(): Promise<number> {
    return Promise.resolve(404);
  }

  abandon(): boolean {
    return true;
  }

  listen(stream: { close(response: Response): void }): void {
    stream.close(new Response(null, { status: 404 }));
  }

  end(): Promise<number> {
    return Promise.resolve(204);
  }

  close(): void {
    // nothing is open
  }
}
