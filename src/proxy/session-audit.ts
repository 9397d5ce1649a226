// What of a connection goes into the audit log beside its decided calls, which carry their frames:
// listings with every digest, questions and answers, changes of the catalog, and what was refused
// before it became a call (60-audit section 1).
import type { AuditEra, AuditItem, AuditKind, AuditSink } from "../audit/event.ts";
import type { Clock } from "../clock.ts";
import type { Grants } from "../guard/grants.ts";
import type { RequestIdentity } from "../guard/identity.ts";
import type { Decision } from "../verdict.ts";
import type { GuardRecord, RecordKind } from "./records.ts";

/** Of a connection: who and where. */
export interface EventSource {
  readonly audit: AuditSink | undefined;
  readonly clock: Clock;
  readonly identity: RequestIdentity;
  readonly grants: Grants;
  /** The session's hash, and those it descends from. */
  readonly sessions: readonly string[];
  readonly serverId: string;
}

/** What an event says beside who and when. */
export interface SessionEvent {
  readonly kind: AuditKind;
  readonly decision: Decision;
  readonly era?: AuditEra;
  readonly tool?: string | undefined;
  readonly items?: readonly AuditItem[] | undefined;
}

/** Appends one event; where there is no log, nothing. A log that fails says so by itself. */
export function appendEvent(source: EventSource, event: SessionEvent): void {
  const { audit, clock, identity, grants, sessions, serverId } = source;
  if (audit === undefined) return;
  const { kind, decision, era = "none", tool, items } = event;
  audit.append({
    kind,
    timeMs: clock(),
    sessionHash: identity.sessionHash,
    principalHash: identity.principalHash,
    server: serverId,
    ...(tool !== undefined && { tool }),
    era,
    decision: decision.outcome,
    reason: decision.reason,
    code: decision.code,
    layer: decision.layer,
    taint: grants.taint(sessions) >>> 0,
    ...(items !== undefined && { items }),
  });
}

/** Kinds of records that are events by themselves. */
const EVENTS: ReadonlyMap<RecordKind, AuditKind> = new Map<RecordKind, AuditKind>([
  ["consent", "consent"],
  ["reload", "reload"],
  ["replace", "result"],
  ["cut", "result"],
  ["taint", "result"],
]);

/**
 * The kind of event that a record is; `undefined` for one that is in the log already, or is no event:
 * what was sent on and is no call.
 */
export function eventOfRecord(
  kind: RecordKind,
  { sender, outcome }: Pick<GuardRecord, "sender" | "outcome">,
): AuditKind | undefined {
  if (kind === "drop") return sender === "server" ? "result" : "call";
  if (kind === "decision") return outcome === "allow" ? undefined : "call";
  return EVENTS.get(kind);
}
