// Real MCP clients take the mock for a normal server, over the in-memory transport.
import { Client as ClientOfSdk2 } from "@modelcontextprotocol/client";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { FIXTURE_SERVER, FIXTURE_TOOLS, MockMcpServer } from "../../src/testing/index.ts";

const INFO = { name: "test-client", version: "1.0.0" };
const NAMES = FIXTURE_TOOLS.map((tool) => tool.name);
const ECHO = { name: "echo", arguments: { message: "hi" } };

function sdk1(): ClientOfSdk1 {
  return new ClientOfSdk1(INFO);
}

function sdk2(mode?: "auto" | "modern"): ClientOfSdk2 {
  if (mode === undefined) return new ClientOfSdk2(INFO);
  const negotiation = mode === "auto" ? mode : { pin: "2026-07-28" };
  return new ClientOfSdk2(INFO, { versionNegotiation: { mode: negotiation } });
}

describe.each([
  ["SDK 1", sdk1, "legacy"],
  ["SDK 2", () => sdk2(), "legacy"],
  ["SDK 2 in auto mode", () => sdk2("auto"), "modern"],
  ["SDK 2 pinned to the modern revision", () => sdk2("modern"), "modern"],
] as const)("%s", (_, makeClient, era) => {
  it(`uses everything the ${era} server offers`, async () => {
    const server = new MockMcpServer({ ...FIXTURE_SERVER, callEcho: true, pageSize: 2 });
    const client = makeClient();
    await client.connect(server.transport());
    expect(client.getInstructions()).toBe(FIXTURE_SERVER.instructions);
    expect(client.getServerVersion()).toMatchObject({ name: "portcullis-mock" });

    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const listed = await client.listTools(cursor === undefined ? {} : { cursor });
      names.push(...listed.tools.map((tool) => tool.name));
      cursor = listed.nextCursor;
    } while (cursor !== undefined && names.length < NAMES.length);
    expect(names).toEqual(NAMES);

    const result = await client.callTool(ECHO);
    expect(result.content).toEqual([{ type: "text", text: '{"message":"hi"}' }]);
    const prompts = await client.listPrompts();
    expect(prompts.prompts.map((prompt) => prompt.name)).toEqual(["summarise"]);
    expect((await client.getPrompt({ name: "summarise" })).messages).toHaveLength(1);
    expect((await client.listResources()).resources).toHaveLength(1);
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(1);
    const read = await client.readResource({ uri: "file:///workspace/README.md" });
    expect(read.contents).toHaveLength(1);

    const spoken = server.count("server/discover") > 0 ? "modern" : "legacy";
    expect(spoken).toBe(era);
    expect(server.count("initialize")).toBe(era === "legacy" ? 1 : 0);
    expect(server.calls).toEqual([ECHO]);
    await client.close();
  });

  it("does not mind split chunks, CRLF and joined messages", async () => {
    for (const chunks of ["split", "joined"] as const) {
      const server = new MockMcpServer({ chunks, lineEnd: "crlf" });
      const client = makeClient();
      await client.connect(server.transport());
      const listed = await client.listTools();
      expect(listed.tools.map((tool) => tool.description)).toEqual(
        FIXTURE_TOOLS.map((tool) => tool["description"]),
      );
      // pipelined: the halves of two answers must not mix
      const results = await Promise.all([1, 2, 3].map(() => client.callTool(ECHO)));
      expect(results).toHaveLength(3);
      await client.close();
    }
  });
});

describe("eras of one", () => {
  it("SDK 2 in auto mode falls back to a legacy server", async () => {
    const server = new MockMcpServer({ era: "legacy" });
    const client = sdk2("auto");
    await client.connect(server.transport());
    expect((await client.listTools()).tools).toHaveLength(FIXTURE_TOOLS.length);
    expect([server.count("server/discover"), server.count("initialize")]).toEqual([1, 1]);
    await client.close();
  });

  it("SDK 1 cannot connect to a modern server", async () => {
    const client = sdk1();
    const server = new MockMcpServer({ era: "modern" });
    await expect(client.connect(server.transport())).rejects.toThrowError(/-32022/);
  });
});

describe("the transport", () => {
  it("carries a request of the server to the client and its answer back", async () => {
    const server = new MockMcpServer({ serverRequest: "elicitation/create" });
    const client = new ClientOfSdk1(INFO, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({
      action: "accept",
      content: { approve: true },
    }));
    await client.connect(server.transport());
    await client.callTool(ECHO);
    await expect
      .poll(() => server.received.map((line) => JSON.parse(line)).at(-1))
      .toMatchObject({ id: "mock-1", result: { action: "accept", content: { approve: true } } });
    await client.close();
  });

  it("reports progress and waits for slow answers without holding up others", async () => {
    const server = new MockMcpServer({ progress: 2, callDelayMs: 60 });
    const client = sdk1();
    await client.connect(server.transport());
    const steps: number[] = [];
    const order: string[] = [];
    await Promise.all([
      client
        .callTool(ECHO, undefined, { onprogress: ({ progress }) => steps.push(progress) })
        .then(() => order.push("call")),
      client.ping().then(() => order.push("ping")),
    ]);
    expect(order).toEqual(["ping", "call"]);
    expect(steps).toEqual([1, 2]);
    await client.close();
  });

  it("drives the modern input_required exchange", async () => {
    const server = new MockMcpServer({ inputRequired: "elicitation/create" });
    const client = new ClientOfSdk2(INFO, {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation: { mode: "auto" },
    });
    client.setRequestHandler("elicitation/create", () => ({
      action: "accept",
      content: { approve: true },
    }));
    await client.connect(server.transport());
    const result = await client.callTool(ECHO);
    expect(result.content).toEqual([{ type: "text", text: "echo is done" }]);
    expect(server.callsReceived).toBe(2);
    await client.close();
  });

  it("reports unparsable lines, shows raw lines, and refuses to send after close", async () => {
    const server = new MockMcpServer({ unparsable: "line" });
    const transport = server.transport();
    const errors: Error[] = [];
    const lines: Uint8Array[] = [];
    const messages: unknown[] = [];
    let closes = 0;
    transport.onerror = (error) => errors.push(error);
    transport.online = (line) => lines.push(line);
    transport.onmessage = (message) => messages.push(message);
    transport.onclose = () => closes++;
    await transport.start();
    transport.sendLine('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}');
    await expect.poll(() => messages.length).toBe(1);
    expect(errors.map((error) => error.message)).toEqual([
      "the mock server sent a line that is no JSON",
    ]);
    expect(lines).toHaveLength(2);
    await transport.close();
    await transport.close();
    expect(closes).toBe(1);
    await expect(transport.send({})).rejects.toThrowError("the mock connection is closed");
    expect(server.received).toHaveLength(1);
  });

  it("closes after the nth message, as a server that dies does", async () => {
    const server = new MockMcpServer({ exitAfterMessages: 3, exitCode: 7 });
    const client = sdk1();
    await client.connect(server.transport());
    expect(server.exitCode).toBeUndefined();
    const closed = new Promise<void>((resolve) => {
      client.onclose = resolve;
    });
    await client.ping();
    await closed;
    expect(server.exitCode).toBe(7);
  });
});
