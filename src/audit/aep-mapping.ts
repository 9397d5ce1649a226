// Reasons of a decision in the words of AEP (40-gateway section 8).
import * as code from "../abi/verdict.ts";
import { VERDICTS, type VerdictCode } from "../verdict.ts";
import type { AEPApprovalMode, AEPDenyReasonClass, AEPOutcome } from "./aep-types.ts";

/** A missing row does not compile. Where the protocol has no word, the nearest one of its own. */
const CLASSES: Readonly<Record<VerdictCode, AEPDenyReasonClass>> = {
  [code.VERDICT_UNDECIDED]: "other",
  [code.VERDICT_ALLOWED]: "other",
  [code.VERDICT_UNKNOWN_SERVER]: "tool-identity",
  [code.VERDICT_TOOL_SMUGGLE]: "tool-identity",
  [code.VERDICT_FINGERPRINT_DRIFT]: "tool-identity",
  [code.VERDICT_SCOPE_ESCALATION]: "resource-scope",
  [code.VERDICT_SERVER_NOT_ADMITTED]: "tool-identity",
  [code.VERDICT_CATALOG_EXPIRED]: "other",
  [code.VERDICT_CATALOG_UNTRUSTED]: "other",
  [code.VERDICT_IDENTITY_UNKNOWN]: "missing-delegation",
  [code.VERDICT_FEATURE_DENIED]: "resource-scope",
  [code.VERDICT_MALFORMED_MESSAGE]: "other",
  [code.VERDICT_VETTING_BLOCKED]: "tool-identity",
  [code.VERDICT_VETTING_REVIEW]: "tool-identity",
  [code.VERDICT_POLICY_DENIED]: "policy-rule",
  [code.VERDICT_POLICY_REVIEW]: "policy-rule",
  [code.VERDICT_POLICY_DRY_RUN]: "policy-rule",
  [code.VERDICT_ARGUMENT_DENIED]: "argument",
  [code.VERDICT_LEASE_REQUIRED]: "missing-delegation",
  [code.VERDICT_LEASE_EXPIRED]: "missing-delegation",
  [code.VERDICT_LEASE_EXHAUSTED]: "missing-delegation",
  [code.VERDICT_LEASE_MISMATCH]: "missing-delegation",
  [code.VERDICT_CONSENT_REQUIRED]: "missing-delegation",
  [code.VERDICT_CONSENT_REFUSED]: "missing-delegation",
  [code.VERDICT_TAINT_DENIED]: "tainted-input",
  [code.VERDICT_RESERVED_25]: "other",
  [code.VERDICT_AUDIT_UNAVAILABLE]: "other",
  [code.VERDICT_INTERNAL_FAULT]: "other",
  [code.VERDICT_TAINT_REVIEW]: "tainted-input",
};

const BY_REASON: ReadonlyMap<string, AEPDenyReasonClass> = new Map(
  Object.entries(CLASSES).map(([number, name]) => [reasonOf(Number(number)), name]),
);

function reasonOf(number: number): string {
  return Object.values(VERDICTS)[number]?.reason ?? "undecided";
}

/** The class of a reason; `other` for a text that is no reason of the verdict table. */
export function denyReasonClass(reason: string): AEPDenyReasonClass {
  return BY_REASON.get(reason) ?? "other";
}

/** What an approval mode is derived from. */
export interface ApprovalFacts {
  readonly decision: AEPOutcome;
  readonly reason?: string | undefined;
  /** The allow consumed a lease. */
  readonly hasLease?: boolean | undefined;
  /** The allow used an approval of this one call. */
  readonly hasConsent?: boolean | undefined;
}

/**
 * How a decision came about: a drift asks for the definition to be approved again; every other deny
 * is `policy-deny-with-evidence`; an allow under a lease is `bounded-lease`, one under an approval of
 * this call alone `one-shot-payload`; everything else `none`.
 */
export function approvalModeOf(facts: ApprovalFacts): AEPApprovalMode {
  if (facts.decision === "deny") {
    return facts.reason === "fingerprint_drift"
      ? "re-approval-on-drift"
      : "policy-deny-with-evidence";
  }
  if (facts.decision !== "allow") return "none";
  if (facts.hasLease === true) return "bounded-lease";
  return facts.hasConsent === true ? "one-shot-payload" : "none";
}
