import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { driftBudget, type WordEdit } from "../../src/manifest/drift-types.ts";
import { diffWords } from "../../src/manifest/drift-words.ts";

function side(edits: readonly WordEdit[], op: "removed" | "added"): string {
  return edits
    .filter((edit) => edit.op === "same" || edit.op === op)
    .map(({ text }) => text)
    .join("");
}

function diff(before: string, after: string): readonly WordEdit[] {
  return diffWords(before, after, driftBudget());
}

/** How many words a shortest edit keeps, by the textbook table. */
function commonWords(before: readonly string[], after: readonly string[]): number {
  let row = new Array<number>(after.length + 1).fill(0);
  for (const word of before) {
    const next = [0];
    for (const [index, other] of after.entries()) {
      const diagonal = (row[index] ?? 0) + 1;
      next.push(word === other ? diagonal : Math.max(row[index + 1] ?? 0, next[index] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const words = fc.array(fc.constantFrom("read", "send", "a", "file", "to", "<U+200B>", "é", "!"), {
  maxLength: 40,
});
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  words.map((list) => list.join(" ")),
);

describe("diffWords", () => {
  it("what stays and goes is the old text, what stays and comes is the new one", () => {
    fc.assert(
      fc.property(anyText, anyText, (before, after) => {
        const edits = diff(before, after);
        expect(side(edits, "removed")).toBe(before);
        expect(side(edits, "added")).toBe(after);
      }),
      { numRuns: 2000 },
    );
  });

  it("edits are never empty, and neighbours never of one kind", () => {
    fc.assert(
      fc.property(anyText, anyText, (before, after) => {
        const edits = diff(before, after);
        for (const [index, { op, text }] of edits.entries()) {
          expect(text).not.toBe("");
          expect(edits[index + 1]?.op).not.toBe(op);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps as many words as a longest common subsequence has", () => {
    // single characters that are no letters are words of their own, and no white space is between
    const symbols = fc.array(fc.constantFrom("!", "?", "+", "-"), { maxLength: 30 });
    fc.assert(
      fc.property(symbols, symbols, (before, after) => {
        const kept = diff(before.join(""), after.join(""))
          .filter(({ op }) => op === "same")
          .map(({ text }) => text)
          .join("");
        expect(kept.length).toBe(commonWords(before, after));
      }),
      { numRuns: 1000 },
    );
  });

  it("names the words that changed and no others", () => {
    expect(diff("Reads a file.", "Reads a file and sends it.")).toEqual([
      { op: "same", text: "Reads a file" },
      { op: "added", text: " and sends it" },
      { op: "same", text: "." },
    ]);
  });

  it("joins changed words that only a space separates", () => {
    expect(diff("one two three four", "one 2 3 four")).toEqual([
      { op: "same", text: "one " },
      { op: "removed", text: "two three" },
      { op: "added", text: "2 3" },
      { op: "same", text: " four" },
    ]);
  });

  it("a shown hidden character is a word of its own", () => {
    expect(diff("read", "re<U+200B>ad")).toContainEqual({ op: "added", text: "re<U+200B>ad" });
    expect(diff("read", "read<U+200B>")).toEqual([
      { op: "same", text: "read" },
      { op: "added", text: "<U+200B>" },
    ]);
  });

  it("equal texts give one edit, empty ones none", () => {
    expect(diff("a b", "a b")).toEqual([{ op: "same", text: "a b" }]);
    expect(diff("", "")).toEqual([]);
  });
});

describe("bounds of diffWords", () => {
  it("1 000 edits are found, 1 001 are one replacement", () => {
    const around = (mark: string, count: number) => `${mark.repeat(250)}=${mark.repeat(count)}`;
    const found = diff(around("!", 250), around("?", 250));
    expect(found.filter(({ op }) => op === "same")).toEqual([{ op: "same", text: "=" }]);
    expect(diff(around("!", 251), around("?", 250))).toEqual([
      { op: "removed", text: around("!", 251) },
      { op: "added", text: around("?", 250) },
    ]);
  });

  it("an empty budget gives one replacement between what both texts begin and end with", () => {
    const budget = { stepsLeft: 0, fieldsLeft: 0 };
    expect(diffWords("x a = b y", "x c = d y", budget)).toEqual([
      { op: "same", text: "x " },
      { op: "removed", text: "a = b" },
      { op: "added", text: "c = d" },
      { op: "same", text: " y" },
    ]);
  });

  it("texts made to be slow spend the budget and no more", () => {
    const budget = driftBudget();
    const before = "! ?".repeat(100_000);
    const after = `${"?".repeat(900)}${"! ?".repeat(99_000)}+${"?!".repeat(400)}`;
    const edits = diffWords(before, after, budget);
    expect(side(edits, "removed")).toBe(before);
    expect(side(edits, "added")).toBe(after);
    expect(budget.stepsLeft).toBeGreaterThan(-300_000);
  });
});
