// Clients of both SDK generations against real servers of both, with the guard between them as a Node
// server: what an agent's host and a server's author have.
import { Client as ClientOfSdk2 } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport as HttpOfSdk2 } from "@modelcontextprotocol/client";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpOfSdk1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { describe, expect, it } from "vitest";
import { createGuardHandler } from "../../src/http/handler.ts";
import type { HttpRecord } from "../../src/http/options.ts";
import { manifestsOf, PINNED_NOW_MS, pinnedToml, trustNow } from "./pins.ts";
import { TOKEN, TOKENS } from "./rig.ts";
import { type RunningServer, serveHandler, startServer1, startServer2 } from "./servers.ts";

const INFO = { name: "test-client", version: "1.0.0" };
const READ = 'scope = ["fs.read"]\neffect = "read"';

interface AnyClient {
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  close(): Promise<void>;
}

type Connect = (url: URL, onProgress: (progress: number) => void) => Promise<TestClient>;

interface TestClient {
  readonly names: () => Promise<string[]>;
  readonly call: (name: string, args: Record<string, unknown>) => Promise<unknown>;
  readonly count: (to: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

const HEADERS = { requestInit: { headers: { authorization: `Bearer ${TOKEN}` } } };

function plain(client: AnyClient): Omit<TestClient, "count"> {
  return {
    names: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name, args) => client.callTool({ name, arguments: args }),
    close: () => client.close(),
  };
}

const sdk1: Connect = async (url, onProgress) => {
  const client = new ClientOfSdk1(INFO);
  await client.connect(new HttpOfSdk1(url, HEADERS));
  const options = { onprogress: ({ progress }: { progress: number }) => onProgress(progress) };
  const params = (to: number) => ({ name: "count", arguments: { to } });
  return { ...plain(client), count: (to) => client.callTool(params(to), undefined, options) };
};

const sdk2 =
  (mode: "legacy" | "auto" | { readonly pin: string }): Connect =>
  async (url, onProgress) => {
    const client = new ClientOfSdk2(INFO, { versionNegotiation: { mode } });
    await client.connect(new HttpOfSdk2(url, HEADERS));
    const options = { onprogress: ({ progress }: { progress: number }) => onProgress(progress) };
    const params = (to: number) => ({ name: "count", arguments: { to } });
    return { ...plain(client), count: (to) => client.callTool(params(to), options) };
  };

const SERVERS: readonly (readonly [string, () => Promise<RunningServer>])[] = [
  ["a server of SDK 1", startServer1],
  ["a server of SDK 2", startServer2],
];
const CLIENTS: readonly (readonly [string, Connect])[] = [
  ["SDK 1", sdk1],
  ["SDK 2 legacy", sdk2("legacy")],
  ["SDK 2 auto", sdk2("auto")],
];

async function guardOf(server: RunningServer): Promise<{ url: URL; records: HttpRecord[] }> {
  const manifests = await manifestsOf(server.url);
  server.calls.names.length = 0;
  const catalog = await trustNow(
    pinnedToml(manifests, {
      serverId: "real",
      reach: `url = ${JSON.stringify(server.url)}`,
      tools: { add: READ, count: READ },
      serverKeys: 'on_drift = "block-tool"',
    }),
  );
  const records: HttpRecord[] = [];
  const guard = createGuardHandler({
    catalog,
    auth: { tokens: TOKENS },
    clock: () => PINNED_NOW_MS,
    onRecord: (record) => records.push(record),
  });
  return { url: new URL(`${await serveHandler(guard)}/mcp/real`), records };
}

async function expectGuarded(server: RunningServer, connect: Connect): Promise<void> {
  const { url, records } = await guardOf(server);
  const progress: number[] = [];
  const client = await connect(url, (step) => progress.push(step));
  expect(await client.names()).toEqual(["add", "count"]);
  expect(await client.call("add", { a: 2, b: 3 })).toMatchObject({
    content: [{ type: "text", text: "5" }],
  });
  expect(await client.count(3)).toMatchObject({ content: [{ text: "counted to 3" }] });
  expect(progress).toEqual([1, 2, 3]);
  const refused = await client.call("remove", { path: "/a" }).then(
    () => "answered",
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ code: 4403, data: { reason: "tool_smuggle" } });
  expect(server.calls.names).toEqual(["add", "count"]);
  expect(records.filter(({ reason }) => reason === "tool_smuggle")).not.toEqual([]);
  expect(server.calls.authorizations.filter((value) => value !== undefined)).toEqual([]);
  await client.close();
}

describe.each(CLIENTS)("a client of %s", (_client, connect) => {
  it.each(SERVERS)("%s: what is pinned passes, the rest is refused", async (_server, start) => {
    await expectGuarded(await start(), connect);
  });
});

describe("a client of the modern era alone", () => {
  it("what is pinned passes, the rest is refused", async () => {
    await expectGuarded(await startServer2(), sdk2({ pin: "2026-07-28" }));
  });
});
