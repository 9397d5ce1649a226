// An audit log that hands batches to its host: for workers, where nothing can be written at once.
import { type Clock, randomBytes, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { PrivateKey } from "../sign/keys.ts";
import type { AuditEvent, AuditSink } from "./event.ts";
import type { AuditEvidence } from "./evidence.ts";
import { CALLBACK_RECORDS } from "./limits.ts";
import { type AuditProcess, originOf } from "./origin.ts";
import type { AuditOutput, Signed } from "./output.ts";
import { AuditWriter } from "./writer.ts";

/** What happened since the batch before; the host appends each part to what it has of the log. */
export interface AuditBatch {
  readonly origin: string;
  /** Name in `objects/` -> bytes, of what the records name by digest; each once. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Whole lines, line feeds included: `<origin>.jsonl`. */
  readonly records: readonly Uint8Array[];
  /** Lines: `<origin>.denied.jsonl`. */
  readonly statements: readonly string[];
  /** Signed notes: `<origin>.checkpoints`; the last one is `<origin>.checkpoint` as well. */
  readonly checkpoints: readonly string[];
}

export interface CallbackLogOptions {
  readonly process: AuditProcess;
  readonly evidence: AuditEvidence;
  readonly auditKey: PrivateKey;
  /** Keeps a batch; what it throws, or rejects with, keeps the batch here for the next try. */
  readonly onBatch: (batch: AuditBatch) => void | Promise<void>;
  /** Records that wait for the host; with more, nothing is accepted. Default 4 096. */
  readonly recordCountMax?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: ((size: number) => Uint8Array) | undefined;
}

class CallbackOutput implements AuditOutput {
  readonly #origin: string;
  readonly #onBatch: CallbackLogOptions["onBatch"];
  readonly #recordCountMax: number;
  #lines: Uint8Array[] = [];
  #signed: Signed[] = [];
  readonly #objects = new Map<string, Uint8Array>();
  readonly #handedOver = new Set<string>();
  #pump: Promise<boolean> | undefined;
  #isKept = true;

  constructor(origin: string, options: CallbackLogOptions) {
    this.#origin = origin;
    this.#onBatch = options.onBatch;
    this.#recordCountMax = options.recordCountMax ?? CALLBACK_RECORDS;
  }

  get isAvailable(): boolean {
    return this.#isKept && this.#lines.length < this.#recordCountMax;
  }

  write(line: Uint8Array): boolean {
    if (this.#lines.length >= this.#recordCountMax) return false;
    this.#lines.push(line.slice());
    return true;
  }

  publish(signed: readonly Signed[]): void {
    this.#signed.push(...signed);
    void this.settle();
  }

  async settle(): Promise<boolean> {
    while (this.#pump !== undefined || this.#lines.length + this.#signed.length > 0) {
      this.#pump ??= this.#deliver().then((isKept) => {
        this.#pump = undefined;
        this.#isKept = isKept;
        return isKept;
      });
      if (!(await this.#pump)) return false;
    }
    return true;
  }

  /** Kernels, catalogs, roots: handed over once. */
  addObjects(objects: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, bytes] of objects) {
      if (!this.#handedOver.has(name)) this.#objects.set(name, bytes);
    }
  }

  async #deliver(): Promise<boolean> {
    const objects = new Map(this.#objects);
    const lines = this.#lines.slice();
    const signed = this.#signed.slice();
    const textsOf = (kind: Signed["kind"]): string[] =>
      signed.filter((one) => one.kind === kind).map(({ text }) => text);
    try {
      await this.#onBatch({
        origin: this.#origin,
        objects,
        records: lines,
        statements: textsOf("statement"),
        checkpoints: textsOf("checkpoint"),
      });
      this.#lines.splice(0, lines.length);
      this.#signed.splice(0, signed.length);
      for (const name of objects.keys()) {
        this.#objects.delete(name);
        this.#handedOver.add(name);
      }
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * Hands records and what signs them to its host, at every checkpoint and at `flush`.
 *
 * `append` only says that a record waits for the host: a worker that ends before `flush` resolved
 * loses what waits, so end each request with `waitUntil(log.flush())`.
 */
export class CallbackAuditLog implements AuditSink {
  readonly origin: string;
  /** 32 bytes: what `req` is keyed with. */
  readonly salt: Uint8Array;
  readonly #output: CallbackOutput;
  readonly #writer: AuditWriter;
  readonly #clock: Clock;

  /** @throws {GuardError} AUDIT_UNWRITABLE when it may not hold a single record */
  constructor(options: CallbackLogOptions) {
    const { process, evidence, auditKey, clock = systemClock, random = randomBytes } = options;
    this.origin = originOf(process);
    this.salt = random(32);
    this.#clock = clock;
    this.#output = new CallbackOutput(this.origin, options);
    this.#output.addObjects(evidence.objects);
    this.#writer = new AuditWriter({
      origin: this.origin,
      auditKey,
      subject: evidence.subject,
      salt: this.salt,
      output: this.#output,
    });
    if (!this.#writer.appendOpen(clock(), { heads: [] })) {
      throw new GuardError("AUDIT_UNWRITABLE", "expected room for at least one record, got none");
    }
  }

  get isAvailable(): boolean {
    return this.#writer.isAvailable;
  }

  append(event: AuditEvent): boolean {
    return this.#writer.append(event);
  }

  /** Another catalog is in force from the next record on; append its `reload` event next. */
  useEvidence(evidence: AuditEvidence): boolean {
    this.#output.addObjects(evidence.objects);
    this.#writer.setSubject(evidence.subject);
    return true;
  }

  /** Resolves when the host has everything so far, or refused a batch: see `isAvailable`. */
  async flush(): Promise<void> {
    this.#writer.signAll();
    await this.#output.settle();
  }

  async close(): Promise<void> {
    this.#writer.appendClose(this.#clock());
    await this.#output.settle();
  }
}
