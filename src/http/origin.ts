// Where a message comes from that the session is being fed with.
import { bytesEqual } from "../bytes.ts";
import type { Exchange } from "./exchange.ts";
import type { SseFields } from "./sse.ts";

/** A text as it came, and as it was judged. */
export interface Taken {
  readonly original: Uint8Array;
  readonly line: Uint8Array;
}

export interface Origin extends Taken {
  /** The response that it came in, or that is to it; `undefined` for what a server on a pipe says. */
  readonly exchange: Exchange | undefined;
  /** Takes the refusal of a request whose id is not what it seems. */
  readonly catcher?: Exchange;
  /** Takes the refusal of a message that has no id. */
  readonly nameless?: Exchange;
  readonly fields?: SseFields | undefined;
  readonly forwarded: ReadonlyMap<string, string>;
  /** Statuses of what was sent on because of it. */
  readonly told: Promise<number>[];
}

/** The bytes as they came, where the session has left them as they were. */
export function asItCame(line: Uint8Array, { original, line: judged }: Taken): Uint8Array {
  if (judged === original) return line;
  return bytesEqual(line, judged) ? original : line;
}

/**
 * What is left of an origin when the session goes on later, behind an answer of a store.
 *
 * INVARIANT: nobody takes an answer then but the request of its id.
 */
export function keptOf(origin: Origin | undefined): Origin | undefined {
  if (origin === undefined) return undefined;
  const { catcher: _, nameless: __, ...kept } = origin;
  return kept;
}
