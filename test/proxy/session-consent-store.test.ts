// Consent at another terminal or page: a question in the store that this guard shares.
import { beforeAll, describe, expect, it } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { GuardError } from "../../src/errors.ts";
import { CONSENT_POLL_MS, LIMIT_CONSENT_WAIT_MS } from "../../src/proxy/limits.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Answer } from "../../src/store/records.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { AskingRig, askingCatalog } from "./consent-rig.ts";
import { call, INITIALIZE } from "./rig.ts";

let catalog: TrustedCatalog;

beforeAll(async () => {
  catalog = await askingCatalog({ serverKeys: 'consent_channels = ["terminal", "web"]' });
});

function asked(store: SyncStateStore = createMemoryStore(), own = catalog): AskingRig {
  const rig = new AskingRig({ catalog: own, store });
  rig.send({ ...INITIALIZE, params: { ...INITIALIZE.params, capabilities: {} } });
  rig.send(call(1, "echo"));
  return rig;
}

function answer(rig: AskingRig, given: Answer, channel: "terminal" | "web" = "terminal"): boolean {
  const [question] = rig.store.listQuestions(NOW_MS);
  return rig.store.answerQuestion(question?.id ?? "none", given, channel, NOW_MS + 1);
}

describe("a question in the store", () => {
  it("says all that a person needs, where it may be answered, and until when", () => {
    const rig = asked();
    expect(rig.questions).toEqual([]);
    const [question, ...more] = rig.store.listQuestions(NOW_MS);
    expect(more).toEqual([]);
    expect(question).toMatchObject({
      serverId: "filesystem",
      kind: "tool",
      itemName: "echo",
      channels: ["terminal", "web"],
      createdAtMs: NOW_MS,
      expiresAtMs: NOW_MS + LIMIT_CONSENT_WAIT_MS,
      text: expect.stringContaining("consent_required"),
    });
    expect(rig.records.at(-1)).toMatchObject({
      kind: "consent",
      detail: "asked by terminal or web",
    });
  });

  it("is asked where the client cannot be, though elicitation is a channel too", async () => {
    const rig = asked(createMemoryStore(), await askingCatalog());
    expect(rig.questions).toEqual([]);
    expect(rig.store.listQuestions(NOW_MS)[0]?.channels).toEqual(["terminal", "web"]);
  });

  it("approved: the call goes on at the next look, and the question is gone", () => {
    const rig = asked();
    expect(answer(rig, { choice: "once" }, "web")).toBe(true);
    expect(rig.answers(1)).toEqual([]);
    rig.elapse(CONSENT_POLL_MS);
    expect(rig.reason(1)).toBe("allowed");
    expect(rig.details("consent").at(-1)).toBe("approved: once (web)");
    expect(rig.store.listConsents()).toEqual([]);
    expect(rig.store.listQuestions(NOW_MS)).toEqual([]);
  });

  it("approved for n calls and t minutes", () => {
    const rig = asked();
    answer(rig, { choice: "lease", maxInvocations: 2, ttlMs: 90_000 });
    rig.elapse(CONSENT_POLL_MS).send(call(2, "echo")).send(call(3, "echo"));
    expect([rig.reason(1), rig.reason(2)]).toEqual(["allowed", "allowed"]);
    expect(rig.answers(3)).toEqual([]);
    expect(rig.mock.callsReceived).toBe(2);
  });

  it.each([
    ["denied", { choice: "deny" } as const],
    [
      "a lease of less than a minute",
      { choice: "lease", maxInvocations: 1, ttlMs: 59_999 } as const,
    ],
    [
      "a lease of more than a day",
      { choice: "lease", maxInvocations: 1, ttlMs: 86_460_000 } as const,
    ],
  ])("%s: refused", (_, given) => {
    const rig = asked();
    answer(rig, given);
    rig.elapse(CONSENT_POLL_MS);
    expect(rig.reason(1)).toBe("consent_refused");
    expect(rig.records.at(-1)).toMatchObject({ detail: "a person refused" });
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("never answered: refused after 50 s, and the question is gone", () => {
    const rig = asked();
    for (let at = 0; at < LIMIT_CONSENT_WAIT_MS; at += CONSENT_POLL_MS) {
      expect(rig.answers(1)).toEqual([]);
      rig.elapse(CONSENT_POLL_MS);
    }
    expect(rig.reason(1)).toBe("consent_refused");
    expect(answer(rig, { choice: "once" })).toBe(false);
    expect(rig.elapse(60_000).mock.callsReceived).toBe(0);
  });

  it("taken back with its call", () => {
    const rig = asked();
    rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
    expect(rig.store.listQuestions(NOW_MS)).toEqual([]);
    expect(rig.elapse(60_000).answers(1)).toEqual([]);
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("that cannot be put is refused at once", () => {
    const full = { ...createMemoryStore(), putQuestion: () => false };
    const broken: SyncStateStore = {
      ...createMemoryStore(),
      putQuestion: () => {
        throw new GuardError("STORE_UNAVAILABLE", "no");
      },
    };
    for (const store of [full, broken]) expect(asked(store).reason(1)).toBe("consent_refused");
  });

  it("goes on being looked at while the store is in trouble", () => {
    const store = createMemoryStore();
    let isBroken = true;
    const moody: SyncStateStore = {
      ...store,
      getAnswer: (id) => {
        if (isBroken) throw new GuardError("STORE_UNAVAILABLE", "no");
        return store.getAnswer(id);
      },
    };
    const rig = asked(moody);
    answer(rig, { choice: "once" });
    rig.elapse(CONSENT_POLL_MS);
    expect(rig.answers(1)).toEqual([]);
    isBroken = false;
    expect(rig.elapse(CONSENT_POLL_MS).reason(1)).toBe("allowed");
  });

  it("is not put into a store that nobody else sees", () => {
    const rig = new AskingRig({ catalog, extra: { store: undefined } }).send(call(1, "echo"));
    expect(rig.reason(1)).toBe("consent_refused");
  });
});
