// The chunks of a stream, one after the other.
import type { Readable } from "node:stream";

/**
 * Hands on each chunk the moment it comes. What `take` returns is waited for, and nothing is read
 * meanwhile.
 *
 * WHY: an async iterator takes three turns of the event loop's queues a chunk; in a guard every call
 * comes as two chunks.
 *
 * @param take must not throw, and what it returns must not reject
 * @returns resolves at the end of the stream and when it breaks, after the last `take`
 */
export function eachChunk(
  stream: Readable,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  if (stream.destroyed || stream.readableEnded) return Promise.resolve();
  return new Promise((resolve) => {
    let isTaking = false;
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
      if (!isTaking) resolve();
    };
    stream.on("data", (chunk: unknown) => {
      const taken = take(asBytes(chunk));
      if (taken === undefined) return;
      isTaking = true;
      stream.pause();
      void taken.then(() => {
        isTaking = false;
        if (hasEnded) resolve();
        else stream.resume();
      });
    });
    for (const event of ["end", "error", "close"]) stream.on(event, end);
  });
}

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  return Buffer.from(String(chunk));
}
