// Line ends: the one change to a signed text that nobody sees. Git and editors make it, so a
// signature that fails because of it says so.

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** WHY: an explanation hashes the text again for every key; a huge forgery gets none. */
const EXPLAINED_SIZE_BYTES_MAX = 1_048_576;

/** True when a line of `bytes` ends in CRLF. */
export function hasCrlf(bytes: Uint8Array): boolean {
  let at = bytes.indexOf(CARRIAGE_RETURN);
  while (at !== -1 && bytes[at + 1] !== LINE_FEED) at = bytes.indexOf(CARRIAGE_RETURN, at + 1);
  return at !== -1;
}

/** A copy with LF at the end of each line that had CRLF. */
export function withLf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    bytes.filter((byte, index) => byte !== CARRIAGE_RETURN || bytes[index + 1] !== LINE_FEED),
  );
}

/** A copy with CRLF at the end of each line. */
export function withCrlf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isBare = (byte: number, index: number): boolean =>
    byte === LINE_FEED && bytes[index - 1] !== CARRIAGE_RETURN;
  let size = bytes.length;
  for (const [index, byte] of bytes.entries()) if (isBare(byte, index)) size += 1;
  const text = new Uint8Array(size);
  let offset = 0;
  for (const [index, byte] of bytes.entries()) {
    if (isBare(byte, index)) text[offset++] = CARRIAGE_RETURN;
    text[offset++] = byte;
  }
  return text;
}

/**
 * Why a text is not the expected one, when its line ends may be the reason.
 *
 * @param isExpected - whether other bytes are the expected ones
 * @returns what to say behind `got`; `undefined` when line ends have nothing to do with it.
 */
export function lineEndFault(
  bytes: Uint8Array,
  isExpected: (bytes: Uint8Array) => boolean,
): string | undefined {
  if (bytes.length > EXPLAINED_SIZE_BYTES_MAX) return undefined;
  const advice = "restore its line ends, and let git leave them alone: `*.toml -text`";
  if (!hasCrlf(bytes)) {
    if (!isExpected(withCrlf(bytes))) return undefined;
    return `that file converted from CRLF to LF line ends; ${advice}`;
  }
  if (isExpected(withLf(bytes))) {
    return `that file converted from LF to CRLF line ends; ${advice}`;
  }
  return `a file with CRLF line ends, which was likely converted; ${advice}`;
}
