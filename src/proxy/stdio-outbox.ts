// Lines on their way to one stream: written together, in order, with back-pressure.
import type { Writable } from "node:stream";

const IS_BATCHED_BELOW_BYTES = 16_384;

/**
 * Collects the lines of one turn and writes them at its end.
 *
 * WHY: ten thousand small writes cost ten thousand system calls; a line on its own is written as
 * it is, without a copy.
 */
export class Outbox {
  readonly #stream: Writable;
  #frames: Uint8Array[] = [];
  #isScheduled = false;
  #isOpen = true;

  constructor(stream: Writable) {
    this.#stream = stream;
    // a reader that is gone: what is still written goes nowhere
    stream.on("error", () => this.close());
  }

  /** Takes one line; it leaves at the end of this turn, or with `flush`. */
  push(frame: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#frames.push(frame);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.flush());
  }

  /** Writes what was taken. */
  flush(): void {
    this.#isScheduled = false;
    const frames = this.#frames;
    this.#frames = [];
    if (!this.#isOpen) return;
    for (const batch of batches(frames)) this.#stream.write(batch);
  }

  /** Bytes that the reader has not taken yet. */
  get waitingBytes(): number {
    return this.#stream.writableLength;
  }

  /** False when more than `bytes` wait for somebody who reads. */
  hasRoom(bytes: number): boolean {
    return !this.#isOpen || !this.#stream.writableNeedDrain || this.waitingBytes <= bytes;
  }

  /** Resolves when there is room. */
  async room(bytes: number): Promise<void> {
    while (!this.hasRoom(bytes)) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#stream.off("drain", done);
          this.#stream.off("close", done);
          this.#stream.off("error", done);
          resolve();
        };
        this.#stream.on("drain", done);
        this.#stream.on("close", done);
        this.#stream.on("error", done);
      });
    }
  }

  /** Resolves when everything has left this process. */
  async drained(): Promise<void> {
    this.flush();
    await new Promise<void>((resolve) => {
      if (!this.#isOpen || this.#stream.destroyed) resolve();
      else this.#stream.write("", () => resolve());
    });
  }

  close(): void {
    this.#isOpen = false;
    this.#frames = [];
  }
}

/** Small neighbours joined, large lines alone. */
function batches(frames: readonly Uint8Array[]): Uint8Array[] {
  const found: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const close = (): void => {
    const [only] = small;
    if (only !== undefined) found.push(small.length === 1 ? only : Buffer.concat(small));
    small = [];
  };
  for (const frame of frames) {
    if (frame.length < IS_BATCHED_BELOW_BYTES) small.push(frame);
    else {
      close();
      found.push(frame);
    }
  }
  close();
  return found;
}
