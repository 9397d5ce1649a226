// Public API, runtime-neutral.

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
export type { PolicyFinding, PolicyRule, PolicyVetting } from "./guard/policy-rule.ts";
export { isSafetyBlocked, SafetyBlocked } from "./guard/safety-blocked.ts";
export {
  type CheckRequest,
  type Handle,
  type MessageDecision,
  ScopeGuard,
  type ScopeGuardOptions,
} from "./guard/scope-guard.ts";
export { ScopeSet } from "./guard/scope-set.ts";
export { isStateChangingTool, type StateChangingSubject } from "./guard/state-changing.ts";
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
export { type Decision, type Layer, type Outcome, REASONS } from "./verdict.ts";
