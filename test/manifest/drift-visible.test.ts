import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visible, visibleLines } from "../../src/manifest/drift-visible.ts";

/** The text that `visible` was given. */
function hidden(shown: string): string {
  return shown.replace(/<U\+([0-9A-F]{4,6})>/g, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
}

const HIDDEN: readonly (readonly [string, number])[] = [
  ["a null", 0x0],
  ["an escape", 0x1b],
  ["a delete", 0x7f],
  ["a C1 control", 0x9b],
  ["a no-break space", 0xa0],
  ["a soft hyphen", 0xad],
  ["a grapheme joiner", 0x34f],
  ["an arabic letter mark", 0x61c],
  ["a hangul choseong filler", 0x115f],
  ["a vowel that is not shown", 0x17b4],
  ["a mongolian separator", 0x180e],
  ["a zero-width space", 0x200b],
  ["a zero-width joiner", 0x200d],
  ["a right-to-left mark", 0x200f],
  ["a line separator", 0x2028],
  ["a right-to-left override", 0x202e],
  ["a word joiner", 0x2060],
  ["an isolate", 0x2066],
  ["an inhibited form", 0x206f],
  ["a blank braille pattern", 0x2800],
  ["an ideographic space", 0x3000],
  ["a hangul filler", 0x3164],
  ["a variation selector", 0xfe00],
  ["an emoji selector without emoji", 0xfe0f],
  ["a byte order mark", 0xfeff],
  ["a halfwidth filler", 0xffa0],
  ["an interlinear mark", 0xfff9],
  ["a musical control", 0x1d173],
  ["a language tag", 0xe0001],
  ["a tag letter", 0xe0041],
  ["a supplementary selector", 0xe0100],
  ["a private character", 0xe000],
  ["a noncharacter", 0x10ffff],
];

describe("visible", () => {
  it.each(HIDDEN)("shows %s", (_, point) => {
    const hex = point.toString(16).toUpperCase().padStart(4, "0");
    expect(visible(`a${String.fromCodePoint(point)}b`)).toBe(`a<U+${hex}>b`);
  });

  it("shows half of a surrogate pair", () => {
    expect(visible("a\ud83d")).toBe("a<U+D83D>");
  });

  it("leaves what a person sees: letters of any script, marks, spaces, emoji", () => {
    const text =
      "Ångström naïve 日本語 עברית e\u0301 ❤\ufe0f ☎\ufe0e 1\ufe0f\u20e3 👍🏽 <b> <U+> <U+XYZ>";
    expect(visible(text)).toBe(text);
  });

  it("shows a selector behind a letter, and a second one behind an emoji", () => {
    expect(visible("a\ufe0f")).toBe("a<U+FE0F>");
    expect(visible("1\ufe0f")).toBe("1<U+FE0F>");
    expect(visible("❤\ufe0f\ufe0f")).toBe("❤\ufe0f<U+FE0F>");
  });

  it("a text that pretends to be a shown character is not taken for one", () => {
    expect(visible("<U+200B>")).toBe("<U+003C>U+200B>");
    expect(visible("\u200b")).toBe("<U+200B>");
  });

  it("two different texts stay different, whatever is in them", () => {
    const unit = fc.oneof(
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.constantFrom("<", "U+", "200B", ">", "\u200b", "❤", "\ufe0f", "1", "\u20e3", "003C"),
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 20 }), (parts) => {
        const text = parts.join("").toWellFormed();
        expect(hidden(visible(text))).toBe(text);
        expect(hidden(visibleLines(text))).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });

  it("a line feed stays only where lines are shown", () => {
    expect(visible("a\nb")).toBe("a<U+000A>b");
    expect(visibleLines("a\nb\r\tc")).toBe("a\nb<U+000D><U+0009>c");
  });
});
