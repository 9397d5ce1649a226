import { describe, expect, it } from "vitest";
import type { ItemKind } from "../../src/catalog/types.ts";
import { canonicalize } from "../../src/kernel/strict-json.ts";
import { driftJson, driftOf, instructionsDriftOf, smuggleOf } from "../../src/manifest/drift.ts";
import { driftBudget, type ItemDrift } from "../../src/manifest/drift-types.ts";
import { fingerprintInstructions, fingerprintTool } from "../../src/manifest/fingerprint.ts";

function report(before: object | undefined, after: object, kind: ItemKind = "tool"): ItemDrift {
  const old = before === undefined ? undefined : canonicalize(before);
  const fresh = canonicalize(after);
  const fingerprints = [old === undefined ? `sha256:${"0".repeat(64)}` : fingerprintTool(old)];
  const live = { kind, name: "t", fingerprint: fingerprintTool(fresh), canonical: fresh };
  const drift = driftOf({ kind, name: "t", fingerprints, canonical: old }, live);
  if (drift === undefined) throw new Error("expected drift");
  return drift;
}

/** Milliseconds that `run` takes. */
function time(run: () => unknown): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

const TOOL = { name: "t", description: "Reads a file.", inputSchema: { type: "object" } };

describe("driftOf", () => {
  it("an accepted digest is no drift, whichever of the accepted ones it is", () => {
    const canonical = canonicalize(TOOL);
    const fingerprint = fingerprintTool(canonical);
    const fingerprints = [`sha256:${"1".repeat(64)}`, fingerprint];
    const live = { kind: "tool", name: "t", fingerprint, canonical } as const;
    const pinned = { kind: "tool", name: "t", fingerprints, canonical: undefined } as const;
    expect(driftOf(pinned, live)).toBeUndefined();
  });

  it("tells each member that differs, with old and new text and words", () => {
    const after = { ...TOOL, description: "Reads a file\u200b.", _meta: { "a/b~c": [1.0, "x"] } };
    const { reason, fields } = report(TOOL, after);
    expect(reason).toBe("fingerprint_drift");
    expect(fields).toEqual([
      {
        path: "/_meta",
        change: "added",
        old: undefined,
        new: '{"a/b~c":[1,"x"]}',
        words: [{ op: "added", text: '{"a/b~c":[1,"x"]}' }],
        widens: undefined,
      },
      {
        path: "/description",
        change: "changed",
        old: '"Reads a file."',
        new: '"Reads a file<U+200B>."',
        words: [
          { op: "same", text: "Reads a file" },
          { op: "added", text: "<U+200B>" },
          { op: "same", text: "." },
        ],
        widens: undefined,
      },
    ]);
  });

  it("paths are json pointers, down to the member that changed", () => {
    const before = { name: "t", _meta: { "a/b~c": { d: [{ e: 1 }, { e: 2 }], f: 1 } } };
    const after = { name: "t", _meta: { "a/b~c": { d: [{ e: 1 }, { e: 3 }], g: 1 } } };
    expect(report(before, after).fields.map(({ path, change }) => [path, change])).toEqual([
      ["/_meta/a~1b~0c/d/1/e", "changed"],
      ["/_meta/a~1b~0c/f", "removed"],
      ["/_meta/a~1b~0c/g", "added"],
    ]);
  });

  it("members that a prototype has are members like any other", () => {
    const before = canonicalize('{"name":"t"}');
    const after = canonicalize('{"__proto__":{"a":1},"constructor":1,"name":"t"}');
    const drift = driftOf(
      { kind: "tool", name: "t", fingerprints: [fingerprintTool(before)], canonical: before },
      { kind: "tool", name: "t", fingerprint: fingerprintTool(after), canonical: after },
    );
    expect(drift?.fields.map(({ path, new: fresh }) => [path, fresh])).toEqual([
      ["/__proto__", '{"a":1}'],
      ["/constructor", "1"],
    ]);
  });

  it("a value of another type, null and an empty text are told apart", () => {
    const { fields } = report(
      { name: "t", a: null, b: "", c: [], d: "1" },
      { name: "t", b: null, c: {}, d: 1 },
    );
    expect(fields.map(({ path, old, new: fresh }) => [path, old, fresh])).toEqual([
      ["/a", "null", undefined],
      ["/b", '""', "null"],
      ["/c", "[]", "{}"],
      ["/d", '"1"', "1"],
    ]);
  });

  it.each([
    ["without a lock", undefined],
    ["with a text that is not json", "{"],
    ["with a text that holds a member twice", '{"a":1,"a":2}'],
    ["with a text that is no definition", "[]"],
    ["with half a surrogate pair", '{"a":"\ud800"}'],
  ])("%s there are digests and no fields", (_, canonical) => {
    const fingerprints = [`sha256:${"0".repeat(64)}`];
    const live = canonicalize(TOOL);
    const drift = driftOf(
      { kind: "tool", name: "t", fingerprints, canonical },
      { kind: "tool", name: "t", fingerprint: fingerprintTool(live), canonical: live },
    );
    expect(drift).toMatchObject({
      expected: fingerprints,
      actual: fingerprintTool(live),
      fields: [],
    });
  });

  it("a definition that the strict reader refuses is drift with the reader's word", () => {
    const pinned = {
      kind: "tool",
      name: "t",
      fingerprints: ["sha256:00"],
      canonical: undefined,
    } as const;
    const live = { kind: "tool", name: "t", fingerprint: undefined, canonical: undefined } as const;
    const drift = driftOf(pinned, { ...live, error: "expected every name once" });
    expect(drift).toMatchObject({
      actual: undefined,
      error: "expected every name once",
      fields: [],
    });
  });
});

describe("smuggleOf", () => {
  it("every outermost member is new, and none is marked by itself", () => {
    const canonical = canonicalize({ ...TOOL, annotations: { destructiveHint: true } });
    const fingerprint = fingerprintTool(canonical);
    const drift = smuggleOf({ kind: "tool", name: "t", fingerprint, canonical });
    expect(drift).toMatchObject({ reason: "tool_smuggle", expected: [], actual: fingerprint });
    expect(drift.fields.map(({ path, change, widens }) => [path, change, widens])).toEqual(
      ["annotations", "description", "inputSchema", "name"].map((key) => [
        `/${key}`,
        "added",
        undefined,
      ]),
    );
  });
});

describe("instructionsDriftOf", () => {
  const digest = fingerprintInstructions("be kind");

  it("absent and empty instructions are the same", () => {
    expect(instructionsDriftOf({ digest: undefined, locked: undefined }, "")).toBeUndefined();
    const empty = fingerprintInstructions("");
    expect(instructionsDriftOf({ digest: empty, locked: undefined }, undefined)).toBeUndefined();
  });

  it("a changed text is told word by word", () => {
    const drift = instructionsDriftOf({ digest, locked: "be kind" }, "be\u202e kind\nand quick");
    expect(drift).toMatchObject({ kind: "instructions", name: "", expected: [digest] });
    expect(drift?.fields).toEqual([
      {
        path: "",
        change: "changed",
        old: '"be kind"',
        new: '"be<U+202E> kind\\nand quick"',
        words: [
          { op: "same", text: "be" },
          { op: "added", text: "<U+202E>" },
          { op: "same", text: " kind" },
          { op: "added", text: "\nand quick" },
        ],
        widens: undefined,
      },
    ]);
  });

  it("first instructions are added, and a lock that was edited does not count", () => {
    const first = instructionsDriftOf({ digest: undefined, locked: undefined }, "obey");
    expect(first?.fields).toMatchObject([{ change: "added", old: undefined, new: '"obey"' }]);
    expect(instructionsDriftOf({ digest, locked: "be evil" }, "x")?.fields).toEqual([]);
    expect(instructionsDriftOf({ digest, locked: undefined }, "x")?.fields).toEqual([]);
  });

  it("half a surrogate pair, as a lenient reader may give it, does no harm", () => {
    const drift = instructionsDriftOf({ digest, locked: "be kind" }, "be \ud800");
    expect(drift?.fields[0]?.new).toBe('"be \ufffd"');
  });
});

describe("driftJson", () => {
  it("is the item of `diff --json`, and survives JSON", () => {
    const json = driftJson(
      report(TOOL, { name: "t", inputSchema: { type: "object" }, title: "T" }),
    );
    expect(Object.keys(json)).toEqual(["kind", "name", "reason", "expected", "actual", "fields"]);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json["fields"]).toEqual([
      {
        path: "/description",
        change: "removed",
        old: '"Reads a file."',
        new: null,
        words: [{ op: "removed", text: "Reads a file." }],
        widens: null,
      },
      {
        path: "/title",
        change: "added",
        old: null,
        new: '"T"',
        words: [{ op: "added", text: "T" }],
        widens: null,
      },
    ]);
  });

  it("says why a definition is refused", () => {
    const live = { kind: "tool", name: undefined, fingerprint: undefined } as const;
    const json = driftJson(smuggleOf({ ...live, canonical: undefined, error: "no name" }));
    expect(json).toMatchObject({ name: "", actual: null, error: "no name", fields: [] });
  });
});

describe("hostile definitions", () => {
  it("descriptions of a mebibyte are compared fast, and nothing of them is lost", () => {
    const text = (seed: number) =>
      Array.from({ length: 170_000 }, (_, index) => (index * seed) % 9973)
        .join(" ")
        .slice(0, 1e6);
    const before = { name: "t", description: text(7919) };
    const after = { name: "t", description: text(104729) };
    let drift: ItemDrift | undefined;
    expect(time(() => (drift = report(before, after)))).toBeLessThan(5000);
    const words = drift?.fields[0]?.words ?? [];
    const side = (op: string) =>
      words.filter((edit) => edit.op === "same" || edit.op === op).map(({ text }) => text);
    expect(side("removed").join("")).toBe(before.description);
    expect(side("added").join("")).toBe(after.description);
  });

  it("a mebibyte of hidden characters is shown", () => {
    const description = "\u200b".repeat(340_000);
    const { fields } = report(TOOL, { ...TOOL, description });
    expect(fields[0]?.new).toBe(`"${"<U+200B>".repeat(340_000)}"`);
  });

  const properties = (count: number, schema: object) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, schema]));
  const withProperties = (count: number, schema: object) => ({
    name: "t",
    inputSchema: { type: "object", properties: properties(count, schema) },
  });

  it("1 000 members are told one by one, 1 001 as their outermost one, with its reasons", () => {
    const tight = { maxLength: 1 };
    const fine = report(withProperties(1000, tight), withProperties(1000, { maxLength: 2 }));
    expect(fine.fields.length).toBe(1000);
    const coarse = report(withProperties(1001, tight), withProperties(1001, { maxLength: 2 }));
    expect(coarse.fields.map(({ path, change }) => [path, change])).toEqual([
      ["/inputSchema", "changed"],
    ]);
    expect(coarse.fields[0]?.widens).toBe("`maxLength` was raised from 1 to 2");
  });

  it("tens of thousands of properties stay fast", () => {
    const before = withProperties(20_000, { type: "string" });
    const after = withProperties(20_000, { type: ["string", "object"] });
    expect(time(() => report(before, after))).toBeLessThan(5000);
    expect(report(before, after).fields[0]?.widens).toMatch(/another type: `object`/);
  });

  it("at most eight reasons are told of a member that is told as a whole", () => {
    const many = (count: number, first: number) => ({
      name: "t",
      inputSchema: {
        properties: Object.fromEntries(
          Array.from({ length: count }, (_, index) => [`p${first + index}`, {}]),
        ),
      },
    });
    const why = report(many(1, 0), many(1500, 0)).fields[0]?.widens ?? "";
    expect(why.split("; ")).toHaveLength(8);
    expect(why).toContain("new property `p1`");
  });

  it("a long key does not make every path below it long", () => {
    const key = "k".repeat(200_000);
    const of = (value: number) => ({
      name: "t",
      _meta: { [key]: Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`m${i}`, value])) },
    });
    const { fields } = report(of(1), of(2));
    expect(fields.length).toBe(900);
    for (const { path } of fields) expect(path.length).toBeLessThan(200);
    expect(new Set(fields.map(({ path }) => path)).size).toBe(900);
  });

  it("a deep pointer is cut in the middle", () => {
    const deep = (leaf: number): object => {
      let value: object = { leaf };
      for (let depth = 0; depth < 30; depth++) value = { [`${"d".repeat(50)}${depth}`]: value };
      return { name: "t", _meta: value };
    };
    const path = report(deep(1), deep(2)).fields[0]?.path ?? "";
    expect(path.length).toBe(513);
    expect(path).toMatch(/^\/_meta\/.*….*\/leaf$/);
  });

  it("an item of a report whose budget is spent is told in larger pieces", () => {
    const before = canonicalize({ name: "t", annotations: { title: "a b", readOnlyHint: true } });
    const after = canonicalize({ name: "t", annotations: { title: "a c", readOnlyHint: false } });
    const budget = { stepsLeft: 0, fieldsLeft: 1 };
    const drift = driftOf(
      { kind: "tool", name: "t", fingerprints: [fingerprintTool(before)], canonical: before },
      { kind: "tool", name: "t", fingerprint: fingerprintTool(after), canonical: after },
      budget,
    );
    expect(drift?.fields.map(({ path }) => path)).toEqual(["/annotations"]);
    expect(drift?.fields[0]?.widens).toMatch(/readOnlyHint/);
    expect(budget.fieldsLeft).toBe(0);
    expect(driftBudget()).toEqual({ stepsLeft: 20_000_000, fieldsLeft: 20_000 });
  });
});
