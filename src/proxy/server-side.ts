// From the server to the client: only what answers a pending request, or what the catalog allows.
import {
  VERDICT_ALLOWED,
  VERDICT_FEATURE_DENIED,
  VERDICT_INTERNAL_FAULT,
  VERDICT_MALFORMED_MESSAGE,
} from "../abi/verdict.ts";
import type { MalformedMessage, MessageShape, Span } from "../kernel/message.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { INTERNAL_ERROR_CODE, idOfKey, plainError, refusalError } from "./answers.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";
import { applyEdits, type Edit } from "./cut.ts";
import { asksForUrl, labelEdits, urlLabelEdits } from "./elicitation.ts";
import type { FramedLine } from "./framing.ts";
import { memberNamed, membersOf, wholeValue } from "./json-members.ts";
import { LIMIT_HELD_BYTES, LIMIT_PENDING } from "./limits.ts";
import { LISTING_OF_METHOD } from "./methods.ts";
import type { PendingRequest } from "./pending-request.ts";
import { describeLost, readableLine } from "./readable-line.ts";
import { markFlaggedText } from "./result-taint.ts";
import { isDefinition, judgeResult, type ResultContext } from "./results.ts";
import { ServerNotifications } from "./server-notifications.ts";
import { SERVER_READ_FLAGS, type SessionState } from "./session-state.ts";

/** A response that carries a result. */
interface ServerResult {
  readonly frame: Uint8Array;
  /** Without its line feed. */
  readonly line: Uint8Array;
  readonly result: Span;
  /** The strict reader has accepted all of it. */
  readonly isWellRead: boolean;
}

/** Handles what the server sends. */
export class ServerSide {
  readonly #state: SessionState;
  readonly #context: ResultContext;
  readonly #notifications: ServerNotifications;

  constructor(state: SessionState) {
    this.#state = state;
    // INVARIANT: nothing here outlives a catalog; every member asks for the one in force
    this.#context = {
      serverId: state.parts.serverId,
      get methods() {
        return state.parts.methods;
      },
      isRefused: () => state.isRefused,
      areInstructionsRefused: () => state.areInstructionsRefused,
      seeInstructions: (text) => state.seeInstructions(text),
      sawCapabilities: (names) => state.admission.sawCapabilities(names),
      sawPage: (manifest) => state.admission.sawPage(manifest),
      keeps: (item) => state.admission.keeps(item),
    };
    this.#notifications = new ServerNotifications(state, this.#context);
  }

  /** Takes one line of the server. */
  take(given: FramedLine): void {
    const state = this.#state;
    const framed = readableLine(given, state.parts.bound);
    if (framed.kind === "too-long") {
      const key = state.keyOfId(framed.idText);
      this.#unreadable(key, undefined, describeLost(framed));
      return;
    }
    const { frame } = framed;
    const line = frame.subarray(0, frame.length - 1);
    const shape = state.parts.bound.readMessage(line, SERVER_READ_FLAGS);
    if (shape.kind === "malformed") this.#malformed(line, shape);
    else if (shape.kind === "request") this.#request(frame, line, shape);
    else if (shape.kind === "notification") this.#notifications.take({ frame, line, shape });
    else this.#response(frame, line, shape);
  }

  /** The server has ended: whoever waits for it is told. */
  end(detail: string): void {
    const state = this.#state;
    state.isServerGone = true;
    state.admission.stop();
    const waiting = [...state.pending];
    state.pending.clear();
    state.pendingServer.clear();
    state.cancelled.clear();
    // WHY: everybody is answered before anything is recorded, which may fail
    for (const [key, request] of waiting) {
      request.held?.withdraw?.(detail);
      state.unhold(request);
      state.parts.toClient(plainError(idOfKey(key), INTERNAL_ERROR_CODE, detail));
    }
    const decision = toDecision(VERDICT_INTERNAL_FAULT);
    for (const [, { method }] of waiting) {
      state.record("replace", decision, { sender: "server", method, detail });
    }
  }

  #request(frame: Uint8Array, line: Uint8Array, shape: MessageShape): void {
    const { parts, pendingServer } = this.#state;
    const method = shape.method ?? "";
    const key = shape.id?.key ?? "null";
    const drop = (verdict: number, detail: string): void =>
      this.#state.drop("server", verdict, detail, { method });
    if (key.startsWith(`s:${GUARD_ID_PREFIX}`)) {
      drop(VERDICT_MALFORMED_MESSAGE, "a request with an id of the guard's own");
      return;
    }
    if (pendingServer.has(key)) {
      drop(VERDICT_MALFORMED_MESSAGE, "a request with an id that is in flight");
      return;
    }
    const edits = labelEdits(line, method, shape.params, parts.serverId);
    const refusal = this.#refusalOf(method);
    const passed = edits === undefined ? undefined : this.#changed(frame, edits);
    if (refusal !== undefined || passed === undefined) {
      const decision = refusal ?? this.#state.malformed;
      drop(decision.code, "a request of the server");
      // WHY: the server is told at once, and does not wait for a client that was never asked
      const call = { server: parts.serverId, tool: method, traceId: parts.uuid() };
      parts.toServer(refusalError(idOfKey(key), decision, call));
      return;
    }
    pendingServer.set(key, method);
    const marked = markFlaggedText(this.#state, line, shape.params, { method });
    this.#state.recordDecision(toDecision(VERDICT_ALLOWED), { sender: "server", method });
    this.#state.pass(passed, marked);
  }

  /** The frame after these edits; `undefined` when that is no message that may pass. */
  #changed(frame: Uint8Array, edits: readonly Edit[]): Uint8Array | undefined {
    if (edits.length === 0) return frame;
    const changed = applyEdits(frame, edits);
    return this.#state.readChanged(changed) === undefined ? undefined : changed;
  }

  /** Why the server may not send this method; `undefined` when it may. */
  #refusalOf(method: string): Decision | undefined {
    const state = this.#state;
    const isFull = state.pendingServer.size >= LIMIT_PENDING;
    return (
      state.refusalOfServer(method) ?? (isFull ? toDecision(VERDICT_INTERNAL_FAULT) : undefined)
    );
  }

  #response(frame: Uint8Array, line: Uint8Array, shape: MessageShape): void {
    const state = this.#state;
    const key = shape.id?.key ?? "null";
    if (state.admission.owns(key)) {
      state.admission.answer(line, shape);
      return;
    }
    if (state.abandoned.delete(key)) {
      state.drop("server", VERDICT_ALLOWED, "the answer to a listing for a catalog before");
      return;
    }
    if (state.cancelled.delete(key)) {
      state.drop("server", VERDICT_ALLOWED, "the answer to a request that was cancelled");
      return;
    }
    const request = state.pending.get(key);
    if (request === undefined || request.held !== undefined) {
      const detail = "a response that answers no request in flight";
      state.drop("server", VERDICT_MALFORMED_MESSAGE, detail);
      return;
    }
    if (shape.result !== undefined) {
      this.#answered({ frame, line, result: shape.result, isWellRead: true }, key, request);
      return;
    }
    state.pending.delete(key);
    this.#failure(frame, shape.failure, key, request);
  }

  /** An elicitation by error is one all the same. */
  #failure(
    frame: Uint8Array,
    failure: Span | undefined,
    key: string,
    request: PendingRequest,
  ): void {
    const state = this.#state;
    const { serverId, methods } = state.parts;
    const line = frame.subarray(0, frame.length - 1);
    const marked = markFlaggedText(state, line, failure, request);
    if (failure === undefined || !asksForUrl(line, failure)) {
      state.pass(frame, marked);
    } else if (!methods.hasFeature("elicitation")) {
      const decision = toDecision(VERDICT_FEATURE_DENIED);
      state.replace(key, request, decision, "an error that asks the client to open a url");
    } else {
      const edits = urlLabelEdits(line, failure, serverId);
      const passed = edits === undefined ? undefined : this.#changed(frame, edits);
      if (passed !== undefined) state.pass(passed, marked);
      else state.replace(key, request, state.malformed, "an elicitation that cannot be labelled");
    }
  }

  /**
   * Judges a result now, or, when it is a listing that was asked for under another catalog, once
   * the guard has listed for this one: until then nothing of it could be kept.
   */
  #answered(answer: ServerResult, key: string, request: PendingRequest): void {
    const state = this.#state;
    const { admission, epoch } = state;
    const sizeBytes = answer.frame.length;
    const isOld = request.epoch !== epoch && LISTING_OF_METHOD.has(request.method);
    const isRoom = state.heldBytes + sizeBytes <= LIMIT_HELD_BYTES;
    if (!isOld || !isRoom || admission.isFresh(request.context)) {
      state.pending.delete(key);
      this.#result(answer, key, request);
      return;
    }
    // WHY: the chunk belongs to the stream; what waits is a copy
    const frame = answer.frame.slice();
    const waiting = { ...answer, frame, line: frame.subarray(0, frame.length - 1) };
    const again = (): void => this.#answered(waiting, key, request);
    request.held = { sizeBytes, isAnswer: true, again };
    state.hold(key, request);
    admission.wait(request.context, () => {
      // cancelled meanwhile
      if (state.pending.get(key) !== request) return;
      state.pending.delete(key);
      state.unhold(request);
      this.#result(waiting, key, request);
    });
  }

  #result(answer: ServerResult, key: string, request: PendingRequest): void {
    const state = this.#state;
    const { frame, line, result, isWellRead } = answer;
    const verdict = judgeResult(line, result, request, this.#context);
    if ("refusal" in verdict) {
      const isFeature = verdict.refusal === "feature";
      const code = isFeature ? VERDICT_FEATURE_DENIED : VERDICT_MALFORMED_MESSAGE;
      state.replace(key, request, toDecision(code), verdict.detail);
      return;
    }
    const isEdited = verdict.edits.length > 0;
    const passed = isEdited ? applyEdits(frame, verdict.edits) : frame;
    if ((isEdited || !isWellRead) && !this.#isMessage(passed, key)) {
      state.replace(key, request, state.malformed, "the response cannot be read");
      return;
    }
    if (verdict.cut.length > 0) {
      const decision = toDecision(VERDICT_ALLOWED);
      const { method } = request;
      state.record("cut", decision, { sender: "server", method, detail: verdict.cut.join(", ") });
    }
    const { method, tool = "", epoch } = request;
    // what a listing or an introduction says is pinned
    const marked = isDefinition(method) ? undefined : markFlaggedText(state, line, result, request);
    const makesTask = method === "tools/call" && state.parts.methods.hasFeature("tasks");
    if (makesTask) state.tasks.sawResult(line, result, { tool, epoch });
    if (method === "initialize") {
      const seen = passed.subarray(0, passed.length - 1);
      const own = memberNamed(membersOf(seen, wholeValue(seen)) ?? [], "result")?.value;
      state.listeners.sawInitialize(seen, own);
      state.client.sawRevision(seen, own);
    }
    state.pass(passed, marked);
  }

  /** WHY: what was malformed in a definition is gone with it, or the response is not passed on. */
  #isMessage(frame: Uint8Array, key: string): boolean {
    const shape = this.#state.readChanged(frame);
    return shape?.kind === "result" && shape.id?.key === key;
  }

  #malformed(line: Uint8Array, shape: MalformedMessage): void {
    const state = this.#state;
    const key = shape.id?.key;
    const request = key === undefined ? undefined : state.pending.get(key);
    const isOwn = key !== undefined && state.admission.owns(key);
    const isListing = request !== undefined && LISTING_OF_METHOD.has(request.method);
    const result = isOwn || isListing ? looseResult(line) : undefined;
    if (result === undefined || key === undefined) {
      this.#unreadable(key, line, shape.message);
    } else if (isOwn) {
      state.admission.answer(line, { result, failure: undefined });
    } else if (request !== undefined && request.held === undefined) {
      const frame = new Uint8Array(line.length + 1);
      frame.set(line);
      frame[line.length] = 0x0a;
      this.#answered({ frame, line, result, isWellRead: false }, key, request);
    } else this.#unreadable(key, line, shape.message);
  }

  /** Replaced by an error when it can be told what it answers, else dropped. */
  #unreadable(key: string | undefined, line: Uint8Array | undefined, detail: string): void {
    const state = this.#state;
    const request = key === undefined ? undefined : state.pending.get(key);
    if (key !== undefined && request !== undefined && request.held === undefined) {
      state.pending.delete(key);
      state.replace(key, request, state.malformed, detail);
      return;
    }
    if (key !== undefined) state.cancelled.delete(key);
    if (line !== undefined) state.admission.failIfNamedIn(line);
    else if (key !== undefined && state.admission.owns(key)) {
      state.admission.answer(new Uint8Array(), {
        result: { start: 0, end: 0 },
        failure: undefined,
      });
    }
    state.drop("server", VERDICT_MALFORMED_MESSAGE, detail);
  }
}

/** The result of a response whose definitions may be malformed, as far as brackets tell. */
function looseResult(line: Uint8Array): Span | undefined {
  const members = membersOf(line, wholeValue(line));
  if (members === undefined || members.length !== 3) return undefined;
  const hasHead = memberNamed(members, "jsonrpc") && memberNamed(members, "id");
  return hasHead === undefined ? undefined : memberNamed(members, "result")?.value;
}
