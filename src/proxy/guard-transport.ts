// Puts the guard into a client transport of either MCP SDK (50-proxy section 5).
import type { AuditSink } from "../audit/event.ts";
import { RecentAuditLog } from "../audit/recent-log.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { GuardError } from "../errors.ts";
import { MCPGateway } from "../guard/gateway.ts";
import type { RequestIdentity } from "../guard/identity.ts";
import { ScopeGuard } from "../guard/scope-guard.ts";
import { type Decision, decisionOf } from "../verdict.ts";
import { GuardedTransport, type GuardedTransportOptions } from "./guarded-transport.ts";
import type { GuardRecord, RecordSink } from "./records.ts";
import type { GuardedTransportOf, McpTransport } from "./transport-types.ts";

/** What a decision on a guarded transport was about. */
export interface TransportCall {
  /** The catalog's id. */
  readonly server: string;
  /** MCP method; `undefined` for a message that could not be read. */
  readonly method: string | undefined;
  /** Tool, prompt or URI, as it was asked for. */
  readonly tool: string | undefined;
}

/** Told every decided request before it is sent on; when it throws, the connection ends. */
export type TransportListener = (decision: Decision, call: TransportCall) => void;

interface TransportSettings {
  /** The catalog's id of the server at the other end. */
  readonly serverId: string;
  /** Who calls. Default: `local`, in a session of this connection alone. */
  readonly identity?: RequestIdentity | undefined;
  readonly onDecision?: TransportListener | undefined;
  /** Told everything that was decided, dropped or changed. */
  readonly onRecord?: RecordSink | undefined;
  /** Where records go; `none` = nowhere. Default: the gateway's log, else the newest in memory. */
  readonly audit?: AuditSink | "none" | undefined;
  /** How a refused tools/call is answered. Default: a JSON-RPC error. */
  readonly denyAs?: "error" | "result" | undefined;
}

/** What decides: a guard's catalog and cap, or all that a gateway is made of. */
export type GuardTransportOptions = TransportSettings &
  (
    | { readonly guard: ScopeGuard; readonly gateway?: undefined }
    | { readonly gateway: MCPGateway; readonly guard?: undefined }
  );

/**
 * A transport whose messages pass the guard first, in both directions, as through `portcullis run`:
 * listings are admitted and cut, calls are decided by every layer of the catalog, a refused request
 * is answered at once and never sent, a person is asked through the client.
 *
 * Give the result to the client in the place of the transport, and start nothing else with it. It is
 * for the client's side, and for one connection.
 *
 * Digests are taken over `JSON.stringify` of what the SDK has parsed: duplicate members and the last
 * digits of large integers were lost before. `portcullis run` and `serve` judge the bytes themselves.
 *
 * @param transport of `@modelcontextprotocol/sdk` 1 or `@modelcontextprotocol/client` 2, or of their shape
 * @example
 * const transport = new StdioClientTransport({ command: "npx", args: ["server"] });
 * await client.connect(guardTransport(transport, { guard, serverId: "filesystem" }));
 * @throws {GuardError} ARGUMENT_INVALID without exactly one of guard and gateway, with server cards,
 *   with a store in parts, or with a look-alike of an identity; SCOPE_UNKNOWN,
 *   KERNEL_LOAD, KERNEL_CAPACITY, IMAGE_INVALID; STORE_UNAVAILABLE or STORE_CORRUPT
 */
export function guardTransport<T extends McpTransport>(
  transport: T,
  options: GuardTransportOptions,
): GuardedTransportOf<T>;
export function guardTransport(transport: McpTransport, options: GuardTransportOptions): unknown {
  const { guard, gateway, serverId, identity, onDecision, onRecord, denyAs } = options;
  if ((guard === undefined) === (gateway === undefined)) {
    throw invalid("expected a guard or a gateway, got both or neither");
  }
  const judge = guard === undefined ? judgeOfGateway(gateway) : judgeOfGuard(guard);
  const audit = options.audit ?? judge.audit ?? new RecentAuditLog();
  return new GuardedTransport(transport, {
    ...judge,
    ...{ serverId, identity, denyAs },
    audit: audit === "none" ? undefined : audit,
    onRecord: (record) => {
      onRecord?.(record);
      if (onDecision !== undefined) tell(onDecision, record);
    },
  });
}

type Judge = Omit<GuardedTransportOptions, "serverId" | "audit"> & {
  readonly catalog: TrustedCatalog;
  readonly audit: AuditSink | "none" | undefined;
};

function judgeOfGuard(guard: unknown): Judge {
  if (!(guard instanceof ScopeGuard)) throw invalid("expected a guard of ScopeGuard.fromCatalog");
  const { clock, scopeCap } = ScopeGuard.partsOf(guard).options;
  return { catalog: guard.catalog, clock, scopeCap, audit: undefined };
}

function judgeOfGateway(gateway: unknown): Judge {
  if (!(gateway instanceof MCPGateway)) throw invalid("expected an MCPGateway");
  const { options, store } = MCPGateway.partsOf(gateway);
  const { catalog, leases, consent, sessions } = options;
  if (catalog === undefined) {
    throw invalid(
      "expected a gateway of a signed catalog; server cards pin nothing else than tools",
    );
  }
  if (leases !== undefined || consent !== undefined || sessions !== undefined) {
    throw invalid("expected leases, consents and sessions in one store");
  }
  const { rules, auditMode, scopeCap, protectedPaths, clock } = options;
  return {
    ...{ catalog, store, rules, auditMode, scopeCap, protectedPaths, clock },
    // WHY: nobody else sees a store in memory, so nobody else could answer a question in it
    isStoreShared: options.store !== undefined,
    audit: gateway.audit ?? "none",
  };
}

function tell(listener: TransportListener, record: GuardRecord): void {
  const { kind, sender, server, method, tool, reason } = record;
  if (kind === "decision" && sender === "client") {
    listener(decisionOf(reason), { server, method, tool });
  }
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
