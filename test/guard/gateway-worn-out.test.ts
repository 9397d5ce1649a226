// A call that always comes second: what it chose to rest on is gone when it is taken. It is decided
// anew at most eight times, and then as if nothing were left (40-gateway section 5).
import { describe, expect, it } from "vitest";
import type { ConsentAnswer } from "../../src/guard/consent-answer.ts";
import { LIMIT_DECIDE_ATTEMPTS } from "../../src/guard/engine.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { ALICE, expectRefused, NOW_MS, rigOf, TOOLS, told } from "./gateway-fixture.ts";

/** A store from which somebody else takes first, for as long as `isFaster` says. */
function contested(inner: SyncStateStore, isFaster: (id: string) => boolean) {
  const tried: string[] = [];
  const store: SyncStateStore = {
    ...inner,
    consumeConsent: (id) => {
      tried.push(id);
      if (!isFaster(id)) return inner.consumeConsent(id);
      inner.consumeConsent(id);
      return false;
    },
    consumeLease: (id, remaining) => {
      tried.push(id);
      if (!isFaster(id)) return inner.consumeLease(id, remaining);
      inner.consumeLease(id, remaining);
      return false;
    },
  };
  return { store, tried };
}

/** Approves `calls` calls of `name`, the first of which is made with the answer. */
async function approved(name: "send" | "both", calls: number): Promise<SyncStateStore> {
  const store = createMemoryStore();
  const answer: ConsentAnswer = { choice: "lease", calls, minutes: 10 };
  const consentProvider = { channel: "elicitation", ask: async () => answer } as const;
  const rig = await rigOf({ store, consentProvider });
  if (name === "both") rig.grant(["both"], { maxInvocations: 100 });
  const request = { identity: ALICE, serverId: "files", tool: TOOLS[name], args: {} };
  expect(told(await rig.gateway.evaluateAsync(request))).toBe("allow allowed");
  expect(store.listConsents()).toHaveLength(calls - 1);
  return store;
}

describe("an approval that is used up between the choice and the taking", () => {
  it("is no approval: the next one is taken, and the record names that one", async () => {
    const inner = await approved("send", 4);
    let isFirst = true;
    const { store, tried } = contested(inner, () => {
      const wasFirst = isFirst;
      isFirst = false;
      return wasFirst;
    });
    const rig = await rigOf({ store });
    expect(told(rig.ask("send"))).toBe("allow allowed");
    expect(new Set(tried).size).toBe(2);
    expect(rig.sink.events.at(-1)?.consentId).toBe(tried[1]);
    expect(inner.listConsents()).toHaveLength(1);
  });

  it("and that was the only one: the call asks", async () => {
    const { store, tried } = contested(await approved("send", 2), () => true);
    const rig = await rigOf({ store });
    expectRefused(rig, rig.ask("send"), "ask_user consent_required");
    expect(tried).toHaveLength(1);
    expect(rig.sink.events.at(-1)?.consentId).toBeUndefined();
  });

  it("eight times in a row: the call asks, though a ninth is there", async () => {
    const inner = await approved("send", 20);
    const { store, tried } = contested(inner, () => true);
    const rig = await rigOf({ store });
    expectRefused(rig, rig.ask("send"), "ask_user consent_required");
    expect(new Set(tried).size).toBe(LIMIT_DECIDE_ATTEMPTS);
    expect(tried).toHaveLength(LIMIT_DECIDE_ATTEMPTS);
    expect(inner.listConsents()).toHaveLength(19 - LIMIT_DECIDE_ATTEMPTS);
    expect(rig.sink.events).toHaveLength(1);
  });

  it("is taken once, though the lease beside it is fought over, and is never given back", async () => {
    const inner = await approved("both", 3);
    const [lease] = inner.listLeases();
    const { store, tried } = contested(inner, (id) => id === lease?.id);
    const rig = await rigOf({ store });
    expectRefused(rig, rig.ask("both"), "deny lease_exhausted");
    expect(tried.filter((id) => id === lease?.id)).toHaveLength(LIMIT_DECIDE_ATTEMPTS);
    expect(tried).toHaveLength(LIMIT_DECIDE_ATTEMPTS + 1);
    expect(inner.listConsents()).toHaveLength(1);
    expect(inner.getLease(lease?.id ?? "")?.remaining).toBe(99 - LIMIT_DECIDE_ATTEMPTS);
  });

  it("while a rule asks for it: the rule finds none, and decides", async () => {
    const rest = `
[[rules]]
id = "agreed"
when = { tool = ["send"], consent = false }
then = "deny"
`;
    const agreed = await rigOf({}, { rest });
    expect(told(agreed.ask("send"))).toBe("deny policy_denied");
    const { store } = contested(await approved("send", 20), () => true);
    const rig = await rigOf({ store }, { rest });
    expectRefused(rig, rig.ask("send"), "deny policy_denied");
  });
});

describe("arguments that are no plain data", () => {
  const provider = { channel: "elicitation", ask: () => expect.fail("nobody is asked") } as const;

  it.each<[string, object]>([
    ["an undefined member", { to: undefined }],
    ["a function", { to: () => 1 }],
    ["a bigint", { to: 1n }],
    ["a getter", Object.defineProperty({}, "to", { get: () => "bob", enumerable: true })],
    ["an object of a class", { to: new Date(NOW_MS) }],
  ])("%s cannot be shown to a person as it will be sent: refused, and nobody is asked", async (_, args) => {
    const rig = await rigOf({ consentProvider: provider });
    const request = { identity: ALICE, serverId: "files", tool: TOOLS.send, args };
    expectRefused(rig, await rig.gateway.evaluateAsync(request), "deny argument_denied");
    // where a schema asks about members they are refused before that
    expectRefused(rig, rig.ask("typed", { args: { count: 1, ...args } }), "deny argument_denied");
  });
});
