// Whatever the catalog guard alone cannot apply is refused, and never let through.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  VERDICT_ALLOWED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_POLICY_REVIEW,
} from "../../src/abi/verdict.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import type { ItemKind } from "../../src/catalog/types.ts";
import { bothCaps, matchPrincipal } from "../../src/guard/principal-match.ts";
import { matchesTemplate } from "../../src/guard/template-match.ts";
import { UnenforcedLayers } from "../../src/guard/unenforced-layers.ts";
import { toDecision } from "../../src/verdict.ts";
import { templateMatches } from "../oracle/check.ts";
import { catalogToml, SERVER_ID, trust } from "../proxy/rig.ts";

const RULE = `[[rules]]
id = "r"
when = { effect = ["destructive"] }
then = "deny"
`;

function reasonsOf(catalog: TrustedCatalog, kind: ItemKind, ...names: string[]): string[] {
  const layers = new UnenforcedLayers(catalog.catalog, SERVER_ID, true);
  return names.map((name) => layers.combine(toDecision(VERDICT_ALLOWED), kind, name).reason);
}

describe("UnenforcedLayers", () => {
  it.each([
    ['requires = ["lease"]', "lease_required"],
    ['requires = ["consent"]', "consent_required"],
    ['requires = ["consent", "lease"]', "lease_required"],
    ['stops_taint = ["untrusted"]', "taint_review"],
    ['stops_taint = ["secret"]\ntaint_outcome = "deny"', "taint_denied"],
    ['requires = ["consent"]\nstops_taint = ["secret"]', "taint_review"],
    ['[servers.filesystem.tools.echo.args]\n"/message" = { max_length = 9 }', "argument_denied"],
  ])("an item with %s is %s, and the others pass", async (keys, reason) => {
    const catalog = await trust(catalogToml({ itemKeys: { echo: keys } }));
    expect(reasonsOf(catalog, "tool", "echo", "read_text_file")).toEqual([reason, "allowed"]);
  });

  it("any rule at all denies every dispatch", async () => {
    const catalog = await trust(catalogToml({ rest: RULE }));
    expect(reasonsOf(catalog, "tool", "echo")).toEqual(["policy_denied"]);
    expect(reasonsOf(catalog, "prompt", "summarise")).toEqual(["policy_denied"]);
    expect(reasonsOf(catalog, "resource", "file:///workspace/x")).toEqual(["policy_denied"]);
  });

  it("holds prompts, resources and what templates match", async () => {
    const lease = 'requires = ["lease"]';
    const [readme, template] = ["file:///workspace/README.md", "file:///workspace/{name}"];
    const itemKeys = { summarise: lease, [readme]: lease, [template]: lease };
    const catalog = await trust(catalogToml({ itemKeys }));
    const uris = [readme, "file:///workspace/notes"];
    expect(reasonsOf(catalog, "prompt", "summarise")).toEqual(["lease_required"]);
    expect(reasonsOf(catalog, "resource", ...uris)).toEqual(["lease_required", "lease_required"]);
  });

  it("the worst outcome wins, and among equals the layer that is asked first", async () => {
    const itemKeys = {
      echo: 'requires = ["lease", "consent"]',
      write_file: 'requires = ["consent"]',
    };
    const catalog = await trust(catalogToml({ itemKeys }));
    const layers = new UnenforcedLayers(catalog.catalog, SERVER_ID, true);
    const of = (verdict: number, name: string): string =>
      layers.combine(toDecision(verdict), "tool", name).reason;
    expect(of(VERDICT_FINGERPRINT_DRIFT, "echo")).toBe("fingerprint_drift");
    expect(of(VERDICT_POLICY_REVIEW, "echo")).toBe("lease_required");
    expect(of(VERDICT_POLICY_REVIEW, "write_file")).toBe("policy_review");
    expect(of(VERDICT_ALLOWED, "write_file")).toBe("consent_required");
    expect(of(VERDICT_ALLOWED, "fetch_url")).toBe("allowed");
    expect(of(VERDICT_ALLOWED, "nobody")).toBe("undecided");
    const stranger = new UnenforcedLayers(catalog.catalog, SERVER_ID, false);
    expect(stranger.combine(toDecision(VERDICT_ALLOWED), "tool", "fetch_url").reason).toBe(
      "identity_unknown",
    );
  });
});

describe("matchPrincipal", () => {
  const rest = `[principals."a*"]
scope = ["fs.read"]
[principals."ab*"]
servers = ["filesystem"]
[principals."abc"]
servers = []
[principals."*"]
scope = []
`;

  it.each([
    ["abc", false, undefined],
    ["abcd", true, undefined],
    ["ax", true, ["fs.read"]],
    ["A", true, []],
    ["", true, []],
  ])("%j: the exact name, else the longest pattern", async (principal, isKnown, scopeCap) => {
    const { catalog } = await trust(catalogToml({ rest }));
    expect(matchPrincipal(catalog, principal, SERVER_ID)).toEqual({ isKnown, scopeCap });
  });

  it("without the table everybody is known; with an empty answer nobody is", async () => {
    const { catalog } = await trust(catalogToml());
    expect(matchPrincipal(catalog, "x", SERVER_ID)).toEqual({ isKnown: true, scopeCap: undefined });
    const one = await trust(catalogToml({ rest: '[principals."a"]\n' }));
    expect(matchPrincipal(one.catalog, "b", SERVER_ID).isKnown).toBe(false);
  });
});

describe("bothCaps", () => {
  it("grants what both grant", () => {
    expect(bothCaps(["a", "b"], ["b", "c"])).toEqual(["b"]);
    expect(bothCaps(undefined, ["b"])).toEqual(["b"]);
    expect(bothCaps(["a"], undefined)).toEqual(["a"]);
    expect(bothCaps(undefined, undefined)).toBeUndefined();
  });
});

describe("matchesTemplate", () => {
  const PARTS = ["a", "é", "/", "//", ".", "..", "@", ":", "?", "#", "%", "\\", "\u0001", "\u007f"];

  it("agrees with the oracle on every template and on what its variables may be filled with", () => {
    const texts = fc.array(fc.constantFrom(...PARTS), { maxLength: 3 }).map((all) => all.join(""));
    const pieces = fc.array(
      fc.oneof(
        { weight: 2, arbitrary: fc.record({ literal: fc.constantFrom(...PARTS) }) },
        { weight: 1, arbitrary: fc.record({ filling: texts }) },
      ),
      { maxLength: 7 },
    );
    let matchCount = 0;
    fc.assert(
      fc.property(pieces, texts, (all, other) => {
        const template = all.map((it) => ("literal" in it ? it.literal : "{x_1}")).join("");
        const uri = all.map((it) => ("literal" in it ? it.literal : it.filling)).join("");
        for (const text of [uri, uri + other, other]) {
          const expected = templateMatches(template, text);
          if (expected) matchCount += 1;
          expect(matchesTemplate(template, text), JSON.stringify([template, text])).toBe(expected);
        }
      }),
      { numRuns: 5_000 },
    );
    expect(matchCount).toBeGreaterThan(500);
  });

  it.each([
    ["x://{host}/p", "x://é/p", true],
    ["x://{a}{b}", "x://é", true],
    ["x://h/{a}", "x://h/..", false],
    ["x://h/{a}.{b}", "x://h/...", true],
    ["x://{host}/p", "x://evil@h/p", false],
    ["x://{host}/p", "x://h:80/p", false],
    ["x://{host}:{port}/p", "x://h:80/p", true],
    ["x://{host}:{port}/p", "x://h:80:81/p", false],
    ["x:/{a}", "x:/b@c:d", true],
    ["x://h/{a}", "x://h/a\u0000", false],
    ["x://h/{a}", "x://h/a\u0080", true],
    ["x://h/..", "x://h/..", false],
  ])("%s and %j: %s", (template, uri, expected) => {
    expect(matchesTemplate(template, uri)).toBe(expected);
    expect(templateMatches(template, uri)).toBe(expected);
  });
});
