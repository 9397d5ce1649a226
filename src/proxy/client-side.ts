// From the client to the server: decides every message, forwards the bytes that were judged.
import {
  METHOD_OTHER,
  METHOD_PROMPTS_GET,
  METHOD_TOOLS_CALL,
  READ_FLAG_LENIENT,
} from "../abi/layout.ts";
import {
  VERDICT_ALLOWED,
  VERDICT_CATALOG_EXPIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_INTERNAL_FAULT,
  VERDICT_MALFORMED_MESSAGE,
  VERDICT_TOOL_SMUGGLE,
} from "../abi/verdict.ts";
import type { ItemKind } from "../catalog/types.ts";
import { quote } from "../errors.ts";
import type { MalformedMessage, MessageShape } from "../kernel/message.ts";
import { type Decision, toDecision } from "../verdict.ts";
import {
  INTERNAL_ERROR_CODE,
  idOfKey,
  PARSE_ERROR_CODE,
  plainError,
  refusalError,
} from "./answers.ts";
import { GUARD_ID_PREFIX, metaOf } from "./complete-listing.ts";
import type { FramedLine } from "./framing.ts";
import { membersOf, valueAt, wholeValue } from "./json-members.ts";
import { LIMIT_PENDING } from "./limits.ts";
import { LISTING_OF_METHOD, METHODS } from "./methods.ts";
import type { HeldMessage, PendingRequest, SessionState } from "./session-state.ts";
import { type ListenFilter, listenFilterOf } from "./subscriptions.ts";
import { usesTask } from "./tasks.ts";

/** One message of the client that was read. */
interface ClientMessage {
  readonly frame: Uint8Array;
  /** Without its line feed. */
  readonly line: Uint8Array;
  readonly shape: MessageShape;
  readonly key: string;
  readonly method: string;
  /** On the monotonic clock; `undefined` for what has not waited yet. */
  readonly deadlineMs: number | undefined;
}

/** Handles what the client sends. */
export class ClientSide {
  readonly #state: SessionState;

  constructor(state: SessionState) {
    this.#state = state;
  }

  /**
   * Takes one line of the client.
   *
   * @param deadlineMs on the monotonic clock, of a message that has waited under another catalog
   */
  take(framed: FramedLine, deadlineMs?: number): void {
    if (framed.kind === "too-long") {
      const key = this.#state.keyOfId(framed.idText);
      this.#refuseUnreadable(key, `a line of ${framed.sizeBytes} bytes is over the limit`);
      return;
    }
    const { frame } = framed;
    const line = frame.subarray(0, frame.length - 1);
    const { bound } = this.#state.parts;
    if (isBlank(line)) {
      this.#state.drop("client", VERDICT_MALFORMED_MESSAGE, "an empty line");
      return;
    }
    let shape = bound.readMessage(line);
    if (shape.kind === "malformed") {
      // results are not judged: in them any JSON number and lone surrogates pass
      const lenient = bound.readMessage(line, READ_FLAG_LENIENT);
      if (lenient.kind !== "result" && lenient.kind !== "error") {
        this.#malformed(line, shape);
        return;
      }
      shape = lenient;
    }
    const message = {
      frame,
      line,
      shape,
      key: shape.id?.key ?? "null",
      method: shape.method ?? "",
      deadlineMs,
    };
    if (shape.kind === "request") this.#request(message);
    else if (shape.kind === "notification") this.#notification(message);
    else this.#response(message);
  }

  #request(message: ClientMessage): void {
    const { key, method, shape } = message;
    const state = this.#state;
    if (state.isServerGone) {
      const text = `server ${state.parts.serverId} has ended`;
      state.parts.toClient(plainError(idOfKey(key), INTERNAL_ERROR_CODE, text));
      state.drop("client", VERDICT_INTERNAL_FAULT, text, { method });
      return;
    }
    const refusal = this.#refusalOf(message);
    if (refusal !== undefined) {
      this.#refuse(message, refusal.decision, refusal.detail);
    } else if (this.#isOldTask(message)) {
      this.#whenAdmitted(message, (decided) => this.#concludeTask(decided));
    } else if (shape.dispatch !== METHOD_OTHER) {
      this.#dispatch(message);
    } else if (LISTING_OF_METHOD.has(method)) {
      this.#whenAdmitted(message, (decided) => this.#allow(decided));
    } else if (method === "subscriptions/listen") {
      this.#subscribe(message);
    } else {
      // a new handshake may bring other definitions
      if (method === "initialize") state.admission.forget();
      this.#allow(message);
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
    const maker = this.#state.tasks.makerOf(message.line, message.shape.params);
    const decision = this.#state.decideTool(maker?.tool ?? "");
    if (decision.outcome === "allow") this.#allow(message);
    else this.#refuse(message, decision, `a task of ${quote(maker?.tool ?? "")}`);
  }

  #dispatch(message: ClientMessage): void {
    // INVARIANT: the kernel's frame still holds this message
    const decision = this.#state.parts.bound.decideLast();
    if (isFinal(decision)) {
      this.#refuse(message, decision);
      return;
    }
    const context = metaOf(message.line, message.shape.meta);
    if (this.#state.admission.isFresh(context)) this.#conclude(message, decision);
    else this.#whenAdmitted(message, (later) => this.#concludeLater(later), context);
  }

  /** Decides a message that has waited: read again, since the kernel has read others since. */
  #concludeLater(message: ClientMessage): void {
    const { bound } = this.#state.parts;
    bound.readMessage(message.line);
    this.#conclude(message, bound.decideLast());
  }

  #conclude(message: ClientMessage, decision: Decision): void {
    const kind = kindOf(message.shape.dispatch);
    const whole = this.#state.parts.layers.combine(decision, kind, message.shape.name ?? "");
    if (whole.outcome === "allow") this.#allow(message);
    else this.#refuse(message, whole);
  }

  #subscribe(message: ClientMessage): void {
    const filter = listenFilterOf(message.line, message.shape.params);
    if (filter === undefined) {
      const detail = "expected resourceSubscriptions and taskIds to be arrays of texts";
      this.#refuse(message, this.#state.malformed, detail);
      return;
    }
    const refusal = this.#refusalOfFilter(filter);
    if (refusal !== undefined) this.#refuse(message, refusal.decision, refusal.detail);
    else if (isEmpty(filter.uris) && isEmpty(filter.taskIds)) this.#allow(message);
    else this.#whenAdmitted(message, (later) => this.#concludeSubscriptions(later, filter));
  }

  /** What refuses a subscription whatever the server has listed. */
  #refusalOfFilter({ uris, taskIds }: ListenFilter): Refusal | undefined {
    const { parts, tasks } = this.#state;
    const { methods } = parts;
    const isAllowed =
      (isEmpty(uris) || methods.hasFeature("resources")) &&
      // WHY: a server may take an empty list of tasks for all of them
      (taskIds === undefined || methods.hasFeature("tasks"));
    if (!isAllowed) return refusalBy(VERDICT_FEATURE_DENIED);
    if (taskIds === undefined) return undefined;
    if (this.#state.isExpiredFor("tasks/get")) return refusalBy(VERDICT_CATALOG_EXPIRED);
    const isOwn = taskIds.every((id) => tasks.makerOfId(id) !== undefined);
    return isOwn ? undefined : refusalBy(VERDICT_TOOL_SMUGGLE, OTHER_TASK);
  }

  #concludeSubscriptions(message: ClientMessage, { uris = [], taskIds = [] }: ListenFilter): void {
    const { epoch, tasks } = this.#state;
    for (const uri of uris) {
      const whole = this.#state.decideSubscription(uri);
      if (whole.outcome === "allow") continue;
      this.#refuse(message, whole, `subscription to ${quote(uri)}`);
      return;
    }
    for (const id of taskIds) {
      const maker = tasks.makerOfId(id);
      if (maker?.epoch === epoch) continue;
      const decision = this.#state.decideTool(maker?.tool ?? "");
      if (decision.outcome === "allow") continue;
      this.#refuse(message, decision, `a task of ${quote(maker?.tool ?? "")}`);
      return;
    }
    this.#allow(message);
  }

  /** Goes on at once when the admission is fresh, else when the guard has listed. */
  #whenAdmitted(
    message: ClientMessage,
    go: (message: ClientMessage) => void,
    context: string | undefined = metaOf(message.line, message.shape.meta),
  ): void {
    const { admission } = this.#state;
    if (admission.isFresh(context)) {
      go(message);
      return;
    }
    const deadlineMs = message.deadlineMs ?? admission.deadlineMs;
    // WHY: the chunk belongs to the stream; what waits is a copy
    const frame = message.frame.slice();
    const waiting = { ...message, frame, line: frame.subarray(0, frame.length - 1) };
    const request = this.#pendingOf(waiting, context, {
      sizeBytes: frame.length,
      isAnswer: false,
      again: () => this.take({ kind: "line", frame }, deadlineMs),
    });
    this.#state.hold(message.key, request);
    const decide = (): void => {
      // cancelled meanwhile
      if (this.#state.pending.get(message.key) !== request) return;
      this.#state.pending.delete(message.key);
      this.#state.unhold(request);
      go(waiting);
    };
    admission.wait(context, decide, deadlineMs);
  }

  #allow(message: ClientMessage): void {
    const { key, method, shape, frame, line } = message;
    const { parts, pending } = this.#state;
    pending.set(key, this.#pendingOf(message, metaOf(line, shape.meta), undefined));
    this.#state.recordDecision(toDecision(VERDICT_ALLOWED), {
      sender: "client",
      method,
      id: JSON.stringify(idOfKey(key)),
      ...(shape.name !== undefined && { tool: shape.name }),
    });
    parts.toServer(frame);
  }

  #refuse(message: ClientMessage, decision: Decision, detail?: string): void {
    const { key, method, shape, line } = message;
    const isCall = shape.dispatch === METHOD_TOOLS_CALL;
    this.#state.refuse(
      {
        key,
        method,
        tool: shape.name,
        isModern: metaOf(line, shape.meta) !== undefined,
        // a task-augmented call expects a task, so only an error fits there
        mayBeResult: isCall && valueAt(line, shape.params, "task") === undefined,
        ...(detail !== undefined && { detail }),
      },
      decision,
    );
  }

  #pendingOf(
    { method, shape }: ClientMessage,
    context: string | undefined,
    held: HeldMessage | undefined,
  ): PendingRequest {
    const { epoch } = this.#state;
    const isModern = context !== undefined;
    return { method, tool: shape.name, isModern, context, epoch, held };
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
      state.drop("client", VERDICT_MALFORMED_MESSAGE, "an id of the guard's own", { method });
      return true;
    }
    const request = key === undefined ? undefined : state.pending.get(key);
    if (key === undefined || request === undefined) return false;
    state.pending.delete(key);
    const { held } = request;
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

  #response({ frame, key }: ClientMessage): void {
    const { parts, pendingServer } = this.#state;
    const method = pendingServer.get(key);
    if (method === undefined) {
      const detail = "a response to a request that was never passed on";
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

const OTHER_TASK = "a task that no call of this session made";

interface Refusal {
  readonly decision: Decision;
  readonly detail?: string;
}

function refusalBy(verdict: number, detail?: string): Refusal {
  const decision = toDecision(verdict);
  return detail === undefined ? { decision } : { decision, detail };
}

function isEmpty(names: readonly string[] | undefined): boolean {
  return names === undefined || names.length === 0;
}

/** True for a refusal that no listing could change. */
function isFinal(decision: Decision): boolean {
  const { layer, code } = decision;
  const isAboutName = layer === "catalog" || layer === "server" || layer === "item";
  return isAboutName || layer === "message" || code === VERDICT_FINGERPRINT_DRIFT;
}

function kindOf(dispatch: number): ItemKind {
  if (dispatch === METHOD_TOOLS_CALL) return "tool";
  return dispatch === METHOD_PROMPTS_GET ? "prompt" : "resource";
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** As far as brackets and quotes tell, it has a result or an error and no method. */
function looksLikeResponse(line: Uint8Array): boolean {
  const names = (membersOf(line, wholeValue(line)) ?? []).map((member) => member.name);
  return (names.includes("result") || names.includes("error")) && !names.includes("method");
}
