import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import { argumentsDigest, tryArgumentsDigest } from "../../src/guard/args-digest.ts";
import { expectCode } from "../fixtures/trust.ts";

function digestOf(canonical: string): string {
  const bytes = `portcullis:args:v1\0${canonical}`;
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

describe("argumentsDigest", () => {
  it("is SHA-256 of its tag and the canonical form, whatever order and spacing came in", () => {
    const expected = digestOf('{"a":"é","b":1}');
    expect(argumentsDigest({ b: 1, a: "é" })).toBe(expected);
    expect(argumentsDigest('{ "b": 1.0, "a": "\\u00e9" }')).toBe(expected);
    expect(argumentsDigest(utf8('{"a":"é","b":1}'))).toBe(expected);
  });

  it("absent arguments are the empty object", () => {
    expect(argumentsDigest(undefined)).toBe(digestOf("{}"));
    expect(argumentsDigest({})).toBe(digestOf("{}"));
  });

  it.each([
    ["a duplicate member", '{"a":1,"a":2}'],
    ["an integer that a double would change", '{"a":9007199254740993}'],
    ["a lone surrogate", '{"a":"\\ud800"}'],
    ["an array", "[]"],
    ["null", "null"],
    ["a bare number", "1"],
    ["nothing", ""],
    ["invalid UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d)],
    ["an array value", [1]],
    ["65 levels", `{"a":${"[".repeat(64)}${"]".repeat(64)}}`],
  ])("%s has no digest, so no approval can be bound to it", (_, source) => {
    expect(tryArgumentsDigest(source)).toBeUndefined();
    expectCode(() => argumentsDigest(source), "JSON_INVALID");
  });

  it("64 levels are read", () => {
    const deep = `{"a":${"[".repeat(63)}${"]".repeat(63)}}`;
    expect(argumentsDigest(deep)).toBe(digestOf(deep));
  });

  it("the digest is of what was read, though a member answers differently each time", () => {
    let reads = 0;
    const args = {
      get path(): string {
        reads += 1;
        return `/${reads}`;
      },
    };
    expect(argumentsDigest(args)).toBe(digestOf('{"path":"/1"}'));
    expect(reads).toBe(1);
  });

  it("a member that throws, a cycle and a bigint have no digest, and nothing is thrown", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const throwing = {
      get a(): never {
        throw new Error("boom");
      },
    };
    for (const args of [cycle, throwing, { a: 1n }, 1, null, true, Symbol("a"), () => 1]) {
      expect(tryArgumentsDigest(args)).toBeUndefined();
    }
  });

  it("changing any one member changes the digest; the order of members never does", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), fc.string(), (args, key) => {
        const entries = Object.entries(args);
        const reversed = Object.fromEntries([...entries].reverse());
        const changed = Object.fromEntries([...entries, [key, "changed"]]);
        expect(tryArgumentsDigest(reversed)).toBe(tryArgumentsDigest(args));
        expect(tryArgumentsDigest(changed)).not.toBe(tryArgumentsDigest(args));
      }),
    );
  });
});
