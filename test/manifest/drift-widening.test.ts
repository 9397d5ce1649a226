import { describe, expect, it } from "vitest";
import type { ItemKind } from "../../src/catalog/types.ts";
import { canonicalize } from "../../src/kernel/strict-json.ts";
import { driftOf } from "../../src/manifest/drift.ts";
import { SCHEMA_RULES } from "../../src/manifest/drift-schema.ts";
import { digestOf } from "../fixtures/catalog.ts";
import { A, B, DOUBTFUL, LOOSENED } from "./drift-widening-rows.ts";

/** Path and mark of every member that differs. */
function marks(kind: ItemKind, before: object, after: object): Record<string, string | undefined> {
  const drift = driftOf(
    { kind, name: "t", fingerprints: [digestOf("old")], canonical: canonicalize(before) },
    { kind, name: "t", fingerprint: digestOf("new"), canonical: canonicalize(after) },
  );
  return Object.fromEntries((drift?.fields ?? []).map(({ path, widens }) => [path, widens]));
}

function schemaMarks(before: object, after: object): Record<string, string | undefined> {
  return marks("tool", { name: "t", inputSchema: before }, { name: "t", inputSchema: after });
}

describe("a change that lets more pass is marked", () => {
  it.each(LOOSENED)("%s", (_, tight, loose, path, why) => {
    expect(schemaMarks(tight, loose)).toEqual({
      [`/inputSchema${path}`]: expect.stringMatching(why),
    });
  });

  it.each(LOOSENED)("and its reverse is not: %s", (_, tight, loose, path) => {
    // a property that is gone is one that may be anything
    const isTwoWay = path === "/properties/b";
    const reverse = schemaMarks(loose, tight);
    expect(reverse).toHaveProperty([`/inputSchema${path}`]);
    const found = reverse[`/inputSchema${path}`];
    if (isTwoWay) expect(found).toMatch(/no longer described/);
    else expect(found).toBeUndefined();
  });

  it.each(DOUBTFUL)("%s, in doubt", (_, before, after, path) => {
    expect(schemaMarks(before, after)[`/inputSchema${path}`]).toEqual(expect.any(String));
  });

  it.each([
    [
      "texts and examples",
      { title: "a", description: "b", examples: [1], default: 1 },
      { title: "c", description: "d", examples: [2], default: 2 },
    ],
    [
      "texts below not",
      { not: { description: "a", const: 1 } },
      { not: { description: "b", const: 1 } },
    ],
    ["an unknown keyword", { "x-order": 1 }, { "x-order": 2 }],
    ["an enum that becomes one of its values", { enum: ["a", "b"] }, { const: "a" }],
    ["a bound that becomes its exclusive form", { maximum: 9 }, { exclusiveMaximum: 9 }],
    ["an integer that was a number", { type: ["number", "string"] }, { type: "integer" }],
    [
      "another order",
      { anyOf: [A, B], oneOf: [A, B], allOf: [A, B], required: ["a", "b"] },
      { anyOf: [B, A], oneOf: [B, A], allOf: [B, A], required: ["b", "a"] },
    ],
    [
      "a member gone where no other is accepted",
      { additionalProperties: false, properties: { a: A, b: B } },
      { additionalProperties: false, properties: { a: A } },
    ],
    [
      "every property gone where no other is accepted",
      { unevaluatedProperties: false, properties: { a: A } },
      { unevaluatedProperties: false },
    ],
    [
      "the dialect that is the default",
      {},
      { $schema: "https://json-schema.org/draft/2020-12/schema" },
    ],
    ["a named schema that nothing names", { $defs: {} }, { $defs: { d: {} } }],
    ["multiples of multiples", { multipleOf: 2 }, { multipleOf: 6 }],
    [
      "a property called like a keyword",
      { properties: { x: { const: { maxLength: 1, not: 2 } } } },
      { properties: { x: { const: { maxLength: 1, not: 2 } } }, title: "t" },
    ],
  ])("%s: no mark", (_, before, after) => {
    const found = schemaMarks(before, after);
    expect(Object.keys(found)).not.toEqual([]);
    expect(Object.values(found).filter((why) => why !== undefined)).toEqual([]);
  });

  it("each rule has a row", () => {
    const paths = [...LOOSENED.map((row) => row[3]), ...DOUBTFUL.map((row) => row[3])];
    const keywords = new Set(paths.flatMap((path) => path.split("/")));
    expect([...SCHEMA_RULES.keys()].filter((keyword) => !keywords.has(keyword))).toEqual([]);
  });

  it("a value that is an object is one value, not a schema", () => {
    const found = schemaMarks({ const: { maxLength: 1 } }, { const: { maxLength: 2 } });
    expect(found).toEqual({ "/inputSchema/const": expect.stringMatching(/another value/) });
  });
});

describe("hints", () => {
  const hints = (before: object | undefined, after: object | undefined) =>
    marks(
      "tool",
      { name: "t", ...(before && { annotations: before }) },
      { name: "t", ...(after && { annotations: after }) },
    );

  it.each([
    ["readOnlyHint", true, false],
    ["readOnlyHint", true, undefined],
    ["destructiveHint", false, true],
    ["destructiveHint", false, undefined],
    ["idempotentHint", true, false],
    ["openWorldHint", false, true],
    ["openWorldHint", false, undefined],
    ["openWorldHint", false, "false"],
  ])("%s from %s to %s is marked, and not back", (hint, before, after) => {
    const old = { title: "t", [hint]: before };
    const now = after === undefined ? { title: "t" } : { title: "t", [hint]: after };
    const path = `/annotations/${hint}`;
    expect(hints(old, now)).toEqual({ [path]: expect.stringContaining(hint) });
    expect(hints(now, old)).toEqual({ [path]: undefined });
  });

  it("annotations that are gone are marked for each hint that was reassuring", () => {
    const why = hints({ readOnlyHint: true, destructiveHint: false }, undefined)["/annotations"];
    expect(why).toMatch(/readOnlyHint.*; .*destructiveHint/);
    expect(why).not.toContain("openWorldHint");
  });

  it("what only says the default is not marked", () => {
    expect(hints(undefined, { destructiveHint: true, openWorldHint: true })).toEqual({
      "/annotations": undefined,
    });
  });
});

describe("the rest of a definition", () => {
  it("an input schema that is gone or true is marked", () => {
    const old = { name: "t", inputSchema: { type: "object" } };
    expect(marks("tool", old, { name: "t" })["/inputSchema"]).toMatch(/arguments: anything/);
    expect(marks("tool", old, { name: "t", inputSchema: true })["/inputSchema"]).toMatch(
      /anything/,
    );
  });

  it("a new output schema is not marked, one that is gone or takes more is", () => {
    const schema = { type: "object", properties: { a: A } };
    const wider = { type: "object", properties: { a: A, b: B } };
    expect(marks("tool", {}, { outputSchema: schema })).toEqual({ "/outputSchema": undefined });
    expect(marks("tool", { outputSchema: schema }, {})["/outputSchema"]).toMatch(/results/);
    const found = marks("tool", { outputSchema: schema }, { outputSchema: wider });
    expect(found).toEqual({ "/outputSchema/properties/b": "results: new property `b`" });
  });

  it("a tool that may now run as a task is marked", () => {
    const path = "/execution/taskSupport";
    const from = (before: string, after: string) =>
      marks("tool", { execution: { taskSupport: before } }, { execution: { taskSupport: after } });
    expect(from("forbidden", "optional")[path]).toMatch(/task/);
    expect(from("optional", "forbidden")).toEqual({ [path]: undefined });
    expect(marks("tool", {}, { execution: { taskSupport: "required" } })["/execution"]).toMatch(
      /task/,
    );
  });

  it("a prompt's new or optional argument is marked", () => {
    const a = { name: "a", required: true };
    const found = marks("prompt", { arguments: [a] }, { arguments: [a, { name: "b" }] });
    expect(found).toEqual({ "/arguments": "new argument `b`" });
    const optional = marks("prompt", { arguments: [a] }, { arguments: [{ name: "a" }] });
    expect(optional).toEqual({ "/arguments/0/required": "an argument is no longer required" });
    const renamed = marks("prompt", { arguments: [a] }, { arguments: [{ ...a, name: "b" }] });
    expect(renamed).toEqual({ "/arguments": "new argument `b`" });
    expect(marks("prompt", { arguments: [a] }, {})).toEqual({ "/arguments": undefined });
  });

  it("what is not a tool has no schemas and no hints", () => {
    const found = marks("resource", { inputSchema: { maximum: 1 } }, { inputSchema: {} });
    expect(found).toEqual({ "/inputSchema/maximum": undefined });
  });

  it("names that a server chose are escaped in a mark", () => {
    const found = schemaMarks({ properties: {} }, { properties: { "\u001b[31m\u202e`": A } });
    expect(Object.values(found)).toEqual(["new property `\\u{1b}[31m\\u{202e}\\u{60}`"]);
  });
});
