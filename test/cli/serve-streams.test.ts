// 1 000 streams at one time through one `portcullis serve`: each gets what is its own, and what was
// open is given back.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterEach, describe, expect, it } from "vitest";
import { createNodeServer } from "../../src/http/node-server.ts";
import { HeldServer } from "../http/held-server.ts";
import { RawClient, type RawStream } from "../http/raw-streams.ts";
import { modernHeaders, modernRequest } from "../http/rig.ts";
import { listen, stopServers } from "../http/servers.ts";
import { cliJson } from "./process.ts";
import { connect2, makeToken, type Serving, startServe } from "./serve-rig.ts";
import { makeUrlHome } from "./url-home.ts";

const STREAM_COUNT = 1_000;
/** Clients of the modern era that all have a call with the same id in flight, as clients of one SDK do. */
const SAME_ID_COUNT = 300;
/** Of the calls, so many are closed by their clients before the answer. */
const LEAVER_COUNT = 100;
const NUMBERS: readonly number[] = Array.from({ length: STREAM_COUNT }, (_, number) => number);
const LEAVERS = NUMBERS.slice(0, LEAVER_COUNT);
const STAYERS = NUMBERS.slice(LEAVER_COUNT);
/** Bytes of memory of the whole guard, several times what the streams need. */
const RSS_MAX = 1 << 29;
/** Files and sockets of a guard that nobody speaks to, and then some. */
const FILE_COUNT_MAX = 100;
const LEGACY = "2025-11-25";
const TIME_MAX_MS = 180_000;
/** For what 1 000 streams have to do on a busy machine. */
const PATIENT = { timeout: 60_000 };
const hasProc = existsSync("/proc/self/status");

const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await stopServers();
});

interface Rig {
  readonly server: HeldServer;
  readonly serving: Serving;
  readonly client: RawClient;
  readonly url: string;
  readonly token: string;
}

async function startRig(): Promise<Rig> {
  const server = new HeldServer();
  const node = createNodeServer(server.handle);
  // WHY: on a machine this busy it would give up idle sockets in the moment in which they are used
  node.keepAliveTimeout = TIME_MAX_MS;
  const upstream = await listen(node);
  const { dir, key } = await makeUrlHome(`${upstream}/mcp`, 'allow = ["tools", "logging"]');
  await cliJson(["pin", "remote", "--dir", dir]);
  await cliJson(["sign", "--key", key, "--dir", dir]);
  const token = await makeToken(dir, "agent:a");
  const serving = await startServe(["--dir", dir]);
  const [url = ""] = serving.servers;
  const client = new RawClient(url, token);
  clients.push(client);
  return { server, serving, client, url, token };
}

/** What the guard counts. */
async function metricsOf({ serving, token }: Rig): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  return await (await fetch(`${serving.url}/metrics`, { headers })).text();
}

async function gauge(rig: Rig, name: string): Promise<number> {
  const metrics = await metricsOf(rig);
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(metrics)?.[1] ?? Number.NaN);
}

/** Bytes of memory that a process holds, where the system says so. */
function expectBounded({ pid }: Serving): void {
  if (!hasProc) return;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rss = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  expect(rss).toBeGreaterThan(0);
  expect(rss).toBeLessThan(RSS_MAX);
}

/** What is counted only where something was refused, lost or broken. */
const FAILURES = /outcome="deny"|_dropped_total\{.*reason="(?!allowed")|_faults_total \d/;

/** Nothing was refused, nothing warned of, and everything that was open is given back. */
async function expectGivenBack(rig: Rig): Promise<void> {
  const { serving, client, server } = rig;
  expect(await metricsOf(rig)).not.toMatch(FAILURES);
  await expect.poll(() => gauge(rig, "portcullis_streams"), PATIENT).toBe(0);
  expect([server.held.size, server.listening.size]).toEqual([0, 0]);
  expect(serving.stderr()).toBe("");
  client.close();
  await stopServers();
  if (!hasProc) return;
  const fileCount = (): number => readdirSync(`/proc/${serving.pid}/fd`).length;
  await expect.poll(fileCount, PATIENT).toBeLessThan(FILE_COUNT_MAX);
}

describe("1 000 streams at one time", { timeout: TIME_MAX_MS }, () => {
  it("modern: every call gets its own progress and result, and no other's", async () => {
    const rig = await startRig();
    const { server, client, serving } = rig;
    const streams = await Promise.all(NUMBERS.map((number) => hold(client, number)));
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    await expect
      .poll(() => streams.every(({ messages }) => messages.length > 0), PATIENT)
      .toBe(true);
    expect(server.held.size).toBe(STREAM_COUNT);
    expect(await gauge(rig, "portcullis_streams")).toBe(STREAM_COUNT);
    expect(await gauge(rig, "portcullis_lanes")).toBe(SAME_ID_COUNT);
    expectBounded(serving);
    await expectAnswer(rig, "auto");

    for (const number of LEAVERS) streams[number]?.destroy();
    await expect.poll(() => server.held.size, PATIENT).toBe(STAYERS.length);
    for (const number of STAYERS.toReversed()) server.release(number);
    await Promise.all(STAYERS.map((number) => streams[number]?.ended));
    for (const number of STAYERS) expectOwn(streams[number], number);
    for (const number of LEAVERS) expect(streams[number]?.messages).toHaveLength(1);
    expect(server.closed).toBe(LEAVER_COUNT);
    await expectGivenBack(rig);
  });

  it("legacy: every session hears what is said to it, and to no other", async () => {
    const rig = await startRig();
    const { server, client, serving } = rig;
    const sessions = await Promise.all(NUMBERS.map((number) => openSession(client, number)));
    const streams = await Promise.all(
      sessions.map((session) => client.open({ method: "GET", headers: legacyHeaders(session) })),
    );
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    expect([server.sessionCount, server.listening.size]).toEqual([STREAM_COUNT, STREAM_COUNT]);
    expect(await gauge(rig, "portcullis_streams")).toBe(STREAM_COUNT);
    expect(await gauge(rig, "portcullis_sessions")).toBe(STREAM_COUNT);
    expectBounded(serving);
    await expectAnswer(rig, "legacy");

    await Promise.all(NUMBERS.toReversed().map((number) => server.tell(markOf(number))));
    await expect
      .poll(() => streams.every(({ messages }) => messages.length > 0), PATIENT)
      .toBe(true);
    for (const [number, { messages }] of streams.entries()) {
      expect(messages.map(({ params }) => params?.["data"])).toEqual([`for ${markOf(number)}`]);
    }
    for (const stream of streams) stream.destroy();
    await expect.poll(() => server.listening.size, PATIENT).toBe(0);
    const ends = await Promise.all(
      sessions.map((session) => client.ask({ method: "DELETE", headers: legacyHeaders(session) })),
    );
    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set([200]));
    expect([server.sessionCount, await gauge(rig, "portcullis_sessions")]).toEqual([0, 0]);
    await expectGivenBack(rig);
  });
});

/** One client has a call with each of these ids; as many as it takes have one with the first. */
function idOf(number: number): number {
  return Math.max(0, number - SAME_ID_COUNT + 1);
}

/** A call that is answered when the server lets it. */
function hold(client: RawClient, number: number): Promise<RawStream> {
  const params = { name: "hold", arguments: { number } };
  const message = modernRequest("tools/call", params, { id: idOf(number) });
  Object.assign(message.params["_meta"] ?? {}, { progressToken: `token-${number}` });
  return client.open({ method: "POST", headers: modernHeaders(message), message });
}

function expectOwn(stream: RawStream | undefined, number: number): void {
  const progress = (step: number): object => ({
    method: "notifications/progress",
    params: { progressToken: `token-${number}`, progress: step, message: `${step} of ${number}` },
  });
  expect(stream?.messages).toMatchObject([
    progress(1),
    progress(2),
    { id: idOf(number), result: { content: [{ text: `held ${number}` }] } },
  ]);
}

function markOf(number: number): string {
  return `client-${number}`;
}

function legacyHeaders(session: string): Record<string, string> {
  return { "mcp-session-id": session, "mcp-protocol-version": LEGACY };
}

async function openSession(client: RawClient, number: number): Promise<string> {
  const clientInfo = { name: markOf(number), version: "1" };
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo };
  const message = { jsonrpc: "2.0", id: 1, method: "initialize", params };
  const opened = await client.ask({ method: "POST", message });
  const session = String(opened.headers["mcp-session-id"]);
  const initialized = { jsonrpc: "2.0", method: "notifications/initialized" };
  const headers = legacyHeaders(session);
  const { status } = await client.ask({ method: "POST", headers, message: initialized });
  expect([opened.status, status]).toEqual([200, 202]);
  return session;
}

/** A client of the SDK gets its answer meanwhile. */
async function expectAnswer({ url, token }: Rig, mode: "legacy" | "auto"): Promise<void> {
  const client = await connect2(url, token, mode);
  const sum = await client.callTool({ name: "add", arguments: { a: 2, b: 3 } });
  expect(sum).toMatchObject({ content: [{ type: "text", text: "5" }] });
  const { transport } = client;
  if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
  await client.close();
}
