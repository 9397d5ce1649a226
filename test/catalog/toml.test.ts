import { describe, expect, it } from "vitest";
import { readInstant, readToml, readTomlText, tomlText } from "../../src/catalog/toml.ts";
import { GuardError } from "../../src/errors.ts";
import { bytesOf, faultOf } from "../fixtures/catalog.ts";

function placeOf(bytes: Uint8Array): unknown {
  try {
    readToml(bytes, "CATALOG");
  } catch (error) {
    if (error instanceof GuardError) return { code: error.code, ...error.at };
  }
  return undefined;
}

describe("readToml", () => {
  it("gives integers as bigint, floats as number, tables without a prototype", () => {
    const table = readToml(bytesOf("a = 9007199254740993\nb = 1.0\n[c]\n__proto__ = 1\n"), "ROOT");
    expect(table["a"]).toBe(9007199254740993n);
    expect(table["b"]).toBe(1);
    expect(Object.getPrototypeOf(table["c"])).toBeNull();
    expect(Object.keys(table["c"] ?? {})).toEqual(["__proto__"]);
  });

  it("bytes that are not utf-8 are refused", () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x61, 0xe2, 0x82]]) {
      expect(placeOf(Uint8Array.from([0x23, ...bytes]))).toEqual({ code: "CATALOG_SYNTAX" });
    }
  });

  it("a byte order mark is refused, first or anywhere else", () => {
    const code = "CATALOG_SYNTAX";
    expect(placeOf(bytesOf("\uFEFFa = 1\n"))).toEqual({ code, line: 1, column: 1 });
    expect(placeOf(bytesOf("a = 1\n# é\uFEFF\n"))).toEqual({ code, line: 2, column: 4 });
    expect(placeOf(bytesOf('a = "\uFEFF"'))).toEqual({ code, line: 1, column: 6 });
  });

  it.each([
    ["a key twice", "a = 1\na = 2\n", 2],
    ["a table twice", "[a]\n[b]\n[a]\n", 3],
    ["a table over a value", "a = 1\n[a.b]\n", 2],
    ["a member added to an inline table", "a = {}\n[a.b]\n", 2],
    ["a lone carriage return", "a = 1\rb = 2\n", 1],
    ["an open string", 'x = 1\na = "\n', 2],
    ["a control character in a comment", "# \u0001\n", 1],
    ["a surrogate escape", 'a = "\\uD800"\n', 1],
    ["two values on a line", "a = 1 b = 2\n", 1],
    ["json", '{"a": 1}', 1],
    ["month 13", "a = 2026-13-01T00:00:00Z\n", 1],
    ["depth 1 000", `a = ${"[".repeat(1000)}`, 1],
  ])("%s is a mistake with a line", (_, text, line) => {
    expect(placeOf(bytesOf(text))).toMatchObject({ code: "CATALOG_SYNTAX", line });
  });

  it("a mistake in a trust root has the trust root's code, and quotes nothing of it", () => {
    const run = (): unknown => readToml(bytesOf('a = "hunter2\n'), "ROOT");
    expect(faultOf(run)?.code).toBe("ROOT_SYNTAX");
    expect(run).toThrow(/^expected toml, got a mistake: [a-z -]+$/);
  });
});

describe("readInstant", () => {
  const read = (text: string): unknown => {
    try {
      return readInstant(
        readTomlText(tomlText(bytesOf(text), "ROOT"), "ROOT"),
        "expires",
        text,
        "ROOT",
      );
    } catch (error) {
      return error instanceof GuardError ? `${error.code} ${error.at?.path}` : error;
    }
  };

  it.each([
    ["expires=2028-11-20T00:00:00Z", Date.UTC(2028, 10, 20)],
    ["\t expires\t= 2028-02-29T23:59:59Z\t# leap\n", Date.UTC(2028, 1, 29, 23, 59, 59)],
    ["a = 1\r\nexpires = 2028-11-20T00:00:00Z\r\n", Date.UTC(2028, 10, 20)],
    ["expires = 2028-11-20T00:00:00Z # \u2028 é", Date.UTC(2028, 10, 20)],
    ["expires = 0001-01-01T00:00:00Z", Date.parse("0001-01-01T00:00:00Z")],
  ])("%j is read", (text, ms) => {
    expect(read(text)).toBe(ms);
  });

  it.each([
    "",
    "expires = 1",
    "expires = 2027-02-29T00:00:00Z",
    "expires = 2027-04-31T00:00:00Z",
    "expires = 2028-11-20T00:00:00.5Z",
    "expires = 2028-11-20T00:00:00-00:00",
    "'expires' = 2028-11-20T00:00:00Z",
    "expires = 2028-11-20",
  ])("%j is refused", (text) => {
    expect(read(text)).toBe("ROOT_SCHEMA expires");
  });

  it("the line of another date does not vouch for a date that does not exist", () => {
    const text = "expires = 2027-02-30T00:00:00Z\n# expires = 2027-03-02T00:00:00Z\n";
    expect(read(text)).toBe("ROOT_SCHEMA expires");
    const prefixed = "expires = 2027-02-30T00:00:00Z\nxexpires = 2027-03-02T00:00:00Z\n";
    expect(read(prefixed)).toBe("ROOT_SCHEMA expires");
  });

  it("a file of empty lines and blanks takes no longer for it", () => {
    const text = `${"\n".repeat(200_000)}${" ".repeat(200_000)}\nexpires = 2027-02-30T00:00:00Z\n`;
    expect(read(text)).toBe("ROOT_SCHEMA expires");
  });
});
