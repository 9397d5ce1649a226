// Messages that the modern revision does not have, or that say two things of their revision: answered as
// that revision says, and never sent on.
import { describe, expect, it } from "vitest";
import { utf8Text } from "../../src/bytes.ts";
import { LIMIT_CAPABILITIES_BYTES } from "../../src/http/limits.ts";
import { METHODS } from "../../src/proxy/methods.ts";
import { answerOf, HttpRig, MODERN, modernHeaders, modernRequest, reasonOf } from "./rig.ts";

const REMOVED = [...METHODS]
  .filter(([, { until }]) => until !== MODERN)
  .map(([method]) => method)
  .filter((method) => !method.startsWith("notifications/"));

describe("a method that the modern revision has given up", () => {
  it("is one of a known set", () => {
    expect(REMOVED.sort()).toEqual([
      "initialize",
      "logging/setLevel",
      "ping",
      "resources/subscribe",
      "resources/unsubscribe",
      "tasks/list",
      "tasks/result",
    ]);
  });

  it.each(REMOVED)("%s is not found, whatever its parameters are", async (method) => {
    const rig = await HttpRig.start({
      allow: ["tools", "prompts", "resources", "logging", "tasks"],
    });
    const headers = { "mcp-protocol-version": MODERN, "mcp-method": method };
    for (const params of [{}, { uri: "file:///workspace/README.md", taskId: "1" }]) {
      const response = await rig.post(modernRequest(method, params, { id: 7 }), { headers });
      expect(response.status).toBe(404);
      expect(await answerOf(response)).toMatchObject({ id: 7, error: { code: -32601 } });
    }
    expect(rig.upstream.seen).toEqual([]);
    expect(rig.reasons()).toEqual(["feature_denied", "feature_denied"]);
  });

  it("is a method like any other in the legacy era", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    const response = await rig.post({ jsonrpc: "2.0", id: 2, method: "ping" }, { session });
    expect(response.status).toBe(200);
    expect(rig.upstream.bodies("ping")).toHaveLength(1);
  });
});

describe("a version in the header that is not the one in the body", () => {
  const request = modernRequest("tools/list", {});
  const unknown = JSON.stringify(request).replace(`"${MODERN}"`, '"v999"');

  it.each([
    ["an unknown one in the body", unknown, MODERN, -32020],
    ["an unknown one in the header", request, "v999", -32020],
    ["the same unknown one in both", unknown, "v999", -32022],
  ])("%s", async (_what, message, version, code) => {
    const rig = await HttpRig.start();
    const headers = { ...modernHeaders(request), "mcp-protocol-version": version };
    const response = await rig.post(message, { headers });
    expect(response.status).toBe(400);
    expect((await answerOf(response)).error?.code).toBe(code);
    expect(rig.upstream.seen).toEqual([]);
    expect(rig.reasons()).toEqual(["malformed_message"]);
  });
});

describe("D8 headers that repeat what was not judged", () => {
  const secret = "not-for-the-server";

  it("the guard's own listing repeats nothing of the call that waits for it", async () => {
    const rig = await HttpRig.start();
    const message = modernRequest("tools/call", {
      name: "read_text_file",
      arguments: { q: secret },
    });
    const headers = { ...modernHeaders(message), "mcp-param-q": secret };
    expect(await reasonOf(await rig.post(message, { headers }))).toBe("argument_denied");
    expect(rig.upstream.bodies("tools/list").length).toBeGreaterThan(0);
    for (const { headers: sent, body } of rig.upstream.seen) {
      expect(utf8Text(body)).toContain(`"method":"${sent.get("mcp-method")}"`);
      expect([...sent].flat()).not.toContain(secret);
      expect(sent.get("mcp-name")).toBeNull();
    }
    expect(rig.callsReceived).toBe(0);
    expect(rig.reasons()).toEqual(["argument_denied"]);
  });

  it.each([
    "tools/list",
    "prompts/get",
    "notifications/cancelled",
  ])("a message without such an argument takes no Mcp-Param along: %s", async (method) => {
    const rig = await HttpRig.start({ allow: ["tools", "prompts"] });
    const request = modernRequest(method, { name: "summarise", requestId: 1 });
    const { id: _, ...notification } = request;
    const message = method.startsWith("notifications/") ? notification : request;
    const { "mcp-name": name, ...right } = modernHeaders(request);
    const named = method === "prompts/get" && name !== undefined ? { "mcp-name": name } : {};
    const headers = { ...right, ...named, "mcp-param-q": secret };
    const response = await rig.post(message, { headers });
    expect([response.status, (await answerOf(response)).error?.code]).toEqual([400, -32020]);
    expect(rig.upstream.seen).toEqual([]);
    expect(rig.reasons()).toEqual(["malformed_message"]);
  });
});

describe("client capabilities", () => {
  it("at the limit pass, one byte more are refused and kept by no connection", async () => {
    const rig = await HttpRig.start();
    const sizeOf = (pad: string): number => JSON.stringify({ x: pad }).length;
    const pad = "x".repeat(LIMIT_CAPABILITIES_BYTES - sizeOf(""));
    const most = await rig.modern("tools/list", {}, { capabilities: { x: pad } });
    expect(await reasonOf(most)).toBe("allowed");
    const seen = rig.upstream.seen.length;
    const more = await rig.modern("tools/list", {}, { capabilities: { x: `${pad}x` } });
    expect([more.status, (await answerOf(more)).error?.code]).toEqual([400, -32602]);
    expect(rig.upstream.seen).toHaveLength(seen);
    expect(rig.reasons()).toEqual(["malformed_message"]);
  });
});
