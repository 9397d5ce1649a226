// One kernel instance with its views: made once, after memory has its final size.
import { FRAME_SIZE_BYTES, LIST_ENTRY_COUNT_MAX, LIST_ENTRY_SIZE } from "../abi/layout.ts";
import { LIMIT_LIST_BYTES, LIMIT_MESSAGE_BYTES_MAX } from "../abi/limits.ts";
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
  /** Bytes of the largest text it will canonicalise, at most `inputSize`. */
  readonly recordSize: number;
  /** Bytes of the pattern file and what it unfolds to; absent for an instance that does not scan. */
  readonly patternSize?: number;
}

/** What an instance reads when its host does not say. */
export const INPUT_SIZE_DEFAULT: number = LIMIT_LIST_BYTES;

/**
 * A kernel instance. `bytes` and `words` cover its whole memory, which never grows again;
 * the addresses are byte offsets into them.
 */
export class Kernel {
  readonly exports: KernelExports;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;
  readonly inputSize: number;
  readonly inputAt: number;
  readonly imageAt: number;
  /** Of the name under consideration; the server id stands before it (`writePadded`). */
  readonly nameAt: number;
  readonly digestAt: number;
  readonly canonicalAt: number;
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
    const isConfigured = exports.configure(
      size.imageSize,
      size.itemCount,
      size.serverCount,
      size.inputSize,
      size.recordSize,
      size.patternSize ?? 0,
    );
    if (isConfigured !== 1) {
      throw new GuardError(
        "KERNEL_CAPACITY",
        `expected memory for an image of ${size.imageSize} and texts of ${size.inputSize} bytes (at most ${LIMIT_MESSAGE_BYTES_MAX}); give the process more memory or lower the message limit`,
      );
    }
    this.exports = exports;
    this.bytes = new Uint8Array(exports.memory.buffer);
    this.words = new Int32Array(exports.memory.buffer);
    this.inputSize = size.inputSize;
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
   * Copies `text` to the start of the input region.
   *
   * @throws {GuardError} KERNEL_CAPACITY when it is larger than the instance was made for
   */
  writeInput(text: Uint8Array): void {
    if (text.length > this.inputSize) {
      throw new GuardError(
        "KERNEL_CAPACITY",
        `expected at most ${this.inputSize} bytes of text, got ${text.length}`,
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
