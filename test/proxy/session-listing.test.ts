// Listings and results: what is cut, to the byte, and when the guard lists again.
import { beforeAll, describe, expect, it } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import {
  FIXTURE_SERVER,
  FIXTURE_TOOLS,
  MockMcpServer,
  type MockOptions,
} from "../../src/testing/index.ts";
import {
  call,
  catalogToml,
  direct,
  INITIALIZE,
  MODERN_META,
  modern,
  Rig,
  request,
  trust,
} from "./rig.ts";

let strict: TrustedCatalog;
let lenient: TrustedCatalog;

beforeAll(async () => {
  strict = await trust(catalogToml());
  lenient = await trust(catalogToml({ onDrift: "block-tool" }));
});

const CHANGED = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };
const LISTINGS = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

function names(rig: Rig, id: string | number): unknown {
  const tools = rig.answer(id).result?.["tools"];
  return Array.isArray(tools) ? tools.map((tool) => tool.name) : tools;
}

describe("a listing of what is pinned", () => {
  it.each(LISTINGS)("%s passes byte for byte", (method) => {
    const rig = new Rig(strict).connect().send(request(1, method));
    expect(rig.received.at(-1)).toBe(direct(FIXTURE_SERVER, request(1, method)));
  });

  it("passes page by page, the empty cursor among them", () => {
    const options: MockOptions = { ...FIXTURE_SERVER, pageSize: 2, cursors: "empty-string" };
    const rig = new Rig(strict, options).connect().send(request(1, "tools/list"));
    expect(rig.answer(1).result).toMatchObject({ nextCursor: "" });
    rig.send(request(2, "tools/list", { cursor: "" }));
    expect(names(rig, 2)).toEqual(FIXTURE_TOOLS.slice(2, 4).map((tool) => tool.name));
    // the guard has read every page of its own
    expect(rig.upstream.filter((line) => line.includes("portcullis:"))).toHaveLength(6);
  });

  it("the guard lists before the first call, whatever has been initialised", () => {
    const rig = new Rig(strict).send(call(1, "echo"));
    const methods = rig.upstream.map((line) => JSON.parse(line).method);
    expect(methods).toEqual([...LISTINGS, "tools/call"]);
    for (const line of rig.upstream.slice(0, 4)) {
      expect(JSON.parse(line).id).toMatch(/^portcullis:[0-9a-f]{8}-[0-9a-f-]{27}$/);
    }
    expect(rig.received).toHaveLength(1);
  });

  it("lists only what the catalog allows, and of that what is pinned or offered", async () => {
    const tools = await trust(catalogToml({ allow: ["tools"] }));
    const rig = new Rig(tools).connect().send(call(1, "echo"));
    const methods = rig.upstream.slice(2).map((line) => JSON.parse(line).method);
    expect(methods).toEqual(["tools/list", "tools/call"]);
    const bare = { tools: FIXTURE_TOOLS };
    const own = await trust(catalogToml({ offer: bare }));
    const silent = new Rig(own, bare).connect().send(call(1, "echo"));
    const listed = silent.upstream.slice(2).map((line) => JSON.parse(line).method);
    expect(listed).toEqual(["tools/list", "tools/call"]);
  });

  it("a prompt that is offered where none is pinned is smuggled, and refuses the server", async () => {
    const own = await trust(catalogToml({ offer: { tools: FIXTURE_TOOLS } }));
    const { prompts = [] } = FIXTURE_SERVER;
    const rig = new Rig(own, { tools: FIXTURE_TOOLS, prompts }).connect().send(call(1, "echo"));
    expect(rig.reason(1)).toBe("server_not_admitted");
  });

  it("a listing that the server does not have counts as empty", async () => {
    const era: MockOptions = { ...FIXTURE_SERVER, capabilities: { tools: {} } };
    const rig = new Rig(strict, era).connect().send(call(1, "echo"));
    expect(rig.reason(1)).toBe("allowed");
  });
});

describe("a refused item", () => {
  it("block-tool: it alone is cut, every other byte stays", () => {
    const options: MockOptions = { ...FIXTURE_SERVER, drift: "title", target: "write_file" };
    const rig = new Rig(lenient, options).connect().send(request(1, "tools/list"));
    const sent = direct(options, request(1, "tools/list"));
    const start = sent.indexOf('{"name":"write_file"');
    const next = sent.indexOf('{"name":"delete_file"');
    expect(rig.received.at(-1)).toBe(sent.slice(0, start) + sent.slice(next));
    expect(rig.records.at(-1)).toMatchObject({ kind: "cut", detail: "1 of 5 tools" });
    rig.send(call(2, "write_file")).send(call(3, "echo"));
    expect([rig.reason(2), rig.reason(3)]).toEqual(["fingerprint_drift", "allowed"]);
    expect(rig.mock.calls.map(({ name }) => name)).toEqual(["echo"]);
  });

  it("block-server: nothing is left between the brackets, and nothing is callable", () => {
    const options: MockOptions = { ...FIXTURE_SERVER, drift: "title", target: "write_file" };
    const rig = new Rig(strict, options).connect();
    for (const [id, method] of LISTINGS.entries()) {
      rig.send(request(id, method));
      const [list] = Object.values(rig.answer(id).result ?? {});
      expect(list).toEqual([]);
    }
    rig.send(call(10, "write_file")).send(call(11, "echo")).send(call(12, "other"));
    expect([rig.reason(10), rig.reason(11), rig.reason(12)]).toEqual([
      "fingerprint_drift",
      "server_not_admitted",
      "tool_smuggle",
    ]);
    expect(rig.mock.callsReceived).toBe(0);
  });

  it.each([
    "duplicate-member",
    "duplicate-nested-member",
    "deep",
    "big-integer",
  ] as const)("block-tool: a definition with %s is cut, and the rest of the listing passes", (malform) => {
    const options: MockOptions = { ...FIXTURE_SERVER, malform, target: "write_file" };
    const rig = new Rig(lenient, options).connect().send(request(1, "tools/list"));
    const kept = FIXTURE_TOOLS.filter((tool) => tool.name !== "write_file");
    expect(rig.answer(1).result?.["tools"]).toEqual(kept);
    expect(rig.send(call(2, "write_file")).reason(2)).toBe("fingerprint_drift");
    expect(rig.send(call(3, "echo")).reason(3)).toBe("allowed");
  });

  it("drift is for ever: a definition that changes back stays refused", () => {
    const options: MockOptions = {
      ...FIXTURE_SERVER,
      drift: "title",
      target: "write_file",
      flicker: true,
    };
    const rig = new Rig(lenient, options).connect().send(call(1, "write_file"));
    expect(rig.reason(1)).toBe("fingerprint_drift");
    rig.serverSends(CHANGED).send(request(2, "tools/list"));
    expect(names(rig, 2)).not.toContain("write_file");
    expect(rig.send(call(3, "write_file")).reason(3)).toBe("fingerprint_drift");
  });

  it("a smuggled tool in a page of the client alone is cut, and makes the guard list again", () => {
    const options: MockOptions = { ...FIXTURE_SERVER, smuggle: "last", after: 1, flicker: true };
    const rig = new Rig(strict, options).connect().send(request(1, "tools/list"));
    expect(names(rig, 1)).toEqual([]);
    const before = rig.mock.listsReceived;
    expect(rig.send(call(2, "echo")).reason(2)).toBe("allowed");
    expect(rig.mock.listsReceived).toBe(before + 1);
  });

  it.each([
    "tools",
    "Tools",
    "tool\u017f",
    "prompts",
    "resources",
    "resourceTemplates",
    "RESOURCES",
  ])("a member %s of any other result shows nothing", (member) => {
    const silent = new Rig(strict).connect().send(call(1, "echo"));
    silent.mock.respond = () => [];
    silent.send(request(2, "ping"));
    const text = "export_secrets";
    const tool = { name: text, uri: text, uriTemplate: text, inputSchema: { type: "object" } };
    silent.serverSends({ jsonrpc: "2.0", id: 2, result: { a: 1, [member]: [tool], b: 2 } });
    expect(silent.received.at(-1)).not.toContain("export_secrets");
    expect(silent.answer(2).result).toMatchObject({ a: 1, b: 2 });
  });

  it("definitions in any other result are cut to what was admitted, and are no listing", () => {
    const rig = new Rig(strict).connect().send(call(1, "echo"));
    const before = rig.mock.listsReceived;
    const { respond } = rig.mock;
    rig.mock.respond = () => [];
    rig.send(request(2, "ping"));
    const { tools = [], prompts = [], resources = [], resourceTemplates = [] } = FIXTURE_SERVER;
    const [pinned] = resources;
    const strange = [{ ...pinned, text: "contents" }, ...resources, 1];
    const result = { tools, prompts, resources: strange, resourceTemplates };
    rig.serverSends({ jsonrpc: "2.0", id: 2, result });
    expect(rig.answer(2).result).toEqual({ tools, prompts, resources: [], resourceTemplates });
    rig.mock.respond = respond.bind(rig.mock);
    expect(rig.send(call(3, "echo")).reason(3)).toBe("allowed");
    expect(rig.mock.listsReceived).toBe(before);
  });

  it("131 072 tiny definitions are looked at, and one more is none", () => {
    for (const [count, reason] of [
      [131_072, "allowed"],
      [131_073, "malformed_message"],
    ] as const) {
      const rig = new Rig(strict).connect().send(call(1, "echo"));
      rig.mock.respond = () => [];
      const items = Array(count).fill(1).join();
      for (const [id, method] of ["tools/list", "ping"].entries()) {
        rig.send(request(id + 2, method));
        rig.serverSends(`{"jsonrpc":"2.0","id":${id + 2},"result":{"tools":[${items}]}}`);
        expect(rig.reason(id + 2)).toBe(reason);
        if (reason === "allowed") expect(rig.answer(id + 2).result).toEqual({ tools: [] });
      }
    }
  });

  it("a pinned definition that is not the one the guard has seen is cut, and seen to", async () => {
    const [first = { name: "", inputSchema: {} }] = FIXTURE_TOOLS;
    const other = { ...first, title: "Read a text file" };
    const digest = fingerprintTool(first);
    const both = `["${digest}", "${fingerprintTool(other)}"]`;
    const catalog = await trust(catalogToml().replace(`"${digest}"`, both));
    const rig = new Rig(catalog).connect().send(call(1, "echo"));
    rig.mock.respond = () => [];
    rig.send(request(2, "tools/list"));
    rig.serverSends({ jsonrpc: "2.0", id: 2, result: { tools: [other] } });
    expect(rig.answer(2).result).toEqual({ tools: [] });
    const before = rig.upstream.length;
    rig.send(call(3, "echo"));
    expect(JSON.parse(rig.upstream[before] ?? "")).toMatchObject({ method: "tools/list" });
  });
});

describe("list_changed", () => {
  it("between list and call makes the guard list once more before it allows", () => {
    const rig = new Rig(strict).connect().send(call(1, "echo"));
    const before = rig.mock.listsReceived;
    for (let count = 0; count < 100; count++) rig.serverSends(CHANGED);
    expect(rig.mock.listsReceived).toBe(before);
    rig.send(call(2, "echo")).send(call(3, "echo"));
    expect([rig.reason(2), rig.reason(3)]).toEqual(["allowed", "allowed"]);
    expect(rig.mock.listsReceived).toBe(before + 1);
    expect(rig.mock.count("prompts/list")).toBe(1);
    expect(rig.received.filter((line) => line === JSON.stringify(CHANGED))).toHaveLength(100);
  });

  it("a change that comes while the guard lists is not missed", () => {
    const options: MockOptions = {
      ...FIXTURE_SERVER,
      listChanged: 1,
      on: "tools/list",
      drift: "description",
      after: 1,
    };
    const rig = new Rig(strict, options).send(call(1, "read_text_file"));
    expect(rig.reason(1)).toBe("fingerprint_drift");
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("of a list that is not wanted leaves what was admitted callable", async () => {
    const tools = await trust(catalogToml({ allow: ["tools"] }));
    const rig = new Rig(tools).connect().send(call(1, "echo"));
    const before = rig.mock.listsReceived;
    for (const kind of ["prompts", "resources"]) {
      rig.serverSends({ jsonrpc: "2.0", method: `notifications/${kind}/list_changed` });
    }
    expect(rig.send(call(2, "echo")).reason(2)).toBe("allowed");
    expect(rig.mock.listsReceived).toBe(before);
    rig.serverSends(CHANGED);
    expect(rig.send(call(3, "echo")).reason(3)).toBe("allowed");
    expect(rig.mock.listsReceived).toBe(before + 1);
  });

  it("a listing that failed is tried again with the next call", () => {
    const options: MockOptions = { ...FIXTURE_SERVER, list: "refused", flicker: true };
    const rig = new Rig(strict, options).connect().send(call(1, "echo")).send(call(2, "echo"));
    expect([rig.reason(1), rig.reason(2)]).toEqual(["server_not_admitted", "allowed"]);
  });

  it("a new handshake is a new server", () => {
    const rig = new Rig(strict).connect().send(call(1, "echo"));
    const before = rig.mock.listsReceived;
    rig.send({ ...INITIALIZE, id: "again" }).send(call(2, "echo"));
    expect(rig.mock.listsReceived).toBe(before + 1);
  });
});

describe("the wait for a listing", () => {
  it("ends after 30 s, not before, with server_not_admitted", () => {
    const rig = new Rig(strict, { ...FIXTURE_SERVER, list: "unanswered" });
    rig.send(call(1, "echo")).elapse(10_000).send(call(2, "echo")).elapse(19_999);
    expect(rig.received).toEqual([]);
    rig.elapse(1);
    expect(rig.reason(1)).toBe("server_not_admitted");
    expect(rig.answers(2)).toEqual([]);
    expect(rig.elapse(10_000).reason(2)).toBe("server_not_admitted");
  });

  it("keeps the order of the calls", () => {
    const rig = new Rig(strict);
    rig.mock.respond = () => [];
    rig.send(call(1, "echo")).send(call(2, "export_secrets")).send(call(3, "echo"));
    const mock = new MockMcpServer(FIXTURE_SERVER);
    for (let at = 0; at < rig.upstream.length; at++) {
      for (const text of mock.handle(rig.upstream[at] ?? "")) rig.serverSends(text);
    }
    const calls = rig.upstream.filter((line) => line.includes("tools/call"));
    expect(calls.map((line) => JSON.parse(line).id)).toEqual([1, 3]);
  });
});

describe("the modern era", () => {
  it("the guard's listing carries the version and capabilities of the request behind it", () => {
    const rig = new Rig(strict).send(modern(call(1, "echo")));
    expect(rig.reason(1)).toBe("allowed");
    expect(JSON.parse(rig.upstream[0] ?? "").params).toEqual({ _meta: MODERN_META });
  });

  it("another era, and other capabilities, are admitted on their own", () => {
    const rig = new Rig(strict).send(modern(call(1, "echo"))).send(modern(call(2, "echo")));
    expect(rig.mock.listsReceived).toBe(1);
    rig.send(call(3, "echo"));
    expect(rig.mock.listsReceived).toBe(2);
    const less = { "io.modelcontextprotocol/clientCapabilities": {} };
    rig.send(modern(call(4, "echo"), less));
    expect(rig.mock.listsReceived).toBe(3);
    expect([1, 2, 3, 4].map((id) => rig.reason(id))).toEqual(Array(4).fill("allowed"));
  });

  it("an expired ttlMs makes the guard list again", () => {
    const rig = new Rig(strict, { ...FIXTURE_SERVER, ttlMs: 1_000 }).send(modern(call(1, "echo")));
    rig.elapse(999).send(modern(call(2, "echo")));
    expect(rig.mock.listsReceived).toBe(1);
    rig.elapse(1).send(modern(call(3, "echo")));
    expect(rig.mock.listsReceived).toBe(2);
    const always = new Rig(strict, { ...FIXTURE_SERVER, ttlMs: 0 });
    always.send(modern(call(1, "echo"))).send(modern(call(2, "echo")));
    expect(always.mock.listsReceived).toBe(2);
    expect([always.reason(1), always.reason(2)]).toEqual(["allowed", "allowed"]);
  });

  it("a cacheScope becomes private, and nothing else changes", () => {
    const list = modern(request(1, "tools/list"));
    const rig = new Rig(strict).send(list);
    const sent = direct(FIXTURE_SERVER, list);
    expect(sent).toContain('"cacheScope":"public"');
    expect(rig.received.at(-1)).toBe(sent.replace('"public"', '"private"'));
    const own: MockOptions = { ...FIXTURE_SERVER, cacheScope: "private" };
    expect(new Rig(strict, own).send(list).received.at(-1)).toBe(direct(own, list));
  });

  it("a result of the largest size that an edit makes larger is replaced by an error", () => {
    const head = '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","cacheScope":';
    const line = (scope: string, sizeBytes: number): string => {
      const start = `${head}${scope},"x":"`;
      return `${start}${"y".repeat(sizeBytes - start.length - 3)}"}}`;
    };
    const largest = 1 << 20;
    for (const [scope, sizeBytes, reason] of [
      ["0", largest, "malformed_message"],
      ["0", largest - 7, "malformed_message"],
      ["0", largest - 8, "allowed"],
      ['"public"', largest - 1, "allowed"],
    ] as const) {
      const rig = new Rig(strict).send(modern(call(0, "echo")));
      rig.mock.respond = () => [];
      rig.send(modern(call(1, "echo"))).serverSends(line(scope, sizeBytes));
      expect(rig.reason(1)).toBe(reason);
    }
  });

  it("a subscription to a resource that is not pinned is refused as a whole", () => {
    const pinned = "file:///workspace/README.md";
    const listen = (id: number, uris: unknown): object =>
      modern(
        request(id, "subscriptions/listen", { notifications: { resourceSubscriptions: uris } }),
      );
    const rig = new Rig(strict).send(listen(1, [pinned])).send(listen(2, [pinned, "file:///x"]));
    rig
      .send(listen(3, "x"))
      .send(listen(4, [1]))
      .send(listen(5, []));
    expect(rig.mock.count("subscriptions/listen")).toBe(2);
    expect([2, 3, 4].map((id) => rig.reason(id))).toEqual([
      "tool_smuggle",
      "malformed_message",
      "malformed_message",
    ]);
    const alike = { notifications: { ResourceSubscriptions: ["file:///x"] } };
    rig.send(modern(request(6, "subscriptions/listen", alike)));
    expect(rig.reason(6)).toBe("malformed_message");
  });
});
