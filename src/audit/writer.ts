// The writing side of every log: records in sequence, the tree, checkpoints and statements. Signing
// happens later than appending, in turns of its own (60-audit sections 2 and 4).
import { canonicalBytes } from "../kernel/strict-json.ts";
import type { PrivateKey } from "../sign/keys.ts";
import { chainCheckpoint } from "./chain.ts";
import { signCheckpoint } from "./checkpoint.ts";
import type { AuditEvent } from "./event.ts";
import { CHECKPOINT_MS, CHECKPOINT_RECORDS } from "./limits.ts";
import { checkpointName } from "./origin.ts";
import type { AuditOutput, Signed } from "./output.ts";
import { type RecordSubject, RecordWriter, recordTime } from "./record-writer.ts";
import { signStatement, statementPayload } from "./statement.ts";
import { MerkleTree } from "./tree.ts";

export interface WriterOptions {
  readonly origin: string;
  /** Of the role `audit`. */
  readonly auditKey: PrivateKey;
  readonly subject: RecordSubject;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly output: AuditOutput;
}

/** Another log, as it was found when this one began. */
export interface LogHead {
  readonly origin: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
  /** Bytes behind the last whole line. */
  readonly cut?: number;
  /** It is registered and its file is not there. */
  readonly missing?: true;
}

interface PendingRecord {
  readonly line: Uint8Array;
  readonly seq: number;
  readonly subject: RecordSubject;
  readonly isRefusal: boolean;
}

interface Refusal extends PendingRecord {
  readonly leaf: Uint8Array;
}

/** Signatures of one turn: some 60 us each, and answers wait for the turn to end. */
const SIGNATURES_PER_TURN = 16;
/** Records whose leaves wait for a turn. */
const PENDING_RECORDS_MAX = 1024;
/** Refusals that wait for their statements; with more, each append signs one. */
const PENDING_REFUSALS_MAX = 1024;
/** Writes one log into an output. */
export class AuditWriter {
  readonly #options: WriterOptions;
  readonly #records: RecordWriter;
  readonly #tree = new MerkleTree();
  #pending: PendingRecord[] = [];
  #refusals: Refusal[] = [];
  /** Heads to sign, by size. */
  #heads: { readonly size: number; readonly root: Uint8Array }[] = [];
  #subject: RecordSubject;
  #seq = 0;
  #lost = 0;
  /** Size of the last head that was signed or waits to be. */
  #headSize = 0;
  #checkpointCount = 0;
  #chain = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerMs = 0;
  #isWritten = true;
  #isClosed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#subject = options.subject;
    this.#records = new RecordWriter(options.salt, options.subject);
  }

  get isAvailable(): boolean {
    return this.#isWritten && !this.#isClosed && this.#options.output.isAvailable;
  }

  /** Records so far. */
  get size(): number {
    return this.#seq;
  }

  setSubject(subject: RecordSubject): void {
    this.#subject = subject;
    this.#records.setSubject(subject);
  }

  append(event: AuditEvent): boolean {
    if (this.#isClosed) return false;
    const line = this.#lineOf(event);
    const isRefusal = event.decision !== "allow";
    if (line === undefined || !this.#keep(line, isRefusal)) {
      this.#lost += 1;
      this.#isWritten = false;
      return false;
    }
    const isDue = this.#seq - this.#headSize >= CHECKPOINT_RECORDS;
    this.#schedule(isRefusal || event.kind === "reload" || isDue ? 0 : CHECKPOINT_MS);
    if (this.#pending.length >= PENDING_RECORDS_MAX) this.#hashPending();
    // WHY: memory is bounded; who floods the guard with refusals waits for signatures, nobody else
    if (this.#refusals.length > PENDING_REFUSALS_MAX) this.#publish(this.#sign(1));
    return true;
  }

  /** The record of an event; `undefined` when it is too large, or is no event at all. */
  #lineOf(event: AuditEvent): Uint8Array | undefined {
    try {
      return this.#records.write(event, this.#seq, this.#lost);
    } catch {
      // INVARIANT: no exception in the path of a call; what cannot be recorded is not written
      return undefined;
    }
  }

  /** Writes the first record. */
  appendOpen(timeMs: number, facts: { readonly heads: readonly LogHead[] }): boolean {
    const isWritten = this.#appendOwn("open", timeMs, facts);
    this.#schedule(0);
    return isWritten;
  }

  /**
   * Signs everything, then writes the last record, with the digest of all checkpoints before it,
   * and signs that. Nothing is accepted afterwards.
   */
  appendClose(timeMs: number): boolean {
    this.signAll();
    const checkpoints = { count: this.#checkpointCount, chain: this.#chain };
    const isWritten = this.#appendOwn("close", timeMs, { checkpoints });
    this.signAll();
    this.stop();
    return isWritten;
  }

  /** Accepts nothing more, and signs nothing of its own accord. */
  stop(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Hashes and signs all that waits, now. */
  signAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#hashPending();
    this.#addHead();
    this.#publish(this.#sign(Number.POSITIVE_INFINITY));
  }

  #appendOwn(kind: "open" | "close", timeMs: number, facts: object): boolean {
    const { catalogSha256, rootSha256, kernelSha256 } = this.#subject;
    const record = canonicalBytes({
      ...{ v: 1, seq: this.#seq, t: recordTime(timeMs), kind, origin: this.#options.origin },
      ...{ catalog: catalogSha256, root: rootSha256, kernel: kernelSha256 },
      ...(this.#lost > 0 ? { lost: this.#lost } : {}),
      ...facts,
    });
    const line = new Uint8Array(record.length + 1);
    line.set(record);
    line[record.length] = 0x0a;
    return this.#keep(line, false);
  }

  #keep(line: Uint8Array, isRefusal: boolean): boolean {
    if (!this.#options.output.write(line)) return false;
    const subject = this.#subject;
    this.#pending.push({ line: line.subarray(0, -1), seq: this.#seq, subject, isRefusal });
    this.#seq += 1;
    this.#lost = 0;
    this.#isWritten = true;
    return true;
  }

  /** Leaves of what waits; a head after every 64th record. */
  #hashPending(): void {
    const tree = this.#tree;
    for (const record of this.#pending) {
      const leaf = tree.append(record.line);
      if (record.isRefusal) this.#refusals.push({ ...record, leaf });
      if (tree.size - this.#headSize >= CHECKPOINT_RECORDS) this.#addHead();
    }
    this.#pending = [];
  }

  #addHead(): void {
    const { size } = this.#tree;
    if (size === this.#headSize) return;
    this.#heads.push({ size, root: this.#tree.root() });
    this.#headSize = size;
  }

  /** Signs up to `countMax` of what waits: statements before the checkpoint that covers them. */
  #sign(countMax: number): Signed[] {
    const { auditKey, origin } = this.#options;
    const name = checkpointName(origin);
    const signed: Signed[] = [];
    let refusalCount = 0;
    let headCount = 0;
    while (signed.length < countMax) {
      const refusal = this.#refusals[refusalCount];
      const head = this.#heads[headCount];
      if (refusal !== undefined && (head === undefined || refusal.seq < head.size)) {
        signed.push({ kind: "statement", text: signRefusal(refusal, name, auditKey) });
        refusalCount += 1;
      } else if (head !== undefined) {
        const text = signCheckpoint({ name, ...head }, auditKey);
        this.#chain = chainCheckpoint(this.#chain, text);
        this.#checkpointCount += 1;
        signed.push({ kind: "checkpoint", text });
        headCount += 1;
      } else {
        break;
      }
    }
    this.#refusals = this.#refusals.slice(refusalCount);
    this.#heads = this.#heads.slice(headCount);
    return signed;
  }

  #publish(signed: readonly Signed[]): void {
    if (signed.length > 0) this.#options.output.publish(signed);
  }

  /** Makes sure that a turn comes within `ms`. */
  #schedule(ms: number): void {
    if (this.#isClosed) return;
    if (this.#timer !== undefined) {
      if (this.#timerMs <= ms) return;
      clearTimeout(this.#timer);
    }
    this.#timerMs = ms;
    this.#timer = setTimeout(() => this.#turn(), ms);
  }

  #turn(): void {
    this.#timer = undefined;
    this.#hashPending();
    this.#addHead();
    this.#publish(this.#sign(SIGNATURES_PER_TURN));
    if (this.#refusals.length > 0 || this.#heads.length > 0) this.#schedule(0);
  }
}

function signRefusal(refusal: Refusal, name: string, key: PrivateKey): string {
  const { line, seq, leaf, subject } = refusal;
  const { catalogSha256, kernelSha256 } = subject;
  const about = { name, seq, leaf, catalogSha256, kernelSha256 };
  return signStatement(statementPayload(line, about), key);
}
