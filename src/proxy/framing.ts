// Lines of a byte stream, as stdio MCP frames its messages: everything up to and with 0x0A.
import { concatBytes } from "../bytes.ts";
import { LostIdScanner } from "./lost-id.ts";

const LF = 0x0a;

/** What a chunk brought to an end. */
export type FramedLine =
  /** One line with its 0x0A; a 0x0D before it is kept, for the message reader to judge. */
  | { readonly kind: "line"; readonly frame: Uint8Array }
  /** A line over the limit, dropped to its end. */
  | {
      readonly kind: "too-long";
      /** Bytes, line feed excluded. */
      readonly sizeBytes: number;
      /** Raw JSON of its one top-level `id`, where one could be seen going by. */
      readonly idText: Uint8Array | undefined;
    };

/**
 * Cuts a byte stream into lines of at most `lineSizeMax` bytes, line feed excluded.
 *
 * A line that lies in one chunk is a view of it: no copy is made. A longer line is never buffered
 * beyond the limit and never split in two.
 */
export class LineSplitter {
  readonly #lineSizeMax: number;
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #lost: LostIdScanner | undefined;

  /** @param lineSizeMax bytes, line feed excluded */
  constructor(lineSizeMax: number) {
    this.#lineSizeMax = lineSizeMax;
  }

  /** The lines that `chunk` ends, in order. The chunk must not be changed afterwards. */
  *push(chunk: Uint8Array): Generator<FramedLine, void> {
    let start = 0;
    while (start < chunk.length) {
      const at = chunk.indexOf(LF, start);
      if (at < 0) {
        this.#keep(chunk.subarray(start));
        return;
      }
      yield this.#finish(chunk.subarray(start, at + 1));
      start = at + 1;
    }
  }

  /**
   * Ends the stream. A rest without line feed is no message.
   *
   * @returns how many bytes were dropped
   */
  end(): number {
    const dropped = this.#sizeBytes;
    this.#reset();
    return dropped;
  }

  #keep(part: Uint8Array): void {
    this.#sizeBytes += part.length;
    if (this.#lost !== undefined) {
      this.#lost.push(part);
      return;
    }
    this.#parts.push(part);
    if (this.#sizeBytes > this.#lineSizeMax) this.#lose();
  }

  /** Gives up the line that is being read; only its id is still looked for. */
  #lose(): void {
    const lost = new LostIdScanner();
    for (const part of this.#parts) lost.push(part);
    this.#parts = [];
    this.#lost = lost;
  }

  #finish(last: Uint8Array): FramedLine {
    const sizeBytes = this.#sizeBytes + last.length - 1;
    if (this.#lost === undefined && sizeBytes <= this.#lineSizeMax) {
      const frame = this.#parts.length === 0 ? last : concatBytes(...this.#parts, last);
      this.#reset();
      return { kind: "line", frame };
    }
    if (this.#lost === undefined) this.#lose();
    this.#lost?.push(last);
    const idText = this.#lost?.idText();
    this.#reset();
    return { kind: "too-long", sizeBytes, idText };
  }

  #reset(): void {
    this.#parts = [];
    this.#sizeBytes = 0;
    this.#lost = undefined;
  }
}
