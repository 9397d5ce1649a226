// From the server to the client: only what answers a pending request, or what the catalog allows.
import { READ_FLAG_LENIENT, READ_FLAG_LISTING } from "../abi/layout.ts";
import {
  VERDICT_ALLOWED,
  VERDICT_CATALOG_EXPIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_INTERNAL_FAULT,
  VERDICT_MALFORMED_MESSAGE,
} from "../abi/verdict.ts";
import type { MalformedMessage, MessageShape, Span } from "../kernel/message.ts";
import { toDecision } from "../verdict.ts";
import { idOfKey, INTERNAL_ERROR_CODE, plainError, refusalError } from "./answers.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";
import { applyEdits } from "./cut.ts";
import { labelEdits } from "./elicitation.ts";
import type { FramedLine } from "./framing.ts";
import { memberNamed, membersOf, readNumber, valueAt, wholeValue } from "./json-members.ts";
import { LIMIT_PENDING } from "./limits.ts";
import { CHANGED_KINDS, LISTING_OF_METHOD, METHODS } from "./methods.ts";
import { judgeResult, type ResultContext } from "./results.ts";
import type { PendingRequest, SessionState } from "./session-state.ts";

/** How everything from a server is read; definitions are read again, strictly. */
const READ_FLAGS = READ_FLAG_LENIENT | READ_FLAG_LISTING;
/** 2025-11-25: the error by which a server asks the client to open a URL. */
const URL_ELICITATION_CODE = -32042;

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

  constructor(state: SessionState) {
    const { admission, parts } = state;
    let isIntroductionRefused = false;
    this.#state = state;
    this.#context = {
      serverId: parts.serverId,
      methods: parts.methods,
      isRefused: () => isIntroductionRefused || admission.isRefused,
      seeInstructions: (text) => {
        const isPinned = parts.bound.seeInstructions(text);
        if (!isPinned && parts.server?.onDrift !== "block-tool") isIntroductionRefused = true;
        return isPinned;
      },
      sawCapabilities: (names) => admission.sawCapabilities(names),
      sawPage: (manifest) => admission.sawPage(manifest),
      keeps: (item) => admission.keeps(item),
    };
  }

  /** Takes one line of the server. */
  take(framed: FramedLine): void {
    const state = this.#state;
    if (framed.kind === "too-long") {
      const key = state.keyOfId(framed.idText);
      this.#unreadable(key, undefined, `a line of ${framed.sizeBytes} bytes is over the limit`);
      return;
    }
    const { frame } = framed;
    const line = frame.subarray(0, frame.length - 1);
    const shape = state.parts.bound.readMessage(line, READ_FLAGS);
    if (shape.kind === "malformed") this.#malformed(line, shape);
    else if (shape.kind === "request") this.#request(frame, line, shape);
    else if (shape.kind === "notification") this.#notification(frame, line, shape);
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
    // WHY: everybody is answered before anything is recorded, which may fail
    for (const [key, request] of waiting) {
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
    const verdict = this.#verdictOn(method) ?? (edits ? undefined : VERDICT_MALFORMED_MESSAGE);
    if (verdict !== undefined || edits === undefined) {
      const decision = toDecision(verdict ?? VERDICT_MALFORMED_MESSAGE);
      drop(decision.code, "a request of the server");
      // WHY: the server is told at once, and does not wait for a client that was never asked
      const call = { server: parts.serverId, tool: method, traceId: parts.uuid() };
      parts.toServer(refusalError(idOfKey(key), decision, call));
      return;
    }
    pendingServer.add(key);
    this.#state.recordDecision(toDecision(VERDICT_ALLOWED), { sender: "server", method });
    parts.toClient(edits.length === 0 ? frame : applyEdits(frame, edits));
  }

  /** Why the server may not send this method; `undefined` when it may. */
  #verdictOn(method: string): number | undefined {
    const { parts, pendingServer } = this.#state;
    if (!parts.methods.allows(method, "server")) return VERDICT_FEATURE_DENIED;
    if (this.#state.isExpiredFor(method)) return VERDICT_CATALOG_EXPIRED;
    const isCore = METHODS.get(method)?.feature === "core";
    if (!isCore && !parts.isKnownPrincipal) return VERDICT_IDENTITY_UNKNOWN;
    return pendingServer.size >= LIMIT_PENDING ? VERDICT_INTERNAL_FAULT : undefined;
  }

  #notification(frame: Uint8Array, line: Uint8Array, shape: MessageShape): void {
    const state = this.#state;
    const method = shape.method ?? "";
    const changed = CHANGED_KINDS.get(method);
    if (changed !== undefined) state.admission.listChanged(changed);
    const verdict = this.#verdictOn(method);
    if (verdict !== undefined) {
      state.drop("server", verdict, "a notification", { method });
      return;
    }
    if (method === "notifications/cancelled") {
      const span = valueAt(line, shape.params, "requestId");
      const key = state.keyOfId(span && line.subarray(span.start, span.end));
      if (key?.startsWith(`s:${GUARD_ID_PREFIX}`) === true) {
        state.drop("server", VERDICT_MALFORMED_MESSAGE, "an id of the guard's own", { method });
        return;
      }
      if (key !== undefined) state.pendingServer.delete(key);
    }
    state.parts.toClient(frame);
  }

  #response(frame: Uint8Array, line: Uint8Array, shape: MessageShape): void {
    const state = this.#state;
    const key = shape.id?.key ?? "null";
    if (state.admission.owns(key)) {
      state.admission.answer(line, shape);
      return;
    }
    const request = state.pending.get(key);
    if (request === undefined || request.held !== undefined) {
      const detail = "a response that answers no request in flight";
      state.drop("server", VERDICT_MALFORMED_MESSAGE, detail);
      return;
    }
    state.pending.delete(key);
    if (shape.result !== undefined) {
      this.#result({ frame, line, result: shape.result, isWellRead: true }, key, request);
    } else if (this.#asksForUrl(line, shape)) {
      const decision = toDecision(VERDICT_FEATURE_DENIED);
      state.replace(key, request, decision, "an error that asks the client to open a url");
    } else state.parts.toClient(frame);
  }

  /** An elicitation by error, which is one all the same. */
  #asksForUrl(line: Uint8Array, shape: MessageShape): boolean {
    const code = readNumber(line, valueAt(line, shape.failure, "code"));
    return code === URL_ELICITATION_CODE && !this.#state.parts.methods.hasFeature("elicitation");
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
    const makesTask = request.method === "tools/call" && state.parts.methods.hasFeature("tasks");
    if (makesTask) state.tasks.sawResult(line, result);
    state.parts.toClient(passed);
  }

  /** WHY: what was malformed in a definition is gone with it, or the response is not passed on. */
  #isMessage(frame: Uint8Array, key: string): boolean {
    const line = frame.subarray(0, frame.length - 1);
    const shape = this.#state.parts.bound.readMessage(line, READ_FLAGS);
    return shape.kind === "result" && shape.id?.key === key;
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
      state.pending.delete(key);
      const frame = new Uint8Array(line.length + 1);
      frame.set(line);
      frame[line.length] = 0x0a;
      this.#result({ frame, line, result, isWellRead: false }, key, request);
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
