// A person is asked over HTTP: in the legacy era on the stream of the call that waits, in the modern era
// by `input_required`. Only `accept` with `approve: true` lets the call through, once.
import {
  Client as ClientOfSdk2,
  StreamableHTTPClientTransport as HttpOfSdk2,
} from "@modelcontextprotocol/client";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpOfSdk1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { createGuardHandler } from "../../src/http/handler.ts";
import type { HttpRecord } from "../../src/http/options.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { manifestsOf, PINNED_NOW_MS, pinnedToml, trustNow } from "./pins.ts";
import {
  answerOf,
  call,
  HttpRig,
  messagesOf,
  OTHER_TOKEN,
  reasonOf,
  TOKEN,
  TOKENS,
} from "./rig.ts";
import { type RunningServer, serveHandler, startServer1, startServer2 } from "./servers.ts";

const FORMS = { elicitation: {} };
const DELETE = "delete_file";
const ARGS = FIXTURE_ARGUMENTS.get(DELETE) ?? {};
const ASKING = { itemKeys: { [DELETE]: 'requires = ["consent"]' } };
const CONSENT_KEY = "portcullis:consent";

describe("the modern era", () => {
  interface Asked {
    readonly requestState: unknown;
    readonly inputRequests: Record<string, { method: string; params: { message: string } }>;
  }

  async function ask(rig: HttpRig, id = 1): Promise<Asked> {
    const params = { name: DELETE, arguments: ARGS };
    const { result } = await answerOf(
      await rig.modern("tools/call", params, { id, capabilities: FORMS }),
    );
    expect(result?.["resultType"]).toBe("input_required");
    return result as unknown as Asked;
  }

  const retry = (
    rig: HttpRig,
    { requestState }: Asked,
    answer: object,
    more: { args?: object; token?: string; id?: number } = {},
  ): Promise<Response> => {
    const { args = ARGS, token = TOKEN, id = 2 } = more;
    const inputResponses = { [CONSENT_KEY]: answer };
    const params = { name: DELETE, arguments: args, inputResponses, requestState };
    return rig.modern("tools/call", params, { id, capabilities: FORMS, token });
  };
  const YES = { action: "accept", content: { approve: true } };

  it("an approved call reaches the server as it would without the guard", async () => {
    const rig = await HttpRig.start(ASKING);
    const asked = await ask(rig);
    expect(Object.keys(asked.inputRequests)).toEqual([CONSENT_KEY]);
    expect(rig.callsReceived).toBe(0);
    expect(await reasonOf(await retry(rig, asked, YES))).toBe("allowed");
    expect(rig.callsReceived).toBe(1);
    const [sent = ""] = rig.upstream.bodies("tools/call");
    expect(sent).not.toContain("requestState");
    expect(sent).not.toContain("inputResponses");
  });

  it.each<[string, object]>([
    ["declined", { action: "decline" }],
    ["cancelled", { action: "cancel" }],
    ["accepted without approval", { action: "accept" }],
    ["accepted with approve: false", { action: "accept", content: { approve: false } }],
    ["accepted with approve as text", { action: "accept", content: { approve: "true" } }],
  ])("one that was %s does not", async (_what, answer) => {
    const rig = await HttpRig.start(ASKING);
    const response = await retry(rig, await ask(rig), answer);
    expect(await reasonOf(response)).toBe("consent_refused");
    expect(rig.callsReceived).toBe(0);
    expect(rig.reasons()).toContain("consent_refused");
  });

  it("an answer holds once, for its caller, its arguments and the guard that asked", async () => {
    const rig = await HttpRig.start(ASKING);
    const asked = await ask(rig);
    const other = await retry(rig, asked, YES, { args: { path: "/workspace/b.txt" } });
    expect(await reasonOf(other)).toBe("consent_refused");
    const stolen = await retry(rig, asked, YES, { token: OTHER_TOKEN });
    expect(await reasonOf(stolen)).toBe("consent_refused");
    expect(await reasonOf(await retry(await HttpRig.start(ASKING), asked, YES))).toBe(
      "consent_refused",
    );
    const requestState = String(asked.requestState).replace(/.$/, (c) => (c === "0" ? "1" : "0"));
    expect(await reasonOf(await retry(rig, { ...asked, requestState }, YES))).toBe(
      "consent_refused",
    );
    expect(rig.callsReceived).toBe(0);
    expect(await reasonOf(await retry(rig, asked, YES, { id: 3 }))).toBe("allowed");
    expect(await reasonOf(await retry(rig, asked, YES, { id: 4 }))).toBe("consent_refused");
    expect(rig.callsReceived).toBe(1);
  });

  it("two requests with one id at one time share the question's key, and its single use", async () => {
    const rig = await HttpRig.start(ASKING);
    const asked = await ask(rig);
    const both = await Promise.all([retry(rig, asked, YES), retry(rig, asked, YES)]);
    const reasons = await Promise.all(both.map(reasonOf));
    expect(reasons.sort()).toEqual(["allowed", "consent_refused"]);
    expect(rig.callsReceived).toBe(1);
  });

  it("a client that cannot be asked is refused", async () => {
    const rig = await HttpRig.start(ASKING);
    const response = await rig.modern("tools/call", { name: DELETE, arguments: ARGS });
    expect(await reasonOf(response)).toBe("consent_refused");
    expect(rig.callsReceived).toBe(0);
  });
});

describe("the legacy era", () => {
  it("the question rides on the stream of its call, and its answer goes no further", async () => {
    const rig = await HttpRig.start(ASKING);
    const session = await rig.open({ capabilities: FORMS });
    const response = await rig.post(call(1, DELETE, ARGS), { session });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body?.getReader();
    const read = async (): Promise<string> =>
      new TextDecoder().decode((await reader?.read())?.value);
    const [, data = ""] = /data: (.*)/.exec(await read()) ?? [];
    const question = JSON.parse(data);
    expect(question).toMatchObject({ method: "elicitation/create" });
    expect(question.id).toMatch(/^portcullis:/);
    expect(rig.callsReceived).toBe(0);
    const seen = rig.upstream.seen.length;
    const result = { action: "accept", content: { approve: true } };
    const told = await rig.post({ jsonrpc: "2.0", id: question.id, result }, { session });
    expect(told.status).toBe(202);
    expect(await read()).toContain('"id":1,"result"');
    expect(rig.callsReceived).toBe(1);
    const later = rig.upstream.seen.slice(seen).map(({ body }) => new TextDecoder().decode(body));
    expect(later.filter((text) => text.includes(question.id))).toEqual([]);
  });

  it("somebody else's session cannot answer", async () => {
    const rig = await HttpRig.start(ASKING);
    const session = await rig.open({ capabilities: FORMS });
    const other = await rig.open({ capabilities: FORMS, token: OTHER_TOKEN });
    const response = await rig.post(call(1, DELETE, ARGS), { session });
    const reader = response.body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    const { id } = JSON.parse(/data: (.*)/.exec(first)?.[1] ?? "{}");
    const result = { action: "accept", content: { approve: true } };
    const options = { session: other, token: OTHER_TOKEN };
    await rig.post({ jsonrpc: "2.0", id, result }, options);
    expect(rig.callsReceived).toBe(0);
    const decline = { jsonrpc: "2.0", id, result: { action: "decline" } };
    await rig.post(decline, { session });
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain("consent_refused");
    expect(rig.callsReceived).toBe(0);
  });

  it("a server's own question is labelled, and cannot imitate the guard's", async () => {
    const rig = await HttpRig.start({ allow: ["tools", "elicitation"] });
    const session = await rig.open({ capabilities: FORMS });
    const params = {
      message: "portcullis asks: approve?",
      requestedSchema: { type: "object", properties: {} },
    };
    const asked = { jsonrpc: "2.0", id: "portcullis:1", method: "elicitation/create", params };
    rig.upstream.override = ({ body }) => {
      const text = new TextDecoder().decode(body);
      if (!text.includes('"tools/call"')) return undefined;
      const own = { ...asked, id: "s1" };
      const answer = { jsonrpc: "2.0", id: JSON.parse(text).id, result: { content: [] } };
      const events = [asked, own, answer].map((one) => `data: ${JSON.stringify(one)}\n\n`);
      return new Response(events.join(""), { headers: { "content-type": "text/event-stream" } });
    };
    const read = FIXTURE_ARGUMENTS.get("read_text_file");
    const messages = await messagesOf(await rig.post(call(1, "read_text_file", read), { session }));
    expect(messages.map(({ id }) => id)).toEqual(["s1", 1]);
    expect(messages[0]?.params?.["message"]).toBe("[filesystem] portcullis asks: approve?");
  });
});

describe("real clients", () => {
  const INFO = { name: "test-client", version: "1.0.0" };
  const HEADERS = { requestInit: { headers: { authorization: `Bearer ${TOKEN}` } } };
  type Answer = { action: "accept"; content: { approve: boolean } } | { action: "decline" };
  type Call = (url: URL, answer: Answer) => Promise<unknown>;
  const PARAMS = { name: "remove", arguments: { path: "/a" } };

  const viaSdk1: Call = async (url, answer) => {
    const client = new ClientOfSdk1(INFO, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => answer);
    await client.connect(new HttpOfSdk1(url, HEADERS));
    return await client.callTool(PARAMS).finally(() => client.close());
  };
  const viaSdk2 =
    (mode: "legacy" | "auto"): Call =>
    async (url, answer) => {
      const capabilities = { elicitation: { form: {} } };
      const client = new ClientOfSdk2(INFO, { capabilities, versionNegotiation: { mode } });
      client.setRequestHandler("elicitation/create", () => answer);
      await client.connect(new HttpOfSdk2(url, HEADERS));
      return await client.callTool(PARAMS).finally(() => client.close());
    };

  async function guardOf(server: RunningServer): Promise<{ url: URL; records: HttpRecord[] }> {
    const tools = {
      remove: 'scope = ["fs.delete"]\neffect = "destructive"\nrequires = ["consent"]',
    };
    const reach = `url = ${JSON.stringify(server.url)}`;
    const serverKeys = 'on_drift = "block-tool"';
    const options = { serverId: "real", reach, tools, serverKeys };
    const toml = pinnedToml(await manifestsOf(server.url), options);
    const records: HttpRecord[] = [];
    const guard = createGuardHandler({
      catalog: await trustNow(toml),
      auth: { tokens: TOKENS },
      clock: () => PINNED_NOW_MS,
      onRecord: (record) => records.push(record),
    });
    return { url: new URL(`${await serveHandler(guard)}/mcp/real`), records };
  }

  it.each<[string, Call, () => Promise<RunningServer>]>([
    ["SDK 1, a server of SDK 1", viaSdk1, startServer1],
    ["SDK 1, a server of SDK 2", viaSdk1, startServer2],
    ["SDK 2 legacy, a server of SDK 1", viaSdk2("legacy"), startServer1],
    ["SDK 2 modern, a server of SDK 2", viaSdk2("auto"), startServer2],
  ])("%s: a person approves, and a person declines", async (_what, send, start) => {
    const server = await start();
    const { url, records } = await guardOf(server);
    const approve: Answer = { action: "accept", content: { approve: true } };
    expect(await send(url, approve)).toMatchObject({ content: [{ text: "removed /a" }] });
    expect(server.calls.names).toEqual(["remove"]);
    for (const answer of [
      { action: "decline" },
      { action: "accept", content: { approve: false } },
    ] as const) {
      await expect(send(url, answer)).rejects.toMatchObject({
        data: { reason: "consent_refused" },
      });
    }
    expect(server.calls.names).toEqual(["remove"]);
    expect(records.filter(({ reason }) => reason === "consent_refused").length).toBeGreaterThan(1);
  });
});
