// Every export of the trust pack with whatever plain JavaScript may pass: what looks at a value never
// throws, and what makes one throws a GuardError that says what was expected, and nothing else.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import type { EvaluateRequest } from "../../src/guard/gateway-types.ts";
import * as portcullis from "../../src/index.ts";
import type { AsyncStateStore } from "../../src/store/types.ts";
import { anything, forAll, nearly, Trapped } from "./anything.ts";
import { ALICE, NOW_MS, rigOf, TOOLS, told } from "./gateway-fixture.ts";

const RUNS = 300;

type AnyFunction = (...args: unknown[]) => unknown;

/** The export `name` as plain JavaScript sees it. */
function exported(name: string): AnyFunction {
  const found: unknown = Reflect.get(portcullis, name);
  if (typeof found !== "function") return expect.fail(`no export ${name}`);
  return (...args) => Reflect.apply(found, undefined, args);
}

const LEASE = {
  principalHash: ALICE.principalHash,
  serverId: "files",
  grantedTools: ["write"],
  ttlSeconds: 60,
  maxInvocations: 3,
  stateChanging: true,
  clock: () => NOW_MS,
};
const OBSERVATION = portcullis.taintObservation("read", "some text");
const CARD = { serverId: "files", tools: Object.values(TOOLS), operatorVerified: true };

/** Good values whose members are tried with others. */
const GOOD: readonly object[] = [LEASE, OBSERVATION, CARD, TOOLS.typed, ALICE];
const values = fc.oneof(anything, ...GOOD.map(nearly));

const THREE = fc.tuple(values, values, values);

/** Runs `use` with anything; `codes` are the faults that it may throw, beside the caller's own. */
function fuzz(use: AnyFunction, codes: readonly string[] = []): void {
  forAll(THREE, RUNS, (args) => {
    try {
      use(...args);
    } catch (fault) {
      if (codes.length > 0 && fault instanceof Trapped) return;
      if (!(fault instanceof GuardError) || !codes.includes(fault.code)) throw fault;
    }
  });
}

describe("what looks at a value never throws", () => {
  it.each([
    "isScopeLeaseValid",
    "isRequestIdentity",
    "isApprovalReceiptIntact",
    "isSafetyBlocked",
    "isTrustedCatalog",
    "isStateChangingTool",
    "taintObservation",
    "wrapResult",
    "renderTaintedObservation",
    "denyReasonClass",
  ])("%s", (name) => {
    fuzz(exported(name));
  });
});

describe("what makes a value says what it expected", () => {
  const texts = ["ARGUMENT_INVALID", "JSON_INVALID", "MANIFEST_INVALID", "MANIFEST_LIMIT"];

  it.each([
    ["createRequestIdentity", ["ARGUMENT_INVALID"]],
    ["createScopeLease", ["ARGUMENT_INVALID"]],
    ["buildServerCard", texts],
    ["createApprovalReceipt", ["ARGUMENT_INVALID"]],
    ["argumentsDigest", ["JSON_INVALID"]],
    ["canonicalize", ["JSON_INVALID"]],
    ["scanText", texts],
    ["vetTool", texts],
    ["vetInstructions", texts],
    ["vetManifest", texts],
    ["fingerprintTool", texts],
    ["fingerprintPrompt", texts],
    ["fingerprintResource", texts],
    ["fingerprintResourceTemplate", texts],
    ["fingerprintInstructions", texts],
    ["fingerprintManifest", texts],
  ])("%s", (name, codes) => {
    fuzz(exported(name), codes);
  });
});

describe("a gateway", () => {
  it("takes in no lease, approval, card or listing that is not whole", async () => {
    const { gateway, store } = await rigOf();
    const codes = ["ARGUMENT_INVALID", "MANIFEST_INVALID", "MANIFEST_LIMIT", "JSON_INVALID"];
    // @ts-expect-error what plain JavaScript may pass
    fuzz((lease) => gateway.grantLease(lease), codes);
    // @ts-expect-error what plain JavaScript may pass
    fuzz((record) => gateway.addConsentRecord(record), codes);
    // @ts-expect-error what plain JavaScript may pass
    fuzz((card) => gateway.registerServerCard(card), codes);
    // @ts-expect-error what plain JavaScript may pass
    fuzz((server, listing) => gateway.admitListing(server, listing), codes);
    // @ts-expect-error what plain JavaScript may pass
    fuzz((id) => gateway.revokeLease(id));
    expect([store.listLeases(), store.listConsents()]).toEqual([[], []]);
  });

  it("of cards takes in no card that is not of buildServerCard", () => {
    const card = portcullis.buildServerCard(CARD);
    const gateway = new portcullis.MCPGateway({ serverCards: [card] });
    const look = fc.oneof(values, nearly(card));
    forAll(look, RUNS, (one) => {
      // @ts-expect-error what plain JavaScript may pass
      expect(() => gateway.registerServerCard(one)).toThrow(/^expected|trapped/);
    });
    const ask = { identity: ALICE, serverId: "files", tool: TOOLS.read };
    expect(gateway.evaluate(ask).invocation.decision).toBe("allow");
  });

  it("is made of a catalog or of cards, and of nothing else", () => {
    forAll(values, RUNS, (options) => {
      // @ts-expect-error what plain JavaScript may pass
      expect(() => new portcullis.MCPGateway(options)).toThrow(/^expected|trapped/);
    });
  });
});

const callOf = (name: "write" | "send" | "both" | "post" | "quiet"): EvaluateRequest => {
  return { identity: ALICE, serverId: "files", tool: TOOLS[name], args: {} };
};

const reads = ["getLease", "findLeases", "findConsents", "getTaint"] as const;
const takes = ["consumeLease", "consumeConsent", "addTaint"] as const;
const answers = fc.oneof(values, fc.array(values), fc.array(nearly(LEASE)));
const names = fc.constantFrom<"write" | "send" | "both" | "post" | "quiet">(
  ...(["write", "send", "both", "post", "quiet"] as const),
);

describe("a store that answers anything", () => {
  it("makes no call fail, and lets nothing through that needs what it holds", async () => {
    const answer: { current: unknown } = { current: undefined };
    const { store } = await rigOf();
    const broken = [...reads, ...takes].map((name) => [name, () => answer.current]);
    const { gateway, sink } = await rigOf({ store: { ...store, ...Object.fromEntries(broken) } });
    forAll(fc.tuple(answers, names), 2 * RUNS, ([one, name]) => {
      answer.current = one;
      const { decision } = gateway.evaluate(callOf(name)).invocation;
      if (name !== "quiet" && name !== "post") expect(decision).not.toBe("allow");
      expect(sink.events.at(-1)?.decision).toBe(decision);
    });
  });

  it("later does the same", async () => {
    const answer: { current: unknown } = { current: undefined };
    const { store: inner } = await rigOf();
    const broken = [...reads, ...takes].map((name) => [name, async () => answer.current]);
    const store: AsyncStateStore = { ...inner, mode: "async", ...Object.fromEntries(broken) };
    const { gateway, sink } = await rigOf({ store });
    const seed = Math.floor(Math.random() * 2 ** 31);
    for (const [one, name] of fc.sample(fc.tuple(answers, names), { numRuns: RUNS, seed })) {
      answer.current = one;
      const { invocation } = await gateway.evaluateAsync(callOf(name));
      const isHeld = name !== "quiet" && name !== "post";
      if (isHeld) expect(invocation.decision, `seed ${seed}`).not.toBe("allow");
      expect(sink.events.at(-1)?.decision).toBe(invocation.decision);
    }
  });

  it.each([
    "getTaint",
    "addTaint",
  ] as const)("a promise of %s is no clean session", async (name) => {
    const { store } = await rigOf();
    const rig = await rigOf({ store: { ...store, [name]: async () => 0 } });
    rig.ask("inbox");
    expect(told(rig.ask("post"))).toBe("deny taint_denied");
  });

  it.each([
    "consumeLease",
    "consumeConsent",
  ] as const)("a promise of %s is no taking", async (name) => {
    const { store } = await rigOf();
    const consentProvider = {
      channel: "elicitation" as const,
      ask: () => Promise.resolve({ choice: "session" as const }),
    };
    const rig = await rigOf({ store: { ...store, [name]: async () => true }, consentProvider });
    rig.grant(["both"], { maxInvocations: 3 });
    const { invocation } = await rig.gateway.evaluateAsync({ ...callOf("both") });
    expect(invocation.decision).not.toBe("allow");
  });
});
