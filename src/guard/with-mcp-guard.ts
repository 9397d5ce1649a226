// Puts a guard into any object that calls tools of MCP servers.
import {
  VERDICT_AUDIT_UNAVAILABLE,
  VERDICT_INTERNAL_FAULT,
  VERDICT_MALFORMED_MESSAGE,
} from "../abi/verdict.ts";
import type { AuditSink } from "../audit/event.ts";
import { type Clock, randomUuid, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { type DispatchGuard, dispatchGuardOf } from "./dispatch-guard.ts";
import { createRequestIdentity } from "./identity.ts";
import { PRINCIPAL_DEFAULT } from "./principal-match.ts";
import { type RouterCall, readRouterCall } from "./router-call.ts";
import { RouterRecords } from "./router-records.ts";
import { RouterServers } from "./router-servers.ts";
import { SafetyBlocked } from "./safety-blocked.ts";
import { ScopeGuard } from "./scope-guard.ts";

/** What is called on a router; `listTools` and one of the other two must be there. */
type RouterMethod = (...parameters: never[]) => unknown;

/** Any object with a way to list and a way to call. */
export interface McpRouter {
  readonly listTools: RouterMethod;
  readonly callTool?: RouterMethod;
  readonly dispatch?: RouterMethod;
}

export interface McpGuardOptions {
  /** The catalog's id of the one server behind the router, such as an MCP client. */
  readonly serverId?: string | undefined;
  /** With a ScopeGuard: who calls. Default `local`. */
  readonly principal?: string | undefined;
  /**
   * Told every decision before anything is forwarded; when it throws, nothing is. Without a call
   * when the parameters could not be read as one.
   */
  readonly onDecision?: DecisionListener | undefined;
  /**
   * Takes a record of every decision, before anything is forwarded; a call whose record is not kept
   * is refused. Decisions on the catalog alone have no frames: they are on record, not replayed.
   */
  readonly audit?: AuditSink | undefined;
  readonly clock?: Clock | undefined;
}

export type DecisionListener = (decision: Decision, call: RouterCall | undefined) => void;

/** A router behind a guard. It has no other way through. */
export interface GuardedRouter {
  /** The router's answer, or a SafetyBlocked, which is final. */
  callTool(...parameters: readonly unknown[]): Promise<unknown>;
  /** As `callTool`. */
  dispatch(...parameters: readonly unknown[]): Promise<unknown>;
  /** The tools that may be called, as they were listed. */
  listTools(server?: string): Promise<{ readonly tools: readonly unknown[] }>;
  /** The router says that the tools of a server, or of all, have changed. */
  listChanged(server?: string): void;
}

/**
 * A router whose calls pass `guard` first: the server is listed and admitted before its first call,
 * and again after a change; a refused call never reaches the router.
 *
 * A router tells of changes by `onListChanged(listener)` or `on("list_changed", listener)`, or its
 * host by `listChanged`.
 *
 * @example
 * const guarded = withMcpGuard(client, ScopeGuard.fromCatalog(catalog), { serverId: "files" });
 * const result = await guarded.callTool({ name: "read_text_file", arguments: { path } });
 * if (isSafetyBlocked(result)) return result.message;
 * @throws {GuardError} ARGUMENT_INVALID for a router without listTools, or without a way to call
 */
export function withMcpGuard(
  router: McpRouter,
  guard: ScopeGuard | DispatchGuard,
  options: McpGuardOptions = {},
): GuardedRouter {
  const { serverId, principal = PRINCIPAL_DEFAULT, onDecision, clock = systemClock } = options;
  const call = methodOf(router, "callTool") ?? methodOf(router, "dispatch");
  const dispatch = methodOf(router, "dispatch") ?? call;
  const list = methodOf(router, "listTools");
  if (call === undefined || dispatch === undefined || list === undefined) {
    const message = "expected a router with listTools, and with callTool or dispatch";
    throw new GuardError("ARGUMENT_INVALID", message);
  }
  const judge = guard instanceof ScopeGuard ? dispatchGuardOf(guard, principal) : guard;
  const pageOf = (server: string, cursor: string | undefined): unknown => {
    const page = cursor === undefined ? [] : [{ cursor }];
    return serverId === undefined ? list(server, ...page) : list(...page);
  };
  const servers = new RouterServers(judge, pageOf, clock);
  const records = new RouterRecords(options.audit, {
    identity: createRequestIdentity({ principal, sessionId: randomUuid(), clock }),
    clock,
  });
  const guardedBy =
    (forward: (...parameters: unknown[]) => unknown) =>
    async (...parameters: readonly unknown[]): Promise<unknown> => {
      const request = readCall(parameters, serverId);
      const decision = await decide(judge, servers, request, { onDecision, records });
      if (decision.outcome === "allow" && request !== undefined) {
        return await forward(...request.forwarded);
      }
      const { server = "", tool = "" } = request ?? {};
      return new SafetyBlocked(decision, { server, tool });
    };
  const guarded: GuardedRouter = Object.freeze({
    callTool: guardedBy(call),
    dispatch: guardedBy(dispatch),
    async listTools(server?: string) {
      const id = serverId ?? server;
      return Object.freeze({ tools: typeof id === "string" ? await servers.shownTools(id) : [] });
    },
    listChanged: (server?: string) => servers.changed(serverId ?? server),
  });
  subscribe(router, (server) => guarded.listChanged(server));
  return guarded;
}

type Method = (...parameters: unknown[]) => unknown;

/** A method bound to its router; `undefined` when it has none of that name. */
function methodOf(router: unknown, name: string): Method | undefined {
  if (typeof router !== "object" || router === null) return undefined;
  const method: unknown = Reflect.get(router, name);
  if (typeof method !== "function") return undefined;
  return (...parameters) => Reflect.apply(method, router, parameters);
}

function readCall(
  parameters: readonly unknown[],
  serverId: string | undefined,
): RouterCall | undefined {
  try {
    return readRouterCall(parameters, serverId);
  } catch {
    // a getter, a cycle, a bigint: no message could carry it
    return undefined;
  }
}

interface DecisionHearers {
  readonly onDecision: DecisionListener | undefined;
  readonly records: RouterRecords;
}

async function decide(
  guard: DispatchGuard,
  servers: RouterServers,
  call: RouterCall | undefined,
  { onDecision, records }: DecisionHearers,
): Promise<Decision> {
  try {
    if (call !== undefined) await servers.ensureListed(call.server);
    const decision =
      call === undefined ? toDecision(VERDICT_MALFORMED_MESSAGE) : await guard.decide(call);
    onDecision?.(decision, call);
    if (records.keep(decision, call)) return decision;
    if (decision.outcome !== "allow") return decision;
    const refused = toDecision(VERDICT_AUDIT_UNAVAILABLE);
    records.keep(refused, call);
    return refused;
  } catch {
    return toDecision(VERDICT_INTERNAL_FAULT);
  }
}

function subscribe(router: McpRouter, listener: (server?: string) => void): void {
  // whatever a router says beside the name of a server means all of them
  const changed = (server?: unknown): void =>
    listener(typeof server === "string" ? server : undefined);
  const tell = methodOf(router, "onListChanged");
  if (tell !== undefined) tell(changed);
  else methodOf(router, "on")?.("list_changed", changed);
}
