// Public API, runtime-neutral.

export {
  type AuditBatch,
  CallbackAuditLog,
  type CallbackLogOptions,
} from "./audit/callback-log.ts";
export type { AuditEra, AuditEvent, AuditItem, AuditKind, AuditSink } from "./audit/event.ts";
export { type AuditEvidence, auditEvidence, type CatalogEvidence } from "./audit/evidence.ts";
export type { AuditCode, AuditFinding } from "./audit/finding.ts";
export type { FieldDifference } from "./audit/frame-difference.ts";
export type { AuditLogInput, ByteSource } from "./audit/input.ts";
export { MemoryAuditLog, type MemoryLogOptions } from "./audit/memory-log.ts";
export type { AuditProcess } from "./audit/origin.ts";
export { type OtelTracer, withOtel } from "./audit/otel.ts";
export { type ReplayOptions, type ReplayReport, replay } from "./audit/replay.ts";
export type { AuditObjects } from "./audit/replay-catalogs.ts";
export {
  type AuditProgress,
  type AuditReport,
  type VerifyAuditOptions,
  verifyAuditLog,
} from "./audit/verify.ts";
export type { AuditLogReport } from "./audit/verify-log.ts";
export { isTrustedCatalog, type OpenOptions, TrustedCatalog } from "./catalog/trusted.ts";
export type {
  Catalog,
  CatalogItem,
  CatalogServer,
  Effect,
  Feature,
  ItemKind,
} from "./catalog/types.ts";
export { type Clock, systemClock } from "./clock.ts";
export { type ErrorPlace, GuardError, type GuardErrorCode } from "./errors.ts";
export { BoundServer } from "./guard/bound-server.ts";
export { isSafetyBlocked, SafetyBlocked } from "./guard/safety-blocked.ts";
export {
  type CheckRequest,
  type Handle,
  type MessageDecision,
  ScopeGuard,
  type ScopeGuardOptions,
} from "./guard/scope-guard.ts";
export { ScopeSet } from "./guard/scope-set.ts";
export {
  type AdmissionItem,
  type AdmissionReport,
  Validator,
} from "./guard/validator.ts";
export { KERNEL_SHA256 } from "./kernel/module.ts";
export { canonicalize } from "./kernel/strict-json.ts";
export {
  fingerprintInstructions,
  fingerprintManifest,
  fingerprintPrompt,
  fingerprintResource,
  fingerprintResourceTemplate,
  fingerprintTool,
} from "./manifest/fingerprint.ts";
export { createMemoryStore } from "./store/memory.ts";
export type {
  Answer,
  AuditLog,
  Consent,
  Drift,
  GivenAnswer,
  Lease,
  Question,
  RegisteredLog,
  SessionTaint,
} from "./store/records.ts";
export type { AsyncStateStore, StateStore, SyncStateStore } from "./store/types.ts";
export { type Decision, type Layer, type Outcome, REASONS } from "./verdict.ts";
