// Input frames as the host writes them.
import { beforeAll, describe, expect, it } from "vitest";
import * as abi from "../../src/abi/frame.ts";
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
import { addConsent, addLease, fineFrame } from "../oracle/fine-frame.ts";
import { EXPIRES_MS } from "../oracle/generate-policy.ts";
import { PIN, policyOf, policyTool } from "./policy-fixture.ts";
import { type PolicyImage, policyImage } from "./policy-image.ts";

const CALL = { item: 0, principal: "bob" };
let plain: PolicyImage;
beforeAll(() => {
  plain = policyImage(policyOf(policyTool()));
});

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
    const tainted = policyImage(policyOf(policyTool({ stopsTaint: ["secret"] })));
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
