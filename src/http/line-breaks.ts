// A message that came over HTTP may be written on several lines. On a pipe each of them would be a
// message of its own, so the guard judges it as one line (50-proxy section 2, "Line breaks").

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/**
 * The text with a space for every line break outside strings: as long as before, and the same JSON.
 * Those in strings stay, and no strict reader takes them.
 *
 * @returns `text` itself when there is nothing to change
 */
export function onOneLine(text: Uint8Array): Uint8Array {
  if (!text.includes(LF) && !text.includes(CR)) return text;
  const line = new Uint8Array(text);
  let isInString = false;
  for (let at = 0; at < line.length; at++) {
    const byte = line[at];
    if (isInString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === LF || byte === CR) line[at] = SPACE;
  }
  return line;
}

/** The text and a line feed: what a session takes. */
export function frameOf(line: Uint8Array): Uint8Array {
  const frame = new Uint8Array(line.length + 1);
  frame.set(line);
  frame[line.length] = LF;
  return frame;
}
