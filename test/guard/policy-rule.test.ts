import { describe, expect, it } from "vitest";
import {
  type PolicyRule,
  type PolicyVetting,
  runPolicyRules,
} from "../../src/guard/policy-rule.ts";

/** A member of this name, that the linter takes for a promise. */
const THEN = "then";

/** A rule as a caller without types writes it. */
function rule(policyId: string, evaluate: (...args: never[]) => unknown): PolicyRule {
  const made: unknown = { policyId, evaluate };
  if (!isRule(made)) throw new Error("no rule");
  return made;
}

function isRule(value: unknown): value is PolicyRule {
  return typeof value === "object" && value !== null && "evaluate" in value;
}

const NONE: PolicyVetting = { blocked: false, findings: [] };
const run = (rules: readonly PolicyRule[], args: unknown = {}): ReturnType<typeof runPolicyRules> =>
  runPolicyRules(rules, "tool", args, NONE);

const allow = rule("allow", () => "allow");
const dry = rule("dry", () => "dry_run");
const ask = rule("ask", () => "ask_user");
const deny = rule("deny", () => "deny");
const silent = rule("silent", () => undefined);

describe("runPolicyRules", () => {
  it.each([
    [[], "allow", []],
    [[silent], "allow", []],
    [[allow, silent], "allow", ["allow"]],
    [[dry, allow], "dry_run", ["dry", "allow"]],
    [[dry, ask, allow], "ask_user", ["dry", "ask", "allow"]],
    [[deny, ask, dry], "deny", ["deny", "ask", "dry"]],
  ])("the worst answer counts: %#", (rules, outcome, matchedPolicyIds) => {
    expect(run(rules)).toEqual({ outcome, matchedPolicyIds });
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("x");
      },
    ],
    [
      "throws nothing",
      () => {
        throw undefined;
      },
    ],
    ["answers later", async () => "allow"],
    [
      "fails later",
      async () => {
        throw new Error("x");
      },
    ],
    [
      "answers later in its own way",
      () => ({ [THEN]: (resolve: (x: string) => void) => resolve("allow") }),
    ],
    ["answers null", () => null],
    ["answers true", () => true],
    ["answers 1", () => 1],
    ["answers ALLOW", () => "ALLOW"],
    ["answers an empty text", () => ""],
    ["answers a boxed text", () => Object("allow")],
    ["answers in an object", () => ({ decision: "allow" })],
    ["answers __proto__", () => "__proto__"],
  ])("a rule that %s denies", async (_, evaluate) => {
    const failing = rule("failing", evaluate);
    expect(run([allow, failing])).toEqual({
      outcome: "deny",
      matchedPolicyIds: ["allow", "failing"],
    });
    // a rejection that nobody handles would fail this test
    await new Promise((resolve) => setTimeout(resolve, 1));
  });

  it("a rule without evaluate, or with a getter for a name, denies", () => {
    const broken: unknown = {
      evaluate: 1,
      get policyId() {
        throw new Error("x");
      },
    };
    if (!isRule(broken)) throw new Error("no rule");
    expect(run([broken])).toEqual({ outcome: "deny", matchedPolicyIds: ["unnamed"] });
  });

  it("a rule cannot change what is forwarded, nor what the next rule sees", () => {
    const args = { path: "/a", list: [{ x: 1 }] };
    const seen: string[] = [];
    const change = (given: { path: string; list: { x: number }[] }): void => {
      seen.push(JSON.stringify(given));
      Reflect.set(given, "path", "/etc");
      Reflect.set(given.list, "0", 2);
      Reflect.set(given.list[0] ?? {}, "x", 2);
    };
    const meddle = rule("meddle", (_: never, given: never) => change(given));
    expect(run([meddle, meddle], args).outcome).toBe("allow");
    expect(seen).toEqual([JSON.stringify(args), JSON.stringify(args)]);
    expect(args).toEqual({ path: "/a", list: [{ x: 1 }] });
    const strict = rule("strict", (_: never, given: { path: string }) => {
      given.path = "/etc";
    });
    expect(run([strict], args).outcome).toBe("deny");
    expect(args.path).toBe("/a");
  });

  it("raw bytes are what a rule sees", () => {
    const bytes = new TextEncoder().encode('{"path":"/etc/passwd"}');
    const etc = rule("etc", (_: never, { path }: { path: string }) =>
      path.startsWith("/etc") ? "deny" : undefined,
    );
    expect(run([etc], bytes)).toEqual({ outcome: "deny", matchedPolicyIds: ["etc"] });
    expect(run([etc], { path: "/a" })).toEqual({ outcome: "allow", matchedPolicyIds: [] });
  });

  it("arguments that cannot be read are denied before a rule is asked", () => {
    const asked: unknown[] = [];
    const note = rule("note", (...args) => {
      asked.push(args);
    });
    for (const args of [1n, { a: undefined }, new Uint8Array(), [1]]) {
      expect(run([note], args)).toEqual({ outcome: "deny", matchedPolicyIds: [] });
    }
    expect(asked).toEqual([]);
  });

  it("findings are handed on, frozen, and null as null", () => {
    const finding = { category: "exfiltration", severity: "high", field: "description" };
    const seen: unknown[] = [];
    const look = rule("look", (_: never, __: never, vetting: never) => {
      seen.push(vetting, Object.isFrozen(vetting));
    });
    runPolicyRules([look], "t", {}, { blocked: true, findings: [finding] });
    runPolicyRules([look], "t", {}, null);
    expect(seen).toEqual([{ blocked: true, findings: [finding] }, true, null, true]);
    expect(Object.isFrozen(finding)).toBe(false);
  });
});
