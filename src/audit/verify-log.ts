// One log against its own checkpoints and against what others say about it (60-audit section 3).
import { bytesEqual, fromHex } from "../bytes.ts";
import { quote } from "../errors.ts";
import type { PublicKey } from "../sign/keys.ts";
import { type AuditCode, type AuditFinding, finding } from "./finding.ts";
import { type AuditLogInput, type Line, lineBatches } from "./input.ts";
import { LIMIT_RECORD_BYTES } from "./limits.ts";
import { type AuditRecord, countOf, memberOf, readRecord, textOf } from "./record.ts";
import { MerkleTree } from "./tree.ts";
import { HistoryCheck, judgeLatest, type LogNotes, NO_NOTES, readNotes } from "./verify-notes.ts";
import { StatementReader } from "./verify-statements.ts";

/** What another log, or somebody who kept a checkpoint, says about a log. */
export interface HeadClaim {
  /** Who says so, for messages. */
  readonly from: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

export interface LogContext {
  readonly input: AuditLogInput;
  /** Keys of the role audit in the trust root of that digest; `undefined` for an unknown root. */
  readonly keysOf: (rootSha256: string) => readonly PublicKey[] | undefined;
  readonly claims: readonly HeadClaim[];
  /** The store knows it: `closed` when its clean end is known as well. */
  readonly registered: "closed" | "open" | undefined;
  readonly onBatch: (records: number, bytes: number) => void;
}

/** What was found about one log. */
export interface AuditLogReport {
  readonly origin: string;
  readonly records: number;
  readonly checkpoints: number;
  readonly refusals: number;
  /** `open`: still being written, or its process died. */
  readonly end: "closed" | "open";
  /** Records behind the last checkpoint. */
  readonly unsigned: number;
  /** Bytes of a last line that a crash cut. */
  readonly cutBytes: number;
  /** Events that could not be written, as later records say. */
  readonly lost: number;
  /** Records whose time is before that of the record before them. */
  readonly clockBack: number;
  readonly finding?: AuditFinding;
}

/** Verifies one log; stops at the first finding. */
export async function verifyLog(context: LogContext): Promise<AuditLogReport> {
  const verifier = new LogVerifier(context);
  const found = await verifier.run();
  return found === undefined ? verifier.report() : { ...verifier.report(), finding: found };
}

class LogVerifier {
  readonly #context: LogContext;
  readonly #origin: string;
  readonly #tree = new MerkleTree();
  readonly #emptyRoot = this.#tree.root();
  /** Roots at the sizes that somebody claims. */
  readonly #roots = new Map<number, Uint8Array>();
  readonly #wanted = new Set<number>();
  #notes: LogNotes = NO_NOTES;
  #history: HistoryCheck | undefined;
  #statements: StatementReader | undefined;
  #signedSize = 0;
  #close: AuditRecord | undefined;
  #timeMs = 0;
  #refusals = 0;
  #cutBytes = 0;
  #lost = 0;
  #clockBack = 0;

  constructor(context: LogContext) {
    this.#context = context;
    this.#origin = context.input.origin;
  }

  async run(): Promise<AuditFinding | undefined> {
    const { input, claims } = this.#context;
    const notes = await readNotes(input);
    if ("code" in notes) return notes;
    this.#notes = notes;
    this.#signedSize = notes.last?.size ?? notes.latest?.size ?? 0;
    for (const { size } of claims) this.#wanted.add(size);
    if (input.records === undefined) return this.#missing();
    return (await this.#readRecords()) ?? (await this.#judge());
  }

  report(): AuditLogReport {
    const { size } = this.#tree;
    return {
      origin: this.#origin,
      records: size,
      checkpoints: this.#notes.count,
      refusals: this.#refusals,
      end: this.#close === undefined ? "open" : "closed",
      unsigned: Math.max(0, size - this.#signedSize),
      cutBytes: this.#cutBytes,
      lost: this.#lost,
      clockBack: this.#clockBack,
    };
  }

  #missing(): AuditFinding {
    return this.#found("AUDIT_LOG_MISSING", "expected the records of this log, got no file");
  }

  async #readRecords(): Promise<AuditFinding | undefined> {
    const { input, onBatch } = this.#context;
    for await (const lines of lineBatches(input.records, LIMIT_RECORD_BYTES)) {
      let bytes = 0;
      for (const line of lines) {
        const fault = this.#take(line);
        if (fault !== undefined) return fault;
        bytes += line.bytes.length + 1;
        if (this.#history?.isDue(this.#tree.size) === true) {
          const noteFault = await this.#history.take(this.#tree, this.#emptyRoot);
          if (noteFault !== undefined) return noteFault;
        }
        const refused = this.#refused;
        if (refused === undefined) continue;
        this.#refused = undefined;
        const isRequired = refused.record.seq < this.#signedSize;
        const statementFault = await this.#statements?.check(refused, isRequired);
        if (statementFault !== undefined) return statementFault;
      }
      onBatch(lines.length, bytes);
    }
    return undefined;
  }

  #refused: { record: AuditRecord; line: Uint8Array; leaf: Uint8Array } | undefined;

  /** One line; `#refused` is set when it needs a statement. */
  #take(line: Line): AuditFinding | undefined {
    const index = this.#tree.size;
    if (this.#cutBytes > 0) {
      return this.#found("AUDIT_LEAF", "expected a whole line, got a cut one", index);
    }
    if (!line.isWhole) {
      this.#cutBytes = line.bytes.length;
      return undefined;
    }
    const record = readRecord(line.bytes);
    if (record === undefined) {
      return this.#found(
        "AUDIT_LEAF",
        "expected a record in canonical json, got another text",
        index,
      );
    }
    const fault =
      this.#placeFault(record, index) ?? (index === 0 ? this.#begin(record) : undefined);
    if (fault !== undefined) return fault;
    const leaf = this.#tree.append(line.bytes);
    if (this.#wanted.has(index + 1)) this.#roots.set(index + 1, this.#tree.root());
    if (record.kind === "close") this.#close = record;
    if (record.timeMs < this.#timeMs) this.#clockBack += 1;
    this.#timeMs = record.timeMs;
    this.#lost += countOf(record.value, "lost") ?? 0;
    if (record.decision !== undefined && record.decision !== "allow") {
      this.#refusals += 1;
      this.#refused = { record, line: line.bytes, leaf };
    }
    return undefined;
  }

  #placeFault(record: AuditRecord, index: number): AuditFinding | undefined {
    const { seq, kind } = record;
    if (this.#close !== undefined) {
      return this.#found("AUDIT_SEQUENCE", "expected nothing behind the end, got a record", index);
    }
    if (index === 0 && seq > 0) {
      const message = `expected the log to begin with record 0, got record ${seq}; its head was cut off`;
      return this.#found("AUDIT_TRUNCATED", message, 0);
    }
    if (seq !== index) {
      const message = `expected record ${index} next, got record ${seq}`;
      return this.#found("AUDIT_SEQUENCE", message, index);
    }
    if ((kind === "open") === (index === 0)) return undefined;
    const expected = index === 0 ? "an open record first" : "one open record, the first";
    return this.#found("AUDIT_SEQUENCE", `expected ${expected}, got another`, index);
  }

  /** What the first record settles: whose log it is, and whose keys sign it. */
  #begin(record: AuditRecord): AuditFinding | undefined {
    const origin = textOf(record.value, "origin") ?? "";
    if (origin !== this.#origin) {
      const message = `expected the log ${quote(this.#origin)}, got the records of ${quote(origin)}`;
      return this.#found("AUDIT_ORIGIN", message, 0);
    }
    const keys = this.#context.keysOf(record.rootSha256);
    if (keys === undefined) {
      const message = `expected a log under a trust root of the chain, got one under ${record.rootSha256}`;
      return this.#found("AUDIT_SIGNATURE", message, 0);
    }
    this.#statements = new StatementReader(this.#origin, this.#context.input.statements, keys);
    this.#history = new HistoryCheck(this.#context.input, keys);
    return judgeLatest(this.#origin, this.#notes, keys);
  }

  /** Everything was read: what is missing, and what does not fit. */
  async #judge(): Promise<AuditFinding | undefined> {
    const { claims, registered, input } = this.#context;
    const { size } = this.#tree;
    const claimed = Math.max(this.#signedSize, ...claims.map((claim) => claim.size));
    if (size === 0 && (claimed > 0 || registered !== undefined)) {
      const message = `expected at least ${Math.max(1, claimed)} records, got an empty log`;
      return this.#found("AUDIT_EMPTY", message);
    }
    if (this.#signedSize > size) return this.#truncated(this.#signedSize, "its checkpoint");
    const historyFault = this.#history?.judge(this.#notes);
    if (historyFault !== undefined) return historyFault;
    for (const claim of claims) {
      if (claim.size > size) return this.#truncated(claim.size, claim.from);
      if (this.#matches(claim)) continue;
      const message = `expected the ${claim.size} records that ${claim.from} holds the root of, got others`;
      return this.#found("AUDIT_INCONSISTENT", message, claim.size - 1);
    }
    const isClosed = this.#close !== undefined;
    if (!isClosed && registered === "closed") {
      return this.#found(
        "AUDIT_TRUNCATED",
        "expected the clean end that the store knows of, got none",
      );
    }
    const statementFault = await this.#statements?.checkEnd(isClosed);
    if (statementFault !== undefined) return statementFault;
    return this.#close === undefined
      ? this.#judgeOpen(input)
      : this.#judgeClosed(this.#close, input);
  }

  #truncated(claimed: number, from: string): AuditFinding {
    const { size } = this.#tree;
    const message = `expected ${claimed} records as ${from} says, got ${size}; its tail was cut off`;
    return this.#found("AUDIT_TRUNCATED", message, size);
  }

  #judgeOpen(input: AuditLogInput): AuditFinding | undefined {
    if (input.checkpoint !== undefined || this.#notes.count < 2) return undefined;
    return this.#found("AUDIT_LOG_MISSING", "expected the file of the latest checkpoint, got none");
  }

  /** A clean end leaves nothing undone: everything is signed, and every checkpoint is there. */
  #judgeClosed(close: AuditRecord, input: AuditLogInput): AuditFinding | undefined {
    const { count, last, latest, isCut, chainBefore } = this.#notes;
    if (this.#cutBytes > 0) {
      return this.#found("AUDIT_SEQUENCE", "expected nothing behind the end, got more bytes");
    }
    if (input.checkpoint === undefined || latest === undefined || last === undefined) {
      return this.#found("AUDIT_LOG_MISSING", "expected the checkpoints of a closed log, got none");
    }
    const { size } = this.#tree;
    if (isCut || last.size !== size || latest.text !== last.text) {
      const message = `expected the checkpoint of all ${size} records last, got an older one`;
      return this.#found("AUDIT_TRUNCATED", message);
    }
    const facts = memberOf(close.value, "checkpoints");
    const named = typeof facts === "object" && facts !== null ? facts : {};
    const namedCount = countOf(named, "count");
    if (namedCount === count - 1 && textOf(named, "chain") === chainBefore) return undefined;
    const message = `expected the ${namedCount} checkpoints that the end names, got others`;
    return this.#found("AUDIT_SEQUENCE", message);
  }

  #matches({ size, root }: HeadClaim): boolean {
    const actual = size === 0 ? this.#emptyRoot : this.#roots.get(size);
    return actual !== undefined && bytesEqual(actual, root);
  }

  #found(code: AuditCode, message: string, seq?: number): AuditFinding {
    return finding(code, this.#origin, message, seq);
  }
}

/** A claim of an `open` record; `undefined` for one without a root. */
export function claimOf(from: string, head: object): HeadClaim | undefined {
  const size = countOf(head, "size");
  const root = fromHex(textOf(head, "root") ?? "");
  if (size === undefined || size === 0 || root?.length !== 32) return undefined;
  return { from, size, root };
}
