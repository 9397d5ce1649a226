// What an agent gets instead of a result: terminal, not an observation to work around.
import { randomUuid } from "../clock.ts";
import { quote } from "../errors.ts";
import type { Decision } from "../verdict.ts";

export interface BlockedCall {
  readonly server: string;
  readonly tool: string;
  /** Names this refusal in the record and in the answer. Default: a random UUID. */
  readonly traceId?: string;
}

/** The outcome of a refused call. */
export class SafetyBlocked {
  readonly outcome = "SafetyBlocked";
  readonly reason: string;
  readonly code: number;
  readonly server: string;
  readonly tool: string;
  readonly message: string;
  readonly traceId: string;

  constructor(decision: Decision, call: BlockedCall) {
    this.reason = decision.reason;
    this.code = decision.code;
    this.server = call.server;
    this.tool = call.tool;
    this.traceId = call.traceId ?? randomUuid();
    this.message = blockedMessage(decision, call);
  }
}

/**
 * One line for the agent and its user: reason, what it means, and that trying again is no use.
 * Names from the wire are quoted, cut and escaped.
 */
export function blockedMessage(decision: Decision, call: BlockedCall): string {
  const target =
    call.tool === "" ? quote(call.server) : `${quote(call.tool)} of ${quote(call.server)}`;
  const remedy = decision.remedy === undefined ? "" : `; operator: ${decision.remedy}`;
  return `portcullis refused ${target} (${decision.reason}): ${decision.message}; this is final, do not retry or work around it${remedy}`;
}

/** True for a refusal made by this package. Never throws. */
export function isSafetyBlocked(value: unknown): value is SafetyBlocked {
  try {
    return value instanceof SafetyBlocked;
  } catch {
    // a proxy that does not want to be looked at
    return false;
  }
}
