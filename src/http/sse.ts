// Server-sent events (WHATWG HTML, section 9.2): read event by event, and written so that every
// reader sees the message that was judged, and no other.
import { concatBytes, utf8, utf8Text } from "../bytes.ts";
import { ByteGatherer } from "./byte-gatherer.ts";

/** What an event carries beside its data. */
export interface SseFields {
  /** For `Last-Event-ID`. */
  readonly id: string | undefined;
  /** Milliseconds, decimal digits. */
  readonly retry: string | undefined;
}

export interface SseEvent extends SseFields {
  /** `message` when the stream names none. */
  readonly type: string;
  /** Lines joined by line feeds; empty for an event without data. */
  readonly data: Uint8Array;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const NOTHING = new Uint8Array(0);
const BOM = [0xef, 0xbb, 0xbf];

/** Cuts a byte stream into events. Memory is bounded by the limit, whatever comes. */
export class SseReader {
  readonly #sizeMax: number;
  readonly #line = new ByteGatherer();
  #isAfterCr = false;
  #isFirstLine = true;
  readonly #data = new ByteGatherer();
  #hasData = false;
  #type = "";
  #id: string | undefined;
  #retry: string | undefined;
  #hasComment = false;

  /** @param sizeMax bytes of one event, and of one line */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** The events that `chunk` ends; `too-large` when one is over the limit, and nothing behind it. */
  *push(chunk: Uint8Array): Generator<SseEvent | "too-large", void> {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      const isBreakOfBefore =
        byte === LF && this.#isAfterCr && at === start && this.#line.sizeBytes === 0;
      this.#isAfterCr = false;
      if (isBreakOfBefore) {
        start = at + 1;
        continue;
      }
      if (byte !== LF && byte !== CR) {
        at = nextBreak(chunk, at) - 1;
        continue;
      }
      this.#line.add(chunk.subarray(start, at));
      if (this.#line.sizeBytes > this.#sizeMax) {
        yield "too-large";
        return;
      }
      const event = this.#endLine();
      if (event !== undefined) yield event;
      if (event === "too-large") return;
      start = at + 1;
      this.#isAfterCr = byte === CR;
    }
    this.#line.add(chunk.subarray(start));
    if (this.#line.sizeBytes > this.#sizeMax) yield "too-large";
  }

  /** True when a comment has come since this was asked last: the stream is alive. */
  takeComment(): boolean {
    const hadComment = this.#hasComment;
    this.#hasComment = false;
    return hadComment;
  }

  #endLine(): SseEvent | "too-large" | undefined {
    let line = this.#line.take();
    if (this.#isFirstLine && BOM.every((byte, index) => line[index] === byte)) {
      line = line.subarray(BOM.length);
    }
    this.#isFirstLine = false;
    if (line.length === 0) return this.#dispatch();
    const colon = line.indexOf(COLON);
    if (colon === 0) this.#hasComment = true;
    const name = utf8Text(colon < 0 ? line : line.subarray(0, colon));
    const valueAt = line[colon + 1] === SPACE ? colon + 2 : colon + 1;
    const value = colon < 0 ? NOTHING : line.subarray(valueAt);
    if (name === "data") return this.#addData(value);
    if (name === "event") this.#type = utf8Text(value) ?? "?";
    if (name === "id") this.#id = readId(value) ?? this.#id;
    if (name === "retry") this.#retry = readRetry(value) ?? this.#retry;
    return undefined;
  }

  #addData(value: Uint8Array): "too-large" | undefined {
    if (this.#hasData) this.#data.add(Uint8Array.of(LF));
    this.#data.add(value);
    this.#hasData = true;
    return this.#data.sizeBytes > this.#sizeMax ? "too-large" : undefined;
  }

  #dispatch(): SseEvent | undefined {
    const hasFields = this.#hasData || this.#id !== undefined || this.#retry !== undefined;
    const type = this.#type === "" ? "message" : this.#type;
    const event = { type, data: this.#data.take(), id: this.#id, retry: this.#retry };
    this.#hasData = false;
    this.#type = "";
    this.#id = undefined;
    this.#retry = undefined;
    return hasFields ? event : undefined;
  }
}

/** Index of the next CR or LF at or behind `at`, or the size. */
function nextBreak(chunk: Uint8Array, at: number): number {
  const lf = chunk.indexOf(LF, at);
  const end = lf < 0 ? chunk.length : lf;
  const cr = chunk.subarray(at, end).indexOf(CR);
  return cr < 0 ? end : at + cr;
}

/** Printable ASCII alone: it comes back in a header. */
function readId(value: Uint8Array): string | undefined {
  const text = utf8Text(value);
  return text !== undefined && /^[\x21-\x7e]{1,1024}$/.test(text) ? text : undefined;
}

function readRetry(value: Uint8Array): string | undefined {
  const text = utf8Text(value);
  return text !== undefined && /^\d{1,9}$/.test(text) ? text : undefined;
}

/** A comment that says nothing: the stream is alive. */
export function sseComment(): Uint8Array {
  return Uint8Array.of(COLON, LF, LF);
}

/**
 * One event.
 *
 * @param line one message without any line break; empty for an event that only has fields
 */
export function sseEvent(line: Uint8Array, fields: SseFields | undefined): Uint8Array {
  const id = fields?.id === undefined ? "" : `id: ${fields.id}\n`;
  const retry = fields?.retry === undefined ? "" : `retry: ${fields.retry}\n`;
  const type = line.length === 0 ? "" : "event: message\n";
  return concatBytes(utf8(`${type}${id}${retry}data: `), line, utf8("\n\n"));
}
