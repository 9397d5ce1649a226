// Bytes that come in parts, as one array.

const NOTHING = new Uint8Array(0);
const CAPACITY_FIRST_BYTES = 1_024;

/**
 * Puts parts together. Memory is at most twice the bytes and one part, however small the parts are.
 *
 * A part that is all there is stays a view: no copy is made. Parts must not be changed afterwards.
 */
export class ByteGatherer {
  /** What there is: `#sizeBytes` of it, and room for more unless `#isView`. */
  #buffer: Uint8Array = NOTHING;
  #sizeBytes = 0;
  #isView = true;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(part: Uint8Array): void {
    if (this.#sizeBytes === 0) {
      this.#buffer = part;
      this.#isView = true;
    } else this.#append(part);
    this.#sizeBytes += part.length;
  }

  /** All of it, which is the caller's from now on; nothing is left. */
  take(): Uint8Array {
    const all = this.#buffer.subarray(0, this.#sizeBytes);
    this.#buffer = NOTHING;
    this.#sizeBytes = 0;
    return all;
  }

  #append(part: Uint8Array): void {
    const sizeBytes = this.#sizeBytes + part.length;
    if (this.#isView || sizeBytes > this.#buffer.length) {
      // WHY: doubling copies every byte once more on average, and keeps nothing for each part
      const capacity = Math.max(sizeBytes, 2 * this.#sizeBytes, CAPACITY_FIRST_BYTES);
      const grown = new Uint8Array(capacity);
      grown.set(this.#buffer.subarray(0, this.#sizeBytes));
      this.#buffer = grown;
      this.#isView = false;
    }
    this.#buffer.set(part, this.#sizeBytes);
  }
}
