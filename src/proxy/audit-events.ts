// What a guarded connection tells its audit log beside its decisions.
import type { AuditEvent, AuditItem } from "../audit/event.ts";
import type { RequestIdentity } from "../guard/identity.ts";
import type { AdmissionReport } from "../guard/validator.ts";
import { type Decision, REASONS, toDecision } from "../verdict.ts";
import type { SessionParts } from "./session-parts.ts";

/** Who the connection is for, and when it is. */
export interface EventContext {
  readonly identity: RequestIdentity;
  readonly serverId: string;
  readonly timeMs: number;
  /** Labels of the session: a mask. */
  readonly taint: number;
}

/** The context of an event that happens now. */
export function eventContext(
  parts: Pick<SessionParts, "identity" | "serverId" | "clock" | "grants" | "sessions">,
): EventContext {
  const { identity, serverId, clock, grants, sessions } = parts;
  return { identity, serverId, timeMs: clock(), taint: grants.taint(sessions) };
}

/** A complete listing: every live definition with its digest, so that later frames can be checked. */
export function listEvent(
  report: AdmissionReport,
  context: EventContext,
  isModern: boolean,
): AuditEvent {
  const items = report.items.map(
    ({ kind, name, fingerprint }): AuditItem => ({ kind, name: name ?? "", digest: fingerprint }),
  );
  const decision = toDecision(REASONS.indexOf(report.reason));
  return { ...base("list", decision, context), era: isModern ? "modern" : "legacy", items };
}

/** Another catalog is in force. */
export function reloadEvent(decision: Decision, context: EventContext): AuditEvent {
  return { ...base("reload", decision, context), era: "none" };
}

function base(kind: "list" | "reload", decision: Decision, context: EventContext): AuditEvent {
  const { identity, serverId, timeMs, taint } = context;
  return {
    kind,
    timeMs,
    sessionHash: identity.sessionHash,
    principalHash: identity.principalHash,
    server: serverId,
    era: "none",
    decision: decision.outcome,
    reason: decision.reason,
    code: decision.code,
    layer: decision.layer,
    taint: taint >>> 0,
  };
}
