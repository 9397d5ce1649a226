// A call that asks, its question, and the records of its answers.
import { VERDICT_CONSENT_REQUIRED, VERDICT_POLICY_REVIEW } from "../../src/abi/verdict.ts";
import { argumentsDigest } from "../../src/guard/args-digest.ts";
import type { ConsentAnswer } from "../../src/guard/consent-answer.ts";
import {
  type ConsentQuestion,
  type ConsentSubject,
  createConsentQuestion,
} from "../../src/guard/consent-question.ts";
import {
  type ConsentBinding,
  type ConsentRecord,
  createConsentRecords,
} from "../../src/guard/consent-record.ts";
import { principalHash, sessionHash } from "../../src/guard/identity-hash.ts";

export const NOW = 1_800_000_000_000;
export const ASKING = 1 << VERDICT_CONSENT_REQUIRED;
export const RULE = 1 << VERDICT_POLICY_REVIEW;
export const HASH = "ab".repeat(32);

export const CALL: ConsentBinding = {
  principalHash: principalHash("alice"),
  sessionHash: sessionHash("s"),
  serverId: "mail",
  kind: "tool",
  itemName: "send",
  itemFingerprint: `sha256:${HASH}`,
  argsDigest: argumentsDigest({ to: "bob" }),
  imageDigest: HASH,
  asking: ASKING,
  taint: 0b01,
  hadLease: false,
};

export function questionOf(changes: Partial<ConsentSubject> = {}): ConsentQuestion {
  return createConsentQuestion({
    principal: "alice",
    server: "mail",
    tool: "send",
    effect: "external",
    scope: ["msg.send"],
    args: { to: "bob", password: "hunter2" },
    reasons: [{ reason: "consent_required", message: "the item requires consent" }],
    expiresAtMs: NOW + 60_000,
    ...changes,
  });
}

export function recordsOf(
  answer: ConsentAnswer,
  changes: Partial<ConsentBinding> = {},
): readonly ConsentRecord[] {
  const binding = { ...CALL, ...changes };
  const question = questionOf();
  return createConsentRecords({ binding, question, answer, channel: "terminal", nowMs: NOW });
}

export function recordOf(
  answer: ConsentAnswer,
  changes: Partial<ConsentBinding> = {},
): ConsentRecord {
  const [record] = recordsOf(answer, changes);
  if (record === undefined) throw new Error("no record");
  return record;
}

export const ONCE: ConsentAnswer = { choice: "once" };
export const SESSION: ConsentAnswer = { choice: "session" };
