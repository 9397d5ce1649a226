// What no call may gain, whatever the catalog and the frame are: properties of `decide`.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as abi from "../../src/abi/frame.ts";
import { VERDICT_UNDECIDED } from "../../src/abi/verdict.ts";
import { executeFrame } from "../../src/kernel/decide.ts";
import type { FrameBuilder } from "../oracle/fine-frame.ts";
import { randomFrame } from "../oracle/generate-frame.ts";
import { randomPolicyCatalog } from "../oracle/generate-policy.ts";
import { createRandom } from "../oracle/random.ts";
import { type PolicyImage, policyImage } from "./policy-image.ts";

const IMAGES: readonly PolicyImage[] = Array.from({ length: 40 }, (_, seed) =>
  policyImage(randomPolicyCatalog(createRandom(seed + 1_000_000))),
);
const RUNS = { numRuns: 6000 };

interface Case {
  readonly image: PolicyImage;
  readonly frame: FrameBuilder;
  readonly outcome: number;
  readonly word: (offset: number) => number;
}

function outputOf(image: PolicyImage, frame: FrameBuilder): DataView {
  return new DataView(executeFrame(image.kernel, frame.bytes).buffer);
}

function outcomeOf(image: PolicyImage, frame: FrameBuilder): number {
  return outputOf(image, frame).getUint32(abi.OUTPUT_OFFSET_OUTCOME, true);
}

const seeds = fc.integer({ min: 0, max: 2 ** 30 });
const masks = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function caseOf(seed: number): Case {
  const random = createRandom(seed);
  const image = IMAGES[seed % IMAGES.length] ?? policyImage(randomPolicyCatalog(random));
  const { frame } = randomFrame(random, image);
  const output = outputOf(image, frame);
  const word = (offset: number): number => output.getUint32(offset, true);
  return { image, frame, outcome: word(abi.OUTPUT_OFFSET_OUTCOME), word };
}

/** Changes a frame that is not allowed; it must not be allowed then either. */
function expectNeverAllowed(change: (frame: FrameBuilder, value: number) => void): void {
  let changed = 0;
  fc.assert(
    fc.property(seeds, masks, (seed, value) => {
      const { image, frame, outcome, word } = caseOf(seed);
      // an unreadable frame (a cap without its flag) may become readable by the change
      const isDecided = word(abi.OUTPUT_OFFSET_VERDICT) !== VERDICT_UNDECIDED;
      if (outcome === abi.OUTCOME_ALLOW || !isDecided) return;
      const before = frame.bytes.slice();
      change(frame, value);
      if (Buffer.compare(before, frame.bytes) !== 0) changed += 1;
      expect(outcomeOf(image, frame)).not.toBe(abi.OUTCOME_ALLOW);
    }),
    RUNS,
  );
  expect(changed).toBeGreaterThan(100);
}

function flagsOf(frame: FrameBuilder): number {
  return frame.view.getUint32(abi.INPUT_OFFSET_FLAGS, true);
}

/** Combines the word at `at` with a value. */
function mixWord(frame: FrameBuilder, at: number, mix: (word: number) => number): void {
  frame.u32(at, mix(frame.view.getUint32(at, true)) >>> 0);
}

describe("a call that is not allowed", () => {
  it("is not allowed for asking for more scope", () => {
    expectNeverAllowed((frame, value) => {
      // without a request it is the item's own, which is the least that counts as asking
      frame.flag(abi.INPUT_FLAG_SCOPE);
      const at = abi.INPUT_OFFSET_SCOPE + (value % 4) * 4;
      mixWord(frame, at, (word) => word | value);
    });
  });

  it("is not allowed under a smaller cap", () => {
    expectNeverAllowed((frame, value) => {
      const at = abi.INPUT_OFFSET_CAP + (value % 4) * 4;
      const isCapped = (flagsOf(frame) & abi.INPUT_FLAG_CAP) !== 0;
      frame.flag(abi.INPUT_FLAG_CAP);
      mixWord(frame, at, (word) => (isCapped ? word & value : value));
    });
  });

  it("is not allowed in a session that carries more labels", () => {
    expectNeverAllowed((frame, value) => {
      mixWord(frame, abi.INPUT_OFFSET_TAINT, (word) => word | (value & 31));
    });
  });

  it("is not allowed by an approval that was shown fewer questions or fewer labels", () => {
    expectNeverAllowed((frame, value) => {
      const shown =
        value % 2 === 0 ? abi.INPUT_OFFSET_CONSENT_ASKING : abi.INPUT_OFFSET_CONSENT_TAINT;
      mixWord(frame, shown, (word) => word & value);
    });
  });

  it("is not allowed once a person has refused", () => {
    expectNeverAllowed((frame) => frame.flag(abi.INPUT_FLAG_CONSENT_REFUSED));
  });

  it("is not allowed once it was seen to drift, or a lease was named", () => {
    expectNeverAllowed((frame) => frame.flag(abi.INPUT_FLAG_STICKY_DRIFT));
    expectNeverAllowed((frame) => frame.flag(abi.INPUT_FLAG_LEASE_NAMED));
  });
});

describe("a call that is allowed", () => {
  it("is refused for any other number in what the host attests", () => {
    // best effort is fine for reads, and low and medium findings for everyone
    const spared = new Map([
      [abi.INPUT_OFFSET_AUDIT, abi.AUDIT_BEST_EFFORT],
      [abi.INPUT_OFFSET_VETTING, abi.VETTING_MEDIUM],
    ]);
    let checked = 0;
    fc.assert(
      fc.property(seeds, fc.integer({ min: 16, max: 26 }), fc.nat(255), (seed, at, value) => {
        const { image, frame, outcome } = caseOf(seed);
        if (outcome !== abi.OUTCOME_ALLOW || frame.view.getUint8(at) === value) return;
        if (value <= (spared.get(at) ?? -1)) return;
        if (at === abi.INPUT_OFFSET_CUSTOM && value === abi.CUSTOM_ASKS) return;
        if (at === abi.INPUT_OFFSET_VETTING && value === abi.VETTING_HIGH) return;
        frame.u8(at, value);
        expect(outcomeOf(image, frame), `byte ${at} = ${value}`).not.toBe(abi.OUTCOME_ALLOW);
        checked += 1;
      }),
      RUNS,
    );
    expect(checked).toBeGreaterThan(200);
  });

  it("alone adds labels, and no other call does", () => {
    let added = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const { outcome, word } = caseOf(seed);
        if (outcome === abi.OUTCOME_ALLOW)
          added += word(abi.OUTPUT_OFFSET_TAINT_ADDED) === 0 ? 0 : 1;
        else expect(word(abi.OUTPUT_OFFSET_TAINT_ADDED)).toBe(0);
      }),
      RUNS,
    );
    expect(added).toBeGreaterThan(100);
  });

  it("takes exactly one invocation of a lease, and never one that is not there", () => {
    let taken = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const { frame, outcome, word } = caseOf(seed);
        const before = frame.view.getUint32(abi.INPUT_OFFSET_LEASE_REMAINING, true);
        const flags = frame.view.getUint32(abi.INPUT_OFFSET_LEASE_FLAGS, true);
        const isConsumed = word(abi.OUTPUT_OFFSET_LEASE_ACTION) === abi.LEASE_CONSUMED;
        const isCounted = isConsumed && (flags & abi.LEASE_FLAG_UNLIMITED) === 0;
        expect(word(abi.OUTPUT_OFFSET_LEASE_REMAINING)).toBe(isCounted ? before - 1 : before);
        if (isCounted) expect(before).toBeGreaterThan(0);
        if (isConsumed) expect(outcome).toBe(abi.OUTCOME_ALLOW);
        taken += isCounted ? 1 : 0;
      }),
      RUNS,
    );
    expect(taken).toBeGreaterThan(50);
  });

  it("has no contributor left, and any other has the worst one it is named for", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { outcome, word } = caseOf(seed);
        const denying = word(abi.OUTPUT_OFFSET_DENYING);
        const asking = word(abi.OUTPUT_OFFSET_ASKING_LEFT);
        const dryRun = word(abi.OUTPUT_OFFSET_DRY_RUN);
        const holding = (denying | asking | dryRun) >>> 0;
        expect(outcome === abi.OUTCOME_ALLOW).toBe(holding === 0);
        expect(outcome === abi.OUTCOME_DENY).toBe(denying !== 0);
        if (outcome === abi.OUTCOME_ASK_USER) expect(asking).not.toBe(0);
        if (outcome === abi.OUTCOME_ALLOW) expect(word(abi.OUTPUT_OFFSET_UNBLOCK)).toBe(0);
        expect(asking & ~word(abi.OUTPUT_OFFSET_ASKING)).toBe(0);
      }),
      RUNS,
    );
  });
});
