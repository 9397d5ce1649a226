// Real MCP servers over HTTP, for real clients: SDK 2 in both eras, SDK 1 with sessions; and the guard in
// front of them as a Node server.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { randomUUID } from "node:crypto";
import { McpServer as McpServer1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";
import { createMcpHandler, McpServer as McpServer2 } from "@modelcontextprotocol/server";
import { afterEach } from "vitest";
import { z } from "zod";
import { createNodeServer, type RequestHandler } from "../../src/http/node-server.ts";

/** What a server has really been asked. */
export interface Calls {
  readonly names: string[];
  /** The `authorization` header of every request. */
  readonly authorizations: (string | undefined)[];
  /** What the tool `add` of SDK 2 says of itself from now on. */
  description: string;
}

const DESCRIPTION = "Adds two numbers";

export interface RunningServer {
  readonly url: string;
  readonly calls: Calls;
}

const running: Server[] = [];

afterEach(() => stopServers());

/** Ends every server of this test. */
export async function stopServers(): Promise<void> {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Connections that wait to be taken: more than any test opens at once. */
const BACKLOG = 4_096;

/** Listens on a free port of this machine. */
export async function listen(server: Server): Promise<string> {
  running.push(server);
  const where = { port: 0, host: "127.0.0.1", backlog: BACKLOG };
  await new Promise<void>((resolve) => server.listen(where, resolve));
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

export function serveHandler(handler: RequestHandler): Promise<string> {
  return listen(createNodeServer(handler));
}

/** SDK 2: modern, and legacy without sessions. */
export async function startServer2(): Promise<RunningServer> {
  const calls: Calls = { names: [], authorizations: [], description: DESCRIPTION };
  const handler = createMcpHandler(() => {
    const server = new McpServer2({ name: "fixture-2", version: "1.0.0" });
    server.registerTool(
      "add",
      { description: calls.description, inputSchema: z.object({ a: z.number(), b: z.number() }) },
      ({ a, b }) => {
        calls.names.push("add");
        return { content: [{ type: "text", text: String(a + b) }] };
      },
    );
    server.registerTool(
      "remove",
      { description: "Removes a file", inputSchema: z.object({ path: z.string() }) },
      ({ path }) => {
        calls.names.push("remove");
        return { content: [{ type: "text", text: `removed ${path}` }] };
      },
    );
    server.registerTool(
      "count",
      { description: "Counts with progress", inputSchema: z.object({ to: z.number() }) },
      async ({ to }, context) => {
        calls.names.push("count");
        const progressToken = context.mcpReq._meta?.progressToken;
        for (let progress = 1; progress <= to && progressToken !== undefined; progress++) {
          const params = { progressToken, progress, total: to };
          await context.mcpReq.notify({ method: "notifications/progress", params });
        }
        return { content: [{ type: "text", text: `counted to ${to}` }] };
      },
    );
    return server;
  });
  const url = await serveHandler((request) => {
    calls.authorizations.push(request.headers.get("authorization") ?? undefined);
    return handler.fetch(request);
  });
  return { url: `${url}/mcp`, calls };
}

/** SDK 1: legacy, with sessions of its own. */
export async function startServer1(): Promise<RunningServer> {
  const calls: Calls = { names: [], authorizations: [], description: DESCRIPTION };
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const server = createServer(async (request, response) => {
    calls.authorizations.push(request.headers.authorization);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const id = request.headers["mcp-session-id"];
    let transport = typeof id === "string" ? sessions.get(id) : undefined;
    if (transport === undefined && isInitializeRequest(body)) {
      const made = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => void sessions.set(session, made),
      });
      await makeServer1(calls).connect(made);
      transport = made;
    }
    if (transport === undefined) {
      response.writeHead(404).end();
      return;
    }
    await transport.handleRequest(request, response, body);
  });
  const url = await listen(server);
  return { url: `${url}/mcp`, calls };
}

function makeServer1(calls: Calls): McpServer1 {
  const server = new McpServer1({ name: "fixture-1", version: "1.0.0" });
  server.registerTool(
    "add",
    { description: "Adds two numbers", inputSchema: { a: z.number(), b: z.number() } },
    ({ a, b }) => {
      calls.names.push("add");
      return { content: [{ type: "text", text: String(a + b) }] };
    },
  );
  server.registerTool(
    "remove",
    { description: "Removes a file", inputSchema: { path: z.string() } },
    ({ path }) => {
      calls.names.push("remove");
      return { content: [{ type: "text", text: `removed ${path}` }] };
    },
  );
  server.registerTool(
    "count",
    { description: "Counts with progress", inputSchema: { to: z.number() } },
    async ({ to }, { _meta, sendNotification }) => {
      calls.names.push("count");
      const progressToken = _meta?.progressToken;
      for (let progress = 1; progress <= to && progressToken !== undefined; progress++) {
        const params = { progressToken, progress, total: to };
        await sendNotification({ method: "notifications/progress", params });
      }
      return { content: [{ type: "text", text: `counted to ${to}` }] };
    },
  );
  return server;
}
