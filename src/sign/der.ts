// Strict DER (X.690): the few types that key files use, read with one cursor and written back.
import { concatBytes } from "../bytes.ts";
import { GuardError } from "../errors.ts";

export const DER_INTEGER = 0x02;
export const DER_BIT_STRING = 0x03;
export const DER_OCTET_STRING = 0x04;
export const DER_NULL = 0x05;
export const DER_OID = 0x06;
export const DER_SEQUENCE = 0x30;
/** Context tag 1, primitive: the public key of RFC 5958. */
export const DER_CONTEXT_1 = 0x81;

/** Bytes of content that one element may have; three length bytes are enough for any key. */
const CONTENT_SIZE_BYTES_MAX = 0xffff;

function malformed(got: string): GuardError {
  return new GuardError("KEY_INVALID", `expected a strict DER key, got ${got}`);
}

/** Reads elements one after another; every read moves the cursor behind the element. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The tag byte of the next element, or `undefined` at the end. */
  peekTag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  /**
   * The content of the next element.
   *
   * @throws {GuardError} KEY_INVALID when the tag is another, the length is not in its shortest
   *   form, or the element is cut.
   */
  read(tag: number): Uint8Array {
    const found = this.#nextByte();
    if (found !== tag) throw malformed(`tag ${found} where tag ${tag} belongs`);
    const size = this.#readLength();
    const start = this.#offset;
    if (start + size > this.#bytes.length) throw malformed("an element that is cut");
    this.#offset = start + size;
    return this.#bytes.subarray(start, start + size);
  }

  /** A reader over the content of the next SEQUENCE. */
  readSequence(): DerReader {
    return new DerReader(this.read(DER_SEQUENCE));
  }

  /** The next INTEGER; only 0 <= value < 2^31, in its shortest form. */
  readSmallInteger(): number {
    const content = this.read(DER_INTEGER);
    const [first = 0x80, second = 0x80] = content;
    const isShortest = content.length === 1 || first !== 0 || second >= 0x80;
    if (first >= 0x80 || !isShortest || content.length > 4) {
      throw malformed("an integer outside 0 to 2^31 - 1");
    }
    return content.reduce((value, byte) => value * 256 + byte, 0);
  }

  /** @throws {GuardError} KEY_INVALID when bytes follow the last element. */
  end(): void {
    if (!this.isAtEnd) throw malformed("bytes after the last element");
  }

  #nextByte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw malformed("an element that is cut");
    this.#offset += 1;
    return byte;
  }

  #readLength(): number {
    const first = this.#nextByte();
    if (first < 0x80) return first;
    if (first !== 0x81 && first !== 0x82) throw malformed("a length of more than two bytes");
    let size = this.#nextByte();
    if (first === 0x82) size = size * 256 + this.#nextByte();
    if (size < (first === 0x81 ? 0x80 : 0x100))
      throw malformed("a length not in its shortest form");
    return size;
  }
}

/** One element: tag, shortest length, the parts as content (below 64 KiB in all). */
export function derElement(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...parts);
  const size = content.length;
  if (size > CONTENT_SIZE_BYTES_MAX) throw malformed(`an element of ${size} bytes`);
  const length =
    size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return concatBytes(Uint8Array.of(tag, ...length), content);
}

/** An INTEGER of a whole number from 0 to 2^31 - 1. */
export function derSmallInteger(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  const [first = 0x80] = bytes;
  return derElement(DER_INTEGER, Uint8Array.from(first >= 0x80 ? [0, ...bytes] : bytes));
}
