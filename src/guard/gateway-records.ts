// What a gateway writes: a record of every decision, and before it the definitions it speaks of, so
// that a replay can hold each frame against what was seen (60-audit section 3).
import { AUDIT_AVAILABLE, AUDIT_BEST_EFFORT } from "../abi/frame.ts";
import { VERDICT_ALLOWED } from "../abi/verdict.ts";
import type { AuditItem, AuditSink } from "../audit/event.ts";
import { withOtel } from "../audit/otel.ts";
import { RecentAuditLog } from "../audit/recent-log.ts";
import type { Clock } from "../clock.ts";
import { type Decision, decisionOf, toDecision } from "../verdict.ts";
import type { DecideOptions, DecisionEngine } from "./engine.ts";
import type { EngineCall, EngineDecision } from "./engine-types.ts";
import { decisionEvent, gatewayEvent, itemsOfReport, listEvent } from "./gateway-audit.ts";
import type { AdmissionReport } from "./validator.ts";

export interface GatewayAuditOptions {
  /**
   * Where records go; `none` = nowhere. Default: the newest 1 024 in memory, unsigned. A sink that
   * cannot write refuses what changes state.
   */
  readonly audit?: AuditSink | "none" | undefined;
  /** `best-effort`: reads pass without a record. Default `required`. */
  readonly auditMode?: "required" | "best-effort" | undefined;
}

/** Definitions remembered as listed; with more, they are listed again. */
const LISTED_MAX = 100_000;
const UNRECORDED: DecideOptions = { audit: AUDIT_AVAILABLE };

/** The records of one gateway. */
export class GatewayRecords {
  /** `undefined` when the host wants none. */
  readonly sink: AuditSink | undefined;
  /** The same, shown to OpenTelemetry where the process has that. */
  readonly #output: AuditSink | undefined;
  readonly #isBestEffort: boolean;
  /**
   * WHY: copies of frames and arguments cost as much as the decision, and are no evidence in a memory
   * that nobody signs.
   */
  readonly #isEvidence: boolean;
  /** While the log can be written, and while it cannot. */
  readonly #whenOpen: DecideOptions;
  readonly #whenBlind: DecideOptions;
  readonly #clock: Clock;
  /** Server -> tool -> digest, as the log saw it last. */
  #listed = new Map<string, Map<string, string | undefined>>();
  #listedCount = 0;

  constructor({ audit, auditMode }: GatewayAuditOptions, clock: Clock) {
    this.sink = audit === "none" ? undefined : (audit ?? new RecentAuditLog());
    this.#output = this.sink === undefined ? undefined : withOtel(this.sink);
    this.#isEvidence = !(this.sink instanceof RecentAuditLog);
    this.#isBestEffort = auditMode === "best-effort";
    const keepsFrames = this.#isEvidence;
    this.#whenOpen = { audit: AUDIT_AVAILABLE, keepsFrames };
    this.#whenBlind = { audit: this.#isBestEffort ? AUDIT_BEST_EFFORT : 0, keepsFrames };
    this.#clock = clock;
  }

  /** How a call is to be decided, as the log stands. */
  decideOptions(): DecideOptions {
    const sink = this.#output;
    if (sink === undefined) return UNRECORDED;
    return attempt(() => sink.isAvailable) === true ? this.#whenOpen : this.#whenBlind;
  }

  /** A server was listed. */
  listed(serverId: string, report: AdmissionReport): void {
    this.#list(serverId, itemsOfReport(report), decisionOf(report.reason));
  }

  /** Writes the record; a state-changing call whose record cannot be written is refused. */
  recorded(engine: DecisionEngine, call: EngineCall, decided: EngineDecision): EngineDecision {
    const sink = this.#output;
    if (sink === undefined) return decided;
    this.#showDefinition(call, decided.live?.fingerprint);
    if (this.#write(sink, call, decided) || decided.decision.outcome !== "allow") return decided;
    if (this.#isBestEffort && !decided.stateChanging) return decided;
    const refused = engine.unrecorded(decided);
    this.#write(sink, call, refused);
    return refused;
  }

  #write(sink: AuditSink, call: EngineCall, decided: EngineDecision): boolean {
    const eventOf = this.#isEvidence ? gatewayEvent : decisionEvent;
    try {
      return sink.append(eventOf(call, decided, this.#clock(), "none")) === true;
    } catch {
      return false;
    }
  }

  /** Lists the definition that a call was compared by, unless the log saw that one last. */
  #showDefinition({ serverId, name }: EngineCall, digest: string | undefined): void {
    if (digest === undefined || this.#listed.get(serverId)?.get(name) === digest) return;
    this.#list(serverId, [{ kind: "tool", name, digest }], toDecision(VERDICT_ALLOWED));
  }

  #list(serverId: string, items: readonly AuditItem[], decision: Decision): void {
    const sink = this.#output;
    if (sink === undefined) return;
    const event = listEvent(serverId, items, decision, this.#clock());
    // one that was not written is written before the next call that needs it
    if (attempt(() => sink.append(event)) !== true) return;
    if (this.#listedCount + items.length > LISTED_MAX) {
      this.#listed = new Map();
      this.#listedCount = 0;
    }
    const listed = this.#listed.get(serverId) ?? new Map<string, string | undefined>();
    this.#listed.set(serverId, listed);
    const before = listed.size;
    for (const { kind, name, digest } of items) if (kind === "tool") listed.set(name, digest);
    this.#listedCount += listed.size - before;
  }
}

/** What the host's own code gives; `undefined` when it throws. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
