// The process-wide instance that reads and digests; no catalog is ever loaded into it.
import { INPUT_SIZE_DEFAULT, Kernel } from "./kernel.ts";

/**
 * Bytes that the first instance reads. WHY: memory comes to seven times that, and an engine that sees
 * 110 MB of it for a text of some KB starts to collect garbage: 5 ms of a boot of 25.
 */
const INPUT_SIZE_FIRST = 1 << 18;

let shared: Kernel | undefined;

/**
 * An instance that can read `size` bytes: the shared one, which is replaced by one for four times as
 * much when that does not do, or for very large texts one of its own. It is used synchronously and
 * not kept by the caller.
 */
export function readerKernel(size: number): Kernel {
  if (size > INPUT_SIZE_DEFAULT) return makeReader(size);
  if (shared !== undefined && size <= shared.inputSize) return shared;
  let inputSize = shared?.inputSize ?? INPUT_SIZE_FIRST;
  while (inputSize < size) inputSize *= 4;
  shared = makeReader(inputSize);
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
