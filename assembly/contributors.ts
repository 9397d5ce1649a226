// Who speaks against a call: three masks, and what they come to (30-kernel section 3). Bit n is
// verdict n; two more bits are for policy_* verdicts that no rule of the catalog gave.
import {
  CONTRIBUTOR_CUSTOM,
  CONTRIBUTOR_OPERATOR,
  LAYER_ADMISSION,
  LAYER_ALL,
  LAYER_ARGUMENTS,
  LAYER_AUDIT,
  LAYER_CATALOG,
  LAYER_CONSENT,
  LAYER_FEATURE,
  LAYER_IDENTITY,
  LAYER_ITEM,
  LAYER_KERNEL,
  LAYER_LEASE,
  LAYER_MESSAGE,
  LAYER_RULES,
  LAYER_SCOPE,
  LAYER_SERVER,
  LAYER_TAINT,
  LAYER_VETTING,
  OUTCOME_ALLOW,
  OUTCOME_ASK_USER,
  OUTCOME_DENY,
  OUTCOME_DRY_RUN,
  UNBLOCK_ADMISSION,
  UNBLOCK_ARGUMENTS,
  UNBLOCK_AUDIT,
  UNBLOCK_CATALOG,
  UNBLOCK_CONSENT,
  UNBLOCK_IDENTITY,
  UNBLOCK_LEASE,
  UNBLOCK_SCOPE,
  UNBLOCK_SESSION,
} from "../src/abi/frame";
import {
  VERDICT_ALLOWED,
  VERDICT_ARGUMENT_DENIED,
  VERDICT_AUDIT_UNAVAILABLE,
  VERDICT_CATALOG_EXPIRED,
  VERDICT_CATALOG_UNTRUSTED,
  VERDICT_CONSENT_REFUSED,
  VERDICT_CONSENT_REQUIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_LEASE_EXHAUSTED,
  VERDICT_LEASE_EXPIRED,
  VERDICT_LEASE_MISMATCH,
  VERDICT_LEASE_REQUIRED,
  VERDICT_MALFORMED_MESSAGE,
  VERDICT_POLICY_DENIED,
  VERDICT_POLICY_DRY_RUN,
  VERDICT_POLICY_REVIEW,
  VERDICT_SCOPE_ESCALATION,
  VERDICT_SERVER_NOT_ADMITTED,
  VERDICT_TAINT_DENIED,
  VERDICT_TAINT_REVIEW,
  VERDICT_TOOL_SMUGGLE,
  VERDICT_UNDECIDED,
  VERDICT_UNKNOWN_SERVER,
  VERDICT_VETTING_BLOCKED,
  VERDICT_VETTING_REVIEW,
} from "../src/abi/verdict";

/** Entries of the table below: contributor, layer, what unblocks it; i32 each. */
const ENTRY_SIZE: usize = 12;
const ENTRY_COUNT: usize = 28;
const ENTRY_OFFSET_LAYER: usize = 4;
const ENTRY_OFFSET_UNBLOCK: usize = 8;

/** All contributors in the order in which they are asked: the first one names the reason. */
// biome-ignore format: a table
const entries: usize = memory.data<i32>([
  VERDICT_UNDECIDED, LAYER_KERNEL, 0,
  VERDICT_CATALOG_UNTRUSTED, LAYER_CATALOG, UNBLOCK_CATALOG,
  VERDICT_CATALOG_EXPIRED, LAYER_CATALOG, UNBLOCK_CATALOG,
  VERDICT_MALFORMED_MESSAGE, LAYER_MESSAGE, UNBLOCK_ARGUMENTS,
  VERDICT_FEATURE_DENIED, LAYER_FEATURE, UNBLOCK_CATALOG,
  VERDICT_UNKNOWN_SERVER, LAYER_SERVER, UNBLOCK_CATALOG,
  VERDICT_TOOL_SMUGGLE, LAYER_ITEM, UNBLOCK_CATALOG,
  VERDICT_FINGERPRINT_DRIFT, LAYER_ADMISSION, UNBLOCK_CATALOG,
  VERDICT_SERVER_NOT_ADMITTED, LAYER_ADMISSION, UNBLOCK_ADMISSION,
  VERDICT_IDENTITY_UNKNOWN, LAYER_IDENTITY, UNBLOCK_IDENTITY,
  VERDICT_SCOPE_ESCALATION, LAYER_SCOPE, UNBLOCK_SCOPE,
  VERDICT_VETTING_BLOCKED, LAYER_VETTING, UNBLOCK_CATALOG,
  VERDICT_VETTING_REVIEW, LAYER_VETTING, UNBLOCK_CONSENT,
  VERDICT_ARGUMENT_DENIED, LAYER_ARGUMENTS, UNBLOCK_ARGUMENTS,
  VERDICT_POLICY_DENIED, LAYER_RULES, UNBLOCK_CATALOG,
  VERDICT_POLICY_REVIEW, LAYER_RULES, UNBLOCK_CONSENT,
  CONTRIBUTOR_OPERATOR, LAYER_RULES, UNBLOCK_CONSENT,
  VERDICT_POLICY_DRY_RUN, LAYER_RULES, UNBLOCK_CATALOG,
  CONTRIBUTOR_CUSTOM, LAYER_RULES, 0,
  VERDICT_LEASE_REQUIRED, LAYER_LEASE, UNBLOCK_LEASE,
  VERDICT_LEASE_MISMATCH, LAYER_LEASE, UNBLOCK_LEASE,
  VERDICT_LEASE_EXPIRED, LAYER_LEASE, UNBLOCK_LEASE,
  VERDICT_LEASE_EXHAUSTED, LAYER_LEASE, UNBLOCK_LEASE,
  VERDICT_TAINT_DENIED, LAYER_TAINT, UNBLOCK_SESSION,
  VERDICT_TAINT_REVIEW, LAYER_TAINT, UNBLOCK_CONSENT,
  VERDICT_CONSENT_REQUIRED, LAYER_CONSENT, UNBLOCK_CONSENT,
  VERDICT_CONSENT_REFUSED, LAYER_CONSENT, UNBLOCK_CONSENT,
  VERDICT_AUDIT_UNAVAILABLE, LAYER_AUDIT, UNBLOCK_AUDIT,
]);

export let denying: u32 = 0;
export let asking: u32 = 0;
/** What is left of `asking` when a person's consent has been taken into account. */
export let askingLeft: u32 = 0;
export let dryRun: u32 = 0;

export let outcome: i32 = OUTCOME_DENY;
export let verdict: i32 = VERDICT_UNDECIDED;
export let layer: i32 = LAYER_KERNEL;
/** UNBLOCK_* of everything that holds the call back. */
export let unblock: u32 = 0;

export function resetContributors(): void {
  denying = 0;
  asking = 0;
  askingLeft = 0;
  dryRun = 0;
  unblock = 0;
}

export function deny(contributor: i32): void {
  denying |= u32(1) << u32(contributor);
}

export function ask(contributor: i32): void {
  asking |= u32(1) << u32(contributor);
  askingLeft = asking;
}

export function tryOnly(contributor: i32): void {
  dryRun |= u32(1) << u32(contributor);
}

/** A person has agreed to everything that asks: never to a deny, never to a dry run. */
export function grantConsent(): void {
  askingLeft = 0;
}

/** What a rule that denies or tries only would give way to: UNBLOCK_*. */
export function alsoUnblocks(mask: u32): void {
  unblock |= mask;
}

/** Sets outcome, verdict, layer and `unblock` from the masks: the worst contributor decides. */
export function settle(): void {
  const holding = denying | askingLeft | dryRun;
  if (holding == 0) {
    outcome = OUTCOME_ALLOW;
    verdict = VERDICT_ALLOWED;
    layer = LAYER_ALL;
    return;
  }
  outcome = OUTCOME_DRY_RUN;
  let deciding = dryRun;
  if (askingLeft != 0) {
    outcome = OUTCOME_ASK_USER;
    deciding = askingLeft;
    // WHY: what asks gives way to consent; a host's rule has no other entry in the table
    unblock |= UNBLOCK_CONSENT;
  }
  if (denying != 0) {
    outcome = OUTCOME_DENY;
    deciding = denying;
  }
  let reason: i32 = VERDICT_UNDECIDED;
  layer = LAYER_KERNEL;
  for (let index: usize = 0; index < ENTRY_COUNT; index++) {
    const entry = entries + index * ENTRY_SIZE;
    const contributor = load<i32>(entry);
    const bit = u32(1) << u32(contributor);
    if ((holding & bit) != 0) unblock |= load<u32>(entry, ENTRY_OFFSET_UNBLOCK);
    if ((deciding & bit) == 0) continue;
    // only the first one names the reason
    deciding = 0;
    reason = contributor;
    layer = load<i32>(entry, ENTRY_OFFSET_LAYER);
  }
  verdict = isHostPolicy(reason) ? policyVerdict() : reason;
}

function isHostPolicy(contributor: i32): bool {
  return contributor == CONTRIBUTOR_OPERATOR || contributor == CONTRIBUTOR_CUSTOM;
}

function policyVerdict(): i32 {
  if (outcome == OUTCOME_ASK_USER) return VERDICT_POLICY_REVIEW;
  return outcome == OUTCOME_DRY_RUN ? VERDICT_POLICY_DRY_RUN : VERDICT_POLICY_DENIED;
}
