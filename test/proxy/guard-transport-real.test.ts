// Real servers behind a guarded transport: over stdio and over HTTP, with the clients of both SDKs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  Client as ClientOfSdk2,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioOfSdk2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioOfSdk1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { guardTransport } from "../../src/proxy/guard-transport.ts";
import { listStdioServer } from "../../src/proxy/stdio-list.ts";
import { catalogOf } from "../fixtures/catalog.ts";
import { NOW_MS, rootSettings, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { scratch, useGuardProcess } from "./guard-process.ts";

useGuardProcess();

const require = createRequire(import.meta.url);
const INFO = { name: "test-client", version: "1.0.0" };
const FILESYSTEM = require.resolve("@modelcontextprotocol/server-filesystem/dist/index.js");
const clock = (): number => NOW_MS;

/** A guard over tools that were seen, all of them reads. */
async function guardOf(
  tools: readonly { name?: string | undefined; fingerprint?: string | undefined }[],
) {
  const tables = tools.map(
    ({ name, fingerprint }) => `[servers.real.tools.${JSON.stringify(name)}]
fingerprint = "${fingerprint}"
scope = ["fs.read"]
effect = "read"
`,
  );
  const text = `[servers.real]
command = ["node"]
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
allow = ["tools", "prompts", "resources", "logging"]
${tables.join("")}`;
  const envelope = signedCatalog(Buffer.from(catalogOf(text)).toString("utf8"));
  const catalog = await TrustedCatalog.open({
    ...{ envelope, root: signedRoot(rootSettings()), clock },
  });
  return ScopeGuard.fromCatalog(catalog, { clock });
}

describe("server-filesystem over stdio", () => {
  const CLIENTS = [
    ["SDK 1.32", () => new ClientOfSdk1(INFO), StdioOfSdk1],
    ["SDK 2.4", () => new ClientOfSdk2(INFO), StdioOfSdk2],
    [
      "SDK 2.4 in auto mode",
      () => new ClientOfSdk2(INFO, { versionNegotiation: { mode: "auto" } }),
      StdioOfSdk2,
    ],
  ] as const;

  it.each(CLIENTS)("%s: one process, which is probed through the guard", async (_, make, Stdio) => {
    const folder = join(scratch(), "workspace");
    mkdirSync(folder);
    writeFileSync(join(folder, "a.txt"), "the text of a.txt");
    const starts = join(scratch(), "starts");
    const main = join(scratch(), "main.mjs");
    writeFileSync(starts, "");
    writeFileSync(
      main,
      `import { appendFileSync } from "node:fs";
appendFileSync(${JSON.stringify(starts)}, "started\\n");
await import(${JSON.stringify(FILESYSTEM)});`,
    );
    const manifest = await listStdioServer({ command: [process.execPath, main, folder] });
    writeFileSync(starts, "");
    const decisions: string[] = [];
    const inner = new Stdio({ command: process.execPath, args: [main, folder], stderr: "pipe" });
    const transport = guardTransport(inner, {
      guard: await guardOf(manifest.tools),
      serverId: "real",
      onDecision: ({ reason }, { method, tool }) => {
        if (method === "tools/call") decisions.push(`${tool} ${reason}`);
      },
    });
    expect(transport.stderr).toBe(inner.stderr);
    const client = make();
    await client.connect(transport);
    expect(transport.pid).toBe(inner.pid);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(manifest.tools.map(({ name }) => name));
    const call = { name: "read_text_file", arguments: { path: join(folder, "a.txt") } };
    expect(JSON.stringify(await client.callTool(call))).toContain("the text of a.txt");
    const refused = client.callTool({ name: "export_secrets", arguments: {} });
    await expect(refused).rejects.toMatchObject({ code: 4403 });
    expect(decisions).toEqual(["read_text_file allowed", "export_secrets tool_smuggle"]);
    expect(readFileSync(starts, "utf8")).toBe("started\n");
    await client.close();
  });
});

describe("a server of SDK 2 over HTTP", () => {
  function makeServer() {
    const calls: string[] = [];
    let aborted = 0;
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: "fixture", version: "1.0.0" });
      const inputSchema = z.object({ to: z.number() });
      server.registerTool(
        "count",
        { description: "Counts", inputSchema },
        async ({ to }, context) => {
          calls.push("count");
          const progressToken = context.mcpReq._meta?.progressToken;
          for (let progress = 1; progress <= to && progressToken !== undefined; progress++) {
            const params = { progressToken, progress, total: to };
            await context.mcpReq.notify({ method: "notifications/progress", params });
          }
          return { content: [{ type: "text", text: `counted to ${to}` }] };
        },
      );
      server.registerTool("wait", { description: "Waits", inputSchema }, async (_, context) => {
        calls.push("wait");
        await new Promise<void>((resolve) => {
          context.mcpReq.signal.addEventListener("abort", () => resolve());
        });
        aborted += 1;
        return { content: [] };
      });
      return server;
    });
    const transport = () =>
      new StreamableHTTPClientTransport(new URL("http://mcp.example/mcp"), {
        fetch: (url, init) => handler.fetch(new Request(url, init)),
      });
    return { calls, transport, aborted: () => aborted };
  }

  async function pinsOf(transport: StreamableHTTPClientTransport) {
    const client = new ClientOfSdk2(INFO, { versionNegotiation: { mode: "auto" } });
    await client.connect(transport);
    const { tools } = await client.listTools();
    await client.close();
    return tools.map((tool) => ({ name: tool.name, fingerprint: fingerprintTool(tool) }));
  }

  it.each([
    ["auto", "modern"],
    [undefined, "legacy"],
  ] as const)("mode %s: progress, refusals and cancellation in the %s era", async (mode, era) => {
    const server = makeServer();
    const guard = await guardOf(await pinsOf(server.transport()));
    const inner = server.transport();
    const transport = guardTransport(inner, { guard, serverId: "real" });
    expect(transport.hasPerRequestStream).toBe(true);
    const client = new ClientOfSdk2(INFO, {
      ...(mode !== undefined && { versionNegotiation: { mode } }),
    });
    await client.connect(transport);
    expect(client.getProtocolEra()).toBe(era);
    expect(transport.protocolVersion).toBe(inner.protocolVersion);
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void seen.push(progress);
    const result = await client.callTool({ name: "count", arguments: { to: 3 } }, { onprogress });
    expect(JSON.stringify(result)).toContain("counted to 3");
    expect(seen).toEqual([1, 2, 3]);
    const smuggled = client.callTool({ name: "export_secrets", arguments: {} });
    await expect(smuggled).rejects.toMatchObject({ code: 4403 });
    const stop = new AbortController();
    const waiting = client.callTool(
      { name: "wait", arguments: { to: 1 } },
      { signal: stop.signal },
    );
    const gone = expect(waiting).rejects.toThrow();
    await expect.poll(() => server.calls, { timeout: 20_000 }).toEqual(["count", "wait"]);
    stop.abort();
    await gone;
    if (era === "modern") {
      await expect.poll(() => server.aborted(), { timeout: 20_000 }).toBe(1);
    }
    expect(await client.callTool({ name: "count", arguments: { to: 0 } })).toBeDefined();
    await client.close();
  });
});
