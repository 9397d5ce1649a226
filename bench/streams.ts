// P10: 1 000 calls that are open as streams at one time, through `portcullis serve` and without it: how long
// each takes from the server's answer to the client's, and what one takes of the guard's memory.
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Finding } from "./finding.js";
import { CLI, end, makeHome, start } from "./http.js";
import { median } from "./measure.js";

const SERVER: string = fileURLToPath(new URL("./stream-server.js", import.meta.url));
const STREAM_COUNT = 1_000;
const RUN_COUNT = 5;
const POLL_MS = 20;
const VERSION = "2026-07-28";

interface Place {
  readonly url: string;
  readonly token: string;
}

/** Opens one call; resolves with the head of the response. */
async function hold({ url, token }: Place, number: number): Promise<Response> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    progressToken: `token-${number}`,
  };
  const params = { name: "hold", arguments: { number }, _meta };
  return await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${token}`,
      "mcp-protocol-version": VERSION,
      "mcp-method": "tools/call",
      "mcp-name": "hold",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: number, method: "tools/call", params }),
  });
}

/** Reads a stream to its end: what it says is its own, or the benchmark ends. */
async function readOwn(response: Response, number: number): Promise<void> {
  const text = await response.text();
  for (const part of [`"token-${number}"`, `"held ${number}"`]) {
    if (!text.includes(part)) throw new Error(`expected ${part}, got ${text.slice(0, 400)}`);
  }
}

async function numberAt(url: string): Promise<number> {
  const value: number = await (await fetch(url)).json();
  return value;
}

/** us for each stream, from the release at the server to the last end; `whileOpen` is not timed. */
async function timeRelease(place: Place, server: string, whileOpen: () => void): Promise<number> {
  const numbers = Array.from({ length: STREAM_COUNT }, (_, number) => number);
  const responses = await Promise.all(numbers.map((number) => hold(place, number)));
  const read = Promise.all(responses.map((response, number) => readOwn(response, number)));
  while ((await numberAt(`${server}/held`)) < STREAM_COUNT) await wait(POLL_MS);
  whileOpen();
  const begin = performance.now();
  const released = await numberAt(`${server}/release`);
  await read;
  if (released !== STREAM_COUNT) throw new Error(`expected ${STREAM_COUNT}, got ${released}`);
  return ((performance.now() - begin) * 1e3) / STREAM_COUNT;
}

/** Bytes of memory that a process holds; `undefined` where the system does not say so. */
function rssOf({ pid }: ChildProcess): number | undefined {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return undefined;
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(file, "utf8"))?.[1]) * 1024;
}

function memoryFinding(before: number | undefined, open: number | undefined): Finding {
  const about = {
    key: "P10/streams/memory",
    what: `memory of the guard for one open stream, of ${STREAM_COUNT}`,
    ...({ unit: "B", scoreUnit: "B" } as const),
  };
  if (before === undefined || open === undefined) {
    return { ...about, values: {}, scores: [], skipped: "the system has no /proc" };
  }
  const each = (open - before) / STREAM_COUNT;
  return { ...about, values: { portcullis: each }, scores: [each] };
}

/** P10/streams. */
export async function measureStreams(): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  const children: ChildProcess[] = [];
  try {
    const upstream = await start([SERVER]);
    children.push(upstream.child);
    const server = `http://127.0.0.1:${upstream.line}`;
    const { home, token } = await makeHome(folder, `${server}/mcp`, "hold");
    const guard = await start([CLI, "serve", "--json", "--listen", "127.0.0.1:0", "--dir", home]);
    children.push(guard.child);
    const direct = { url: `${server}/mcp`, token };
    const guarded = { url: `${JSON.parse(guard.line).url}/mcp/hold`, token };
    const before = rssOf(guard.child);
    const open: (number | undefined)[] = [];
    const directUs: number[] = [];
    const guardedUs: number[] = [];
    for (let run = 0; run < RUN_COUNT; run++) {
      directUs.push(await timeRelease(direct, server, () => undefined));
      guardedUs.push(await timeRelease(guarded, server, () => open.push(rssOf(guard.child))));
    }
    return [
      {
        key: "P10/streams/released",
        what: `${STREAM_COUNT} streams open at once, one from its release to its end`,
        unit: "us",
        values: { portcullis: median(guardedUs), direct: median(directUs) },
        scores: guardedUs.map((us, run) => us / (directUs[run] ?? Number.NaN)),
        scoreUnit: "x",
      },
      // WHY: the first time; later the guard has memory that it was given before
      memoryFinding(before, open[0]),
    ];
  } finally {
    await Promise.all(children.map(end));
    rmSync(folder, { recursive: true, force: true });
  }
}
