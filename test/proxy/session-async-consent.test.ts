// A connection whose store answers later: flagged texts, consent, and how such a session begins.
import { describe, expect, it, vi } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { sessionHash } from "../../src/guard/identity-hash.ts";
import { CONSENT_POLL_MS } from "../../src/proxy/limits.ts";
import { GuardSession } from "../../src/proxy/session.ts";
import type { GuardSessionOptions } from "../../src/proxy/session-options.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { StateStore, SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_SERVER, type MockOptions } from "../../src/testing/index.ts";
import { expectCode, expectRejection, NOW_MS } from "../fixtures/trust.ts";
import { asyncStore, type Faults } from "../store/async-store.ts";
import { answered, asking, catalog, EVIL, gateAt, POLL, rigOf, UNTRUSTED } from "./async-rig.ts";
import { call, INITIALIZE, modern, Rig, request, SERVER_ID } from "./rig.ts";

describe("a flagged text", () => {
  const server = { ...FIXTURE_SERVER, resultText: EVIL };

  it("is passed on when the store has the label, and what follows it stays behind it", async () => {
    const { gate, open, isReached } = gateAt("addTaint");
    const { rig, inner } = rigOf({ gate, server });
    rig.send(call(1, "echo"));
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    rig.send(request(2, "ping"));
    const level = { level: "info", data: "later" };
    rig.serverSends({ jsonrpc: "2.0", method: "notifications/message", params: level });
    expect(rig.received.join()).not.toContain("id_rsa");
    expect(rig.answers(2)).toEqual([]);
    open();
    await answered(rig, 1, 2);
    expect(inner.getTaint(sessionHash("s"))).toBe(UNTRUSTED);
    const order = rig.received.filter((line) => /id_rsa|"id":2/.test(line));
    expect(order.map((line) => line.includes("id_rsa"))).toEqual([true, false]);
    rig.send(call(3, "fetch_url"));
    expect(await answered(rig, 3)).toEqual(["taint_denied"]);
  });

  it("is recorded once, however often the server says it, and again behind a reset", async () => {
    const { rig, inner } = rigOf();
    const say = (): void => {
      const params = { level: "info", data: EVIL };
      rig.serverSends({ jsonrpc: "2.0", method: "notifications/message", params });
    };
    const marks = (): number => rig.records.filter(({ kind }) => kind === "taint").length;
    const passed = (): number => rig.received.filter((line) => line.includes("id_rsa")).length;
    for (let at = 0; at < 3; at++) say();
    await vi.waitFor(() => expect(passed()).toBe(3), POLL);
    expect(marks()).toBeLessThanOrEqual(3);
    const before = marks();
    say();
    await vi.waitFor(() => expect(passed()).toBe(4), POLL);
    expect(marks()).toBe(before);
    inner.resetSession(sessionHash("s"));
    say();
    await vi.waitFor(() => expect(passed()).toBe(5), POLL);
    expect(marks()).toBe(before + 1);
    expect(inner.getTaint(sessionHash("s"))).toBe(UNTRUSTED);
  });

  it("is passed on all the same when the store cannot take the label, which counts here", async () => {
    const { rig } = rigOf({ fails: (name) => name === "addTaint", server });
    rig.send(call(1, "echo"));
    expect(await answered(rig, 1)).toEqual(["allowed"]);
    rig.send(call(2, "fetch_url"));
    expect(await answered(rig, 2)).toEqual(["taint_denied"]);
  });
});

describe("consent", () => {
  const plain = { ...INITIALIZE, params: { ...INITIALIZE.params, capabilities: {} } };
  const askedRig = (faults: Faults = {}): ReturnType<typeof rigOf> => {
    const { store, inner } = asyncStore(faults);
    const rig = new Rig(asking, FIXTURE_SERVER, { sessionId: "s", store }, []);
    return { rig: rig.send(plain).send(call(1, "echo")), inner };
  };

  const approveAtTerminal = (inner: SyncStateStore): void => {
    const [question] = inner.listQuestions(NOW_MS);
    inner.answerQuestion(question?.id ?? "", { choice: "once" }, "terminal", NOW_MS + 1);
  };
  /** Waits for the answer of the call while the guard looks for one. */
  const polled = async (rig: Rig): Promise<void> => {
    await vi.waitFor(() => {
      rig.elapse(CONSENT_POLL_MS);
      expect(rig.answers(1)).toHaveLength(1);
    }, POLL);
  };

  it("at another terminal: asked, answered, used once", async () => {
    const { rig, inner } = askedRig({ delayMsMax: 2 });
    await vi.waitFor(() => expect(inner.listQuestions(NOW_MS)).toHaveLength(1), POLL);
    approveAtTerminal(inner);
    await polled(rig);
    expect(rig.reason(1)).toBe("allowed");
    expect(inner.listConsents()).toEqual([]);
    expect(rig.mock.callsReceived).toBe(1);
  });

  it.each([
    "putQuestion",
    "putConsent",
    "findConsents",
  ] as const)("a store that fails at %s: refused, and the server saw nothing", async (name) => {
    const { rig, inner } = askedRig({ fails: (failed) => failed === name });
    if (name !== "putQuestion") {
      await vi.waitFor(() => expect(inner.listQuestions(NOW_MS)).toHaveLength(1), POLL);
      approveAtTerminal(inner);
    }
    await polled(rig);
    expect(rig.reason(1)).toBe("consent_refused");
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.records.some(({ reason }) => reason === "consent_refused")).toBe(true);
  });

  it("in the modern era: the answer comes back to another connection on the same store, once", async () => {
    const { store } = asyncStore({ delayMsMax: 2 });
    const consentKey = new Uint8Array(32).fill(7);
    const replica = (): Rig =>
      new Rig(asking, FIXTURE_SERVER, { sessionId: "s", store, consentKey }, []);
    const [a, b] = [replica(), replica()];
    const params = { name: "echo", arguments: { message: "x" } };
    a.send(modern(request(1, "tools/call", params)));
    await answered(a, 1);
    const requestState = a.answer(1).result?.["requestState"];
    const approve = { action: "accept", content: { approve: true } };
    const back = { ...params, requestState, inputResponses: { "portcullis:consent": approve } };
    b.send(modern(request(2, "tools/call", back)));
    expect(await answered(b, 2)).toEqual(["allowed"]);
    a.send(modern(request(3, "tools/call", back)));
    expect(await answered(a, 3)).toEqual(["consent_refused"]);
    expect(a.mock.callsReceived + b.mock.callsReceived).toBe(1);
  });

  it("a nonce that cannot be used up is no approval", async () => {
    const { store } = asyncStore({ fails: (name) => name === "useNonce" });
    const rig = new Rig(asking, FIXTURE_SERVER, { sessionId: "s", store }, []);
    const params = { name: "echo", arguments: { message: "x" } };
    rig.send(modern(request(1, "tools/call", params)));
    await answered(rig, 1);
    const requestState = rig.answer(1).result?.["requestState"];
    const approve = { action: "accept", content: { approve: true } };
    const back = { ...params, requestState, inputResponses: { "portcullis:consent": approve } };
    rig.send(modern(request(2, "tools/call", back)));
    expect(await answered(rig, 2)).toEqual(["consent_refused"]);
    expect(rig.mock.callsReceived).toBe(0);
  });
});

describe("a session with a store that answers later", () => {
  const settings = (store: StateStore): GuardSessionOptions => ({
    ...{ catalog, serverId: SERVER_ID, store },
    toClient: () => undefined,
    toServer: () => undefined,
  });

  it("is opened, since what has drifted before is read first", async () => {
    const { store } = asyncStore();
    const fault = expectCode(() => new GuardSession(settings(store)), "ARGUMENT_INVALID");
    expect(fault.message).toContain("GuardSession.open");
    expect((await GuardSession.open(settings(store))).catalog).toBe(catalog);
    expect((await GuardSession.open(settings(createMemoryStore()))).catalog).toBe(catalog);
  });

  it("is not opened when that cannot be read", async () => {
    const { store } = asyncStore();
    const gone = new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
    const broken: StateStore = { ...store, listDrift: () => Promise.reject(gone) };
    await expectRejection(GuardSession.open(settings(broken)), "STORE_UNAVAILABLE");
  });

  it("refuses what has drifted before, and keeps what drifts now", async () => {
    const { store, inner } = asyncStore();
    const drifted: MockOptions = { ...FIXTURE_SERVER, drift: "description", target: "echo" };
    const rig = new Rig(catalog, drifted, { sessionId: "s", store }, []);
    rig.send(call(1, "echo"));
    expect(await answered(rig, 1)).toEqual(["fingerprint_drift"]);
    const kept = (): unknown => inner.listDrift(SERVER_ID, catalog.sha256);
    await vi.waitFor(() => expect(kept()).toHaveLength(1), POLL);
    const received: string[] = [];
    const next = await GuardSession.open({
      ...settings(store),
      toClient: (frame) => received.push(new TextDecoder().decode(frame)),
    });
    next.fromClient({
      kind: "line",
      frame: new TextEncoder().encode(`${JSON.stringify(call(1, "echo"))}\n`),
    });
    await vi.waitFor(() => expect(received.join()).toContain("fingerprint_drift"), POLL);
  });
});
