// The server of P10: one tool, on SDK 2, both protocol eras. Prints its port.
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { createNodeServer } from "../esm/http/node-server.js";

// WHY: without it a list of the modern era is out of date at once, and the guard asks for it before each
// call
const cacheHints = { "tools/list": { ttlMs: 600_000, cacheScope: "private" } } as const;
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "bench", version: "1.0.0" }, { cacheHints });
  const inputSchema = z.object({ a: z.number(), b: z.number() });
  server.registerTool("add", { description: "Adds two numbers", inputSchema }, ({ a, b }) => ({
    content: [{ type: "text", text: String(a + b) }],
  }));
  return server;
});

const server = createNodeServer((request) => handler.fetch(request));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  process.stdout.write(`${port}\n`);
});
