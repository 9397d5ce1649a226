import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/kernel/strict-json.ts";
import { driftOf, instructionsDriftOf, smuggleOf } from "../../src/manifest/drift.ts";
import { renderDrift } from "../../src/manifest/drift-render.ts";
import type { ItemDrift, ServerDrift } from "../../src/manifest/drift-types.ts";
import { digestOf } from "../fixtures/catalog.ts";

const PLAIN = { colour: false };
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9]+m`, "g");

function drift(before: object, after: object, name = "t"): ItemDrift {
  const fingerprints = [digestOf("old")];
  const old = { kind: "tool", name, fingerprints, canonical: canonicalize(before) } as const;
  const item = driftOf(
    { ...old, scope: ["fs.read"], effect: "read" },
    { kind: "tool", name, fingerprint: digestOf("new"), canonical: canonicalize(after) },
  );
  if (item === undefined) throw new Error("expected drift");
  return item;
}

function reportOf(...items: readonly ItemDrift[]): ServerDrift {
  return { id: "files", status: "drift", items };
}

const MISSING: ItemDrift = {
  ...drift({ name: "t" }, { name: "t", title: "a" }, "gone"),
  reason: "missing",
  actual: undefined,
  fields: [],
};

describe("renderDrift", () => {
  it("is what a person reads", () => {
    const before = { name: "t", description: "Reads a file.", inputSchema: { required: ["a"] } };
    const after = { name: "t", description: "Reads any file.", inputSchema: {} };
    const smuggled = smuggleOf({
      kind: "tool",
      name: "new",
      fingerprint: digestOf("x"),
      canonical: '{"name":"new"}',
    });
    expect(renderDrift(reportOf(drift(before, after), smuggled, MISSING), PLAIN)).toBe(
      `files  drift  1 changed, 1 never pinned, 1 missing
  ~ tool t  fingerprint_drift  scope fs.read  effect read
      pinned ${digestOf("old")}
      live   ${digestOf("new")}
      - /inputSchema/required
        ! widens: \`a\` is no longer required
        - ["a"]
      ~ /description
        - Reads ⟦a⟧ file.
        + Reads ⟦any⟧ file.
  + tool new  tool_smuggle
      live   ${digestOf("x")}
      + /name
        + new
  ? tool gone  missing  scope fs.read  effect read
      pinned ${digestOf("old")}`,
    );
  });

  it("a server that matches is one line", () => {
    const report = { id: "files", status: "match", items: [] } as const;
    expect(renderDrift(report, PLAIN)).toBe("files  match");
  });

  it("shows the side that says something, and no marks around a value that changed as a whole", () => {
    const before = { description: "a b", title: "x" };
    const text = renderDrift(reportOf(drift(before, { description: "a b c", title: "y" })), PLAIN);
    expect(text.split("\n").slice(4)).toEqual([
      "      ~ /description",
      "        + a b⟦ c⟧",
      "      ~ /title",
      "        - x",
      "        + y",
    ]);
  });

  it("says when digests are all that is known, and why a definition is refused", () => {
    const item = { ...drift({ name: "t" }, { name: "t", a: 1 }), fields: [], error: "expected x" };
    const text = renderDrift(reportOf(item), PLAIN);
    expect(text).toContain("refused: expected x");
    expect(text).toContain("the digests are all that is known");
  });

  it("colours change nothing but the colour", () => {
    const item = drift({ name: "t", description: "a b" }, { name: "t", description: "a c" });
    const coloured = renderDrift(reportOf(item, MISSING), { colour: true });
    expect(coloured).toMatch(ESCAPES);
    expect(coloured.replace(ESCAPES, "")).toBe(renderDrift(reportOf(item, MISSING), PLAIN));
  });
});

describe("what a server sends cannot take over the terminal", () => {
  const EVIL = "\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u202e\u200b\u{e0041}\u2028\u0000\u007f";
  const CONTROL = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u;

  it("control, bidirectional and hidden characters are shown, wherever they stand", () => {
    const text = `a${EVIL}b`;
    const after = {
      name: text,
      description: text,
      [text]: text,
      inputSchema: { properties: { [text]: {} } },
    };
    const report = {
      id: text,
      status: "drift",
      items: [
        drift({ name: "t", inputSchema: { properties: {} } }, after, text),
        smuggleOf({
          kind: "tool",
          name: text,
          fingerprint: text,
          canonical: undefined,
          error: text,
        }),
        instructionsDriftOf({ digest: undefined, locked: undefined }, text),
      ].filter((item) => item !== undefined),
    } as const;
    for (const colour of [false, true]) {
      const shown = renderDrift(report, { colour }).replace(ESCAPES, "");
      expect(shown).not.toMatch(CONTROL);
      expect(shown).toContain("<U+001B>]0;owned<U+0007>");
      expect(shown).toContain("<U+202E><U+200B><U+E0041>");
      expect(shown).toContain("! widens: new property `a\\u{1b}]0;owned");
    }
  });

  it("any text of any definition stays within the lines of the report", () => {
    const unit = fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom("\n", "\u001b[31m", "⟦", "⟧", "\n  ~ tool x", "\u202e", "\r\n"),
    );
    const anyText = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join("").toWellFormed());
    fc.assert(
      fc.property(anyText, anyText, anyText, (name, before, after) => {
        const old = { name: "t", description: before };
        const item = drift(old, { name: "t", description: after, [`x${name}`]: after }, name);
        const lines = renderDrift(reportOf(item), PLAIN).split("\n");
        for (const [index, line] of lines.entries()) {
          expect(line).not.toMatch(CONTROL);
          // the title, the item, its digests; then paths and texts, each behind a margin of ours
          if (index > 3) expect(line).toMatch(/^ {6}[-+~] \/|^ {8}[-+!] /);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("a description cannot pretend to be a line or a mark of the report", () => {
    const description = "ok\n  ~ tool other  match\n⟦… 5 unchanged …⟧";
    const item = drift({ name: "t", description: "ok" }, { name: "t", description });
    const text = renderDrift(reportOf(item), PLAIN);
    expect(text).toContain("\n        +   ~ tool other  match\n");
    expect(text).toContain("<U+27E6>… 5 unchanged …<U+27E7>");
    expect(text).not.toContain("\n  ~ tool other");
  });
});

describe("bounds of renderDrift", () => {
  it("40 members are shown, those that widen first; of 41 the last is counted", () => {
    const schema = (count: number, value: number) => ({
      name: "t",
      _meta: Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, value])),
      inputSchema: { maximum: value },
    });
    const shown = (count: number) =>
      renderDrift(reportOf(drift(schema(count, 1), schema(count, 2))), PLAIN);
    expect(shown(39)).not.toContain("more members");
    expect(shown(40)).toContain("and 1 more members, 0 of them widen; see --json");
    const [, , , , first] = shown(40).split("\n");
    expect(first).toBe("      ~ /inputSchema/maximum");
  });

  it("long unchanged texts are cut, and what changed between them is not", () => {
    const text = (word: string) => `${"a ".repeat(5000)}${word}${" b".repeat(5000)}`;
    const item = drift({ description: text("read") }, { description: text("send") });
    const shown = renderDrift(reportOf(item), PLAIN);
    expect(shown.length).toBeLessThan(2000);
    expect(shown).toContain("⟦… 9920 unchanged …⟧");
    expect(shown).toContain("⟦send⟧");
  });

  it("4 000 characters of a change are shown, and the rest is counted", () => {
    const item = (count: number) => drift({ name: "t" }, { name: "t", title: "x".repeat(count) });
    expect(renderDrift(reportOf(item(4000)), PLAIN)).not.toContain("more characters");
    const cut = renderDrift(reportOf(item(4001)), PLAIN);
    expect(cut).toContain("⟦… 1 more characters, see --json …⟧");
  });
});
