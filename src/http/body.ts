// Bodies of known limits.
import type { Timer } from "../proxy/timer.ts";
import { ByteGatherer } from "./byte-gatherer.ts";
import { LIMIT_BODY_WAIT_MS } from "./limits.ts";

/** The whole body; what is over the limit is not read any further. */
export async function readLimited(
  body: ReadableStream<Uint8Array> | null,
  sizeMax: number,
): Promise<Uint8Array | "too-large"> {
  if (body === null) return new Uint8Array(0);
  const reader = body.getReader();
  const gathered = new ByteGatherer();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (gathered.sizeBytes + part.value.length > sizeMax) {
      await reader.cancel().catch(() => undefined);
      return "too-large";
    }
    gathered.add(part.value);
  }
  return gathered.take();
}

/** As `readLimited`, of a client that may be slow, or send nothing at all. */
export async function readTimed(
  request: Request,
  sizeMax: number,
  timer: Timer,
): Promise<Uint8Array | "too-large" | "too-slow" | "broken"> {
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > sizeMax) return "too-large";
  let stopTimer: () => void = () => undefined;
  const late = new Promise<"too-slow">((resolve) => {
    stopTimer = timer(LIMIT_BODY_WAIT_MS, () => resolve("too-slow"));
  });
  try {
    const read = readLimited(request.body, sizeMax).catch(() => "broken" as const);
    return await Promise.race([read, late]);
  } finally {
    stopTimer();
  }
}
