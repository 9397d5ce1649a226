// What the scanner folds before it looks for words: the Unicode facts behind the fold table.
//
// Sources: Unicode 16 character data. Only code points whose target is printable ASCII fold, and
// upper-case Cyrillic, which folds to lower case first.
import {
  FOLD_MODE_DROP,
  FOLD_MODE_EMOJI,
  FOLD_MODE_HIDDEN,
  FOLD_MODE_ONE,
  FOLD_MODE_RUN,
} from "../abi/patterns.ts";

/** One row of the fold table; `first` and `last` are included. */
export interface FoldRow {
  readonly first: number;
  readonly last: number;
  readonly mode: number;
  /** A code point, or a rule for FOLD_MODE_HIDDEN. */
  readonly target: number;
}

/** Rules for hidden characters: the first ones of the pattern file, in this order. */
export const HIDDEN_RULES = {
  control: 0,
  zeroWidth: 1,
  bidi: 2,
  tag: 3,
  selector: 4,
  filler: 5,
} as const;

const HIDDEN: readonly (readonly [first: number, last: number, rule: number])[] = [
  [0x80, 0x84, HIDDEN_RULES.control],
  [0x86, 0x9f, HIDDEN_RULES.control],
  [0xad, 0xad, HIDDEN_RULES.zeroWidth],
  [0x34f, 0x34f, HIDDEN_RULES.zeroWidth],
  [0x61c, 0x61c, HIDDEN_RULES.bidi],
  [0x115f, 0x1160, HIDDEN_RULES.filler],
  [0x17b4, 0x17b5, HIDDEN_RULES.filler],
  [0x180b, 0x180f, HIDDEN_RULES.selector],
  [0x200b, 0x200d, HIDDEN_RULES.zeroWidth],
  [0x200e, 0x200f, HIDDEN_RULES.bidi],
  [0x202a, 0x202e, HIDDEN_RULES.bidi],
  [0x2060, 0x2065, HIDDEN_RULES.zeroWidth],
  [0x2066, 0x2069, HIDDEN_RULES.bidi],
  [0x206a, 0x206f, HIDDEN_RULES.zeroWidth],
  [0x2800, 0x2800, HIDDEN_RULES.filler],
  [0x3164, 0x3164, HIDDEN_RULES.filler],
  [0xfe00, 0xfe0f, HIDDEN_RULES.selector],
  [0xfeff, 0xfeff, HIDDEN_RULES.zeroWidth],
  [0xffa0, 0xffa0, HIDDEN_RULES.filler],
  [0xfff0, 0xfffb, HIDDEN_RULES.zeroWidth],
  [0x1bca0, 0x1bca3, HIDDEN_RULES.zeroWidth],
  [0x1d173, 0x1d17a, HIDDEN_RULES.zeroWidth],
  [0xe0000, 0xe00ff, HIDDEN_RULES.tag],
  [0xe0100, 0xe01ef, HIDDEN_RULES.selector],
  [0xe01f0, 0xe0fff, HIDDEN_RULES.tag],
];

/** Extended_Pictographic outside the letterlike blocks, skin tones and flag letters included. */
const EMOJI: readonly (readonly [first: number, last: number])[] = [
  [0xa9, 0xa9],
  [0xae, 0xae],
  [0x203c, 0x203c],
  [0x2049, 0x2049],
  [0x2122, 0x2122],
  [0x2139, 0x2139],
  [0x2194, 0x2199],
  [0x21a9, 0x21aa],
  [0x231a, 0x231b],
  [0x2328, 0x2328],
  [0x23cf, 0x23cf],
  [0x23e9, 0x23f3],
  [0x23f8, 0x23fa],
  [0x24c2, 0x24c2],
  [0x25aa, 0x25ab],
  [0x25b6, 0x25b6],
  [0x25c0, 0x25c0],
  [0x25fb, 0x25fe],
  [0x2600, 0x27bf],
  [0x2934, 0x2935],
  [0x2b05, 0x2b07],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b50],
  [0x2b55, 0x2b55],
  [0x3030, 0x3030],
  [0x303d, 0x303d],
  [0x3297, 0x3297],
  [0x3299, 0x3299],
  [0x1f000, 0x1f0ff],
  [0x1f18e, 0x1f18e],
  [0x1f191, 0x1f19a],
  [0x1f1e6, 0x1f1ff],
  [0x1f201, 0x1f202],
  [0x1f21a, 0x1f21a],
  [0x1f22f, 0x1f22f],
  [0x1f232, 0x1f23a],
  [0x1f250, 0x1f251],
  [0x1f300, 0x1faff],
];

/** Spaces, and marks that stand between words. */
const SPACES: readonly (readonly [first: number, last: number])[] = [
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0xab, 0xab],
  [0xb7, 0xb7],
  [0xbb, 0xbb],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2010, 0x2017],
  [0x201a, 0x2029],
  [0x202f, 0x203b],
  [0x203d, 0x2043],
  [0x2045, 0x2048],
  [0x204a, 0x205f],
  [0x2190, 0x2193],
  [0x2500, 0x257f],
  [0x3000, 0x3003],
  [0x3008, 0x3011],
  [0x3014, 0x301f],
];

const DROPPED: readonly (readonly [first: number, last: number])[] = [
  [0x2018, 0x2019],
  [0x300, 0x34e],
  [0x350, 0x36f],
  [0x483, 0x489],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20ff],
  [0xfe20, 0xfe2f],
];

/** Blocks whose compatibility decomposition is looked at; all of them are fully assigned. */
const COMPATIBILITY: readonly (readonly [first: number, last: number])[] = [
  [0xa1, 0x24f],
  [0x1d2c, 0x1d6a],
  [0x1e00, 0x1eff],
  [0x2070, 0x209c],
  [0x2100, 0x214f],
  [0x2160, 0x217f],
  [0x2460, 0x24ff],
  [0xff01, 0xff5e],
  [0x1d400, 0x1d7ff],
  [0x1f110, 0x1f149],
];

/** Letters of other scripts, each with the ASCII letter it is drawn like. */
const LOOK_ALIKES = [
  "аaеeоoрpсcуyхxѕsіiјjһhԁdԛqԝwӏlгrвbнhмmтtкkпnьbзeґrєeғfқkңhүyұyөoәeѵv", // Cyrillic
  "αaβbγyεeηnιiκkνvοoρpτtυuχxωwσoςcΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϲcϳj", // Greek
  "օoսuոnհhաwցgյjզqեeքpտsլl", // Armenian
  "ꓐBꓑPꓒdꓓDꓔTꓖGꓗKꓙJꓚCꓜZꓝFꓟMꓠNꓡLꓢSꓣRꓦVꓧHꓪWꓫXꓬYꓮAꓰEꓲIꓳOꓴU", // Lisu
  "ᎪAᏴBᏟCᎠDᎬEᎻHᎥiᎫJᏦKᏞLᎷMᏢPᏚSᎢTᏙVᎳWᏃZᏀGᎡR", // Cherokee
  "ɑaɡgıiʟlɪiɴnʀrʏyʙbɢgʜhᴀaᴄcᴅdᴇeᴊjᴋkᴍmᴏoᴘpᴛtᴜuᴠvᴡwᴢzꜰfꜱsƖlǀlɩiʋuᴦr∕/⁄/∶:․.‹<›>❮<❯>⟨<⟩>", // phonetic, marks
].join("");

/**
 * The fold table, in order and without overlap. Where two say something about a code point, the
 * first of these decides: hidden, dropped, emoji, space, look-alike, compatibility.
 */
export function foldRows(): readonly FoldRow[] {
  const folds = new Map<number, { readonly mode: number; readonly target: number }>();
  const fill = (first: number, last: number, mode: number, target: number): void => {
    for (let point = first; point <= last; point++) {
      if (!folds.has(point)) folds.set(point, { mode, target });
    }
  };
  for (const [first, last, rule] of HIDDEN) fill(first, last, FOLD_MODE_HIDDEN, rule);
  for (const [first, last] of DROPPED) fill(first, last, FOLD_MODE_DROP, 0);
  for (const [first, last] of EMOJI) fill(first, last, FOLD_MODE_EMOJI, 0);
  for (const [first, last] of SPACES) fill(first, last, FOLD_MODE_ONE, 0x20);
  const pairs = [...LOOK_ALIKES].map((letter) => letter.codePointAt(0) ?? 0);
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const point = pairs[index] ?? 0;
    fill(point, point, FOLD_MODE_ONE, pairs[index + 1] ?? 0);
  }
  for (let point = 0x410; point <= 0x42f; point++) fill(point, point, FOLD_MODE_ONE, point + 0x20);
  for (let point = 0x400; point <= 0x40f; point++) fill(point, point, FOLD_MODE_ONE, point + 0x50);
  for (const [first, last] of COMPATIBILITY) {
    for (let point = first; point <= last; point++) {
      const target = compatible(point);
      if (target !== undefined) fill(point, point, FOLD_MODE_ONE, target);
    }
  }
  return joinRuns(folds);
}

/** The one printable ASCII character that `point` decomposes to, marks aside. */
function compatible(point: number): number | undefined {
  const plain = String.fromCodePoint(point).normalize("NFKD").replace(/\p{M}/gu, "");
  return /^[!-~]$/.test(plain) ? plain.charCodeAt(0) : SPECIAL_LETTERS.get(point);
}

/** Latin letters with a stroke or a hook, which do not decompose. */
const SPECIAL_LETTERS: ReadonlyMap<number, number> = new Map(
  Object.entries({ ø: "o", Ø: "o", đ: "d", Đ: "d", ħ: "h", ł: "l", Ł: "l", ŧ: "t", ƒ: "f" }).map(
    ([letter, plain]) => [letter.charCodeAt(0), plain.charCodeAt(0)],
  ),
);

function joinRuns(
  folds: ReadonlyMap<number, { readonly mode: number; readonly target: number }>,
): readonly FoldRow[] {
  const rows: FoldRow[] = [];
  for (const [point, { mode, target }] of [...folds].sort(([a], [b]) => a - b)) {
    const last = rows.at(-1);
    const size = last === undefined ? 0 : point - last.first;
    if (last !== undefined && last.last + 1 === point) {
      if (last.mode === mode && last.target === target) {
        rows[rows.length - 1] = { ...last, last: point };
        continue;
      }
      const isRun = last.mode === FOLD_MODE_RUN || (last.mode === FOLD_MODE_ONE && size === 1);
      if (isRun && mode === FOLD_MODE_ONE && target === last.target + size) {
        rows[rows.length - 1] = { ...last, last: point, mode: FOLD_MODE_RUN };
        continue;
      }
    }
    rows.push({ first: point, last: point, mode, target });
  }
  return rows;
}
