// From the client to the server: decides every message, forwards the bytes that were judged.
import { METHOD_OTHER, READ_FLAG_LENIENT } from "../abi/layout.ts";
import {
  VERDICT_ALLOWED,
  VERDICT_CATALOG_EXPIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_INTERNAL_FAULT,
  VERDICT_MALFORMED_MESSAGE,
  VERDICT_TOOL_SMUGGLE,
} from "../abi/verdict.ts";
import { quote } from "../errors.ts";
import type { MalformedMessage } from "../kernel/message.ts";
import { type Decision, toDecision } from "../verdict.ts";
import {
  INTERNAL_ERROR_CODE,
  idOfKey,
  PARSE_ERROR_CODE,
  plainError,
  refusalError,
} from "./answers.ts";
import type { ClientMessage, Waited } from "./client-message.ts";
import { ClientRequests, type Refusal, refusalBy } from "./client-requests.ts";
import { ClientSubscriptions } from "./client-subscriptions.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";
import { Dispatches } from "./dispatches.ts";
import type { FramedLine } from "./framing.ts";
import { membersOf, valueAt, wholeValue } from "./json-members.ts";
import { LIMIT_PENDING } from "./limits.ts";
import { LISTING_OF_METHOD, METHODS } from "./methods.ts";
import { describeLost, readableLine } from "./readable-line.ts";
import type { SessionState } from "./session-state.ts";
import { OTHER_TASK, usesTask } from "./tasks.ts";

/** Handles what the client sends. */
export class ClientSide {
  readonly #state: SessionState;
  readonly #requests: ClientRequests;
  readonly #dispatches: Dispatches;
  readonly #subscriptions: ClientSubscriptions;

  constructor(state: SessionState) {
    this.#state = state;
    const again = (frame: Uint8Array, waited: Waited): void =>
      this.take({ kind: "line", frame }, waited);
    this.#requests = new ClientRequests(state, again);
    this.#dispatches = new Dispatches(state, this.#requests);
    this.#subscriptions = new ClientSubscriptions(state, this.#requests);
  }

  /**
   * Takes one line of the client.
   *
   * @param waited of a message that has waited under another catalog
   */
  take(given: FramedLine, waited?: Waited): void {
    const { bound, monotonic } = this.#state.parts;
    const framed = readableLine(given, bound);
    if (framed.kind === "too-long") {
      const key = this.#state.keyOfId(framed.idText);
      this.#refuseUnreadable(key, describeLost(framed));
      return;
    }
    const { frame } = framed;
    const line = frame.subarray(0, frame.length - 1);
    if (isBlank(line)) {
      this.#state.drop("client", VERDICT_MALFORMED_MESSAGE, "an empty line");
      return;
    }
    let shape = bound.readMessage(line);
    const isStrict = shape.kind !== "malformed";
    if (shape.kind === "malformed") {
      // results are not judged: in them any JSON number and lone surrogates pass
      const lenient = bound.readMessage(line, READ_FLAG_LENIENT);
      if (lenient.kind !== "result" && lenient.kind !== "error") {
        this.#malformed(line, shape);
        return;
      }
      shape = lenient;
    }
    const message: ClientMessage = {
      ...{ frame, line, shape },
      key: shape.id?.key ?? "null",
      method: shape.method ?? "",
      arrivedMs: waited?.arrivedMs ?? monotonic(),
      deadlineMs: waited?.deadlineMs,
    };
    if (shape.kind === "request") this.#request(message);
    else if (shape.kind === "notification") this.#notification(message);
    else this.#response(message, isStrict);
  }

  #request(message: ClientMessage): void {
    const { key, method, shape, line } = message;
    const state = this.#state;
    if (state.isServerGone) {
      const text = `server ${state.parts.serverId} has ended`;
      state.parts.toClient(plainError(idOfKey(key), INTERNAL_ERROR_CODE, text));
      state.drop("client", VERDICT_INTERNAL_FAULT, text, { method });
      return;
    }
    const refusal = this.#refusalOf(message);
    const requests = this.#requests;
    if (refusal !== undefined) {
      requests.refuse(message, refusal);
    } else if (this.#isOldTask(message)) {
      requests.whenAdmitted(message, (decided) => this.#concludeTask(decided));
    } else if (shape.dispatch !== METHOD_OTHER) {
      this.#dispatches.take(message);
    } else if (LISTING_OF_METHOD.has(method)) {
      requests.whenAdmitted(message, (decided) => requests.allow(decided));
    } else if (method === "subscriptions/listen") {
      this.#subscriptions.take(message);
    } else {
      // a new handshake may bring other definitions
      if (method === "initialize") {
        state.admission.forget();
        state.client.sawInitialize(line, shape.params);
      }
      requests.allow(message);
    }
  }

  /** What refuses a request whatever it names. */
  #refusalOf({ key, method, shape, line }: ClientMessage): Refusal | undefined {
    const { parts, pending, cancelled, standing, tasks } = this.#state;
    if (key.startsWith(`s:${GUARD_ID_PREFIX}`)) {
      return refusalBy(VERDICT_MALFORMED_MESSAGE, "an id of the guard's own");
    }
    if (pending.has(key)) return refusalBy(VERDICT_MALFORMED_MESSAGE, "an id that is in flight");
    if (cancelled.has(key)) {
      // WHY: what the server still says to it would be taken for an answer to this one
      return refusalBy(VERDICT_MALFORMED_MESSAGE, "an id that was cancelled and not answered");
    }
    if (pending.size >= LIMIT_PENDING) {
      return refusalBy(VERDICT_INTERNAL_FAULT, `${LIMIT_PENDING} requests in flight`);
    }
    if (standing !== undefined) return { decision: standing };
    if (!parts.methods.allows(method, "client")) return refusalBy(VERDICT_FEATURE_DENIED);
    if (this.#state.isExpiredFor(method)) return refusalBy(VERDICT_CATALOG_EXPIRED);
    const isCore = METHODS.get(method)?.feature === "core";
    if (shape.dispatch === METHOD_OTHER && !isCore && !parts.isKnownPrincipal) {
      return refusalBy(VERDICT_IDENTITY_UNKNOWN);
    }
    if (!tasks.allows(method, line, shape.params)) {
      return refusalBy(VERDICT_TOOL_SMUGGLE, OTHER_TASK);
    }
    return undefined;
  }

  /** A task that a call under another catalog has made: this one may not allow the call. */
  #isOldTask({ method, line, shape }: ClientMessage): boolean {
    const { tasks, epoch } = this.#state;
    return usesTask(method) && tasks.makerOf(line, shape.params)?.epoch !== epoch;
  }

  #concludeTask(message: ClientMessage): void {
    const { tasks, decider } = this.#state;
    const tool = tasks.makerOf(message.line, message.shape.params)?.tool ?? "";
    this.#requests.whenAnswered(message, decider.followUp("tool", tool), (later, decision) => {
      if (decision.outcome === "allow") this.#requests.allow(later);
      else this.#requests.refuse(later, { decision, detail: `a task of ${quote(tool)}` });
    });
  }

  #notification(message: ClientMessage): void {
    const { frame, method } = message;
    const state = this.#state;
    if (method === "notifications/cancelled" && this.#cancel(message)) return;
    const refusal = this.#refusalOfNotification(method);
    if (refusal === undefined) state.parts.toServer(frame);
    else state.dropAs(refusal, { sender: "client", detail: "a notification", method });
  }

  #refusalOfNotification(method: string): Decision | undefined {
    const { parts, standing } = this.#state;
    if (standing !== undefined) return standing;
    if (!parts.methods.allows(method, "client")) return toDecision(VERDICT_FEATURE_DENIED);
    return this.#state.isExpiredFor(method) ? toDecision(VERDICT_CATALOG_EXPIRED) : undefined;
  }

  /** Ends the wait for a request of the client; true when there is nothing more to do. */
  #cancel({ frame, line, shape, method }: ClientMessage): boolean {
    const state = this.#state;
    const span = valueAt(line, shape.params, "requestId");
    const key = state.keyOfId(span && line.subarray(span.start, span.end));
    if (key?.startsWith(`s:${GUARD_ID_PREFIX}`) === true) {
      // a question of the guard that the client will not put
      if (state.desk.refuse(key, "the client has cancelled the question")) return true;
      state.drop("client", VERDICT_MALFORMED_MESSAGE, "an id of the guard's own", { method });
      return true;
    }
    const request = key === undefined ? undefined : state.pending.get(key);
    if (key === undefined || request === undefined) return false;
    state.pending.delete(key);
    const { held } = request;
    held?.withdraw?.("the call was cancelled");
    state.unhold(request);
    if (held !== undefined) {
      const what = held.isAnswer ? "before its answer was passed on" : "before it was sent";
      state.drop("client", VERDICT_ALLOWED, `cancelled ${what}`, { method });
    } else {
      state.sawCancelled(key);
      // WHY: also where nothing else passes any more, what was sent on may be called off
      state.parts.toServer(frame);
    }
    return true;
  }

  #response({ frame, key, line, shape }: ClientMessage, isStrict: boolean): void {
    const { parts, pendingServer, desk } = this.#state;
    if (desk.answer(key, line, shape, isStrict)) return;
    const method = pendingServer.get(key);
    if (method === undefined) {
      const isGuards = key.startsWith(`s:${GUARD_ID_PREFIX}`);
      const what = isGuards ? "a question that is open no longer" : "a request never passed on";
      const detail = `a response to ${what}`;
      this.#state.drop("client", VERDICT_MALFORMED_MESSAGE, detail);
      return;
    }
    pendingServer.delete(key);
    const refusal = this.#state.refusalOfServer(method);
    if (refusal === undefined) {
      parts.toServer(frame);
      return;
    }
    // WHY: what the client was asked under another catalog is not told under this one
    const detail = "a response that is no longer allowed";
    this.#state.dropAs(refusal, { sender: "client", detail, method });
    const call = { server: parts.serverId, tool: method, traceId: parts.uuid() };
    parts.toServer(refusalError(idOfKey(key), refusal, call));
  }

  #malformed(line: Uint8Array, shape: MalformedMessage): void {
    const key = shape.id?.key;
    if (looksLikeResponse(line)) {
      const detail = `a response that cannot be read: ${shape.message}`;
      this.#state.drop("client", VERDICT_MALFORMED_MESSAGE, detail);
      if (key !== undefined && this.#state.desk.refuse(key, "an unreadable answer")) return;
      if (key === undefined || !this.#state.pendingServer.delete(key)) return;
      const text = "the client's response could not be read";
      this.#state.parts.toServer(plainError(idOfKey(key), INTERNAL_ERROR_CODE, text));
      return;
    }
    this.#refuseUnreadable(key, shape.message);
  }

  #refuseUnreadable(key: string | undefined, detail: string): void {
    const { malformed, parts } = this.#state;
    if (key !== undefined && key !== "null") {
      this.#state.refuse({ key, method: "", detail }, malformed);
      return;
    }
    this.#state.recordDecision(malformed, { sender: "client", detail });
    parts.toClient(plainError(null, PARSE_ERROR_CODE, `portcullis refused a message: ${detail}`));
  }
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** As far as brackets and quotes tell, it has a result or an error and no method. */
function looksLikeResponse(line: Uint8Array): boolean {
  const names = (membersOf(line, wholeValue(line)) ?? []).map((member) => member.name);
  return (names.includes("result") || names.includes("error")) && !names.includes("method");
}
