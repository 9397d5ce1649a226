// docs/catalog.md as a test: its examples are catalogs, their digests are right, and no key that
// the parser knows is left out.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { parseCatalog } from "../../src/catalog/parse.ts";
import { BUILT_IN_SCOPES, BUILT_IN_TAINTS } from "../../src/catalog/scope-names.ts";
import { readToml } from "../../src/catalog/toml.ts";
import type { CatalogItem, CatalogServer } from "../../src/catalog/types.ts";
import { GuardError } from "../../src/errors.ts";
import { readLiveTexts, reportServer } from "../../src/manifest/drift-report.ts";
import {
  fingerprintInstructions,
  fingerprintPrompt,
  fingerprintResourceTemplate,
  fingerprintTool,
  serverFingerprintOfPins,
} from "../../src/manifest/fingerprint.ts";
import { bytesOf, catalogOf, SMALL_SERVER } from "../fixtures/catalog.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";

const DOC = readFileSync("docs/catalog.md", "utf8");

function blocks(language: string): string[] {
  return [...DOC.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(
    (match) => match[1] ?? "",
  );
}

const TOML = blocks("toml");
const COMPLETE = TOML.filter((text) => /^schema *=/m.test(text));
const FRAGMENTS = TOML.filter((text) => !COMPLETE.includes(text));
const SERVERS = COMPLETE.flatMap((text) => [...parseCatalog(bytesOf(text)).servers.values()]);

function serverCalled(id: string): CatalogServer {
  const server = SERVERS.find((one) => one.id === id);
  if (server === undefined) throw new Error(`the document has no server ${id}`);
  return server;
}

function firstDigests(items: ReadonlyMap<string, CatalogItem>): Map<string, string> {
  return new Map([...items].map(([name, item]) => [name, item.fingerprints[0] ?? ""]));
}

describe("the examples", () => {
  it("there are five servers, and each complete block is a catalog of one", () => {
    expect(COMPLETE).toHaveLength(5);
    expect(SERVERS.map(({ id }) => id)).toEqual([
      "files",
      "memory",
      "code-host",
      "fetch",
      "database",
    ]);
  });

  it("every other block is toml, and a catalog together with the first example", () => {
    expect(FRAGMENTS.length).toBeGreaterThanOrEqual(3);
    for (const text of FRAGMENTS) {
      expect(Object.keys(readToml(bytesOf(text), "CATALOG"))).not.toEqual([]);
      parseCatalog(bytesOf(`${COMPLETE[0]}\n${text}`));
    }
  });

  it("the examples go into one file under one head", () => {
    const [first = "", ...others] = COMPLETE;
    const tables = others.map((text) => text.slice(text.indexOf("\n[")));
    expect(parseCatalog(bytesOf([first, ...tables].join("\n"))).servers.size).toBe(5);
  });

  it("each server's fingerprint is the one of its pins", () => {
    for (const server of SERVERS) {
      const fingerprint = serverFingerprintOfPins({
        tools: firstDigests(server.tools),
        prompts: firstDigests(server.prompts),
        resources: firstDigests(server.resources),
        resourceTemplates: firstDigests(server.resourceTemplates),
        instructions: server.instructions,
      });
      expect(server.fingerprint, server.id).toBe(fingerprint);
    }
  });

  it("the digests of what is shown are those of what is shown", () => {
    const pinned = SERVERS.slice(2).flatMap((server) =>
      [server.tools, server.prompts, server.resourceTemplates].flatMap((items) =>
        [...items.values()].flatMap(({ fingerprints }) => fingerprints),
      ),
    );
    const shown = blocks("json").map((text) => {
      if (text.includes('"uriTemplate"')) return fingerprintResourceTemplate(text);
      return text.includes('"inputSchema"') ? fingerprintTool(text) : fingerprintPrompt(text);
    });
    expect([...pinned].sort()).toEqual([...shown].sort());
    const text = /the instructions `([^`]+)`/.exec(DOC)?.[1] ?? "";
    expect(serverCalled("code-host").instructions).toBe(fingerprintInstructions(text));
  });
});

/** The `tools/list` result of a server of this repository's development dependencies. */
async function toolsOf(name: string, folder: string): Promise<object> {
  const program = `node_modules/@modelcontextprotocol/${name}/dist/index.js`;
  const child = spawn(process.execPath, [program, folder], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, MEMORY_FILE_PATH: `${folder}/memory.jsonl` },
  });
  const send = (message: object): void => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  };
  const clientInfo = { name: "docs-test", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  send({ id: 1, method: "initialize", params });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const { id, result }: { id?: unknown; result?: object } = JSON.parse(line);
      if (id === 1) {
        send({ method: "notifications/initialized" });
        send({ id: 2, method: "tools/list" });
      }
      if (id === 2 && result !== undefined) return result;
    }
  } finally {
    child.kill();
  }
  throw new Error(`${name} ended without a list`);
}

describe("the servers of the examples", () => {
  const folder = temporaryDirectory();
  const { devDependencies }: { devDependencies: Record<string, string> } = JSON.parse(
    readFileSync("package.json", "utf8"),
  );

  it.each([
    ["files", "server-filesystem"],
    ["memory", "server-memory"],
  ])("%s pins what that version of %s offers", async (id, name) => {
    const server = serverCalled(id);
    const version = devDependencies[`@modelcontextprotocol/${name}`];
    expect(server.command).toContain(`@modelcontextprotocol/${name}@${version}`);
    const live = readLiveTexts(await toolsOf(name, folder));
    expect(live.definitions.length).toBeGreaterThan(5);
    expect(reportServer(server, undefined, live)).toEqual({ id, status: "match", items: [] });
  });
});

/** The keys that the parser takes where `bogus` is none, by its own word. */
function knownKeys(text: string): string[] {
  try {
    parseCatalog(catalogOf(text));
  } catch (error) {
    const names = /expected one of the keys ([a-z_, ]+), got/.exec(String(error))?.[1];
    if (error instanceof GuardError && names !== undefined) return names.split(", ");
    throw error;
  }
  throw new Error("the parser took a key `bogus`");
}

const KEYS: readonly (readonly [place: string, keys: readonly string[]])[] = [
  ["catalog", knownKeys("bogus = 1")],
  ["server", knownKeys("[servers.s]\nbogus = 1")],
  ["item", knownKeys(`${SMALL_SERVER}bogus = 1`)],
  ["argument", knownKeys(`${SMALL_SERVER}[servers.s.tools.t.args]\n"/a" = { bogus = 1 }`)],
  ["principal", knownKeys("[principals.p]\nbogus = 1")],
  ["rule", knownKeys("[[rules]]\nbogus = 1")],
  ["condition", knownKeys('[[rules]]\nid = "r"\nwhen = { bogus = 1 }\nthen = "deny"')],
];

/** First cell of every row of every table, without its backticks. */
const ROWS = new Map(
  [...DOC.matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)].map((match) => [match[1], match[2] ?? ""]),
);

describe("the description", () => {
  it.each(KEYS)("has every key of a %s", (_, keys) => {
    expect(keys.length).toBeGreaterThan(1);
    const inProse = ["scopes", "taints", "servers", "principals", "rules"];
    const tables = ["tools", "prompts", "resources", "resource_templates"];
    for (const key of keys) {
      if (tables.includes(key)) expect(DOC, key).toContain(`[servers.ID.${key}.`);
      else if (inProse.includes(key)) expect(DOC, key).toContain(`\`${key}\``);
      else expect([...ROWS.keys()], key).toContain(key);
    }
  });

  it("describes no key that the parser does not have", () => {
    const known = new Set(KEYS.flatMap(([, keys]) => keys));
    expect([...ROWS.keys()].filter((key) => key === undefined || !known.has(key))).toEqual([]);
  });

  it("gives the defaults that the parser gives", () => {
    const server = parseCatalog(catalogOf(SMALL_SERVER)).servers.get("s");
    const item = server?.tools.get("t");
    const defaults: readonly (readonly [string, unknown])[] = [
      ["env", server?.env],
      ["operator_verified", server?.operatorVerified],
      ["allow", server?.allow],
      ["methods", server?.methods],
      ["on_drift", server?.onDrift],
      ["consent_channels", server?.consentChannels],
      ["requires", item?.requires],
      ["adds_taint", item?.addsTaint],
      ["stops_taint", item?.stopsTaint],
      ["taint_outcome", item?.taintOutcome],
      ["vetting_accept", item?.vettingAccept],
    ];
    for (const [key, value] of defaults) {
      const written = JSON.stringify(value).replaceAll(",", ", ");
      expect(ROWS.get(key)?.split(" | ")[0], key).toBe(`\`${written}\``);
    }
  });

  it("calls required what the parser requires", () => {
    const required = ["fingerprint", "max_allowed_scope", "scope", "effect"];
    for (const key of required) {
      const line = new RegExp(`^${key} = .*\\n`, "m");
      expect(() => parseCatalog(catalogOf(SMALL_SERVER.replace(line, ""))), key).toThrow(
        GuardError,
      );
      expect(DOC, key).toContain(`| \`${key}\` | required |`);
    }
  });

  it("names the built-in scopes and labels", () => {
    for (const name of [...BUILT_IN_SCOPES, ...BUILT_IN_TAINTS]) {
      expect(DOC).toContain(`\`${name}\``);
    }
  });

  it("its links lead somewhere", () => {
    const anchors = [...DOC.matchAll(/^#+ (.+)$/gm)].map(
      (match) => `#${match[1]?.toLowerCase().replaceAll(",", "").replaceAll(" ", "-")}`,
    );
    const links = [...DOC.matchAll(/\]\((#[^)]+)\)/g)].map((match) => match[1] ?? "");
    expect(links.length).toBeGreaterThan(8);
    for (const link of links) expect(anchors).toContain(link);
  });
});
