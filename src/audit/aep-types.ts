// The parts of an `aep/v0.3` record (Agent Evidence Protocol) that a caller writes. Names are those
// of the published schema, which has no room for others.

export type AEPOutcome = "allow" | "deny" | "ask_user" | "dry_run";

export type AEPApprovalMode =
  | "one-shot-payload"
  | "bounded-lease"
  | "policy-allow-with-receipt"
  | "policy-deny-with-evidence"
  | "re-approval-on-drift"
  | "none";

export type AEPDenyReasonClass =
  | "tool-identity"
  | "argument"
  | "tainted-input"
  | "resource-scope"
  | "missing-delegation"
  | "policy-rule"
  | "other";

export type AEPSideEffectClass =
  | "read"
  | "mutate-local"
  | "mutate-external"
  | "network-egress"
  | "unknown";

export type AEPRecordingMode = "validation" | "delta" | "full";

export interface AEPCapabilityDecision {
  readonly capability: string;
  readonly subject: string;
  readonly resource: string;
  readonly decision: AEPOutcome;
  readonly reason_code?: string | undefined;
  /** Default: by decision and reason, see `approvalModeOf`. */
  readonly approval_mode?: AEPApprovalMode | undefined;
  readonly approval_extension?:
    | { readonly namespace: string; readonly mode: string; readonly evidence_digest: string }
    | undefined;
  /** Default on a deny: by reason, see `denyReasonClass`. */
  readonly deny_reason_class?: AEPDenyReasonClass | undefined;
}

export interface AEPAction {
  readonly tool_name: string;
  readonly state_changing: boolean;
  /** Default `action-<n>`; unique in the record. */
  readonly action_id?: string | undefined;
  /** Default: the emitter's clock. */
  readonly timestamp_ms?: number | undefined;
  readonly capability_decision?: AEPCapabilityDecision | undefined;
  readonly precondition_digest?: string | undefined;
  readonly result_digest?: string | undefined;
  readonly outcome?: string | undefined;
  readonly exit_code?: number | undefined;
  readonly arguments_digest?: string | undefined;
  readonly evidence_refs?: readonly string[] | undefined;
  readonly parent_action_id?: string | undefined;
  readonly causal_chain_id?: string | undefined;
  readonly tool_descriptor_digest?: string | undefined;
  readonly server_card_digest?: string | undefined;
  readonly scope_lease_id?: string | undefined;
  readonly approval_context_hash?: string | undefined;
  readonly input_taint_labels?: readonly string[] | undefined;
  readonly output_taint_labels?: readonly string[] | undefined;
  readonly memory_read_refs?: readonly string[] | undefined;
  readonly memory_write_refs?: readonly string[] | undefined;
  readonly pre_state_digest?: string | undefined;
  readonly post_state_digest?: string | undefined;
  readonly permission_gate?:
    | {
        readonly decision: "approved" | "denied" | "auto_approved";
        readonly gate: string;
        readonly reason?: string | undefined;
      }
    | undefined;
  readonly recording_mode?: AEPRecordingMode | undefined;
  readonly delta_ref?: string | undefined;
  readonly side_effect_class?: AEPSideEffectClass | undefined;
  readonly state_digest_kind?: string | undefined;
  readonly state_digest_coverage?: object | undefined;
  readonly argument_drift?:
    | {
        readonly detected: boolean;
        readonly approved_args_digest: string;
        readonly observed_args_digest: string;
        readonly resolution: "matched" | "denied";
      }
    | undefined;
}

export interface AEPInputRef {
  readonly uri: string;
  readonly digest?: string | undefined;
  readonly taint_labels?: readonly string[] | undefined;
}

export interface AEPOutputRef {
  readonly uri: string;
  readonly digest?: string | undefined;
  readonly redaction_profile?: string | undefined;
}

export interface AEPVerifierResult {
  readonly verifier_id: string;
  readonly passed: boolean;
  readonly score?: number | undefined;
  readonly claim_ids?: readonly string[] | undefined;
}

interface Spent {
  readonly limit?: number | undefined;
  readonly spent: number;
}

export interface AEPBudgetLedger {
  readonly token_budget?: Spent | undefined;
  readonly latency_budget?:
    | { readonly limit_ms?: number | undefined; readonly actual_ms: number }
    | undefined;
  readonly tool_budget?: Spent | undefined;
  readonly risk_budget?: Spent | undefined;
  readonly retry_budget?: Spent | undefined;
  readonly human_approval_budget?: Spent | undefined;
}

export interface AEPRunContext {
  readonly agent_id?: string | undefined;
  readonly agent_version?: string | undefined;
  readonly subagent_id?: string | undefined;
  readonly delegation_chain?: readonly string[] | undefined;
  readonly environment_digest?: string | undefined;
  readonly dependency_lock_digest?: string | undefined;
  readonly session_id?: string | undefined;
  readonly turn_index?: number | undefined;
}

/** Members of the whole record. */
export interface AEPHead {
  readonly run_id: string;
  readonly user_id?: string | undefined;
  readonly subject_id?: string | undefined;
  readonly trace_id?: string | undefined;
  readonly parent_trace_id?: string | null | undefined;
  readonly repo_commit?: string | undefined;
  readonly runtime_version?: string | undefined;
  readonly model_provider?: string | undefined;
  readonly model_id?: string | undefined;
  /** SHA-256 of the catalog. */
  readonly policy_bundle_digest?: string | undefined;
  /** The tools root. */
  readonly tool_manifest_digest?: string | undefined;
  /** The server fingerprint. */
  readonly mcp_server_card_digest?: string | null | undefined;
  readonly run_context?: AEPRunContext | undefined;
  readonly run_side_effect_class_max?: AEPSideEffectClass | undefined;
}

export interface AEPSignature {
  readonly alg: "ed25519";
  readonly key_id: string;
  /** Base64 of 64 bytes. */
  readonly sig: string;
}

/** A signed record, deeply frozen. */
export interface AEPRecord extends AEPHead {
  readonly schema_version: "aep/v0.3";
  readonly created_at_ms: number;
  readonly input_refs: readonly AEPInputRef[];
  readonly output_refs: readonly AEPOutputRef[];
  readonly capability_decisions: readonly AEPCapabilityDecision[];
  readonly actions: readonly AEPAction[];
  readonly verifier_results: readonly AEPVerifierResult[];
  readonly budget_ledger?: AEPBudgetLedger;
  readonly signature: AEPSignature;
}
