// `decide` from the host's side: frames written, refused, executed again, and read.
import { beforeAll, describe, expect, it } from "vitest";
import * as abi from "../../src/abi/frame.ts";
import { LIMIT_RULES } from "../../src/abi/limits.ts";
import * as codes from "../../src/abi/verdict.ts";
import { GuardError } from "../../src/errors.ts";
import {
  decideFields,
  digestWords,
  executeFrame,
  type InputFields,
  inputFrameBytes,
  outputFrameBytes,
} from "../../src/kernel/decide.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { CONTRIBUTORS, matchedRuleIds, readOutputFrame } from "../../src/kernel/output-frame.ts";
import { REASONS, VERDICTS } from "../../src/verdict.ts";
import type { PolicyCatalog, PolicyItem, PolicyRule } from "../oracle/decide-catalog.ts";
import { addConsent, addLease, EXPIRES_MS, fineFrame } from "../oracle/generate-decide.ts";
import { type PolicyImage, policyImage } from "./policy-image.ts";

const PIN = "ab".repeat(32);

function toolOf(changes: Partial<PolicyItem> = {}): PolicyItem {
  return {
    kind: "tool",
    name: "write",
    fingerprints: [`sha256:${PIN}`],
    scope: ["fs.write"],
    effect: "write",
    requires: [],
    addsTaint: ["untrusted", "customer"],
    stopsTaint: [],
    taintOutcome: "deny",
    ...changes,
  };
}

function catalogOf(item: PolicyItem, rules: readonly PolicyRule[] = []): PolicyCatalog {
  return {
    expiresMs: EXPIRES_MS,
    operatorScopes: [],
    operatorTaints: ["customer"],
    servers: [{ id: "files", operatorVerified: true, items: [item] }],
    rules,
  };
}

const CALL = { item: 0, principal: "bob" };
let plain: PolicyImage;
beforeAll(() => {
  plain = policyImage(catalogOf(toolOf()));
});

function verdictOf(image: PolicyImage, frame: Uint8Array): number {
  const output = executeFrame(image.kernel, frame);
  return new DataView(output.buffer).getInt32(abi.OUTPUT_OFFSET_VERDICT, true);
}

function words(byte: number): Int32Array {
  return digestWords(new Uint8Array(32).fill(byte));
}

/** The fields of `fineFrame`. */
function fineFields(image: PolicyImage): InputFields {
  return {
    catalog: 1,
    message: 1,
    feature: 1,
    identity: 1,
    serverState: 1,
    itemState: 1,
    vetting: 0,
    arguments: 1,
    schema: 1,
    custom: 1,
    audit: 1,
    server: 0,
    item: 0,
    principalRow: 0,
    nowMs: EXPIRES_MS - 1_000_000,
    taint: 0,
    scope: undefined,
    cap: undefined,
    image: digestWords(Buffer.from(image.image, "hex")),
    live: digestWords(Buffer.from(PIN, "hex")),
    principal: words(0x11),
    session: words(0x33),
    argumentsDigest: words(0x55),
    isStickyDrift: false,
    isLeaseNamed: false,
    isConsentRefused: false,
    lease: undefined,
    consent: undefined,
  };
}

describe("input frame", () => {
  it("is written as its layout says, and nothing of the last one stays", () => {
    const { kernel } = plain;
    const fields = fineFields(plain);
    const lease = {
      id: words(0x77),
      principal: words(0x11),
      argumentsDigest: words(0x55),
      server: 0,
      item: 0,
      expiresMs: EXPIRES_MS - 999_999,
      remaining: 3,
      isStateChanging: true,
    };
    const consent = {
      principal: words(0x11),
      session: words(0x33),
      item: fields.live ?? words(0),
      argumentsDigest: words(0x55),
      image: fields.image,
      expiresMs: EXPIRES_MS - 999_999,
      asking: 0xffff_ffff,
      taint: 0xffff_ffff,
      wasLeased: true,
      server: 0,
    };
    const full = fineFrame(plain, CALL);
    addLease(full, 3, abi.LEASE_FLAG_STATE_CHANGING | abi.LEASE_FLAG_ARGUMENTS);
    addConsent(full, 0xffff_ffff, abi.CONSENT_FLAG_LEASE);
    full.u128(abi.INPUT_OFFSET_SCOPE, 2n | (7n << 96n));
    full.u128(abi.INPUT_OFFSET_CAP, 3n | (1n << 127n));
    full.u32(abi.INPUT_OFFSET_TAINT, 2 ** 31);
    full.u8(abi.INPUT_OFFSET_VETTING, 4);
    full.u8(abi.INPUT_OFFSET_CUSTOM, 3);
    full.u8(abi.INPUT_OFFSET_AUDIT, 2);
    for (let flag = 1; flag <= abi.INPUT_FLAG_CONSENT_REFUSED; flag *= 2) full.flag(flag);
    const written = decideFields(kernel, {
      ...fields,
      vetting: 4,
      custom: 3,
      audit: 2,
      taint: 2 ** 31,
      scope: { w0: 2, w1: 0, w2: 0, w3: 7 },
      cap: { w0: 3, w1: 0, w2: 0, w3: -(2 ** 31) },
      isStickyDrift: true,
      isLeaseNamed: true,
      isConsentRefused: true,
      lease,
      consent,
    });
    expect(written).toBe(codes.VERDICT_FINGERPRINT_DRIFT);
    expect(Buffer.from(inputFrameBytes(kernel)).equals(full.bytes)).toBe(true);
    expect(decideFields(kernel, fields)).toBe(codes.VERDICT_ALLOWED);
    expect(Buffer.from(inputFrameBytes(kernel)).equals(fineFrame(plain, CALL).bytes)).toBe(true);
    expect(outputFrameBytes(kernel)).toEqual(executeFrame(kernel, fineFrame(plain, CALL).bytes));
  });

  it("numbers that are none become a refusal, never the first index, no taint or no expiry", () => {
    const { kernel } = plain;
    const fields = fineFields(plain);
    const lease = {
      id: words(1),
      principal: words(0x11),
      argumentsDigest: undefined,
      server: 0,
      item: 0,
      expiresMs: EXPIRES_MS,
      remaining: undefined,
      isStateChanging: true,
    };
    const named = { ...fields, isLeaseNamed: true };
    expect(decideFields(kernel, { ...named, lease })).toBe(codes.VERDICT_ALLOWED);
    for (const odd of [Number.NaN, Infinity, -1, 0.5, 2 ** 53]) {
      const { VERDICT_CATALOG_EXPIRED: expired } = codes;
      if (odd !== 0.5) expect(decideFields(kernel, { ...fields, nowMs: odd })).toBe(expired);
      expect(decideFields(kernel, { ...fields, catalog: odd })).toBe(
        codes.VERDICT_CATALOG_UNTRUSTED,
      );
      expect(decideFields(kernel, { ...fields, vetting: odd })).toBe(codes.VERDICT_VETTING_BLOCKED);
      expect(decideFields(kernel, { ...fields, principalRow: odd })).toBe(codes.VERDICT_UNDECIDED);
      expect(decideFields(kernel, { ...fields, item: odd })).toBe(codes.VERDICT_TOOL_SMUGGLE);
      const timeless = { ...named, lease: { ...lease, expiresMs: odd } };
      expect(decideFields(kernel, timeless)).toBe(codes.VERDICT_LEASE_EXPIRED);
      const countless = { ...named, lease: { ...lease, remaining: odd } };
      expect(decideFields(kernel, countless)).toBe(codes.VERDICT_LEASE_EXHAUSTED);
    }
    const tainted = policyImage(catalogOf(toolOf({ stopsTaint: ["secret"] })));
    const stopped = { ...fineFields(tainted), taint: Number.NaN };
    expect(decideFields(tainted.kernel, stopped)).toBe(codes.VERDICT_TAINT_DENIED);
  });

  it("a digest of another size is a fault", () => {
    for (const size of [0, 31, 33]) {
      const run = (): unknown => digestWords(new Uint8Array(size));
      expect(run).toThrow(GuardError);
      expect(run).toThrow(`expected a digest of 32 bytes, got ${size}`);
    }
  });
});

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
    const other = policyImage(catalogOf(toolOf({ requires: ["consent"] })));
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
      const image = policyImage(catalogOf(toolOf({ requires: ["lease"] }), rules));
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
    const image = policyImage(catalogOf(toolOf({ requires: ["consent"] }), rules));
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
    const image = policyImage(catalogOf(toolOf(), rules));
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

describe("output frame", () => {
  it("every contributor has a name, and the names of verdicts are their reasons", () => {
    expect(REASONS.length).toBe(abi.CONTRIBUTOR_OPERATOR);
    expect(CONTRIBUTORS.length).toBe(abi.CONTRIBUTOR_CUSTOM + 1);
    expect(new Set(CONTRIBUTORS).size).toBe(CONTRIBUTORS.length);
    expect(CONTRIBUTORS[abi.CONTRIBUTOR_CUSTOM]).toBe("custom_rule");
    expect(CONTRIBUTORS[abi.CONTRIBUTOR_OPERATOR]).toBe("operator_unverified");
  });

  it("names the layer and the outcome that the verdict table has for its verdict", () => {
    const seen = new Set<number>();
    const check = (frame: Uint8Array): void => {
      const output = readOutputFrame(executeFrame(plain.kernel, frame));
      const row = Object.values(VERDICTS)[output?.verdict ?? -1];
      expect(output).toMatchObject({ layer: row?.layer, outcome: row?.outcome });
      seen.add(output?.verdict ?? -1);
    };
    for (let at = 16; at < 27; at++) {
      for (const value of [0, 1, 2, 3, 4]) {
        const frame = fineFrame(plain, CALL);
        frame.u8(at, value);
        check(frame.bytes);
      }
    }
    expect(seen.size).toBeGreaterThan(12);
  });

  it("is not read when it is cut, longer, of another version, or says what is not known", () => {
    const whole = executeFrame(plain.kernel, fineFrame(plain, CALL).bytes);
    expect(readOutputFrame(whole)?.outcome).toBe("allow");
    expect(readOutputFrame(whole.subarray(0, 63))).toBeUndefined();
    expect(readOutputFrame(Uint8Array.of(...whole, 0, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
    for (const at of [0, 4, 8, 16, 20, 61]) {
      const changed = whole.slice();
      changed[at] = 99;
      expect(readOutputFrame(changed), `byte ${at}`).toBeUndefined();
    }
  });
});
