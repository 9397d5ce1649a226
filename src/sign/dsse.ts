// DSSE v1 (secure-systems-lab/dsse, protocol v1.0.2): a payload, its type, and who signed both.
import { LIMIT_ENVELOPE_BYTES, LIMIT_SIGNATURES } from "../abi/limits.ts";
import { concatBytes, fromBase64, toBase64, utf8 } from "../bytes.ts";
import { GuardError, type GuardErrorCode, quote } from "../errors.ts";
import { parseStrictJson } from "../kernel/strict-json.ts";
import { type Asking, answerNow } from "./asking.ts";
import type { PrivateKey, PublicKey } from "./keys.ts";

export interface EnvelopeSignature {
  readonly signature: Uint8Array;
  /** What the envelope claims; a note for people, never part of a decision. */
  readonly keyid: string | undefined;
}

/** A decoded envelope. Nothing in it is verified. */
export interface Envelope {
  readonly payloadType: string;
  /** The decoded payload: exactly the bytes that are signed and, once verified, parsed. */
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

export interface EnvelopeOptions {
  /** The code of a malformed envelope; default `CATALOG_ENVELOPE`. */
  readonly code?: GuardErrorCode;
  /** Bytes of the envelope, at most; default LIMIT_ENVELOPE_BYTES. */
  readonly sizeBytesMax?: number;
}

/**
 * The bytes that are signed: `DSSEv1 <size of type> <type> <size of payload> <payload>`, sizes in
 * decimal ASCII, counted in bytes.
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concatBytes(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

/**
 * Reads an envelope: size, then strict JSON, then its shape, then strict base64.
 *
 * Each base64 value is in the standard or the URL-safe alphabet, padded, never mixed within one
 * value. Unknown members are ignored. No signature at all is well-formed, and verifies nothing.
 *
 * @throws {GuardError} CATALOG_ENVELOPE (or `options.code`) when the container is malformed.
 */
export function parseEnvelope(bytes: Uint8Array, options: EnvelopeOptions = {}): Envelope {
  const { code = "CATALOG_ENVELOPE", sizeBytesMax = LIMIT_ENVELOPE_BYTES } = options;
  if (bytes.length > sizeBytesMax) {
    const message = `expected an envelope of at most ${sizeBytesMax} bytes, got ${bytes.length}`;
    throw new GuardError(code, message);
  }
  const document = membersOf(parseJson(bytes, code), "", code);
  const payloadType = textOf(document.get("payloadType"), "payloadType", code);
  const payloadText = textOf(document.get("payload"), "payload", code);
  const list = document.get("signatures");
  if (!Array.isArray(list)) throw wrongShape("an array", "signatures", code);
  if (list.length > LIMIT_SIGNATURES) {
    const message = `expected at most ${LIMIT_SIGNATURES} signatures, got ${list.length}`;
    throw new GuardError(code, message, { at: { path: "signatures" } });
  }
  const payload = decodeBase64(payloadText, "payload", code);
  const signatures = list.map((item: unknown, index) => {
    const path = `signatures[${index}]`;
    const members = membersOf(item, path, code);
    const keyid = members.get("keyid");
    if (keyid !== undefined) textOf(keyid, `${path}.keyid`, code);
    const signature = decodeBase64(
      textOf(members.get("sig"), `${path}.sig`, code),
      `${path}.sig`,
      code,
    );
    return { signature, keyid: typeof keyid === "string" ? keyid : undefined };
  });
  return { payloadType, payload, signatures };
}

/** A signed envelope; the payload is copied. Deterministic, because Ed25519 is. */
export function createEnvelope(
  payloadType: string,
  payload: Uint8Array,
  signers: readonly PrivateKey[],
): Envelope {
  return addSignatures({ payloadType, payload: payload.slice(), signatures: [] }, signers);
}

/** The envelope with one more signature for each signer; what is there stays as it is. */
export function addSignatures(envelope: Envelope, signers: readonly PrivateKey[]): Envelope {
  const signed = preAuthEncoding(envelope.payloadType, envelope.payload);
  const added = signers.map((key) => ({ signature: key.sign(signed), keyid: key.keyid }));
  return { ...envelope, signatures: [...envelope.signatures, ...added] };
}

/** JSON text of an envelope, one line, members in a fixed order, standard base64. */
export function serializeEnvelope(envelope: Envelope): string {
  return JSON.stringify({
    payload: toBase64(envelope.payload),
    payloadType: envelope.payloadType,
    signatures: envelope.signatures.map(({ keyid, signature }) => ({
      ...(keyid === undefined ? {} : { keyid }),
      sig: toBase64(signature),
    })),
  });
}

/**
 * The keyids of those `keys` that signed the envelope, each counted once however often its
 * signature or the key itself is repeated.
 *
 * A claimed keyid only says which key is tried first; whether one signed, its signature says.
 */
export function verifiedKeys(envelope: Envelope, keys: readonly PublicKey[]): Set<string> {
  return answerNow(askVerifiedKeys(envelope, keys));
}

/** `verifiedKeys`, one question a try. */
export function* askVerifiedKeys(
  envelope: Envelope,
  keys: readonly PublicKey[],
): Asking<Set<string>> {
  const signed = preAuthEncoding(envelope.payloadType, envelope.payload);
  const verified = new Set<string>();
  for (const { signature, keyid } of envelope.signatures) {
    // WHY: every try hashes the whole payload; with the right key first there is one a signature
    const hinted = keys.filter((key) => key.keyid === keyid);
    const others = keys.filter((key) => key.keyid !== keyid);
    for (const key of [...hinted, ...others]) {
      if (!(yield { key, message: signed, signature })) continue;
      verified.add(key.keyid);
      break;
    }
  }
  return verified;
}

function parseJson(bytes: Uint8Array, code: GuardErrorCode): unknown {
  try {
    return parseStrictJson(bytes);
  } catch (cause) {
    if (!(cause instanceof GuardError) || cause.code !== "JSON_INVALID") throw cause;
    const at = cause.at === undefined ? {} : { at: cause.at };
    throw new GuardError(code, `expected an envelope in strict JSON: ${cause.message}`, {
      cause,
      ...at,
    });
  }
}

/** The own members of a JSON object, in a Map: a `__proto__` member is one like any other. */
function membersOf(value: unknown, path: string, code: GuardErrorCode): Map<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongShape("an object", path, code);
  }
  return new Map(Object.entries(value));
}

function textOf(value: unknown, path: string, code: GuardErrorCode): string {
  if (typeof value !== "string") throw wrongShape("a string", path, code);
  return value;
}

function wrongShape(expected: string, path: string, code: GuardErrorCode): GuardError {
  const name = path === "" ? "the envelope" : quote(path);
  return new GuardError(code, `expected ${expected} as ${name}`, { at: { path } });
}

function decodeBase64(text: string, path: string, code: GuardErrorCode): Uint8Array {
  try {
    return fromBase64(text);
  } catch (cause) {
    throw new GuardError(code, `expected strict, padded base64 as ${quote(path)}`, {
      cause,
      at: { path },
    });
  }
}
