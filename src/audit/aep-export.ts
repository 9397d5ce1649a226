// Records of a log as `aep/v0.3` records: one for each run of one log, session and catalog.
import type { PrivateKey } from "../sign/keys.ts";
import { AEPEmitter, LIMIT_AEP_ENTRIES } from "./aep.ts";
import { approvalModeOf } from "./aep-mapping.ts";
import type { AEPAction, AEPOutcome, AEPRecord } from "./aep-types.ts";
import { frameStateChanging } from "./frame-facts.ts";
import { type AuditRecord, textOf } from "./record.ts";

/** Collects the calls of one log; each record of AEP holds as many as one may. */
export class AepExport {
  readonly #origin: string;
  readonly #signer: PrivateKey;
  #emitter: AEPEmitter | undefined;
  #key = "";
  #count = 0;
  #timeMs = 0;

  /** @param signer signs the records of AEP; the log's own signatures are not part of them */
  constructor(origin: string, signer: PrivateKey) {
    this.#origin = origin;
    this.#signer = signer;
  }

  /** Takes in a record; gives the AEP record before it when a new one has to begin. */
  add(record: AuditRecord, leafHex: string): AEPRecord | undefined {
    const { value, kind, timeMs } = record;
    const decision = outcomeOf(record);
    if (kind !== "call" || decision === undefined) return undefined;
    const session = textOf(value, "sess") ?? "";
    const key = `${session} ${record.catalogSha256}`;
    const isFull = this.#count >= LIMIT_AEP_ENTRIES;
    const before = key !== this.#key || isFull ? this.end() : undefined;
    this.#key = key;
    this.#emitter ??= new AEPEmitter({
      run_id: `${this.#origin}/${session.slice(0, 16)}`,
      policy_bundle_digest: `sha256:${record.catalogSha256}`,
      run_context: { session_id: session },
      signer: this.#signer,
    });
    this.#emitter.addAction(actionOf(record, decision, `${this.#origin}/${record.seq}`, leafHex));
    this.#count += 1;
    this.#timeMs = timeMs;
    return before;
  }

  /** The AEP record of what was added since the last one. */
  end(): AEPRecord | undefined {
    const record = this.#emitter?.build(this.#timeMs);
    this.#emitter = undefined;
    this.#count = 0;
    return record;
  }
}

function actionOf(
  record: AuditRecord,
  decision: AEPOutcome,
  id: string,
  leafHex: string,
): AEPAction {
  const { value, timeMs } = record;
  const reason = textOf(value, "reason") ?? "";
  const lease = textOf(value, "lease");
  const hasConsent = textOf(value, "consent") !== undefined;
  return {
    action_id: id,
    tool_name: textOf(value, "tool") ?? "",
    state_changing: frameStateChanging(textOf(value, "out")),
    timestamp_ms: timeMs,
    evidence_refs: [`sha256:${leafHex}`],
    ...(lease === undefined ? {} : { scope_lease_id: lease }),
    capability_decision: {
      capability: "tools/call",
      subject: textOf(value, "principal") ?? "",
      resource: textOf(value, "server") ?? "",
      decision,
      reason_code: reason,
      approval_mode: approvalModeOf({
        decision,
        reason,
        hasLease: lease !== undefined,
        hasConsent,
      }),
    },
  };
}

function outcomeOf({ decision }: AuditRecord): AEPOutcome | undefined {
  const outcomes: readonly AEPOutcome[] = ["allow", "deny", "ask_user", "dry_run"];
  return outcomes.find((one) => one === decision);
}
