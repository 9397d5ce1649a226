// The mock as an honest server, in both protocol eras, at the level of lines.
import { describe, expect, it } from "vitest";
import {
  FIXTURE_SERVER,
  FIXTURE_TOOLS,
  MockMcpServer,
  parseMockOptions,
  TOOL_DRIFTS,
} from "../../src/testing/index.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

function ask(server: MockMcpServer, method: string, params?: object, id: unknown = 1): unknown {
  const [line = "null"] = server.handle(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  return JSON.parse(line);
}

describe("the legacy era", () => {
  it("initialize answers the asked revision, and its own newest for an unknown one", () => {
    const server = new MockMcpServer(FIXTURE_SERVER);
    for (const [asked, answered] of [
      ["2025-11-25", "2025-11-25"],
      ["2024-11-05", "2024-11-05"],
      ["1999-01-01", "2025-11-25"],
    ]) {
      expect(ask(server, "initialize", { protocolVersion: asked })).toMatchObject({
        id: 1,
        result: {
          protocolVersion: answered,
          serverInfo: { name: "portcullis-mock", version: "1.0.0" },
          instructions: FIXTURE_SERVER.instructions,
          capabilities: { tools: {}, prompts: {}, resources: {}, logging: {}, completions: {} },
        },
      });
    }
  });

  it("lists and calls before initialize", () => {
    const server = new MockMcpServer();
    expect(ask(server, "tools/list")).toEqual({
      jsonrpc: "2.0",
      id: 1,
      result: { tools: FIXTURE_TOOLS },
    });
    const params = { name: "echo", arguments: { message: "hi" } };
    expect(ask(server, "tools/call", params, "two")).toEqual({
      jsonrpc: "2.0",
      id: "two",
      result: { content: [{ type: "text", text: "echo is done" }] },
    });
    expect(server.calls).toEqual([params]);
    expect([server.callsReceived, server.listsReceived]).toEqual([1, 1]);
    expect(server.received).toHaveLength(2);
  });

  it("answers every other legacy method", () => {
    const server = new MockMcpServer(FIXTURE_SERVER);
    for (const method of ["ping", "logging/setLevel", "resources/subscribe"]) {
      expect(ask(server, method, {})).toEqual({ jsonrpc: "2.0", id: 1, result: {} });
    }
    expect(ask(server, "prompts/list")).toMatchObject({
      result: { prompts: FIXTURE_SERVER.prompts },
    });
    expect(ask(server, "resources/list")).toMatchObject({
      result: { resources: FIXTURE_SERVER.resources },
    });
    expect(ask(server, "resources/templates/list")).toMatchObject({
      result: { resourceTemplates: FIXTURE_SERVER.resourceTemplates },
    });
    expect(ask(server, "prompts/get", { name: "summarise" })).toMatchObject({
      result: { messages: [{ role: "user", content: { type: "text" } }] },
    });
    expect(ask(server, "prompts/get", { name: "other" })).toMatchObject({
      error: { code: -32602 },
    });
    expect(ask(server, "resources/read", { uri: "file:///workspace/README.md" })).toMatchObject({
      result: { contents: [{ uri: "file:///workspace/README.md" }] },
    });
    expect(ask(server, "resources/read", { uri: "file:///workspace/notes.txt" })).toMatchObject({
      result: { contents: [{ uri: "file:///workspace/notes.txt" }] },
    });
    expect(ask(server, "resources/read", { uri: "file:///workspace/a/b" })).toMatchObject({
      error: { code: -32002 },
    });
    expect(ask(server, "completion/complete", {})).toMatchObject({
      result: { completion: { values: [] } },
    });
    expect(ask(server, "vendor/execute")).toMatchObject({ error: { code: -32601 } });
  });

  it("answers an unknown tool as the reference server does, and counts the call", () => {
    const server = new MockMcpServer();
    expect(ask(server, "tools/call", { name: "nope" })).toMatchObject({
      result: { isError: true },
    });
    expect(server.callsReceived).toBe(1);
  });

  it("carries out a batch, a call without an id, and nothing of a line that is no JSON", () => {
    const server = new MockMcpServer();
    const call = { jsonrpc: "2.0", method: "tools/call", params: { name: "echo" } };
    const [line = ""] = server.handle(
      JSON.stringify([
        { ...call, id: 1 },
        { ...call, id: 2 },
      ]),
    );
    expect(JSON.parse(line)).toMatchObject([{ id: 1 }, { id: 2 }]);
    expect(server.handle(JSON.stringify(call))).toEqual([]);
    expect(server.callsReceived).toBe(3);
    expect(JSON.parse(server.handle("{]")[0] ?? "")).toMatchObject({
      id: null,
      error: { code: -32700 },
    });
    expect(server.callsReceived).toBe(3);
  });
});

describe("the modern era", () => {
  it("discovers, lists and calls with the members the revision requires", () => {
    const server = new MockMcpServer(FIXTURE_SERVER);
    expect(ask(server, "server/discover", { _meta: META })).toMatchObject({
      result: {
        resultType: "complete",
        supportedVersions: ["2026-07-28"],
        instructions: FIXTURE_SERVER.instructions,
        ttlMs: 60_000,
        cacheScope: "public",
        _meta: { "io.modelcontextprotocol/serverInfo": { name: "portcullis-mock" } },
      },
    });
    expect(ask(server, "tools/list", { _meta: META })).toMatchObject({
      result: { tools: FIXTURE_TOOLS, resultType: "complete", cacheScope: "public" },
    });
    expect(ask(server, "tools/call", { _meta: META, name: "echo" })).toMatchObject({
      result: { resultType: "complete", content: [{ type: "text" }] },
    });
    expect(ask(server, "tools/call", { _meta: META, name: "nope" })).toMatchObject({
      error: { code: -32602 },
    });
  });

  it("refuses what the revision removed, requires or does not know", () => {
    const server = new MockMcpServer();
    const version = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
    expect(ask(server, "ping", { _meta: META })).toMatchObject({ error: { code: -32601 } });
    expect(ask(server, "tools/list", { _meta: version })).toMatchObject({
      error: { code: -32602 },
    });
    const later = { ...META, "io.modelcontextprotocol/protocolVersion": "2027-01-01" };
    expect(ask(server, "tools/list", { _meta: later })).toMatchObject({
      error: { code: -32022, data: { supported: ["2026-07-28"], requested: "2027-01-01" } },
    });
  });

  it("acknowledges a subscription and names it in notifications", () => {
    const server = new MockMcpServer({ listChanged: 1 });
    const notifications = { toolsListChanged: true };
    expect(ask(server, "subscriptions/listen", { _meta: META, notifications }, 7)).toEqual({
      jsonrpc: "2.0",
      method: "notifications/subscriptions/acknowledged",
      params: { _meta: { "io.modelcontextprotocol/subscriptionId": 7 }, notifications },
    });
    const call = {
      jsonrpc: "2.0",
      id: 8,
      method: "tools/call",
      params: { _meta: META, name: "echo" },
    };
    const lines = server.handle(JSON.stringify(call)).map((line) => JSON.parse(line));
    expect(lines[1]).toEqual({
      jsonrpc: "2.0",
      method: "notifications/tools/list_changed",
      params: { _meta: { "io.modelcontextprotocol/subscriptionId": 7 } },
    });
  });

  it("takes ttlMs and cacheScope from the switches", () => {
    const server = new MockMcpServer({ ttlMs: 5, cacheScope: "private" });
    expect(ask(server, "tools/list", { _meta: META })).toMatchObject({
      result: { ttlMs: 5, cacheScope: "private" },
    });
  });
});

describe("a server of one era", () => {
  it("legacy: does not know server/discover and ignores the modern _meta", () => {
    const server = new MockMcpServer({ era: "legacy" });
    expect(ask(server, "server/discover", { _meta: META })).toMatchObject({
      error: { code: -32601 },
    });
    expect(ask(server, "tools/list", { _meta: META })).toEqual({
      jsonrpc: "2.0",
      id: 1,
      result: { tools: FIXTURE_TOOLS },
    });
  });

  it("modern: refuses initialize by naming what it supports, and messages without _meta", () => {
    const server = new MockMcpServer({ era: "modern" });
    expect(ask(server, "initialize", { protocolVersion: "2025-11-25" })).toMatchObject({
      error: { code: -32022, data: { supported: ["2026-07-28"] } },
    });
    expect(ask(server, "tools/list")).toMatchObject({ error: { code: -32602 } });
  });
});

describe("options that would make a test prove nothing", () => {
  it.each([
    ['{"drfit":"title"}', "expected a mock option, got `drfit`"],
    ['{"drift":"titel"}', 'expected a value of option drift, got `"titel"`'],
    ['{"after":-1}', "expected a value of option after, got `-1`"],
    ['{"pageSize":0}', "expected a value of option pageSize, got `0`"],
    ['{"tools":[{"name":"x"}]}', 'expected a value of option tools, got `[{"name":"x"}]`'],
    ["[]", "expected mock options as a JSON object"],
    ["{", "expected mock options as a JSON object"],
  ])("%s is refused", (text, message) => {
    expect(() => parseMockOptions(text)).toThrowError(
      expect.objectContaining({ code: "ARGUMENT_INVALID", message }),
    );
  });

  it("a target that is not offered and a drift that changes nothing are refused", () => {
    expect(() => new MockMcpServer({ drift: "title", target: "nope" })).toThrowError(
      expect.objectContaining({
        code: "ARGUMENT_INVALID",
        message: "expected the offer to hold the target `nope`",
      }),
    );
    expect(() => new MockMcpServer({ drift: "prompt" })).toThrowError(/the target a prompt/);
    const bare = { name: "bare", inputSchema: { type: "object" } };
    expect(() => new MockMcpServer({ tools: [bare], drift: "rename-parameter" })).toThrowError(
      /expected rename-parameter to change `bare`; choose another target or drift/,
    );
  });

  it("every drift changes every fixture tool that has parameters", () => {
    for (const drift of TOOL_DRIFTS) {
      for (const { name } of FIXTURE_TOOLS) {
        const server = new MockMcpServer({ drift, target: name });
        expect(server.handle('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')[0]).not.toContain(
          JSON.stringify(FIXTURE_TOOLS.find((tool) => tool.name === name)),
        );
      }
    }
  });
});
