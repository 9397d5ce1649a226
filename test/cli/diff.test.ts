import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { readLock, writeLock } from "../../src/catalog/lock.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { readMockLog } from "../../src/testing/mock-log.ts";
import { type Bench, pinnedBench } from "./mock-bench.ts";
import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";

const WRITE_FILE = FIXTURE_TOOLS.find(({ name }) => name === "write_file") ?? { name: "" };

interface DiffServer {
  readonly id: string;
  readonly status: string;
  readonly items: readonly Record<string, unknown>[];
}

/** Runs `diff --json`; gives the exit code and the servers. */
async function diff(
  { dir }: Pick<Bench, "dir">,
  ...names: readonly string[]
): Promise<{ code: number | null; servers: readonly DiffServer[]; json: Record<string, unknown> }> {
  const result = await cli(["diff", ...names, "--dir", dir, "--json"]);
  const json = jsonOf(result);
  expect(json["ok"]).toBe(result.code === 0);
  const servers = json["servers"];
  return { code: result.code, servers: Array.isArray(servers) ? servers : [], json };
}

/** A mutable copy of a field of a drift report. */
function fieldsOf(item: Record<string, unknown> | undefined): readonly Record<string, unknown>[] {
  const fields = item?.["fields"];
  return Array.isArray(fields) ? fields : [];
}

describe("diff", () => {
  it("matches what was pinned: exit 0, no call, nothing written", async () => {
    const made = await pinnedBench();
    const before = readFileSync(made.catalogFile, "utf8");
    expect(await diff(made)).toEqual({
      code: 0,
      servers: [{ id: "mock", status: "match", items: [] }],
      json: { ok: true, servers: [{ id: "mock", status: "match", items: [] }] },
    });
    expect(readFileSync(made.catalogFile, "utf8")).toBe(before);
    expect(readMockLog(readFileSync(made.log, "utf8")).callsReceived).toBe(0);
    made.turn({ tools: FIXTURE_TOOLS, drift: "key-order" });
    expect((await diff(made)).code).toBe(0);
  });

  it("drift: the field, both texts and both digests, word by word, exit 1", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS, drift: "description", target: "write_file" });
    const { code, servers } = await diff(made);
    expect(code).toBe(1);
    const [server] = servers;
    expect(server).toMatchObject({ id: "mock", status: "drift" });
    expect(server?.items).toHaveLength(1);
    const [item] = server?.items ?? [];
    expect(Object.keys(item ?? {})).toEqual("kind name reason expected actual fields".split(" "));
    expect(item).toMatchObject({
      kind: "tool",
      name: "write_file",
      reason: "fingerprint_drift",
      expected: [fingerprintTool(WRITE_FILE)],
      actual: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    const [field] = fieldsOf(item);
    expect(field).toMatchObject({
      path: "/description",
      change: "changed",
      old: expect.stringContaining("Creates a file"),
      new: expect.stringContaining("private keys"),
    });
    expect(field?.["words"]).toContainEqual({
      op: "added",
      text: expect.stringContaining("private keys"),
    });
  });

  it("smuggle: what was never pinned, exit 1", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS, smuggle: "page-2", smuggleName: "export_secrets" });
    const { code, servers } = await diff(made);
    expect(code).toBe(1);
    expect(servers[0]?.status).toBe("drift");
    expect(servers[0]?.items).toMatchObject([
      { kind: "tool", name: "export_secrets", reason: "tool_smuggle", expected: [] },
    ]);
  });

  it("marks what widens, and shows what cannot be seen", async () => {
    const made = await pinnedBench();
    const hidden = FIXTURE_TOOLS.map((tool) =>
      tool.name === "write_file" ? { ...tool, description: "Writes\u200b a file." } : tool,
    );
    made.turn({ tools: hidden });
    const plain = await cli(["diff", "--dir", made.dir]);
    expect(plain.code).toBe(1);
    expect(plain.stdout).toContain("<U+200B>");
    expect(plain.stdout).not.toContain("\u200b");
    made.turn({ tools: FIXTURE_TOOLS, drift: "schema-required", target: "write_file" });
    const { servers } = await diff(made);
    expect(fieldsOf(servers[0]?.items[0]).map(({ widens }) => widens)).toContainEqual(
      expect.any(String),
    );
    expect((await cli(["diff", "--dir", made.dir])).stdout).toContain("! widens");
  });

  it("what is pinned and not offered now is reported, and is no drift", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS.slice(1) });
    const { code, servers } = await diff(made);
    expect(code).toBe(0);
    expect(servers).toMatchObject([
      { status: "match", items: [{ name: "read_text_file", reason: "missing", actual: null }] },
    ]);
  });

  it("a definition that the strict reader refuses is drift, and cannot be approved", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS, malform: "duplicate-member", target: "write_file" });
    const { code, servers } = await diff(made);
    expect(code).toBe(1);
    expect(servers[0]?.items).toContainEqual(
      expect.objectContaining({
        name: "write_file",
        reason: "fingerprint_drift",
        actual: null,
        error: expect.any(String),
      }),
    );
    expect((await cli(["diff", "--dir", made.dir])).stdout).toContain("cannot be pinned");
  });

  it("without a lock, and with a forged one, it degrades to digests", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS, drift: "description", target: "write_file" });
    const file = join(made.dir, "catalog.lock.json");
    const lock = readLock(readFileSync(file, "utf8"));
    const [id, server] = [...lock.servers][0] ?? ["", { items: [] }];
    const items = server.items.map((item) => ({
      ...item,
      canonical: item.canonical.replace("Creates", "Reads"),
    }));
    writeFileSync(file, writeLock({ servers: new Map([[id, { ...server, items }]]) }));
    for (const spoil of [() => {}, () => writeFileSync(file, "{"), () => rmSync(file)]) {
      spoil();
      const { code, servers } = await diff(made);
      expect(code).toBe(1);
      expect(servers[0]?.items).toMatchObject([{ reason: "fingerprint_drift", fields: [] }]);
    }
    expect((await cli(["diff", "--dir", made.dir])).stdout).toContain("digests are all");
  });

  it("a server that cannot be reached: unreachable, exit 2, and 1 when another one drifted", async () => {
    const made = await pinnedBench();
    const gone = join(made.folder, "gone");
    const text = readFileSync(made.catalogFile, "utf8");
    const other = text
      .slice(text.indexOf("[servers.mock]"))
      .replaceAll("servers.mock", "servers.gone")
      .replace(/^command = .*$/m, `command = ["${gone}"]`);
    writeFileSync(made.catalogFile, `${text}\n${other}`);
    const alone = await diff(made);
    expect(alone.code).toBe(2);
    expect(alone.servers).toEqual([
      { id: "mock", status: "match", items: [] },
      { id: "gone", status: "unreachable", items: [] },
    ]);
    expect(alone.json["error"]).toEqual({ code: "SERVER_START", message: expect.any(String) });
    const plain = await cli(["diff", "gone", "--dir", made.dir]);
    expect(plain).toMatchObject({
      code: 2,
      stdout: expect.stringContaining("unreachable"),
      stderr: expect.stringContaining("(SERVER_START)"),
    });
    made.turn({ tools: FIXTURE_TOOLS, drift: "title" });
    const both = await diff(made);
    expect(both.code).toBe(1);
    expect(both.json["error"]).toBeUndefined();
    expect(both.servers.map(({ status }) => status)).toEqual(["drift", "unreachable"]);
    expect((await diff(made, "gone")).code).toBe(2);
    made.turn({ tools: FIXTURE_TOOLS });
    expect((await diff(made, "mock")).code).toBe(0);
  });

  it("refuses an unknown server, a home without a catalog, and a catalog that is none", async () => {
    const made = await pinnedBench();
    await expectFault(["diff", "other", "--dir", made.dir], "SERVER_UNKNOWN");
    await expectFault(["diff", "--dir", join(made.folder, "no")], "HOME_INCOMPLETE");
    const empty = join(made.folder, "empty");
    mkdirSync(empty, { mode: 0o700 });
    await expectFault(["diff", "--dir", empty], "HOME_INCOMPLETE");
    writeFileSync(made.catalogFile, "schema = 2\n");
    await expectFault(["diff", "--dir", made.dir], "CATALOG_SCHEMA");
  });
});

describe("an approval", () => {
  it("binds to what `diff` showed: another answer of the server is not pinned", async () => {
    const made = await pinnedBench();
    const before = `# reviewed by hand\n${readFileSync(made.catalogFile, "utf8")}`;
    writeFileSync(made.catalogFile, before);
    made.turn({ tools: FIXTURE_TOOLS, drift: "description", target: "write_file" });
    const { stdout } = await cli(["diff", "--dir", made.dir]);
    const [, id = "", digest = ""] =
      /approve what is shown: portcullis pin (\S+) --expect (sha256:[0-9a-f]{64})/.exec(stdout) ??
      [];
    expect(id).toBe("mock");
    const argv = ["pin", id, "--expect", digest, "--dir", made.dir];
    // between the approval and the pin the server changes once more
    made.turn({ tools: FIXTURE_TOOLS, drift: "title", target: "write_file" });
    const refused = await cli([...argv, "--json"]);
    expect(refused.code).toBe(1);
    expect(jsonOf(refused)).toMatchObject({
      written: false,
      error: { code: "CATALOG_FINGERPRINT" },
    });
    expect(readFileSync(made.catalogFile, "utf8")).toBe(before);
    made.turn({ tools: FIXTURE_TOOLS, drift: "description", target: "write_file" });
    expect(await cliJson(argv)).toMatchObject({ written: true });
    const lines = new Set(readFileSync(made.catalogFile, "utf8").split("\n"));
    expect(lines.has("# reviewed by hand")).toBe(true);
    const gone = before.split("\n").filter((line) => !lines.has(line));
    expect(gone.length).toBeLessThanOrEqual(5);
    expect((await diff(made)).code).toBe(0);
  });

  it("`pin` shows the same report as `diff`, and the JSON has it too", async () => {
    const made = await pinnedBench();
    made.turn({ tools: FIXTURE_TOOLS, drift: "description", target: "write_file" });
    const shown = (await cli(["diff", "--dir", made.dir])).stdout.split("\n").slice(0, -2);
    const pinned = await cli(["pin", "--dry-run", "--dir", made.dir]);
    expect(shown.length).toBeGreaterThan(5);
    expect(pinned.stdout).toContain(shown.join("\n"));
    const { servers } = await diff(made);
    const report = await cliJson(["pin", "--dry-run", "--dir", made.dir]);
    const { status, items } = servers[0] ?? {};
    expect(report["servers"]).toMatchObject([{ drift: { status, items } }]);
  });
});

describe("a .portcullis that was found above the current folder", () => {
  async function cloned(): Promise<
    Bench & { readonly cwd: string; readonly started: () => number }
  > {
    const made = await pinnedBench();
    const cwd = join(made.folder, "project", "deep");
    mkdirSync(cwd, { recursive: true });
    const dir = join(made.folder, "project", ".portcullis");
    mkdirSync(dir, { mode: 0o700 });
    writeFileSync(join(dir, "catalog.toml"), readFileSync(made.catalogFile));
    rmSync(made.log);
    const started = (): number => {
      try {
        return readMockLog(readFileSync(made.log, "utf8")).starts;
      } catch {
        return 0;
      }
    };
    return { ...made, dir, catalogFile: join(dir, "catalog.toml"), cwd, started };
  }

  it("starts none of its commands without a terminal or --yes, and shows each", async () => {
    const made = await cloned();
    for (const name of ["pin", "diff"]) {
      const refused = await cli([name], { cwd: made.cwd });
      expect(refused).toMatchObject({ code: 2, stdout: "" });
      expect(refused.stderr).toContain(made.command[1]);
      expect(refused.stderr).toContain("found above the current folder");
      expect(refused.stderr).toContain("--yes");
      expect(refused.stderr).toMatch(/\(USAGE\)\n$/);
      // an answer that nobody was asked for is none
      expect((await cli([name], { cwd: made.cwd, input: "y\n" })).code).toBe(2);
    }
    expect(made.started()).toBe(0);
  });

  it("starts them with --yes, and says so", async () => {
    const made = await cloned();
    const result = await cli(["diff", "--yes"], { cwd: made.cwd });
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining("found above") });
    expect(made.started()).toBe(1);
    expect((await cli(["pin", "--yes"], { cwd: made.cwd })).code).toBe(0);
  });

  it("is not asked about a named folder, nor for a command that was typed", async () => {
    const made = await cloned();
    expect(await cli(["diff", "--dir", made.dir], { cwd: made.cwd })).toMatchObject({
      code: 0,
      stderr: "",
    });
    const typed = await cli(["pin", "mine", "--", ...made.command], { cwd: made.cwd });
    expect(typed).toMatchObject({ code: 0, stderr: expect.stringContaining("found above") });
  });

  it("never comes before --dir, and is not looked at by `verify`", async () => {
    const made = await cloned();
    const home = join(tempFolder(), "home");
    await expectFault(["diff", "--dir", home], "HOME_INCOMPLETE", { cwd: made.cwd });
    await expectFault(["verify"], "HOME_INCOMPLETE", { cwd: made.cwd });
  });
});
