// Makes visible what a reader of a definition cannot see, or what changes how the rest is shown.

// An emoji with its presentation selector and a keycap stay (UTS #51); every other selector, the
// joiners, tags, bidirectional controls, fillers, separators and controls are shown. U+2800 is a
// blank that no property names. `<U+` of the text itself is escaped too, so no text can pretend.
const SHOWN =
  /(?!\p{C})\p{Extended_Pictographic}[\uFE0E\uFE0F]|[0-9#*]\uFE0F\u20E3|<(?=U\+[0-9A-F]{4,6}>)|[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/**
 * `text` with control, format, separator, unassigned and invisible characters as `<U+200B>`; a
 * space stays. Two different texts stay different.
 */
export function visible(text: string): string {
  return text.replace(SHOWN, (found) => show(found, " "));
}

/** As `visible`, but line feeds stay: for texts that are shown line by line. */
export function visibleLines(text: string): string {
  return text.replace(SHOWN, (found) => show(found, " \n"));
}

function show(found: string, kept: string): string {
  if (kept.includes(found)) return found;
  const point = found.codePointAt(0) ?? 0;
  // more than one character: an emoji or a keycap
  if (found.length > (point > 0xffff ? 2 : 1)) return found;
  return `<U+${point.toString(16).toUpperCase().padStart(4, "0")}>`;
}
