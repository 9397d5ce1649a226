// What is wrong with a log: values, since a finding is what an auditor came for.
import type { GuardErrorCode } from "../errors.ts";

/** The codes of `verifyAuditLog` and `replay`. */
export type AuditCode = Extract<
  GuardErrorCode,
  | "AUDIT_LEAF"
  | "AUDIT_SEQUENCE"
  | "AUDIT_TRUNCATED"
  | "AUDIT_EMPTY"
  | "AUDIT_ORIGIN"
  | "AUDIT_SIGNATURE"
  | "AUDIT_INCONSISTENT"
  | "AUDIT_LOG_MISSING"
  | "AUDIT_KERNEL"
  | "AUDIT_CATALOG"
  | "AUDIT_LIVE"
  | "AUDIT_REPLAY"
>;

export interface AuditFinding {
  readonly code: AuditCode;
  /** One line: what was expected, what was found. */
  readonly message: string;
  /** The log. */
  readonly origin: string;
  /** The record, where one can be told. */
  readonly seq?: number;
}

export function finding(
  code: AuditCode,
  origin: string,
  message: string,
  seq?: number,
): AuditFinding {
  return seq === undefined ? { code, message, origin } : { code, message, origin, seq };
}
