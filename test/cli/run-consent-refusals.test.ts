// Every way in which an answer is no approval, through `portcullis run` with real clients of both
// SDKs in both eras: the reason, zero calls of the server, and a record that says why (40-gateway
// section 6, attack cases C3 and C11).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LIMIT_CONSENT_RETRY_MS, LIMIT_CONSENT_WAIT_MS } from "../../src/proxy/limits.ts";
import type { GuardRecord } from "../../src/proxy/records.ts";
import {
  CLIENT_KINDS,
  type ClientKind,
  connectClient,
  type GuardedClient,
  type Person,
  type Reply,
  type WireMessage,
} from "./run-client.ts";
import { RunHome } from "./run-rig.ts";

const CLOCK = pathToFileURL(join(import.meta.dirname, "moved-clock.js")).href;
const OWN_KEY = "portcullis:consent";
const APPROVE: Reply = { action: "accept", content: { approve: true } };
const DECLINE: Reply = { action: "decline" };
const POLL = { timeout: 20_000 };

let home: RunHome;

beforeAll(async () => {
  const keys = 'consent_channels = ["elicitation"]';
  const echo = 'requires = ["consent"]\nadds_taint = []';
  home = await RunHome.make({
    mock: {
      keys,
      tools: { echo, read_text_file: "adds_taint = []", write_file: 'requires = ["consent"]' },
    },
    web: { keys, tools: { echo: `${echo}\nstops_taint = ["untrusted"]` } },
  });
});

beforeEach(() => {
  home.reset();
  home.turn("mock", {});
  home.turn("web", {});
  writeFileSync(home.recordFile, "");
  moveClock(0);
  writeFileSync(`${clockFile()}.seen`, "0");
});

const clockFile = (): string => join(home.folder, "clock");

/** Puts the clock of the guards that are under way, and of those that start, this much ahead. */
function moveClock(ms: number): void {
  writeFileSync(clockFile(), `${ms}`);
}

/** What the last guard that saw it has moved its clock to. */
const movedTo = (): number => Number(readFileSync(`${clockFile()}.seen`, "utf8"));

interface Setting {
  readonly person: Reply | Person | undefined;
  readonly server?: string;
  readonly args?: readonly string[];
}

async function withClient(
  kind: ClientKind,
  { person, server = "mock", args = [] }: Setting,
  use: (client: GuardedClient) => Promise<void>,
): Promise<void> {
  const before = ["--import", `${CLOCK}?file=${encodeURIComponent(clockFile())}`];
  const client = await connectClient(kind, [...before, ...home.argv(server, args)], person);
  try {
    await use(client);
  } finally {
    await client.close();
  }
}

/** Names of the tools that the server was called with. */
const called = (server = "mock"): string[] => home.log(server).calls.map(({ name }) => name);

const lastOf = (tool: string): GuardRecord | undefined =>
  home.records().findLast((record) => record.kind === "decision" && record.tool === tool);

/** The last record of a decision about `echo` is this refusal. */
function expectRefusal(detail: string | RegExp, reason = "consent_refused"): void {
  const record = lastOf("echo");
  expect(record).toMatchObject({ reason, outcome: "deny" });
  expect(record?.detail ?? "").toMatch(detail);
}

/** The guard's last elicitation of the legacy eras. */
function questionId(client: GuardedClient): string | number {
  const question = client.wire.received.findLast(({ method }) => method === "elicitation/create");
  return question?.id ?? expect.fail("no question");
}

/** The call that brought an answer back, in the modern era. */
function retryOf(client: GuardedClient): WireMessage {
  const retry = client.wire.sent.findLast(({ params }) => params?.["requestState"] !== undefined);
  return retry ?? expect.fail("no retry");
}

/** Params of the first try with a state that the guard gave out and that nobody has used. */
async function unusedState(client: GuardedClient): Promise<Record<string, unknown>> {
  const answers = (): readonly WireMessage[] =>
    client.wire.received.filter(({ result }) => result?.["resultType"] === "input_required");
  const seen = answers().length;
  client.says(() => new Promise(() => undefined));
  client.call("echo").catch(() => undefined);
  await expect.poll(() => answers().length, POLL).toBe(seen + 1);
  const first = client.wire.sent.findLast(({ method }) => method === "tools/call");
  const requestState = answers().at(-1)?.result?.["requestState"];
  return { ...first?.params, requestState, inputResponses: { [OWN_KEY]: APPROVE } };
}

describe.each(CLIENT_KINDS)("%s", (kind) => {
  const isModern = kind === "SDK 2.4 modern";

  it("a client without the capability is refused at once", async () => {
    await withClient(kind, { person: undefined }, async (client) => {
      expect(await client.call("echo")).toBe("consent_refused");
      expect(await client.call("read_text_file")).toBe("allowed");
    });
    expect(called()).toEqual(["read_text_file"]);
    expectRefusal("nobody who can be asked");
  });

  it("an answer for one call is for its arguments alone", async () => {
    const person: Person = (question) => (question.includes('"good"') ? APPROVE : DECLINE);
    await withClient(kind, { person }, async (client) => {
      const calls = ["evil", "good"].map((message) => client.call("echo", { message }));
      expect(await Promise.all(calls)).toEqual(["consent_refused", "allowed"]);
      expect(await client.call("echo", { message: "worse" })).toBe("consent_refused");
      expect(client.questions).toHaveLength(3);
    });
    expect(home.log("mock").calls).toEqual([{ name: "echo", arguments: { message: "good" } }]);
    expectRefusal(isModern ? "a person did not approve" : "a person answered decline");
  });

  it("a definition that changes while a person thinks has drifted, whatever they say", async () => {
    home.turn("mock", { drift: "description", target: "echo", after: 1, listChanged: 1 });
    await withClient(kind, { person: APPROVE }, async (client) => {
      client.says(async () => {
        // the news of the list follows the answer to the first call
        await expect.poll(() => client.call("read_text_file"), POLL).toBe("server_not_admitted");
        return APPROVE;
      });
      expect(await client.call("echo")).toBe("fingerprint_drift");
      expect(client.questions).toHaveLength(1);
    });
    expect(new Set(called())).toEqual(new Set(["read_text_file"]));
    expectRefusal("", "fingerprint_drift");
    expect(home.withStore((store) => store.listConsents())).toEqual([]);
  });

  it("C11: a label that the session did not carry when it was asked", async () => {
    await withClient(kind, { server: "web", person: APPROVE }, async (client) => {
      client.says(async () => {
        expect(await client.call("read_text_file")).toBe("allowed");
        return APPROVE;
      });
      expect(await client.call("echo")).toBe("consent_refused");
    });
    expect(called("web")).toEqual(["read_text_file"]);
    expectRefusal("more asks now than what was approved");
  });
});

describe.each(CLIENT_KINDS.filter((kind) => kind !== "SDK 2.4 modern"))("%s: time", (kind) => {
  it("no answer in time is a refusal, and the late one changes nothing", async () => {
    await withClient(kind, { person: () => new Promise(() => undefined) }, async (client) => {
      const call = client.call("echo");
      await expect.poll(() => client.questions.length, POLL).toBe(1);
      moveClock(LIMIT_CONSENT_WAIT_MS);
      expect(await call).toBe("consent_refused");
      expectRefusal("no answer in time");
      const id = questionId(client);
      const withdrawn = client.wire.received.filter(
        ({ method }) => method === "notifications/cancelled",
      );
      expect(withdrawn).toMatchObject([{ params: { requestId: id } }]);
      await client.inject({ id, result: { ...APPROVE } });
      expect(await client.call("read_text_file")).toBe("allowed");
    });
    expect(called()).toEqual(["read_text_file"]);
    expect(home.records().filter(({ kind: one }) => one === "drop")).toMatchObject([
      { sender: "client", detail: "a response to a question that is open no longer" },
    ]);
  });

  it("an answer that was given before answers nothing more", async () => {
    await withClient(kind, { person: APPROVE }, async (client) => {
      expect(await client.call("echo")).toBe("allowed");
      const used = questionId(client);
      const open: { decline?: (reply: Reply) => void } = {};
      client.says(() => new Promise((resolve) => (open.decline = resolve)));
      const again = client.call("echo");
      await expect.poll(() => client.questions.length, POLL).toBe(2);
      await client.inject({ id: used, result: { ...APPROVE } });
      expect(await client.call("read_text_file")).toBe("allowed");
      open.decline?.(DECLINE);
      expect(await again).toBe("consent_refused");
    });
    expect(called()).toEqual(["echo", "read_text_file"]);
    expectRefusal("a person answered decline");
    const drop = home.records().find(({ kind: one }) => one === "drop");
    expect(drop?.detail).toBe("a response to a question that is open no longer");
  });
});

describe("SDK 2.4 modern: the state that comes back", () => {
  const kind = "SDK 2.4 modern";

  it("no answer: nothing is ever sent on, and an answer after 5 min is too late", async () => {
    const slow: Person = async () => {
      moveClock(LIMIT_CONSENT_RETRY_MS);
      await expect.poll(movedTo, POLL).toBe(LIMIT_CONSENT_RETRY_MS);
      return APPROVE;
    };
    await withClient(kind, { person: () => new Promise(() => undefined) }, async (client) => {
      client.call("echo").catch(() => undefined);
      await expect.poll(() => client.questions.length, POLL).toBe(1);
      expect(called()).toEqual([]);
      client.says(slow);
      expect(await client.call("echo", { message: "late" })).toBe("consent_refused");
    });
    expect(called()).toEqual([]);
    expectRefusal("an answer that came too late");
    const asked = home.records().filter((record) => record.detail === "asked by elicitation");
    expect(asked).toHaveLength(2);
  });

  it("C3: a second time, here and at another guard of the same home", async () => {
    await withClient(kind, { person: APPROVE }, async (client) => {
      expect(await client.call("echo")).toBe("allowed");
      const { params = {} } = retryOf(client);
      expect(await client.injectCall(params)).toBe("consent_refused");
      expectRefusal("was used before");
      await withClient(kind, { person: DECLINE }, async (other) => {
        expect(await other.injectCall(params)).toBe("consent_refused");
      });
    });
    expect(called()).toEqual(["echo"]);
    expectRefusal(/was used before|did not ask/);
  });

  it("with other arguments, another tool, another session or another principal", async () => {
    const others: readonly Setting[] = [
      { person: DECLINE, args: ["--session", "another"] },
      { person: DECLINE, args: ["--principal", "somebody"] },
    ];
    await withClient(kind, { person: APPROVE }, async (client) => {
      const params = await unusedState(client);
      for (const change of [
        { arguments: { message: "other" } },
        { name: "write_file", arguments: { path: "/workspace/a", content: "x" } },
      ]) {
        expect(await client.injectCall({ ...params, ...change })).toBe("consent_refused");
        const refusal = home.records().findLast(({ kind: one }) => one === "decision");
        expect(refusal?.detail).toBe("an answer to a question about another call");
      }
      for (const other of others) {
        await withClient(kind, other, async (stranger) => {
          expect(await stranger.injectCall(params)).toBe("consent_refused");
        });
        expectRefusal(/about another call|did not ask/);
      }
      expect(called()).toEqual([]);
      // none of that has used it up
      expect(await client.injectCall(params)).toBe("allowed");
    });
    expect(called()).toEqual(["echo"]);
  });

  it("with an accept that does not approve, or a state that the guard did not make", async () => {
    await withClient(kind, { person: APPROVE }, async (client) => {
      for (const content of [{}, { approve: "true" }, { Approve: true }]) {
        const params = await unusedState(client);
        const inputResponses = { [OWN_KEY]: { action: "accept", content } };
        expect(await client.injectCall({ ...params, inputResponses })).toBe("consent_refused");
        expectRefusal("a person did not approve");
      }
      const params = await unusedState(client);
      const forged = `${String(params["requestState"]).slice(0, -1)}_`;
      expect(await client.injectCall({ ...params, requestState: forged })).toBe("consent_refused");
      expectRefusal("did not ask");
    });
    expect(called()).toEqual([]);
  });
});
