// One message of the client that was read.
import type { MessageShape } from "../kernel/message.ts";
import type { ConsentState } from "./consent-state.ts";

export interface ClientMessage {
  readonly frame: Uint8Array;
  /** Without its line feed. */
  readonly line: Uint8Array;
  readonly shape: MessageShape;
  readonly key: string;
  readonly method: string;
  /** On the monotonic clock: when it came in first. */
  readonly arrivedMs: number;
  /** Until when it waits for a listing, likewise; `undefined` for what has not waited yet. */
  readonly deadlineMs: number | undefined;
  /** It brings an answer to the guard, which is in the message no longer. */
  readonly retry?: RetryAnswer;
}

/** What a call brought back to the guard. */
export interface RetryAnswer {
  /** `undefined`: no state that this guard has sealed. */
  readonly state: ConsentState | undefined;
  /** The value of the answer; `undefined` when there is none. */
  readonly answer: unknown;
}

/** Of a message that has waited under another catalog. */
export type Waited = Pick<ClientMessage, "arrivedMs" | "deadlineMs">;
