import { createPublicKey, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ApprovalStatement,
  createApprovalReceipt,
  isApprovalReceiptIntact,
  LIMIT_RECEIPT_TTL_SECONDS,
  RECEIPT_TYPE,
} from "../../src/guard/approval-receipt.ts";
import { argumentsDigest } from "../../src/guard/args-digest.ts";
import { consentTextHash, createConsentQuestion } from "../../src/guard/consent-question.ts";
import { type ConsentRecord, createConsentRecords } from "../../src/guard/consent-record.ts";
import { principalHash, sessionHash } from "../../src/guard/identity-hash.ts";
import { canonicalize } from "../../src/kernel/strict-json.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { encodeSpki } from "../../src/sign/keys.ts";
import { alice, bob, expectCode } from "../fixtures/trust.ts";

const NOW = 1_800_000_000_000;
const TOOL = '{"name":"send","inputSchema":{"type":"object"}}';

function recordOf(): ConsentRecord {
  const [record] = createConsentRecords({
    binding: {
      principalHash: principalHash("alice"),
      sessionHash: sessionHash("s"),
      serverId: "mail",
      kind: "tool",
      itemName: "send",
      itemFingerprint: fingerprintTool(TOOL),
      argsDigest: argumentsDigest({}),
      imageDigest: "ab".repeat(32),
      asking: 1 << 22,
      taint: 1,
      hadLease: false,
    },
    question: createConsentQuestion({
      principal: "alice",
      server: "mail",
      tool: "send",
      effect: "external",
      scope: [],
      args: {},
      reasons: [{ reason: "consent_required", message: "m" }],
      expiresAtMs: NOW + 1,
    }),
    answer: { choice: "once" },
    channel: "web",
    nowMs: NOW,
  });
  if (record === undefined) throw new Error("no record");
  return record;
}

const STATEMENT: ApprovalStatement = {
  principalHash: principalHash("alice"),
  toolName: "send",
  uiText: "May it?",
  toolDescriptor: TOOL,
  args: { to: "bob" },
  clock: () => NOW,
};

describe("createApprovalReceipt", () => {
  it("carries everything that the record is bound to", () => {
    const record = recordOf();
    const receipt = createApprovalReceipt(record);
    expect(receipt).toMatchObject({
      type: RECEIPT_TYPE,
      receiptId: record.id,
      leaseId: null,
      toolName: "send",
      uiTextHash: record.textHash,
      toolDescriptorHash: record.itemFingerprint,
      argsDigest: record.argsDigest,
      approvedAt: "2027-01-15T08:00:00.000Z",
      binding: { serverId: "mail", asking: 1 << 22, taint: 1, channel: "web", singleUse: true },
    });
    expect(JSON.parse(canonicalize(receipt))).toEqual(receipt);
    expect(isApprovalReceiptIntact(JSON.parse(canonicalize(receipt)))).toBe(true);
  });

  it("takes what a caller attests, in the members that older programs pass", () => {
    const receipt = createApprovalReceipt(STATEMENT);
    expect(receipt).toMatchObject({
      uiTextHash: consentTextHash("May it?"),
      toolDescriptorHash: fingerprintTool(TOOL),
      argsDigest: argumentsDigest({ to: "bob" }),
      expiresAt: "2027-01-15T08:01:00.000Z",
      binding: null,
    });
    expect(receipt.receiptId).toMatch(/^[0-9a-f]{64}$/);
    expect(isApprovalReceiptIntact(receipt)).toBe(true);
    const other = createApprovalReceipt({ ...STATEMENT, args: { to: "eve" } });
    expect(other.receiptId).not.toBe(receipt.receiptId);
  });

  it("a signature is over the tag and the canonical body, as node:crypto sees it", () => {
    const receipt = createApprovalReceipt(recordOf(), { signer: alice, leaseId: "cd".repeat(32) });
    const { digest: _digest, signature, ...body } = receipt;
    const bytes = Buffer.from(`portcullis:receipt:v1\0${canonicalize(body)}`);
    const spki = Buffer.from(encodeSpki(alice.publicKey.bytes));
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    expect(verify(null, bytes, key, Buffer.from(signature?.sig ?? "", "base64"))).toBe(true);
    expect(isApprovalReceiptIntact(receipt, alice.publicKey)).toBe(true);
    expect(isApprovalReceiptIntact(receipt, bob.publicKey)).toBe(false);
    expect(isApprovalReceiptIntact(createApprovalReceipt(recordOf()), alice.publicKey)).toBe(false);
  });

  it("a receipt of which any one member was changed, added or taken is not intact", () => {
    const receipt: Record<string, unknown> = { ...createApprovalReceipt(recordOf()) };
    const key = fc.constantFrom(...Object.keys(receipt).filter((name) => name !== "signature"));
    fc.assert(
      fc.property(key, fc.jsonValue(), fc.string(), (name, value, added) => {
        fc.pre(canonicalOrNone(value) !== canonicalOrNone(receipt[name]));
        expect(isApprovalReceiptIntact({ ...receipt, [name]: value })).toBe(false);
        expect(isApprovalReceiptIntact({ ...receipt, [`x${added}`]: value })).toBe(false);
        const { [name]: _, ...without } = receipt;
        expect(isApprovalReceiptIntact(without)).toBe(false);
      }),
    );
  });

  it("no value makes the check throw", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(isApprovalReceiptIntact(value, alice.publicKey)).toBe(false);
      }),
    );
  });

  it.each<[string, object]>([
    ["nothing", { toolName: undefined }],
    ["a short principal", { principalHash: "ab" }],
    ["text with a lone surrogate", { uiText: "\ud800" }],
    ["no time to live", { ttlSeconds: 0 }],
    ["NaN", { ttlSeconds: Number.NaN }],
    ["more than a day", { ttlSeconds: LIMIT_RECEIPT_TTL_SECONDS + 1 }],
    ["a lease id that is none", { leaseId: "x" }],
  ])("refuses a statement with %s", (_, changes) => {
    const source = { ...STATEMENT, ...changes };
    expectCode(() => Reflect.apply(createApprovalReceipt, undefined, [source]), "ARGUMENT_INVALID");
  });

  it("takes a day, and refuses arguments and definitions that have no digest", () => {
    const ttlSeconds = LIMIT_RECEIPT_TTL_SECONDS;
    expect(createApprovalReceipt({ ...STATEMENT, ttlSeconds }).expiresAt).toBe(
      "2027-01-16T08:00:00.000Z",
    );
    expectCode(
      () => createApprovalReceipt({ ...STATEMENT, args: '{"a":1,"a":2}' }),
      "JSON_INVALID",
    );
    expectCode(
      () => createApprovalReceipt({ ...STATEMENT, toolDescriptor: "{}" }),
      "MANIFEST_INVALID",
    );
  });
});

function canonicalOrNone(value: unknown): string | undefined {
  return JSON.stringify(value);
}
