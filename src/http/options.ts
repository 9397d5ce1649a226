import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogServer } from "../catalog/types.ts";
import type { Clock } from "../clock.ts";
import type { GuardRecord } from "../proxy/records.ts";
import type { GuardSettings } from "../proxy/session-options.ts";
import type { Timer } from "../proxy/timer.ts";
import type { StateStore } from "../store/types.ts";
import type { AuthOptions } from "./auth.ts";
import type { Fetch } from "./guarded-fetch.ts";
import type { LinkFactory } from "./link.ts";

/** How one server of the catalog is reached. */
export interface Upstream {
  /** The catalog's own url: naming it here only says that it is meant. */
  readonly url?: string | undefined;
  /** Default: that of the handler. */
  readonly fetch?: Fetch | undefined;
}

/** A record, and who it is about. */
export interface HttpRecord extends GuardRecord {
  /** `undefined` before anybody was known. */
  readonly principal?: string | undefined;
}

export interface GuardHandlerOptions extends GuardSettings {
  readonly catalog: TrustedCatalog;
  /**
   * The servers that are served: id -> how it is reached; a text is the url. Default: every server of
   * the catalog that can be.
   */
  readonly upstreams?: Readonly<Record<string, Upstream | string>> | undefined;
  /**
   * Starts the command of a server for one connection (`childLinks` of `portcullis/node`). Without it
   * servers with a command are not served.
   */
  readonly startCommand?: ((server: CatalogServer) => LinkFactory) | undefined;
  /** Who may call. `none` makes everybody the same principal: only where nobody else can call. */
  readonly auth: AuthOptions | "none";
  /** Who calls when nobody is asked. Default `local`. */
  readonly principal?: string | undefined;
  /**
   * Hosts that this guard is: names for any port, or with one. Default: names of this machine for
   * itself.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Origins of pages that may speak to it, as `https://app.example.com`. Default: its own alone. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Values of the variables that `header_env` of the catalog names. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Default: that of the runtime. */
  readonly fetch?: Fetch | undefined;
  /**
   * Leases, approvals, labels, nonces and drift, shared with every guard that has the same store. It may
   * answer later (Redis, a Durable Object); whoever made it closes it. Default: in memory, for this
   * handler alone.
   */
  readonly store?: StateStore | undefined;
  /**
   * At least 32 secret bytes that seal what a modern client brings back with an approval. Guards that
   * share a store have the same key, so that one takes what another has asked for; a guard that starts
   * again with its key does so, too. Default: fresh ones, for this handler alone.
   */
  readonly consentKey?: Uint8Array | undefined;
  /** Bytes of one message. Default 4 MiB. */
  readonly messageSizeMax?: number | undefined;
  /**
   * Sessions of the legacy era at one time, at most 4 096, which is the default. One caller may have a
   * quarter of them.
   */
  readonly sessionsMax?: number | undefined;
  /**
   * Connections for requests of the modern era at one time, at most 4 096, which is the default. One caller
   * may have a quarter of them; one that nobody uses makes room for another.
   */
  readonly lanesMax?: number | undefined;
  /**
   * Children at one time, of sessions and connections together, at most 4 096; default 256. One caller may
   * have a quarter of them. One that nobody uses makes room for another.
   */
  readonly childrenMax?: number | undefined;
  readonly onRecord?: ((record: HttpRecord) => void) | undefined;
  /** Told of a fault of the guard, which has ended the connection. */
  readonly onFault?: ((fault: unknown) => void) | undefined;
  /** ms of a clock that never goes back. */
  readonly monotonic?: Clock | undefined;
  readonly timer?: Timer | undefined;
}
