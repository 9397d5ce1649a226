// `decide` by hand: what a frame must be, and what leaves with which outcome.
import { beforeAll, describe, expect, it } from "vitest";
import * as abi from "../../src/abi/frame.ts";
import { LIMIT_RULES } from "../../src/abi/limits.ts";
import * as codes from "../../src/abi/verdict.ts";
import { executeFrame } from "../../src/kernel/decide.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { matchedRuleIds, readOutputFrame } from "../../src/kernel/output-frame.ts";
import type { PolicyRule } from "../oracle/decide-catalog.ts";
import { addConsent, addLease, fineFrame } from "../oracle/fine-frame.ts";
import { policyOf, policyTool } from "./policy-fixture.ts";
import { type PolicyImage, policyImage } from "./policy-image.ts";

const CALL = { item: 0, principal: "bob" };
let plain: PolicyImage;
beforeAll(() => {
  plain = policyImage(policyOf(policyTool()));
});

function verdictOf(image: PolicyImage, frame: Uint8Array): number {
  const output = executeFrame(image.kernel, frame);
  return new DataView(output.buffer).getInt32(abi.OUTPUT_OFFSET_VERDICT, true);
}

describe("a frame that is not whole", () => {
  /** Decided as `undecided`, with nothing else in the output. */
  function expectUndecided(frame: Uint8Array, where: string): void {
    const output = readOutputFrame(executeFrame(plain.kernel, frame));
    expect(output, where).toMatchObject({
      verdict: codes.VERDICT_UNDECIDED,
      outcome: "deny",
      layer: "kernel",
      denying: ["undecided"],
      asking: [],
      taintAdded: 0,
      isLeaseConsumed: false,
      unblock: [],
      matchedRules: [],
    });
  }

  it("is undecided after any bit of magic, version, size or a reserved place was flipped", () => {
    const places = [
      ...Array.from({ length: 12 }, (_, index) => index),
      abi.INPUT_OFFSET_RESERVED_BYTE,
      ...Array.from({ length: 12 }, (_, index) => abi.INPUT_OFFSET_RESERVED + index),
      ...Array.from({ length: 8 }, (_, index) => abi.INPUT_OFFSET_LEASE_RESERVED + index),
      ...Array.from({ length: 8 }, (_, index) => abi.INPUT_OFFSET_CONSENT_RESERVED + index),
    ];
    for (const place of places) {
      for (let bit = 0; bit < 8; bit++) {
        const frame = fineFrame(plain, CALL);
        addLease(frame);
        addConsent(frame);
        expect(verdictOf(plain, frame.bytes)).toBe(codes.VERDICT_ALLOWED);
        frame.u8(place, frame.view.getUint8(place) ^ (1 << bit));
        expectUndecided(frame.bytes, `bit ${bit} of byte ${place}`);
      }
    }
  });

  it("is undecided with a flag that nothing stands for", () => {
    for (const [at, first] of [
      [abi.INPUT_OFFSET_FLAGS, abi.INPUT_FLAGS_ALL + 1],
      [abi.INPUT_OFFSET_LEASE_FLAGS, abi.LEASE_FLAGS_ALL + 1],
      [abi.INPUT_OFFSET_CONSENT_FLAGS, abi.CONSENT_FLAGS_ALL + 1],
    ] as const) {
      for (let flag = first; flag <= 2 ** 31; flag *= 2) {
        const frame = fineFrame(plain, CALL);
        addLease(frame);
        addConsent(frame);
        frame.u32(at, (frame.view.getUint32(at, true) | flag) >>> 0);
        expectUndecided(frame.bytes, `flag ${flag} at ${at}`);
      }
    }
  });

  it("is undecided with a byte in an area that its flags leave unused", () => {
    const areas = [64, 80, 256, 384];
    for (const [index, start] of areas.entries()) {
      for (let at = start; at < ([80, 96, 384, 576][index] ?? 0); at++) {
        const frame = fineFrame(plain, CALL);
        frame.u8(at, 128);
        expectUndecided(frame.bytes, `byte ${at}`);
      }
    }
  });

  it("is undecided with an index out of range, or an item of another server", () => {
    const indices = [
      [abi.INPUT_OFFSET_SERVER, 1],
      [abi.INPUT_OFFSET_SERVER, -1],
      [abi.INPUT_OFFSET_SERVER, -2],
      [abi.INPUT_OFFSET_ITEM, 1],
      [abi.INPUT_OFFSET_ITEM, -2],
      [abi.INPUT_OFFSET_PRINCIPAL_ROW, 1],
      [abi.INPUT_OFFSET_LEASE_SERVER, 1],
      [abi.INPUT_OFFSET_LEASE_SERVER, -1],
      [abi.INPUT_OFFSET_LEASE_ITEM, 1],
      [abi.INPUT_OFFSET_CONSENT_SERVER, 1],
      [abi.INPUT_OFFSET_CONSENT_SERVER, -2],
    ] as const;
    for (const [at, index] of indices) {
      const frame = fineFrame(plain, CALL);
      addLease(frame);
      addConsent(frame);
      frame.u32(at, index);
      expectUndecided(frame.bytes, `${index} at ${at}`);
    }
  });

  it("is undecided when it has any other size than 576 bytes", () => {
    const { bytes } = fineFrame(plain, CALL);
    expectUndecided(bytes.subarray(0, 575), "cut");
    expectUndecided(new Uint8Array(577), "longer");
    expectUndecided(new Uint8Array(), "empty");
    expect(verdictOf(plain, bytes)).toBe(codes.VERDICT_ALLOWED);
  });
});

describe("decide", () => {
  it("a frame of another image, or a kernel without one, is catalog_untrusted and no more", () => {
    const other = policyImage(policyOf(policyTool({ requires: ["consent"] })));
    const { bytes } = fineFrame(plain, CALL);
    const bare = new Kernel({
      imageSize: 0,
      itemCount: 0,
      serverCount: 0,
      inputSize: 64,
      recordSize: 64,
    });
    for (const kernel of [other.kernel, bare]) {
      expect(readOutputFrame(executeFrame(kernel, bytes))).toMatchObject({
        verdict: codes.VERDICT_CATALOG_UNTRUSTED,
        denying: ["catalog_untrusted"],
        asking: [],
        isStateChanging: true,
      });
    }
    for (let bit = 0; bit < 256; bit++) {
      const frame = fineFrame(plain, CALL);
      const at = abi.INPUT_OFFSET_IMAGE + (bit >> 3);
      frame.u8(at, frame.view.getUint8(at) ^ (1 << (bit & 7)));
      expect(verdictOf(plain, frame.bytes)).toBe(codes.VERDICT_CATALOG_UNTRUSTED);
    }
  });

  it("is pure: what was decided before changes no byte, nor does the admission table", () => {
    const { kernel } = plain;
    const { bytes } = fineFrame(plain, CALL);
    const first = executeFrame(kernel, bytes);
    executeFrame(kernel, new Uint8Array(576));
    kernel.exports.setTime(1, 0);
    kernel.exports.setCap(0, 0, 0, 0);
    kernel.exports.beginAdmission(0);
    expect(executeFrame(kernel, bytes)).toEqual(first);
    expect(readOutputFrame(first)).toMatchObject({ outcome: "allow", layer: "all" });
  });

  it("a lease is used up and labels are added with an allow, never with a question or a trial", () => {
    const ask: PolicyRule = { id: "ask", when: { effect: ["write"] }, outcome: "ask_user" };
    const tryOut: PolicyRule = { ...ask, id: "try", outcome: "dry_run" };
    const deny: PolicyRule = { ...ask, id: "no", outcome: "deny" };
    for (const [rules, outcome] of [
      [[], "allow"],
      [[tryOut], "dry_run"],
      [[ask, tryOut], "ask_user"],
      [[ask, tryOut, deny], "deny"],
    ] as const) {
      const image = policyImage(policyOf(policyTool({ requires: ["lease"] }), rules));
      const frame = fineFrame(image, CALL);
      addLease(frame, 5);
      const isAllowed = outcome === "allow";
      expect(readOutputFrame(executeFrame(image.kernel, frame.bytes))).toMatchObject({
        outcome,
        isLeaseConsumed: isAllowed,
        leaseRemaining: isAllowed ? 4 : 5,
        taintAdded: isAllowed ? 9 : 0,
      });
    }
  });

  it("consent lifts questions, and neither a trial nor a deny", () => {
    const rules: PolicyRule[] = [
      { id: "ask", when: { effect: ["write"] }, outcome: "ask_user" },
      { id: "try", when: { tool: ["write"], consent: true }, outcome: "dry_run" },
    ];
    const image = policyImage(policyOf(policyTool({ requires: ["consent"] }), rules));
    const frame = fineFrame(image, CALL);
    addConsent(frame);
    const output = readOutputFrame(executeFrame(image.kernel, frame.bytes));
    expect(output).toMatchObject({
      verdict: codes.VERDICT_POLICY_DRY_RUN,
      outcome: "dry_run",
      asking: ["policy_review", "consent_required"],
      askingLeft: [],
      dryRun: ["policy_dry_run"],
      matchedRules: [0, 1],
    });
    if (output === undefined) return;
    expect(matchedRuleIds(output, image.parsed.rules)).toEqual(["ask", "try"]);
    frame.flag(abi.INPUT_FLAG_CONSENT_REFUSED);
    expect(verdictOf(image, frame.bytes)).toBe(codes.VERDICT_CONSENT_REFUSED);
  });

  it("4 096 rules have a bit each", () => {
    const rules = Array.from({ length: LIMIT_RULES }, (_, index): PolicyRule => {
      const effect = index % 3 === 0 ? "write" : "read";
      return { id: `r${index}`, when: { effect: [effect] }, outcome: "ask_user" };
    });
    const image = policyImage(policyOf(policyTool(), rules));
    const bytes = executeFrame(image.kernel, fineFrame(image, CALL).bytes);
    expect(bytes.length).toBe(abi.OUTPUT_SIZE_MAX);
    const matched = readOutputFrame(bytes)?.matchedRules;
    expect(matched).toEqual(rules.flatMap((_, index) => (index % 3 === 0 ? [index] : [])));
    // the next decision of the same kernel begins with an empty bitmap
    const none = executeFrame(image.kernel, new Uint8Array(576));
    expect(none.length).toBe(abi.OUTPUT_SIZE_MAX);
    expect(readOutputFrame(none)?.matchedRules).toEqual([]);
  });
});
