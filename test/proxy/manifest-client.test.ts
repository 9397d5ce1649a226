// Listing a server for its pins: both eras, every page, raw bytes, and servers that do not settle.
import { describe, expect, it } from "vitest";
import { utf8Text } from "../../src/bytes.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { LineSplitter } from "../../src/proxy/framing.ts";
import { type ListServerOptions, listServer } from "../../src/proxy/manifest-client.ts";
import {
  FIXTURE_SERVER,
  FIXTURE_TOOLS,
  MockMcpServer,
  type MockOptions,
} from "../../src/testing/index.ts";
import { expectRejection } from "../fixtures/trust.ts";

const FAST: ListServerOptions = { settleMs: 0, timeoutMs: 50 };

function list(options: MockOptions, more: ListServerOptions = {}) {
  const mock = new MockMcpServer(options);
  const splitter = new LineSplitter(1 << 20);
  let onLine: Parameters<Parameters<typeof listServer>[0]["onLine"]>[0] | undefined;
  let onEnd: ((detail: string) => void) | undefined;
  const manifest = listServer(
    {
      send: (frame) =>
        queueMicrotask(() => {
          const outputs = mock.respond(frame.slice(0, -1));
          for (const chunk of outputs.flatMap((output) => output.chunks)) {
            for (const line of splitter.push(chunk)) onLine?.(line);
          }
          if (mock.exitCode !== undefined) onEnd?.("the server has ended");
        }),
      onLine: (listener) => {
        onLine = listener;
      },
      onEnd: (listener) => {
        onEnd = listener;
      },
    },
    { ...FAST, ...more },
  );
  return { mock, manifest };
}

describe("listServer", () => {
  it("gives every kind with the raw text of each definition, page by page", async () => {
    const raw = '{ "inputSchema":{"type":"object"}, "name":"raw", "n":1.0 }';
    const options: MockOptions = { ...FIXTURE_SERVER, rawTools: [raw], pageSize: 2 };
    const manifest = await list(options).manifest;
    expect(manifest).toMatchObject({
      era: "legacy",
      protocolVersion: "2025-11-25",
      instructions: FIXTURE_SERVER.instructions,
      serverInfo: '{"name":"portcullis-mock","version":"1.0.0"}',
    });
    expect(JSON.parse(manifest.capabilities ?? "")).toHaveProperty("tools");
    const texts = manifest.tools.map(({ text }) => utf8Text(text));
    expect(texts).toEqual([...FIXTURE_TOOLS.map((tool) => JSON.stringify(tool)), raw]);
    expect(manifest.tools.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(manifest.tools.at(-1)?.fingerprint).toBe(fingerprintTool(raw));
    const { prompts, resources, resourceTemplates } = manifest;
    expect([prompts, resources, resourceTemplates].map((items) => items.length)).toEqual([1, 1, 1]);
  });

  it("asks a modern-only server with discover and _meta", async () => {
    const { mock, manifest } = list({ ...FIXTURE_SERVER, era: "modern" });
    expect(await manifest).toMatchObject({ era: "modern", protocolVersion: "2026-07-28" });
    expect((await manifest).tools).toHaveLength(FIXTURE_TOOLS.length);
    expect((await manifest).serverInfo).toContain("portcullis-mock");
    expect(mock.count("notifications/initialized")).toBe(0);
    expect(mock.received.at(-1)).toContain("io.modelcontextprotocol/clientCapabilities");
  });

  it("can be told which era to pin", async () => {
    expect(await list(FIXTURE_SERVER, { era: "modern" }).manifest).toMatchObject({ era: "modern" });
    const { manifest } = list({ ...FIXTURE_SERVER, era: "modern" }, { era: "legacy" });
    const error = await expectRejection(manifest, "SERVER_PROTOCOL");
    expect(error.message).toBe("the server refused initialize");
  });

  it("keeps the place of a definition that cannot be pinned, with the reason", async () => {
    const { manifest } = list({ ...FIXTURE_SERVER, malform: "duplicate-nested-member" });
    const [first, second] = (await manifest).tools;
    expect(first).toMatchObject({
      name: "read_text_file",
      fingerprint: undefined,
      error: "expected every member name once, got a duplicate",
    });
    expect(second?.fingerprint).toBe(fingerprintTool(FIXTURE_TOOLS[1] ?? {}));
  });

  it("lists again when the server says that its list has changed, nine times at most", async () => {
    const once = list({ ...FIXTURE_SERVER, listChanged: 3, on: "tools/list" });
    await once.manifest;
    expect(once.mock.listsReceived).toBe(2);
    const never = list({ ...FIXTURE_SERVER, listChanged: 1, on: "tools/list", times: 1000 });
    const error = await expectRejection(never.manifest, "SERVER_PROTOCOL");
    expect(error.message).toContain("settle");
    expect(never.mock.listsReceived).toBe(9);
  });

  it.each([
    [{ list: "unanswered" }, "SERVER_PROTOCOL", "did not answer a listing in time"],
    [{ list: "refused" }, "SERVER_PROTOCOL", "answered a listing with an error"],
    [{ cursors: "endless" }, "SERVER_PROTOCOL", "expected at most 1000 pages"],
    [{ cursors: "repeated" }, "SERVER_PROTOCOL", "expected a new cursor"],
    [{ exitAfterMessages: 3 }, "SERVER_START", "the server has ended"],
    [{ unparsable: "answer", on: "initialize" }, "SERVER_PROTOCOL", "initialize"],
    [{ giantAnswerBytes: 1 << 21, on: "tools/list" }, "SERVER_PROTOCOL", "within the limit"],
  ] as const)("a server with %j is a fault", async (switches, code, message) => {
    const { manifest } = list({ ...FIXTURE_SERVER, ...switches });
    const error = await expectRejection(manifest, code);
    expect(error.message).toContain(message);
  });

  it("a thousand pages are taken", async () => {
    const { mock, manifest } = list({ fillerTools: 995, pageSize: 1 }, { timeoutMs: 30_000 });
    expect((await manifest).tools).toHaveLength(1_000);
    expect(mock.listsReceived).toBe(1_000);
  });

  it("a thousand and one are refused", async () => {
    const { manifest } = list({ fillerTools: 996, pageSize: 1 }, { timeoutMs: 30_000 });
    const error = await expectRejection(manifest, "SERVER_PROTOCOL");
    expect(error.message).toBe("expected at most 1000 pages, got a cursor for another");
  });
});
