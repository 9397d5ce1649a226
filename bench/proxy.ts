// P9: what `portcullis run` adds to a round trip, beside a direct connection and a proxy that only
// copies bytes. All three are open at once and take turns.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { fingerprintManifest, fingerprintTool } from "portcullis";
import { Connection } from "./connection.js";
import { ECHO_TOOL } from "./echo-server.js";
import type { Finding } from "./finding.js";
import { median, ROUND_COUNT } from "./measure.js";

const CLI: string = fileURLToPath(new URL("../esm/bin/main.js", import.meta.url));
const ECHO_SERVER: string = fileURLToPath(new URL("./echo-server.js", import.meta.url));
const PASS_THROUGH: string = fileURLToPath(new URL("./pass-through.js", import.meta.url));

const SERVER_COMMAND: readonly string[] = [process.execPath, ECHO_SERVER, "serve"];
const CALLS_PER_ROUND = 60;
const WARM_UP_CALLS = 600;
const PIPELINED_CALLS = 1000;
const DAY_MS = 86_400_000;
const INITIALIZE =
  '{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}';

function callOf(id: number, tool: string): string {
  const text =
    "a text of about a hundred characters, which is what many calls carry along with them";
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":{"text":"${text} ${id}"}}}`;
}

/** Makes a home through the command line, as its user would. */
function makeHome(folder: string): string {
  const home = join(folder, "home");
  const key = join(folder, "key.pem");
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, "catalog.toml"), catalogText());
  const cli = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [CLI, ...args], { encoding: "utf8", stdio: "pipe" });
  cli("key", "new", "--out", key);
  cli("root", "init", "--key", key, "--dir", home);
  cli("sign", "--key", key, "--dir", home);
  return home;
}

function catalogText(): string {
  const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  const now = Date.now();
  return `schema = 1
id = "bench"
version = 1
issued = ${instant(now)}
expires = ${instant(now + 30 * DAY_MS)}

[servers.echo]
command = ${JSON.stringify(SERVER_COMMAND)}
fingerprint = "${fingerprintManifest(`{"tools":[${ECHO_TOOL}]}`)}"
max_allowed_scope = ["fs.read"]

[servers.echo.tools.echo]
fingerprint = "${fingerprintTool(ECHO_TOOL)}"
scope = ["fs.read"]
effect = "read"
`;
}

/** Shakes hands, lists, calls once: everything that comes before the first measured call. */
async function open(command: readonly string[]): Promise<Connection> {
  const connection = new Connection(command);
  await connection.ask(INITIALIZE);
  connection.notify('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  await connection.ask('{"jsonrpc":"2.0","id":"l","method":"tools/list"}');
  const answer = await connection.ask(callOf(0, "echo"));
  if (answer.includes('"result":{"content"')) return connection;
  await connection.close();
  throw new Error(`got ${answer === "" ? connection.errorText : answer}`);
}

/** Median ms of one call. */
async function timeCalls(connection: Connection, count: number): Promise<number> {
  const times: number[] = [];
  for (let id = 1; id <= count; id++) {
    const call = callOf(id, "echo");
    const start = performance.now();
    const answer = await connection.ask(call);
    times.push(performance.now() - start);
    if (!answer.includes(`with them ${id}"`)) throw new Error(`call ${id}: got ${answer}`);
  }
  return median(times);
}

/** ms for many calls sent at once. */
async function timePipelined(connection: Connection): Promise<number> {
  const calls = Array.from({ length: PIPELINED_CALLS }, (_, id) => callOf(id, "echo"));
  const start = performance.now();
  const answers = await connection.askAll(calls);
  const time = performance.now() - start;
  if (answers.some((answer) => !answer.includes('"result"'))) {
    throw new Error("expected an answer to every call, got fewer");
  }
  return time;
}

/** The measured proxies must forward and refuse what they should. */
async function assertTruth(guarded: Connection, direct: Connection): Promise<void> {
  const refused = await guarded.ask(callOf(1, "smuggled"));
  const passed = await direct.ask(callOf(1, "smuggled"));
  if (!refused.includes('"code":4403') || !refused.includes("tool_smuggle")) {
    throw new Error(`expected tool_smuggle from the guard, got ${refused}`);
  }
  if (!passed.includes('"result"')) throw new Error(`expected a result, got ${passed}`);
}

/** Rounds of all three, interleaved. */
async function measureAll(connections: readonly Connection[]): Promise<Finding[]> {
  for (const connection of connections) await timeCalls(connection, WARM_UP_CALLS);
  for (const connection of connections) await timePipelined(connection);
  const latencies = connections.map((): number[] => []);
  const pipelined = connections.map((): number[] => []);
  for (let round = 0; round < ROUND_COUNT; round++) {
    for (let turn = 0; turn < connections.length; turn++) {
      const place = (round + turn) % connections.length;
      const connection = connections[place];
      if (connection === undefined) continue;
      latencies[place]?.push(await timeCalls(connection, CALLS_PER_ROUND));
      pipelined[place]?.push(await timePipelined(connection));
    }
  }
  return findingsOf(latencies, pipelined);
}

function findingsOf(latencies: readonly number[][], pipelined: readonly number[][]): Finding[] {
  const [guarded = [], direct = [], copied = []] = latencies;
  const [guardedAll = [], directAll = [], copiedAll = []] = pipelined;
  const pair = (a: readonly number[], b: readonly number[], f: (x: number, y: number) => number) =>
    median(a.map((value, index) => f(value, b[index] ?? Number.NaN)));
  const values = {
    portcullis: median(guarded),
    direct: median(direct),
    "pass-through": median(copied),
  };
  const perCall = (times: readonly number[]): number => (median(times) * 1000) / PIPELINED_CALLS;
  return [
    {
      key: "P9/added",
      what: "stdio round trip, added by the proxy",
      unit: "ms",
      values,
      scores: [pair(guarded, direct, (a, b) => a - b)],
      scoreUnit: "ms",
    },
    {
      key: "P9/pass-through",
      what: "stdio round trip, against a proxy that copies",
      unit: "ms",
      values,
      scores: [pair(guarded, copied, (a, b) => a / b)],
      scoreUnit: "x",
    },
    {
      key: "P9/throughput",
      what: `${PIPELINED_CALLS} calls at once, against a proxy that copies`,
      unit: "us",
      values: {
        portcullis: perCall(guardedAll),
        direct: perCall(directAll),
        "pass-through": perCall(copiedAll),
      },
      scores: [pair(copiedAll, guardedAll, (a, b) => a / b)],
      scoreUnit: "x",
    },
  ];
}

function skippedFindings(reason: string): Finding[] {
  return ["P9/added", "P9/pass-through", "P9/throughput"].map((key) => ({
    key,
    what: "stdio proxy",
    unit: "ms",
    values: {},
    scores: [],
    scoreUnit: "x",
    skipped: `not measured: ${reason.split("\n", 1)[0]?.slice(0, 120) ?? ""}`,
  }));
}

/** P9. Without a working `portcullis run` the findings say why. */
export async function measureProxy(): Promise<Finding[]> {
  if (!existsSync(CLI)) return skippedFindings("there is no portcullis command");
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const connections: Connection[] = [];
  try {
    const home = makeHome(folder);
    const run = [process.execPath, CLI, "run", "--dir", home, "--server", "echo", "--"];
    for (const prefix of [run, [], [process.execPath, PASS_THROUGH]]) {
      connections.push(await open([...prefix, ...SERVER_COMMAND]));
    }
    const [guarded, direct] = connections;
    if (guarded !== undefined && direct !== undefined) await assertTruth(guarded, direct);
    return await measureAll(connections);
  } catch (error) {
    return skippedFindings(error instanceof Error ? error.message : String(error));
  } finally {
    for (const connection of connections) await connection.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
