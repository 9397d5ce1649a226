// Lines that the guard cannot read whole: over the limit, or there is no memory for them.
import type { BoundServer } from "../guard/bound-server.ts";
import type { FramedLine, LostLine } from "./framing.ts";
import { LostIdScanner } from "./lost-id.ts";

/**
 * The line, or, where there is no memory to read it, what is known of one over the limit.
 *
 * WHY: whoever waits for an answer is told by the id; without it the request would never end
 */
export function readableLine(framed: FramedLine, bound: BoundServer): FramedLine {
  if (framed.kind === "too-long") return framed;
  const line = framed.frame.subarray(0, framed.frame.length - 1);
  if (bound.hasRoom(line.length)) return framed;
  const scanner = new LostIdScanner();
  scanner.push(line);
  const idText = scanner.idText();
  return { kind: "too-long", sizeBytes: line.length, idText, isWithinLimit: true };
}

/** What a record says of such a line. */
export function describeLost({ sizeBytes, isWithinLimit }: LostLine): string {
  const line = `a line of ${sizeBytes} bytes`;
  return isWithinLimit === true ? `there is no memory for ${line}` : `${line} is over the limit`;
}
