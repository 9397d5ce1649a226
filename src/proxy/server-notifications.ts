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
import { andThen, type Eventually } from "./eventually.ts";
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

/** What a server says of a task of this session. */
interface TaskNews {
  readonly params: Span;
  readonly method: string;
  /** Whose call has made it. */
  readonly tool: string;
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
      this.#whenAnswered(message, this.#refusalOfUpdate(line, shape.params), (later, old) => {
        if (old === undefined) state.pass(later.frame);
        else this.#drop(old, method, "a notification");
      });
    } else if (method === "notifications/cancelled") {
      this.#cancelled(message, method);
    } else {
      state.pass(frame, markFlaggedText(state, line, shape.params, { method }));
      if (method === "notifications/subscriptions/acknowledged") this.#acknowledged(line, shape);
    }
  }

  /** Held to the same as the result of `tasks/get`, and about a task of this session only. */
  #taskNews(message: ServerNotification, method: string): void {
    const state = this.#state;
    const { line, shape } = message;
    const maker = state.tasks.makerOf(line, shape.params);
    if (maker === undefined || shape.params === undefined) {
      const detail = "news of a task that no call of this session made";
      this.#drop(toDecision(VERDICT_TOOL_SMUGGLE), method, detail);
      return;
    }
    const { params } = shape;
    const { tool } = maker;
    // under a later catalog, whose call has made the task has to be allowed
    const isCurrent = maker.epoch === state.epoch;
    const answer = isCurrent ? toDecision(VERDICT_ALLOWED) : state.decider.followUp("tool", tool);
    this.#whenAnswered(message, answer, (later, decision) => {
      if (decision.outcome === "allow") this.#passTaskNews(later, { params, method, tool });
      else this.#drop(decision, method, "a notification");
    });
  }

  #passTaskNews({ frame, line }: ServerNotification, { params, method, tool }: TaskNews): void {
    const state = this.#state;
    const verdict = judgeResult(line, params, { method, isModern: false }, this.#context);
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
      const decision = toDecision(VERDICT_ALLOWED);
      state.record("cut", decision, { sender: "server", method, detail: verdict.cut.join(", ") });
    }
    state.pass(passed, markFlaggedText(state, line, params, { method, tool }));
  }

  /**
   * Under a later catalog: news of what an earlier one has let the client ask for. A resource that
   * is named and not listed again yet may be spoken of.
   */
  #refusalOfUpdate(line: Uint8Array, params: Span | undefined): Eventually<Decision | undefined> {
    const state = this.#state;
    if (state.epoch === 0) return undefined;
    const uri = readString(line, valueAt(line, params, "uri"));
    if (uri === undefined) return state.malformed;
    return andThen(state.decider.followUp("resource", uri), (decision) => {
      const isUnlisted = decision.code === VERDICT_SERVER_NOT_ADMITTED && !state.isRefused;
      return decision.outcome === "allow" || isUnlisted ? undefined : decision;
    });
  }

  /** Goes on with what a store answers; until then the notification waits, as a copy. */
  #whenAnswered<T>(
    message: ServerNotification,
    answer: Eventually<T>,
    go: (message: ServerNotification, answer: T) => void,
  ): void {
    if (!(answer instanceof Promise)) {
      go(message, answer);
      return;
    }
    const frame = message.frame.slice();
    const waiting = { ...message, frame, line: frame.subarray(0, frame.length - 1) };
    this.#state.parts.goOn(answer, (value) => go(waiting, value));
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
    state.pass(frame);
  }

  /** Notes who listens; a subscription of an earlier catalog hears of the change at once. */
  #acknowledged(line: Uint8Array, shape: MessageShape): void {
    const { listeners, pending, epoch } = this.#state;
    const span = subscriptionIdOf(line, shape.params);
    const key = this.#state.keyOfId(span && line.subarray(span.start, span.end));
    const request = key === undefined ? undefined : pending.get(key);
    if (key === undefined || request?.method !== "subscriptions/listen") return;
    listeners.sawAcknowledged(key, line, shape.params);
    if (request.epoch === epoch) return;
    for (const frame of listeners.framesOf(key)) this.#state.pass(frame);
  }

  #drop(decision: Decision, method: string, detail: string): void {
    this.#state.dropAs(decision, { sender: "server", detail, method });
  }
}
