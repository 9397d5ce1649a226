// What a server says of its own accord, without asking: dropped, judged like a result, or passed.
import {
  VERDICT_ALLOWED,
  VERDICT_FEATURE_DENIED,
  VERDICT_MALFORMED_MESSAGE,
  VERDICT_SERVER_NOT_ADMITTED,
  VERDICT_TOOL_SMUGGLE,
} from "../abi/verdict.ts";
import type { MessageShape, Span } from "../kernel/message.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { subscriptionIdOf } from "./change-listeners.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";
import { applyEdits } from "./cut.ts";
import { readString, valueAt } from "./json-members.ts";
import { CHANGED_KINDS } from "./methods.ts";
import { markFlaggedText } from "./result-taint.ts";
import { judgeResult, type ResultContext } from "./results.ts";
import type { SessionState } from "./session-state.ts";

/** What a server says of a task: all that `tasks/get` would answer, its requests included. */
const TASK_NEWS: ReadonlySet<string> = new Set([
  "notifications/tasks/status",
  "notifications/tasks",
]);

/** One notification of the server that was read. */
export interface ServerNotification {
  readonly frame: Uint8Array;
  /** Without its line feed. */
  readonly line: Uint8Array;
  readonly shape: MessageShape;
}

/** Handles the notifications of one server. */
export class ServerNotifications {
  readonly #state: SessionState;
  readonly #context: ResultContext;

  constructor(state: SessionState, context: ResultContext) {
    this.#state = state;
    this.#context = context;
  }

  take(message: ServerNotification): void {
    const state = this.#state;
    const { frame, line, shape } = message;
    const method = shape.method ?? "";
    const changed = CHANGED_KINDS.get(method);
    if (changed !== undefined) state.admission.listChanged(changed);
    const refusal = state.refusalOfServer(method);
    if (refusal !== undefined) {
      this.#drop(refusal, method, "a notification");
    } else if (TASK_NEWS.has(method)) {
      this.#taskNews(message, method);
    } else if (method === "notifications/resources/updated") {
      const old = this.#refusalOfUpdate(line, shape.params);
      if (old === undefined) state.parts.toClient(frame);
      else this.#drop(old, method, "a notification");
    } else if (method === "notifications/cancelled") {
      this.#cancelled(message, method);
    } else {
      markFlaggedText(state, line, shape.params, { method });
      state.parts.toClient(frame);
      if (method === "notifications/subscriptions/acknowledged") this.#acknowledged(line, shape);
    }
  }

  /** Held to the same as the result of `tasks/get`, and about a task of this session only. */
  #taskNews({ frame, line, shape }: ServerNotification, method: string): void {
    const state = this.#state;
    const maker = state.tasks.makerOf(line, shape.params);
    if (maker === undefined || shape.params === undefined) {
      const detail = "news of a task that no call of this session made";
      this.#drop(toDecision(VERDICT_TOOL_SMUGGLE), method, detail);
      return;
    }
    // under a later catalog, whose call has made the task has to be allowed
    const isCurrent = maker.epoch === state.epoch;
    const decision = isCurrent
      ? toDecision(VERDICT_ALLOWED)
      : state.decider.followUp("tool", maker.tool);
    if (decision.outcome !== "allow") {
      this.#drop(decision, method, "a notification");
      return;
    }
    const verdict = judgeResult(line, shape.params, { method, isModern: false }, this.#context);
    if ("refusal" in verdict) {
      const isFeature = verdict.refusal === "feature";
      const refusal = isFeature ? toDecision(VERDICT_FEATURE_DENIED) : state.malformed;
      this.#drop(refusal, method, verdict.detail);
      return;
    }
    const isEdited = verdict.edits.length > 0;
    const passed = isEdited ? applyEdits(frame, verdict.edits) : frame;
    if (isEdited && state.readChanged(passed)?.kind !== "notification") {
      this.#drop(state.malformed, method, "the notification cannot be read");
      return;
    }
    if (verdict.cut.length > 0) {
      state.record("cut", decision, { sender: "server", method, detail: verdict.cut.join(", ") });
    }
    markFlaggedText(state, line, shape.params, { method, tool: maker.tool });
    state.parts.toClient(passed);
  }

  /**
   * Under a later catalog: news of what an earlier one has let the client ask for. A resource that
   * is named and not listed again yet may be spoken of.
   */
  #refusalOfUpdate(line: Uint8Array, params: Span | undefined): Decision | undefined {
    const state = this.#state;
    if (state.epoch === 0) return undefined;
    const uri = readString(line, valueAt(line, params, "uri"));
    if (uri === undefined) return state.malformed;
    const decision = state.decider.followUp("resource", uri);
    const isUnlisted = decision.code === VERDICT_SERVER_NOT_ADMITTED && !state.isRefused;
    return decision.outcome === "allow" || isUnlisted ? undefined : decision;
  }

  /** The server takes a request of its own back. */
  #cancelled({ frame, line, shape }: ServerNotification, method: string): void {
    const state = this.#state;
    const span = valueAt(line, shape.params, "requestId");
    const key = state.keyOfId(span && line.subarray(span.start, span.end));
    if (key?.startsWith(`s:${GUARD_ID_PREFIX}`) === true) {
      this.#drop(toDecision(VERDICT_MALFORMED_MESSAGE), method, "an id of the guard's own");
      return;
    }
    if (key !== undefined) state.pendingServer.delete(key);
    state.parts.toClient(frame);
  }

  /** Notes who listens; a subscription of an earlier catalog hears of the change at once. */
  #acknowledged(line: Uint8Array, shape: MessageShape): void {
    const { listeners, pending, epoch, parts } = this.#state;
    const span = subscriptionIdOf(line, shape.params);
    const key = this.#state.keyOfId(span && line.subarray(span.start, span.end));
    const request = key === undefined ? undefined : pending.get(key);
    if (key === undefined || request?.method !== "subscriptions/listen") return;
    listeners.sawAcknowledged(key, line, shape.params);
    if (request.epoch === epoch) return;
    for (const frame of listeners.framesOf(key)) parts.toClient(frame);
  }

  #drop(decision: Decision, method: string, detail: string): void {
    this.#state.dropAs(decision, { sender: "server", detail, method });
  }
}
