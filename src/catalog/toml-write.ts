// Single keys and values as TOML text.

const BARE_KEY = /^[A-Za-z0-9_-]+$/;
// WHY: a reviewer must see what a name holds; U+FEFF and controls may not stand in a catalog at all
const HIDDEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * `text` as a basic string on one line. Control, format, separator (but the space) and invisible
 * characters are written as escapes.
 */
export function tomlString(text: string): string {
  const body = text.replace(/["\\]/g, "\\$&").replace(HIDDEN, (character) => {
    if (character === " ") return character;
    const point = character.codePointAt(0) ?? 0;
    return point > 0xffff ? `\\U${hex(point, 8)}` : `\\u${hex(point, 4)}`;
  });
  return `"${body}"`;
}

/** `name` as a key: bare where TOML allows it, else quoted. */
export function tomlKey(name: string): string {
  return BARE_KEY.test(name) ? name : tomlString(name);
}

/** A dotted key. */
export function tomlDottedKey(names: readonly string[]): string {
  return names.map(tomlKey).join(".");
}

/** An array of strings on one line. */
export function tomlStrings(texts: readonly string[]): string {
  return `[${texts.map(tomlString).join(", ")}]`;
}

function hex(point: number, width: number): string {
  return point.toString(16).padStart(width, "0");
}
