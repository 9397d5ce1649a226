// `replay`: verifies a log, then decides every recorded frame again and compares byte for byte.
//
// What it proves: the decision follows from the frame, the frame speaks of the catalog, the kernel
// and the definitions that the log names. Argument constraints, schemas, the vetting of results and
// custom rules are attested inputs of a frame; they are not executed again.
import { fromBase64, toHex } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { readOutputFrame } from "../kernel/output-frame.ts";
import { toDecision } from "../verdict.ts";
import { type AuditCode, type AuditFinding, finding } from "./finding.ts";
import { type FieldDifference, frameDifferences } from "./frame-difference.ts";
import { type AuditLogInput, lineBatches } from "./input.ts";
import { LIMIT_RECORD_BYTES } from "./limits.ts";
import { type AuditRecord, memberOf, readRecord, textOf } from "./record.ts";
import { type AuditObjects, ReplayCatalogs } from "./replay-catalogs.ts";
import { frameFault, SeenItems } from "./replay-live.ts";
import { MerkleTree } from "./tree.ts";
import {
  type AuditProgress,
  type AuditReport,
  progressOf,
  type VerifyAuditOptions,
  verifyAuditLog,
} from "./verify.ts";

export interface ReplayOptions extends VerifyAuditOptions {
  readonly objects: AuditObjects;
  /** Hex SHA-256 of the first trust root's payload. Give it wherever the objects come from storage. */
  readonly rootPin?: string | undefined;
  /** Of the second pass; `onProgress` is told of the verification. */
  readonly onReplayed?: ((progress: AuditProgress) => void) | undefined;
}

export interface ReplayReport extends AuditReport {
  /** Frames that were decided again with the same bytes. */
  readonly frames: number;
  /** RFC 6962 root over all replayed output frames in order, hex: the same in every host. */
  readonly outputs: string;
  /** Where the first difference is one of output frames. */
  readonly differences?: readonly FieldDifference[];
}

/** Verifies, then replays, log by log; stops at the first difference. */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const verified = await verifyAuditLog(options);
  const outputs = new MerkleTree();
  const none = { ...verified, frames: 0, outputs: toHex(outputs.root()) };
  if (!verified.ok) return none;
  const catalogs = new ReplayCatalogs(options.objects, options.rootPin);
  const progress = progressOf(options.logs, options.onReplayed);
  for (const log of options.logs) {
    const found = await new LogReplay(log, catalogs, outputs).run(progress);
    if (found === undefined) continue;
    const { differences, ...error } = found;
    return {
      ...verified,
      ...{ ok: false, findings: [error], error },
      ...{ frames: outputs.size, outputs: toHex(outputs.root()) },
      ...(differences === undefined ? {} : { differences }),
    };
  }
  return { ...verified, frames: outputs.size, outputs: toHex(outputs.root()) };
}

interface ReplayFinding extends AuditFinding {
  readonly differences?: readonly FieldDifference[];
}

class LogReplay {
  readonly #log: AuditLogInput;
  readonly #catalogs: ReplayCatalogs;
  readonly #outputs: MerkleTree;
  readonly #seen = new SeenItems();

  constructor(log: AuditLogInput, catalogs: ReplayCatalogs, outputs: MerkleTree) {
    this.#log = log;
    this.#catalogs = catalogs;
    this.#outputs = outputs;
  }

  async run(onBatch: (records: number, bytes: number) => void): Promise<ReplayFinding | undefined> {
    for await (const lines of lineBatches(this.#log.records, LIMIT_RECORD_BYTES)) {
      let bytes = 0;
      for (const line of lines) {
        bytes += line.bytes.length + 1;
        const record = line.isWhole ? readRecord(line.bytes) : undefined;
        const fault = record === undefined ? undefined : this.#replay(record);
        if (fault !== undefined) return fault;
      }
      onBatch(lines.length, bytes);
    }
    return undefined;
  }

  #replay(record: AuditRecord): ReplayFinding | undefined {
    const { origin } = this.#log;
    if (record.kind === "open" || record.kind === "reload") {
      const opened = this.#catalogs.open(origin, record);
      if ("code" in opened) return { ...opened, seq: record.seq };
    }
    if (record.kind === "list") this.#seen.see(record);
    const input = frameOf(record, "in");
    const output = frameOf(record, "out");
    if (input === undefined && output === undefined) return undefined;
    if (!(input instanceof Uint8Array) || !(output instanceof Uint8Array)) {
      return this.#found("AUDIT_REPLAY", "expected both frames in base64, got other texts", record);
    }
    return this.#execute(record, input, output);
  }

  #execute(record: AuditRecord, input: Uint8Array, output: Uint8Array): ReplayFinding | undefined {
    const opened = this.#catalogs.open(this.#log.origin, record);
    if ("code" in opened) return { ...opened, seq: record.seq };
    const fault = frameFault(record, input, opened.names, this.#seen);
    if (fault !== undefined) return this.#found(fault.code, fault.message, record);
    const replayed = opened.kernel.execute(input);
    const differences = frameDifferences(output, replayed);
    const [first] = differences;
    if (first !== undefined) {
      const more = differences.length > 1 ? `, and ${differences.length - 1} more fields` : "";
      const message = `expected ${first.field} ${first.replayed}, got ${first.recorded} in the record${more}`;
      return { ...this.#found("AUDIT_REPLAY", message, record), differences };
    }
    const spoken = decisionFault(record, output);
    if (spoken !== undefined) return this.#found("AUDIT_REPLAY", spoken, record);
    this.#outputs.append(replayed);
    return undefined;
  }

  #found(code: AuditCode, message: string, { seq }: AuditRecord): AuditFinding {
    return finding(code, this.#log.origin, message, seq);
  }
}

/** The words of the record are those of its output frame. */
function decisionFault(record: AuditRecord, output: Uint8Array): string | undefined {
  const frame = readOutputFrame(output);
  if (frame === undefined) return "expected an output frame, got other bytes";
  const { reason } = toDecision(frame.verdict);
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ["decision", record.decision, frame.outcome],
    ["code", memberOf(record.value, "code"), frame.verdict],
    ["reason", memberOf(record.value, "reason"), reason],
  ];
  const wrong = pairs.find(([, recorded, decided]) => recorded !== decided);
  if (wrong === undefined) return undefined;
  return `expected the ${wrong[0]} of its frame, ${String(wrong[2])}, got another in the record`;
}

/** Bytes of a frame; `undefined`: there is none; `null`: no base64. */
function frameOf(record: AuditRecord, name: string): Uint8Array | null | undefined {
  if (memberOf(record.value, name) === undefined) return undefined;
  const text = textOf(record.value, name);
  if (text === undefined) return null;
  try {
    return fromBase64(text);
  } catch (fault) {
    if (fault instanceof GuardError) return null;
    throw fault;
  }
}
