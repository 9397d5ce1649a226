// `decide` against the oracle, byte for byte; one suite for the release and the debug build.
import { describe, expect, it } from "vitest";
import * as abi from "../../src/abi/frame.ts";
import * as codes from "../../src/abi/verdict.ts";
import { executeFrame } from "../../src/kernel/decide.ts";
import { decide, encodeDecision } from "../oracle/decide.ts";
import { randomFrame } from "../oracle/generate-frame.ts";
import { randomPolicyCatalog } from "../oracle/generate-policy.ts";
import { createRandom } from "../oracle/random.ts";
import { policyImage } from "./policy-image.ts";

const FRAMES_PER_CATALOG = 200;

/** The words in which two output frames differ, for a person. */
export function difference(actual: Uint8Array, expected: Uint8Array): string {
  const a = Buffer.from(actual);
  const b = Buffer.from(expected);
  const lines = [`sizes ${a.length} ${b.length}`];
  for (let at = 0; at + 4 <= Math.min(a.length, b.length); at += 4) {
    if (a.readUInt32LE(at) !== b.readUInt32LE(at)) {
      lines.push(`at ${at}: kernel ${a.readUInt32LE(at)}, oracle ${b.readUInt32LE(at)}`);
    }
  }
  return lines.join("; ");
}

/**
 * Registers the suite.
 *
 * @param kind the kernel's build, for the title
 * @param frames how many frames
 */
export function describeDecide(kind: string, frames: number): void {
  describe(`decide of the ${kind} kernel and the oracle`, () => {
    it("come to the same bytes for every frame", () => {
      const verdicts = new Map<number, number>();
      const outcomes = new Map<number, number>();
      let decided = 0;
      for (let seed = 0; decided < frames; seed++) {
        const random = createRandom(seed);
        const image = policyImage(randomPolicyCatalog(random));
        for (let count = 0; count < FRAMES_PER_CATALOG; count++) {
          const { principal, frame } = randomFrame(random, image);
          const decision = decide(image.catalog, image.image, principal, frame.bytes);
          const expected = encodeDecision(decision);
          const actual = executeFrame(image.kernel, frame.bytes);
          if (Buffer.compare(actual, expected) !== 0) {
            const call = `seed ${seed}, frame ${count}, ${principal}`;
            expect.fail(`${call}: ${difference(actual, expected)}`);
          }
          const verdict = decision.words.get(abi.OUTPUT_OFFSET_VERDICT) ?? -1;
          const outcome = decision.words.get(abi.OUTPUT_OFFSET_OUTCOME) ?? -1;
          verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          decided += 1;
        }
      }
      const named = Object.values(codes).filter(
        (code) => code !== codes.VERDICT_RESERVED_25 && code !== codes.VERDICT_INTERNAL_FAULT,
      );
      // every verdict of the kernel was the reason somewhere, and every outcome often
      for (const code of named) {
        expect(verdicts.get(code) ?? 0, `verdict ${code}`).toBeGreaterThan(frames / 10_000);
      }
      for (let outcome = 0; outcome < 4; outcome++) {
        expect(outcomes.get(outcome) ?? 0, `outcome ${outcome}`).toBeGreaterThan(frames / 50);
      }
    }, 120_000);
  });
}
