import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { readMockLog } from "../../src/testing/mock-log.ts";
import type { MockOptions } from "../../src/testing/mock-options.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { importsOf, sourceFiles } from "../tidy/sources.ts";
import { type CliResult, cli, MAIN, mockCommand, tempFolder } from "./process.ts";
import { type SignedHome, signedHome } from "./signed-home.ts";

let home: SignedHome;
let log: string;
let options: string;

beforeAll(async () => {
  const folder = tempFolder();
  options = join(folder, "mock.json");
  log = join(folder, "log");
  home = await signedHome({ command: mockCommand(options) });
});

function turn(next: MockOptions): void {
  writeFileSync(options, JSON.stringify({ ...next, logFile: log }));
  writeFileSync(log, "");
  // what drifted in one test would be refused in the next
  for (const name of ["state.db", "state.db-wal", "state.db-shm"]) {
    rmSync(join(home.dir, name), { force: true });
  }
}

const LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n';

function call(id: number, name: string): string {
  const params = { name, arguments: FIXTURE_ARGUMENTS.get(name) ?? {} };
  return `${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params })}\n`;
}

/** Runs the guard with these lines as the client, and waits for as many answers. */
async function guard(
  args: readonly string[],
  lines: readonly string[],
): Promise<{ code: number | null; answers: ReadonlyMap<unknown, unknown>; stderr: string }> {
  const argv = ["run", "--dir", home.dir, "--server", "mock", ...args];
  const child = spawn(process.execPath, [MAIN, ...argv]);
  const answers = new Map<unknown, unknown>();
  let stderr = "";
  let rest = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const message = JSON.parse(part);
      answers.set(message.id, message);
    }
    if (answers.size === lines.length) child.stdin.end();
  });
  child.stdin.write(lines.join(""));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, answers, stderr };
}

function callsReceived(): number {
  return readMockLog(readFileSync(log, "utf8")).callsReceived;
}

/** A boot failure: exit 2, one line, nothing on standard output, no server started. */
function expectNotStarted(result: CliResult, code: string): void {
  expect(result).toMatchObject({ code: 2, stdout: "" });
  expect(result.stderr).toMatch(/^portcullis: [^\n]+\n$/);
  expect(result.stderr).toContain(`(${code})`);
  expect(readMockLog(readFileSync(log, "utf8")).starts).toBe(0);
}

describe("run", () => {
  it("forwards an allowed call, remembers the catalog, and ends with its client", async () => {
    turn({ tools: FIXTURE_TOOLS });
    const { code, answers, stderr } = await guard([], [LIST, call(2, "read_text_file")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(answers.get(2)).toHaveProperty("result");
    expect(callsReceived()).toBe(1);
    expect(existsSync(join(home.dir, "state.json"))).toBe(true);
  });

  it("refuses a drifted tool, a smuggled tool, and a call beyond --scope-cap, with zero calls", async () => {
    const refusal = (reason: string) => ({
      error: { code: 4403, data: { outcome: "SafetyBlocked", reason } },
    });
    turn({ tools: FIXTURE_TOOLS, drift: "description" });
    const drift = await guard([], [LIST, call(2, "read_text_file")]);
    expect(drift.answers.get(2)).toMatchObject(refusal("fingerprint_drift"));
    expect(callsReceived()).toBe(0);
    turn({ tools: FIXTURE_TOOLS, smuggle: "last" });
    const smuggle = await guard([], [LIST, call(2, "export_secrets")]);
    expect(smuggle.answers.get(2)).toMatchObject(refusal("tool_smuggle"));
    expect(callsReceived()).toBe(0);
    turn({ tools: FIXTURE_TOOLS });
    const capped = await guard(
      ["--scope-cap", "fs.read"],
      [LIST, call(2, "write_file"), call(3, "echo")],
    );
    expect(capped.answers.get(2)).toMatchObject(refusal("scope_escalation"));
    expect(capped.answers.get(3)).toHaveProperty("result");
    expect(callsReceived()).toBe(1);
  });

  it("answers refusals as results with --deny-as result", async () => {
    turn({ tools: FIXTURE_TOOLS });
    const { answers } = await guard(["--deny-as", "result"], [LIST, call(2, "export_secrets")]);
    expect(answers.get(2)).toMatchObject({
      result: { isError: true, _meta: { "portcullis/safety-blocked": expect.anything() } },
    });
  });

  it("appends one JSON line for every decision with --record, for its owner alone", async () => {
    turn({ tools: FIXTURE_TOOLS });
    const file = join(tempFolder(), "record.jsonl");
    const who = ["--principal", "agent:a", "--session", "s1", "--record", file];
    await guard(who, [LIST, call(2, "read_text_file"), call(3, "export_secrets")]);
    const records = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const decisions = records.filter(({ kind, tool }) => kind === "decision" && tool !== undefined);
    // the allowed call waits for the guard's own listing; the other one need not
    const byTool = new Map(decisions.map((decision) => [decision.tool, decision]));
    expect(["read_text_file", "export_secrets"].map((tool) => byTool.get(tool))).toMatchObject([
      { principal: "agent:a", session: "s1", tool: "read_text_file", outcome: "allow" },
      { principal: "agent:a", session: "s1", tool: "export_secrets", reason: "tool_smuggle" },
    ]);
    expect(decisions).toHaveLength(2);
    expect(Date.parse(decisions[0].time)).toBeGreaterThan(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("A7: refuses another command than the catalog's, however little it differs", async () => {
    turn({ tools: FIXTURE_TOOLS });
    const command = mockCommand(options);
    const argv = ["run", "--dir", home.dir, "--server", "mock", "--"];
    const others = [
      [...command, "--verbose"],
      command.slice(1),
      ["node", ...command.slice(1)],
      [...command, ""],
    ];
    for (const other of others) expectNotStarted(await cli([...argv, ...other]), "SERVER_COMMAND");
    const same = await cli([...argv, ...command]);
    expect(same.code).toBe(0);
  });

  it("does not start for an unknown server, a wrong option, or a file it cannot write", async () => {
    turn({ tools: FIXTURE_TOOLS });
    const argv = ["run", "--dir", home.dir];
    expectNotStarted(await cli([...argv, "--server", "evil"]), "SERVER_UNKNOWN");
    expectNotStarted(await cli(argv), "USAGE");
    expectNotStarted(await cli([...argv, "--server", "mock", "--frobnicate"]), "USAGE");
    const mock = [...argv, "--server", "mock"];
    expectNotStarted(await cli([...mock, "--scope-cap", "fs.wirte"]), "SCOPE_UNKNOWN");
    expectNotStarted(await cli([...mock, "--deny-as", "warning"]), "USAGE");
    expectNotStarted(await cli([...mock, "--principal", ""]), "USAGE");
    expectNotStarted(await cli([...mock, "--record", "/no/such/folder/file"]), "FILE_UNREADABLE");
  });

  it("keeps standard output for the protocol: with --json a fault goes to standard error", async () => {
    const { code, stdout, stderr } = await cli([
      "run",
      "--dir",
      home.dir,
      "--server",
      "evil",
      "--json",
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({ ok: false, error: { code: "SERVER_UNKNOWN" } });
  });

  it("passes the exit code of the server on", async () => {
    turn({ tools: FIXTURE_TOOLS, exitAfterMessages: 1, exitCode: 7 });
    const { code } = await cli(["run", "--dir", home.dir, "--server", "mock"], { input: LIST });
    expect(code).toBe(7);
  });

  it("refuses a catalog older than the one it has accepted", async () => {
    turn({ tools: FIXTURE_TOOLS });
    const edit = (version: number) => (text: string) =>
      text.replace("version = 1", `version = ${version}`);
    const own = await signedHome({ command: mockCommand(options), edit: edit(2) });
    const argv = ["run", "--dir", own.dir, "--server", "mock"];
    const envelope = join(own.dir, "catalog.dsse.json");
    const second = readFileSync(envelope);
    writeFileSync(
      own.catalogFile,
      edit(3)(readFileSync(own.catalogFile, "utf8").replace("version = 2", "version = 1")),
    );
    expect((await cli(["sign", "--key", own.key, "--dir", own.dir])).code).toBe(0);
    expect((await cli(argv)).code).toBe(0);
    writeFileSync(envelope, second);
    turn({ tools: FIXTURE_TOOLS });
    expectNotStarted(await cli(argv), "CATALOG_ROLLBACK");
  });
});

describe("the way of `run`", () => {
  it("loads neither the TOML editor nor test code nor other commands", () => {
    const sources = new Map(sourceFiles("src").map((file) => [file.path, file.text]));
    const reached = new Set<string>();
    const visit = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      const text = sources.get(path) ?? "";
      const lazy = new Set([...text.matchAll(/import\("([^"]+)"\)/g)].map((match) => match[1]));
      const types = new Set(
        [...text.matchAll(/^import type [^;]*? from "([^"]+)"/gm)].map((match) => match[1]),
      );
      for (const name of importsOf(text)) {
        if (lazy.has(name) || types.has(name)) continue;
        visit(name.startsWith(".") ? posix.join(posix.dirname(path), name) : name);
      }
    };
    visit("src/cli/main.ts");
    visit("src/cli/main-run.ts");
    visit("src/cli/run.ts");
    expect([...reached]).toContain("src/proxy/stdio-run.ts");
    expect([...reached]).toContain("smol-toml");
    const heavy = [...reached].filter((path) =>
      /toml-eslint-parser|^src\/testing\/|catalog\/(edit|toml-edit|position)|cli\/(pin|demo|sign|check|help)/.test(
        path,
      ),
    );
    expect(heavy).toEqual([]);
  });
});
