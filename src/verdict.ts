// Verdict number -> decision: one exhaustive table (30-kernel section 4).
import * as code from "./abi/verdict.ts";

export type Outcome = "allow" | "dry_run" | "ask_user" | "deny";

/** The part of the decision that a reason comes from, in the order in which they are asked. */
export type Layer =
  | "kernel"
  | "message"
  | "feature"
  | "catalog"
  | "server"
  | "item"
  | "admission"
  | "identity"
  | "scope"
  | "vetting"
  | "arguments"
  | "rules"
  | "lease"
  | "taint"
  | "consent"
  | "audit"
  | "all";

export type VerdictCode = (typeof code)[keyof typeof code];

/** What one verdict number means. */
export interface Verdict {
  readonly reason: string;
  readonly outcome: Outcome;
  readonly layer: Layer;
  /** One line for a person: what is the case. */
  readonly message: string;
  /** One line for the operator: what would change it. */
  readonly remedy?: string;
}

function row(
  reason: string,
  outcome: Outcome,
  layer: Layer,
  message: string,
  remedy?: string,
): Verdict {
  return remedy === undefined
    ? { reason, outcome, layer, message }
    : { reason, outcome, layer, message, remedy };
}

const REVIEW = "review it, pin it and sign a new catalog version";

/** Every verdict; a missing row does not compile. */
export const VERDICTS: Readonly<Record<VerdictCode, Verdict>> = {
  [code.VERDICT_UNDECIDED]: row("undecided", "deny", "kernel", "no decision was reached"),
  [code.VERDICT_ALLOWED]: row("allowed", "allow", "all", "every layer allows the call"),
  [code.VERDICT_UNKNOWN_SERVER]: row(
    "unknown_server",
    "deny",
    "server",
    "the catalog does not name this server",
    "add the server to the catalog and sign it",
  ),
  [code.VERDICT_TOOL_SMUGGLE]: row(
    "tool_smuggle",
    "deny",
    "item",
    "this server offers something that was never pinned",
    REVIEW,
  ),
  [code.VERDICT_FINGERPRINT_DRIFT]: row(
    "fingerprint_drift",
    "deny",
    "admission",
    "the live definition is not the one the operator pinned",
    REVIEW,
  ),
  [code.VERDICT_SCOPE_ESCALATION]: row(
    "scope_escalation",
    "deny",
    "scope",
    "the call needs more than the scope it is granted",
    "grant the scope in the catalog, or raise the cap of the session",
  ),
  [code.VERDICT_SERVER_NOT_ADMITTED]: row(
    "server_not_admitted",
    "deny",
    "admission",
    "the server's live manifest has not been admitted",
    "list the server's tools again; if it drifted, review it and sign a new catalog version",
  ),
  [code.VERDICT_CATALOG_EXPIRED]: row(
    "catalog_expired",
    "deny",
    "catalog",
    "the catalog has expired",
    "sign a new catalog version",
  ),
  [code.VERDICT_CATALOG_UNTRUSTED]: row(
    "catalog_untrusted",
    "deny",
    "catalog",
    "no verified catalog is loaded",
    "run `portcullis verify`",
  ),
  [code.VERDICT_IDENTITY_UNKNOWN]: row(
    "identity_unknown",
    "deny",
    "identity",
    "the catalog names no such principal for this server",
    "add the principal to the catalog and sign it",
  ),
  [code.VERDICT_FEATURE_DENIED]: row(
    "feature_denied",
    "deny",
    "feature",
    "the catalog does not allow this method",
    "add its feature to `allow`, or the method to `methods`, and sign the catalog",
  ),
  [code.VERDICT_MALFORMED_MESSAGE]: row(
    "malformed_message",
    "deny",
    "message",
    "the message could not be read strictly",
    "send one JSON-RPC 2.0 message a line, without duplicate members",
  ),
  [code.VERDICT_VETTING_BLOCKED]: row(
    "vetting_blocked",
    "deny",
    "vetting",
    "the definition holds text that is never acceptable",
    "review the finding with `portcullis scan`",
  ),
  [code.VERDICT_VETTING_REVIEW]: row(
    "vetting_review",
    "ask_user",
    "vetting",
    "the definition holds text that a person should look at",
    "review the finding with `portcullis scan`",
  ),
  [code.VERDICT_POLICY_DENIED]: row("policy_denied", "deny", "rules", "a policy rule denies it"),
  [code.VERDICT_POLICY_REVIEW]: row(
    "policy_review",
    "ask_user",
    "rules",
    "the catalog asks for a person's review of this call",
    "review the server and set `operator_verified`, or answer the question",
  ),
  [code.VERDICT_POLICY_DRY_RUN]: row(
    "policy_dry_run",
    "dry_run",
    "rules",
    "a policy rule only tries this call, without sending it",
  ),
  [code.VERDICT_ARGUMENT_DENIED]: row(
    "argument_denied",
    "deny",
    "arguments",
    "an argument is outside what the catalog allows",
  ),
  [code.VERDICT_LEASE_REQUIRED]: row(
    "lease_required",
    "deny",
    "lease",
    "the tool requires a lease and there is none",
    "grant a lease",
  ),
  [code.VERDICT_LEASE_EXPIRED]: row("lease_expired", "deny", "lease", "the lease has expired"),
  [code.VERDICT_LEASE_EXHAUSTED]: row("lease_exhausted", "deny", "lease", "the lease is used up"),
  [code.VERDICT_LEASE_MISMATCH]: row(
    "lease_mismatch",
    "deny",
    "lease",
    "the lease is for another call",
  ),
  [code.VERDICT_CONSENT_REQUIRED]: row(
    "consent_required",
    "ask_user",
    "consent",
    "the tool requires a person's consent",
  ),
  [code.VERDICT_CONSENT_REFUSED]: row(
    "consent_refused",
    "deny",
    "consent",
    "a person refused, or did not answer",
  ),
  [code.VERDICT_TAINT_DENIED]: row(
    "taint_denied",
    "deny",
    "taint",
    "the session has read what this tool must not see",
  ),
  [code.VERDICT_RESERVED_25]: row("reserved", "deny", "kernel", "a reserved code"),
  [code.VERDICT_AUDIT_UNAVAILABLE]: row(
    "audit_unavailable",
    "deny",
    "audit",
    "the record of this call cannot be written",
  ),
  [code.VERDICT_INTERNAL_FAULT]: row("internal_fault", "deny", "kernel", "the guard failed"),
  [code.VERDICT_TAINT_REVIEW]: row(
    "taint_review",
    "ask_user",
    "taint",
    "the session has read what a person should weigh before this call",
  ),
};

/** Reason per verdict number, as the public API names them. */
export const REASONS: readonly string[] = Object.freeze(
  Object.values(VERDICTS).map((verdict) => verdict.reason),
);

/**
 * The answer to one call. A refusal is a value, never an exception; only `outcome === "allow"`
 * may be dispatched.
 */
export interface Decision extends Verdict {
  /** The kernel's number. */
  readonly code: number;
}

const DECISIONS: readonly Decision[] = Object.values(VERDICTS).map((verdict, number) =>
  Object.freeze({ ...verdict, code: number }),
);

const UNDECIDED: Decision = Object.freeze({ ...VERDICTS[code.VERDICT_UNDECIDED], code: 0 });
const ALLOWED: Decision = DECISIONS[code.VERDICT_ALLOWED] ?? UNDECIDED;

/**
 * The decision of a verdict number: allow is one exact number, and an unknown number is
 * `undecided`, which is a refusal.
 */
export function toDecision(verdict: number): Decision {
  if (verdict === code.VERDICT_ALLOWED) return ALLOWED;
  return DECISIONS[verdict] ?? UNDECIDED;
}

/** The decision of a reason; an unknown one is `undecided`. */
export function decisionOf(reason: string): Decision {
  return toDecision(REASONS.indexOf(reason));
}

/** The four attack classes that the catalog guard closes, by reason. */
export const ATTACK_CLASSES: ReadonlyMap<string, string> = new Map([
  ["unknown_server", "unknown-server smuggle"],
  ["tool_smuggle", "tool smuggle"],
  ["fingerprint_drift", "fingerprint drift"],
  ["scope_escalation", "scope escalation"],
]);
