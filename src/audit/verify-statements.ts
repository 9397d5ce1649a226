// The statements beside a log, one for each refusal, in the order of the records.
import { bytesEqual, utf8, utf8Text } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { parseStrictJson } from "../kernel/strict-json.ts";
import { type Envelope, parseEnvelope, serializeEnvelope, verifiedKeys } from "../sign/dsse.ts";
import type { PublicKey } from "../sign/keys.ts";
import { type AuditCode, type AuditFinding, finding } from "./finding.ts";
import { type ByteSource, type Line, lineBatches } from "./input.ts";
import { checkpointName } from "./origin.ts";
import { type AuditRecord, objectsOf, textOf } from "./record.ts";
import { STATEMENT_PAYLOAD_TYPE, statementPayload } from "./statement.ts";

/** Base64 of the largest record, and what stands around it, fit. */
const STATEMENT_BYTES_MAX = 67_108_864;

/** A record that was refused, as it was read. */
export interface RefusedRecord {
  readonly record: AuditRecord;
  readonly line: Uint8Array;
  readonly leaf: Uint8Array;
}

/** Reads statements one by one, each against its record. */
export class StatementReader {
  readonly #origin: string;
  readonly #keys: readonly PublicKey[];
  readonly #batches: AsyncGenerator<readonly Line[]>;
  #batch: readonly Line[] = [];
  #next = 0;

  constructor(origin: string, source: ByteSource | undefined, keys: readonly PublicKey[]) {
    this.#origin = origin;
    this.#keys = keys;
    this.#batches = lineBatches(source, STATEMENT_BYTES_MAX);
  }

  /**
   * The next statement, which must be that of `refused`.
   *
   * @param isRequired a checkpoint covers the record: its statement was kept before that was
   */
  async check(refused: RefusedRecord, isRequired: boolean): Promise<AuditFinding | undefined> {
    const { seq } = refused.record;
    const line = await this.#line();
    if (line?.isWhole !== true) {
      if (!isRequired) return undefined;
      return this.#found("AUDIT_TRUNCATED", "expected a statement of this refusal, got none", seq);
    }
    const envelope = envelopeOf(line.bytes);
    const signer = envelope === undefined ? undefined : this.#signerOf(envelope);
    if (envelope === undefined || signer === undefined) {
      const message = "expected a statement signed by a key of the role audit, got another text";
      return this.#found("AUDIT_SIGNATURE", message, seq);
    }
    if (!isAsWritten(envelope, line.bytes, signer)) {
      const message = "expected a statement as it was written, got another text around it";
      return this.#found("AUDIT_SIGNATURE", message, seq);
    }
    const { leaf, record } = refused;
    const { catalogSha256, kernelSha256 } = record;
    const name = checkpointName(this.#origin);
    const about = { name, seq, leaf, catalogSha256, kernelSha256 };
    if (bytesEqual(envelope.payload, statementPayload(refused.line, about))) return undefined;
    return this.#otherStatement(subjectName(envelope), name, seq);
  }

  /** Nothing may follow the last refusal. */
  async checkEnd(isClosed: boolean): Promise<AuditFinding | undefined> {
    const line = await this.#line();
    // a crash may have cut the last statement
    if (line === undefined || (!line.isWhole && !isClosed)) return undefined;
    return this.#found("AUDIT_SEQUENCE", "expected no statement behind the last refusal, got one");
  }

  #otherStatement(found: string, name: string, seq: number): AuditFinding {
    if (found === `${name}/${seq}`) {
      const message = "expected the record that its statement was signed for, got another one";
      return this.#found("AUDIT_LEAF", message, seq);
    }
    if (found.startsWith(`${name}/`)) {
      const message = `expected the statement of this refusal next, got that of record ${found.slice(name.length + 1)}`;
      return this.#found("AUDIT_SEQUENCE", message, seq);
    }
    return this.#found("AUDIT_ORIGIN", "expected a statement of this log, got another's", seq);
  }

  #signerOf(envelope: Envelope): string | undefined {
    const [signer] = verifiedKeys(envelope, this.#keys);
    return signer;
  }

  #found(code: AuditCode, message: string, seq?: number): AuditFinding {
    return finding(code, this.#origin, message, seq);
  }

  async #line(): Promise<Line | undefined> {
    while (this.#next >= this.#batch.length) {
      const { value, done } = await this.#batches.next();
      if (done === true) return undefined;
      this.#batch = value;
      this.#next = 0;
    }
    const line = this.#batch[this.#next];
    this.#next += 1;
    return line;
  }
}

function envelopeOf(line: Uint8Array): Envelope | undefined {
  try {
    return parseEnvelope(line, { sizeBytesMax: STATEMENT_BYTES_MAX });
  } catch (fault) {
    if (fault instanceof GuardError) return undefined;
    throw fault;
  }
}

/** One signature, the signer's own keyid, our order of members: what nobody signed is fixed too. */
function isAsWritten(envelope: Envelope, line: Uint8Array, signer: string): boolean {
  const [first, ...others] = envelope.signatures;
  return (
    envelope.payloadType === STATEMENT_PAYLOAD_TYPE &&
    first?.keyid === signer &&
    others.length === 0 &&
    bytesEqual(utf8(serializeEnvelope(envelope)), line)
  );
}

/** Name of the first subject of a statement that verified. */
function subjectName(envelope: Envelope): string {
  if (utf8Text(envelope.payload) === undefined) return "";
  const statement = parseStrictJson(envelope.payload);
  if (typeof statement !== "object" || statement === null) return "";
  const [subject = {}] = objectsOf(statement, "subject");
  return textOf(subject, "name") ?? "";
}
