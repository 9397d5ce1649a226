// What can become of a request of the client: it is sent on, refused, or waits.
import { METHOD_TOOLS_CALL } from "../abi/layout.ts";
import { VERDICT_ALLOWED, VERDICT_INTERNAL_FAULT } from "../abi/verdict.ts";
import type { EngineDecision } from "../guard/engine-types.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { idOfKey } from "./answers.ts";
import type { ClientMessage, Waited } from "./client-message.ts";
import { metaOf } from "./complete-listing.ts";
import type { Eventually } from "./eventually.ts";
import { valueAt } from "./json-members.ts";
import type { HeldMessage, PendingRequest } from "./pending-request.ts";
import type { RecordDetails, SessionState } from "./session-state.ts";

/** Why something is refused. */
export interface Refusal {
  readonly decision: Decision;
  readonly detail?: string;
}

export function refusalBy(verdict: number, detail?: string): Refusal {
  const decision = toDecision(verdict);
  return detail === undefined ? { decision } : { decision, detail };
}

/** Shared by everything that decides requests. */
export class ClientRequests {
  readonly #state: SessionState;
  /** Takes a frame as if it had come in now. */
  readonly #take: (frame: Uint8Array, waited: Waited) => void;

  constructor(state: SessionState, take: (frame: Uint8Array, waited: Waited) => void) {
    this.#state = state;
    this.#take = take;
  }

  /** Sends it on, and waits for its answer. */
  allow(message: ClientMessage, decided?: EngineDecision): void {
    const { key, shape, frame, line } = message;
    const { parts, pending } = this.#state;
    const taint = decided === undefined ? undefined : decided.taint | decided.taintAdded;
    pending.set(key, { ...this.#pendingOf(message, metaOf(line, shape.meta), undefined), taint });
    // the audit log has what was allowed
    if (parts.onRecord !== undefined) this.#recordSent(message, decided);
    parts.toServer(frame);
  }

  #recordSent({ key, method, shape }: ClientMessage, decided: EngineDecision | undefined): void {
    const about: RecordDetails = {
      sender: "client",
      method,
      id: JSON.stringify(idOfKey(key)),
      ...(shape.name !== undefined && { tool: shape.name }),
      ...(decided !== undefined && this.#state.aboutDecided(decided)),
    };
    const decision = decided?.decision ?? toDecision(VERDICT_ALLOWED);
    this.#state.recordDecision(decision, about, decided !== undefined);
  }

  /** Answers it with a refusal. */
  refuse(
    message: ClientMessage,
    { decision, detail }: Refusal,
    decided?: EngineDecision | undefined,
  ): void {
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
        decided,
      },
      decision,
    );
  }

  /** Goes on at once when the admission is fresh, else when the guard has listed. */
  whenAdmitted(
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
    const { waiting, release } = this.hold({ ...message, deadlineMs }, context);
    const decide = (): void => {
      if (release()) go(waiting);
    };
    admission.wait(context, decide, deadlineMs);
  }

  /** Goes on with what a store answers: at once when it is there, else the message waits for it. */
  whenAnswered<T>(
    message: ClientMessage,
    answer: Eventually<T>,
    go: (message: ClientMessage, answer: T) => void,
  ): void {
    if (!(answer instanceof Promise)) {
      go(message, answer);
      return;
    }
    const { waiting, release } = this.hold(message, metaOf(message.line, message.shape.meta));
    // INVARIANT: whatever fails, the message is answered
    const settled = answer.then(
      (value) => ({ value }),
      () => undefined,
    );
    this.#state.parts.goOn(settled, (answered) => {
      if (!release()) return;
      if (answered !== undefined) go(waiting, answered.value);
      else this.refuse(waiting, refusalBy(VERDICT_INTERNAL_FAULT, "a fault while it was decided"));
    });
  }

  /**
   * Keeps a message that is not decided yet; under another catalog it is taken anew.
   *
   * @param withdraw takes back what was asked because of it
   * @returns the message, copied, and what ends the wait: false when it has ended already
   */
  hold(
    message: ClientMessage,
    context: string | undefined,
    withdraw?: (why: string) => void,
  ): { readonly waiting: ClientMessage; readonly release: () => boolean } {
    // WHY: the chunk belongs to the stream; what waits is a copy
    const frame = new Uint8Array(message.frame);
    const waiting = { ...message, frame, line: frame.subarray(0, frame.length - 1) };
    const { arrivedMs, deadlineMs, key } = message;
    const request = this.#pendingOf(waiting, context, {
      sizeBytes: frame.length,
      isAnswer: false,
      again: () => this.#take(frame, { arrivedMs, deadlineMs }),
      ...(withdraw !== undefined && { withdraw }),
    });
    const state = this.#state;
    state.hold(key, request);
    const release = (): boolean => {
      // cancelled meanwhile
      if (state.pending.get(key) !== request) return false;
      state.pending.delete(key);
      state.unhold(request);
      return true;
    };
    return { waiting, release };
  }

  #pendingOf(
    { method, shape }: ClientMessage,
    context: string | undefined,
    held: HeldMessage | undefined,
  ): PendingRequest {
    const { epoch } = this.#state;
    const isModern = context !== undefined;
    return { method, tool: shape.name, isModern, context, epoch, taint: undefined, held };
  }
}
