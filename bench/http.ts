// P10: what `portcullis serve` adds to a call over HTTP, with the SDK's own client and server on both
// sides, and what a proxy adds that does nothing.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { fingerprintManifest, fingerprintTool } from "portcullis";
import type { Finding } from "./finding.js";
import { median, ROUND_COUNT } from "./measure.js";

export const CLI: string = fileURLToPath(new URL("../esm/bin/main.js", import.meta.url));
const PASS_THROUGH: string = fileURLToPath(new URL("./http-pass-through.js", import.meta.url));
const SERVER: string = fileURLToPath(new URL("./http-server.js", import.meta.url));
const CALLS_PER_ROUND = 40;
const WARM_UP_CALLS = 300;
const DAY_MS = 86_400_000;
const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2025-11-25",
};

type Mode = "legacy" | "auto";

/** Starts a process and gives the first line it prints. */
export async function start(
  args: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn(process.execPath, [...args], { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text.trim());
    });
    child.on("exit", (code) => reject(new Error(`${args[0]} has ended with ${code}`)));
  });
  return { child, line };
}

/** Ends a process, and waits for it: it may still write. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

/** The tools/list result as the server words it. */
async function listOf(url: string): Promise<string> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}';
  const response = await fetch(url, { method: "POST", headers: HEADERS, body });
  const text = await response.text();
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? text;
  return JSON.stringify(JSON.parse(data).result.tools);
}

/** A home that pins the one tool of the server at `url`; the server's id is the tool's name. */
export async function makeHome(
  folder: string,
  url: string,
  name: string,
): Promise<{ home: string; token: string }> {
  const home = join(folder, "home");
  const tools = await listOf(url);
  const [tool] = JSON.parse(tools);
  const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(
    join(home, "catalog.toml"),
    `schema = 1
id = "bench"
version = 1
issued = ${instant(Date.now())}
expires = ${instant(Date.now() + 30 * DAY_MS)}

[servers.${name}]
url = "${url}"
fingerprint = "${fingerprintManifest(`{"tools":${tools}}`)}"
max_allowed_scope = ["fs.read"]

[servers.${name}.tools.${name}]
fingerprint = "${fingerprintTool(JSON.stringify(tool))}"
scope = ["fs.read"]
effect = "read"
`,
  );
  const key = join(folder, "key.pem");
  const tokenFile = join(folder, "token");
  const cli = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [CLI, ...args], { encoding: "utf8", stdio: "pipe" });
  cli("key", "new", "--out", key);
  cli("root", "init", "--key", key, "--dir", home);
  cli("sign", "--key", key, "--dir", home);
  cli("token", "new", "--principal", "agent:bench", "--out", tokenFile, "--dir", home);
  return { home, token: readFileSync(tokenFile, "utf8").trim() };
}

async function connect(url: string, token: string, mode: Mode): Promise<Client> {
  const client = new Client({ name: "bench", version: "1.0.0" }, { versionNegotiation: { mode } });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  return client;
}

/** Median ms of one call. */
async function timeCalls(client: Client, count: number): Promise<number> {
  const times: number[] = [];
  for (let a = 0; a < count; a++) {
    const begin = performance.now();
    const { content } = await client.callTool({ name: "add", arguments: { a, b: 1 } });
    times.push(performance.now() - begin);
    if (!JSON.stringify(content).includes(`"${a + 1}"`)) throw new Error(`wrong sum of ${a} and 1`);
  }
  return median(times);
}

/** The same call three ways. */
interface Ways {
  readonly direct: Client;
  readonly copied: Client;
  readonly guarded: Client;
}

async function compare({ direct, copied, guarded }: Ways, mode: Mode): Promise<Finding[]> {
  const all = [direct, copied, guarded];
  for (const client of all) await timeCalls(client, WARM_UP_CALLS);
  const times = new Map(all.map((client): [Client, number[]] => [client, []]));
  for (let round = 0; round < ROUND_COUNT; round++) {
    for (const client of round % 2 === 0 ? all : all.toReversed()) {
      times.get(client)?.push(await timeCalls(client, CALLS_PER_ROUND));
    }
  }
  const of = (client: Client): number[] => times.get(client) ?? [];
  const values = {
    portcullis: median(of(guarded)),
    direct: median(of(direct)),
    "pass-through": median(of(copied)),
  };
  const era = mode === "auto" ? "modern" : mode;
  const against = (key: string, what: string, other: Client): Finding => ({
    key,
    what: `call over HTTP, ${era} era, against ${what}`,
    unit: "ms",
    values,
    scores: [median(of(guarded).map((ms, round) => ms / (of(other)[round] ?? Number.NaN)))],
    scoreUnit: "x",
  });
  return [
    against(`P10/${mode}`, "direct", direct),
    against(`P10/${mode}/pass-through`, "a proxy that copies", copied),
  ];
}

/** P10. */
export async function measureHttp(): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const children: ChildProcess[] = [];
  try {
    const upstream = await start([SERVER]);
    children.push(upstream.child);
    const url = `http://127.0.0.1:${upstream.line}/mcp`;
    const { home, token } = await makeHome(folder, url, "add");
    const guard = await start([CLI, "serve", "--json", "--listen", "127.0.0.1:0", "--dir", home]);
    children.push(guard.child);
    const guardedUrl = `${JSON.parse(guard.line).url}/mcp/add`;
    const copier = await start([PASS_THROUGH, upstream.line]);
    children.push(copier.child);
    const copiedUrl = `http://127.0.0.1:${copier.line}/mcp`;
    const findings: Finding[] = [];
    for (const mode of ["legacy", "auto"] as const) {
      const direct = await connect(url, token, mode);
      const guarded = await connect(guardedUrl, token, mode);
      const refused = await guarded.callTool({ name: "smuggled", arguments: {} }).catch(String);
      if (!String(refused).includes("tool_smuggle")) {
        throw new Error(`expected tool_smuggle from the guard, got ${refused}`);
      }
      const copied = await connect(copiedUrl, token, mode);
      findings.push(...(await compare({ direct, copied, guarded }, mode)));
      for (const client of [direct, copied, guarded]) await client.close();
    }
    return findings;
  } finally {
    await Promise.all(children.map(end));
    rmSync(folder, { recursive: true, force: true });
  }
}
