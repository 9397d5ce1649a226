// Verdict codes: the kernel's numbers for the outcome of a decision (30-kernel section 4).
// Read by both compilers. Append-only: a number, once published, keeps its meaning for ever.

export const VERDICT_UNDECIDED = 0;
export const VERDICT_ALLOWED = 1;
export const VERDICT_UNKNOWN_SERVER = 2;
export const VERDICT_TOOL_SMUGGLE = 3;
export const VERDICT_FINGERPRINT_DRIFT = 4;
export const VERDICT_SCOPE_ESCALATION = 5;
export const VERDICT_SERVER_NOT_ADMITTED = 6;
export const VERDICT_CATALOG_EXPIRED = 7;
export const VERDICT_CATALOG_UNTRUSTED = 8;
export const VERDICT_IDENTITY_UNKNOWN = 9;
export const VERDICT_FEATURE_DENIED = 10;
export const VERDICT_MALFORMED_MESSAGE = 11;
export const VERDICT_VETTING_BLOCKED = 12;
export const VERDICT_VETTING_REVIEW = 13;
export const VERDICT_POLICY_DENIED = 14;
export const VERDICT_POLICY_REVIEW = 15;
export const VERDICT_POLICY_DRY_RUN = 16;
export const VERDICT_ARGUMENT_DENIED = 17;
export const VERDICT_LEASE_REQUIRED = 18;
export const VERDICT_LEASE_EXPIRED = 19;
export const VERDICT_LEASE_EXHAUSTED = 20;
export const VERDICT_LEASE_MISMATCH = 21;
export const VERDICT_CONSENT_REQUIRED = 22;
export const VERDICT_CONSENT_REFUSED = 23;
export const VERDICT_TAINT_DENIED = 24;
export const VERDICT_RESERVED_25 = 25;
export const VERDICT_AUDIT_UNAVAILABLE = 26;
export const VERDICT_INTERNAL_FAULT = 27;
export const VERDICT_TAINT_REVIEW = 28;
