// An approval in a form that can leave the process: plain JSON with a digest over all of it.
import { concatBytes, isWellFormed, toBase64, toHex } from "../bytes.ts";
import { type Clock, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { tagBytes } from "../kernel/framed.ts";
import { canonicalBytes } from "../kernel/strict-json.ts";
import { fingerprintTool } from "../manifest/fingerprint.ts";
import type { PrivateKey, PublicKey } from "../sign/keys.ts";
import { type ArgumentsSource, argumentsDigest } from "./args-digest.ts";
import { consentTextHash } from "./consent-question.ts";
import { type ConsentRecord, isConsentRecord } from "./consent-record.ts";
import { isHexDigest } from "./digest-text.ts";
import { readInstant } from "./instant.ts";
import { isToolName } from "./lease.ts";
import { readReceiptSignature } from "./receipt-signature.ts";

export const RECEIPT_TYPE = "portcullis/approval-receipt/v1";
/** Seconds an approval of the second form is dated for when nothing is said. */
export const RECEIPT_TTL_SECONDS_DEFAULT = 60;
export const LIMIT_RECEIPT_TTL_SECONDS = 86_400;

/** An approval that was not recorded by a gateway: what the caller attests. */
export interface ApprovalStatement {
  readonly leaseId?: string | undefined;
  readonly principalHash: string;
  readonly toolName: string;
  /** The text that the person was shown. */
  readonly uiText: string;
  /** The definition at that time: raw JSON text, or parsed. */
  readonly toolDescriptor: string | object;
  readonly args: ArgumentsSource;
  /** Default 60. */
  readonly ttlSeconds?: number | undefined;
  readonly clock?: Clock | undefined;
}

export interface ReceiptSignature {
  readonly alg: "ed25519";
  readonly keyid: string;
  /** Base64, over TAG("portcullis:receipt:v1") and the canonical form without `digest` and this. */
  readonly sig: string;
}

/** JSON: every member a text, a number, a boolean, null, or an object of those. */
export interface ApprovalReceipt {
  readonly type: typeof RECEIPT_TYPE;
  /** Of the record; of a statement, its own digest. */
  readonly receiptId: string;
  readonly leaseId: string | null;
  readonly principalHash: string;
  readonly toolName: string;
  /** Hex SHA-256 of the text that was shown, as `consentTextHash`. */
  readonly uiTextHash: string;
  /** `sha256:<hex>`: the fingerprint of the definition. */
  readonly toolDescriptorHash: string;
  /** `sha256:<hex>`; null = any arguments. */
  readonly argsDigest: string | null;
  /** RFC 3339 in UTC. */
  readonly approvedAt: string;
  readonly expiresAt: string;
  /** What the approval is bound to beyond that; null for a statement. */
  readonly binding: ReceiptBinding | null;
  /** `sha256:<hex>` over TAG("portcullis:receipt:v1") and the canonical form of all above. */
  readonly digest: string;
  readonly signature?: ReceiptSignature;
}

export type ReceiptBinding = Pick<
  ConsentRecord,
  | "serverId"
  | "kind"
  | "sessionHash"
  | "imageDigest"
  | "asking"
  | "taint"
  | "hadLease"
  | "channel"
  | "singleUse"
>;

export interface ReceiptOptions {
  /** The lease that the same answer granted. */
  readonly leaseId?: string | undefined;
  /** Signs the receipt, so that it proves itself where the log is not at hand. */
  readonly signer?: PrivateKey | undefined;
}

/**
 * A receipt, frozen. A receipt is evidence: no gateway takes one as an approval.
 *
 * @param source a consent record, or what the caller attests
 * @throws {GuardError} ARGUMENT_INVALID for what is neither; JSON_INVALID for arguments without a
 *   canonical form; MANIFEST_INVALID for a descriptor that is no definition
 */
export function createApprovalReceipt(
  source: ConsentRecord | ApprovalStatement,
  options: ReceiptOptions = {},
): ApprovalReceipt {
  const { leaseId, signer } = options ?? {};
  if (signer !== undefined && typeof signer?.sign !== "function") {
    throw invalid("expected a signer that signs");
  }
  if (leaseId !== undefined && !isHexDigest(leaseId)) throw invalid("expected the id of a lease");
  const body = isConsentRecord(source)
    ? ofRecord(source, leaseId ?? null)
    : ofStatement(source, leaseId);
  const bytes = signedBytes(body);
  const digest = `sha256:${toHex(sha256(bytes))}`;
  if (signer === undefined) return Object.freeze({ ...body, digest });
  const signature: ReceiptSignature = Object.freeze({
    alg: "ed25519",
    keyid: signer.keyid,
    sig: toBase64(signer.sign(bytes)),
  });
  return Object.freeze({ ...body, digest, signature });
}

/**
 * True when the digest of a receipt is its own and, with a key, its signature is that key's.
 * Never throws.
 */
export function isApprovalReceiptIntact(receipt: unknown, key?: PublicKey): boolean {
  try {
    if (typeof receipt !== "object" || receipt === null) return false;
    const { digest, signature, ...body } = { digest: undefined, signature: undefined, ...receipt };
    const bytes = signedBytes(body);
    if (digest !== `sha256:${toHex(sha256(bytes))}`) return false;
    if (Reflect.get(body, "type") !== RECEIPT_TYPE) return false;
    if (key === undefined) return true;
    const made = readReceiptSignature(signature);
    return made !== undefined && made.keyid === key.keyid && key.verify(bytes, made.sig);
  } catch {
    return false;
  }
}

type ReceiptBody = Omit<ApprovalReceipt, "digest" | "signature">;

function ofRecord(record: ConsentRecord, leaseId: string | null): ReceiptBody {
  const { serverId, kind, sessionHash, imageDigest } = record;
  const { asking, taint, hadLease, channel, singleUse } = record;
  return {
    type: RECEIPT_TYPE,
    receiptId: record.id,
    leaseId,
    principalHash: record.principalHash,
    toolName: record.itemName,
    uiTextHash: record.textHash,
    toolDescriptorHash: record.itemFingerprint,
    argsDigest: record.argsDigest,
    approvedAt: new Date(record.createdAtMs).toISOString(),
    expiresAt: new Date(record.expiresAtMs).toISOString(),
    binding: Object.freeze({
      serverId,
      kind,
      sessionHash,
      imageDigest,
      asking,
      taint,
      hadLease,
      channel,
      singleUse,
    }),
  };
}

function ofStatement(statement: ApprovalStatement, leaseIdOption: string | undefined): ReceiptBody {
  if (typeof statement !== "object" || statement === null) {
    throw invalid("expected a consent record, or { principalHash, toolName, uiText, ... }");
  }
  const { principalHash, toolName, uiText, toolDescriptor, args, clock = systemClock } = statement;
  const { leaseId = leaseIdOption ?? null, ttlSeconds = RECEIPT_TTL_SECONDS_DEFAULT } = statement;
  if (!isHexDigest(principalHash))
    throw invalid("expected principalHash as 64 lower-case hex digits");
  if (!isToolName(toolName)) throw invalid("expected the name of a tool");
  if (leaseId !== null && !isHexDigest(leaseId)) throw invalid("expected the id of a lease");
  if (typeof uiText !== "string" || !isWellFormed(uiText)) {
    throw invalid("expected uiText as well-formed text");
  }
  const lifetimeMs = Math.floor(ttlSeconds * 1000);
  if (!(lifetimeMs >= 1 && lifetimeMs <= LIMIT_RECEIPT_TTL_SECONDS * 1000)) {
    throw invalid(`expected ttlSeconds above 0 and at most ${LIMIT_RECEIPT_TTL_SECONDS}`);
  }
  const nowMs = readInstant(clock());
  if (nowMs === undefined) throw invalid("expected a clock that gives ms since the epoch");
  const body = {
    type: RECEIPT_TYPE,
    leaseId,
    principalHash,
    toolName,
    uiTextHash: consentTextHash(uiText),
    toolDescriptorHash: fingerprintTool(toolDescriptor),
    argsDigest: argumentsDigest(args),
    approvedAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + lifetimeMs).toISOString(),
    binding: null,
  } as const;
  return { ...body, receiptId: toHex(sha256(signedBytes(body))) };
}

function signedBytes(body: object): Uint8Array<ArrayBuffer> {
  return concatBytes(tagBytes("portcullis:receipt:v1"), canonicalBytes(body));
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
