// What the host brings to a gateway may fail: its store, and its own rules.
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../src/store/memory.ts";
import { ALICE, expectRefused, type Rig, rigOf, told } from "./gateway-fixture.ts";

describe("a store in trouble", () => {
  const gone = (): never => {
    throw new Error("gone");
  };

  it("refuses what needs it, and nothing else", async () => {
    const store = {
      ...createMemoryStore(),
      ...{ getLease: gone, findLeases: gone, consumeLease: gone, findConsents: gone },
      ...{ consumeConsent: gone, getTaint: gone, addTaint: gone },
    };
    const rig = await rigOf({ store });
    expect(told(rig.ask("quiet"))).toBe("allow allowed");
    expect(told(rig.ask("read"))).toBe("allow allowed");
    expect(told(rig.ask("write"))).toBe("deny lease_required");
    expect(told(rig.ask("send"))).toBe("ask_user consent_required");
    expect(told(rig.ask("post"))).toBe("deny taint_denied");
    expect(told(rig.ask("share"))).toBe("ask_user taint_review");
  });

  it("that takes no label now gets it later, and it counts in between", async () => {
    const inner = createMemoryStore();
    let isDown = true;
    const store = {
      ...inner,
      addTaint: (session: string, mask: number) =>
        isDown ? gone() : inner.addTaint(session, mask),
    };
    const rig = await rigOf({ store });
    expect(told(rig.ask("inbox"))).toBe("allow allowed");
    expectRefused(rig, rig.ask("post"), "deny taint_denied");
    isDown = false;
    rig.ask("read");
    expect(inner.getTaint(ALICE.sessionHash)).toBe(0b11);
  });

  it("a lease that cannot be taken is no lease", async () => {
    const store = { ...createMemoryStore(), consumeLease: gone };
    const rig = await rigOf({ store });
    rig.grant(["write"], { maxInvocations: 5 });
    expectRefused(rig, rig.ask("write"), "deny lease_exhausted");
  });
});

describe("custom rules", () => {
  it("tighten, and are named; one that fails denies", async () => {
    for (const [answer, expected] of [
      ["deny", "deny policy_denied"],
      ["ask_user", "ask_user policy_review"],
      ["dry_run", "dry_run policy_dry_run"],
    ] as const) {
      const rig = await rigOf({ rules: [{ policyId: "mine", evaluate: () => answer }] });
      const decision = rig.ask("quiet");
      expectRefused(rig, decision, expected);
      expect(decision.invocation.matchedPolicyIds).toEqual(["mine"]);
      expect(decision.invocation.reasons).toEqual(["custom_rule"]);
    }
    const thrower = { policyId: "mine", evaluate: () => expect.fail("gone") };
    const rig = await rigOf({ rules: [thrower] });
    expectRefused(rig, rig.ask("quiet"), "deny policy_denied");
  });

  it("get the arguments and the vetting, and may ask the gateway themselves", async () => {
    const seen: unknown[] = [];
    const holder: { rig: Rig | undefined } = { rig: undefined };
    let depth = 0;
    const evaluate = (name: string, args: object, vetting: unknown): undefined => {
      seen.push({ name, args, vetting });
      depth += 1;
      if (depth === 1) expect(told(holder.rig?.ask("post") ?? expect.fail())).toBe("allow allowed");
    };
    const rig = await rigOf({ rules: [{ policyId: "look", evaluate }] });
    holder.rig = rig;
    expect(told(rig.ask("quiet", { args: { a: 1 } }))).toBe("allow allowed");
    expect(seen).toMatchObject([
      { name: "quiet", args: { a: 1 }, vetting: { blocked: false } },
      { name: "post" },
    ]);
  });
});
