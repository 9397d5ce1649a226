import { describe, expect, it } from "vitest";
import { simpleFold } from "../../src/guard/case-fold.ts";
import { CASE_FOLD_RANGES } from "../../src/guard/case-fold-table.ts";

const POINT_MAX = 0x10ffff;

function isSurrogate(point: number): boolean {
  return point >= 0xd800 && point <= 0xdfff;
}

/** True when this engine knows the character; an older one than the table has fewer. */
function isAssigned(character: string): boolean {
  return !/\p{Cn}/u.test(character);
}

/** True when this engine's own simple folding, that of `/iu`, takes both for one character. */
function isSameToEngine(a: string, b: string): boolean {
  const point = a.codePointAt(0) ?? 0;
  return new RegExp(`^\\u{${point.toString(16)}}$`, "iu").test(b);
}

/** Variants of one character that are one code point themselves. */
function variantsOf(character: string): readonly string[] {
  const lower = character.toLowerCase();
  const upper = character.toUpperCase();
  const all = [lower, upper, lower.toUpperCase(), upper.toLowerCase(), simpleFold(character)];
  return [...new Set(all)].filter((one) => one !== character && [...one].length === 1);
}

describe("simpleFold", () => {
  it("the ranges ascend and do not overlap, so that a search finds the only one", () => {
    let previous = -1;
    for (const [first, last, step, offset] of CASE_FOLD_RANGES) {
      expect(first).toBeGreaterThan(previous);
      expect(last).toBeGreaterThanOrEqual(first);
      expect((last - first) % step).toBe(0);
      expect(offset).not.toBe(0);
      previous = last;
    }
  });

  it("agrees with the engine's own simple folding on every character the engine knows", () => {
    const wrong: string[] = [];
    let compared = 0;
    for (let point = 0; point <= POINT_MAX; point++) {
      if (isSurrogate(point)) continue;
      const character = String.fromCodePoint(point);
      for (const variant of variantsOf(character)) {
        if (!isAssigned(character) || !isAssigned(variant)) continue;
        compared += 1;
        const isSame = simpleFold(character) === simpleFold(variant);
        if (isSame !== isSameToEngine(character, variant)) wrong.push(point.toString(16));
      }
    }
    // U+1FD3, U+1FE3 and U+FB05 came with Unicode 15.1
    expect(wrong.filter((point) => !["1fd3", "1fe3", "fb05"].includes(point))).toEqual([]);
    expect(compared).toBeGreaterThan(2800);
  });

  it("folding twice changes nothing more", () => {
    for (let point = 0; point <= POINT_MAX; point++) {
      if (isSurrogate(point)) continue;
      const once = simpleFold(String.fromCodePoint(point));
      if (simpleFold(once) !== once) expect.fail(`U+${point.toString(16)}`);
    }
  });

  it.each([
    ["Path", "path"],
    ["pa\u017fs", "pass"],
    ["\u212aey", "key"],
    ["STRA\u1e9eE", "stra\u00dfe"],
    ["\u0391\u03a3\u03c2", "\u03b1\u03c3\u03c3"],
    ["\u{10400}", "\u{10428}"],
    ["\u13f8\uab70", "\u13f0\u13a0"],
  ])("%s folds to %s", (text, folded) => {
    expect(simpleFold(text)).toBe(folded);
  });

  it.each([
    ["I\u0307"],
    ["\u0130"],
    ["\u0131"],
    ["stra\u00dfe"],
    ["a_b-c.0"],
  ])("%s keeps what only full or Turkic folding would change", (text) => {
    expect(simpleFold(text)).toBe(text.replace("I", "i"));
  });
});
