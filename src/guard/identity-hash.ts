// The two pseudonyms that stores, frames and logs carry instead of names (40-gateway section 2).
import { isWellFormed, toHex, utf8 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { frameFields } from "../kernel/framed.ts";
import { hmacSha256 } from "../kernel/hmac.ts";

/** UTF-8 bytes of a principal or a session id. */
export const LIMIT_IDENTITY_BYTES = 2048;
/** Bytes of a pepper, at least. */
export const PEPPER_SIZE_BYTES_MIN = 16;

/**
 * Pseudonym of a principal: SHA-256 of `TAG("portcullis:principal:v1")`, u32le(size) and its UTF-8;
 * with a pepper, HMAC-SHA-256 of the same bytes under it.
 *
 * @param pepper at least 16 bytes, the same in every process that shares a store
 * @returns 64 lower-case hex digits
 * @throws {GuardError} ARGUMENT_INVALID for empty, ill-formed or too long text, or a short pepper
 */
export function principalHash(principal: string, pepper?: Uint8Array): string {
  return pseudonym("portcullis:principal:v1", "principal", principal, pepper);
}

/**
 * As `principalHash`, for a session id, under `TAG("portcullis:session:v1")`.
 *
 * @throws {GuardError} ARGUMENT_INVALID for empty, ill-formed or too long text, or a short pepper
 */
export function sessionHash(sessionId: string, pepper?: Uint8Array): string {
  return pseudonym("portcullis:session:v1", "session id", sessionId, pepper);
}

function pseudonym(tag: string, what: string, text: unknown, pepper: unknown): string {
  // WHY: TextEncoder makes every lone surrogate U+FFFD, and two names must never become one
  if (typeof text !== "string" || text === "" || !isWellFormed(text)) {
    throw invalid(`expected a ${what} of well-formed text, got ${describe(text)}`);
  }
  const bytes = utf8(text);
  if (bytes.length > LIMIT_IDENTITY_BYTES) {
    throw invalid(`expected a ${what} of at most ${LIMIT_IDENTITY_BYTES} bytes, got more`);
  }
  const framed = frameFields(tag, bytes);
  if (pepper === undefined) return toHex(sha256(framed));
  if (!(pepper instanceof Uint8Array) || pepper.length < PEPPER_SIZE_BYTES_MIN) {
    throw invalid(`expected a pepper of at least ${PEPPER_SIZE_BYTES_MIN} bytes`);
  }
  return toHex(hmacSha256(pepper, framed));
}

/** What a value is, never what it says: a principal may be somebody's name. */
function describe(value: unknown): string {
  if (typeof value !== "string") return value === null ? "null" : typeof value;
  return value === "" ? "empty text" : "a lone surrogate";
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
