// The requests that a client has open on a guarded transport: how each was to be sent, and the promise
// that its `send` has returned.

/** A request from `send` to its answer. */
export interface OpenRequest {
  /** What `send` was given beside the message. */
  readonly options: object | undefined;
  /** Settles with the sending, or when there is nothing to send any more. */
  readonly sent: Promise<void>;
  readonly settle: (failure?: { readonly error: unknown }) => void;
}

export class OpenRequests {
  readonly #open = new Map<string, OpenRequest & { readonly forget: () => void }>();

  get(key: string): OpenRequest | undefined {
    return this.#open.get(key);
  }

  /**
   * Adds a request, unless one of that id is open: that one keeps its place.
   *
   * @param onGone called when the client gives it up by signal, or its stream ends without an answer
   */
  add(key: string, options: object | undefined, onGone: () => void): void {
    if (this.#open.has(key)) return;
    let settle: OpenRequest["settle"] = () => undefined;
    const sent = new Promise<void>((resolve, reject) => {
      settle = (failure) => (failure === undefined ? resolve() : reject(failure.error));
    });
    // the client may have stopped waiting for it
    sent.catch(() => undefined);
    const signal = memberOf(options, "requestSignal");
    const stop = signal instanceof AbortSignal ? onAbort(signal, onGone) : () => undefined;
    const own = options === undefined ? undefined : withStreamEnd(options, onGone);
    this.#open.set(key, { options: own, sent, settle, forget: stop });
  }

  /** Ends one, its `send` included. */
  close(key: string): void {
    const request = this.#open.get(key);
    this.#open.delete(key);
    request?.forget();
    request?.settle();
  }

  closeAll(failure?: { readonly error: unknown }): void {
    for (const [key, { settle }] of [...this.#open]) {
      if (failure !== undefined) settle(failure);
      this.close(key);
    }
  }
}

function onAbort(signal: AbortSignal, run: () => void): () => void {
  signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}

/** The same options; the end of the request's stream is told before it is passed on. */
function withStreamEnd(options: object, onGone: () => void): object {
  const tell = memberOf(options, "onRequestStreamEnd");
  if (typeof tell !== "function") return options;
  const onRequestStreamEnd = (): void => {
    onGone();
    Reflect.apply(tell, options, []);
  };
  return { ...options, onRequestStreamEnd };
}

function memberOf(value: object | undefined, name: string): unknown {
  return value === undefined ? undefined : Reflect.get(value, name);
}
