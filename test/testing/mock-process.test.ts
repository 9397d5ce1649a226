// The mock as a process: compiled once, driven by real clients and by bare pipes.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client as ClientOfSdk2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioOfSdk2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioOfSdk1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MockOptions } from "../../src/testing/index.ts";
import { FIXTURE_TOOLS, readMockLog } from "../../src/testing/index.ts";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
const CALL =
  '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}\n';
const INFO = { name: "test-client", version: "1.0.0" };

let folder = "";
let entry = "";
const children: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-mock-"));
  const config = join(folder, "tsconfig.json");
  const compilerOptions = {
    rootDir: join(REPOSITORY, "src"),
    outDir: join(folder, "out"),
    typeRoots: [join(REPOSITORY, "node_modules/@types")],
  };
  const entries = ["host/node", "testing/stdio-server-process"];
  const files = entries.map((name) => join(REPOSITORY, "src", `${name}.ts`));
  const extended = join(REPOSITORY, "tsconfig.json");
  writeFileSync(config, JSON.stringify({ extends: extended, compilerOptions, files, include: [] }));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", imports: { "#host": "./out/host/node.js" } }),
  );
  execFileSync(process.execPath, [
    join(REPOSITORY, "node_modules/typescript/bin/tsc"),
    "-p",
    config,
  ]);
  entry = join(folder, "out/testing/stdio-server-process.js");
});

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function start(options: MockOptions) {
  const child = spawn(process.execPath, [entry, JSON.stringify(options)], { stdio: "pipe" });
  children.push(child);
  const output = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    output.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.err += chunk;
  });
  const exit = once(child, "exit").then(([code, signal]) => ({ code, signal }));
  return { child, output, exit };
}

function logPath(): string {
  return join(mkdtempSync(join(folder, "log-")), "server.jsonl");
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

describe("real clients over stdio", () => {
  it.each([
    ["SDK 1", () => new ClientOfSdk1(INFO), StdioOfSdk1, 1],
    ["SDK 2", () => new ClientOfSdk2(INFO), StdioOfSdk2, 1],
    [
      "SDK 2 in auto mode, which starts it twice",
      () => new ClientOfSdk2(INFO, { versionNegotiation: { mode: "auto" } }),
      StdioOfSdk2,
      2,
    ],
  ] as const)("%s lists and calls, and the log shows it", async (_, makeClient, Stdio, starts) => {
    const logFile = logPath();
    const args = [entry, JSON.stringify({ logFile })];
    const client = makeClient();
    await client.connect(new Stdio({ command: process.execPath, args }));
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(
      FIXTURE_TOOLS.map((tool) => tool.name),
    );
    const result = await client.callTool({ name: "echo", arguments: { message: "é" } });
    expect(result.content).toEqual([{ type: "text", text: "echo is done" }]);
    const log = readMockLog(readFileSync(logFile, "utf8"));
    expect(log).toMatchObject({
      starts,
      callsReceived: 1,
      calls: [{ name: "echo", arguments: { message: "é" } }],
      listsReceived: 1,
    });
    await client.close();
  });
});

describe("the log", () => {
  it("exists before any message, and shows lines, calls and the end of stdin", async () => {
    const logFile = logPath();
    const { child, output, exit } = start({ logFile });
    await expect.poll(() => existsSync(logFile)).toBe(true);
    expect(readMockLog(readFileSync(logFile, "utf8"))).toMatchObject({ starts: 1, received: [] });
    child.stdin.end(`${PING}${CALL}`);
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(output.out.trimEnd().split("\n")).toHaveLength(2);
    expect(readMockLog(readFileSync(logFile, "utf8"))).toEqual({
      starts: 1,
      received: [PING.trimEnd(), CALL.trimEnd()],
      calls: [{ name: "echo", arguments: { a: 1 } }],
      callsReceived: 1,
      listsReceived: 0,
      endings: ["eof"],
    });
  });

  it("leaves out a last line that is still being written", () => {
    const whole = '{"event":"start","pid":1}\n{"event":"line","pid":1,"line":"x","calls":[]}\n';
    expect(readMockLog(`${whole}{"event":"li`)).toMatchObject({ starts: 1, received: ["x"] });
  });
});

describe("process switches", () => {
  it("exits with code n after n messages, answers included", async () => {
    const { child, output, exit } = start({ exitAfterMessages: 2, exitCode: 42 });
    child.stdin.write(`${PING}${PING}${PING}`);
    expect(await exit).toEqual({ code: 42, signal: null });
    expect(output.out.trimEnd().split("\n")).toHaveLength(2);
  });

  it("ends on SIGTERM and at the end of stdin unless told otherwise", async () => {
    const polite = start({});
    polite.child.stdin.write(PING);
    await expect.poll(() => polite.output.out).not.toBe("");
    polite.child.kill("SIGTERM");
    expect(await polite.exit).toEqual({ code: null, signal: "SIGTERM" });

    const logFile = logPath();
    const stubborn = start({ ignoreSigterm: true, stayAfterEof: true, logFile });
    stubborn.child.stdin.end(PING);
    await expect.poll(() => readMockLog(readFileSync(logFile, "utf8")).endings).toEqual(["eof"]);
    stubborn.child.kill("SIGTERM");
    await expect
      .poll(() => readMockLog(readFileSync(logFile, "utf8")).endings)
      .toEqual(["eof", "sigterm"]);
    await new Promise((resume) => setTimeout(resume, 100));
    expect(isRunning(stubborn.child)).toBe(true);
    stubborn.child.kill("SIGKILL");
    expect(await stubborn.exit).toEqual({ code: null, signal: "SIGKILL" });
  });

  it("writes stderr chatter at start and with every message", async () => {
    const { child, output, exit } = start({ stderrText: "loading plugins" });
    child.stdin.end(PING);
    await exit;
    expect(output.err).toBe("loading plugins\nloading plugins\n");
  });

  it("splits incoming lines at a lone CR when told", async () => {
    const line = `${PING.trimEnd()}\r${CALL}`;
    for (const [splitOnCr, callsReceived] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const logFile = logPath();
      const { child, exit } = start({ splitOnCr, logFile });
      child.stdin.end(line);
      await exit;
      expect(readMockLog(readFileSync(logFile, "utf8"))).toMatchObject({ callsReceived });
    }
  });

  it("writes split chunks as two reads and keeps slow answers for later", async () => {
    const { child, exit } = start({ chunks: "split", callDelayMs: 80 });
    const reads: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => reads.push(chunk));
    child.stdin.end(`${CALL}${PING}`);
    await exit;
    const ids = Buffer.concat(reads)
      .toString("utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).id);
    expect(ids).toEqual([1, 2]);
    expect(reads.length).toBeGreaterThan(2);
  });

  it("one argv behaves differently after a restart when its options are in a file", async () => {
    const file = join(mkdtempSync(join(folder, "options-")), "options.json");
    const texts: string[] = [];
    for (const resultText of ["first", "second"]) {
      writeFileSync(file, JSON.stringify({ resultText }));
      texts.push(
        execFileSync(process.execPath, [entry, `@${file}`], { input: CALL, encoding: "utf8" }),
      );
    }
    expect(texts[0]).toContain("first");
    expect(texts[1]).toContain("second");
  });

  it("refuses to start with a misspelt switch", async () => {
    const child = spawn(process.execPath, [entry, '{"drfit":"title"}'], { stdio: "pipe" });
    children.push(child);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const [code] = await once(child, "exit");
    expect(code).toBe(1);
    expect(stderr).toContain("expected a mock option, got `drfit`");
  });
});
