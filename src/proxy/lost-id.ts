// The id of a message that is too large to keep: read from its bytes as they go by.
import { utf8Text } from "../bytes.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/** Bytes of a key that is `"id"`, every character escaped. */
const KEY_BYTES_MAX = 16;
/** Bytes of an id of 256 bytes, every byte an escape, with its quotes. */
const VALUE_BYTES_MAX = 1540;

/**
 * Follows the brackets and strings of one message and keeps the value of its top-level `id`.
 *
 * Some servers write `id` last, behind a result of any size, so the head alone does not do.
 * Memory is bounded whatever goes by.
 */
export class LostIdScanner {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Bytes of the key or value at depth 1; `undefined` once they are too many. */
  #token: number[] | undefined = [];
  #isValue = false;
  #isIdValue = false;
  readonly #found: Uint8Array[] = [];

  push(part: Uint8Array): void {
    for (let at = 0; at < part.length; at++) {
      const isKept = this.#depth === 1 && this.#token !== undefined;
      if (this.#isInString && !isKept && !this.#isEscaped) {
        // WHY: a large message is mostly long strings; indexOf is a memchr
        at = skipPlain(part, at);
        if (at >= part.length) return;
      }
      this.#step(part[at] ?? 0);
    }
  }

  /** Raw JSON of the id; `undefined` unless exactly one complete member has that name. */
  idText(): Uint8Array | undefined {
    return this.#found.length === 1 ? this.#found[0] : undefined;
  }

  #step(byte: number): void {
    if (this.#isInString) {
      this.#keep(byte);
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isInString = false;
      return;
    }
    if (byte === QUOTE) {
      this.#isInString = true;
      this.#keep(byte);
      return;
    }
    const isClosing = byte === 0x7d || byte === 0x5d;
    if (this.#depth === 1 && (byte === COMMA || isClosing)) this.#endMember();
    if (this.#depth === 1 && byte === COLON && !this.#isValue) this.#endKey();
    else if (byte > 0x20) this.#keep(byte);
    if (byte === 0x7b || byte === 0x5b) this.#depth += 1;
    else if (isClosing) this.#depth -= 1;
    if (this.#depth === 1 && (byte === COMMA || byte === 0x7b) && !this.#isValue) this.#token = [];
  }

  #keep(byte: number): void {
    if (this.#depth !== 1 || this.#token === undefined) return;
    this.#token.push(byte);
    const sizeMax = this.#isIdValue ? VALUE_BYTES_MAX : KEY_BYTES_MAX;
    if (this.#token.length > sizeMax) this.#token = undefined;
  }

  #endKey(): void {
    this.#isIdValue = this.#token !== undefined && isIdKey(this.#token);
    this.#isValue = true;
    this.#token = [];
  }

  #endMember(): void {
    // two are as bad as three, and a flood of them must not fill the memory
    if (this.#isIdValue && this.#found.length < 2) {
      this.#found.push(Uint8Array.from(this.#token ?? []));
    }
    this.#isValue = false;
    this.#isIdValue = false;
    this.#token = [];
  }
}

/** Index of the next quote or backslash at or behind `at`, or the size. */
function skipPlain(part: Uint8Array, at: number): number {
  const quote = part.indexOf(QUOTE, at);
  const end = quote < 0 ? part.length : quote;
  const backslash = part.subarray(at, end).indexOf(BACKSLASH);
  return backslash < 0 ? end : at + backslash;
}

function isIdKey(token: readonly number[]): boolean {
  const text = utf8Text(Uint8Array.from(token));
  if (text === '"id"') return true;
  if (text === undefined || !text.includes("\\")) return false;
  try {
    return JSON.parse(text) === "id";
  } catch {
    return false;
  }
}
