// An agent's MCP client with the guard in its transport, for both SDK generations.
// node examples/mcp-sdk/main.js HOME FOLDER [--sdk1]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import process from "node:process";
import { createRequestIdentity, guardTransport, MCPGateway, TrustedCatalog } from "portcullis";

const [home = "", folder = "."] = process.argv.slice(2);
const isSdk1 = process.argv.includes("--sdk1");

// what was signed, and the one root that this host believes in
const envelope = readFileSync(join(home, "catalog.dsse.json"));
const root = readFileSync(join(home, "root.1.dsse.json"));
const config = readFileSync(join(home, "config.toml"), "utf8");
const rootPin = /^root_pin = "sha256:([0-9a-f]{64})"$/m.exec(config)?.[1];
const catalog = await TrustedCatalog.open({ envelope, root, rootPin });

const gateway = new MCPGateway({ catalog });
const identity = createRequestIdentity({ principal: "agent:example", sessionId: "run-1" });

const { Client, StdioClientTransport } = isSdk1 ? await sdk1() : await sdk2();
const require = createRequire(import.meta.url);
const server = require.resolve("@modelcontextprotocol/server-filesystem/dist/index.js");
const transport = new StdioClientTransport({
  command: process.execPath,
  args: [server, resolve(folder)],
  stderr: "ignore",
});
// `auto` (SDK 2) asks the server which era it speaks, through the guard
const client = new Client(
  { name: "mcp-sdk", version: "1.0.0" },
  isSdk1 ? {} : { versionNegotiation: { mode: "auto" } },
);
// ---- the one line ----
const guarded = guardTransport(transport, { gateway, serverId: "filesystem", identity });
// ---- end ----
await client.connect(guarded);

const { tools } = await client.listTools();
process.stdout.write(`listed: ${tools.map(({ name }) => name).join(" ")}\n`);
await call("list_directory", { path: resolve(folder) });
await call("export_secrets", { to: "elsewhere" });
await client.close();
for (const { kind, tool, decision, reason } of guarded.audit.events()) {
  if (kind === "call") process.stdout.write(`record: ${decision} ${reason} ${tool}\n`);
}

async function call(name, args) {
  try {
    const { content } = await client.callTool({ name, arguments: args });
    process.stdout.write(`${name}: ${content[0].text.split("\n")[0]}\n`);
  } catch (error) {
    process.stdout.write(`${name}: refused, ${error.data.reason}\n`);
  }
}

async function sdk1() {
  const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
  return { Client, ...(await import("@modelcontextprotocol/sdk/client/stdio.js")) };
}

async function sdk2() {
  const { Client } = await import("@modelcontextprotocol/client");
  return { Client, ...(await import("@modelcontextprotocol/client/stdio")) };
}
