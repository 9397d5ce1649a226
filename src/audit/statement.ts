// What a refusal leaves beside its record: an in-toto Statement v1 in a DSSE envelope, which stock
// tools verify. The statement is canonical JSON, so its bytes follow from the record.
import { concatBytes, toHex, utf8 } from "../bytes.ts";
import { createEnvelope, serializeEnvelope } from "../sign/dsse.ts";
import type { PrivateKey } from "../sign/keys.ts";

export const STATEMENT_PAYLOAD_TYPE = "application/vnd.in-toto+json";
export const PREDICATE_TYPE = "urn:portcullis:decision:v1";

/** What a statement is about. */
export interface StatementSubject {
  /** Name of the log's checkpoints. */
  readonly name: string;
  readonly seq: number;
  /** 32 bytes. */
  readonly leaf: Uint8Array;
  /** Lower-case hex SHA-256. */
  readonly catalogSha256: string;
  readonly kernelSha256: string;
}

const HEAD = utf8('{"_type":"https://in-toto.io/Statement/v1","predicate":');

/**
 * The statement's bytes: subject = the record's leaf, the catalog and the kernel; predicate = the
 * record.
 *
 * @param record the record's line without its line feed
 */
export function statementPayload(record: Uint8Array, subject: StatementSubject): Uint8Array {
  const { name, seq, leaf, catalogSha256, kernelSha256 } = subject;
  const subjects = [
    { digest: { sha256: toHex(leaf) }, name: `${name}/${seq}` },
    { digest: { sha256: catalogSha256 }, name: "catalog" },
    { digest: { sha256: kernelSha256 }, name: "kernel" },
  ];
  const tail = `,"predicateType":"${PREDICATE_TYPE}","subject":${JSON.stringify(subjects)}}`;
  return concatBytes(HEAD, record, utf8(tail));
}

/** The envelope of a statement: one line, line feed included; deterministic. */
export function signStatement(payload: Uint8Array, key: PrivateKey): string {
  const envelope = createEnvelope(STATEMENT_PAYLOAD_TYPE, payload, [key]);
  return `${serializeEnvelope(envelope)}\n`;
}
