// Real servers from npm behind the guard process, with the clients of both SDK generations.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Client as ClientOfSdk2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioOfSdk2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioOfSdk1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { describe, expect, it } from "vitest";
import { fingerprintInstructions } from "../../src/manifest/fingerprint.ts";
import type { LiveManifest } from "../../src/proxy/manifest-client.ts";
import { listStdioServer } from "../../src/proxy/stdio-list.ts";
import { catalogOf } from "../fixtures/catalog.ts";
import { guardCommand, readRecords, scratch, useGuardProcess } from "./guard-process.ts";

useGuardProcess();

const INFO = { name: "test-client", version: "1.0.0" };
const ALLOW = ["tools", "prompts", "resources", "completions", "logging", "tasks"];
const require = createRequire(import.meta.url);

interface RealServer {
  readonly packageName: string;
  readonly args: (folder: string) => readonly string[];
  readonly tool: string;
  readonly toolArguments: (folder: string) => Record<string, unknown>;
  readonly expected: string;
}

const SERVERS: readonly RealServer[] = [
  {
    packageName: "server-filesystem",
    args: (folder) => [folder],
    tool: "read_text_file",
    toolArguments: (folder) => ({ path: join(folder, "a.txt") }),
    expected: "the text of a.txt",
  },
  {
    packageName: "server-everything",
    args: () => [],
    tool: "echo",
    toolArguments: () => ({ message: "hello" }),
    expected: "hello",
  },
  {
    packageName: "server-memory",
    args: () => [],
    tool: "read_graph",
    toolArguments: () => ({}),
    expected: "entities",
  },
  {
    packageName: "server-sequential-thinking",
    args: () => [],
    tool: "sequentialthinking",
    toolArguments: () => ({
      thought: "one",
      nextThoughtNeeded: false,
      thoughtNumber: 1,
      totalThoughts: 1,
    }),
    expected: "thoughtNumber",
  },
];

function pinned(manifest: LiveManifest, command: readonly string[]): string {
  const { instructions } = manifest;
  const tables = [
    ["tools", manifest.tools],
    ["prompts", manifest.prompts],
    ["resources", manifest.resources],
    ["resource_templates", manifest.resourceTemplates],
  ] as const;
  const items = tables.flatMap(([table, listed]) =>
    listed.map(({ name, fingerprint }) => {
      expect(fingerprint).toMatch(/^sha256:/);
      return `[servers.real.${table}.${JSON.stringify(name)}]
fingerprint = "${fingerprint}"
scope = ["fs.read"]
effect = "read"
`;
    }),
  );
  const text = `[servers.real]
command = ${JSON.stringify(command)}
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
allow = ${JSON.stringify(ALLOW)}
${instructions === undefined ? "" : `instructions = "${fingerprintInstructions(instructions)}"`}
${items.join("")}`;
  return Buffer.from(catalogOf(text)).toString("utf8");
}

function workspace(): string {
  const folder = join(scratch(), "workspace");
  mkdirSync(folder);
  writeFileSync(join(folder, "a.txt"), "the text of a.txt");
  return folder;
}

const CLIENTS = [
  ["SDK 1", () => new ClientOfSdk1(INFO), StdioOfSdk1],
  ["SDK 2", () => new ClientOfSdk2(INFO), StdioOfSdk2],
  [
    "SDK 2 in auto mode",
    () => new ClientOfSdk2(INFO, { versionNegotiation: { mode: "auto" } }),
    StdioOfSdk2,
  ],
] as const;

describe.each(SERVERS)("$packageName", (server) => {
  it("lists and works behind the guard as it does without, for every client", async () => {
    const folder = workspace();
    const main = require.resolve(`@modelcontextprotocol/${server.packageName}/dist/index.js`);
    const command = [process.execPath, main, ...server.args(folder)];
    const manifest = await listStdioServer({ command });
    expect(manifest).toMatchObject({ era: "legacy", protocolVersion: "2025-11-25" });
    expect(manifest.tools.length).toBeGreaterThan(0);
    const toml = pinned(manifest, command);
    for (const [name, makeClient, Stdio] of CLIENTS) {
      const { argv, recordFile } = guardCommand({ toml, serverId: "real" });
      const connect = async ([file = "", ...args]: readonly string[]) => {
        const client = makeClient();
        await client.connect(new Stdio({ command: file, args, stderr: "ignore" }));
        return client;
      };
      const direct = await connect(command);
      const guarded = await connect(argv);
      expect(await guarded.listTools(), name).toEqual(await direct.listTools());
      expect(guarded.getInstructions(), name).toEqual(direct.getInstructions());
      const call = { name: server.tool, arguments: server.toolArguments(folder) };
      const result = await guarded.callTool(call);
      expect(JSON.stringify(result), name).toContain(server.expected);
      const refused = guarded.callTool({ name: "export_secrets", arguments: {} });
      await expect(refused, name).rejects.toMatchObject({ code: 4403 });
      const reasons = readRecords(recordFile).filter(({ method }) => method === "tools/call");
      expect(reasons.map(({ reason }) => reason)).toEqual(["allowed", "tool_smuggle"]);
      await Promise.all([direct.close(), guarded.close()]);
    }
  });
});
