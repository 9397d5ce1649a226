// Writes canonical JSON (RFC 8785) of known members straight into bytes, without a string between.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CHUNK_BYTES = 262_144;
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const encoder = new TextEncoder();

/** Two base64 digits of every 12 bits: the first in the low byte. */
function base64Pairs(): Uint16Array {
  const codes = Uint8Array.from(BASE64, (digit) => digit.charCodeAt(0));
  return Uint16Array.from({ length: 4096 }, (_, bits) => {
    const high = codes[bits >> 6] ?? 0;
    return high | ((codes[bits & 63] ?? 0) << 8);
  });
}

/** Two hex digits of every byte: the first in the low byte. */
function hexPairs(): Uint16Array {
  const digit = (value: number): number => "0123456789abcdef".charCodeAt(value);
  return Uint16Array.from({ length: 256 }, (_, byte) => digit(byte >> 4) | (digit(byte & 15) << 8));
}

/**
 * A writer of lines into chunks of memory. A line is a view that stays as it is: a chunk is never
 * written twice.
 *
 * INVARIANT: `begin` makes room for all that is written up to `end`, so nothing checks bounds.
 */
export class LineWriter {
  // WHY: tables of one writer, not of the module: importing makes nothing
  readonly #base64: Uint16Array = base64Pairs();
  readonly #hex: Uint16Array = hexPairs();
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #at = 0;

  /** Starts a line of at most `sizeMax` bytes. */
  begin(sizeMax: number): void {
    if (this.#at + sizeMax > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(CHUNK_BYTES, sizeMax));
      this.#at = 0;
    }
    this.#start = this.#at;
  }

  /** The line since `begin`; its memory is the line's from now on. */
  end(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#at);
  }

  /** Bytes as they stand. */
  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** ASCII as it stands. */
  ascii(text: string): void {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
    this.#at = at + text.length;
  }

  /** A JSON string, at most 6 bytes a code unit and its quotes; a lone surrogate becomes U+FFFD. */
  text(text: string): void {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.#escaped(text);
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
  }

  /** A whole number. */
  integer(value: number): void {
    this.ascii(String(value));
  }

  /** Lower-case hex in quotes. */
  hex(data: Uint8Array): void {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let index = 0; index < data.length; index++) {
      const pair = this.#hex[data[index] ?? 0] ?? 0;
      bytes[at++] = pair & 0xff;
      bytes[at++] = pair >> 8;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
  }

  /** Padded standard base64 in quotes. */
  base64(data: Uint8Array): void {
    const bytes = this.#bytes;
    const pairs = this.#base64;
    const wholeEnd = data.length - (data.length % 3);
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let index = 0; index < wholeEnd; index += 3) {
      const bits =
        ((data[index] ?? 0) << 16) | ((data[index + 1] ?? 0) << 8) | (data[index + 2] ?? 0);
      const high = pairs[bits >> 12] ?? 0;
      const low = pairs[bits & 4095] ?? 0;
      bytes[at] = high & 0xff;
      bytes[at + 1] = high >> 8;
      bytes[at + 2] = low & 0xff;
      bytes[at + 3] = low >> 8;
      at += 4;
    }
    if (wholeEnd < data.length) {
      const hasTwo = data.length - wholeEnd === 2;
      const bits = ((data[wholeEnd] ?? 0) << 16) | ((hasTwo ? (data[wholeEnd + 1] ?? 0) : 0) << 8);
      const high = pairs[bits >> 12] ?? 0;
      bytes[at++] = high & 0xff;
      bytes[at++] = high >> 8;
      bytes[at++] = hasTwo ? (pairs[bits & 4095] ?? 0) & 0xff : 0x3d;
      bytes[at++] = 0x3d;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
  }

  #escaped(text: string): void {
    // JSON.stringify escapes what RFC 8785 says, as it says, in well-formed text
    const json = JSON.stringify(text.toWellFormed());
    const { written } = encoder.encodeInto(json, this.#bytes.subarray(this.#at));
    this.#at += written;
  }
}
