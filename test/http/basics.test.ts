// Both eras through the guard: what passes, what the server gets, and that the guard lists once.
import { describe, expect, it } from "vitest";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { answerOf, call, HttpRig, messagesOf, reasonOf, TOKEN } from "./rig.ts";

const TOOL = "read_text_file";
const ARGS = FIXTURE_ARGUMENTS.get(TOOL) ?? {};

describe("the modern era", () => {
  it("an allowed call reaches the server and its answer the client", async () => {
    const rig = await HttpRig.start();
    const response = await rig.modern("tools/call", { name: TOOL, arguments: ARGS });
    expect(response.status).toBe(200);
    expect(await reasonOf(response)).toBe("allowed");
    expect(rig.callsReceived).toBe(1);
  });

  it("many requests cause one listing", async () => {
    const rig = await HttpRig.start();
    for (let id = 1; id <= 5; id++) {
      const params = { name: TOOL, arguments: ARGS };
      expect(await reasonOf(await rig.modern("tools/call", params, { id }))).toBe("allowed");
    }
    expect(rig.upstream.bodies("tools/list")).toHaveLength(1);
    expect(rig.callsReceived).toBe(5);
  });

  it("the server gets the bytes that were judged, and none of the client's secrets", async () => {
    const rig = await HttpRig.start();
    const body = `{ "jsonrpc":"2.0",\n "id": 7, "method" : "tools/call", "params":{"name":"${TOOL}",
      "arguments":${JSON.stringify(ARGS)},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}} }\n`;
    const response = await rig.post(body, {
      headers: {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": TOOL,
        cookie: "secret=1",
        "x-custom": "1",
      },
    });
    expect(await reasonOf(response)).toBe("allowed");
    const sent = rig.upstream.seen.find(
      ({ headers }) => headers.get("mcp-method") === "tools/call",
    );
    expect(new TextDecoder().decode(sent?.body)).toBe(body);
    const names = [...(sent?.headers.keys() ?? [])].sort();
    expect(names).toEqual([
      "accept",
      "accept-encoding",
      "content-type",
      "mcp-method",
      "mcp-name",
      "mcp-protocol-version",
    ]);
    for (const { headers } of rig.upstream.seen) {
      expect(JSON.stringify([...headers])).not.toContain(TOKEN);
    }
  });

  it("refused items are cut out of a listing", async () => {
    const rig = await HttpRig.start(
      { onDrift: "block-tool" },
      {},
      { ...FIXTURE_SERVER, smuggle: "last" },
    );
    const { result } = await answerOf(await rig.modern("tools/list"));
    const names = (result?.["tools"] as { name: string }[]).map(({ name }) => name);
    expect(names).toContain(TOOL);
    expect(names).not.toContain("export_secrets");
  });
});

describe("the legacy era", () => {
  it("a session is opened, used and ended", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    expect(session).toMatch(/^[0-9a-f-]{36}$/);
    const response = await rig.post(call(1, TOOL, ARGS), { session });
    expect(await reasonOf(response)).toBe("allowed");
    expect(await reasonOf(await rig.post(call(2, TOOL, ARGS), { session }))).toBe("allowed");
    expect(rig.upstream.bodies("tools/list")).toHaveLength(1);
    expect(rig.callsReceived).toBe(2);
  });

  it("answers of the server may come as events", async () => {
    const rig = await HttpRig.start();
    rig.upstream.form = "sse";
    const session = await rig.open();
    const response = await rig.post(call(1, TOOL, ARGS), { session });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect((await messagesOf(response)).map(({ id }) => id)).toEqual([1]);
  });
});
