// What a guarded connection keeps of the messages that it has seen.
import type { EngineDecision } from "../guard/engine-types.ts";

/** A request of the client that has no answer yet. */
export interface PendingRequest {
  readonly method: string;
  /** Tool, prompt or URI of a dispatch. */
  readonly tool: string | undefined;
  readonly isModern: boolean;
  /** `params._meta` for a listing of the guard that this request causes. */
  readonly context: string | undefined;
  /** `SessionState.epoch` when it was decided, or began to wait. */
  readonly epoch: number;
  /** Labels of the session when the call was sent on: a mask; `undefined` for what is no call. */
  readonly taint: number | undefined;
  /** What waits: the message that was not sent on, or the answer that came. */
  held: HeldMessage | undefined;
}

/** A message that waits for the guard's own listing, or for a person. */
export interface HeldMessage {
  readonly sizeBytes: number;
  /** True for an answer of the server: its request was sent on. */
  readonly isAnswer: boolean;
  /** Decides it anew, as if it had come in now; takes the place of what waited for the listing. */
  readonly again: () => void;
  /** Takes back what was asked because of it, when it waits no longer for another reason. */
  readonly withdraw?: (why: string) => void;
}

/** What the server said of itself when it was last introduced in this connection. */
export interface SeenIntroduction {
  /** `undefined` = it sent none. */
  readonly instructions: string | undefined;
}

/** What a refusal is about. */
export interface RefusedRequest {
  /** `MessageId.key`; `null` when there is no readable id. */
  readonly key: string;
  readonly method: string;
  readonly tool?: string | undefined;
  readonly isModern?: boolean;
  /** The host may be answered with a tool result. */
  readonly mayBeResult?: boolean;
  readonly detail?: string;
  /** What every layer came to, where they were asked. */
  readonly decided?: EngineDecision | undefined;
}
