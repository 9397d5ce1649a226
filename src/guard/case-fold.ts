// Unicode simple case folding, the same in every runtime: member names that differ in case only are
// one name to a parser that ignores case (40-gateway section 4).
import { CASE_FOLD_RANGES } from "./case-fold-table.ts";

/**
 * `text` with every code point replaced by its simple case folding (Unicode 17.0, statuses C and S).
 *
 * Two texts are equal without regard to case exactly when their foldings are equal.
 */
export function simpleFold(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  let folded = "";
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const target = foldPoint(point);
    folded += target === point ? character : String.fromCodePoint(target);
  }
  return folded;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 0x7f) return false;
  }
  return true;
}

/** Binary search for the range that holds `point`. */
function foldPoint(point: number): number {
  let low = 0;
  let high = CASE_FOLD_RANGES.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const range = CASE_FOLD_RANGES[middle];
    if (range === undefined) return point;
    const [first, last, step, offset] = range;
    if (point < first) high = middle - 1;
    else if (point > last) low = middle + 1;
    else return (point - first) % step === 0 ? point + offset : point;
  }
  return point;
}
