// Decisions and listings as events of the audit log.
import type { AuditEra, AuditEvent, AuditItem } from "../audit/event.ts";
import { utf8 } from "../bytes.ts";
import type { Decision } from "../verdict.ts";
import { ArgumentSnapshot } from "./argument-snapshot.ts";
import type { EngineCall, EngineDecision } from "./engine-types.ts";
import type { AdmissionReport } from "./validator.ts";

const NOBODY = "0".repeat(64);

/** @param timeMs of the injected clock */
export function gatewayEvent(
  call: EngineCall,
  decided: EngineDecision,
  timeMs: number,
  era: AuditEra = "none",
): AuditEvent {
  const event = decisionEvent(call, decided, timeMs, era);
  const args = argumentBytes(call.args);
  return args === undefined ? event : { ...event, args };
}

/** The same without arguments, for what does not hash them. */
export function decisionEvent(
  call: EngineCall,
  decided: EngineDecision,
  timeMs: number,
  era: AuditEra,
): AuditEvent {
  const { decision } = decided;
  return {
    kind: "call",
    timeMs,
    sessionHash: call.identity?.sessionHash ?? NOBODY,
    principalHash: call.identity?.principalHash ?? NOBODY,
    server: call.serverId,
    tool: call.name,
    era,
    input: decided.input,
    output: decided.output,
    decision: decision.outcome,
    reason: decision.reason,
    code: decision.code,
    layer: decision.layer,
    rules: decided.ruleIds,
    leaseId: decided.lease?.id,
    consentId: decided.consentId,
    taint: (decided.taint | decided.taintAdded) >>> 0,
  };
}

/** What a server listed, in the session of nobody: every session is decided by it. */
export function listEvent(
  server: string,
  items: readonly AuditItem[],
  decision: Decision,
  timeMs: number,
): AuditEvent {
  const { outcome, reason, code, layer } = decision;
  return {
    ...{ kind: "list", timeMs, sessionHash: NOBODY, principalHash: NOBODY, server, era: "none" },
    ...{ decision: outcome, reason, code, layer, taint: 0, items },
  };
}

/** Every live item of a report. */
export function itemsOfReport(report: AdmissionReport): readonly AuditItem[] {
  return report.items.map(({ kind, name = "", fingerprint }) => ({
    kind,
    name,
    digest: fingerprint,
  }));
}

function argumentBytes(args: unknown): Uint8Array | undefined {
  if (args === undefined || args instanceof Uint8Array) return args;
  const snapshot = ArgumentSnapshot.of(args);
  return snapshot === undefined ? undefined : utf8(snapshot.text);
}
