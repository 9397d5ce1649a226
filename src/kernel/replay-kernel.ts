// A kernel of any version that re-executes recorded frames: the few exports that this takes.
import { INPUT_SIZE, OUTPUT_HEAD_SIZE, OUTPUT_OFFSET_SIZE, OUTPUT_SIZE_MAX } from "../abi/frame.ts";
import {
  HEADER_OFFSET_ITEM_COUNT,
  HEADER_OFFSET_SERVER_COUNT,
  HEADER_SIZE,
  IMAGE_OK,
} from "../abi/layout.ts";
import { GuardError } from "../errors.ts";
import { kernelModule } from "./module.ts";

/** Exports whose names and meanings are kept for ever. */
interface ReplayExports {
  readonly memory: WebAssembly.Memory;
  configure(image: number, items: number, servers: number, input: number, record: number): number;
  regionImage(): number;
  regionInputFrame(): number;
  regionOutputFrame(): number;
  loadImage(size: number): number;
  decide(): number;
}

const FUNCTIONS = [
  ...["configure", "regionImage", "regionInputFrame", "regionOutputFrame", "loadImage", "decide"],
] as const;
/** Bytes of text that it reads: none, but a kernel wants room for some. */
const INPUT_BYTES = 64;

/** One instance with one image. */
export class ReplayKernel {
  readonly #exports: ReplayExports;
  readonly #bytes: Uint8Array;
  readonly #inputAt: number;
  readonly #outputAt: number;

  /**
   * @param wasm the kernel's bytes; `undefined` = this package's own
   * @throws {GuardError} KERNEL_LOAD for what is no such kernel, or cannot load the image;
   *   KERNEL_CAPACITY without memory
   */
  constructor(wasm: Uint8Array | undefined, image: Uint8Array) {
    this.#exports = instantiate(wasm);
    const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
    const count = (offset: number): number =>
      image.length < HEADER_SIZE ? 0 : view.getUint32(offset, true);
    const items = count(HEADER_OFFSET_ITEM_COUNT);
    const servers = count(HEADER_OFFSET_SERVER_COUNT);
    const { memory } = this.#exports;
    if (this.#exports.configure(image.length, items, servers, INPUT_BYTES, INPUT_BYTES) !== 1) {
      const message = `expected memory for an image of ${image.length} bytes; give the process more`;
      throw new GuardError("KERNEL_CAPACITY", message);
    }
    this.#bytes = new Uint8Array(memory.buffer);
    this.#bytes.set(image, this.#exports.regionImage());
    if (this.#exports.loadImage(image.length) !== IMAGE_OK) {
      const message =
        "expected a kernel that loads the image of this catalog, got one that refuses it";
      throw new GuardError("KERNEL_LOAD", message);
    }
    this.#inputAt = this.#exports.regionInputFrame();
    this.#outputAt = this.#exports.regionOutputFrame();
  }

  /** The bytes of the output frame of an input frame; valid until the next call. */
  execute(input: Uint8Array): Uint8Array {
    const bytes = this.#bytes;
    if (input.length === INPUT_SIZE) bytes.set(input, this.#inputAt);
    else bytes.fill(0, this.#inputAt, this.#inputAt + INPUT_SIZE);
    this.#exports.decide();
    const at = this.#outputAt + OUTPUT_OFFSET_SIZE;
    const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    const size = Math.min(Math.max(low, OUTPUT_HEAD_SIZE), OUTPUT_SIZE_MAX);
    return bytes.subarray(this.#outputAt, this.#outputAt + size);
  }
}

function instantiate(wasm: Uint8Array | undefined): ReplayExports {
  try {
    const module = wasm === undefined ? kernelModule() : new WebAssembly.Module(wasm.slice());
    const { exports } = new WebAssembly.Instance(module, {});
    if (isReplayExports(exports)) return exports;
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    throw new GuardError("KERNEL_LOAD", "expected a kernel without imports, got another module", {
      cause,
    });
  }
  throw new GuardError("KERNEL_LOAD", "expected the portcullis kernel, got another module");
}

function isReplayExports(exports: unknown): exports is ReplayExports {
  if (typeof exports !== "object" || exports === null) return false;
  if (!(Reflect.get(exports, "memory") instanceof WebAssembly.Memory)) return false;
  return FUNCTIONS.every((name) => typeof Reflect.get(exports, name) === "function");
}
