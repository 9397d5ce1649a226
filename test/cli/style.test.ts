import { describe, expect, it } from "vitest";

import { columns, styleFor, visible } from "../../src/cli/style.ts";

describe("styleFor", () => {
  it("colours on a terminal only, and not with NO_COLOR or a dumb terminal", () => {
    expect(styleFor(true, {}).red("x")).toBe("\u001b[31mx\u001b[0m");
    expect(styleFor(true, { NO_COLOR: "" }).red("x")).toBe("\u001b[31mx\u001b[0m");
    expect(styleFor(true, { NO_COLOR: "1" }).red("x")).toBe("x");
    expect(styleFor(true, { TERM: "dumb" }).bold("x")).toBe("x");
    expect(styleFor(false, {}).green("x")).toBe("x");
  });
});

describe("visible", () => {
  it.each([
    ["a b-é", "a b-é"],
    ["a\u200bb", "a<U+200B>b"],
    ["\u202eevil", "<U+202E>evil"],
    ["\u001b[2J", "<U+001B>[2J"],
    ["a\nb", "a<U+000A>b"],
    ["\u{e0041}", "<U+E0041>"],
    ["\u3164", "<U+3164>"],
    ["\ufe0f", "<U+FE0F>"],
    ["a\u00a0b", "a<U+00A0>b"],
  ])("shows %j as %j", (text, shown) => {
    expect(visible(text)).toBe(shown);
  });
});

describe("columns", () => {
  it("lines cells up by what is seen, colours left out of the count", () => {
    const { red } = styleFor(true, {});
    expect(
      columns([
        ["a", "b"],
        [red("ccc"), "d"],
      ]),
    ).toEqual(["a    b", `${red("ccc")}  d`]);
  });
});
