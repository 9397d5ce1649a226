// The process-wide instance that reads and digests; no catalog is ever loaded into it.
import { LIMIT_LIST_BYTES } from "../abi/limits.ts";
import { INPUT_SIZE_FIRST, Kernel } from "./kernel.ts";

let shared: Kernel | undefined;

/**
 * An instance that can be given `size` bytes: the shared one, or for very large texts one of its own,
 * whose memory is given back. It is used synchronously and not kept by the caller.
 */
export function readerKernel(size: number): Kernel {
  if (size > LIMIT_LIST_BYTES) return makeReader(size, size);
  shared ??= makeReader(INPUT_SIZE_FIRST, LIMIT_LIST_BYTES);
  return shared;
}

function makeReader(inputSize: number, inputSizeMax: number): Kernel {
  return new Kernel({
    imageSize: 0,
    itemCount: 0,
    serverCount: 0,
    inputSize,
    recordSize: inputSize,
    inputSizeMax,
  });
}
