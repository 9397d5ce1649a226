// Consent in the legacy era: every way in which an answer, or none, is no approval.
import { describe, expect, it } from "vitest";
import { LIMIT_CONSENT_WAIT_MS } from "../../src/proxy/limits.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { AskingRig, accept, askingCatalog } from "./consent-rig.ts";
import { catalog, connected } from "./elicitation-rig.ts";
import { call, INITIALIZE } from "./rig.ts";

/** The call is refused for good, nothing has reached the server, and there is a record of it. */
function expectRefused(rig: AskingRig, id: number, detail: string | RegExp): void {
  expect(rig.answer(id).error?.data).toMatchObject({
    outcome: "SafetyBlocked",
    reason: "consent_refused",
  });
  expect(rig.mock.callsReceived).toBe(0);
  const record = rig.records.findLast(({ kind }) => kind === "decision");
  expect(record).toMatchObject({ reason: "consent_refused", outcome: "deny", layer: "consent" });
  expect(record?.detail).toMatch(detail);
}

describe("everything else is a refusal", () => {
  it.each([
    ["accept without approve", accept({}), /no approval/],
    ["accept without content", { action: "accept" }, /no approval/],
    ["approve that is not true", accept({ approve: "true" }), /no approval/],
    ["approve: 1", accept({ approve: 1 }), /no approval/],
    ["Approve", accept({ Approve: true }), /no approval/],
    ["approve: false", accept({ approve: false }), /no approval/],
    ["decline", { action: "decline", content: { approve: true } }, /decline/],
    ["cancel", { action: "cancel" }, /cancel/],
    ["Accept", { action: "Accept", content: { approve: true } }, /no approval/],
    ["another choice", accept({ approve: true, choice: "always" }), /no approval/],
    ["the choice deny", accept({ approve: true, choice: "deny" }), /no approval/],
    ["a lease without numbers", accept({ approve: true, choice: "lease" }), /no approval/],
    ["a lease of 101", accept({ approve: true, choice: "lease", calls: 101, minutes: 1 }), /no/],
    ["an array", [], /no approval/],
    ["null", null, /no approval/],
  ])("%s", (_, result, detail) => {
    const rig = connected().send(call(1, "echo")).reply(result);
    expectRefused(rig, 1, detail);
    // it was the one answer: a second one changes nothing
    rig.reply(accept());
    expect(rig.answers(1)).toHaveLength(1);
    expect(rig.records.at(-1)).toMatchObject({
      kind: "drop",
      detail: "a response to a question that is open no longer",
    });
    expect(rig.mock.callsReceived).toBe(0);
  });

  it.each([
    ["an error", '"error":{"code":-32601,"message":"no"}'],
    [
      "duplicate members",
      '"result":{"action":"decline","action":"accept","content":{"approve":true}}',
    ],
    [
      "what only a lenient reader takes",
      '"result":{"action":"accept","content":{"approve":true,"x":1e400}}',
    ],
  ])("%s", (_, member) => {
    const rig = connected().send(call(1, "echo"));
    rig.send(`{"jsonrpc":"2.0","id":"${rig.questionId}",${member}}`);
    expectRefused(rig, 1, /no approval|unreadable/);
  });

  it("a client that did not declare elicitation, or forms", () => {
    for (const capabilities of [{}, { elicitation: { url: {} } }, { elicitation: true }]) {
      const rig = new AskingRig({ catalog, extra: { store: undefined } });
      rig.send({ ...INITIALIZE, params: { ...INITIALIZE.params, capabilities } });
      rig.send(call(1, "echo"));
      expect(rig.questions).toEqual([]);
      expectRefused(rig, 1, "nobody who can be asked");
    }
    const without = new AskingRig({ catalog, extra: { store: undefined } }).send(call(1, "echo"));
    expect(without.reason(1)).toBe("consent_refused");
  });

  it("a server whose channels leave elicitation out", async () => {
    const own = await askingCatalog({ serverKeys: 'consent_channels = ["web"]' });
    const rig = new AskingRig({ catalog: own, extra: { store: undefined } });
    rig.connect().send(call(1, "echo"));
    expect(rig.questions).toEqual([]);
    expectRefused(rig, 1, "nobody who can be asked");
  });

  it("no answer within 50 s of the call; a late one is dropped and recorded", () => {
    const rig = connected()
      .send(call(1, "echo"))
      .elapse(LIMIT_CONSENT_WAIT_MS - 1);
    expect(rig.answers(1)).toEqual([]);
    rig.elapse(1);
    expectRefused(rig, 1, "no answer in time");
    const cancelled = rig.messages().filter(({ method }) => method === "notifications/cancelled");
    expect(cancelled).toMatchObject([{ params: { requestId: rig.questionId } }]);
    rig.reply(accept());
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", sender: "client" });
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("the 50 s begin when the call comes in, not when the listing is there", () => {
    const rig = new AskingRig({ catalog, server: { ...FIXTURE_SERVER, list: "unanswered" } });
    rig.connect().send(call(1, "echo")).elapse(20_000);
    const id = String(JSON.parse(rig.upstream.at(-1) ?? "").id);
    rig.mock.respond = () => [];
    let listing = { jsonrpc: "2.0", id, result: { tools: FIXTURE_SERVER.tools } as object };
    rig.serverSends(listing);
    for (const member of ["prompts", "resources", "resourceTemplates"]) {
      const next = String(JSON.parse(rig.upstream.at(-1) ?? "").id);
      listing = {
        jsonrpc: "2.0",
        id: next,
        result: { [member]: Reflect.get(FIXTURE_SERVER, member) },
      };
      rig.serverSends(listing);
    }
    expect(rig.questions).toHaveLength(1);
    rig.elapse(LIMIT_CONSENT_WAIT_MS - 20_000);
    expect(rig.reason(1)).toBe("consent_refused");
  });

  it("cancellation of the call ends the question, and there is no answer", () => {
    const rig = connected().send(call(1, "echo"));
    rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
    expect(rig.messages().at(-1)).toMatchObject({
      method: "notifications/cancelled",
      params: { requestId: rig.questionId },
    });
    rig.reply(accept()).elapse(LIMIT_CONSENT_WAIT_MS);
    expect(rig.answers(1)).toEqual([]);
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.upstream.join()).not.toContain("notifications/cancelled");
  });

  it("cancellation of the question by the client is a refusal", () => {
    const rig = connected().send(call(1, "echo"));
    const params = { requestId: rig.questionId };
    rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    expectRefused(rig, 1, "the client has cancelled the question");
    expect(rig.upstream.join()).not.toContain(rig.questionId);
  });

  it("the end of the client refuses what waits, and what would", () => {
    const rig = connected().send(call(1, "echo"));
    rig.session.clientGone();
    expectRefused(rig, 1, "the client is gone");
    expect(rig.send(call(2, "echo")).reason(2)).toBe("consent_refused");
    expect(rig.questions).toHaveLength(1);
  });

  it("the end of the server ends the question", () => {
    const rig = connected().send(call(1, "echo"));
    rig.session.serverGone("server filesystem has ended");
    expect(rig.answer(1).error?.code).toBe(-32603);
    expect(rig.messages().some(({ method }) => method === "notifications/cancelled")).toBe(true);
    rig.reply(accept());
    expect(rig.answers(1)).toHaveLength(1);
  });

  it("an answer of the server, or under a guessed id, is none", () => {
    const rig = connected().send(call(1, "echo"));
    rig.serverSends({ jsonrpc: "2.0", id: rig.questionId, result: accept() });
    rig.send({ jsonrpc: "2.0", id: "portcullis:guess", result: accept() });
    expect(rig.answers(1)).toEqual([]);
    rig.reply(accept());
    expect(rig.reason(1)).toBe("allowed");
  });

  it("a store that cannot keep the approval", () => {
    const store = { ...createMemoryStore(), putConsent: () => false };
    const rig = new AskingRig({ catalog, store });
    rig.connect().send(call(1, "echo")).reply(accept());
    expectRefused(rig, 1, "the approval could not be kept");
  });
});
