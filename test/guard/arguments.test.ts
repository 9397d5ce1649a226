// C5 long values, C6 types, pointers, D12 case-folded members, messages.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCatalog } from "../../src/catalog/parse.ts";
import type { ArgumentConstraint } from "../../src/catalog/types.ts";
import { checkArguments } from "../../src/guard/arguments.ts";
import { catalogOf, SMALL_SERVER } from "../fixtures/catalog.ts";
import { answer, ask, item, raw } from "./arguments-fixture.ts";

describe("C5: no length is beyond a predicate", () => {
  const long = "x".repeat(4_000_000);

  it("max_length counts bytes of UTF-8, at the limit and one beyond", () => {
    expect(ask({ maxLength: 6 }, "aé€")).toBe("ok");
    expect(ask({ maxLength: 5 }, "aé€")).toBe("max_length");
    expect(ask({ maxLength: 4 }, "\u{1f600}")).toBe("ok");
    expect(ask({ maxLength: 3 }, "\u{1f600}")).toBe("max_length");
    expect(ask({ maxLength: 0 }, "")).toBe("ok");
    expect(ask({ maxLength: 3_999_999 }, long)).toBe("max_length");
  });

  it("counts what an encoder writes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const size = raw(text).length;
        expect(ask({ maxLength: size }, text)).toBe("ok");
        if (size > 0) expect(ask({ maxLength: size - 1 }, text)).toBe("max_length");
      }),
    );
  });

  it("what is wrong at the end of four million characters is found", () => {
    expect(ask({ under: ["/a"] }, `/a/${long}`)).toBe("ok");
    expect(ask({ under: ["/a"] }, `/a/${long}/..`)).toBe("under");
    expect(ask({ host: ["a.com"] }, `https://a.com/${long}`)).toBe("ok");
    expect(ask({ host: ["a.com"] }, `https://a.com/${long}\\`)).toBe("host");
  });
});

describe("C6: an argument of another type is refused", () => {
  const constraints: readonly (readonly [string, ArgumentConstraint, unknown])[] = [
    ["under", { under: ["/a"] }, "/a/b"],
    ["host", { host: ["a.com"] }, "https://a.com"],
    ["one_of", { oneOf: ["1", 2, true] }, 2],
    ["prefix", { prefix: ["a"] }, "ab"],
    ["max_length", { maxLength: 9 }, "a"],
    ["min", { min: 1 }, 2],
    ["max", { max: 9 }, 2],
  ];

  it.each(
    constraints,
  )("%s: an array or object around a good value is another type", (name, one, good) => {
    expect(ask(one, good)).toBe("ok");
    for (const value of [[good], { "0": good }, null, [], {}, false, [[good]]]) {
      expect(ask(one, value)).toBe(name);
    }
    expect(answer(checkArguments(item({ "/a": one }), {}))).toBe("missing");
  });

  it("one_of compares types too", () => {
    const oneOf = { oneOf: ["1", 2, true] };
    expect(["1", 2, true].map((value) => ask(oneOf, value))).toEqual(["ok", "ok", "ok"]);
    for (const value of [1, "2", "true", 1.5, "1 "]) expect(ask(oneOf, value)).toBe("one_of");
  });

  it("prefix looks at the start alone, byte for byte", () => {
    expect(ask({ prefix: ["docs/", "a"] }, "docs/x")).toBe("ok");
    expect(ask({ prefix: ["docs/"] }, "Docs/x")).toBe("prefix");
    expect(ask({ prefix: ["docs/"] }, " docs/x")).toBe("prefix");
  });
});

describe("pointers", () => {
  const short = { maxLength: 2 };

  it.each([
    ["/a/b", { a: { b: "xx" } }, "ok"],
    ["/a/b", { a: {} }, "missing"],
    ["/a/b", { a: "b" }, "type"],
    ["/a/b", { a: null }, "type"],
    ["/a/0", { a: ["x"] }, "ok"],
    ["/a/0", { a: ["xxx"] }, "max_length"],
    ["/a/1", { a: ["x"] }, "missing"],
    ["/a/00", { a: ["x"] }, "type"],
    ["/a/length", { a: ["x"] }, "type"],
    ["/a/*", { a: ["x", "xx"] }, "ok"],
    ["/a/*", { a: [] }, "ok"],
    ["/a/*", { a: ["x", "xxx"] }, "max_length"],
    ["/a/*", { a: { "*": "x" } }, "type"],
    ["/a/*", { a: "x" }, "type"],
    ["/a/*", {}, "missing"],
    ["/a/*/b/*", { a: [{ b: ["x"] }, { b: [] }] }, "ok"],
    ["/a/*/b/*", { a: [{ b: ["x"] }, { b: ["xxx"] }] }, "max_length"],
    ["/a/*/b/*", { a: [{ b: ["x"] }, {}] }, "missing"],
    ["/a~1b", { "a/b": "x" }, "ok"],
    ["/~01", { "~1": "x" }, "ok"],
    ["/", { "": "x" }, "ok"],
    ["/__proto__", JSON.parse('{"__proto__":"x"}'), "ok"],
    ["/__proto__", {}, "missing"],
    ["/toString", {}, "missing"],
  ])("%s in %j: %s", (pointer, args, wanted) => {
    expect(answer(checkArguments(item({ [pointer]: short }), args))).toBe(wanted);
  });

  it("a member named __proto__ is data, and is checked", () => {
    const check = { args: new Map([["/__proto__", short]]) };
    expect(answer(checkArguments(check, raw('{"__proto__":"xxx"}')))).toBe("max_length");
  });

  it("absent holds for what is missing, and for nothing that is there", () => {
    const absent = item({ "/a/b": { absent: true } });
    expect(answer(checkArguments(absent, {}))).toBe("ok");
    expect(answer(checkArguments(absent, { a: {} }))).toBe("ok");
    expect(answer(checkArguments(absent, undefined))).toBe("ok");
    for (const b of [null, "", 0, false, [], {}]) {
      expect(answer(checkArguments(absent, { a: { b } }))).toBe("absent");
    }
    expect(answer(checkArguments(absent, { a: "b" }))).toBe("type");
  });

  it("all predicates must hold, so absent beside another one never does", () => {
    const both = item({ "/a": { absent: true, maxLength: 3 } });
    expect(answer(checkArguments(both, {}))).toBe("missing");
    expect(answer(checkArguments(both, { a: "x" }))).toBe("absent");
  });

  it("a constraint without a predicate permits nothing", () => {
    expect(ask({}, "x")).toBe("missing");
    expect(ask({ under: [] }, "/x")).toBe("under");
  });

  it("constraints are those that the catalog's parser reads", () => {
    const text = `${SMALL_SERVER}[servers.s.tools.t.args]\n"/p" = { under = "/w/" }\n"/u" = { host = "A.com" }\n`;
    const server = parseCatalog(catalogOf(text)).servers.get("s");
    const tool = server?.tools.get("t");
    if (tool === undefined) throw new Error("no tool");
    expect(answer(checkArguments(tool, { p: "/w/x", u: "https://a.com/" }))).toBe("ok");
    expect(answer(checkArguments(tool, { p: "/x", u: "https://a.com/" }))).toBe("under");
    expect(answer(checkArguments(tool, { p: "/w/x", u: "https://b.com/" }))).toBe("host");
  });
});

describe("D12: a member that differs from a constrained one in case only", () => {
  it.each([
    ["/path", { path: "x", Path: "/etc" }],
    ["/path", { path: "x", PATH: 1 }],
    ["/pass", { pass: "x", "pa\u017fs": "y" }],
    ["/key", { key: "x", "\u212aey": "y" }],
    ["/a/b", { a: { b: "x", B: "y" } }],
    ["/a/b", { a: { b: "x" }, A: { b: "y" } }],
    ["/a/*/b", { a: [{ b: "x" }, { b: "x", B: "y" }] }],
    ["/path", { Path: "x" }],
  ])("beside %s in %j is refused", (pointer, args) => {
    expect(answer(checkArguments(item({ [pointer]: { maxLength: 9 } }), args))).toBe("case");
  });

  it("is refused where the constrained one is to be absent, too", () => {
    expect(answer(checkArguments(item({ "/raw": { absent: true } }), { RAW: 1 }))).toBe("case");
  });

  it.each([
    [{ path: "x", "pa\u0074h2": 1 }],
    [{ path: "x", "p\u0430th": 1 }],
    [{ path: "x", b: { PATH: 1 } }],
  ])("%j holds no such member", (args) => {
    expect(answer(checkArguments(item({ "/path": { maxLength: 9 } }), args))).toBe("ok");
  });
});

describe("messages", () => {
  it("name the pointer and what is expected, and never a value", () => {
    const check = item({ "/p\n": { under: ["/workspace"] } });
    const secret = "sk-live-0123456789";
    expect(checkArguments(check, { "p\n": secret })).toEqual({
      ok: false,
      pointer: "/p\n",
      predicate: "under",
      message:
        "expected argument `/p\\u{a}` to be an absolute path under a folder the catalog names, " +
        "got another text or type",
    });
    const constraints: readonly ArgumentConstraint[] = [
      { host: ["a.com"] },
      { oneOf: ["a"] },
      { prefix: ["a"] },
      { maxLength: 1 },
      { min: 1 },
      { absent: true },
    ];
    for (const constraint of constraints) {
      const refused = checkArguments(item({ "/p": constraint }), { p: secret, [secret]: 1 });
      expect(refused.ok ? "" : refused.message).toMatch(/^expected argument `\/p` to /);
      expect(JSON.stringify(refused)).not.toContain(secret);
    }
  });
});
