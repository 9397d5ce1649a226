// From text to the symbols that the automaton reads: what the kernel's folding comes to, for the
// compiler and for the scanner's oracle in the tests.
import * as abi from "../abi/patterns.ts";
import { GuardError, quote } from "../errors.ts";
import type { FoldRow } from "./folds.ts";

export interface Alphabet {
  /** Class of each ASCII byte. */
  readonly classes: Uint8Array;
  /** Classes from here on are punctuation that some phrase names. */
  readonly punctuationFirst: number;
  readonly folds: readonly FoldRow[];
}

const APOSTROPHE = 0x27;
const LETTER_COUNT = 26;

/**
 * Gives every letter a class, and every digit and mark that a phrase uses; the other digits are one
 * class, the other marks are spaces, the apostrophe is nothing.
 */
export function makeAlphabet(phrases: readonly string[], folds: readonly FoldRow[]): Alphabet {
  const used = new Set(phrases.flatMap((phrase) => [...bare(phrase)].map((c) => c.charCodeAt(0))));
  const classes = new Uint8Array(abi.PATTERN_CLASSES_SIZE).fill(abi.CLASS_SPACE);
  for (let byte = 0; byte < 0x20; byte++) {
    const isSpace = byte === 9 || byte === 10 || byte === 13;
    if (!isSpace) classes[byte] = abi.CLASS_CONTROL;
  }
  classes[0x7f] = abi.CLASS_CONTROL;
  for (let index = 0; index < LETTER_COUNT; index++) {
    classes[0x41 + index] = abi.CLASS_LETTER + index;
    classes[0x61 + index] = abi.CLASS_LETTER + index;
  }
  let next = abi.CLASS_LETTER + LETTER_COUNT;
  for (let byte = 0x30; byte <= 0x39; byte++) {
    classes[byte] = used.has(byte) ? next++ : abi.CLASS_OTHER;
  }
  const punctuationFirst = next;
  for (let byte = 0x21; byte < 0x7f; byte++) {
    const isMark = classes[byte] === abi.CLASS_SPACE;
    if (isMark && used.has(byte)) classes[byte] = next++;
  }
  classes[APOSTROPHE] = abi.CLASS_DROP;
  if (next <= abi.CLASS_COUNT) return { classes, punctuationFirst, folds };
  throw new GuardError("PATTERN_INVALID", `expected at most ${abi.CLASS_COUNT} classes`);
}

/** A phrase without its notation. */
function bare(phrase: string): string {
  return phrase.replace(/^\*|\*$/g, "").replaceAll("¦", "|");
}

/** Folded text as symbols: one space at the start, and no two in a row. */
export function foldText(text: string, alphabet: Alphabet): number[] {
  const symbols: number[] = [abi.CLASS_SPACE];
  const push = (symbol: number): void => {
    if (symbol !== abi.CLASS_SPACE || symbols.at(-1) !== abi.CLASS_SPACE) symbols.push(symbol);
  };
  for (const character of text) {
    for (const symbol of pointSymbols(character.codePointAt(0) ?? 0, alphabet)) {
      const isMark = symbol >= alphabet.punctuationFirst;
      if (isMark) push(abi.CLASS_SPACE);
      push(symbol);
      if (isMark) push(abi.CLASS_SPACE);
    }
  }
  return symbols;
}

/** Symbols of one code point, spaces around marks left out. */
export function pointSymbols(first: number, alphabet: Alphabet): readonly number[] {
  let point = first;
  for (let turn = 0; turn < 2 && point >= 0x80; turn++) {
    const row = findRow(point, alphabet.folds);
    if (row === undefined) break;
    if (row.mode === abi.FOLD_MODE_DROP || row.mode === abi.FOLD_MODE_HIDDEN) return [];
    if (row.mode === abi.FOLD_MODE_EMOJI) return [abi.CLASS_SPACE];
    point = row.target + (row.mode === abi.FOLD_MODE_RUN ? point - row.first : 0);
  }
  if (point < 0x80) {
    const symbol = alphabet.classes[point] ?? abi.CLASS_OTHER;
    return symbol < 0x80 ? [symbol] : [];
  }
  const nibbles = [12, 8, 4, 0].map((shift) => abi.CLASS_NIBBLE + ((point >> shift) & 15));
  return [abi.CLASS_POINT, ...nibbles];
}

function findRow(point: number, folds: readonly FoldRow[]): FoldRow | undefined {
  let low = 0;
  let high = folds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = folds[middle];
    if (row === undefined) return undefined;
    if (point < row.first) high = middle;
    else if (point > row.last) low = middle + 1;
    else return row;
  }
  return undefined;
}

/** Scripts that are written without spaces: their phrases match anywhere. */
const UNSPACED = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}/u;

/** A phrase as symbols, its boundaries included, and how many letters it has. */
export function symbolsOf(
  phrase: string,
  alphabet: Alphabet,
): { readonly symbols: readonly number[]; readonly letters: number } {
  const isUnspaced = UNSPACED.test(phrase);
  const folded = foldText(bare(phrase), alphabet);
  const inner = folded.at(-1) === abi.CLASS_SPACE ? folded.slice(1, -1) : folded.slice(1);
  if (inner.length === 0) {
    throw new GuardError("PATTERN_INVALID", `expected a phrase, got ${quote(phrase)}`);
  }
  const isOpenAtStart = isUnspaced || phrase.startsWith("*");
  // a mark has a space behind it in any case
  const isMarkLast = (inner.at(-1) ?? 0) >= alphabet.punctuationFirst;
  const isOpenAtEnd = !isMarkLast && (isUnspaced || phrase.endsWith("*"));
  const symbols = [
    ...(isOpenAtStart ? [] : [abi.CLASS_SPACE]),
    ...inner,
    ...(isOpenAtEnd ? [] : [abi.CLASS_SPACE]),
  ];
  return { symbols, letters: countLetters(inner, alphabet.punctuationFirst) };
}

function countLetters(symbols: readonly number[], punctuationFirst: number): number {
  let count = 0;
  for (const symbol of symbols) {
    const isNibble = symbol >= abi.CLASS_NIBBLE && symbol < abi.CLASS_LETTER;
    const isMark = symbol === abi.CLASS_SPACE || symbol >= punctuationFirst;
    if (!isNibble && !isMark) count += 1;
  }
  return count;
}
