// Lines of a byte stream, as stdio MCP frames its messages: everything up to and with 0x0A.
import { LostIdScanner } from "./lost-id.ts";

const LF = 0x0a;
const CAPACITY_FIRST_BYTES = 1_024;

/** What a chunk brought to an end. */
export type FramedLine =
  /** One line with its 0x0A; a 0x0D before it is kept, for the message reader to judge. */
  { readonly kind: "line"; readonly frame: Uint8Array } | LostLine;

/** A line over the limit, dropped to its end, or one that there is no memory for. */
export interface LostLine {
  readonly kind: "too-long";
  /** Bytes, line feed excluded. */
  readonly sizeBytes: number;
  /** Raw JSON of its one top-level `id`, where one could be seen going by. */
  readonly idText: Uint8Array | undefined;
  /** True for a line that only memory is missing for. */
  readonly isWithinLimit?: true;
}

/**
 * Cuts a byte stream into lines of at most `lineSizeMax` bytes, line feed excluded.
 *
 * A line that lies in one chunk is a view of it: no copy is made. A longer line is never buffered
 * beyond the limit and never split in two. Memory is at most twice the line, plus one chunk,
 * however small the chunks are that it comes in.
 */
export class LineSplitter {
  readonly #lineSizeMax: number;
  /** The line so far, `#sizeBytes` of it unless it is lost, and room for more. */
  #buffer: Uint8Array = NOTHING;
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
    if (this.#lost !== undefined) this.#lost.push(part);
    else if (this.#sizeBytes + part.length > this.#lineSizeMax) this.#lose(part);
    else this.#append(part);
    this.#sizeBytes += part.length;
  }

  /** Copies `part` behind what there is; `#sizeBytes` stays. */
  #append(part: Uint8Array): void {
    const sizeBytes = this.#sizeBytes + part.length;
    if (sizeBytes > this.#buffer.length) {
      // WHY: doubling copies every byte once more on average, and keeps nothing for each chunk
      const capacity = Math.max(sizeBytes, 2 * this.#buffer.length, CAPACITY_FIRST_BYTES);
      const grown = new Uint8Array(capacity);
      grown.set(this.#buffer.subarray(0, this.#sizeBytes));
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#sizeBytes);
  }

  /** Gives up the line that is being read; only its id is still looked for. */
  #lose(part: Uint8Array): void {
    this.#lost = new LostIdScanner();
    this.#lost.push(this.#buffer.subarray(0, this.#sizeBytes));
    this.#lost.push(part);
    this.#buffer = NOTHING;
  }

  #finish(last: Uint8Array): FramedLine {
    const sizeBytes = this.#sizeBytes + last.length - 1;
    if (this.#lost === undefined && sizeBytes <= this.#lineSizeMax) {
      const frame = this.#sizeBytes === 0 ? last : this.#joined(last);
      this.#reset();
      return { kind: "line", frame };
    }
    if (this.#lost === undefined) this.#lose(last);
    else this.#lost.push(last);
    const idText = this.#lost?.idText();
    this.#reset();
    return { kind: "too-long", sizeBytes, idText };
  }

  #joined(last: Uint8Array): Uint8Array {
    this.#append(last);
    return this.#buffer.subarray(0, this.#sizeBytes + last.length);
  }

  #reset(): void {
    // WHY: the array is not used again; it belongs to whoever has the line
    this.#buffer = NOTHING;
    this.#sizeBytes = 0;
    this.#lost = undefined;
  }
}

const NOTHING = new Uint8Array(0);
