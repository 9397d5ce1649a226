// Questions to a store behind a connection: each has a deadline, and a store that did not answer in
// time is left alone for a while, so that calls that do not need it do not wait for it either.
import { type Clock, monotonicMs } from "../clock.ts";
import { GuardError } from "../errors.ts";

/** How long a question waits for its answer, in ms, when nothing else was said. */
export const STORE_TIMEOUT_MS_DEFAULT = 2_000;
/** How long a store that did not answer in time is not asked again, in ms. */
export const STORE_PAUSE_MS = 1_000;

export interface RemoteCallsOptions {
  /** Which store, for messages, e.g. `Redis`. */
  readonly what: string;
  /** Default `STORE_TIMEOUT_MS_DEFAULT`. */
  readonly timeoutMs?: number | undefined;
  /** ms of a clock that never goes back. */
  readonly monotonic?: Clock | undefined;
}

/** The way to one such store. */
export class RemoteCalls {
  readonly #what: string;
  readonly #timeoutMs: number;
  readonly #monotonic: Clock;
  #pausedUntilMs = 0;
  #isOpen = true;

  /** @throws {GuardError} ARGUMENT_INVALID for a timeout that is no positive number of ms */
  constructor(options: RemoteCallsOptions) {
    const { what, timeoutMs = STORE_TIMEOUT_MS_DEFAULT, monotonic = monotonicMs } = options;
    if (!Number.isSafeInteger(timeoutMs) || timeoutMs <= 0) {
      throw new GuardError("ARGUMENT_INVALID", "expected timeoutMs to be a positive integer");
    }
    this.#what = what;
    this.#monotonic = monotonic;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Asks. What a store does after the deadline it has done all the same: a used invocation is lost
   * then, and none is gained.
   *
   * @param faultOf what a failure of the store means; by default it cannot be used now
   * @throws {GuardError} STORE_UNAVAILABLE, STORE_CORRUPT
   */
  async run<T>(
    ask: () => Promise<T>,
    faultOf: (error: unknown) => GuardError = (error) => this.unavailable(error),
  ): Promise<T> {
    if (!this.#isOpen) throw this.#fault("one that is closed");
    if (this.#monotonic() < this.#pausedUntilMs) {
      throw this.#fault(`one that did not answer within ${this.#timeoutMs} ms a moment ago`);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#pausedUntilMs = this.#monotonic() + STORE_PAUSE_MS;
        reject(this.#fault(`no answer within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
    });
    try {
      const answer = await Promise.race([ask(), late]);
      this.#pausedUntilMs = 0;
      return answer;
    } catch (error) {
      throw error instanceof GuardError ? error : faultOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The fault of a store that cannot be used now. */
  unavailable(cause: unknown): GuardError {
    return this.#fault("one that cannot be reached or written; look at its server", cause);
  }

  /** True until `close`. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Every later question is STORE_UNAVAILABLE. */
  close(): void {
    this.#isOpen = false;
  }

  #fault(got: string, cause?: unknown): GuardError {
    const message = `expected a usable ${this.#what} store, got ${got}`;
    return new GuardError("STORE_UNAVAILABLE", message, { cause });
  }
}
