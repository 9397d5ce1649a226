// The HTTP guard with a store that answers later, or not at all: the same answers as with one that
// answers at once; what needs a store that is gone is refused, and the rest goes on.
import { describe, expect, it, vi } from "vitest";
import { principalHash } from "../../src/guard/identity-hash.ts";
import { createScopeLease } from "../../src/guard/lease.ts";
import type { GuardHandlerOptions } from "../../src/http/options.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Lease } from "../../src/store/records.ts";
import type { StateOperations } from "../../src/store/types.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { expectRejection, NOW_MS } from "../fixtures/trust.ts";
import { EVIL, gateAt, PARTS, POLL } from "../proxy/async-rig.ts";
import { SERVER_ID, trust } from "../proxy/rig.ts";
import { asyncStore, type Faults } from "../store/async-store.ts";
import { eventStream } from "./mock-upstream.ts";
import {
  answerOf,
  call,
  GUARD_URL,
  HttpRig,
  httpCatalogToml,
  initialize,
  messagesOf,
  reasonOf,
  TOKEN,
} from "./rig.ts";

const ERAS = ["legacy", "modern"] as const;
const argsOf = (name: string): object => FIXTURE_ARGUMENTS.get(name) ?? {};
type Store = ReturnType<typeof asyncStore>;

function leaseOf(maxInvocations: number): Lease {
  const {
    leaseId: _,
    expiresAt: __,
    ...stored
  } = createScopeLease({
    ...{ principalHash: principalHash("agent:a"), serverId: SERVER_ID },
    ...{ grantedTools: ["write_file"], maxInvocations, stateChanging: true, clock: () => NOW_MS },
  });
  return stored;
}

async function rigOf(
  faults: Faults = {},
  extra: Partial<GuardHandlerOptions> = {},
): Promise<{ readonly rig: HttpRig; readonly inner: Store["inner"] }> {
  const { store, inner } = asyncStore(faults);
  return { rig: await HttpRig.start(PARTS, { store, ...extra }), inner };
}

/** Calls tools in one era; `id` is counted. */
async function caller(rig: HttpRig, era: (typeof ERAS)[number]) {
  const session = era === "legacy" ? await rig.open() : "";
  let id = 0;
  return (name: string): Promise<Response> => {
    id += 1;
    const args = argsOf(name);
    if (era === "legacy") return rig.post(call(id, name, args), { session });
    return rig.modern("tools/call", { name, arguments: args }, { id });
  };
}

describe.each(ERAS)("a store that answers later, in the %s era", (era) => {
  const STORY = [
    ...["echo", "write_file", "fetch_url", "write_file", "write_file", "read_text_file"],
    ...["fetch_url", "echo", "unknown", "delete_file"],
  ];

  it("comes to the same answers as one that answers at once, and leaves the same behind", async () => {
    const sync = createMemoryStore();
    const lease = leaseOf(2);
    sync.putLease(lease);
    const atOnce = await HttpRig.start(PARTS, { store: sync });
    const { rig, inner } = await rigOf({ delayMsMax: 3 });
    inner.putLease(lease);
    const [expected, found] = [await caller(atOnce, era), await caller(rig, era)];
    const reasons: unknown[] = [];
    for (const name of STORY) {
      reasons.push(await reasonOf(await expected(name)));
      expect([name, await reasonOf(await found(name))]).toEqual([name, reasons.at(-1)]);
    }
    expect(reasons.slice(4, 7)).toEqual(["lease_exhausted", "allowed", "taint_denied"]);
    expect(rig.upstream.bodies("tools/call")).toEqual(atOnce.upstream.bodies("tools/call"));
    expect(rig.reasons()).toEqual(atOnce.reasons());
    expect(inner.listLeases()).toEqual(sync.listLeases());
    expect(inner.listSessions()).toEqual(sync.listSessions());
  });

  it("a lease of k: of many calls at once to two guards exactly k pass", async () => {
    const { store, inner } = asyncStore({ delayMsMax: 2 });
    inner.putLease(leaseOf(5));
    const rigs = [await HttpRig.start(PARTS, { store }), await HttpRig.start(PARTS, { store })];
    const callers = await Promise.all(rigs.map((rig) => caller(rig, era)));
    const sent = callers.flatMap((send) => Array.from({ length: 6 }, () => send("write_file")));
    const reasons = await Promise.all(sent.map(async (response) => reasonOf(await response)));
    expect(reasons.filter((reason) => reason === "allowed")).toHaveLength(5);
    expect(reasons.filter((reason) => reason === "lease_exhausted")).toHaveLength(7);
    expect(rigs.reduce((sum, { callsReceived }) => sum + callsReceived, 0)).toBe(5);
  });

  it("what was read at one guard stops what would be sent at the other", async () => {
    const { store } = asyncStore({ delayMsMax: 2 });
    const rigs = [await HttpRig.start(PARTS, { store }), await HttpRig.start(PARTS, { store })];
    const [a, b] = await Promise.all(rigs.map((rig) => caller(rig, era)));
    expect(await reasonOf((await b?.("fetch_url")) ?? Response.error())).toBe("allowed");
    expect(await reasonOf((await a?.("read_text_file")) ?? Response.error())).toBe("allowed");
    expect(await reasonOf((await b?.("fetch_url")) ?? Response.error())).toBe("taint_denied");
    expect(rigs[1]?.callsReceived).toBe(1);
  });

  it("drift that one guard has seen refuses the server at a guard that begins later", async () => {
    const { store } = asyncStore({ delayMsMax: 2 });
    const drifted = { drift: "description", target: "echo" } as const;
    const first = await HttpRig.start(PARTS, { store }, drifted);
    expect(await reasonOf(await (await caller(first, era))("echo"))).toBe("fingerprint_drift");
    const later = await HttpRig.start(PARTS, { store });
    expect(await reasonOf(await (await caller(later, era))("echo"))).toBe("fingerprint_drift");
    expect(later.callsReceived).toBe(0);
    expect(later.reasons()).toContain("fingerprint_drift");
  });

  it("one that vanishes: what needs it is refused, the rest goes on, and all of it afterwards", async () => {
    let isGone = false;
    const { rig, inner } = await rigOf({ fails: () => isGone });
    inner.putLease(leaseOf(5));
    const send = await caller(rig, era);
    expect(await reasonOf(await send("write_file"))).toBe("allowed");
    isGone = true;
    expect(await reasonOf(await send("write_file"))).toBe("lease_required");
    expect(await reasonOf(await send("fetch_url"))).toBe("taint_denied");
    expect(rig.callsReceived).toBe(1);
    expect(await reasonOf(await send("echo"))).toBe("allowed");
    expect(rig.reasons()).toEqual(["lease_required", "taint_denied"]);
    isGone = false;
    expect(await reasonOf(await send("write_file"))).toBe("allowed");
    expect(inner.listLeases().map(({ remaining }) => remaining)).toEqual([3]);
  });

  it("one that is gone when a connection begins: nothing reaches the server until it is back", async () => {
    let isGone = true;
    const { rig } = await rigOf({ fails: () => isGone });
    const params = { name: "echo", arguments: argsOf("echo") };
    const first =
      era === "legacy" ? await rig.post(initialize()) : await rig.modern("tools/call", params);
    expect(first.headers.has("mcp-session-id")).toBe(false);
    expect(await reasonOf(first)).toBe("server_not_admitted");
    expect(rig.upstream.seen).toEqual([]);
    expect(rig.reasons()).toEqual(["server_not_admitted"]);
    isGone = false;
    expect(await reasonOf(await (await caller(rig, era))("echo"))).toBe("allowed");
  });

  it("a fault behind its answer ends the connection, and nothing has reached the tool", async () => {
    const faults: unknown[] = [];
    const onRecord = ({ kind, tool }: { readonly kind: string; readonly tool?: string }): void => {
      if (kind === "decision" && tool === "echo") throw new Error("no room for the record");
    };
    const { rig } = await rigOf({}, { onRecord, onFault: (fault) => faults.push(fault) });
    const send = await caller(rig, era);
    expect((await send("echo")).status).toBe(502);
    expect(faults).toEqual([new Error("no room for the record")]);
    expect(rig.callsReceived).toBe(0);
  });
});

describe("connections of the modern era", () => {
  it("first requests that come at once share one, whose server is listed once", async () => {
    const { rig } = await rigOf({ delayMsMax: 5 });
    const params = { name: "echo", arguments: argsOf("echo") };
    const responses = [1, 2, 3, 4, 5].map((id) => rig.modern("tools/call", params, { id }));
    const reasons = await Promise.all(responses.map(async (one) => reasonOf(await one)));
    expect(new Set(reasons)).toEqual(new Set(["allowed"]));
    expect(rig.upstream.bodies("tools/list")).toHaveLength(1);
  });

  it("two requests with one id at one time have one each", async () => {
    const { gate, open, isReached } = gateAt("listDrift");
    const { rig } = await rigOf({ gate });
    const params = { name: "echo", arguments: argsOf("echo") };
    const both = [rig.modern("tools/call", params), rig.modern("tools/call", params)];
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    open();
    for (const response of both) expect(await reasonOf(await response)).toBe("allowed");
    expect(rig.callsReceived).toBe(2);
  });
});

describe("an approval that is brought back", () => {
  const ASKING = { itemKeys: { delete_file: 'requires = ["consent"]\nadds_taint = []' } };
  const ARGS = { name: "delete_file", arguments: argsOf("delete_file") };
  const FORMS = { capabilities: { elicitation: {} } };
  const YES = { "portcullis:consent": { action: "accept", content: { approve: true } } };
  const consentKey = new Uint8Array(32).fill(7);

  async function ask(rig: HttpRig): Promise<object> {
    const { result } = await answerOf(await rig.modern("tools/call", ARGS, FORMS));
    expect(result?.["resultType"]).toBe("input_required");
    return { ...ARGS, requestState: result?.["requestState"], inputResponses: YES };
  }

  it("is used once by guards of one key, and never by one of another", async () => {
    const { store } = asyncStore({ delayMsMax: 2 });
    const start = (key: Uint8Array): Promise<HttpRig> =>
      HttpRig.start(ASKING, { store, consentKey: key });
    const [a, b, other] = [
      await start(consentKey),
      await start(consentKey),
      await start(new Uint8Array(32).fill(8)),
    ];
    const back = await ask(a);
    expect(await reasonOf(await other.modern("tools/call", back, FORMS))).toBe("consent_refused");
    const both = await Promise.all([a, b].map((rig) => rig.modern("tools/call", back, FORMS)));
    const reasons = await Promise.all(both.map(reasonOf));
    expect(reasons.sort()).toEqual(["allowed", "consent_refused"]);
    expect(await reasonOf(await b.modern("tools/call", back, FORMS))).toBe("consent_refused");
    expect(a.callsReceived + b.callsReceived).toBe(1);
    expect(other.callsReceived).toBe(0);
  });

  it.each<keyof StateOperations>([
    "useNonce",
    "putConsent",
    "findConsents",
    "consumeConsent",
  ])("to a store that fails at %s is refused, and cannot be brought again", async (failing) => {
    let isGone = false;
    const { store } = asyncStore({ fails: (name) => isGone && name === failing });
    const rig = await HttpRig.start(ASKING, { store, consentKey });
    const back = await ask(rig);
    isGone = true;
    expect(await reasonOf(await rig.modern("tools/call", back, FORMS))).toBe("consent_refused");
    expect(rig.callsReceived).toBe(0);
    isGone = false;
    const used = failing === "useNonce" ? "allowed" : "consent_refused";
    expect(await reasonOf(await rig.modern("tools/call", back, FORMS))).toBe(used);
    expect(await reasonOf(await rig.modern("tools/call", back, FORMS))).toBe("consent_refused");
  });

  it("a key that is too short is refused when the handler is made", async () => {
    const short = HttpRig.start({}, { consentKey: new Uint8Array(31) });
    await expectRejection(short, "CONFIG_INVALID");
  });
});

describe("what a server says while its label waits for the store", () => {
  const echo = call(1, "echo", argsOf("echo"));
  const event = (id: string, message: object): string =>
    `id: ${id}\ndata: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`;
  const flagged = { id: 1, result: { content: [{ type: "text", text: EVIL }] } };
  const said = { method: "notifications/message", params: { level: "info", data: EVIL } };
  const STREAM = event("e1", said) + event("e2", flagged);

  it("comes in order, in its own stream, with its ids, although the server has closed it", async () => {
    const { gate, open, isReached } = gateAt("addTaint");
    const { rig, inner } = await rigOf({ gate });
    const session = await rig.open();
    rig.upstream.override = ({ body }) =>
      new TextDecoder().decode(body).includes('"tools/call"') ? eventStream(STREAM) : undefined;
    const response = await rig.post(echo, { session });
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    open();
    expect((await response.text()).match(/^id: .*$/gm)).toEqual(["id: e1", "id: e2"]);
    expect(inner.listSessions().some(({ taint }) => taint !== 0)).toBe(true);
  });

  it("is the rest of a stream to which the client has come back", async () => {
    const { gate, open, isReached } = gateAt("addTaint");
    const { rig } = await rigOf({ gate });
    const session = await rig.open();
    rig.upstream.override = ({ method, body }) => {
      if (method === "GET") return eventStream(STREAM);
      const isCall = new TextDecoder().decode(body).includes('"tools/call"');
      return isCall ? eventStream("id: e0\ndata:\n\n") : undefined;
    };
    await (await rig.post(echo, { session })).text();
    const resumed = await rig.guard(
      new Request(GUARD_URL, {
        headers: {
          ...{ accept: "text/event-stream", authorization: `Bearer ${TOKEN}` },
          ...{ "mcp-session-id": session, "last-event-id": "e0" },
        },
      }),
    );
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    open();
    const messages = await messagesOf(resumed);
    expect(messages.map(({ id, method }) => id ?? method)).toEqual(["notifications/message", 1]);
  });
});

describe("a newer catalog", () => {
  const DENYING = { ...PARTS, itemKeys: { ...PARTS.itemKeys, echo: 'requires = ["lease"]' } };
  const newer = (): ReturnType<typeof trust> =>
    trust(httpCatalogToml(DENYING).replace("version = 7", "version = 8"));

  it.each(
    ERAS,
  )("decides every request that comes after it, also while the store has not said what drifted: %s", async (era) => {
    const { gate, open } = gateAt("listDrift");
    let isHeld = false;
    const { rig } = await rigOf({ gate: (name) => (isHeld ? gate(name) : undefined) });
    const send = await caller(rig, era);
    expect(await reasonOf(await send("echo"))).toBe("allowed");
    isHeld = true;
    rig.guard.replaceCatalog(await newer());
    const waiting = send("echo");
    const answered = waiting.then(() => "answered");
    const later = new Promise((resolve) => setTimeout(resolve, 100, "waits"));
    expect(await Promise.race([answered, later])).toBe("waits");
    open();
    expect(await reasonOf(await waiting)).toBe("lease_required");
    expect(await reasonOf(await send("echo"))).toBe("lease_required");
    expect(rig.callsReceived).toBe(1);
  });

  it.each(
    ERAS,
  )("whose drift cannot be read admits nothing, until the store is back: %s", async (era) => {
    let isGone = false;
    const { rig } = await rigOf({ fails: (name) => isGone && name === "listDrift" });
    const send = await caller(rig, era);
    expect(await reasonOf(await send("fetch_url"))).toBe("allowed");
    isGone = true;
    rig.guard.replaceCatalog(await newer());
    await vi.waitFor(() => expect(rig.records.map(({ kind }) => kind)).toContain("reload"), POLL);
    if (era === "legacy") {
      // its session is gone, and a client opens another
      expect((await send("fetch_url")).status).toBe(404);
      expect(await reasonOf(await rig.post(initialize()))).toBe("server_not_admitted");
    } else expect(await reasonOf(await send("fetch_url"))).toBe("server_not_admitted");
    expect(rig.callsReceived).toBe(1);
    isGone = false;
    expect(await reasonOf(await (await caller(rig, era))("fetch_url"))).toBe("allowed");
  });
});
