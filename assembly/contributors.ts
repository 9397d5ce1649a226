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

/** An entry of the table below: contributor, layer << 8, what unblocks it << 16. */
const ENTRY_SIZE: usize = 4;
const ENTRY_COUNT: usize = 28;

/** All contributors in the order in which they are asked: the first one names the reason. */
// biome-ignore format: a table
const entries: usize = memory.data<i32>([
  VERDICT_UNDECIDED | (LAYER_KERNEL << 8),
  VERDICT_CATALOG_UNTRUSTED | (LAYER_CATALOG << 8) | (UNBLOCK_CATALOG << 16),
  VERDICT_CATALOG_EXPIRED | (LAYER_CATALOG << 8) | (UNBLOCK_CATALOG << 16),
  VERDICT_MALFORMED_MESSAGE | (LAYER_MESSAGE << 8) | (UNBLOCK_ARGUMENTS << 16),
  VERDICT_FEATURE_DENIED | (LAYER_FEATURE << 8) | (UNBLOCK_CATALOG << 16),
  VERDICT_UNKNOWN_SERVER | (LAYER_SERVER << 8) | (UNBLOCK_CATALOG << 16),
  VERDICT_TOOL_SMUGGLE | (LAYER_ITEM << 8) | (UNBLOCK_CATALOG << 16),
  VERDICT_FINGERPRINT_DRIFT | (LAYER_ADMISSION << 8) | (UNBLOCK_CATALOG << 16),
  VERDICT_SERVER_NOT_ADMITTED | (LAYER_ADMISSION << 8) | (UNBLOCK_ADMISSION << 16),
  VERDICT_IDENTITY_UNKNOWN | (LAYER_IDENTITY << 8) | (UNBLOCK_IDENTITY << 16),
  VERDICT_SCOPE_ESCALATION | (LAYER_SCOPE << 8) | (UNBLOCK_SCOPE << 16),
  VERDICT_VETTING_BLOCKED | (LAYER_VETTING << 8) | (UNBLOCK_CATALOG << 16),
  VERDICT_VETTING_REVIEW | (LAYER_VETTING << 8) | (UNBLOCK_CONSENT << 16),
  VERDICT_ARGUMENT_DENIED | (LAYER_ARGUMENTS << 8) | (UNBLOCK_ARGUMENTS << 16),
  VERDICT_POLICY_DENIED | (LAYER_RULES << 8) | (UNBLOCK_CATALOG << 16),
  VERDICT_POLICY_REVIEW | (LAYER_RULES << 8) | (UNBLOCK_CONSENT << 16),
  CONTRIBUTOR_OPERATOR | (LAYER_RULES << 8) | (UNBLOCK_CONSENT << 16),
  VERDICT_POLICY_DRY_RUN | (LAYER_RULES << 8) | (UNBLOCK_CATALOG << 16),
  CONTRIBUTOR_CUSTOM | (LAYER_RULES << 8),
  VERDICT_LEASE_REQUIRED | (LAYER_LEASE << 8) | (UNBLOCK_LEASE << 16),
  VERDICT_LEASE_MISMATCH | (LAYER_LEASE << 8) | (UNBLOCK_LEASE << 16),
  VERDICT_LEASE_EXPIRED | (LAYER_LEASE << 8) | (UNBLOCK_LEASE << 16),
  VERDICT_LEASE_EXHAUSTED | (LAYER_LEASE << 8) | (UNBLOCK_LEASE << 16),
  VERDICT_TAINT_DENIED | (LAYER_TAINT << 8) | (UNBLOCK_SESSION << 16),
  VERDICT_TAINT_REVIEW | (LAYER_TAINT << 8) | (UNBLOCK_CONSENT << 16),
  VERDICT_CONSENT_REQUIRED | (LAYER_CONSENT << 8) | (UNBLOCK_CONSENT << 16),
  VERDICT_CONSENT_REFUSED | (LAYER_CONSENT << 8) | (UNBLOCK_CONSENT << 16),
  VERDICT_AUDIT_UNAVAILABLE | (LAYER_AUDIT << 8) | (UNBLOCK_AUDIT << 16),
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

/** @param contributors bit n = contributor n */
export function denyAll(contributors: u32): void {
  denying |= contributors;
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
    const entry = load<u32>(entries + index * ENTRY_SIZE);
    const contributor = i32(entry & 255);
    const bit = u32(1) << u32(contributor);
    if ((holding & bit) != 0) unblock |= entry >> 16;
    if ((deciding & bit) == 0) continue;
    // only the first one names the reason
    deciding = 0;
    reason = contributor;
    layer = i32((entry >> 8) & 255);
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
