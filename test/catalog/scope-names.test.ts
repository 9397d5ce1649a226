import { describe, expect, it } from "vitest";
import {
  assignBits,
  BUILT_IN_SCOPES,
  BUILT_IN_TAINTS,
  scopeMask,
} from "../../src/catalog/scope-names.ts";
import { GuardError } from "../../src/errors.ts";

const OPERATOR = Array.from({ length: 112 }, (_, index) => `op${String(index).padStart(3, "0")}`);

describe("bits of names", () => {
  it("the built-in ones are fixed for ever", () => {
    const names =
      "fs.read fs.write fs.delete exec net.fetch net.send secrets.read db.read db.write repo.read " +
      "repo.write msg.send browser.use code.run payments admin";
    expect(BUILT_IN_SCOPES).toEqual(names.split(" "));
    expect(BUILT_IN_TAINTS).toEqual(["untrusted", "private", "secret"]);
  });

  it("operator names follow in the order of their bytes, however they are written down", () => {
    const bits = assignBits(BUILT_IN_TAINTS, ["b", "a_b", "a.b", "a-b", "ab", "a0"]);
    const names = ["untrusted", "private", "secret", "a-b", "a.b", "a0", "a_b", "ab", "b"];
    expect([...bits]).toEqual(names.map((name, bit) => [name, bit]));
  });
});

describe("scopeMask", () => {
  const catalog = { scopeBits: assignBits(BUILT_IN_SCOPES, [...OPERATOR].reverse()) };

  it("sets one bit for each name, in four i32 words, the low one first", () => {
    expect(scopeMask(catalog, [])).toEqual([0, 0, 0, 0]);
    expect(scopeMask(catalog, ["fs.read", "admin", "fs.read"])).toEqual([0x8001, 0, 0, 0]);
    for (const [bit, name] of [...BUILT_IN_SCOPES, ...OPERATOR].entries()) {
      const mask = scopeMask(catalog, [name]).map((word) => BigInt(word >>> 0));
      const whole = mask.reduce((sum, word, index) => sum | (word << BigInt(32 * index)), 0n);
      expect(whole, name).toBe(1n << BigInt(bit));
    }
    expect(scopeMask(catalog, [...BUILT_IN_SCOPES, ...OPERATOR])).toEqual([-1, -1, -1, -1]);
  });

  it.each([
    "fs.wirte",
    "",
    "FS.READ",
    "__proto__",
    "constructor",
    "untrusted",
  ])("a scope called %j is a fault", (name) => {
    const run = (): unknown => scopeMask(catalog, ["fs.read", name]);
    expect(run).toThrow(GuardError);
    expect(run).toThrow(`expected a scope name, got \`${name}\``);
    expect(run).toThrow(expect.objectContaining({ code: "SCOPE_UNKNOWN" }));
  });
});
