// The server of P10's streams: one tool that answers when it is told to, on SDK 2. Prints its port.
// `/held` says how many calls wait, `/release` answers them all.
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { createNodeServer } from "../esm/http/node-server.js";

/** Connections that wait to be taken: more than come at once. */
const BACKLOG = 4_096;

const held = new Map<number, () => void>();

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "bench", version: "1.0.0" });
  const inputSchema = z.object({ number: z.number() });
  server.registerTool(
    "hold",
    { description: "Answers later", inputSchema },
    async ({ number }, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken ?? "none";
      const params = { progressToken, progress: 1 };
      await mcpReq.notify({ method: "notifications/progress", params });
      await new Promise<void>((resolve) => held.set(number, resolve));
      return { content: [{ type: "text", text: `held ${number}` }] };
    },
  );
  return server;
});

function releaseAll(): number {
  const { size } = held;
  for (const release of held.values()) release();
  held.clear();
  return size;
}

const server = createNodeServer(async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/held") return Response.json(held.size);
  return pathname === "/release" ? Response.json(releaseAll()) : await handler.fetch(request);
});
server.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG }, () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  process.stdout.write(`${port}\n`);
});
