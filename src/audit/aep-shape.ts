// The published schema of `aep/v0.3` as a table: what a record may hold, member by member.
import { isWellFormed } from "../bytes.ts";
import { GuardError, quote } from "../errors.ts";

/** A check of one value: what was expected, or `undefined` when it is fine. */
type Check = (value: unknown) => string | undefined;

/** Members of an object, those in `required` always there; no others. */
export interface AEPShape {
  readonly required: readonly string[];
  readonly members: ReadonlyMap<string, Check | AEPShape>;
}

const text: Check = (value) =>
  typeof value === "string" && isWellFormed(value) ? undefined : "well-formed text";
const flag: Check = (value) => (typeof value === "boolean" ? undefined : "a boolean");
const number: Check = (value) =>
  typeof value === "number" && Number.isFinite(value) ? undefined : "a finite number";
const integer: Check = (value) => (Number.isSafeInteger(value) ? undefined : "a whole number");
const count: Check = (value) =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    ? undefined
    : "a whole number from 0";
const textOrNull: Check = (value) => (value === null ? undefined : text(value));
const texts: Check = (value) =>
  Array.isArray(value) && value.every((one: unknown) => text(one) === undefined)
    ? undefined
    : "an array of well-formed texts";
const object: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "an object";

function oneOf(choices: string): Check {
  const known = choices.split(" ");
  return (value) =>
    typeof value === "string" && known.includes(value) ? undefined : `one of ${known.join(", ")}`;
}

/** Names per check; `!` behind a name: required. */
function shape(...rows: readonly (readonly [Check | AEPShape, string])[]): AEPShape {
  const required: string[] = [];
  const members = new Map<string, Check | AEPShape>();
  for (const [check, names] of rows) {
    for (const word of names.split(" ")) {
      const name = word.replace("!", "");
      if (name !== word) required.push(name);
      members.set(name, check);
    }
  }
  return { required, members };
}

const SIDE_EFFECTS = oneOf("read mutate-local mutate-external network-egress unknown");
const SPENT = shape([number, "limit spent!"]);

export const CAPABILITY_DECISION_SHAPE: AEPShape = shape(
  [text, "capability! subject! resource! reason_code"],
  [oneOf("allow deny ask_user dry_run"), "decision!"],
  [
    oneOf(
      "one-shot-payload bounded-lease policy-allow-with-receipt policy-deny-with-evidence re-approval-on-drift none",
    ),
    "approval_mode",
  ],
  [shape([text, "namespace! mode! evidence_digest!"]), "approval_extension"],
  [
    oneOf(
      "tool-identity argument tainted-input resource-scope missing-delegation policy-rule other",
    ),
    "deny_reason_class",
  ],
);

export const ACTION_SHAPE: AEPShape = shape(
  [text, "action_id! tool_name! precondition_digest result_digest outcome arguments_digest"],
  [text, "parent_action_id causal_chain_id tool_descriptor_digest server_card_digest"],
  [text, "scope_lease_id approval_context_hash pre_state_digest post_state_digest delta_ref"],
  [flag, "state_changing!"],
  [number, "timestamp_ms!"],
  [integer, "exit_code"],
  [texts, "evidence_refs input_taint_labels output_taint_labels memory_read_refs"],
  [texts, "memory_write_refs"],
  [CAPABILITY_DECISION_SHAPE, "capability_decision"],
  [
    shape([oneOf("approved denied auto_approved"), "decision!"], [text, "gate! reason"]),
    "permission_gate",
  ],
  [oneOf("validation delta full"), "recording_mode"],
  [SIDE_EFFECTS, "side_effect_class"],
  [
    oneOf("git-tree sandbox-fs db-rowset browser-dom kv-snapshot memory-bag other"),
    "state_digest_kind",
  ],
  [object, "state_digest_coverage"],
  [
    shape(
      [flag, "detected!"],
      [text, "approved_args_digest! observed_args_digest!"],
      [oneOf("matched denied"), "resolution!"],
    ),
    "argument_drift",
  ],
);

export const INPUT_REF_SHAPE: AEPShape = shape([text, "uri! digest"], [texts, "taint_labels"]);
export const OUTPUT_REF_SHAPE: AEPShape = shape([text, "uri! digest redaction_profile"]);
export const VERIFIER_RESULT_SHAPE: AEPShape = shape(
  [text, "verifier_id!"],
  [flag, "passed!"],
  [number, "score"],
  [texts, "claim_ids"],
);
export const BUDGET_LEDGER_SHAPE: AEPShape = shape(
  [SPENT, "token_budget tool_budget risk_budget retry_budget human_approval_budget"],
  [shape([number, "limit_ms actual_ms!"]), "latency_budget"],
);
export const HEAD_SHAPE: AEPShape = shape(
  [text, "run_id! user_id subject_id trace_id repo_commit runtime_version model_provider"],
  [text, "model_id policy_bundle_digest tool_manifest_digest"],
  [textOrNull, "parent_trace_id mcp_server_card_digest"],
  [
    shape(
      [text, "agent_id agent_version subagent_id environment_digest dependency_lock_digest"],
      [text, "session_id"],
      [texts, "delegation_chain"],
      [count, "turn_index"],
    ),
    "run_context",
  ],
  [SIDE_EFFECTS, "run_side_effect_class_max"],
);

/**
 * A copy of `value` with exactly the members of `shape`; members that are `undefined` are left out.
 *
 * @param path where it stands, for messages
 * @throws {GuardError} ARGUMENT_INVALID for an unknown or missing member, or a value of another type
 */
export function copyShaped(value: unknown, wanted: AEPShape, path: string): object {
  if (object(value) !== undefined || typeof value !== "object" || value === null) {
    throw invalid(path, "expected an object");
  }
  const copy = new Map<string, unknown>();
  for (const [name, member] of Object.entries(value)) {
    const at = `${path}.${name}`;
    const check = wanted.members.get(name);
    if (check === undefined) throw invalid(path, `expected no member ${quote(name)}`);
    if (member === undefined) continue;
    copy.set(
      name,
      typeof check === "function" ? copyChecked(member, check, at) : copyShaped(member, check, at),
    );
  }
  const missing = wanted.required.find((name) => !copy.has(name));
  if (missing !== undefined) throw invalid(path, `expected a member ${quote(missing)}`);
  return Object.fromEntries(copy);
}

function copyChecked(value: unknown, check: Check, path: string): unknown {
  // WHY: copied before it is looked at; what JSON cannot hold is no member of a record
  const copy: unknown = typeof value === "object" ? copyJson(value, path) : value;
  const fault = check(copy);
  if (fault !== undefined) throw invalid(path, `expected ${fault}`);
  return copy;
}

function copyJson(value: unknown, path: string): unknown {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(value));
    return copy;
  } catch (cause) {
    throw invalid(path, "expected a value that JSON can hold", cause);
  }
}

function invalid(path: string, message: string, cause?: unknown): GuardError {
  const options = cause === undefined ? { at: { path } } : { at: { path }, cause };
  return new GuardError("ARGUMENT_INVALID", `${path}: ${message}`, options);
}
