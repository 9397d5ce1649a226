// Node's server in front of a handler, spoken to byte by byte: what is no single request is none.
import { connect, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import { RawClient } from "./raw-streams.ts";
import { HttpRig, TOKEN } from "./rig.ts";
import { serveHandler } from "./servers.ts";

const LEAVING_COUNT = 1_500;

/** Sends raw bytes; resolves to what came back when the other side has closed. */
function raw(url: string, text: string): Promise<string> {
  const { port, hostname } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

const statusOf = (answer: string): string => answer.split(" ")[1] ?? answer;

describe("requests that could be read in two ways", () => {
  it.each<[string, (host: string) => string]>([
    ["two hosts", (host) => `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\n`],
    ["no host", () => "GET /healthz HTTP/1.1\r\n"],
    [
      "another host in the target",
      () => "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n",
    ],
    [
      "two tokens",
      (host) =>
        `GET /metrics HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n`,
    ],
    [
      "two sessions",
      (host) =>
        `GET /mcp/filesystem HTTP/1.1\r\nHost: ${host}\r\nMcp-Session-Id: a\r\nMcp-Session-Id: b\r\n`,
    ],
    ["a host with a path", () => "GET /healthz HTTP/1.1\r\nHost: localhost/../evil\r\n"],
    [
      "two lengths",
      (host) =>
        `POST /mcp/filesystem HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nContent-Length: 3\r\n`,
    ],
    [
      "a length and chunks",
      (host) =>
        `POST /mcp/filesystem HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n`,
    ],
    ["a method that is none", (host) => `TRACE /healthz HTTP/1.1\r\nHost: ${host}\r\n`],
  ])("%s", async (_what, head) => {
    const rig = await HttpRig.start();
    const url = await serveHandler(rig.guard);
    const answer = await raw(url, `${head(new URL(url).host)}Connection: close\r\n\r\n`);
    expect(["400", "405"]).toContain(statusOf(answer));
    expect(rig.upstream.seen).toEqual([]);
  });

  it("D7 a name that was rebound to this machine is not served", async () => {
    const rig = await HttpRig.start();
    const url = await serveHandler(rig.guard);
    const { port } = new URL(url);
    const answer = await raw(
      url,
      `GET /healthz HTTP/1.1\r\nHost: rebound.example:${port}\r\nConnection: close\r\n\r\n`,
    );
    expect(statusOf(answer)).toBe("403");
  });

  it("a plain one is answered", async () => {
    const rig = await HttpRig.start();
    const url = await serveHandler(rig.guard);
    const { host } = new URL(url);
    const answer = await raw(
      url,
      `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    expect(statusOf(answer)).toBe("200");
  });

  it("a caller who is refused is not waited for to send the rest", async () => {
    const rig = await HttpRig.start();
    const url = await serveHandler(rig.guard);
    const { host } = new URL(url);
    const head = `POST /mcp/filesystem HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`;
    const answer = await raw(url, head);
    expect(statusOf(answer)).toBe("401");
    expect(answer.toLowerCase()).toContain("connection: close");
  });
});

describe("clients that leave open streams", () => {
  it("are told to whoever listens to the request's signal, also after garbage was collected", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    let toldCount = 0;
    const url = await serveHandler(async ({ signal }) => {
      signal.addEventListener("abort", () => {
        toldCount += 1;
      });
      const body = new ReadableStream({ start: (stream) => stream.enqueue(utf8("data: {}\n\n")) });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const client = new RawClient(url, TOKEN);
    // WHY: what is not optimized yet keeps its arguments, and so hides the loss
    const opening = Array.from({ length: LEAVING_COUNT }, () => client.open({ method: "GET" }));
    const streams = await Promise.all(opening);
    for (let turn = 0; turn < 3; turn++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const stream of streams) stream.destroy();
    await expect.poll(() => toldCount).toBe(LEAVING_COUNT);
    client.close();
  });
});
