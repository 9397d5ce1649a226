// The stdio guard without its process: lines in, lines out, records (50-proxy sections 2 to 4).
//
// Nothing is written upstream before the decision is exactly `allow`, and what was judged is what
// is forwarded: the same bytes.
import { LIMIT_MESSAGE_STDIO_BYTES } from "../abi/limits.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { type Clock, monotonicMs, randomUuid, systemClock } from "../clock.ts";
import { ScopeGuard } from "../guard/scope-guard.ts";
import {
  bothCaps,
  matchPrincipal,
  PRINCIPAL_DEFAULT,
  UnenforcedLayers,
} from "../guard/unenforced-layers.ts";
import { Admission, type Timer } from "./admission.ts";
import { ClientSide } from "./client-side.ts";
import type { FramedLine } from "./framing.ts";
import { AllowedMethods } from "./methods.ts";
import type { RecordSink } from "./records.ts";
import { ServerSide } from "./server-side.ts";
import { SessionState } from "./session-state.ts";

export interface GuardSessionOptions {
  readonly catalog: TrustedCatalog;
  readonly serverId: string;
  /** Default `local`. */
  readonly principal?: string | undefined;
  /** Names of the scopes this session may use at most. Default: no cap. */
  readonly scopeCap?: readonly string[] | undefined;
  /** How a refused tools/call is answered. Default `error`. */
  readonly denyAs?: "error" | "result" | undefined;
  /** ms since the epoch. Default: the wall clock. */
  readonly clock?: Clock | undefined;
  /** ms of a clock that never goes back. */
  readonly monotonic?: Clock | undefined;
  readonly timer?: Timer | undefined;
  readonly uuid?: (() => string) | undefined;
  /** Bytes of the largest message. Default 10 MiB. */
  readonly messageSizeMax?: number | undefined;
  readonly onRecord?: RecordSink | undefined;
  /** Takes one whole line with its line feed; it may be a view of a line that came in. */
  readonly toClient: (frame: Uint8Array) => void;
  readonly toServer: (frame: Uint8Array) => void;
}

/**
 * One guarded connection between a client and a server.
 *
 * @example
 * const session = new GuardSession({ catalog, serverId: "filesystem", toClient, toServer });
 * for (const line of fromClient.push(chunk)) session.fromClient(line);
 */
export class GuardSession {
  readonly #client: ClientSide;
  readonly #server: ServerSide;
  readonly #state: SessionState;

  /**
   * @throws {GuardError} SCOPE_UNKNOWN for an unknown scope in `scopeCap`; KERNEL_LOAD,
   *   KERNEL_CAPACITY or IMAGE_INVALID when the kernel cannot be had
   */
  constructor(options: GuardSessionOptions) {
    const { catalog, serverId, toServer, onRecord } = options;
    const clock = options.clock ?? systemClock;
    const uuid = options.uuid ?? randomUuid;
    const principal = options.principal ?? PRINCIPAL_DEFAULT;
    const match = matchPrincipal(catalog.catalog, principal, serverId);
    const scopeCap = bothCaps(options.scopeCap, match.scopeCap);
    // a scope the catalog does not have is a fault, also where the principal's cap hides it
    const guard = ScopeGuard.fromCatalog(catalog, {
      clock,
      messageSizeMax: options.messageSizeMax ?? LIMIT_MESSAGE_STDIO_BYTES,
      ...(scopeCap !== undefined && { scopeCap }),
    });
    guard.scopes(options.scopeCap ?? []);
    const server = catalog.servers.get(serverId);
    const methods = new AllowedMethods(server);
    const admission = new Admission({
      catalog,
      serverId,
      guard,
      methods,
      monotonic: options.monotonic ?? monotonicMs,
      timer: options.timer ?? systemTimer,
      uuid,
      send: toServer,
      record: (record) => onRecord?.({ server: serverId, ...record }),
    });
    this.#state = new SessionState(
      {
        catalog,
        serverId,
        server,
        bound: guard.server(serverId),
        methods,
        layers: new UnenforcedLayers(catalog.catalog, serverId, match.isKnown),
        isKnownPrincipal: match.isKnown,
        denyAs: options.denyAs ?? "error",
        clock,
        uuid,
        toClient: options.toClient,
        toServer,
        onRecord,
      },
      admission,
    );
    this.#client = new ClientSide(this.#state);
    this.#server = new ServerSide(this.#state);
  }

  /** Takes one line of the client. */
  fromClient(line: FramedLine): void {
    this.#client.take(line);
  }

  /** Takes one line of the server. */
  fromServer(line: FramedLine): void {
    this.#server.take(line);
  }

  /** Answers everything that waits for the server, which is gone. */
  serverGone(detail: string): void {
    this.#server.end(detail);
  }

  /** Resolves when at most `bytes` of messages wait for the guard's own listing. */
  heldAtMost(bytes: number): Promise<void> {
    return this.#state.heldAtMost(bytes);
  }
}

const systemTimer: Timer = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};
