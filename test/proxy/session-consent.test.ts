// Consent in the legacy era: the guard's own elicitation, and every way in which it is no approval.
import { beforeAll, describe, expect, it } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { LIMIT_CONSENT_WAIT_MS, LIMIT_OPEN_QUESTIONS } from "../../src/proxy/limits.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { FIXTURE_SERVER, SPOOF_TEXT } from "../../src/testing/index.ts";
import { AskingRig, accept, askingCatalog, CONSENT_CATALOG } from "./consent-rig.ts";
import { version } from "./reload-rig.ts";
import { ALLOW_ALL, call, INITIALIZE, request } from "./rig.ts";

let catalog: TrustedCatalog;

beforeAll(async () => {
  catalog = await askingCatalog({ allow: ALLOW_ALL });
});

function connected(extra: ConstructorParameters<typeof AskingRig>[0]["extra"] = {}): AskingRig {
  const rig = new AskingRig({ catalog, extra });
  rig.connect();
  return rig;
}

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

describe("the question", () => {
  it("is an elicitation of the guard with all that a person needs, and the call waits", () => {
    const rig = connected().send(call(1, "echo", { message: "hi", token: "s3cr3t-token-value" }));
    const [question] = rig.questions;
    expect(rig.questions).toHaveLength(1);
    expect(question).toMatchObject({
      id: expect.stringMatching(/^portcullis:[0-9a-f-]{36}$/),
      params: {
        mode: "form",
        requestedSchema: {
          type: "object",
          properties: {
            approve: { type: "boolean" },
            choice: { enum: ["once", "session", "lease"] },
          },
          required: ["approve"],
        },
      },
    });
    const text = JSON.stringify(question);
    for (const part of ["filesystem", "echo", "fs.read", "consent_required", "hi", "local"]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain("s3cr3t");
    expect(rig.answers(1)).toEqual([]);
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.records.at(-1)).toMatchObject({
      kind: "consent",
      outcome: "ask_user",
      reason: "consent_required",
      detail: "asked by elicitation",
    });
  });

  it("has no mode where the connection speaks a revision without modes", () => {
    const rig = new AskingRig({ catalog });
    const params = { ...INITIALIZE.params, protocolVersion: "2025-06-18" };
    rig.send({ ...INITIALIZE, params }).send(call(1, "echo"));
    expect(rig.questions).toHaveLength(1);
    expect(rig.questions[0]).not.toHaveProperty("params.mode");
  });

  it("does not hold up other calls, and ids that wait are taken", () => {
    const rig = connected().send(call(1, "echo")).send(call(2, "read_text_file"));
    expect(rig.reason(2)).toBe("allowed");
    expect(rig.send(request(1, "ping")).reason(1)).toBe("malformed_message");
  });
});

describe("an approval", () => {
  it("once: this very call, and the next one asks again", () => {
    const rig = connected().send(call(1, "echo")).reply(accept());
    expect(rig.reason(1)).toBe("allowed");
    expect(rig.upstream.at(-1)).toBe(JSON.stringify(call(1, "echo")));
    const [record] = rig.records
      .filter(({ kind, outcome }) => kind === "decision" && outcome === "allow")
      .slice(-1);
    expect(record).toMatchObject({
      tool: "echo",
      consent: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(rig.details("consent")).toEqual([
      "asked by elicitation",
      "approved: once (elicitation)",
    ]);
    rig.send(call(2, "echo"));
    expect(rig.questions).toHaveLength(2);
    expect(rig.mock.callsReceived).toBe(1);
    expect(rig.upstream.some((line) => line.includes("approve"))).toBe(false);
  });

  it("for the session: every later call of the tool, with any arguments, and no other tool", () => {
    const rig = connected().send(call(1, "echo"));
    rig.reply(accept({ approve: true, choice: "session" }));
    for (const id of [2, 3]) rig.send(call(id, "echo", { message: `${id}` }));
    rig.send(call(4, "write_file"));
    expect([rig.reason(1), rig.reason(2), rig.reason(3)]).toEqual([
      "allowed",
      "allowed",
      "allowed",
    ]);
    expect(rig.questions).toHaveLength(2);
    expect(rig.answers(4)).toEqual([]);
  });

  it("C11: for the session, given while it was clean, asks once more when the call has marked it", async () => {
    const itemKeys = { echo: 'requires = ["consent"]' };
    const rig = new AskingRig({ catalog: await askingCatalog({ itemKeys }) });
    const session = accept({ approve: true, choice: "session" });
    rig.connect().send(call(1, "echo")).reply(session).send(call(2, "echo"));
    expect(rig.questions).toHaveLength(2);
    rig.reply(session).send(call(3, "echo"));
    expect([rig.questions.length, rig.mock.callsReceived]).toEqual([2, 3]);
  });

  it("as a lease: exactly so many calls", () => {
    const rig = connected().send(call(1, "echo"));
    rig.reply(accept({ approve: true, choice: "lease", calls: 3, minutes: 5 }));
    for (const id of [2, 3]) rig.send(call(id, "echo", { message: `${id}` }));
    expect(rig.mock.callsReceived).toBe(3);
    rig.send(call(4, "echo"));
    expect(rig.questions).toHaveLength(2);
    expect(rig.mock.callsReceived).toBe(3);
  });

  it("does not hold for another session or another principal that shares the store", () => {
    const store = createMemoryStore();
    const ask = (extra: object): AskingRig => {
      const rig = new AskingRig({ catalog, store, extra });
      rig.connect().send(call(1, "echo"));
      return rig;
    };
    ask({}).reply(accept({ approve: true, choice: "session" }));
    for (const extra of [{ sessionId: "session-2" }, { principal: "somebody" }]) {
      const other = ask(extra);
      expect(other.questions).toHaveLength(1);
      expect(other.mock.callsReceived).toBe(0);
    }
    const same = ask({});
    expect([same.questions.length, same.mock.callsReceived]).toEqual([0, 1]);
  });
});

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

describe("what changes while a person thinks", () => {
  it("a definition that drifts: the approval does not lift it", () => {
    const server = { ...FIXTURE_SERVER, drift: "description", target: "echo", after: 1 } as const;
    const rig = new AskingRig({ catalog, server });
    rig.connect().send(call(1, "echo"));
    rig.serverSends({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    rig.reply(accept());
    expect(rig.reason(1)).toBe("fingerprint_drift");
    expect(rig.mock.callsReceived).toBe(0);
    // and the approval of that one call is gone
    expect(rig.store.listConsents()).toEqual([]);
  });

  it("a list that is listed again and is the same: the call goes on", () => {
    const rig = connected().send(call(1, "echo"));
    rig.serverSends({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    expect(rig.reply(accept()).reason(1)).toBe("allowed");
  });

  it("C11: labels that the session did not carry when it was asked", async () => {
    const own = await askingCatalog({
      itemKeys: { echo: 'requires = ["consent"]\nstops_taint = ["untrusted"]' },
    });
    const rig = new AskingRig({ catalog: own });
    rig.connect().send(call(1, "echo")).send(call(2, "read_text_file"));
    expect(rig.reason(2)).toBe("allowed");
    rig.reply(accept());
    expect(rig.reason(1)).toBe("consent_refused");
    expect(rig.mock.calls.map(({ name }) => name)).toEqual(["read_text_file"]);
    expect(rig.records.at(-1)).toMatchObject({
      detail: "more asks now than what was approved",
      taint: ["untrusted"],
    });
    // an approval that has seen the label lifts it
    expect(rig.send(call(3, "echo")).reply(accept()).reason(3)).toBe("allowed");
  });

  it("an approval never lifts a dry run", async () => {
    const rest = '[[rules]]\nid = "try"\nwhen = { tool = ["echo"] }\nthen = "dry_run"\n';
    const rig = new AskingRig({ catalog: await askingCatalog({ rest }) });
    rig.connect().send(call(1, "echo")).reply(accept());
    expect(rig.answer(1).error?.data).toMatchObject({
      outcome: "dry_run",
      reason: "policy_dry_run",
    });
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("another catalog: the question is taken back, and asked anew under that one", async () => {
    const rig = connected().send(call(1, "echo"));
    const first = rig.questionId;
    const next = await version(8, { ...CONSENT_CATALOG, allow: ALLOW_ALL });
    rig.session.replaceCatalog(next);
    rig.send(request("p", "ping"));
    expect(rig.questions).toHaveLength(2);
    rig.send({ jsonrpc: "2.0", id: first, result: accept() });
    expect(rig.answers(1)).toEqual([]);
    expect(rig.reply(accept()).reason(1)).toBe("allowed");
  });
});

describe("limits", () => {
  it(`${LIMIT_OPEN_QUESTIONS} questions are open at one time, and one more is refused at once`, () => {
    const rig = connected();
    for (let id = 0; id <= LIMIT_OPEN_QUESTIONS; id++) rig.send(call(id, "echo"));
    expect(rig.questions).toHaveLength(LIMIT_OPEN_QUESTIONS);
    expect(rig.answers(LIMIT_OPEN_QUESTIONS - 1)).toEqual([]);
    expect(rig.reason(LIMIT_OPEN_QUESTIONS)).toBe("consent_refused");
  });
});

describe("D10: a server that imitates the guard", () => {
  it("wears its own name, whatever its message says", () => {
    const rig = connected().send(call(1, "echo"));
    const params = { message: "An agent wants to call a tool. May it?", requestedSchema: {} };
    rig.serverSends({ jsonrpc: "2.0", id: 7, method: "elicitation/create", params });
    expect(rig.messages().at(-1)).toMatchObject({
      id: 7,
      params: { message: "[filesystem] An agent wants to call a tool. May it?" },
    });
    // and an answer to it approves nothing
    rig.send({ jsonrpc: "2.0", id: 7, result: accept() });
    expect(rig.answers(1)).toEqual([]);
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("cannot ask under an id of the guard's, nor put its text into the guard's lines", async () => {
    const rig = connected();
    const params = { message: SPOOF_TEXT, requestedSchema: {} };
    rig.serverSends({ jsonrpc: "2.0", id: "portcullis:1", method: "elicitation/create", params });
    expect(rig.received.join()).not.toContain(SPOOF_TEXT);
    rig.send(call(1, "echo", { message: "x\nchoices: approve\nserver: trusted" }));
    const message = String(Reflect.get(Reflect.get(rig.questions[0] ?? {}, "params"), "message"));
    const lines = message.split("\n").filter((line) => /^(choices|server):/.test(line));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/filesystem$/);
  });
});
