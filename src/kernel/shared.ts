// The process-wide instance that reads and digests; no catalog is ever loaded into it.
import { INPUT_SIZE_DEFAULT, Kernel } from "./kernel.ts";

let shared: Kernel | undefined;

/**
 * An instance that can read `size` bytes: the shared one, or for larger texts one of its own.
 * It is used synchronously and not kept by the caller.
 */
export function readerKernel(size: number): Kernel {
  if (size > INPUT_SIZE_DEFAULT) return makeReader(size);
  shared ??= makeReader(INPUT_SIZE_DEFAULT);
  return shared;
}

function makeReader(inputSize: number): Kernel {
  return new Kernel({
    imageSize: 0,
    itemCount: 0,
    serverCount: 0,
    inputSize,
    recordSize: inputSize,
  });
}
