import { createPublicKey, verify } from "node:crypto";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AEPEmitter, type AEPEmitterOptions, LIMIT_AEP_ENTRIES } from "../../src/audit/aep.ts";
import { approvalModeOf, denyReasonClass } from "../../src/audit/aep-mapping.ts";
import type { AEPAction, AEPRecord } from "../../src/audit/aep-types.ts";
import { GuardError } from "../../src/errors.ts";
import { encodeSpki, type PublicKey } from "../../src/sign/keys.ts";
import { REASONS } from "../../src/verdict.ts";
import { alice, expectCode, thrownBy } from "../fixtures/trust.ts";
import { hasShared, readShared } from "../oracle/shared-data.ts";

const SCHEMA = "aep-record.schema.json";
const NOW = 1_800_000_000_000;

function emitterOf(options: Partial<AEPEmitterOptions> = {}): AEPEmitter {
  return new AEPEmitter({ run_id: "run-1", signer: alice, clock: () => NOW, ...options });
}

const DENIED = {
  decision: "deny",
  reason_code: "fingerprint_drift",
  capability: "tools/call",
  subject: "ab".repeat(32),
  resource: "filesystem",
} as const;

/** Everything the schema has room for. */
const ACTION: Required<AEPAction> = {
  action_id: "a",
  tool_name: "write",
  state_changing: true,
  timestamp_ms: 1.5,
  capability_decision: {
    ...DENIED,
    approval_mode: "none",
    approval_extension: { namespace: "n", mode: "m", evidence_digest: "e" },
    deny_reason_class: "other",
  },
  precondition_digest: "d",
  result_digest: "d",
  outcome: "ok",
  exit_code: -1,
  arguments_digest: "d",
  evidence_refs: ["r"],
  parent_action_id: "p",
  causal_chain_id: "c",
  tool_descriptor_digest: "d",
  server_card_digest: "d",
  scope_lease_id: "l",
  approval_context_hash: "h",
  input_taint_labels: ["untrusted"],
  output_taint_labels: [],
  memory_read_refs: ["m"],
  memory_write_refs: [],
  pre_state_digest: "d",
  post_state_digest: "d",
  permission_gate: { decision: "denied", gate: "g", reason: "r" },
  recording_mode: "delta",
  delta_ref: "d",
  side_effect_class: "mutate-local",
  state_digest_kind: "git-tree",
  state_digest_coverage: { anything: [1, null] },
  argument_drift: {
    detected: true,
    approved_args_digest: "a",
    observed_args_digest: "b",
    resolution: "denied",
  },
};

function fullRecord(): AEPRecord {
  const emitter = emitterOf({
    user_id: "u",
    subject_id: "s",
    trace_id: "t",
    parent_trace_id: null,
    repo_commit: "c",
    runtime_version: "v",
    model_provider: "p",
    model_id: "m",
    policy_bundle_digest: "d",
    tool_manifest_digest: "d",
    mcp_server_card_digest: null,
    run_context: { agent_id: "a", delegation_chain: ["x"], session_id: "s", turn_index: 0 },
    run_side_effect_class_max: "network-egress",
  });
  emitter.addAction(ACTION);
  emitter.addAction({ tool_name: "é\u2028", state_changing: false });
  emitter.addCapabilityDecision(DENIED);
  emitter.addCapabilityDecision({ ...DENIED, decision: "allow", reason_code: "allowed" });
  emitter.addInputRef({ uri: "file:///a", digest: "d", taint_labels: ["untrusted"] });
  emitter.addOutputRef({ uri: "file:///b", redaction_profile: "r" });
  emitter.addVerifierResult({ verifier_id: "v", passed: true, score: 0.5, claim_ids: ["c"] });
  emitter.setBudgetLedger({
    token_budget: { limit: 1, spent: 2 },
    latency_budget: { actual_ms: 3 },
    risk_budget: { spent: 0 },
  });
  return emitter.build();
}

/** Sorted keys at every level, nothing shared with src/. */
function sortedJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${sortedJson(one)}`).join(",")}}`;
}

function isSigned(record: AEPRecord, key: PublicKey): boolean {
  const { signature, ...body } = record;
  const spki = Buffer.from(encodeSpki(key.bytes));
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  const bytes = Buffer.from(sortedJson(body), "utf8");
  return verify(null, bytes, publicKey, Buffer.from(signature.sig, "base64"));
}

describe.skipIf(!hasShared(SCHEMA))("records against the published schema (shared data)", () => {
  const schema: object = hasShared(SCHEMA) ? JSON.parse(readShared(SCHEMA).toString()) : {};
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

  it("the schema is a closed one: an unknown member is refused", () => {
    expect(validate({ ...fullRecord(), prev_record_hash: null })).toBe(false);
    const { signature: _, ...unsigned } = fullRecord();
    expect(validate(unsigned)).toBe(false);
  });

  it("a record with every member, and one with none, are valid", () => {
    expect([validate(fullRecord()), validate.errors]).toEqual([true, null]);
    expect([validate(emitterOf().build()), validate.errors]).toEqual([true, null]);
    expect([validate(new AEPEmitter({ run_id: "r" }).build()), validate.errors]).toEqual([
      true,
      null,
    ]);
  });

  it("every member of the schema's actions is one that the emitter takes", () => {
    const text = JSON.stringify(schema);
    const names =
      /"actions":\{"type":"array","items":\{"type":"object","properties":(\{.*?\}),"required":\["action_id"/.exec(
        text,
      )?.[1];
    expect(Object.keys(JSON.parse(names ?? "{}")).sort()).toEqual(Object.keys(ACTION).sort());
  });

  it("whatever is added is refused, or the record is valid", () => {
    const value = fc.oneof(fc.anything(), fc.constantFrom("a", 1, true, null, [], {}, ["a"]));
    const key = fc.constantFrom(...Object.keys(ACTION), "prev_record_hash", "__proto__");
    fc.assert(
      fc.property(key, value, (name, member) => {
        const emitter = emitterOf();
        try {
          Reflect.apply(emitter.addAction, emitter, [
            { tool_name: "t", state_changing: true, [name]: member },
          ]);
        } catch (error) {
          expect(error).toBeInstanceOf(GuardError);
          return;
        }
        expect([validate(emitter.build()), validate.errors]).toEqual([true, null]);
      }),
      { numRuns: 600 },
    );
  });
});

describe("AEPEmitter", () => {
  it("signs the UTF-8 of the sorted JSON without the signature, as node:crypto sees it", () => {
    const record = fullRecord();
    expect(record.signature).toMatchObject({ alg: "ed25519", key_id: alice.keyid });
    expect(isSigned(record, alice.publicKey)).toBe(true);
    expect(isSigned({ ...record, run_id: "run-2" }, alice.publicKey)).toBe(false);
  });

  it("without a signer it signs with a key of its own, never with none", () => {
    const emitter = new AEPEmitter({ run_id: "r" });
    const record = emitter.build();
    expect(record.signature.key_id).toBe(emitter.publicKey.keyid);
    expect(isSigned(record, emitter.publicKey)).toBe(true);
    expect(new AEPEmitter({ run_id: "r" }).publicKey.keyid).not.toBe(emitter.publicKey.keyid);
  });

  it("two decisions on one resource are both kept, in order", () => {
    expect(fullRecord().capability_decisions).toEqual([
      {
        ...DENIED,
        approval_mode: "re-approval-on-drift",
        deny_reason_class: "tool-identity",
      },
      { ...DENIED, decision: "allow", reason_code: "allowed", approval_mode: "none" },
    ]);
  });

  it("fills in what an action does not say, and nothing that it does", () => {
    const emitter = emitterOf({ recordingMode: "full", sideEffectClass: "unknown" });
    expect(emitter.addAction({ tool_name: "t", state_changing: true })).toBe("action-0");
    expect(emitter.addAction({ ...ACTION, action_id: "action-2" })).toBe("action-2");
    expect(emitter.addAction({ tool_name: "u", state_changing: true, exit_code: undefined })).toBe(
      "action-3",
    );
    expect(emitter.build().actions).toEqual([
      {
        action_id: "action-0",
        tool_name: "t",
        state_changing: true,
        timestamp_ms: NOW,
        recording_mode: "full",
        side_effect_class: "unknown",
      },
      { ...ACTION, action_id: "action-2" },
      expect.objectContaining({ action_id: "action-3", recording_mode: "full" }),
    ]);
  });

  it("an action added and then changed by its owner is recorded as it was", () => {
    const labels = ["untrusted"];
    const emitter = emitterOf();
    emitter.addAction({ tool_name: "t", state_changing: true, input_taint_labels: labels });
    labels.length = 0;
    const record = emitter.build();
    expect(record.actions[0]?.input_taint_labels).toEqual(["untrusted"]);
    expect(Object.isFrozen(record.actions[0])).toBe(true);
  });

  it("emits what it builds, to the sink as one line", async () => {
    const lines: string[] = [];
    const emitter = emitterOf({ created_at_ms: 7, sink: (line) => void lines.push(line) });
    const record = await emitter.emit();
    expect(record.created_at_ms).toBe(7);
    expect((await emitter.emit(8)).created_at_ms).toBe(8);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(sortedJson(record));
  });

  it.each<[string, (emitter: AEPEmitter) => unknown, string]>([
    [
      "an unknown member",
      (emitter) =>
        Reflect.apply(emitter.addAction, emitter, [{ ...ACTION, prev_record_hash: "x" }]),
      "action: expected no member `prev_record_hash`",
    ],
    [
      "an action without a name",
      (emitter) => Reflect.apply(emitter.addAction, emitter, [{ state_changing: true }]),
      "action: expected a member `tool_name`",
    ],
    [
      "a state_changing that is no boolean",
      (emitter) =>
        Reflect.apply(emitter.addAction, emitter, [{ tool_name: "t", state_changing: 1 }]),
      "action.state_changing: expected a boolean",
    ],
    [
      "an unknown decision",
      (emitter) =>
        Reflect.apply(emitter.addCapabilityDecision, emitter, [{ ...DENIED, decision: "warn" }]),
      "capability_decision.decision: expected one of allow, deny, ask_user, dry_run",
    ],
    [
      "text with a lone surrogate",
      (emitter) => emitter.addInputRef({ uri: "\ud800" }),
      "input_ref.uri: expected well-formed text",
    ],
    [
      "an infinite score",
      (emitter) => emitter.addVerifierResult({ verifier_id: "v", passed: true, score: Number.NaN }),
      "verifier_result.score: expected a finite number",
    ],
    [
      "a time that is none",
      (emitter) => emitter.build(Number.NaN),
      "expected created_at_ms as a finite number",
    ],
  ])("refuses %s", (_, add, message) => {
    expect(expectCode(() => add(emitterOf()), "ARGUMENT_INVALID").message).toBe(message);
  });

  it("refuses a second action of one id, and a signer that is no key", () => {
    const emitter = emitterOf();
    emitter.addAction(ACTION);
    expectCode(() => emitter.addAction(ACTION), "ARGUMENT_INVALID");
    const options = { run_id: "r", signer: { sign: () => "x" } };
    expectCode(() => Reflect.construct(AEPEmitter, [options]), "ARGUMENT_INVALID");
  });

  it("takes 16 384 entries and not one more", () => {
    const emitter = emitterOf();
    for (let index = 0; index < LIMIT_AEP_ENTRIES; index++) emitter.addInputRef({ uri: "u" });
    expect(thrownBy(() => emitter.addInputRef({ uri: "u" }))).toMatchObject({
      code: "ARGUMENT_INVALID",
      message: "expected at most 16384 entries in a record; emit it and begin another",
    });
    expect(emitter.build().input_refs).toHaveLength(LIMIT_AEP_ENTRIES);
  });
});

describe("the words of the protocol", () => {
  it.each([
    ["unknown_server", "tool-identity"],
    ["tool_smuggle", "tool-identity"],
    ["fingerprint_drift", "tool-identity"],
    ["scope_escalation", "resource-scope"],
    ["lease_required", "missing-delegation"],
    ["lease_expired", "missing-delegation"],
    ["lease_exhausted", "missing-delegation"],
    ["lease_mismatch", "missing-delegation"],
    ["taint_denied", "tainted-input"],
    ["taint_review", "tainted-input"],
    ["argument_denied", "argument"],
    ["policy_denied", "policy-rule"],
    ["policy_review", "policy-rule"],
    ["internal_fault", "other"],
    ["constructor", "other"],
  ])("%s is of the class %s", (reason, name) => {
    expect(denyReasonClass(reason)).toBe(name);
  });

  it("every reason has a class of its own row", () => {
    expect(REASONS.map(denyReasonClass).filter((name) => name === "other").length).toBeLessThan(10);
  });

  it.each([
    [{ decision: "deny", reason: "fingerprint_drift" }, "re-approval-on-drift"],
    [{ decision: "deny", reason: "tool_smuggle", hasLease: true }, "policy-deny-with-evidence"],
    [{ decision: "allow", hasLease: true, hasConsent: true }, "bounded-lease"],
    [{ decision: "allow", hasConsent: true }, "one-shot-payload"],
    [{ decision: "allow" }, "none"],
    [{ decision: "ask_user", hasLease: true }, "none"],
    [{ decision: "dry_run", hasConsent: true }, "none"],
  ] as const)("%j came about by %s", (facts, mode) => {
    expect(approvalModeOf(facts)).toBe(mode);
  });
});
