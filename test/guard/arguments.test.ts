// C4 paths, C5 long values, C6 types, C12 hosts, D12 case-folded members.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCatalog } from "../../src/catalog/parse.ts";
import type { ArgumentConstraint, CatalogItem } from "../../src/catalog/types.ts";
import { type ArgumentCheck, checkArguments } from "../../src/guard/arguments.ts";
import { catalogOf, SMALL_SERVER } from "../fixtures/catalog.ts";

function item(args: Record<string, ArgumentConstraint>): Pick<CatalogItem, "args"> {
  return { args: new Map(Object.entries(args)) };
}

function raw(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** `ok`, or what refuses. */
function answer(check: ArgumentCheck): string {
  return check.ok ? "ok" : check.predicate;
}

function ask(constraint: ArgumentConstraint, value: unknown): string {
  const check = item({ "/a": constraint });
  const object = answer(checkArguments(check, { a: value }));
  expect(answer(checkArguments(check, raw(JSON.stringify({ a: value }))))).toBe(object);
  return object;
}

describe("C4: a path that is not plainly below the folder is refused", () => {
  const under = { under: ["/workspace"] };

  it.each([
    "/workspace",
    "/workspace/a",
    "/workspace/a b/ü.txt",
    "/workspace/...",
    "/workspace/..a",
    "/workspace/.git",
    "/workspace/%20",
    "/workspace/~",
  ])("%j passes", (path) => {
    expect(ask(under, path)).toBe("ok");
  });

  it.each([
    "/workspaces",
    "/workspace-evil/a",
    "/Workspace/a",
    "/workspace/",
    "/workspace//a",
    "//workspace/a",
    "/workspace/./a",
    "/workspace/../etc",
    "/workspace/a/..",
    "/workspace/a/.",
    "/workspace\\..\\etc",
    "/workspace/a\\b",
    "/workspace/%2e%2e/etc",
    "/workspace/%2E./etc",
    "/workspace/a%2fb",
    "/workspace/a%2Fb",
    "/workspace/a%5cb",
    "/workspace/%252e",
    "/workspace/a%00",
    "/workspace/a\u0000",
    "/workspace/a\n",
    "/workspace/a\u0085",
    "/workspace/a\u007f",
    "~/workspace/a",
    "~root",
    "workspace/a",
    "./workspace/a",
    "file:///workspace/a",
    " /workspace/a",
    "C:/workspace/a",
    "/",
    "",
  ])("%j is refused", (path) => {
    expect(ask(under, path)).toBe("under");
  });

  it("the root holds every plain path, and itself", () => {
    expect(ask({ under: ["/"] }, "/")).toBe("ok");
    expect(ask({ under: ["/"] }, "/etc/passwd")).toBe("ok");
    expect(ask({ under: ["/"] }, "/etc/")).toBe("under");
    expect(ask({ under: ["/"] }, "//")).toBe("under");
  });

  it.each([
    ["C:\\Work", "c:/work/A.txt", "ok"],
    ["C:\\Work", "C:\\WORK\\a", "ok"],
    ["C:\\Work", "C:\\Work", "ok"],
    ["C:/Work", "C:\\Work\\sub/x", "ok"],
    ["C:\\", "c:\\", "ok"],
    ["C:\\", "c:\\Windows", "ok"],
    ["C:\\Work", "C:\\", "under"],
    ["C:\\Work", "C:\\Workshop", "under"],
    ["C:\\Work", "C:\\Work\\..\\x", "under"],
    ["C:\\Work", "C:\\Work\\\\x", "under"],
    ["C:\\Work", "D:\\Work\\x", "under"],
    ["C:\\Work", "C:Work\\x", "under"],
    ["C:\\Work", "\\\\?\\C:\\Work\\x", "under"],
    ["C:\\Work", "/Work/x", "under"],
    ["C:\\Work", "C:\\Work\\a.txt:stream", "under"],
    ["C:\\Work", "C:\\Work\\.. \\x", "under"],
    ["C:\\Work", "C:\\Work\\x.", "under"],
    ["C:\\Work", "C:\\Work\\x \\y", "under"],
    ["/work", "C:\\work\\x", "under"],
  ])("below %s, %s: %s", (folder, path, wanted) => {
    expect(ask({ under: [folder] }, path)).toBe(wanted);
  });

  it("any of several folders is enough", () => {
    const two = { under: ["/a", "/b"] };
    expect(["/a/x", "/b/x", "/c/x"].map((path) => ask(two, path))).toEqual(["ok", "ok", "under"]);
  });
});

describe("C12: a url that two parsers read differently is refused", () => {
  const host = { host: ["example.com", "*.example.org"], scheme: ["https"] };

  it.each([
    "https://example.com",
    "https://example.com/",
    "https://EXAMPLE.com/a?b#c",
    "HTTPS://example.com:443/",
    "https://example.com:99999",
    "https://example.com?x",
    "https://example.com#@evil.com",
    "https://a.example.org/",
    "https://a.b.example.org/",
    "https://example.com/@evil.com",
  ])("%j passes", (url) => {
    expect(ask(host, url)).toBe("ok");
  });

  it.each([
    "http://example.com/",
    "https://example.org/",
    "https://notexample.org/",
    "https://.example.org/",
    "https://example.com.evil.com/",
    "https://example.com@evil.com/",
    "https://user:pass@example.com/",
    "https://evil.com\\@example.com/",
    "https://example.com\\.evil.com/",
    "https://example.com/a\\b",
    "https://example.com./",
    "https://example..com/",
    "https://example.com:/",
    "https://example.com:443000/",
    "https://example.com:80a/",
    "https://exam_ple.com/",
    "https://ex\u0430mple.com/",
    "https://example\u3002com/",
    "https://ex%61mple.com/",
    "https:/example.com/",
    "https:example.com/",
    "//example.com/",
    "https:///example.com/",
    " https://example.com/",
    "https://example.com/ ",
    "https://example.com/a\tb",
    "https://example.com/\u00a0",
    "https://example.com/\u2028",
    "https://exa\nmple.com/",
    "https://[::1]/",
    "javascript://example.com/",
    "https://",
    "",
  ])("%j is refused", (url) => {
    expect(ask(host, url)).toBe("host");
  });

  it.each([
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://a.0X7f/",
  ])("%s, an address in numbers, matches no pattern", (url) => {
    expect(ask({ host: ["127.0.0.1", "2130706433", "0x7f000001", "*.0x7f"] }, url)).toBe("host");
  });

  it("https is the default, http only where it is named", () => {
    expect(ask({ host: ["a.com"] }, "http://a.com")).toBe("host");
    expect(ask({ host: ["a.com"] }, "https://a.com")).toBe("ok");
    expect(ask({ host: ["a.com"], scheme: ["http"] }, "https://a.com")).toBe("host");
  });

  it("agrees with the expression that defines it", () => {
    const expression = /^(https?):\/\/([a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?(?=[/?#]|$)/;
    const piece = fc.constantFrom(
      "https",
      "://",
      "a",
      "B",
      ".",
      "-",
      ":",
      "8",
      "0x",
      "/",
      "?",
      "@",
      "\\",
      " ",
    );
    const url = fc.array(piece, { maxLength: 8 }).map((pieces) => `http${pieces.join("")}`);
    fc.assert(
      fc.property(
        fc.oneof(
          url,
          url.map((rest) => rest.replace("http", "https://")),
        ),
        (text) => {
          const match = expression.exec(text.toLowerCase());
          const found = match?.[2] ?? "";
          const last = found.slice(found.lastIndexOf(".") + 1);
          const isRead =
            match !== null && !/[\\\s\p{Cc}]/u.test(text) && !/^(\d+|0x.*)$/.test(last);
          const constraint = { host: [found], scheme: [match?.[1] ?? ""] };
          expect(ask(constraint, text)).toBe(isRead ? "ok" : "host");
        },
      ),
      { numRuns: 2000 },
    );
  });
});

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
