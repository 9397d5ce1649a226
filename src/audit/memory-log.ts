// An audit log in memory: for tests, for pages, and for hosts that take it out themselves.
import { concatBytes, utf8 } from "../bytes.ts";
import { type Clock, randomBytes, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { PrivateKey } from "../sign/keys.ts";
import type { AuditEvent, AuditSink } from "./event.ts";
import type { AuditEvidence } from "./evidence.ts";
import type { AuditLogInput } from "./input.ts";
import { MEMORY_RECORDS } from "./limits.ts";
import { type AuditProcess, originOf } from "./origin.ts";
import type { AuditOutput, Signed } from "./output.ts";
import { AuditWriter } from "./writer.ts";

export interface MemoryLogOptions {
  readonly process: AuditProcess;
  readonly evidence: AuditEvidence;
  /** Of the role `audit` of the trust root. */
  readonly auditKey: PrivateKey;
  /** Records it holds; with more, nothing is written. Default 100 000. */
  readonly recordCountMax?: number | undefined;
  readonly clock?: Clock | undefined;
  /** `size` random bytes; default: the platform's generator. */
  readonly random?: ((size: number) => Uint8Array) | undefined;
}

class MemoryOutput implements AuditOutput {
  readonly lines: Uint8Array[] = [];
  readonly signed: Signed[] = [];
  readonly #recordCountMax: number;

  constructor(recordCountMax: number) {
    this.#recordCountMax = recordCountMax;
  }

  get isAvailable(): boolean {
    return this.lines.length < this.#recordCountMax;
  }

  write(line: Uint8Array): boolean {
    if (!this.isAvailable) return false;
    this.lines.push(line.slice());
    return true;
  }

  publish(signed: readonly Signed[]): void {
    this.signed.push(...signed);
  }

  settle(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

/** Keeps everything in memory; never forgets, so it fills up. */
export class MemoryAuditLog implements AuditSink {
  readonly origin: string;
  /** 32 bytes: what `req` is keyed with. */
  readonly salt: Uint8Array;
  readonly #output: MemoryOutput;
  readonly #writer: AuditWriter;
  readonly #clock: Clock;
  readonly #objects: Map<string, Uint8Array>;

  /** @throws {GuardError} AUDIT_UNWRITABLE when it may not hold a single record */
  constructor(options: MemoryLogOptions) {
    const { process, evidence, auditKey, clock = systemClock, random = randomBytes } = options;
    this.origin = originOf(process);
    this.salt = random(32);
    this.#clock = clock;
    this.#objects = new Map(evidence.objects);
    this.#output = new MemoryOutput(options.recordCountMax ?? MEMORY_RECORDS);
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
    for (const [name, bytes] of evidence.objects) this.#objects.set(name, bytes);
    this.#writer.setSubject(evidence.subject);
    return true;
  }

  flush(): void {
    this.#writer.signAll();
  }

  close(): void {
    this.#writer.appendClose(this.#clock());
  }

  /** What the records name by digest; for `replay`. */
  get objects(): ReadonlyMap<string, Uint8Array> {
    return this.#objects;
  }

  /** The log as `verifyAuditLog` and `replay` take it: a copy of what there is now. */
  toInput(): AuditLogInput {
    const { lines, signed } = this.#output;
    const textOf = (kind: Signed["kind"]): string =>
      signed
        .filter((one) => one.kind === kind)
        .map(({ text }) => text)
        .join("");
    const latest = signed.findLast(({ kind }) => kind === "checkpoint")?.text;
    return {
      origin: this.origin,
      records: concatBytes(...lines),
      statements: utf8(textOf("statement")),
      history: utf8(textOf("checkpoint")),
      checkpoint: latest === undefined ? undefined : utf8(latest),
    };
  }
}
