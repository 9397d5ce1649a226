// Whatever the catalog guard alone cannot apply is refused, and never let through.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  VERDICT_ALLOWED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_POLICY_REVIEW,
} from "../../src/abi/verdict.ts";
import {
  bothCaps,
  matchesTemplate,
  matchPrincipal,
  UnenforcedLayers,
} from "../../src/guard/unenforced-layers.ts";
import { toDecision } from "../../src/verdict.ts";
import { templateMatches } from "../oracle/check.ts";
import { call, catalogToml, Rig, request, SERVER_ID, trust } from "../proxy/rig.ts";

const RULE = `[[rules]]
id = "r"
when = { effect = ["destructive"] }
then = "deny"
`;

describe("UnenforcedLayers", () => {
  it.each([
    ['requires = ["lease"]', "lease_required", "SafetyBlocked"],
    ['requires = ["consent"]', "consent_required", "ask_user"],
    ['requires = ["consent", "lease"]', "lease_required", "SafetyBlocked"],
    ['stops_taint = ["untrusted"]', "taint_review", "ask_user"],
    ['stops_taint = ["secret"]\ntaint_outcome = "deny"', "taint_denied", "SafetyBlocked"],
    ['requires = ["consent"]\nstops_taint = ["secret"]', "taint_review", "ask_user"],
    [
      '[servers.filesystem.tools.echo.args]\n"/message" = { max_length = 9 }',
      "argument_denied",
      "SafetyBlocked",
    ],
  ])("an item with %s is %s, and the others pass", async (keys, reason, outcome) => {
    const catalog = await trust(catalogToml({ itemKeys: { echo: keys } }));
    const rig = new Rig(catalog).connect().send(call(1, "echo")).send(call(2, "read_text_file"));
    expect(rig.answer(1).error?.data).toMatchObject({ reason, outcome });
    expect(rig.reason(2)).toBe("allowed");
    expect(rig.mock.calls.map(({ name }) => name)).toEqual(["read_text_file"]);
    expect(rig.records.find(({ tool }) => tool === "echo")).toMatchObject({ reason });
  });

  it("any rule at all denies every dispatch", async () => {
    const rig = new Rig(await trust(catalogToml({ rest: RULE }))).connect();
    rig.send(call(1, "echo")).send(request(2, "prompts/get", { name: "summarise" }));
    rig.send(request(3, "resources/read", { uri: "file:///workspace/x" }));
    for (const id of [1, 2, 3]) expect(rig.reason(id)).toBe("policy_denied");
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("holds prompts, resources and what templates match", async () => {
    const lease = 'requires = ["lease"]';
    const itemKeys = {
      summarise: lease,
      "file:///workspace/README.md": lease,
      "file:///workspace/{name}": lease,
    };
    const rig = new Rig(await trust(catalogToml({ itemKeys }))).connect();
    rig.send(request(1, "prompts/get", { name: "summarise" }));
    rig.send(request(2, "resources/read", { uri: "file:///workspace/README.md" }));
    rig.send(request(3, "resources/read", { uri: "file:///workspace/notes" }));
    for (const id of [1, 2, 3]) expect(rig.reason(id)).toBe("lease_required");
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
