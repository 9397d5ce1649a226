// Textual encoding of one key or signature (RFC 7468, strict form of one block).
import { fromBase64, toBase64 } from "../bytes.ts";
import { GuardError, type GuardErrorCode, quote } from "../errors.ts";

const LINE_CHARACTERS = 64;
/** Characters of a PEM text; the largest legitimate one, a key, is under 2 000. */
const PEM_CHARACTERS_MAX = 65_536;
const BOUNDARY_BEGIN = /^-----BEGIN ([A-Z0-9 ]{1,40})-----$/;

export interface PemBlock {
  /** E.g. `PRIVATE KEY`. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads exactly one block: white space around it is ignored, headers and other text are refused.
 *
 * @param text the PEM; lines end in LF or CRLF.
 * @param what for the message, e.g. `a key file`; the content is never quoted.
 * @throws {GuardError} `code` when the text is anything else.
 */
export function readPem(text: string, what: string, code: GuardErrorCode): PemBlock {
  const malformed = (got: string): GuardError =>
    new GuardError(code, `expected ${what} with exactly one PEM block, got ${got}`);
  if (text.length > PEM_CHARACTERS_MAX) throw malformed(`${text.length} characters`);
  const lines = text.trim().split(/\r?\n/);
  const label = BOUNDARY_BEGIN.exec(lines[0] ?? "")?.[1];
  if (label === undefined) throw malformed("no BEGIN line at its start");
  if (lines.at(-1) !== `-----END ${label}-----`) throw malformed(`no END line for ${quote(label)}`);
  const body = lines.slice(1, -1).join("");
  if (body === "") throw malformed("an empty block");
  try {
    return { label, bytes: fromBase64(body) };
  } catch {
    throw malformed("a body that is not base64");
  }
}

/** One block with 64-character lines and a final line feed. */
export function writePem(
  label: string,
  bytes: Uint8Array,
  lineCharacters: number = LINE_CHARACTERS,
): string {
  const body = toBase64(bytes);
  const lines: string[] = [];
  for (let start = 0; start < body.length; start += lineCharacters) {
    lines.push(body.slice(start, start + lineCharacters));
  }
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
