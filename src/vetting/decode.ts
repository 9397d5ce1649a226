// Texts that are written so that a reader sees something else than the model: base64, percent and
// character escapes, letters pulled apart, digits for letters, words run together. Each is undone
// once, and what comes out is scanned like the rest.
import { SHAPE_DIGITS, SHAPE_LONG_WORD, SHAPE_SPACED } from "../abi/patterns.ts";
import type { TextField } from "./scanner.ts";

export interface DecodedText extends TextField {
  /** Index of the field it comes from. */
  readonly field: number;
  /** Where the encoded text is, in UTF-16 units of that field. */
  readonly start: number;
  readonly end: number;
  readonly encoding: string;
}

/** Decoded texts of one definition, all together, in UTF-16 units. */
const DECODED_LENGTH_MAX = 1 << 20;

const BASE64 = /[A-Za-z0-9+/_-]{14,}={0,2}/g;
/** Two escapes in a row, or as good as: with at most 24 characters between them. */
const ESCAPED = /(?:%[0-9A-Fa-f]{2}|&#x?[0-9A-Fa-f]{1,6};|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})/g;
const SPACED = /(?:[\p{L}\p{N}@][\s.\-_*|,]+){7,}[\p{L}\p{N}]/gu;
const LEET = /[A-Za-z0-9@$]+/g;
const PRINTABLE = /^[\t\n\r\x20-\x7e\u00a0-\u{10ffff}]+$/u;
const WORDS = /[A-Za-z]{3,}/g;

/** What the digit 1 may stand for; one reading at a time. */
const ONES: readonly string[] = ["i", "l"];
const LEET_LETTERS: ReadonlyMap<string, string> = new Map([
  ["0", "o"],
  ["3", "e"],
  ["4", "a"],
  ["5", "s"],
  ["7", "t"],
  ["@", "a"],
  ["$", "s"],
]);

/**
 * What `fields` come to when their encodings are undone.
 *
 * @param shape SHAPE_* of the fields: what none of them can hold is not looked for
 */
export function decodeFields(fields: readonly TextField[], shape: number): readonly DecodedText[] {
  const found: DecodedText[] = [];
  let length = 0;
  for (const [field, { path, kind, text }] of fields.entries()) {
    const add = (encoding: string, start: number, end: number, decoded: string | undefined) => {
      if (decoded === undefined || decoded === text) return;
      length += decoded.length;
      if (length > DECODED_LENGTH_MAX) return;
      found.push({ field, path, kind, start, end, encoding, text: decoded });
    };
    if ((shape & SHAPE_LONG_WORD) !== 0) {
      for (const match of text.matchAll(BASE64)) {
        add("base64", match.index, match.index + match[0].length, fromBase64Text(match[0]));
      }
      add("escapes", 0, text.length, undoEscapes(text));
    }
    if ((shape & SHAPE_SPACED) !== 0) {
      for (const match of text.matchAll(SPACED)) {
        add("spaced letters", match.index, match.index + match[0].length, joinLetters(match[0]));
      }
    }
    if ((shape & SHAPE_DIGITS) !== 0) {
      for (const one of ONES) add("digits for letters", 0, text.length, unleet(text, one));
    }
  }
  return found;
}

/** Text of base64 whose bytes are readable; `undefined` for keys, hashes, words and paths. */
function fromBase64Text(encoded: string): string | undefined {
  const standard = encoded.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  if (standard.length % 4 === 1) return undefined;
  let bytes: string;
  try {
    bytes = atob(standard);
  } catch {
    return undefined;
  }
  const decoded = utf8TextOf(bytes);
  if (decoded === undefined || !PRINTABLE.test(decoded)) return undefined;
  const letters = decoded.match(WORDS)?.join("").length ?? 0;
  return letters * 3 >= decoded.length ? decoded : undefined;
}

/** UTF-8 bytes in a binary string as text. */
function utf8TextOf(binary: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(binary, (c) => c.charCodeAt(0)),
    );
  } catch {
    return undefined;
  }
}

/** Percent, HTML and backslash escapes undone, when there are at least three. */
function undoEscapes(text: string): string | undefined {
  if ((text.match(ESCAPED)?.length ?? 0) < 3) return undefined;
  return text.replace(ESCAPED, (found) => {
    const isDecimal = found.startsWith("&#") && !/^&#x/i.test(found);
    const digits = found.replace(/^(?:%|&#x?|\\[xu])/i, "").replace(";", "");
    const point = Number.parseInt(digits, isDecimal ? 10 : 16);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : " ";
  });
}

/**
 * Letters that stand apart, together again. Two or more separators part words; where all are
 * single, the words stay run together.
 */
function joinLetters(text: string): string {
  const words = text.split(/\s{2,}/).map((word) => word.replace(/[\s.\-_*|,]/g, ""));
  return unleet(words.join(" "), "i") ?? words.join(" ");
}

/** Digits as the letters they are drawn like, when at least three words mix them. */
function unleet(text: string, one: string): string | undefined {
  let count = 0;
  const plain = text.replace(LEET, (word) => {
    if (!/[0-9@$]/.test(word) || (!/[A-Za-z]/.test(word) && word.length < 3)) return word;
    if (/^(?:[A-Fa-f0-9]{16,}|[0-9]+)$/.test(word) && !/^[134570]{3}$/.test(word)) return word;
    count += 1;
    return [...word].map((c) => (c === "1" ? one : (LEET_LETTERS.get(c) ?? c))).join("");
  });
  return count >= 3 ? plain : undefined;
}
