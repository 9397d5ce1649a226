// A server that says more than its client reads: it waits, and the guard's memory does not grow.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import type { CatalogServer } from "../../src/catalog/types.ts";
import { utf8 } from "../../src/bytes.ts";
import { createGuardHandler } from "../../src/http/handler.ts";
import { LIMIT_UNHEARD_BYTES } from "../../src/http/limits.ts";
import type { Link, LinkEvents, LinkFactory } from "../../src/http/link.ts";
import { childLinks } from "../../src/http/node-child-link.ts";
import { ClientStreams } from "../../src/http/client-streams.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { catalogToml, trust } from "../proxy/rig.ts";
import { GUARD_URL, initialize, TOKEN, TOKENS } from "./rig.ts";

const POLL = { timeout: 20_000 };
const READ_BYTES = 4_194_304;
/** What may lie in pipes, in chunks and in the stream of a client that reads nothing. */
const UNREAD_BYTES_MAX = 1_048_576;
const NOTE = { jsonrpc: "2.0", method: "notifications/message" };

/** Answers `initialize`, and then talks for ever. */
const TALKER = `
const note = ${JSON.stringify(NOTE)};
const text = JSON.stringify({ ...note, params: { level: "info", data: "x".repeat(10_000) } }) + "\\n";
const talk = () => { while (process.stdout.write(text)); process.stdout.once("drain", talk); };
process.stdin.once("data", (line) => {
  const { id } = JSON.parse(line);
  const serverInfo = { name: "talker", version: "1" };
  const result = { protocolVersion: "2025-11-25", capabilities: { logging: {} }, serverInfo };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
  talk();
});
process.stdin.resume();
`;

describe("a child that talks for ever", () => {
  it("is read as fast as its client reads, and no faster", async () => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-flood-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "talker.mjs");
    writeFileSync(file, TALKER);
    const watched = new WatchedLinks();
    const guard = createGuardHandler({
      catalog: await trust(
        catalogToml({ command: [process.execPath, file], allow: ["tools", "logging"] }),
      ),
      auth: { tokens: TOKENS },
      clock: () => NOW_MS,
      startCommand: (server) => watched.linkTo(server),
    });
    onTestFinished(() => guard.close());
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    };
    const body = JSON.stringify(initialize());
    const opened = await guard(new Request(GUARD_URL, { method: "POST", body, headers }));
    await opened.text();
    const session = opened.headers.get("mcp-session-id") ?? "";
    const listening = { ...headers, "mcp-session-id": session };
    const response = await guard(new Request(GUARD_URL, { headers: listening }));
    const stream = response.body?.getReader();
    await stream?.read();
    await expect.poll(() => watched.isWaiting, POLL).toBe(true);
    const before = watched.readBytes;
    for (let size = 0; size < READ_BYTES; ) size += (await stream?.read())?.value?.length ?? 0;
    await expect.poll(() => watched.isWaiting, POLL).toBe(true);
    const readMeanwhile = watched.readBytes - before;
    expect(readMeanwhile).toBeGreaterThan(READ_BYTES / 2);
    expect(readMeanwhile).toBeLessThan(READ_BYTES + UNREAD_BYTES_MAX);
  });

  it("what it says before there is a stream is kept up to a limit of bytes", () => {
    const streams = new ClientStreams();
    const half = utf8("x".repeat(LIMIT_UNHEARD_BYTES / 2));
    for (const line of [half, half]) streams.keep(line);
    expect(heardBy(streams)).toBe(2);
    for (const line of [half, half, utf8("y")]) streams.keep(line);
    expect(heardBy(streams)).toBe(2);
    streams.keep(utf8("x".repeat(LIMIT_UNHEARD_BYTES + 1)));
    expect(heardBy(streams)).toBe(0);
  });
});

/** How many lines were kept for the next stream. */
function heardBy(streams: ClientStreams): number {
  const stream = streams.open(new Map());
  let count = 0;
  if (stream === undefined) throw new Error("expected room for a stream");
  stream.openStream();
  stream.push = () => {
    count += 1;
  };
  streams.catchUp(stream);
  stream.end();
  return count;
}

/** Links to children that tell how much of them was read, and whether the guard waits for clients. */
class WatchedLinks {
  readBytes = 0;
  isWaiting = false;

  linkTo(server: CatalogServer): LinkFactory {
    return (events: LinkEvents): Link =>
      childLinks({ stderr: "ignore" })(server)({
        ...events,
        message: (text, from, fields) => {
          this.readBytes += text.length;
          events.message(text, from, fields);
        },
        room: async () => {
          this.isWaiting = true;
          await events.room();
          this.isWaiting = false;
        },
      });
  }
}
