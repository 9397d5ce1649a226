// The streams of one connection that answer no request: what the server says of its own accord, and what
// a client comes back for.
import { Exchange } from "./exchange.ts";
import { LIMIT_RESUMED_STREAMS, LIMIT_UNHEARD_BYTES, LIMIT_UNHEARD_MESSAGES } from "./limits.ts";

const LAST_EVENT_HEADER = "last-event-id";

export class ClientStreams {
  /** What the server says of its own accord. */
  #general: Exchange | undefined;
  /** What a client missed of a stream that broke off. */
  readonly #resumed = new Set<Exchange>();
  #unheard: Uint8Array[] = [];
  #unheardBytes = 0;

  get isIdle(): boolean {
    return this.#resumed.size === 0 && this.#general === undefined;
  }

  /** Those that are open as events. */
  get count(): number {
    return [this.#general, ...this.#resumed].filter((stream) => stream?.isStreaming === true)
      .length;
  }

  /** Opens one; `undefined` where there is no room for it. */
  open(forwarded: ReadonlyMap<string, string>): Exchange | undefined {
    // WHY: a client comes back for the rest of an answer while its general stream is open
    const isResuming = forwarded.has(LAST_EVENT_HEADER);
    const isFull = isResuming ? this.#resumed.size >= LIMIT_RESUMED_STREAMS : this.#isOpen;
    if (isFull) return undefined;
    const stream = new Exchange({ key: undefined, forwarded, onGone: () => undefined });
    void stream.ended.then(() => {
      this.#resumed.delete(stream);
      if (this.#general === stream) this.#general = undefined;
    });
    if (isResuming) this.#resumed.add(stream);
    else this.#general = stream;
    return stream;
  }

  /** Where something that belongs to no request may be said. */
  any(): Exchange | undefined {
    if (this.#isOpen) return this.#general;
    return [...this.#resumed].find((stream) => stream.isOpen);
  }

  all(): readonly Exchange[] {
    return [...(this.#general === undefined ? [] : [this.#general]), ...this.#resumed];
  }

  /** Keeps a line for the next stream; beyond the limits the oldest goes. */
  keep(line: Uint8Array): void {
    this.#unheard.push(line.slice());
    this.#unheardBytes += line.length;
    while (
      this.#unheard.length > LIMIT_UNHEARD_MESSAGES ||
      this.#unheardBytes > LIMIT_UNHEARD_BYTES
    ) {
      this.#unheardBytes -= this.#unheard.shift()?.length ?? 0;
    }
  }

  /** Says what was kept, once the stream can carry it. */
  catchUp(stream: Exchange): void {
    if (!stream.isStreaming) return;
    this.#unheardBytes = 0;
    for (const line of this.#unheard.splice(0)) stream.push(line);
  }

  end(): void {
    this.#general?.end();
    for (const stream of this.#resumed) stream.end();
  }

  get #isOpen(): boolean {
    return this.#general?.isOpen === true;
  }
}
