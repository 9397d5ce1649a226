// An event as a record: one line of RFC 8785 canonical JSON (60-audit section 1).
import { utf8 } from "../bytes.ts";
import { HmacKey } from "../kernel/hmac.ts";
import type { AuditEvent } from "./event.ts";
import { LIMIT_RECORD_BYTES } from "./limits.ts";
import { LineWriter } from "./line-writer.ts";

/** What the records that follow were decided with: lower-case hex SHA-256. */
export interface RecordSubject {
  readonly catalogSha256: string;
  readonly rootSha256: string;
  readonly kernelSha256: string;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Bytes of all member names, numbers and digests of a record. */
const FIXED_BYTES = 1536;
/** Bytes of the names and quotes of one item. */
const ITEM_BYTES = 64;
/** Bytes that one code unit can become: `\u0000`. */
const UNIT_BYTES_MAX = 6;

/** ms as a record has them: a whole number; what is no time is 0. */
export function recordTime(ms: number): number {
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : 0;
}

/** Values of one member whose bytes are kept. */
const KNOWN_VALUES_MAX = 64;

/**
 * A member whose values come again: their bytes are kept.
 *
 * WHY: copying 90 bytes takes 13 ns, writing their characters one by one 150.
 */
class RepeatedMember {
  readonly #name: string;
  readonly #known = new Map<string, Uint8Array>();
  #last: string | undefined;
  #bytes: Uint8Array = NO_BYTES;

  /** @param name with what stands before the value, e.g. `,"sess":` */
  constructor(name: string) {
    this.#name = name;
  }

  bytes(value: string): Uint8Array {
    if (value === this.#last) return this.#bytes;
    let bytes = this.#known.get(value);
    if (bytes === undefined) {
      if (this.#known.size >= KNOWN_VALUES_MAX) this.#known.clear();
      bytes = utf8(`${this.#name}${JSON.stringify(value.toWellFormed())}`);
      this.#known.set(value, bytes);
    }
    this.#last = value;
    this.#bytes = bytes;
    return bytes;
  }
}

/** Writes the records of one log. */
export class RecordWriter {
  readonly #line = new LineWriter();
  readonly #salt: HmacKey;
  readonly #decision = new RepeatedMember(',"decision":');
  readonly #era = new RepeatedMember(',"era":');
  readonly #layer = new RepeatedMember(',"layer":');
  readonly #reason = new RepeatedMember(',"reason":');
  readonly #kind = new RepeatedMember(',"kind":');
  readonly #principal = new RepeatedMember(',"principal":');
  readonly #server = new RepeatedMember(',"server":');
  readonly #session = new RepeatedMember(',"sess":');
  #catalog: Uint8Array = NO_BYTES;
  #kernel: Uint8Array = NO_BYTES;
  #root: Uint8Array = NO_BYTES;

  /** @param salt 32 bytes, of this log alone */
  constructor(salt: Uint8Array, subject: RecordSubject) {
    this.#salt = new HmacKey(salt);
    this.setSubject(subject);
  }

  setSubject(subject: RecordSubject): void {
    this.#catalog = utf8(`{"catalog":${JSON.stringify(subject.catalogSha256)},"code":`);
    this.#kernel = utf8(`,"kernel":${JSON.stringify(subject.kernelSha256)}`);
    this.#root = utf8(`,"root":${JSON.stringify(subject.rootSha256)}`);
  }

  /**
   * The line of `event`, line feed included: a view that stays as it is.
   *
   * @param lost events before it that were not written
   * @returns `undefined` when it is larger than LIMIT_RECORD_BYTES
   */
  write(event: AuditEvent, seq: number, lost: number): Uint8Array | undefined {
    const sizeMax = sizeBound(event);
    // WHY: a code unit takes at least one byte, so what is six times too large is too large
    if (sizeMax > (LIMIT_RECORD_BYTES + FIXED_BYTES) * UNIT_BYTES_MAX) return undefined;
    const line = this.#line;
    line.begin(sizeMax);
    // members in the order of their names
    line.raw(this.#catalog);
    line.integer(event.code);
    if (event.consentId !== undefined) this.#member(',"consent":', event.consentId);
    line.raw(this.#decision.bytes(event.decision));
    line.raw(this.#era.bytes(event.era));
    if (event.input !== undefined) {
      line.ascii(',"in":');
      line.base64(event.input);
    }
    if (event.items !== undefined) this.#items(event.items);
    line.raw(this.#kernel);
    line.raw(this.#kind.bytes(event.kind));
    line.raw(this.#layer.bytes(event.layer));
    if (event.leaseId !== undefined) this.#member(',"lease":', event.leaseId);
    if (lost > 0) line.ascii(`,"lost":${lost}`);
    if (event.output !== undefined) {
      line.ascii(',"out":');
      line.base64(event.output);
    }
    line.raw(this.#principal.bytes(event.principalHash));
    line.raw(this.#reason.bytes(event.reason));
    if (event.kind === "call" || event.args !== undefined) {
      line.ascii(',"req":');
      line.hex(this.#salt.digest(event.args ?? NO_BYTES));
    }
    line.raw(this.#root);
    if (event.rules !== undefined) this.#rules(event.rules);
    line.ascii(',"seq":');
    line.integer(seq);
    line.raw(this.#server.bytes(event.server));
    line.raw(this.#session.bytes(event.sessionHash));
    line.ascii(',"t":');
    line.integer(recordTime(event.timeMs));
    line.ascii(',"taint":');
    line.integer(event.taint >>> 0);
    if (event.tool !== undefined) this.#member(',"tool":', event.tool);
    if (event.trace !== undefined) this.#member(',"trace":', event.trace);
    line.ascii(',"v":1}\n');
    const written = line.end();
    return written.length - 1 <= LIMIT_RECORD_BYTES ? written : undefined;
  }

  #member(name: string, value: string): void {
    this.#line.ascii(name);
    this.#line.text(value);
  }

  #items(items: NonNullable<AuditEvent["items"]>): void {
    const line = this.#line;
    line.ascii(',"items":[');
    let separator = '{"digest":';
    for (const { kind, name, digest } of items) {
      line.ascii(separator);
      if (digest === undefined) line.ascii("null");
      else line.text(digest);
      line.ascii(`,"kind":"${kind}","name":`);
      line.text(name);
      line.ascii("}");
      separator = ',{"digest":';
    }
    line.ascii("]");
  }

  #rules(rules: readonly string[]): void {
    const line = this.#line;
    line.ascii(',"rules":[');
    for (const [index, rule] of rules.entries()) {
      if (index > 0) line.ascii(",");
      line.text(rule);
    }
    line.ascii("]");
  }
}

/** Bytes that the line cannot pass. */
function sizeBound(event: AuditEvent): number {
  const { input, output, items = [], rules = [] } = event;
  const texts = [
    ...[event.consentId, event.leaseId, event.principalHash, event.reason, event.server],
    ...[event.sessionHash, event.tool, event.trace],
  ];
  let unitCount = 0;
  for (const text of texts) unitCount += text?.length ?? 0;
  for (const rule of rules) unitCount += rule.length + 1;
  for (const { name, digest } of items) unitCount += name.length + (digest?.length ?? 0);
  const frames = (input?.length ?? 0) + (output?.length ?? 0);
  return (
    FIXED_BYTES +
    unitCount * UNIT_BYTES_MAX +
    items.length * ITEM_BYTES +
    rules.length * 2 +
    Math.ceil(frames / 3) * 4 +
    8
  );
}
