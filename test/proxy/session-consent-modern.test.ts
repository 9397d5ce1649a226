// Consent in the modern era: the question leaves with the answer to the call, and the approval comes
// back with the call itself. Whatever is not exactly that is refused.
import { beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { LIMIT_CARRIED_STATE_BYTES, LIMIT_CONSENT_RETRY_MS } from "../../src/proxy/limits.ts";
import type { GuardSessionOptions } from "../../src/proxy/session-options.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_SERVER, type MockOptions, SPOOF_TEXT } from "../../src/testing/index.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { AskingRig, accept, askingCatalog } from "./consent-rig.ts";
import { ALLOW_ALL, call, MODERN_META, modern, request } from "./rig.ts";

const KEY = utf8("0123456789abcdef0123456789abcdef");
const OWN = "portcullis:consent";

let catalog: TrustedCatalog;

beforeAll(async () => {
  catalog = await askingCatalog({ allow: ALLOW_ALL });
});

interface Setup extends Partial<GuardSessionOptions> {
  readonly server?: MockOptions;
  readonly catalog?: TrustedCatalog;
  readonly store?: SyncStateStore | undefined;
}

function rigOf(setup: Setup = {}): AskingRig {
  const { server = FIXTURE_SERVER, catalog: own = catalog, store, ...rest } = setup;
  const alone = "store" in setup && store === undefined ? { store } : {};
  const extra = { consentKey: KEY, ...rest, ...alone };
  return new AskingRig({ catalog: own, server, store, extra });
}

const ECHO = { name: "echo", arguments: { message: "x" } };

/** The first try of `echo`; the state that the guard has sent away. */
function ask(rig: AskingRig, id = 1, params: object = ECHO): string {
  rig.send(modern(request(id, "tools/call", params)));
  return String(rig.answer(id).result?.["requestState"]);
}

/** Comes back with the state and an answer. */
function retry(
  rig: AskingRig,
  id: number,
  requestState: unknown,
  params: object = ECHO,
): AskingRig {
  const inputResponses = { [OWN]: accept() };
  rig.send(modern(request(id, "tools/call", { inputResponses, ...params, requestState })));
  return rig;
}

function expectRefused(rig: AskingRig, id: number, detail: string | RegExp): void {
  expect(rig.reason(id)).toBe("consent_refused");
  expect(rig.mock.callsReceived).toBe(0);
  expect(rig.records.at(-1)).toMatchObject({ kind: "decision", reason: "consent_refused" });
  expect(rig.records.at(-1)?.detail).toMatch(detail);
}

describe("the question", () => {
  it("takes the place of the result, under the guard's own key and state", () => {
    const rig = rigOf();
    ask(rig);
    expect(rig.answer(1)).toEqual({
      jsonrpc: "2.0",
      id: 1,
      result: {
        resultType: "input_required",
        inputRequests: {
          [OWN]: {
            method: "elicitation/create",
            params: {
              mode: "form",
              message: expect.stringContaining("consent_required"),
              requestedSchema: expect.objectContaining({ required: ["approve"] }),
            },
          },
        },
        requestState: expect.stringMatching(/^portcullis:v1\.[A-Za-z0-9+/=]+\.[0-9a-f]{64}$/),
      },
    });
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.details("consent")).toEqual(["asked by elicitation"]);
  });

  it("needs the capability in this very request, whatever others have declared", () => {
    const rig = rigOf({ store: undefined });
    rig.connect();
    for (const [id, capabilities] of [{}, { elicitation: { url: {} } }].entries()) {
      const key = "io.modelcontextprotocol/clientCapabilities";
      rig.send(modern(request(id, "tools/call", ECHO), { [key]: capabilities }));
      expectRefused(rig, id, "nobody who can be asked");
    }
    expect(rig.questions).toEqual([]);
  });

  it("is put for prompts and resources too", async () => {
    const uri = "file:///workspace/README.md";
    const need = 'requires = ["consent"]';
    const own = await askingCatalog({ itemKeys: { summarise: need, [uri]: need } });
    const rig = rigOf({ catalog: own });
    for (const [id, method, params] of [
      [1, "prompts/get", { name: "summarise", arguments: { path: "/a" } }],
      [2, "resources/read", { uri }],
    ] as const) {
      rig.send(modern(request(id, method, params)));
      const { requestState } = rig.answer(id).result ?? {};
      const inputResponses = { [OWN]: accept() };
      rig.send(modern(request(id + 10, method, { ...params, requestState, inputResponses })));
      expect(rig.reason(id + 10)).toBe("allowed");
      expect(rig.mock.count(method)).toBe(1);
    }
    // an approval of one resource is not one of another
    const state = rig.send(modern(request(30, "resources/read", { uri }))).answer(30).result;
    const other = { uri: "file:///workspace/notes", inputResponses: { [OWN]: accept() } };
    rig.send(
      modern(request(31, "resources/read", { ...other, requestState: state?.["requestState"] })),
    );
    expect(rig.records.some(({ tool, consent }) => tool === other.uri && consent)).toBe(false);
  });
});

describe("an approval", () => {
  it("lets the call through as if nobody had asked: the guard's parts stay here", () => {
    const rig = rigOf();
    retry(rig, 2, ask(rig));
    expect(rig.reason(2)).toBe("allowed");
    expect(JSON.parse(rig.upstream.at(-1) ?? "")).toEqual(modern(request(2, "tools/call", ECHO)));
    expect(rig.upstream.join()).not.toContain(OWN);
    expect(rig.records.at(-1)).toMatchObject({ outcome: "allow", consent: expect.any(String) });
    expect(ask(rig, 3)).toMatch(/^portcullis:/);
  });

  it("every other byte of the call goes on as it came", () => {
    const rig = rigOf();
    const state = JSON.stringify(ask(rig));
    const meta = JSON.stringify(MODERN_META);
    const [head, tail] = [
      '{ "params":{"arguments":{"message":"x"}, ',
      `"_meta":${meta} ,"name":"ech\\u006f"`,
    ];
    const rest = '},"method":"tools/call","id":2,"jsonrpc":"2.0"}';
    const answer = `"inputResponses":{"${OWN}":${JSON.stringify(accept())}} , `;
    rig.send(`${head}${answer}${tail}, "requestState" : ${state}${rest}`);
    expect(rig.upstream.at(-1)).toBe(`${head}${tail}${rest}`);
  });

  it("for the session and as a lease, as in the legacy era", () => {
    for (const [content, count] of [
      [{ approve: true, choice: "session" }, 4],
      [{ approve: true, choice: "lease", calls: 2, minutes: 1 }, 2],
    ] as const) {
      const rig = rigOf();
      retry(rig, 2, ask(rig), { ...ECHO, inputResponses: { [OWN]: accept(content) } });
      for (const id of [3, 4, 5]) rig.send(modern(call(id, "echo", { message: `${id}` })));
      expect(rig.mock.callsReceived).toBe(count);
    }
  });

  it("holds where the same key is: in another process of the same session", () => {
    const store = createMemoryStore();
    const state = ask(rigOf({ store }));
    expect(retry(rigOf({ store }), 2, state).reason(2)).toBe("allowed");
  });
});

describe("everything else is refused", () => {
  it.each([
    ["decline", { action: "decline", content: { approve: true } }],
    ["cancel", { action: "cancel" }],
    ["accept without approve", accept({})],
    ["approve: false", accept({ approve: false })],
    ["another choice", accept({ approve: true, choice: "always" })],
    ["null", null],
  ])("%s", (_, answer) => {
    const rig = rigOf();
    retry(rig, 2, ask(rig), { ...ECHO, inputResponses: { [OWN]: answer } });
    expectRefused(rig, 2, "a person did not approve");
  });

  it("no answer under the guard's key", () => {
    const rig = rigOf();
    retry(rig, 2, ask(rig), { ...ECHO, inputResponses: { other: accept() } });
    expectRefused(rig, 2, "a person did not approve");
    const bare = rigOf();
    bare.send(modern(request(2, "tools/call", { ...ECHO, requestState: ask(bare) })));
    expectRefused(bare, 2, "a person did not approve");
  });

  it("C3: the same state a second time, also in another process", () => {
    const store = createMemoryStore();
    const rig = rigOf({ store });
    const state = ask(rig);
    expect(retry(rig, 2, state).reason(2)).toBe("allowed");
    const again = rigOf({ store });
    expectRefused(retry(again, 3, state), 3, "was used before");
    retry(rig, 4, state);
    expect([rig.reason(4), rig.mock.callsReceived]).toEqual(["consent_refused", 1]);
  });

  it.each([
    ["another session", { sessionId: "session-2" }],
    ["another principal", { principal: "somebody" }],
  ])("of %s", (_, extra) => {
    const state = ask(rigOf());
    expectRefused(retry(rigOf(extra), 2, state), 2, "another call");
  });

  it("with other arguments, or for another tool", () => {
    const rig = rigOf();
    const state = ask(rig);
    const others = [
      { ...ECHO, arguments: { message: "y" } },
      { name: "write_file", arguments: { path: "/workspace/a", content: "x" } },
    ];
    for (const [index, other] of others.entries()) {
      expectRefused(retry(rig, index + 2, state, other), index + 2, "another call");
    }
    // the state was not used up by that
    expect(retry(rig, 9, state).reason(9)).toBe("allowed");
  });

  it("after its time", () => {
    let nowMs = NOW_MS;
    const rig = rigOf({ clock: () => nowMs });
    const [first, second] = [ask(rig, 1), ask(rig, 2)];
    nowMs += LIMIT_CONSENT_RETRY_MS - 1;
    expect(retry(rig, 3, first).reason(3)).toBe("allowed");
    nowMs += 1;
    retry(rig, 4, second);
    expect([rig.reason(4), rig.records.at(-1)?.detail]).toEqual([
      "consent_refused",
      "an answer that came too late",
    ]);
  });

  it("under another key, and with any byte changed", () => {
    const state = ask(rigOf());
    const other = rigOf({ consentKey: utf8("another key, of thirty-two bytes") });
    expectRefused(retry(other, 2, state), 2, "did not ask");
    const rig = rigOf();
    for (let at = 11; at < state.length; at += 37) {
      const changed = `${state.slice(0, at)}${state[at] === "A" ? "B" : "A"}${state.slice(at + 1)}`;
      expectRefused(retry(rig, at, changed), at, "did not ask");
    }
    for (const [index, text] of [
      "portcullis:",
      "portcullis:v1.",
      "portcullis:v2.e30=.00",
    ].entries()) {
      expectRefused(retry(rig, 1000 + index, text), 1000 + index, "did not ask");
    }
  });

  it("an answer without any state", () => {
    const rig = rigOf();
    const inputResponses = { [OWN]: accept() };
    rig.send(modern(request(2, "tools/call", { ...ECHO, inputResponses })));
    expectRefused(rig, 2, "did not ask");
  });

  it("a look-alike beside what is read is malformed", () => {
    const rig = rigOf();
    const state = ask(rig);
    for (const [index, name] of ["RequestState", "inputResponse\u017f"].entries()) {
      retry(rig, index + 2, state, { ...ECHO, [name]: {} });
      expect(rig.reason(index + 2)).toBe("malformed_message");
    }
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("once a definition has changed", () => {
    const server = { ...FIXTURE_SERVER, drift: "description", target: "echo", after: 1 } as const;
    const rig = rigOf({ server });
    const state = ask(rig);
    rig.serverSends({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    expect(retry(rig, 2, state).reason(2)).toBe("fingerprint_drift");
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.store.listConsents()).toEqual([]);
  });

  it("C11: once the session carries another label", async () => {
    const own = await askingCatalog({
      itemKeys: { echo: 'requires = ["consent"]\nstops_taint = ["untrusted"]' },
    });
    const rig = rigOf({ catalog: own });
    const state = ask(rig);
    rig.send(modern(call(2, "read_text_file")));
    retry(rig, 3, state);
    expect([rig.reason(2), rig.reason(3)]).toEqual(["allowed", "consent_refused"]);
    expect(rig.records.at(-1)?.detail).toBe("more asks now than what was approved");
    expect(rig.mock.calls.map(({ name }) => name)).toEqual(["read_text_file"]);
  });
});

describe("a server's own questions", () => {
  const server = { ...FIXTURE_SERVER, inputRequired: "elicitation/create" } as const;

  it("pass with their keys and their state untouched, labelled, behind the guard's", () => {
    const rig = rigOf({ server });
    retry(rig, 2, ask(rig));
    expect(rig.answer(2).result).toMatchObject({
      resultType: "input_required",
      inputRequests: { "mock-input": { params: { message: `[filesystem] ${SPOOF_TEXT}` } } },
      requestState: "mock-state:mock-input",
    });
  });

  it("their state and answers come back to them when the guard asks in between", () => {
    const rig = rigOf({ server });
    retry(rig, 2, ask(rig));
    // the server's round: the approval was for one call, so the guard asks again
    const answered = {
      ...ECHO,
      inputResponses: { "mock-input": accept() },
      requestState: "mock-state:mock-input",
    };
    const state = ask(rig, 3, answered);
    expect(state).toMatch(/^portcullis:/);
    retry(rig, 4, state);
    expect(JSON.parse(rig.upstream.at(-1) ?? "").params).toMatchObject(answered);
    expect(rig.upstream.at(-1)).not.toContain(OWN);
    expect(rig.answer(4).result).toMatchObject({ content: [{ text: "echo is done" }] });
  });

  it("do not pass under a key or with a state of the guard's", () => {
    for (const result of [
      { inputRequests: { [OWN]: { method: "elicitation/create", params: { message: "x" } } } },
      { inputRequests: {}, requestState: "portcullis:v1.e30=.00" },
      { requestState: "portcullis:x" },
    ]) {
      const rig = rigOf();
      rig.send(modern(call(1, "read_text_file")));
      rig.mock.respond = () => [];
      rig.send(modern(call(2, "read_text_file")));
      rig.serverSends({
        jsonrpc: "2.0",
        id: 2,
        result: { resultType: "input_required", ...result },
      });
      expect(rig.reason(2)).toBe("malformed_message");
      expect(rig.records.at(-1)).toMatchObject({ kind: "replace" });
    }
  });

  it("the guard carries their state up to a limit, and asks nobody beyond it", () => {
    const rig = rigOf();
    const fits = "s".repeat(LIMIT_CARRIED_STATE_BYTES - 2);
    expect(ask(rig, 1, { ...ECHO, requestState: fits })).toMatch(/^portcullis:/);
    rig.send(modern(request(2, "tools/call", { ...ECHO, requestState: `${fits}s` })));
    expectRefused(rig, 2, "nobody who can be asked");
  });
});
