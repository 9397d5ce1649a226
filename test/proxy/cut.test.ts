import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { applyEdits, cutElements, outsideOf } from "../../src/proxy/cut.ts";
import {
  elementsOf,
  foldName,
  membersOf,
  readString,
  valueAt,
  wholeValue,
} from "../../src/proxy/json-members.ts";

function cutArray(text: string, keeps: readonly boolean[]): string | undefined {
  const bytes = utf8(text);
  const span = wholeValue(bytes);
  const edits = cutElements(span, elementsOf(bytes, span) ?? [], keeps);
  return utf8Text(applyEdits(bytes, edits));
}

describe("cutElements", () => {
  it.each([
    ["[1, 2 ,3]", [true, true, true], "[1, 2 ,3]"],
    ["[1, 2 ,3]", [false, true, true], "[2 ,3]"],
    ["[ 1, 2 ,3 ]", [true, false, true], "[ 1, 3 ]"],
    ["[ 1, 2 ,3 ]", [true, true, false], "[ 1, 2 ]"],
    ["[ 1, 2 ,3 ]", [true, false, false], "[ 1 ]"],
    ["[ 1, 2 ,3 ]", [false, false, true], "[ 3 ]"],
    ["[ 1, 2 ,3 ]", [false, false, false], "[]"],
    ["[]", [], "[]"],
  ])("%s kept %j is %s", (text, keeps, expected) => {
    expect(cutArray(text, keeps)).toBe(expected);
  });

  it("leaves an array of exactly the kept elements, for any JSON and any white space", () => {
    const spaces = fc.constantFrom(0, 1, 4);
    const pairs = fc.array(fc.tuple(fc.jsonValue(), fc.boolean()));
    fc.assert(
      fc.property(pairs, spaces, (elements, indent) => {
        const values = elements.map(([value]) => value);
        const text = JSON.stringify(values, undefined, indent);
        const cut = cutArray(
          text,
          elements.map(([, keeps]) => keeps),
        );
        const kept = elements.filter(([, keeps]) => keeps).map(([value]) => value);
        expect(JSON.parse(cut ?? "")).toEqual(JSON.parse(JSON.stringify(kept)));
      }),
    );
  });
});

describe("applyEdits", () => {
  it("makes as many edits as a listing may have items", () => {
    const count = 262_144;
    const edits = Array.from({ length: count }, (_, at) => ({ start: 2 * at, end: 2 * at + 1 }));
    expect(applyEdits(utf8("ab".repeat(count)), edits).length).toBe(count);
  });
});

describe("outsideOf", () => {
  const at = (start: number, end: number): { start: number; end: number } => ({ start, end });

  it("leaves out what is cut anyway, and nothing else", () => {
    const cuts = [at(2, 5), at(7, 9)];
    const edits = [at(9, 10), at(7, 9), at(3, 3), at(5, 6), at(0, 2), at(2, 5), at(8, 9), at(6, 6)];
    expect(outsideOf(cuts, edits)).toEqual([at(0, 2), at(5, 6), at(6, 6), at(9, 10)]);
  });

  it("takes the time of both, not of their product", () => {
    const count = 100_000;
    const cuts = Array.from({ length: count }, (_, index) => at(4 * index, 4 * index + 1));
    const edits = cuts.map(({ start }) => at(start + 2, start + 3));
    // each look at a cut is counted: the product would be 10 000 000 000
    let lookCount = 0;
    const counted = cuts.map(({ start, end }) => ({
      start,
      get end() {
        lookCount += 1;
        return end;
      },
    }));
    expect(outsideOf(counted, edits)).toHaveLength(count);
    expect(lookCount).toBeLessThan(3 * count);
  });
});

describe("membersOf", () => {
  it("gives the members of any JSON object as the spans of their values", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, indent) => {
        const bytes = utf8(JSON.stringify(object, undefined, indent));
        const members = membersOf(bytes, wholeValue(bytes)) ?? [];
        const read = members.map(({ name, value }) => [
          name,
          JSON.parse(utf8Text(bytes.subarray(value.start, value.end)) ?? ""),
        ]);
        expect(read).toEqual(Object.entries(JSON.parse(JSON.stringify(object))));
      }),
    );
  });

  it.each([
    "",
    "[]",
    "{",
    '{"a"}',
    '{"a":}',
    '{"a":1',
    '{"a":1,}',
    '{"a":"}',
    '{"a":1 2}',
    "{a:1}",
  ])("has no members to give for %s", (text) => {
    const bytes = utf8(text);
    expect(membersOf(bytes, wholeValue(bytes))).toBeUndefined();
  });

  it("does not go deep for what is nested deep", () => {
    const text = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)},"b":1}`;
    const bytes = utf8(text);
    expect(membersOf(bytes, wholeValue(bytes))?.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("finds a value behind a path, and none where a name comes twice", () => {
    const bytes = utf8('{"a":{"\\u0062":"x"},"c":1,"c":2}');
    const whole = wholeValue(bytes);
    expect(readString(bytes, valueAt(bytes, whole, "a", "b"))).toBe("x");
    expect(valueAt(bytes, whole, "c")).toBeUndefined();
    expect(valueAt(bytes, whole, "a", "c")).toBeUndefined();
  });
});

describe("foldName", () => {
  it("folds what readers fold into ASCII", () => {
    expect(foldName("Tool\u017f")).toBe("tools");
    expect(foldName("\u212aEY")).toBe("key");
    expect(foldName("É")).toBe("É");
  });
});
