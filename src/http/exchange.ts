// One request of a client and the response to it: JSON when the answer is all there is, a stream of
// events as soon as something else comes first.
import { type SseFields, sseComment, sseEvent } from "./sse.ts";

export interface ExchangeOptions {
  /** Id key of the client's request; `undefined` for the general stream of a session. */
  readonly key: string | undefined;
  /** Headers of the client's request that the server gets. */
  readonly forwarded: ReadonlyMap<string, string>;
  /** Headers of the response. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Raw JSON of the progress token that the request hands out. */
  readonly progressToken?: string | undefined;
  /** The client has gone before the end. */
  readonly onGone: () => void;
}

const STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};
/** Bytes that wait for a slow client before its server is read no further. */
const HIGH_WATER_BYTES = 65_536;

/** Written by the guard, read by the client. */
export class Exchange {
  readonly key: string | undefined;
  readonly forwarded: ReadonlyMap<string, string>;
  readonly progressToken: string | undefined;
  /** Resolves with the first thing that is known of the response. */
  readonly response: Promise<Response>;
  /** Resolves when nothing is written any more. */
  readonly ended: Promise<void>;
  readonly #options: ExchangeOptions;
  #resolve: (response: Response) => void = () => undefined;
  #tellEnded: () => void = () => undefined;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  #status = 200;
  #isOpen = true;
  #isAnswered = false;
  #onRoom: (() => void)[] = [];

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.key = options.key;
    this.forwarded = options.forwarded;
    this.progressToken = options.progressToken;
    this.response = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
  }

  /** False once the response is complete, or the client has gone. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  /** The JSON-RPC answer has been given. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** HTTP status of an answer that is JSON. */
  setStatus(status: number): void {
    this.#status = status;
  }

  /** From here on the response is a stream. */
  openStream(): void {
    if (!this.#isOpen || this.#stream !== undefined) return;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#stream = controller;
        },
        pull: () => this.#tellRoom(),
        cancel: () => this.gone(),
      },
      { highWaterMark: HIGH_WATER_BYTES, size: (chunk) => chunk?.length ?? 0 },
    );
    const headers = { ...STREAM_HEADERS, ...this.#options.headers };
    this.#resolve(new Response(body, { status: 200, headers }));
  }

  /** Passes on a message that is not the answer. */
  push(line: Uint8Array, fields?: SseFields): void {
    this.openStream();
    if (this.#isOpen) this.#stream?.enqueue(sseEvent(line, fields));
  }

  /**
   * Tells the client that its stream is alive. WHY: clients give up one on which nothing comes, Node's
   * `fetch` after five minutes, and in the modern era that cancels the call.
   */
  beat(): void {
    if (this.#isOpen) this.#stream?.enqueue(sseComment());
  }

  /** Passes on the answer, and ends the response. */
  answer(line: Uint8Array, fields?: SseFields): void {
    if (!this.#isOpen) return;
    this.#isAnswered = true;
    if (this.#stream !== undefined) {
      this.push(line, fields);
      this.end();
      return;
    }
    this.#shut();
    const headers = { "content-type": "application/json", ...this.#options.headers };
    this.#resolve(new Response(new Uint8Array(line), { status: this.#status, headers }));
  }

  /** Nothing else comes: the end of a stream, or the lack of an answer. */
  end(): void {
    if (!this.#isOpen) return;
    this.#shut();
    if (this.#stream === undefined) this.#resolve(new Response(null, { status: 502 }));
    else this.#stream.close();
  }

  /** Answers with a response that holds no message. */
  close(response: Response): void {
    if (this.#stream !== undefined) {
      this.end();
      return;
    }
    this.#shut();
    this.#resolve(response);
  }

  /** The client reads no further. */
  gone(): void {
    if (!this.#isOpen) return;
    this.#shut();
    // nobody sees it
    this.#resolve(new Response(null, { status: 499 }));
    this.#options.onGone();
  }

  /** Ends with what aborts when the client has gone. */
  follow(signal: AbortSignal): void {
    if (signal.aborted) this.gone();
    else signal.addEventListener("abort", () => this.gone(), { once: true });
  }

  /** More waits for the client than should. */
  get isFull(): boolean {
    return this.#isOpen && this.#stream !== undefined && (this.#stream.desiredSize ?? 1) <= 0;
  }

  /** Resolves when the client has read most of what there is. */
  async room(): Promise<void> {
    while (this.isFull) {
      await new Promise<void>((resolve) => this.#onRoom.push(resolve));
    }
  }

  #shut(): void {
    this.#isOpen = false;
    this.#tellEnded();
    this.#tellRoom();
  }

  #tellRoom(): void {
    const waiting = this.#onRoom;
    this.#onRoom = [];
    for (const resolve of waiting) resolve();
  }
}
