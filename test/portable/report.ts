// The lines of one run: the same in every host, or the portable suite fails.
import { GuardError } from "portcullis";
import { fromHex, utf8 } from "./inner.ts";
import type { Raw } from "./vectors-type.ts";

export interface Report {
  /** One line a case, in order. */
  readonly lines: readonly string[];
  /** Lines that are not what the vectors want. */
  readonly mismatches: readonly string[];
}

export class Reporter implements Report {
  readonly lines: string[] = [];
  readonly mismatches: string[] = [];

  /**
   * Adds the answer to one case.
   *
   * @param want what the answer must begin with; `undefined` where only equality counts
   */
  add(section: string, id: string, answer: string, want?: string): void {
    const line = `${section} ${id}: ${answer}`;
    this.lines.push(line);
    const isWanted = want === undefined || answer === want || answer.startsWith(`${want} `);
    if (!isWanted) this.mismatches.push(`${line}, expected ${want}`);
  }
}

/** The result of `run`, or the code, place and message of its fault. */
export function answerOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return faultOf(error);
  }
}

/** Code, place and message. Any other error than our own is the host's, and fails the suite. */
export function faultOf(error: unknown): string {
  if (!(error instanceof GuardError)) throw error;
  return `${error.code} ${JSON.stringify(error.at ?? {})} ${error.message}`;
}

export function bytesOf(raw: Raw): Uint8Array {
  return raw.hex === undefined ? utf8(raw.text) : hexBytes(raw.hex);
}

/** @throws {Error} when a vector is no hex */
export function hexBytes(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new Error("expected hex in a vector");
  return bytes;
}
