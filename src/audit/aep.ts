// Records of the Agent Evidence Protocol, `aep/v0.3`: signed, and valid against its published JSON
// schema (40-gateway section 8).
import { toBase64, utf8 } from "../bytes.ts";
import { type Clock, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { freezeJson } from "../kernel/freeze-json.ts";
import { canonicalBytes, canonicalize, parseStrictJson } from "../kernel/strict-json.ts";
import { generatePrivateKey, PrivateKey, type PublicKey } from "../sign/keys.ts";
import { approvalModeOf, denyReasonClass } from "./aep-mapping.ts";
import {
  ACTION_SHAPE,
  type AEPShape,
  BUDGET_LEDGER_SHAPE,
  CAPABILITY_DECISION_SHAPE,
  copyShaped,
  HEAD_SHAPE,
  INPUT_REF_SHAPE,
  OUTPUT_REF_SHAPE,
  VERIFIER_RESULT_SHAPE,
} from "./aep-shape.ts";
import type {
  AEPAction,
  AEPBudgetLedger,
  AEPCapabilityDecision,
  AEPHead,
  AEPInputRef,
  AEPOutputRef,
  AEPRecord,
  AEPRecordingMode,
  AEPSideEffectClass,
  AEPVerifierResult,
} from "./aep-types.ts";

export const AEP_SCHEMA_VERSION = "aep/v0.3";
/** Entries of one record, actions, decisions, references and results counted together. */
export const LIMIT_AEP_ENTRIES = 16_384;

export interface AEPEmitterOptions extends AEPHead {
  /** Default: a key of this emitter's own, which shows that one process made the records. */
  readonly signer?: PrivateKey | undefined;
  readonly created_at_ms?: number | undefined;
  /** For actions that do not say. */
  readonly recordingMode?: AEPRecordingMode | undefined;
  readonly sideEffectClass?: AEPSideEffectClass | undefined;
  readonly clock?: Clock | undefined;
  /** Takes every emitted record as one line of JSON, without a line feed. */
  readonly sink?: ((line: string) => void | Promise<void>) | undefined;
}

/**
 * Collects what a run did and was allowed to do, and signs it.
 *
 * Entries are copied when they are added, never merged, and kept in order: two decisions on one
 * resource are two entries.
 */
export class AEPEmitter {
  readonly #head: object;
  readonly #signer: PrivateKey;
  readonly #clock: Clock;
  readonly #createdAtMs: number | undefined;
  readonly #defaults: object;
  readonly #sink: AEPEmitterOptions["sink"];
  readonly #actions: object[] = [];
  readonly #actionIds = new Set<string>();
  readonly #decisions: object[] = [];
  readonly #inputRefs: object[] = [];
  readonly #outputRefs: object[] = [];
  readonly #results: object[] = [];
  #budget: object | undefined;

  /** @throws {GuardError} ARGUMENT_INVALID for an unknown member or a value of another type */
  constructor(options: AEPEmitterOptions) {
    const { signer, created_at_ms, recordingMode, sideEffectClass, clock, sink, ...head } = options;
    if (signer !== undefined && !(signer instanceof PrivateKey)) {
      throw new GuardError("ARGUMENT_INVALID", "expected signer as a PrivateKey");
    }
    this.#head = copyShaped(head, HEAD_SHAPE, "record");
    this.#signer = signer ?? generatePrivateKey();
    this.#clock = clock ?? systemClock;
    this.#createdAtMs = created_at_ms;
    this.#defaults = {
      ...(recordingMode === undefined ? {} : { recording_mode: recordingMode }),
      ...(sideEffectClass === undefined ? {} : { side_effect_class: sideEffectClass }),
    };
    this.#sink = sink;
  }

  /** What the records verify with; its `keyid` is their `key_id`. */
  get publicKey(): PublicKey {
    return this.#signer.publicKey;
  }

  /**
   * Adds an action; its decision stays its own.
   *
   * @returns its `action_id`
   * @throws {GuardError} ARGUMENT_INVALID for a member the schema does not have, a second action of
   *   one id, or more than 16 384 entries
   */
  addAction(action: AEPAction): string {
    if (typeof action !== "object" || action === null) {
      throw new GuardError("ARGUMENT_INVALID", "action: expected an object");
    }
    const { capability_decision: decision } = action;
    const entry = this.#checked(
      {
        ...this.#defaults,
        ...withoutUndefined(action),
        action_id: action.action_id ?? this.#nextId(),
        timestamp_ms: action.timestamp_ms ?? this.#clock(),
        capability_decision: decision === undefined ? undefined : completed(decision),
      },
      ACTION_SHAPE,
      "action",
    );
    const id = String(Reflect.get(entry, "action_id"));
    if (this.#actionIds.has(id)) {
      throw new GuardError("ARGUMENT_INVALID", "action: expected an action_id of its own");
    }
    this.#actionIds.add(id);
    this.#actions.push(entry);
    return id;
  }

  /** Adds a decision of the run. @throws {GuardError} ARGUMENT_INVALID as `addAction` */
  addCapabilityDecision(decision: AEPCapabilityDecision): void {
    const entry = completed(decision);
    this.#decisions.push(this.#checked(entry, CAPABILITY_DECISION_SHAPE, "capability_decision"));
  }

  /** @throws {GuardError} ARGUMENT_INVALID as `addAction` */
  addInputRef(ref: AEPInputRef): void {
    this.#inputRefs.push(this.#checked(ref, INPUT_REF_SHAPE, "input_ref"));
  }

  /** @throws {GuardError} ARGUMENT_INVALID as `addAction` */
  addOutputRef(ref: AEPOutputRef): void {
    this.#outputRefs.push(this.#checked(ref, OUTPUT_REF_SHAPE, "output_ref"));
  }

  /** @throws {GuardError} ARGUMENT_INVALID as `addAction` */
  addVerifierResult(result: AEPVerifierResult): void {
    this.#results.push(this.#checked(result, VERIFIER_RESULT_SHAPE, "verifier_result"));
  }

  /** Replaces the budgets. @throws {GuardError} ARGUMENT_INVALID as `addAction` */
  setBudgetLedger(budget: AEPBudgetLedger): void {
    this.#budget = copyShaped(budget, BUDGET_LEDGER_SHAPE, "budget_ledger");
  }

  /**
   * The record of everything added so far, signed and deeply frozen. More may be added after it.
   *
   * @param createdAtMs default: `created_at_ms` of the options, else the clock
   * @throws {GuardError} ARGUMENT_INVALID when that is no finite number; KERNEL_CAPACITY above 64 MiB
   */
  build(createdAtMs: number = this.#createdAtMs ?? this.#clock()): AEPRecord {
    if (!Number.isFinite(createdAtMs)) {
      throw new GuardError("ARGUMENT_INVALID", "expected created_at_ms as a finite number");
    }
    const body = {
      schema_version: AEP_SCHEMA_VERSION,
      ...this.#head,
      created_at_ms: createdAtMs,
      input_refs: this.#inputRefs,
      output_refs: this.#outputRefs,
      capability_decisions: this.#decisions,
      actions: this.#actions,
      verifier_results: this.#results,
      ...(this.#budget === undefined ? {} : { budget_ledger: this.#budget }),
    };
    const signature = {
      alg: "ed25519",
      key_id: this.#signer.keyid,
      sig: toBase64(this.#signer.sign(canonicalBytes(body))),
    };
    const record = freezeJson(parseStrictJson(utf8(canonicalize({ ...body, signature }))));
    if (isRecord(record)) return record;
    throw new GuardError("ARGUMENT_INVALID", "expected a record of aep/v0.3");
  }

  /** As `build`; the record goes to the sink too, and is returned once that has it. */
  async emit(createdAtMs?: number): Promise<AEPRecord> {
    const record = createdAtMs === undefined ? this.build() : this.build(createdAtMs);
    await this.#sink?.(canonicalize(record));
    return record;
  }

  #checked(value: unknown, shape: AEPShape, path: string): object {
    const lists = [
      this.#actions,
      this.#decisions,
      this.#inputRefs,
      this.#outputRefs,
      this.#results,
    ];
    const count = lists.reduce((sum, list) => sum + list.length, 0);
    if (count >= LIMIT_AEP_ENTRIES) {
      const message = `expected at most ${LIMIT_AEP_ENTRIES} entries in a record; emit it and begin another`;
      throw new GuardError("ARGUMENT_INVALID", message);
    }
    return copyShaped(value, shape, path);
  }

  #nextId(): string {
    let index = this.#actions.length;
    while (this.#actionIds.has(`action-${index}`)) index += 1;
    return `action-${index}`;
  }
}

/** A decision with the mode and the class that follow from its reason, where it does not say. */
function completed(decision: AEPCapabilityDecision): object {
  if (typeof decision !== "object" || decision === null) return {};
  const given = withoutUndefined(decision);
  const { decision: outcome, reason_code: reason } = decision;
  const approval_mode = approvalModeOf({ decision: outcome, reason });
  const isDeny = outcome === "deny";
  return {
    approval_mode,
    ...(isDeny ? { deny_reason_class: denyReasonClass(reason ?? "") } : {}),
    ...given,
  };
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}

/** Every member was checked when it was added; this is the compiler's side of it. */
function isRecord(value: unknown): value is AEPRecord {
  return typeof value === "object" && value !== null && "signature" in value;
}
