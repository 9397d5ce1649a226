// The guard as a process: bytes, ends, signals, back-pressure, and a child that dies.
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, it } from "vitest";
import { FIXTURE_SERVER, type MockOptions } from "../../src/testing/index.ts";
import {
  guardCommand,
  isAlive,
  mockCommand,
  mockLog,
  readRecords,
  Started,
  scratch,
  useGuardProcess,
} from "./guard-process.ts";
import { call, catalogToml, INITIALIZE, SERVER_ID } from "./rig.ts";

useGuardProcess();

function setUp(switches: MockOptions, serverKeys = "") {
  const logFile = join(scratch(), "server.jsonl");
  const command = mockCommand({ ...FIXTURE_SERVER, ...switches, logFile });
  const toml = catalogToml({ command, serverKeys });
  const { argv, recordFile } = guardCommand({ toml, serverId: SERVER_ID });
  return { argv, recordFile, logFile, command, toml };
}

const line = (message: object): string => `${JSON.stringify(message)}\n`;

describe("run", () => {
  it("passes what is allowed byte for byte, in both directions", async () => {
    const { argv, logFile, recordFile } = setUp({ callEcho: true });
    const guard = new Started(argv);
    // white space, member order, escapes and numbers as no serialiser would write them
    const odd =
      '{ "params":{"arguments":{"n":1.0, "message":"\\u00e9\\/"},"name":"ech\\u006f"} ,"method":"tools/call","id":"\\u0041","jsonrpc":"2.0"}';
    guard.end(`${odd}\n`);
    expect(await guard.exit).toEqual({ code: 0, signal: null });
    expect(mockLog(logFile).received.at(-1)).toBe(odd);
    expect(guard.lines()).toHaveLength(1);
    expect(JSON.parse(guard.lines()[0] ?? "")).toMatchObject({
      id: "A",
      result: { content: [{ text: '{"n":1.0, "message":"\\u00e9\\/"}' }] },
    });
    expect(readRecords(recordFile)).toMatchObject([
      { kind: "listing", reason: "allowed" },
      { kind: "decision", reason: "allowed", tool: "echo" },
    ]);
  });

  it("keeps a CR before the line feed", async () => {
    const { argv, logFile } = setUp({ lineEnd: "crlf" });
    const guard = new Started(argv);
    guard.end(`${JSON.stringify(call(1, "echo"))}\r\n`);
    await guard.exit;
    expect(mockLog(logFile).callsReceived).toBe(1);
    expect(guard.out.toString().endsWith("\r\n")).toBe(true);
  });

  it("A7: another command for a known server id is not started", async () => {
    const { command, toml } = setUp({});
    const other = [...command, "--more"];
    const { argv } = guardCommand({ toml, serverId: SERVER_ID, command: other });
    const guard = new Started(argv);
    guard.end(line(call(1, "echo")));
    expect(await guard.exit).toEqual({ code: 2, signal: null });
    expect(guard.err).toContain("SERVER_COMMAND: expected the command of the catalog");
    expect(guard.out).toHaveLength(0);
  });

  it("runs the very command of the catalog when it is given", async () => {
    const { command, toml, logFile } = setUp({});
    const { argv } = guardCommand({ toml, serverId: SERVER_ID, command });
    const guard = new Started(argv);
    guard.end(line(call(1, "echo")));
    expect(await guard.exit).toEqual({ code: 0, signal: null });
    expect(mockLog(logFile).callsReceived).toBe(1);
  });

  it("A1: a server id that the catalog does not name is not started", async () => {
    const { toml, logFile } = setUp({});
    const guard = new Started(guardCommand({ toml, serverId: "shadow" }).argv);
    guard.end();
    expect(await guard.exit).toEqual({ code: 2, signal: null });
    expect(guard.err).toContain("SERVER_UNKNOWN: expected a server of the catalog, got `shadow`");
    expect(mockLog(logFile).starts).toBe(0);
  });

  it("a command that does not exist is a fault with its name", async () => {
    const toml = catalogToml({ command: ["/nonexistent/server"] });
    const guard = new Started(guardCommand({ toml, serverId: SERVER_ID }).argv);
    guard.end();
    expect(await guard.exit).toEqual({ code: 2, signal: null });
    expect(guard.err).toContain("SERVER_START: expected to start `/nonexistent/server`");
  });

  it("passes the child's stderr and exit code through", async () => {
    const { argv } = setUp({ stderrText: "loading", exitAfterMessages: 1, exitCode: 42 });
    const guard = new Started(argv);
    guard.write(line({ jsonrpc: "2.0", id: 1, method: "ping" }));
    expect(await guard.exit).toEqual({ code: 42, signal: null });
    expect(guard.err).toContain("loading");
    expect(guard.lines()).toHaveLength(1);
  });

  it("gives the child the basic variables and the named ones that are set, and no others", async () => {
    const script = join(scratch(), "env.cjs");
    const out = join(scratch(), "env.json");
    const text = `require("fs").writeFileSync(${JSON.stringify(out)}, JSON.stringify(process.env))`;
    writeFileSync(script, text);
    const toml = catalogToml({
      command: [process.execPath, script],
      serverKeys: 'env = ["GIVEN_NAME", "UNSET_NAME"]',
    });
    const env = { GIVEN_NAME: "yes", SECRET_TOKEN: "no", HOME: "/tmp" };
    const guard = new Started(guardCommand({ toml, serverId: SERVER_ID }).argv, env);
    await guard.exit;
    const seen = JSON.parse(readFileSync(out, "utf8"));
    expect(seen).toMatchObject({ GIVEN_NAME: "yes", HOME: "/tmp" });
    const basic = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "GIVEN_NAME"];
    expect(Object.keys(seen).filter((name) => !basic.includes(name))).toEqual([]);
  });
});

describe("the end", () => {
  it("a child that dies in the middle of a call answers it with an error", async () => {
    const { argv, logFile, recordFile } = setUp({ callDelayMs: 60_000 });
    const guard = new Started(argv);
    guard.write(line(call(1, "echo")));
    await expect.poll(() => mockLog(logFile).callsReceived, { timeout: 20_000 }).toBe(1);
    const pid = Number(/"pid":(\d+)/.exec(readFileSync(logFile, "utf8"))?.[1]);
    process.kill(pid, "SIGKILL");
    expect(await guard.exit).toEqual({ code: 137, signal: null });
    expect(JSON.parse(guard.lines()[0] ?? "")).toMatchObject({
      id: 1,
      error: { code: -32603, message: "server filesystem has ended (signal SIGKILL)" },
    });
    expect(readRecords(recordFile).at(-1)).toMatchObject({ kind: "replace", method: "tools/call" });
  });

  it("a child that stays after its stdin has ended gets SIGTERM, then SIGKILL", async () => {
    const { argv, logFile } = setUp({ stayAfterEof: true, ignoreSigterm: true });
    const guard = new Started(argv);
    const started = Date.now();
    guard.end(line({ jsonrpc: "2.0", id: 1, method: "ping" }));
    expect(await guard.exit).toEqual({ code: 137, signal: null });
    expect(mockLog(logFile).endings).toEqual(["eof", "sigterm"]);
    expect(Date.now() - started).toBeGreaterThan(3_900);
  });

  it("a signal to the guard ends the child and everything it has started", async () => {
    const script = join(scratch(), "parent.cjs");
    const grand = "setInterval(() => {}, 1000)";
    const text = `const { spawn } = require("child_process");
const child = spawn(process.execPath, ["-e", ${JSON.stringify(grand)}], { stdio: "ignore" });
process.stderr.write("grandchild " + child.pid + "\\n");
setInterval(() => {}, 1000);`;
    writeFileSync(script, text);
    const toml = catalogToml({ command: [process.execPath, script] });
    const guard = new Started(guardCommand({ toml, serverId: SERVER_ID }).argv);
    await expect.poll(() => guard.err).toMatch(/grandchild \d+\n/);
    const pid = Number(/grandchild (\d+)/.exec(guard.err)?.[1]);
    expect(isAlive(pid)).toBe(true);
    guard.child.kill("SIGTERM");
    expect(await guard.exit).toEqual({ code: 143, signal: null });
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it("a signal in the very moment in which the child is started ends it, too", async () => {
    const { argv, logFile } = setUp({});
    const preload = join(scratch(), "preload.mjs");
    // what a busy machine does now and then: the signal is there before the guard goes on
    const text = `import processes from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
const { spawn } = processes;
processes.spawn = (...args) => {
  const child = spawn(...args);
  process.stderr.write("child " + child.pid + "\\n");
  process.kill(process.pid, "SIGTERM");
  return child;
};
syncBuiltinESMExports();`;
    writeFileSync(preload, text);
    const [node = "", ...rest] = argv;
    const guard = new Started([node, "--import", pathToFileURL(preload).href, ...rest]);
    expect(await once(guard.child, "exit")).toEqual([143, null]);
    const pid = Number(/child (\d+)/.exec(guard.err)?.[1]);
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect(mockLog(logFile).callsReceived).toBe(0);
  });

  it("requests that came before the end of stdin are answered before the child is ended", async () => {
    const { argv } = setUp({ listDelayMs: 200, callDelayMs: 200 });
    const guard = new Started(argv);
    guard.end(`${line(INITIALIZE)}${line(call(1, "echo"))}${line(call(2, "export_secrets"))}`);
    expect(await guard.exit).toEqual({ code: 0, signal: null });
    const ids = guard.lines().map((text) => JSON.parse(text).id);
    expect(ids.toSorted()).toEqual([1, 2, "init"]);
  });

  it("a fault of the guard ends the server, and no message passes after it", async () => {
    const { argv, recordFile } = setUp({});
    // records cannot be written to what is a folder
    mkdirSync(recordFile);
    const guard = new Started(argv);
    guard.end(`${line(call(1, "echo"))}${line(call(2, "echo"))}`);
    expect((await guard.exit).code).toBe(2);
    expect(guard.err).toContain("EISDIR");
    expect(guard.lines().map((text) => JSON.parse(text))).not.toContainEqual(
      expect.objectContaining({ result: expect.anything() }),
    );
  });

  it("a last line without line feed is no message", async () => {
    const { argv, logFile, recordFile } = setUp({});
    const guard = new Started(argv);
    guard.end(JSON.stringify(call(1, "echo")));
    expect(await guard.exit).toEqual({ code: 0, signal: null });
    expect(mockLog(logFile).callsReceived).toBe(0);
    expect(readRecords(recordFile)).toMatchObject([{ kind: "drop", sender: "client" }]);
  });
});

describe("load", () => {
  it("10 000 pipelined calls, written before anything is read, are all answered", async () => {
    const { argv } = setUp({});
    const guard = new Started(argv);
    guard.child.stdout?.pause();
    const calls = Array.from({ length: 10_000 }, (_, id) =>
      line(call(id, "echo", { message: "x" })),
    );
    guard.end(calls.join(""));
    await new Promise((done) => setTimeout(done, 300));
    guard.child.stdout?.resume();
    expect(await guard.exit).toEqual({ code: 0, signal: null });
    const ids = new Set(guard.lines().map((text) => JSON.parse(text).id));
    expect(ids.size).toBe(10_000);
  });

  it("a line over 10 MiB from the server is an error to its caller, and the next call works", async () => {
    const { argv } = setUp({ giantAnswerBytes: 10_485_761 });
    const guard = new Started(argv);
    guard.end(`${line(call(1, "echo"))}${line(call(2, "echo"))}`);
    await guard.exit;
    expect(guard.lines().map((text) => JSON.parse(text))).toMatchObject([
      { id: 1, error: { code: 4403, data: { reason: "malformed_message" } } },
      { id: 2, result: {} },
    ]);
  });

  it("a line of exactly 10 MiB passes", async () => {
    const { argv } = setUp({ giantAnswerBytes: 10_485_760 });
    const guard = new Started(argv);
    guard.end(line(call(1, "echo")));
    await guard.exit;
    expect(guard.out).toHaveLength(10_485_761);
  });
});

describe("the modern era", () => {
  it("a client of SDK 2 in auto mode speaks it through the guard, and is refused in it", async () => {
    const { argv, logFile, recordFile } = setUp({});
    const [file = "", ...args] = argv;
    const versionNegotiation = { mode: "auto" } as const;
    const client = new Client({ name: "test-client", version: "1" }, { versionNegotiation });
    await client.connect(new StdioClientTransport({ command: file, args, stderr: "ignore" }));
    expect(client.getProtocolEra()).toBe("modern");
    expect(client.getInstructions()).toBe(FIXTURE_SERVER.instructions);
    expect((await client.listTools()).tools).toHaveLength(5);
    const result = await client.callTool({ name: "echo", arguments: { message: "x" } });
    expect(result.content).toEqual([{ type: "text", text: "echo is done" }]);
    const refused = client.callTool({ name: "export_secrets", arguments: {} });
    await expect(refused).rejects.toMatchObject({ code: 4403, data: { reason: "tool_smuggle" } });
    await client.close();
    expect(mockLog(logFile)).toMatchObject({ callsReceived: 1 });
    expect(readRecords(recordFile).at(-1)).toMatchObject({ reason: "tool_smuggle" });
  });
});
