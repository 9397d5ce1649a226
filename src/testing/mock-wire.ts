// Messages to bytes and back: line ends, chunk limits, and padding.
import { concatBytes, utf8 } from "../bytes.ts";
import { SPOOF_TEXT } from "./mock-calls.ts";
import { messageBytes } from "./mock-malform.ts";
import type { Outgoing } from "./mock-state.ts";
import type { MockSwitches } from "./mock-switches.ts";

/** Bytes that leave the server together, in chunks of their own. */
export interface MockOutput {
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
  /** Milliseconds after the message that caused it came in. */
  readonly delayMs: number;
}

const LF = 0x0a;
const CR = 0x0d;
// WHY: two writes to a pipe within a millisecond are often read as one
const CHUNK_PAUSE_MS = 5;

const NOTE_TEXT: string = JSON.stringify({
  jsonrpc: "2.0",
  method: "notifications/message",
  params: { level: "debug", data: "two messages in one chunk" },
});
const AFTER_CR_TEXT: string = JSON.stringify({
  jsonrpc: "2.0",
  method: "notifications/message",
  params: { level: "debug", data: `${SPOOF_TEXT} after a lone CR` },
});

/** The writes that carry `messages`, in the order of their delays. */
export function writesOf(switches: MockSwitches, messages: readonly Outgoing[]): MockOutput[] {
  const byDelay = new Map<number, Uint8Array<ArrayBuffer>[]>();
  for (const message of messages) {
    const lines = byDelay.get(message.delayMs) ?? [];
    lines.push(lineOf(switches, message));
    byDelay.set(message.delayMs, lines);
  }
  return [...byDelay]
    .sort(([left], [right]) => left - right)
    .map(([delayMs, lines]) => ({ chunks: chunksOf(switches, lines), delayMs }));
}

/** Writes outputs when they are due, one after the other, so that their chunks never mix. */
export class ChunkWriter {
  readonly #write: (chunk: Uint8Array<ArrayBuffer>) => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #tail: Promise<void> = Promise.resolve();

  constructor(write: (chunk: Uint8Array<ArrayBuffer>) => void) {
    this.#write = write;
  }

  send(outputs: readonly MockOutput[]): void {
    for (const { chunks, delayMs } of outputs) {
      if (delayMs === 0) {
        this.#enqueue(chunks);
        continue;
      }
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#enqueue(chunks);
      }, delayMs);
      this.#timers.add(timer);
    }
  }

  /** Drops what is not yet due; resolves when what was due is written. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.#tail;
  }

  #enqueue(chunks: readonly Uint8Array<ArrayBuffer>[]): void {
    this.#tail = this.#tail.then(async () => {
      for (const [index, chunk] of chunks.entries()) {
        if (index > 0) await new Promise((resolve) => setTimeout(resolve, CHUNK_PAUSE_MS));
        this.#write(chunk);
      }
    });
  }
}

/** Cuts a byte stream into lines at 0x0A (and at a lone 0x0D when told); keeps an unended rest. */
export class LineReader {
  readonly #splitOnCr: boolean;
  #parts: Uint8Array[] = [];

  constructor(splitOnCr: boolean) {
    this.#splitOnCr = splitOnCr;
  }

  /** The lines that `chunk` ends, without their line ends. */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>[] {
    const lines: Uint8Array<ArrayBuffer>[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] !== LF && !(this.#splitOnCr && chunk[at] === CR)) continue;
      const line = concatBytes(...this.#parts, chunk.subarray(start, at));
      this.#parts = [];
      start = at + 1;
      const end = line.at(-1) === CR ? line.length - 1 : line.length;
      if (end > 0) lines.push(line.subarray(0, end));
    }
    if (start < chunk.length) this.#parts.push(chunk.slice(start));
    return lines;
  }
}

function lineOf(switches: MockSwitches, message: Outgoing): Uint8Array<ArrayBuffer> {
  const end = utf8(switches.lineEnd === "crlf" ? "\r\n" : "\n");
  let text = message.text;
  if (message.isAnswer && switches.giantAnswerBytes !== undefined) {
    text = pad(text, switches.giantAnswerBytes);
  }
  if (message.isAnswer && switches.loneCr === "inside") text = text.replace("{", "{\r");
  if (message.isAnswer && switches.loneCr === "between") text = `${text}\r${AFTER_CR_TEXT}`;
  return concatBytes(messageBytes(text), end);
}

/** Adds a member to the result so that the message has `sizeBytes`; other messages stay. */
function pad(text: string, sizeBytes: number): string {
  const head = /^\{"jsonrpc":"2\.0","id":(?:"[^"]*"|-?\d+|null),"result":\{/.exec(text)?.[0];
  if (head === undefined) return text;
  const tail = text.slice(head.length);
  const opening = '"x-padding":"';
  const closing = tail.startsWith("}") ? '"' : '",';
  const missing = sizeBytes - messageBytes(text).length - opening.length - closing.length;
  return missing < 0 ? text : `${head}${opening}${"x".repeat(missing)}${closing}${tail}`;
}

function chunksOf(
  switches: MockSwitches,
  lines: readonly Uint8Array<ArrayBuffer>[],
): Uint8Array<ArrayBuffer>[] {
  if (switches.chunks === "joined") {
    const end = switches.lineEnd === "crlf" ? "\r\n" : "\n";
    const note = lines.length < 2 ? [utf8(NOTE_TEXT + end)] : [];
    return [concatBytes(...lines, ...note)];
  }
  if (switches.chunks !== "split") return [...lines];
  return lines.flatMap((bytes) => {
    const at = cutAt(bytes);
    return [bytes.slice(0, at), bytes.slice(at)];
  });
}

/** Inside the first character of several bytes, else in the middle. */
function cutAt(bytes: Uint8Array): number {
  const at = bytes.findIndex((byte) => byte >= 0xc2);
  return at >= 0 ? at + 1 : Math.floor(bytes.length / 2);
}
