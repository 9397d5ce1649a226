// One kernel instance with its views of memory.
import { FRAME_SIZE_BYTES, LIST_ENTRY_COUNT_MAX, LIST_ENTRY_SIZE } from "../abi/layout.ts";
import { LIMIT_MESSAGE_BYTES_MAX } from "../abi/limits.ts";
import { GuardError } from "../errors.ts";
import type { KernelExports } from "./exports.ts";
import { instantiateKernel } from "./module.ts";

export interface KernelSize {
  /** Bytes of the image; 0 for an instance that only reads and digests. */
  readonly imageSize: number;
  readonly itemCount: number;
  readonly serverCount: number;
  /** Bytes of the largest text it will read. */
  readonly inputSize: number;
  /** Bytes of the largest text it will canonicalise, at most `inputSize`; 0 = none, ever. */
  readonly recordSize: number;
  /** Up to what `inputSize` grows with the texts, and `recordSize` with it. Default: they do not. */
  readonly inputSizeMax?: number;
  /** Bytes of the pattern file and what it unfolds to; absent for an instance that does not scan. */
  readonly patternSize?: number;
}

/**
 * Bytes of the texts that an instance has room for at first. WHY: memory comes to 9 or 13 times that, 49 MB for
 * messages of 10 MiB, and an engine that sees so much of it for a text of some KB starts to collect garbage:
 * 1 to 5 ms of a boot of 25.
 */
export const INPUT_SIZE_FIRST: number = 1 << 16;

/**
 * A kernel instance. `bytes` and `words` cover its whole memory; the addresses are byte offsets into
 * them.
 *
 * INVARIANT: nothing keeps `bytes`, `words` or `canonicalAt` over a `reserve` or a `writeInput`, which
 * make them anew when memory grows.
 */
export class Kernel {
  readonly exports: KernelExports;
  bytes: Uint8Array<ArrayBuffer>;
  words: Int32Array<ArrayBuffer>;
  /** Bytes of the largest text that there is room for. */
  inputSize: number;
  readonly inputSizeMax: number;
  readonly #isRecording: boolean;
  readonly inputAt: number;
  readonly imageAt: number;
  /** Of the name under consideration; the server id stands before it (`writePadded`). */
  readonly nameAt: number;
  readonly digestAt: number;
  canonicalAt: number;
  /** Index into `words`. */
  readonly frameWord: number;
  /** Index into `words`. */
  readonly listWord: number;
  readonly listAt: number;
  /** The frames of `decide`: multiples of 16. */
  readonly inputFrameAt: number;
  readonly outputFrameAt: number;

  /**
   * @throws {GuardError} KERNEL_CAPACITY when the sizes are out of range or memory cannot be had
   */
  constructor(size: KernelSize) {
    const exports = instantiateKernel();
    const inputSizeMax = size.inputSizeMax ?? size.inputSize;
    const configured = exports.configure(
      size.imageSize,
      size.itemCount,
      size.serverCount,
      size.inputSize,
      size.recordSize,
      size.patternSize ?? 0,
    );
    // WHY: a limit that no message can reach is an error of who set it, and said at the start
    if (configured !== 1 || !(inputSizeMax <= LIMIT_MESSAGE_BYTES_MAX)) {
      throw new GuardError(
        "KERNEL_CAPACITY",
        `expected memory for an image of ${size.imageSize} and texts of ${inputSizeMax} bytes (at most ${LIMIT_MESSAGE_BYTES_MAX}); give the process more memory or lower the message limit`,
      );
    }
    this.exports = exports;
    this.bytes = new Uint8Array(exports.memory.buffer);
    this.words = new Int32Array(exports.memory.buffer);
    this.inputSize = size.inputSize;
    this.inputSizeMax = inputSizeMax;
    this.#isRecording = size.recordSize > 0;
    this.inputAt = exports.regionInput();
    this.imageAt = exports.regionImage();
    this.nameAt = exports.regionName();
    this.digestAt = exports.regionDigest();
    this.canonicalAt = exports.regionCanonical();
    this.frameWord = exports.regionFrame() >> 2;
    this.listAt = exports.regionList();
    this.listWord = this.listAt >> 2;
    this.inputFrameAt = exports.regionInputFrame();
    this.outputFrameAt = exports.regionOutputFrame();
  }

  /**
   * Makes room for a text of `size` bytes.
   *
   * @returns false when that is more than `inputSizeMax`, or memory cannot be had
   */
  reserve(size: number): boolean {
    return size <= this.inputSize || this.#grow(size);
  }

  #grow(size: number): boolean {
    if (!(size <= this.inputSizeMax)) return false;
    // WHY: four times as much, so that slowly growing texts do not make it grow each time; where that
    // cannot be had, what this text needs
    const ample = Math.min(Math.max(size, this.inputSize * 4), this.inputSizeMax);
    return this.#growTo(ample) || (size < ample && this.#growTo(size));
  }

  #growTo(inputSize: number): boolean {
    const { exports } = this;
    const isGrown = exports.growInput(inputSize, this.#isRecording ? inputSize : 0) === 1;
    if (isGrown) this.inputSize = inputSize;
    // WHY: also where it is not; views of the memory as it is are right in any case
    this.bytes = new Uint8Array(exports.memory.buffer);
    this.words = new Int32Array(exports.memory.buffer);
    this.canonicalAt = exports.regionCanonical();
    return isGrown;
  }

  /**
   * Copies `text` to the start of the input region.
   *
   * @throws {GuardError} KERNEL_CAPACITY when it is larger than the instance was made for, or memory
   *   cannot be had
   */
  writeInput(text: Uint8Array): void {
    if (!this.reserve(text.length)) {
      throw new GuardError(
        "KERNEL_CAPACITY",
        `expected at most ${this.inputSizeMax} bytes of text and memory for them, got ${text.length}`,
      );
    }
    this.bytes.set(text, this.inputAt);
  }

  /**
   * Writes the names that the next call is about, each zero-padded to a multiple of 8 bytes.
   *
   * @param server UTF-8 of the server id, at most 64 bytes
   * @param name UTF-8, at most 2 048 bytes
   */
  writeNames(server: Uint8Array, name: Uint8Array): void {
    const { bytes, nameAt } = this;
    const serverAt = nameAt - ((server.length + 7) & ~7);
    bytes.fill(0, serverAt, nameAt + name.length + 8);
    bytes.set(server, serverAt);
    bytes.set(name, nameAt);
  }

  /** A copy of the 32-byte digest buffer. */
  readDigest(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(this.digestAt, this.digestAt + 32);
  }

  /** Word `word` of the message frame. */
  frame(word: number): number {
    return this.words[this.frameWord + word] ?? 0;
  }
}

/** Bytes of the frame and of the list entries, for hosts that copy them out. */
export const FRAME_BYTES: number = FRAME_SIZE_BYTES;
export const LIST_BYTES: number = LIST_ENTRY_SIZE * LIST_ENTRY_COUNT_MAX;
