// Stdio servers behind HTTP: real ones from npm and a mock that misbehaves, one child a connection.
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Client as ClientOfSdk2,
  StreamableHTTPClientTransport as HttpOfSdk2,
} from "@modelcontextprotocol/client";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpOfSdk1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterEach, describe, expect, it } from "vitest";
import { createGuardHandler, type GuardHandler } from "../../src/http/handler.ts";
import { childLinks } from "../../src/http/node-child-link.ts";
import type { HttpRecord } from "../../src/http/options.ts";
import { listStdioServer } from "../../src/proxy/stdio-list.ts";
import { FIXTURE_SERVER, type MockOptions } from "../../src/testing/index.ts";
import { readMockLog } from "../../src/testing/mock-log.ts";
import { mockCommand } from "../cli/process.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { catalogToml, trust } from "../proxy/rig.ts";
import { PINNED_NOW_MS, pinnedToml, trustNow } from "./pins.ts";
import { call, initialize, modernHeaders, modernRequest, reasonOf, TOKEN, TOKENS } from "./rig.ts";
import { serveHandler } from "./servers.ts";

const READ = "read_text_file";
const PARAMS = { name: READ, arguments: FIXTURE_ARGUMENTS.get(READ) };
const folders: string[] = [];
const guards: GuardHandler[] = [];

afterEach(() => {
  for (const guard of guards.splice(0)) guard.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function scratch(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-http-")));
  folders.push(folder);
  return folder;
}

class ChildRig {
  readonly guard: GuardHandler;
  readonly records: HttpRecord[] = [];
  readonly #logFile: string;

  private constructor(guard: GuardHandler, logFile: string, records: HttpRecord[]) {
    this.guard = guard;
    this.#logFile = logFile;
    this.records = records;
    guards.push(guard);
  }

  static async start(options: MockOptions = {}): Promise<ChildRig> {
    const folder = scratch();
    const logFile = join(folder, "log");
    const file = join(folder, "options.json");
    writeFileSync(logFile, "");
    writeFileSync(file, JSON.stringify({ ...FIXTURE_SERVER, ...options, logFile }));
    const records: HttpRecord[] = [];
    const guard = createGuardHandler({
      catalog: await trust(catalogToml({ command: mockCommand(file) })),
      auth: { tokens: TOKENS },
      clock: () => NOW_MS,
      startCommand: childLinks({ stderr: "ignore" }),
      onRecord: (record) => records.push(record),
    });
    return new ChildRig(guard, logFile, records);
  }

  get log(): ReturnType<typeof readMockLog> {
    return readMockLog(readFileSync(this.#logFile, "utf8"));
  }

  post(body: string | object, headers: Record<string, string> = {}): Promise<Response> {
    return this.guard(
      new Request("http://localhost/mcp/filesystem", {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: {
          authorization: `Bearer ${TOKEN}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
      }),
    );
  }

  modern(params: object, id: number | string = 1): Promise<Response> {
    const message = modernRequest("tools/call", params, { id });
    return this.post(message, modernHeaders(message));
  }

  async open(): Promise<string> {
    const response = await this.post(initialize());
    await response.text();
    const session = response.headers.get("mcp-session-id") ?? "";
    const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };
    expect((await this.post(initialized, { "mcp-session-id": session })).status).toBe(202);
    return session;
  }
}

describe("a child behind HTTP", () => {
  it("modern: one child serves many requests, also of one id at a time", async () => {
    const rig = await ChildRig.start();
    for (let id = 1; id <= 3; id++)
      expect(await reasonOf(await rig.modern(PARAMS, id))).toBe("allowed");
    expect([rig.log.starts, rig.log.listsReceived, rig.log.callsReceived]).toEqual([1, 1, 3]);
    const both = await Promise.all([rig.modern(PARAMS, "x"), rig.modern(PARAMS, "x")]);
    expect(await Promise.all(both.map(reasonOf))).toEqual(["allowed", "allowed"]);
    expect(rig.log.starts).toBe(2);
  });

  it("legacy: every session has a child of its own, which ends with it", async () => {
    const rig = await ChildRig.start();
    const [one, two] = [await rig.open(), await rig.open()];
    for (const session of [one, two]) {
      const response = await rig.post(call(1, READ, PARAMS.arguments), {
        "mcp-session-id": session,
      });
      expect(await reasonOf(response)).toBe("allowed");
    }
    expect(rig.log.starts).toBe(2);
    const headers = { authorization: `Bearer ${TOKEN}`, "mcp-session-id": one };
    const end = new Request("http://localhost/mcp/filesystem", { method: "DELETE", headers });
    expect((await rig.guard(end)).status).toBe(204);
    await expect.poll(() => rig.log.endings, { timeout: 20_000 }).toEqual(["eof"]);
  });

  it("nothing is started for a call that is refused by its name", async () => {
    const rig = await ChildRig.start();
    expect(await reasonOf(await rig.modern({ name: "export_secrets", arguments: {} }))).toBe(
      "tool_smuggle",
    );
    expect(rig.log.starts).toBe(0);
  });

  it("D11 a pretty-printed body whose inner line is a whole call is one line for the child", async () => {
    const rig = await ChildRig.start();
    const inner = JSON.stringify(call(666, "delete_file", { path: "/workspace/a.txt" }));
    const message = modernRequest("tools/call", PARAMS);
    const { _meta } = message.params;
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(READ)},\n"arguments":${JSON.stringify(PARAMS.arguments)},"_meta":${JSON.stringify(_meta).slice(0, -1)},"x":\n${inner}\r\n}}}`;
    const response = await rig.post(body, modernHeaders(message));
    expect(await reasonOf(response)).toBe("allowed");
    expect(rig.log.calls.map(({ name }) => name)).toEqual([READ]);
    const sent = rig.log.received.filter((line) => line.includes('"id":666'));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain(`"x": ${inner}`);
  });

  it("a child that dies answers what waits, and the next request gets another", async () => {
    const rig = await ChildRig.start({ exitAfterMessages: 6, exitCode: 7 });
    expect(await reasonOf(await rig.modern(PARAMS, 1))).toBe("allowed");
    const dying = await rig.modern(PARAMS, 2);
    expect([-32603, "allowed"]).toContain(await reasonOf(dying));
    await expect
      .poll(async () => await reasonOf(await rig.modern(PARAMS, 3)), { timeout: 20_000 })
      .toBe("allowed");
    expect(rig.log.starts).toBeGreaterThan(1);
  });

  it("a command that cannot be started refuses, and says so", async () => {
    const records: HttpRecord[] = [];
    const guard = createGuardHandler({
      catalog: await trust(catalogToml({ command: ["/nonexistent/server"] })),
      auth: "none",
      clock: () => NOW_MS,
      startCommand: childLinks(),
      onRecord: (record) => records.push(record),
    });
    guards.push(guard);
    const message = modernRequest("tools/call", PARAMS);
    const response = await guard(
      new Request("http://localhost/mcp/filesystem", {
        method: "POST",
        body: JSON.stringify(message),
        headers: {
          ...modernHeaders(message),
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
      }),
    );
    expect([-32603, "server_not_admitted"]).toContain(await reasonOf(response));
  });

  it("a server with a command is not served where nothing can start it", async () => {
    const guard = createGuardHandler({
      catalog: await trust(catalogToml({})),
      auth: "none",
      clock: () => NOW_MS,
    });
    guards.push(guard);
    const response = await guard(
      new Request("http://localhost/mcp/filesystem", {
        method: "POST",
        body: JSON.stringify(initialize()),
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
      }),
    );
    const { error } = await response.json();
    expect(error.message).toBe("server filesystem is not served here");
  });
});

describe("server-filesystem from npm behind HTTP", () => {
  const INFO = { name: "test-client", version: "1.0.0" };
  const HEADERS = { requestInit: { headers: { authorization: `Bearer ${TOKEN}` } } };
  const require = createRequire(import.meta.url);

  it("clients of both generations read, and may not write", async () => {
    const folder = scratch();
    writeFileSync(join(folder, "a.txt"), "the text of a.txt");
    const main = require.resolve("@modelcontextprotocol/server-filesystem/dist/index.js");
    const command = [process.execPath, main, folder];
    const manifest = await listStdioServer({ command });
    const toml = pinnedToml([manifest], {
      serverId: "files",
      reach: `command = ${JSON.stringify(command)}`,
      tools: {
        [READ]: 'scope = ["fs.read"]\neffect = "read"',
        write_file: 'scope = ["fs.write"]\neffect = "write"',
      },
      serverKeys: 'on_drift = "block-tool"',
    });
    const guard = createGuardHandler({
      catalog: await trustNow(toml),
      auth: { tokens: TOKENS },
      scopeCap: ["fs.read"],
      clock: () => PINNED_NOW_MS,
      startCommand: childLinks({ stderr: "ignore" }),
    });
    guards.push(guard);
    const url = new URL(`${await serveHandler(guard)}/mcp/files`);
    const sdk1 = new ClientOfSdk1(INFO);
    await sdk1.connect(new HttpOfSdk1(url, HEADERS));
    const sdk2 = new ClientOfSdk2(INFO, { versionNegotiation: { mode: "auto" } });
    await sdk2.connect(new HttpOfSdk2(url, HEADERS));
    for (const client of [sdk1, sdk2]) {
      const read = { name: READ, arguments: { path: join(folder, "a.txt") } };
      expect(await client.callTool(read)).toMatchObject({
        content: [{ text: "the text of a.txt" }],
      });
      const write = {
        name: "write_file",
        arguments: { path: join(folder, "b.txt"), content: "x" },
      };
      await expect(client.callTool(write)).rejects.toMatchObject({
        data: { reason: "scope_escalation" },
      });
      await client.close();
    }
  });
});
