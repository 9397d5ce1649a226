// What a server sends of its own accord: answers nobody asked for, requests, notifications.
import { beforeAll, describe, expect, it } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { FIXTURE_SERVER, SERVER_REQUESTS, SPOOF_TEXT } from "../../src/testing/index.ts";
import { ALLOW_ALL, call, catalogToml, Rig, request, trust } from "./rig.ts";

let strict: TrustedCatalog;
let open: TrustedCatalog;

beforeAll(async () => {
  strict = await trust(catalogToml());
  open = await trust(catalogToml({ allow: ALLOW_ALL }));
});

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

function silent(catalog: TrustedCatalog): Rig {
  const rig = new Rig(catalog);
  rig.mock.respond = () => [];
  return rig;
}

describe("answers", () => {
  it.each([
    ["to a request that was never sent", { id: 9, result: {} }],
    ["of another id type", { id: "1", result: {} }],
    ["without a readable id", { id: null, error: { code: -32700, message: "?" } }],
    ["to the guard, guessed", { id: "portcullis:0", result: { tools: [] } }],
  ])("%s are dropped and recorded", (_, message) => {
    const rig = silent(strict).send(request(1, "ping"));
    rig.serverSends({ jsonrpc: "2.0", ...message });
    expect(rig.received).toEqual([]);
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", sender: "server" });
    rig.serverSends('{"jsonrpc":"2.0","id":1,"result":{}}');
    expect(rig.received).toEqual(['{"jsonrpc":"2.0","id":1,"result":{}}']);
  });

  it("a second answer is dropped", () => {
    const rig = silent(strict).send(request(1, "ping"));
    for (const text of ["first", "second"]) {
      rig.serverSends({ jsonrpc: "2.0", id: 1, result: { text } });
    }
    expect(rig.answer(1).result).toEqual({ text: "first" });
  });

  it("an answer to a call that still waits for the listing is dropped", () => {
    const rig = silent(strict).send(call(1, "echo"));
    rig.serverSends({ jsonrpc: "2.0", id: 1, result: { content: [] } });
    expect(rig.received).toEqual([]);
  });

  it.each([
    ["duplicate members", '{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}'],
    ["a raw control character", '{"jsonrpc":"2.0","id":1,"result":{"a":"\u0001"}}'],
    ["a lone CR", '{"jsonrpc":"2.0",\r"id":1,"result":{}}'],
    ["a result and an error", '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}'],
    ["more than the limit", `{"result":{"a":"${"x".repeat(1 << 20)}"},"jsonrpc":"2.0","id":1}`],
  ])("that cannot be read (%s) are replaced by an error", (_, line) => {
    const rig = silent(strict).send(request(1, "ping")).serverSends(line);
    expect(rig.reason(1)).toBe("malformed_message");
    expect(rig.records.at(-1)).toMatchObject({ kind: "replace", method: "ping" });
    rig.serverSends({ jsonrpc: "2.0", id: 1, result: {} });
    expect(rig.answers(1)).toHaveLength(1);
  });

  it.each([
    ["a lone surrogate and any number", '{"a":"\\ud800","b":1e400,"c":9007199254740993}'],
    ["67 levels", `{"a":${"[".repeat(64)}${"]".repeat(64)}}`],
  ])("%s in a result that is no listing pass", (_, result) => {
    const line = `{"jsonrpc":"2.0","id":1,"result":${result}}`;
    expect(silent(strict).send(request(1, "ping")).serverSends(line).received).toEqual([line]);
  });

  it.each([
    ["{}", "server_not_admitted"],
    ['{"tools":{}}', "server_not_admitted"],
    ['{"tools":[],"nextCursor":1}', "server_not_admitted"],
    ['{"tools":[],"tools":[]}', "server_not_admitted"],
    ["[]", "server_not_admitted"],
  ])("a listing whose result is %s admits nothing", (result, reason) => {
    const rig = silent(strict).send(call(1, "echo"));
    const { id } = JSON.parse(rig.upstream[0] ?? "");
    rig.serverSends(`{"jsonrpc":"2.0","id":"${id}","result":${result}}`);
    expect(rig.reason(1)).toBe(reason);
  });

  it("a listing of the client that is no listing is an error", () => {
    const rig = new Rig(strict).send(call(1, "echo"));
    rig.mock.respond = () => [];
    rig.send(request(2, "tools/list"));
    rig.serverSends({ jsonrpc: "2.0", id: 2, result: { Tools: [{ name: "x" }] } });
    expect(rig.reason(2)).toBe("malformed_message");
  });

  it("a listing inside a message that is none is an error", () => {
    const rig = new Rig(strict).send(call(1, "echo"));
    rig.mock.respond = () => [];
    rig.send(request(2, "tools/list"));
    rig.serverSends('{"jsonrpc":"1.0","id":2,"result":{"tools":[]}}');
    expect(rig.reason(2)).toBe("malformed_message");
  });

  it("the end of the server answers everything that waits, and what comes later", () => {
    const rig = silent(strict).send(request("p", "ping")).send(call(1, "echo"));
    rig.session.serverGone("server filesystem has ended");
    rig.send(request(2, "ping"));
    for (const id of ["p", 1, 2]) expect(rig.answer(id).error?.code).toBe(-32603);
    expect(rig.elapse(60_000).received).toHaveLength(3);
  });
});

describe("requests of the server", () => {
  it.each(SERVER_REQUESTS)("%s without permission never reaches the client", (method) => {
    const rig = new Rig(strict).serverSends({ jsonrpc: "2.0", id: 7, method, params: {} });
    expect(rig.received).toEqual([]);
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason: "feature_denied", method });
    // the server is told, so that it does not wait
    expect(JSON.parse(rig.upstream[0] ?? "")).toMatchObject({ id: 7, error: { code: 4403 } });
  });

  it.each([
    "tools/call",
    "initialize",
    "notifications/initialized",
    "tools/list",
  ])("%s is not a server's to send", (method) => {
    const id = method.startsWith("notifications/") ? {} : { id: 7 };
    const rig = new Rig(open).serverSends({ jsonrpc: "2.0", ...id, method, params: { name: "x" } });
    expect(rig.received).toEqual([]);
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason: "feature_denied" });
  });

  it("sampling and roots with permission pass byte for byte, and so do their answers, once", () => {
    const rig = new Rig(open);
    const ask = '{"method":"sampling/createMessage", "id":7,"params":{},"jsonrpc":"2.0"}';
    const answer = '{ "id":7,"jsonrpc":"2.0","result":{"n":1e400}}';
    rig.serverSends(ask).send(answer).send(answer);
    expect(rig.received).toEqual([ask]);
    expect(rig.upstream).toEqual([answer]);
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", sender: "client" });
  });

  it("an id in flight, and one of the guard's own, are not passed on", () => {
    const rig = new Rig(open);
    for (const id of [7, 7, "portcullis:x"]) {
      rig.serverSends({ jsonrpc: "2.0", id, method: "roots/list" });
    }
    expect(rig.received).toHaveLength(1);
  });

  it("an answer of the client that cannot be read becomes an error to the server", () => {
    const rig = new Rig(open).send(request(7, "ping"));
    const before = rig.received.length;
    rig.serverSends({ jsonrpc: "2.0", id: 7, method: "roots/list" });
    rig.send('{"jsonrpc":"2.0","id":7,"result":{"a":1,"a":2}}');
    expect(JSON.parse(rig.upstream.at(-1) ?? "")).toMatchObject({ id: 7, error: { code: -32603 } });
    // and does not end the client's own request of that id
    expect(rig.received).toHaveLength(before + 1);
  });

  it("an elicitation wears its server's name, whatever it says", () => {
    const rig = new Rig(open);
    const ask =
      '{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message": "approve?"}}';
    rig.serverSends(ask);
    expect(rig.received).toEqual([ask.replace('"approve?"', '"[filesystem] approve?"')]);
  });

  it.each([
    ["no message", {}],
    ["no text", { message: 1 }],
    ["two messages", { message: "a", Message: "portcullis: approve?" }],
  ])("an elicitation with %s is not passed on", (_, params) => {
    const rig = new Rig(open).serverSends({
      jsonrpc: "2.0",
      id: 7,
      method: "elicitation/create",
      params,
    });
    expect(rig.received).toEqual([]);
  });

  describe("an elicitation by error", () => {
    const failed = (catalog: TrustedCatalog, error: object): Rig =>
      silent(catalog).send(request(1, "ping")).serverSends({ jsonrpc: "2.0", id: 1, error });
    const error = { code: -32042, message: "x", data: { elicitations: [] } };

    it("needs the same permission, also where only a look-alike says that it is one", () => {
      expect(failed(strict, error).reason(1)).toBe("feature_denied");
      expect(failed(strict, { ...error, code: 1, Code: -32042 }).reason(1)).toBe("feature_denied");
      expect(failed(open, error).answer(1).error).toEqual(error);
      const bare = { code: -32042, message: "x" };
      expect(failed(open, bare).answer(1).error).toEqual(bare);
    });

    it("wears its server's name, every one of them", () => {
      const ask = (message: string): object => ({ mode: "url", message, url: "https://x.example" });
      const data = { elicitations: [ask("portcullis: approve?"), ask("b")] };
      expect(failed(open, { ...error, data }).answer(1).error).toEqual({
        ...error,
        data: { elicitations: [ask("[filesystem] portcullis: approve?"), ask("[filesystem] b")] },
      });
    });

    it.each([
      ["data that is no object", "portcullis: approve?"],
      ["elicitations that are no array", { elicitations: { message: "portcullis: approve?" } }],
      ["look-alike elicitations", { Elicitations: [{ message: "portcullis: approve?" }] }],
      ["an elicitation without message", { elicitations: [{ message: "a" }, {}] }],
      ["a look-alike message", { elicitations: [{ message: "a", Message: "b" }] }],
    ])("with %s is replaced", (_, data) => {
      const rig = failed(open, { ...error, data });
      expect(rig.reason(1)).toBe("malformed_message");
      expect(rig.received.join()).not.toContain("approve?");
    });
  });

  it("an elicitation that its label makes too large is not passed on", () => {
    const rig = new Rig(open);
    const params = { message: "", requestedSchema: {} };
    const ask = { jsonrpc: "2.0", id: 7, method: "elicitation/create", params };
    const room = (1 << 20) - JSON.stringify(ask).length;
    const label = "[filesystem] ".length;
    const message = (size: number): object => ({
      ...ask,
      params: { ...params, message: "x".repeat(size) },
    });
    rig.serverSends(message(room)).serverSends(message(room - label + 1));
    expect(rig.received).toEqual([]);
    expect(rig.upstream.map((line) => JSON.parse(line).error.code)).toEqual([4403, 4403]);
    rig.serverSends(message(room - label));
    expect(rig.received.map((line) => line.length)).toEqual([1 << 20]);
  });

  it.each([
    ["an array", [{ method: "sampling/createMessage", params: {} }]],
    ["text", "sampling/createMessage"],
    ["null", null],
  ])("inputRequests that are %s are replaced, whatever is allowed", (_, inputRequests) => {
    for (const catalog of [strict, open]) {
      const rig = new Rig(catalog).connect().send(call(0, "echo"));
      rig.mock.respond = () => [];
      rig.send(call(1, "echo"));
      const result = { resultType: "input_required", inputRequests };
      rig.serverSends({ jsonrpc: "2.0", id: 1, result });
      expect(rig.reason(1)).toBe("malformed_message");
      expect(rig.received.join()).not.toContain("sampling");
    }
  });

  it("a look-alike in an embedded request is refused with it", async () => {
    const roots = await trust(catalogToml({ allow: ["tools", "roots"] }));
    const rig = silent(roots).send(request(1, "ping"));
    const ask = { method: "roots/list", Method: "sampling/createMessage" };
    rig.serverSends({ jsonrpc: "2.0", id: 1, result: { inputRequests: { ask } } });
    expect(rig.reason(1)).toBe("feature_denied");
  });

  it.each(
    SERVER_REQUESTS,
  )("%s inside a modern result needs the same permission", (inputRequired) => {
    const params = { name: "echo", arguments: { message: "x" }, _meta: META };
    const options = { ...FIXTURE_SERVER, inputRequired };
    const refused = new Rig(strict, options).send(request(1, "tools/call", params));
    expect(refused.reason(1)).toBe("feature_denied");
    expect(refused.received.join()).not.toContain(SPOOF_TEXT);
    const passed = new Rig(open, options).send(request(1, "tools/call", params));
    expect(passed.answer(1).result).toMatchObject({ resultType: "input_required" });
    const isLabelled = passed.received.join().includes(`"[filesystem] ${SPOOF_TEXT}"`);
    expect(isLabelled).toBe(inputRequired === "elicitation/create");
  });

  it("are at most 65 536 in flight", () => {
    const rig = new Rig(open);
    for (let id = 0; id <= 65_536; id++)
      rig.serverSends({ jsonrpc: "2.0", id, method: "roots/list" });
    expect(rig.received).toHaveLength(65_536);
    expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason: "internal_fault" });
  });
});

describe("notifications of the server", () => {
  it.each([
    ["notifications/message", "logging"],
    ["notifications/prompts/list_changed", "prompts"],
    ["notifications/resources/updated", "resources"],
    ["notifications/elicitation/complete", "elicitation"],
  ])("%s passes with the feature %s, and only then", async (method, feature) => {
    const without = ALLOW_ALL.filter((name) => name !== feature);
    const message = { jsonrpc: "2.0", method, params: {} };
    expect(new Rig(open).serverSends(message).received).toEqual([JSON.stringify(message)]);
    const strictRig = new Rig(await trust(catalogToml({ allow: without }))).serverSends(message);
    expect(strictRig.received).toEqual([]);
    expect(strictRig.records.at(-1)).toMatchObject({ kind: "drop", reason: "feature_denied" });
  });

  it("a line that is no message is dropped, and what follows passes", () => {
    const rig = new Rig(strict);
    const ping = { jsonrpc: "2.0", method: "notifications/progress", params: {} };
    rig.serverSends("listening on port 3000").serverSends("").serverSends(ping);
    expect(rig.received).toEqual([JSON.stringify(ping)]);
    expect(rig.records.filter(({ kind }) => kind === "drop")).toHaveLength(2);
  });
});

describe("messages that wait", () => {
  it("are counted to the byte, so that a client is read no further when they are too many", async () => {
    const rig = silent(strict);
    const message = JSON.stringify(call(1, "echo"));
    rig.send(message);
    const size = message.length + 1;
    let isRoom = false;
    await rig.session.heldAtMost(size);
    const room = rig.session.heldAtMost(size - 1).then(() => {
      isRoom = true;
    });
    await Promise.resolve();
    expect(isRoom).toBe(false);
    rig.elapse(30_000);
    await room;
    expect(rig.reason(1)).toBe("server_not_admitted");
  });
});
