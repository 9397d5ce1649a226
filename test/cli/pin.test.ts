import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { readLock } from "../../src/catalog/lock.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { FIXTURE_SERVER, FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { readMockLog } from "../../src/testing/mock-log.ts";
import { type Bench, bench, pinnedBench } from "./mock-bench.ts";
import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";

function catalogOf({ catalogFile }: Bench): Catalog {
  return parseCatalog(readFileSync(catalogFile));
}

interface Item {
  readonly kind: string;
  readonly name: string;
  readonly change: string;
}

function itemsOf(report: Record<string, unknown>): readonly Item[] {
  const servers = report["servers"];
  return Array.isArray(servers) ? servers.flatMap((server) => server.items) : [];
}

describe("pin of a new server", () => {
  it("writes its command, its pins and their lock, and calls nothing", async () => {
    const made = await bench();
    const report = await cliJson(["pin", "mock", "--dir", made.dir, "--", ...made.command]);
    const server = catalogOf(made).servers.get("mock");
    expect(server?.command).toEqual(made.command);
    for (const tool of FIXTURE_TOOLS) {
      expect(server?.tools.get(tool.name)?.fingerprints).toEqual([fingerprintTool(tool)]);
    }
    expect(report).toMatchObject({
      id: "my-agents",
      version: 1,
      written: true,
      servers: [{ id: "mock", new: true, fingerprint: server?.fingerprint }],
    });
    expect(itemsOf(report).every((item) => item.change === "added")).toBe(true);
    const lock = readLock(readFileSync(join(made.dir, "catalog.lock.json"), "utf8"));
    expect(lock.servers.get("mock")?.items).toHaveLength(FIXTURE_TOOLS.length);
    expect(readMockLog(readFileSync(made.log, "utf8"))).toMatchObject({
      starts: 1,
      callsReceived: 0,
    });
  });

  it("signs nothing: the guard does not start with it", async () => {
    const made = await bench();
    await cliJson(["pin", "mock", "--dir", made.dir, "--", ...made.command]);
    expect(existsSync(join(made.dir, "catalog.dsse.json"))).toBe(false);
    expect((await cli(["run", "--dir", made.dir, "--server", "mock"])).code).toBe(2);
  });

  it("pins tools alone unless told otherwise, and instructions in any case", async () => {
    const made = await bench(FIXTURE_SERVER);
    await cliJson(["pin", "plain", "--dir", made.dir, "--", ...made.command]);
    const plain = catalogOf(made).servers.get("plain");
    expect(plain).toMatchObject({
      allow: ["tools"],
      instructions: expect.stringMatching(/^sha256:/),
    });
    expect([plain?.prompts.size, plain?.resources.size, plain?.resourceTemplates.size]).toEqual([
      0, 0, 0,
    ]);
    const all = ["--allow", "tools,prompts,resources", "--env", "GH_TOKEN"];
    await cliJson(["pin", "full", "--dir", made.dir, ...all, "--", ...made.command]);
    const full = catalogOf(made).servers.get("full");
    expect(full?.env).toEqual(["GH_TOKEN"]);
    expect([full?.prompts.size, full?.resources.size, full?.resourceTemplates.size]).toEqual([
      1, 1, 1,
    ]);
  });

  it("marks what it proposes", async () => {
    const made = await bench();
    const { stdout } = await cli(["pin", "mock", "--dir", made.dir, "--", ...made.command]);
    expect(stdout).toMatch(/\+ added +tool +delete_file .* fs\.delete +destructive +proposed/);
    expect(stdout).toContain("review");
  });

  it("names a new catalog: --id, else the project a .portcullis is in", async () => {
    const made = await bench();
    expect(
      await cliJson(["pin", "mock", "--id", "acme", "--dir", made.dir, "--", ...made.command]),
    ).toMatchObject({ id: "acme" });
    await expectFault(["pin", "mock", "--id", "acme", "--dir", made.dir], "USAGE");
    const project = join(made.folder, "my-project");
    mkdirSync(join(project, ".portcullis"), { recursive: true, mode: 0o700 });
    const { code, stdout, stderr } = await cli(["pin", "mock", "--json", "--", ...made.command], {
      cwd: project,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("found above") });
    expect(JSON.parse(stdout)).toMatchObject({ id: "my-project" });
  });
});

describe("pin again", () => {
  it("changes nothing when nothing changed", async () => {
    const made = await pinnedBench();
    const before = readFileSync(made.catalogFile, "utf8");
    const report = await cliJson(["pin", "--dir", made.dir]);
    expect(report).toMatchObject({ written: false, version: 1, versionBefore: 1 });
    expect(itemsOf(report)).toEqual([]);
    expect(readFileSync(made.catalogFile, "utf8")).toBe(before);
  });

  it("shows drift with both digests, and goes on to the next version", async () => {
    const made = await pinnedBench();
    const before = readFileSync(made.catalogFile, "utf8");
    made.turn({ tools: FIXTURE_TOOLS, drift: "description", target: "write_file" });
    const report = await cliJson(["pin", "mock", "--dir", made.dir]);
    const old = fingerprintTool(FIXTURE_TOOLS.find(({ name }) => name === "write_file") ?? {});
    expect(itemsOf(report)).toEqual([
      {
        kind: "tool",
        name: "write_file",
        change: "changed",
        expected: [old],
        actual: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      },
    ]);
    expect(report).toMatchObject({ versionBefore: 1, version: 2, written: true });
    const after = readFileSync(made.catalogFile, "utf8");
    expect(after).toContain("version = 2\n");
    expect(after).not.toContain(old);
    // the comment at its head, and everything that did not change, is still there
    const lines = new Set(after.split("\n"));
    const gone = before.split("\n").filter((line) => !lines.has(line));
    expect(gone.length).toBeLessThanOrEqual(5);
    expect(after.split("\n")[0]).toBe(before.split("\n")[0]);
    expect(await cliJson(["sign", "--key", made.key, "--dir", made.dir])).toMatchObject({
      version: 2,
    });
  });

  it("shows nothing new for another order of members", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS, drift: "key-order" });
    expect(itemsOf(await cliJson(["pin", "--dir", made.dir]))).toEqual([]);
  });

  it("keeps what is not offered now, and takes it out with --prune", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS.slice(1) });
    const kept = await cliJson(["pin", "--dir", made.dir]);
    expect(itemsOf(kept)).toMatchObject([{ name: "read_text_file", change: "missing" }]);
    expect(kept["written"]).toBe(false);
    const pruned = await cliJson(["pin", "--prune", "--dir", made.dir]);
    expect(itemsOf(pruned)).toMatchObject([{ name: "read_text_file", change: "removed" }]);
    const server = catalogOf(made).servers.get("mock");
    expect(server?.tools.has("read_text_file")).toBe(false);
    const lock = readLock(readFileSync(join(made.dir, "catalog.lock.json"), "utf8"));
    expect(lock.servers.get("mock")?.items.map(({ name }) => name)).not.toContain("read_text_file");
  });

  it("never raises max_allowed_scope: what needs more is left out, exit 1", async () => {
    const made = await pinnedBench({ tools: FIXTURE_TOOLS.slice(0, 1) });
    expect(catalogOf(made).servers.get("mock")?.maxAllowedScope).toEqual(["fs.read"]);
    made.turn({ tools: FIXTURE_TOOLS });
    const result = await cli(["pin", "--dir", made.dir, "--json"]);
    expect(result.code).toBe(1);
    const changes = new Map(itemsOf(jsonOf(result)).map(({ name, change }) => [name, change]));
    expect(changes.get("delete_file")).toBe("left_out");
    const server = catalogOf(made).servers.get("mock");
    expect(server?.maxAllowedScope).toEqual(["fs.read"]);
    expect(server?.tools.has("delete_file")).toBe(false);
  });

  it("pins exactly what was approved with --expect, and nothing else", async () => {
    const made = await pinnedBench();
    const before = readFileSync(made.catalogFile, "utf8");
    made.turn({ tools: FIXTURE_TOOLS, drift: "description" });
    const shown = await cliJson(["pin", "mock", "--dry-run", "--dir", made.dir]);
    expect(shown["written"]).toBe(false);
    expect(readFileSync(made.catalogFile, "utf8")).toBe(before);
    const servers = shown["servers"];
    const approved = Array.isArray(servers) ? String(servers[0].fingerprint) : "";
    // between the approval and the pin the server changes once more
    made.turn({ tools: FIXTURE_TOOLS, drift: "title" });
    const argv = ["pin", "mock", "--expect", approved, "--dir", made.dir];
    const refused = await cli([...argv, "--json"]);
    expect(refused.code).toBe(1);
    expect(jsonOf(refused)).toMatchObject({ ok: false, error: { code: "CATALOG_FINGERPRINT" } });
    expect(readFileSync(made.catalogFile, "utf8")).toBe(before);
    made.turn({ tools: FIXTURE_TOOLS, drift: "description" });
    expect(await cliJson(argv)).toMatchObject({ written: true });
    await expectFault(["pin", "mock", "--expect", "sha256:1", "--dir", made.dir], "USAGE");
    await expectFault(["pin", "--expect", approved, "--dir", made.dir], "USAGE");
  });

  it("brings the fingerprint of a hand-edited server up to date", async () => {
    const made = await pinnedBench();
    const text = readFileSync(made.catalogFile, "utf8");
    writeFileSync(made.catalogFile, text.replace(/\[servers\.mock\.tools\.echo\][\s\S]*$/, ""));
    await expectFault(["sign", "--key", made.key, "--dir", made.dir], "CATALOG_FINGERPRINT");
    made.turn({ tools: FIXTURE_TOOLS.filter(({ name }) => name !== "echo") });
    expect(await cliJson(["pin", "--dir", made.dir])).toMatchObject({ version: 2, written: true });
    await cliJson(["sign", "--key", made.key, "--dir", made.dir]);
  });

  it("follows instructions", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS, instructions: "Use the tools." });
    const first = await cliJson(["pin", "--dir", made.dir]);
    expect(itemsOf(first)).toMatchObject([{ kind: "instructions", change: "added" }]);
    made.turn({ tools: FIXTURE_TOOLS, instructions: "Use the tools twice." });
    const second = await cliJson(["pin", "--dir", made.dir]);
    expect(itemsOf(second)).toMatchObject([{ kind: "instructions", change: "changed" }]);
    made.turn({ tools: FIXTURE_TOOLS });
    const third = await cliJson(["pin", "--dir", made.dir]);
    expect(itemsOf(third)).toMatchObject([{ kind: "instructions", change: "changed" }]);
    expect(itemsOf(await cliJson(["pin", "--dir", made.dir]))).toEqual([]);
  });

  it("writes a damaged lock anew, and says so", async () => {
    const made = await pinnedBench();
    const lock = join(made.dir, "catalog.lock.json");
    writeFileSync(lock, "{");
    const { code, stderr } = await cli(["pin", "--dir", made.dir]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("damaged") });
    expect(readLock(readFileSync(lock, "utf8")).servers.has("mock")).toBe(true);
  });
});

describe("pin refuses", () => {
  it("a server that the catalog does not have, another command, and none at all", async () => {
    const made = await pinnedBench();
    await expectFault(["pin", "other", "--dir", made.dir], "SERVER_UNKNOWN");
    await expectFault(
      ["pin", "mock", "--dir", made.dir, "--", "node", "evil.js"],
      "SERVER_COMMAND",
    );
    await expectFault(["pin", "a", "b", "--dir", made.dir, "--", "node"], "USAGE");
    await expectFault(["pin", "--dir", join(tempFolder(), "new")], "USAGE");
    await expectFault(["pin", "not an id", "--dir", made.dir, "--", "node"], "USAGE");
    await expectFault(["pin", "new", "--allow", "tolls", "--dir", made.dir, "--", "node"], "USAGE");
    await expectFault(["pin", "mock", "--allow", "tools", "--dir", made.dir], "USAGE");
    await expectFault(["pin", "mock", "--dir", made.dir, "--"], "USAGE");
  });

  it("a server that does not start, or ends, and writes nothing", async () => {
    const made = await bench();
    const gone = join(made.folder, "no-such-program");
    await expectFault(["pin", "mock", "--dir", made.dir, "--", gone], "SERVER_START");
    const ends = ["node", "-e", "process.exit(3)"];
    await expectFault(["pin", "mock", "--dir", made.dir, "--", ...ends], "SERVER_START");
    expect(existsSync(made.catalogFile)).toBe(false);
  });

  it("a server that speaks no protocol of any era, and writes nothing", async () => {
    const made = await bench();
    const refuses =
      "require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const{id}=JSON.parse(l);" +
      "console.log(JSON.stringify({jsonrpc:'2.0',id,error:{code:-32601,message:'no'}}))})";
    const argv = ["pin", "mock", "--dir", made.dir, "--", process.execPath, "-e", refuses];
    await expectFault(argv, "SERVER_PROTOCOL");
    expect(existsSync(made.catalogFile)).toBe(false);
  });

  it("a manifest with a definition that the strict reader refuses, and writes nothing", async () => {
    for (const malform of ["duplicate-member", "big-integer"] as const) {
      const made = await bench({ tools: FIXTURE_TOOLS, malform });
      await expectFault(
        ["pin", "mock", "--dir", made.dir, "--", ...made.command],
        "MANIFEST_INVALID",
      );
      expect(existsSync(made.catalogFile)).toBe(false);
    }
  });

  it("a catalog that is not one, with its place", async () => {
    const made = await pinnedBench();
    const text = readFileSync(made.catalogFile, "utf8");
    writeFileSync(made.catalogFile, text.replace("version = 1", 'version = "1"'));
    const line = await expectFault(["pin", "--dir", made.dir], "CATALOG_SCHEMA");
    expect(line).toMatch(/catalog\.toml:4:1/);
  });
});
