// Consent in the legacy era: the guard's own elicitation, what an approval covers, and what changes while
// a person thinks.
import { describe, expect, it } from "vitest";
import { LIMIT_OPEN_QUESTIONS } from "../../src/proxy/limits.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { FIXTURE_SERVER, SPOOF_TEXT } from "../../src/testing/index.ts";
import { AskingRig, accept, askingCatalog, CONSENT_CATALOG } from "./consent-rig.ts";
import { catalog, connected } from "./elicitation-rig.ts";
import { version } from "./reload-rig.ts";
import { ALLOW_ALL, call, INITIALIZE, request } from "./rig.ts";

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
