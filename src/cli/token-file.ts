// `tokens` in a home: who may call `portcullis serve` with which bearer token. Digests, never tokens.
import { join } from "node:path";

import { utf8Text } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import type { StaticToken } from "../http/auth.ts";
import { MODE_PRIVATE_FILE, readOptionalFile, readRequiredText, writeFileAtomic } from "./files.ts";

/** Bytes of the file, at most. */
export const LIMIT_TOKENS_BYTES = 4_194_304;

const LINE = /^sha256:([0-9a-f]{64}) +(\S+)(?: +(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ))?$/;
const HEADER = `# Who may call \`portcullis serve\`: sha256:<digest of the token> <principal> [<end>]
`;

/** The tokens of a home; none when there is no file. */
export function tokenFile(homePath: string): string {
  return join(homePath, "tokens");
}

/**
 * Reads tokens: a line each, `#` begins a comment.
 *
 * @throws {GuardError} CONFIG_INVALID for a line that is none; FILE_UNREADABLE
 */
export function readTokenFile(file: string): readonly StaticToken[] {
  return parse(readRequiredText(file, LIMIT_TOKENS_BYTES), file);
}

/** As `readTokenFile`; none when there is no file. */
export function readOptionalTokens(file: string): readonly StaticToken[] {
  const bytes = readOptionalFile(file, LIMIT_TOKENS_BYTES);
  return bytes === undefined ? [] : parse(utf8Text(bytes) ?? "\0", file);
}

/** Adds a line; the file is made when there is none. @throws {GuardError} FILE_UNREADABLE */
export function addToken(file: string, { sha256, principal, expiresAtMs }: StaticToken): void {
  const bytes = readOptionalFile(file, LIMIT_TOKENS_BYTES);
  let text = bytes === undefined ? HEADER : (utf8Text(bytes) ?? "");
  if (text !== "" && !text.endsWith("\n")) text += "\n";
  const end = expiresAtMs === undefined ? "" : ` ${isoSeconds(expiresAtMs)}`;
  writeFileAtomic(file, `${text}sha256:${sha256} ${principal}${end}\n`, MODE_PRIVATE_FILE);
}

/** A moment, whole seconds. */
export function isoSeconds(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, "Z");
}

function parse(text: string, file: string): readonly StaticToken[] {
  const found: StaticToken[] = [];
  for (const [index, written] of text.split("\n").entries()) {
    const line = written.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, sha256, principal, end] = LINE.exec(line) ?? [];
    const expiresAtMs = end === undefined ? undefined : Date.parse(end);
    if (sha256 === undefined || principal === undefined || Number.isNaN(expiresAtMs)) {
      const message =
        "expected `sha256:<64 hex digits> <principal> [<end in UTC>]`, got another line";
      throw new GuardError("CONFIG_INVALID", message, { at: { file, line: index + 1 } });
    }
    found.push({ sha256, principal, expiresAtMs });
  }
  return found;
}
