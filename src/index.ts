// Public API, runtime-neutral.

// WHY first: a bundler then begins with the kernel's bytes. In the midst of code they would share blocks
// of gzip with it, which have one code for both: 1.1 KB more
export { KERNEL_SHA256, type KernelOptions, prepareKernel } from "./kernel/module.ts";
export { AEPEmitter, type AEPEmitterOptions } from "./audit/aep.ts";
export { approvalModeOf, denyReasonClass } from "./audit/aep-mapping.ts";
export type {
  AEPAction,
  AEPApprovalMode,
  AEPCapabilityDecision,
  AEPDenyReasonClass,
  AEPRecord,
} from "./audit/aep-types.ts";
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
export { RecentAuditLog } from "./audit/recent-log.ts";
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
export {
  type ApprovalReceipt,
  type ApprovalStatement,
  createApprovalReceipt,
  isApprovalReceiptIntact,
  type ReceiptOptions,
} from "./guard/approval-receipt.ts";
export { type ArgumentsSource, argumentsDigest, type Sha256Text } from "./guard/args-digest.ts";
export { BoundServer } from "./guard/bound-server.ts";
export type { ConsentAnswer, ConsentProvider } from "./guard/consent-answer.ts";
export { InMemoryConsentLedger } from "./guard/consent-ledger.ts";
export type { ConsentChoice, ConsentQuestion, ConsentReason } from "./guard/consent-question.ts";
export type { ConsentBinding, ConsentRecord } from "./guard/consent-record.ts";
export type { DispatchCall, DispatchGuard } from "./guard/dispatch-guard.ts";
export { type GatewayOptions, MCPGateway } from "./guard/gateway.ts";
export type { EvaluateRequest, EvidenceRef, GatewayDecision } from "./guard/gateway-types.ts";
export {
  createRequestIdentity,
  isRequestIdentity,
  type RequestIdentity,
  type RequestIdentityOptions,
} from "./guard/identity.ts";
export { createScopeLease, type ScopeLease, type ScopeLeaseOptions } from "./guard/lease.ts";
export { isScopeLeaseValid } from "./guard/lease-valid.ts";
export {
  type ObservationFinding,
  type ObservationOptions,
  type TaintedObservation,
  type TextScan,
  type TrustLevel,
  taintObservation,
  wrapResult,
} from "./guard/observation.ts";
export type { PolicyFinding, PolicyRule, PolicyVetting } from "./guard/policy-rule.ts";
export { renderTaintedObservation } from "./guard/render-observation.ts";
export type { RouterCall } from "./guard/router-call.ts";
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
  buildServerCard,
  type ServerCard,
  type ServerCardOptions,
  type ServerCardTool,
} from "./guard/server-card.ts";
export { isStateChangingTool, type StateChangingSubject } from "./guard/state-changing.ts";
export {
  type AdmissionItem,
  type AdmissionReport,
  Validator,
} from "./guard/validator.ts";
export {
  type DecisionListener,
  type GuardedRouter,
  type McpGuardOptions,
  type McpRouter,
  withMcpGuard,
} from "./guard/with-mcp-guard.ts";
export { canonicalize } from "./kernel/strict-json.ts";
export {
  fingerprintInstructions,
  fingerprintManifest,
  fingerprintPrompt,
  fingerprintResource,
  fingerprintResourceTemplate,
  fingerprintTool,
} from "./manifest/fingerprint.ts";
export {
  type GuardTransportOptions,
  guardTransport,
  type TransportCall,
  type TransportListener,
} from "./proxy/guard-transport.ts";
export type { GuardRecord, RecordSink } from "./proxy/records.ts";
export type { GuardedTransportOf, McpTransport } from "./proxy/transport-types.ts";
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
export { PATTERNS_SHA256, PATTERNS_VERSION } from "./vetting/scanner.ts";
export type {
  VettingCategory,
  VettingFinding,
  VettingLevel,
  VettingReport,
} from "./vetting/types.ts";
export {
  scanText,
  type VettedItem,
  type VettedManifest,
  type VettingOptions,
  vetInstructions,
  vetManifest,
  vetTool,
} from "./vetting/vet.ts";
