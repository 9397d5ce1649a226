// Messages that the modern revision does not have, or that say two things of their revision: answered as
// that revision says, and never sent on.
import { describe, expect, it } from "vitest";
import { METHODS } from "../../src/proxy/methods.ts";
import { answerOf, HttpRig, MODERN, modernHeaders, modernRequest } from "./rig.ts";

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
