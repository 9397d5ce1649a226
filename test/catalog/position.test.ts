import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  childPath,
  documentPath,
  parseKeyPath,
  renderKeyPath,
  renderKeyPathParts,
} from "../../src/catalog/key-path.ts";
import { positionOf } from "../../src/catalog/position.ts";
import { EXAMPLE } from "../fixtures/catalog.ts";

describe("key paths", () => {
  it("quote what is not a bare key, in printable ascii", () => {
    const parts = ["servers", "fs", "tools", 'a "b"\u202e', "scope", 0];
    const text = 'servers.fs.tools."a \\"b\\"\\u202e".scope[0]';
    expect(renderKeyPathParts(parts)).toBe(text);
    const root = documentPath("CATALOG");
    expect(renderKeyPath(root)).toBe("");
    expect(renderKeyPath(childPath(childPath(root, "rules"), 3))).toBe("rules[3]");
  });

  it("a path is read back as it was written", () => {
    const part = fc.oneof(fc.string({ unit: "binary", maxLength: 20 }), fc.nat(1_000_000));
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 9 }), fc.array(part), (first, rest) => {
        const text = renderKeyPathParts([first, ...rest]);
        expect(text).toMatch(/^[\x20-\x7e]*$/);
        expect(parseKeyPath(text)).toEqual([first, ...rest]);
      }),
    );
  });

  it("long keys are cut", () => {
    expect(renderKeyPathParts(["a".repeat(256)])).toBe("a".repeat(256));
    expect(renderKeyPathParts(["a".repeat(257)])).toBe(`"${"a".repeat(256)}..."`);
  });

  it.each(["a b", "a..b", '"a', "a[x]", "a[-1]"])("%j is no path", (text) => {
    expect(parseKeyPath(text)).toBeUndefined();
  });
});

describe("positionOf", () => {
  const at = (path: string): unknown => {
    const position = positionOf(EXAMPLE, path);
    if (position === undefined) return undefined;
    const line = EXAMPLE.split("\n")[position.line - 1] ?? "";
    return line.slice(position.column - 1).split(/\s|]/, 1)[0];
  };

  it.each([
    ["version", "version"],
    ["scopes", "scopes"],
    ['scopes."payments.refund"', '"payments.refund"'],
    ["servers", "servers.filesystem"],
    ["servers.filesystem", "filesystem"],
    ["servers.filesystem.fingerprint", "fingerprint"],
    ["servers.filesystem.command[1]", '"-y",'],
    ["servers.filesystem.tools.read_text_file", "read_text_file"],
    ["servers.filesystem.tools.read_text_file.scope[0]", '"fs.read"'],
    ['servers.filesystem.tools.read_text_file.args."/path".under[0]', '"/workspace"'],
    ['servers.filesystem.resources."file:///workspace/README.md".effect', "effect"],
    ["rules[0]", "rules"],
    ["rules[0].when.lease", "lease"],
  ])("%s is where it is written", (path, text) => {
    expect(at(path)).toBe(text);
  });

  it.each([
    ["servers.filesystem.url", "filesystem"],
    ["servers.filesystem.tools.gone.scope[0]", "tools.read_text_file"],
    ["servers.filesystem.command[9]", "command"],
    ["servers.other", "servers.filesystem"],
    ["rules[7].id", "rules"],
    ["nothing", undefined],
    ["", undefined],
    ["a b", undefined],
  ])("%s is not there: the nearest table around it", (path, text) => {
    expect(at(path)).toBe(text);
  });

  it("counts lines and columns from 1, CRLF or not; text that is not toml has none", () => {
    const text = '# \u{1F600}\r\n[[r]]\r\n[[r]]\r\n  x = { "é" = [1,\r\n   2] }\r\n';
    expect(positionOf(text, "r[1]")).toEqual({ line: 3, column: 3 });
    expect(positionOf(text, 'r[1].x."\\u00e9"')).toEqual({ line: 4, column: 9 });
    expect(positionOf(text, 'r[1].x."\\u00e9"[1]')).toEqual({ line: 5, column: 4 });
    expect(positionOf(`${text}[`, "r[1]")).toBeUndefined();
  });
});
