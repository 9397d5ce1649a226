// Which row of the image a principal gets, against a search through all patterns.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import { principalPatterns } from "../../src/catalog/principal-patterns.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { PrincipalRows } from "../../src/guard/principal-rows.ts";
import { policyCatalogText } from "../oracle/decide-catalog.ts";
import { EXPIRES_MS } from "../oracle/generate-policy.ts";

/** A catalog of these principals, and of a rule for each of the other patterns. */
function catalogOf(declared: readonly string[] | undefined, ofRules: readonly string[]): Catalog {
  const principals = declared?.map((pattern) => ({ pattern }));
  const text = policyCatalogText({
    expiresMs: EXPIRES_MS,
    operatorScopes: [],
    operatorTaints: [],
    servers: [],
    ...(principals === undefined ? {} : { principals }),
    rules: ofRules.map((one) => ({ id: one, when: { principal: [one] }, outcome: "deny" })),
  });
  return parseCatalog(utf8(text));
}

describe("principal rows", () => {
  it("an exact pattern is closer than a longer prefix, a longer prefix than a shorter one", () => {
    const catalog = catalogOf(["agent:*", "agent:research-*"], ["agent:research-1", "*"]);
    const patterns = principalPatterns(catalog);
    expect(patterns).toEqual(["*", "agent:*", "agent:research-*", "agent:research-1"]);
    const rows = new PrincipalRows(catalog);
    const patternOf = (principal: string): string | undefined =>
      patterns[rows.rowOf(principal) - 1];
    expect(patternOf("agent:research-1")).toBe("agent:research-1");
    expect(patternOf("agent:research-12")).toBe("agent:research-*");
    expect(patternOf("agent:research")).toBe("agent:*");
    expect(patternOf("Agent:research")).toBe("*");
    expect(patternOf("")).toBe("*");
  });

  it("a principal that no pattern matches has row 0, whatever its name is", () => {
    const rows = new PrincipalRows(catalogOf(["bob", "eve:*"], []));
    for (const name of ["", "bo", "bobby", "eve", "Bob", "__proto__", "constructor", "toString"]) {
      expect(rows.rowOf(name), name).toBe(0);
    }
    expect(rows.rowOf("eve:")).toBe(2);
    expect(new PrincipalRows(catalogOf(undefined, [])).rowOf("bob")).toBe(0);
  });

  it("is the row that a search through all patterns finds", () => {
    const pattern = fc.stringMatching(/^[ab:]{0,4}\*?$/).filter((text) => text.length > 0);
    const lists = fc.uniqueArray(pattern, { maxLength: 8 });
    fc.assert(
      fc.property(lists, lists, fc.stringMatching(/^[ab:*]{0,6}$/), (declared, ofRules, name) => {
        const catalog = catalogOf(declared, ofRules);
        const patterns = principalPatterns(catalog);
        expect(patterns).toEqual([...new Set([...declared, ...ofRules])].sort());
        const exact = patterns.indexOf(name);
        const found = patterns
          .filter((one) => one.endsWith("*") && name.startsWith(one.slice(0, -1)))
          .sort((a, b) => b.length - a.length)[0];
        const expected = found === undefined ? 0 : patterns.indexOf(found) + 1;
        const isExact = exact >= 0 && !name.endsWith("*");
        expect(new PrincipalRows(catalog).rowOf(name)).toBe(isExact ? exact + 1 : expected);
      }),
      { numRuns: 1000 },
    );
  });
});
