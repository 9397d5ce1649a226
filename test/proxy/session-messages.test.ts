// Messages of the client: shapes, ids, methods, names; the reason, the bytes, the upstream.
import { beforeAll, describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/bytes.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { catalogText, EXPIRES_MS, NOW_MS } from "../fixtures/trust.ts";
import { call, catalogToml, INITIALIZE, modern, Rig, request, trust } from "./rig.ts";

let catalog: TrustedCatalog;

beforeAll(async () => {
  catalog = await trust(catalogToml());
});

/** Without arguments, which the schema of the tool asks for. */
const BARE = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}';
const CALL = BARE.replace("}}", ',"arguments":{"message":"x"}}}');

describe("a message that cannot be read strictly", () => {
  it.each([
    ["a batch", `[${CALL}]`, null],
    ["an empty batch", "[]", null],
    ["no JSON", "{", null],
    ["a lone CR between two messages", `${CALL}\r${CALL}`, 1],
    ["a CR as white space", CALL.replace("{", "{\r"), 1],
    ["a BOM", `\ufeff${CALL}`, null],
    ["a duplicate method", CALL.replace("{", '{"method":"ping",'), 1],
    ["a duplicate id", CALL.replace("{", '{"id":2,'), null],
    ["a duplicate name", CALL.replace('"name"', '"name":"x","name"'), 1],
    ["a duplicate argument", BARE.replace("}}", ',"arguments":{"a":1,"a":2}}}'), 1],
    ["Name beside name", CALL.replace('"name"', '"Name":"delete_file","name"'), 1],
    ["NAME beside name", CALL.replace('"name"', '"NAME":"delete_file","name"'), 1],
    ["param\u017f beside params", CALL.replace("{", '{"param\u017f":{},'), 1],
    ["a method without id", CALL.replace('"id":1,', ""), null],
    ["a notification with id", CALL.replace("tools/call", "notifications/initialized"), 1],
    ["an id that is null", CALL.replace('"id":1', '"id":null'), null],
    ["an id that is a fraction", CALL.replace('"id":1', '"id":1.5'), null],
    ["an id beyond 2^53", CALL.replace('"id":1', '"id":9007199254740992'), null],
    ["an id of 257 bytes", CALL.replace('"id":1', `"id":"${"x".repeat(257)}"`), null],
    ["an id of the guard's own", CALL.replace('"id":1', '"id":"portcullis:1"'), "portcullis:1"],
    ["a further member", CALL.replace("{", '{"extra":1,'), 1],
    ["another version", CALL.replace("2.0", "1.0"), 1],
    ["65 levels", BARE.replace("}}", `,"arguments":{"a":${"[".repeat(62)}${"]".repeat(62)}}}}`), 1],
  ])("%s is refused, and nothing goes upstream", (_, line, id) => {
    const rig = new Rig(catalog);
    rig.send(line);
    expect(rig.reason(id)).toBe("malformed_message");
    expect(rig.upstream).toEqual([]);
    expect(rig.records).toMatchObject([{ reason: "malformed_message", outcome: "deny" }]);
  });

  it("64 levels pass", () => {
    const deep = BARE.replace(
      "}}",
      `,"arguments":{"message":"x","a":${"[".repeat(61)}${"]".repeat(61)}}}}`,
    );
    expect(new Rig(catalog).send(deep).reason(1)).toBe("allowed");
  });

  it("invalid UTF-8 is refused", () => {
    const rig = new Rig(catalog);
    rig.send(concatBytes(utf8(BARE.slice(0, -3)), Uint8Array.of(0xff), utf8('"}}')));
    expect(rig.reason(1)).toBe("malformed_message");
    expect(rig.upstream).toEqual([]);
  });

  it("a line over the limit is refused with its id, wherever that stands", () => {
    const rig = new Rig(catalog);
    const rest = CALL.replace('"id":1,', "").slice(1, -1);
    rig.send(`{${rest},"x":"${"x".repeat(1 << 20)}","id":77}`);
    expect(rig.reason(77)).toBe("malformed_message");
    expect(rig.upstream).toEqual([]);
  });

  it("an empty line is dropped without an answer, and recorded", () => {
    const rig = new Rig(catalog).send("").send(" \r");
    expect(rig.received).toEqual([]);
    expect(rig.records).toMatchObject([{ kind: "drop" }, { kind: "drop" }]);
  });

  it("an id in flight is not taken a second time, and its answer still comes", () => {
    const rig = new Rig(catalog, { ...FIXTURE_SERVER, list: "unanswered" });
    rig.send(call(1, "echo")).send(request(1, "ping"));
    expect(rig.reason(1)).toBe("malformed_message");
    rig.elapse(30_000);
    expect(rig.answers(1).map(({ error }) => error?.data?.["reason"])).toEqual([
      "malformed_message",
      "server_not_admitted",
    ]);
  });

  it('1 and "1" are two ids', () => {
    const rig = new Rig(catalog).send(call(1, "echo")).send(call("1", "echo"));
    expect([rig.reason(1), rig.reason("1")]).toEqual(["allowed", "allowed"]);
  });
});

describe("forwarding", () => {
  it.each([
    [
      "escaped names",
      '{"jsonrpc":"2.0","id":1,"method":"tools\\/call","params":{"na\\u006de":"ech\\u006f","arguments":{"message":""}}}',
    ],
    [
      "white space and order",
      ' {"params" : {"arguments":{ "message":"x"},"name":"echo"},"id":1,"method":"tools/call","jsonrpc":"2.0"}\t',
    ],
    [
      "numbers as they are",
      BARE.replace("}}", ',"arguments":{"message":"x","a":1.0,"b":1e0,"c":-0}}}'),
    ],
    ["a CR before the line feed", `${CALL}\r`],
    [
      "progress and unknown members",
      CALL.replace("}}}", '},"_meta":{"progressToken":"t"},"future":[]}}'),
    ],
  ])("%s: the bytes that were judged are those that go on", (_, line) => {
    const rig = new Rig(catalog).send(line);
    expect(rig.upstream.at(-1)).toBe(line);
    expect(rig.reason(1)).toBe("allowed");
  });

  it.each([
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"reason":"x"}}',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":2}}',
    '{"method":"notifications/initialized","jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":"p","method":"ping"}',
  ])("%s goes on as it is", (line) => {
    expect(new Rig(catalog).send(line).upstream).toEqual([line]);
  });

  it("server messages go on as they are, CR and all", () => {
    const rig = new Rig(catalog);
    const line =
      '{ "method":"notifications/progress","params":{"progress":1e2, "progressToken":"\\ud800"},"jsonrpc":"2.0"}\r';
    rig.serverSends(line);
    expect(rig.received).toEqual([line]);
  });
});

describe("the closed world of methods", () => {
  it.each([
    "Tools/Call",
    "tools/call ",
    "tools/callx",
    "resources/subscribeX",
    "vendor/execute",
    "completion/complete",
    "logging/setLevel",
    "tasks/get",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "",
  ])("%s is refused", (method) => {
    const rig = new Rig(catalog).send(request(1, method));
    expect(rig.reason(1)).toBe("feature_denied");
    expect(rig.upstream).toEqual([]);
    expect(rig.records).toMatchObject([{ kind: "decision", reason: "feature_denied", method }]);
  });

  it("a notification outside it is dropped and recorded", () => {
    const rig = new Rig(catalog);
    rig.send({ jsonrpc: "2.0", method: "notifications/roots/list_changed" });
    rig.send({ jsonrpc: "2.0", method: "notifications/vendor" });
    expect(rig.upstream).toEqual([]);
    expect(rig.records).toMatchObject([
      { kind: "drop", reason: "feature_denied" },
      { kind: "drop", reason: "feature_denied" },
    ]);
  });

  it("`methods` adds a name byte for byte, and takes the rule from no known method", async () => {
    const methods = ["vendor/execute", "logging/setLevel", "tools/call"];
    const own = await trust(catalogToml({ methods, allow: ["prompts"] }));
    const rig = new Rig(own);
    rig.send(request(1, "vendor/execute")).send(request(2, "vendor/Execute"));
    expect(rig.upstream).toEqual([JSON.stringify(request(1, "vendor/execute"))]);
    expect(rig.reason(2)).toBe("feature_denied");
    expect(rig.send(request(3, "logging/setLevel")).reason(3)).toBe("feature_denied");
    expect(rig.send(call(4, "echo")).reason(4)).toBe("feature_denied");
    expect(rig.mock.callsReceived).toBe(0);
  });
});

describe("A9: variants of a pinned name", () => {
  it.each([
    "Echo",
    "ECHO",
    " echo",
    "echo ",
    "echo\u0000",
    "echo\n",
    "ech\u043e",
    "e\u200dcho",
    "e\u0301cho",
    "",
    "__proto__",
    "constructor",
    "toString",
    "x".repeat(129),
  ])("%j is a tool smuggle", (name) => {
    const rig = new Rig(catalog).connect().send(call(1, name));
    expect(rig.reason(1)).toBe("tool_smuggle");
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.records.at(-1)).toMatchObject({ kind: "decision", reason: "tool_smuggle" });
  });

  it("a name of 10 MB is refused", () => {
    const rig = new Rig(catalog, FIXTURE_SERVER, { messageSizeMax: 1 << 20 });
    rig.send(call(1, "x".repeat(1_000_000)));
    expect(rig.reason(1)).toBe("tool_smuggle");
    expect(JSON.stringify(rig.answer(1)).length).toBeLessThan(1_000);
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.records.at(-1)).toMatchObject({ kind: "decision", reason: "tool_smuggle" });
  });

  it.each([
    "prompts/get",
    "resources/read",
    "resources/subscribe",
  ])("%s of what is not pinned is refused", (method) => {
    const params = { name: "other", uri: "file:///etc/passwd" };
    const rig = new Rig(catalog).connect().send(request(1, method, params));
    expect(rig.reason(1)).toBe("tool_smuggle");
    expect(rig.mock.count(method)).toBe(0);
    expect(rig.records.at(-1)).toMatchObject({ kind: "decision", reason: "tool_smuggle", method });
  });

  it.each([
    ["prompts/get", { name: "summarise" }],
    ["resources/read", { uri: "file:///workspace/README.md" }],
    ["resources/read", { uri: "file:///workspace/notes.txt" }],
    ["resources/subscribe", { uri: "file:///workspace/README.md" }],
  ])("%s %j of what is pinned passes", (method, params) => {
    const rig = new Rig(catalog).connect().send(request(1, method, params));
    expect(rig.reason(1)).toBe("allowed");
    expect(rig.mock.count(method)).toBe(1);
  });
});

describe("A3: no catalog, no permission", () => {
  it("a catalog without servers refuses everything", async () => {
    const empty = await trust(catalogText());
    const rig = new Rig(empty)
      .send(INITIALIZE)
      .send(call(1, "echo"))
      .send(request(2, "tools/list"));
    expect([rig.reason("init"), rig.reason(1), rig.reason(2)]).toEqual(
      Array.from({ length: 3 }, () => "unknown_server"),
    );
    expect(rig.upstream).toEqual([]);
    const refused = rig.records.filter(({ kind }) => kind === "decision");
    expect(refused).toHaveLength(3);
    expect(new Set(refused.map(({ reason }) => reason))).toEqual(new Set(["unknown_server"]));
  });

  it("an expired catalog refuses everything but the handshake, from the first millisecond", () => {
    for (const [nowMs, reason] of [
      [EXPIRES_MS - 1, "allowed"],
      [EXPIRES_MS, "catalog_expired"],
      [Number.NaN, "catalog_expired"],
    ] as const) {
      const rig = new Rig(catalog, FIXTURE_SERVER, { clock: () => nowMs }).connect();
      rig.send(call(1, "echo")).send(request(2, "tools/list"));
      expect([rig.reason("init"), rig.reason(1), rig.reason(2)]).toEqual([
        "allowed",
        reason,
        reason,
      ]);
      expect(rig.mock.callsReceived).toBe(reason === "allowed" ? 1 : 0);
      expect(rig.records.find(({ tool }) => tool === "echo")).toMatchObject({ reason });
    }
  });
});

describe("a refusal", () => {
  it("is a protocol error with everything a host needs", () => {
    const rig = new Rig(catalog, FIXTURE_SERVER, { uuid: () => "trace-1" });
    rig.send(call(1, "export_secrets"));
    expect(rig.answer(1)).toEqual({
      jsonrpc: "2.0",
      id: 1,
      error: {
        code: 4403,
        message:
          "portcullis refused `export_secrets` of `filesystem` (tool_smuggle): this server offers something that was never pinned; this is final, do not retry or work around it; operator: review it, pin it and sign a new catalog version",
        data: {
          outcome: "SafetyBlocked",
          reason: "tool_smuggle",
          code: 3,
          server: "filesystem",
          tool: "export_secrets",
          traceId: "trace-1",
        },
      },
    });
    expect(rig.records.at(-1)).toMatchObject({ traceId: "trace-1", tool: "export_secrets" });
  });

  it("is a tool result where the host wants one, but never of a task, a prompt or a listing", () => {
    const rig = new Rig(catalog, FIXTURE_SERVER, { denyAs: "result" });
    rig.send(call(1, "export_secrets"));
    expect(rig.answer(1).result).toMatchObject({
      isError: true,
      content: [{ type: "text", text: expect.stringContaining("tool_smuggle") }],
      _meta: { "portcullis/safety-blocked": { outcome: "SafetyBlocked", code: 3 } },
    });
    expect(rig.answer(1).result).not.toHaveProperty("resultType");
    rig.send(request(2, "tools/call", { name: "x", task: {} }));
    rig.send(request(3, "prompts/get", { name: "x" }));
    rig.send(request(4, "logging/setLevel"));
    for (const id of [2, 3, 4]) expect(rig.answer(id).error?.code).toBe(4403);
  });

  it("of a call that asks, where nobody can be asked, is a refusal for good", async () => {
    const serverKeys = 'operator_verified = false\nconsent_channels = ["terminal"]';
    const rig = new Rig(await trust(catalogToml({ serverKeys }))).connect().send(call(1, "echo"));
    expect(rig.answer(1).error?.data).toMatchObject({
      outcome: "SafetyBlocked",
      reason: "consent_refused",
    });
    expect(rig.records.at(-1)).toMatchObject({
      reason: "consent_refused",
      layer: "consent",
      detail: "there is nobody who can be asked",
    });
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("of a subscription that asks has that outcome: nobody is asked about several at once", async () => {
    const catalog = await trust(catalogToml({ serverKeys: "operator_verified = false" }));
    const resourceSubscriptions = ["file:///workspace/README.md"];
    const listen = request(1, "subscriptions/listen", { notifications: { resourceSubscriptions } });
    const rig = new Rig(catalog).connect().send(modern(listen));
    expect(rig.answer(1).error?.data).toMatchObject({
      outcome: "ask_user",
      reason: "policy_review",
    });
    expect(rig.mock.count("subscriptions/listen")).toBe(0);
  });
});

describe("requests in flight", () => {
  it("are at most 65 536", () => {
    const rig = new Rig(catalog, { ...FIXTURE_SERVER, list: "unanswered" });
    for (let id = 0; id <= 65_536; id++) rig.send(request(id, "tools/list"));
    expect(rig.answers(65_535)).toEqual([]);
    expect(rig.reason(65_536)).toBe("internal_fault");
  });
});

describe("identity and scope", () => {
  const principals = `[principals."agent:*"]
scope = ["fs.read"]
[principals."agent:other"]
servers = []
`;

  it.each([
    ["agent:x", "echo", "allowed"],
    ["agent:x", "delete_file", "scope_escalation"],
    ["agent:other", "echo", "identity_unknown"],
    ["somebody", "echo", "identity_unknown"],
    [undefined, "echo", "identity_unknown"],
    ["somebody", "export_secrets", "tool_smuggle"],
  ])("principal %s calling %s: %s", async (principal, tool, reason) => {
    const own = await trust(catalogToml({ rest: principals }));
    const rig = new Rig(own, FIXTURE_SERVER, { principal }).connect().send(call(1, tool));
    expect(rig.reason(1)).toBe(reason);
    expect(rig.mock.callsReceived).toBe(reason === "allowed" ? 1 : 0);
  });

  it("an unknown principal does not even see a listing", async () => {
    const own = await trust(catalogToml({ rest: principals }));
    const rig = new Rig(own).connect().send(request(1, "tools/list"));
    expect(rig.reason(1)).toBe("identity_unknown");
    expect(rig.mock.listsReceived).toBe(0);
  });

  it("the session's cap and the principal's hold together", async () => {
    const rest = '[principals."local"]\nscope = ["fs.read", "fs.write"]\n';
    const own = await trust(catalogToml({ rest }));
    const scopeCap = ["fs.read", "fs.delete"];
    const rig = new Rig(own, FIXTURE_SERVER, { scopeCap }).connect();
    const tools = ["echo", "write_file", "delete_file"];
    expect(tools.map((tool, id) => rig.send(call(id, tool)).reason(id))).toEqual([
      "allowed",
      "scope_escalation",
      "scope_escalation",
    ]);
  });

  it("a scope that the catalog does not have is a fault, also behind a principal's cap", async () => {
    const rest = '[principals."local"]\nscope = ["fs.read"]\n';
    const own = await trust(catalogToml({ rest }));
    expect(() => new Rig(own, FIXTURE_SERVER, { scopeCap: ["fs.wirte"] })).toThrow("fs.wirte");
    expect(NOW_MS).toBeLessThan(own.expiresAt);
  });
});
