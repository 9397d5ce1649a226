// What a server says, on its way to the client: in order, also where some of it waits for a store.
import type { Eventually } from "./eventually.ts";
import type { SessionParts } from "./session-parts.ts";

export class ServerOutbox {
  readonly #parts: () => Pick<SessionParts, "goOn" | "toClient">;
  /** Settled when everything that waits was sent; never rejects. */
  #last: Promise<void> | undefined;

  constructor(parts: () => Pick<SessionParts, "goOn" | "toClient">) {
    this.#parts = parts;
  }

  /** Sends a frame behind what waits already, and behind `after`, which never rejects. */
  send(frame: Uint8Array, after?: Eventually<void>): void {
    const { goOn, toClient } = this.#parts();
    if (this.#last === undefined && !(after instanceof Promise)) {
      toClient(frame);
      return;
    }
    // WHY: the chunk belongs to the stream; what waits is a copy
    const copy = frame.slice();
    const due = Promise.all([this.#last, after]).then(() => undefined);
    this.#last = due;
    goOn(due, () => {
      if (this.#last === due) this.#last = undefined;
      toClient(copy);
    });
  }

  /** Runs behind what waits by now; at once when nothing does. */
  behind(run: () => void): void {
    if (this.#last === undefined) run();
    else this.#parts().goOn(this.#last, run);
  }
}
