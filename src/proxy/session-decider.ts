// Decides the dispatches of one connection with every layer, and keeps the record of each.
import { AUDIT_AVAILABLE, AUDIT_BEST_EFFORT } from "../abi/frame.ts";
import { METHOD_PROMPTS_GET, METHOD_TOOLS_CALL } from "../abi/layout.ts";
import {
  VERDICT_ALLOWED,
  VERDICT_ARGUMENT_DENIED,
  VERDICT_INTERNAL_FAULT,
  VERDICT_LEASE_EXHAUSTED,
  VERDICT_LEASE_EXPIRED,
  VERDICT_LEASE_MISMATCH,
  VERDICT_LEASE_REQUIRED,
  VERDICT_TAINT_DENIED,
} from "../abi/verdict.ts";
import type { AuditEra } from "../audit/event.ts";
import { utf8 } from "../bytes.ts";
import type { EngineCall, EngineDecision } from "../guard/engine-types.ts";
import { gatewayEvent } from "../guard/gateway-audit.ts";
import type { MessageShape } from "../kernel/message.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { andThen, type Eventually } from "./eventually.ts";
import type { SessionParts } from "./session-parts.ts";

/** What a call itself has to satisfy, and what follows it has not: one bit for each verdict. */
const CALL_ALONE: number = [
  VERDICT_ARGUMENT_DENIED,
  VERDICT_LEASE_REQUIRED,
  VERDICT_LEASE_EXPIRED,
  VERDICT_LEASE_EXHAUSTED,
  VERDICT_LEASE_MISMATCH,
  VERDICT_TAINT_DENIED,
].reduce((mask, code) => mask | (1 << code), 0);

/** Decides under the catalog that is in force. */
export class SessionDecider {
  readonly #parts: () => SessionParts;
  /** With a store that answers later: settled when every call so far was decided; never rejects. */
  #lane: Promise<unknown> = Promise.resolve();

  constructor(parts: () => SessionParts) {
    this.#parts = parts;
  }

  /**
   * The call that a message makes. Its arguments are a copy; those of a resource are its URI.
   *
   * @param item of `BoundServer.lastItem`
   */
  callOf(line: Uint8Array, shape: MessageShape, item: number): EngineCall {
    const { dispatch, name = "", arguments: span } = shape;
    const hasArguments = dispatch === METHOD_TOOLS_CALL || dispatch === METHOD_PROMPTS_GET;
    // WHY: the chunk belongs to the stream, and a Buffer's own slice would be a view
    const own =
      span === undefined ? undefined : new Uint8Array(line.subarray(span.start, span.end));
    return this.#call(name, item, hasArguments ? own : uriArguments(name));
  }

  /**
   * Decides one call; what an allow rests on, and its labels, are taken with it. A state-changing
   * call whose record cannot be written is refused.
   *
   * WHY: with a store that answers later, calls are decided one behind the other as well: a label that
   * one adds stops the next.
   */
  decide(call: EngineCall, era: AuditEra): Eventually<EngineDecision> {
    const parts = this.#parts();
    if (parts.later !== undefined) return this.#inLane(() => this.#decideLater(parts, call, era));
    const { engine, grants, audit, auditMode, clock } = parts;
    const keepsFrames = audit !== undefined;
    const decided = engine.decide(call, { audit: auditState(parts), keepsFrames, grants });
    if (audit === undefined) return decided;
    const isKept = audit.append(gatewayEvent(call, decided, clock(), era));
    if (isKept || decided.decision.outcome !== "allow") return decided;
    if (auditMode === "best-effort" && !decided.stateChanging) return decided;
    const again = engine.decide(call, { audit: 0, keepsFrames, grants });
    if (again.decision.outcome !== "allow") return again;
    return { ...again, decision: toDecision(VERDICT_INTERNAL_FAULT) };
  }

  /**
   * Decides what follows a call that was allowed: the next look at its task, news of its resource.
   * That is no new call: no lease, consent or label is needed or taken again. Whatever else denies
   * the call now, under a catalog that has come meanwhile, denies what follows it.
   */
  followUp(kind: "tool" | "resource", name: string): Eventually<Decision> {
    const { engine, grants, bound, guard, serverId, later } = this.#parts();
    const isTool = kind === "tool";
    const quick = isTool ? bound.check(name) : bound.checkMessage(subscribeMessage(name));
    if (quick.outcome === "deny") return quick;
    const item = isTool ? (guard.resolve(serverId, name)?.item ?? -1) : bound.lastItem;
    const call = this.#call(name, item, isTool ? undefined : uriArguments(name));
    const options = { audit: AUDIT_AVAILABLE };
    const decided =
      later === undefined
        ? engine.decide(call, { ...options, grants: grants.peek() })
        : later.peek(engine, call, options);
    return andThen(decided, ({ denying, decision }) => {
      if ((denying & ~CALL_ALONE) === 0) return toDecision(VERDICT_ALLOWED);
      return firstOf(denying & ~CALL_ALONE, decision);
    });
  }

  /** Decides one subscription of a modern client: a dispatch of its own. */
  subscribe(uri: string): Eventually<EngineDecision> {
    const { bound } = this.#parts();
    bound.checkMessage(subscribeMessage(uri));
    return this.decide(this.#call(uri, bound.lastItem, uriArguments(uri)), "modern");
  }

  async #decideLater(
    parts: SessionParts,
    call: EngineCall,
    era: AuditEra,
  ): Promise<EngineDecision> {
    const { engine, later, audit, auditMode, clock } = parts;
    const options = { audit: auditState(parts), keepsFrames: audit !== undefined };
    const decided = await (later?.decide(engine, call, options) ?? engine.decide(call, options));
    // what another catalog has overtaken is decided again under it
    if (audit === undefined || this.#parts() !== parts) return decided;
    const isKept = audit.append(gatewayEvent(call, decided, clock(), era));
    if (isKept || decided.decision.outcome !== "allow") return decided;
    if (auditMode === "best-effort" && !decided.stateChanging) return decided;
    return engine.unrecorded(decided);
  }

  #inLane<T>(decide: () => Promise<T>): Promise<T> {
    const decided = this.#lane.then(decide);
    // WHY: two steps behind, so that what comes of this one is done before the next begins
    this.#lane = decided.catch(() => undefined).then(() => undefined);
    return decided;
  }

  #call(name: string, item: number, args: Uint8Array | undefined): EngineCall {
    const { identity, serverId } = this.#parts();
    return {
      identity,
      serverId,
      name,
      item,
      args,
      scopes: undefined,
      leaseId: undefined,
      definition: undefined,
      isConsentRefused: false,
    };
  }
}

/** AUDIT_*: whether a record can be written now. */
function auditState({ audit, auditMode }: SessionParts): number {
  if (audit === undefined || audit.isAvailable) return AUDIT_AVAILABLE;
  return auditMode === "best-effort" ? AUDIT_BEST_EFFORT : 0;
}

/** The arguments of a dispatch that names a URI: what constraints and approvals see of it. */
function uriArguments(uri: string): Uint8Array {
  return utf8(JSON.stringify({ uri }));
}

function subscribeMessage(uri: string): Uint8Array {
  const message = { jsonrpc: "2.0", id: 0, method: "resources/subscribe", params: { uri } };
  return utf8(JSON.stringify(message));
}

/** The decision itself where it is one of `mask`, else the first of those. */
function firstOf(mask: number, decision: Decision): Decision {
  if (((mask >>> decision.code) & 1) === 1) return decision;
  return toDecision(31 - Math.clz32(mask & -mask));
}
