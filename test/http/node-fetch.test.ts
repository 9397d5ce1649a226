// `fetch` over Node's own client, against real servers: what goes out, what comes back, what is given up.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { nodeFetch } from "../../src/http/node-fetch.ts";

const servers: { close(): unknown }[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    if ("closeAllConnections" in server && typeof server.closeAllConnections === "function") {
      server.closeAllConnections();
    }
    server.close();
  }
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${addressOf(server).port}/mcp?a=1`;
}

function addressOf(server: { address(): AddressInfo | string | null }): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected an address");
  return address;
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe("nodeFetch", () => {
  it("sends the method, the headers and the body that it is given, and nothing of its own", async () => {
    const seen: object[] = [];
    const url = await serve(async (incoming, outgoing) => {
      const { method, url: path, headers } = incoming;
      seen.push({ method, path, headers, body: await textOf(incoming) });
      outgoing
        .writeHead(201, { "content-type": "application/json", "x-two": ["a", "b"] })
        .end("{}");
    });
    const headers = new Headers({ authorization: "Bearer x", "mcp-name": "é" });
    const response = await nodeFetch()(url, { method: "POST", headers, body: utf8("grüß") });
    expect(seen).toEqual([
      {
        method: "POST",
        path: "/mcp?a=1",
        headers: {
          host: new URL(url).host,
          connection: "keep-alive",
          "content-length": "6",
          authorization: "Bearer x",
          "mcp-name": "é",
        },
        body: "grüß",
      },
    ]);
    expect(response.status).toBe(201);
    expect(response.headers.get("x-two")).toBe("a, b");
    expect(await response.text()).toBe("{}");
  });

  it("keeps a connection for the next request, also when a body is not looked at", async () => {
    const ports = new Set<number | undefined>();
    const url = await serve((incoming, outgoing) => {
      ports.add(incoming.socket.remotePort);
      outgoing.end("short");
    });
    const fetch = nodeFetch();
    for (let round = 0; round < 5; round++) {
      const response = await fetch(url, { method: "GET" });
      if (round % 2 === 0) expect(await response.text()).toBe("short");
      else await response.body?.cancel();
    }
    expect(ports.size).toBe(1);
  });

  it("gives a stream piece by piece, and ends it for the server when it is given up", async () => {
    let gone: Promise<unknown> | undefined;
    const url = await serve((_incoming, outgoing) => {
      gone = once(outgoing, "close");
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      outgoing.write("data: 1\n\n");
    });
    const response = await nodeFetch()(url, { method: "GET" });
    const reader = response.body?.getReader();
    const part = await reader?.read();
    expect(utf8Text(part?.value ?? new Uint8Array(0))).toBe("data: 1\n\n");
    await reader?.cancel();
    await gone;
  });

  it("reads no further than its reader does", async () => {
    let written = 0;
    const chunk = Buffer.alloc(1 << 16);
    const url = await serve((_incoming, outgoing) => {
      const more = (): void => {
        while (written < 1 << 28 && !outgoing.destroyed) {
          written += chunk.length;
          if (!outgoing.write(chunk)) {
            outgoing.once("drain", more);
            return;
          }
        }
      };
      more();
    });
    const response = await nodeFetch()(url, { method: "GET" });
    let before = -1;
    while (written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    // what the sockets of both sides hold, of 256 MiB
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(1 << 25);
    await response.body?.cancel();
  });

  it("follows no redirect and decodes nothing", async () => {
    const packed = gzipSync("hello");
    const url = await serve((incoming, outgoing) => {
      if (incoming.url === "/elsewhere") outgoing.end("followed");
      const headers = { location: "/elsewhere", "content-encoding": "gzip" };
      outgoing.writeHead(307, headers).end(packed);
    });
    const response = await nodeFetch()(url, { method: "GET" });
    expect(response.status).toBe(307);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(packed);
  });

  it.each([204, 205, 304])("gives no body with status %i", async (status) => {
    const url = await serve((_incoming, outgoing) => void outgoing.writeHead(status).end());
    const response = await nodeFetch()(url, { method: "GET" });
    expect(response.status).toBe(status);
    expect(response.body).toBeNull();
  });

  it("rejects when it is told to stop, before and while it waits", async () => {
    let asked = 0;
    const url = await serve(() => {
      asked += 1;
      abort.abort();
    });
    const fetch = nodeFetch();
    const early = fetch(url, { method: "GET", signal: AbortSignal.abort() });
    await expect(early).rejects.toThrow("aborted");
    expect(asked).toBe(0);
    const abort = new AbortController();
    await expect(fetch(url, { method: "GET", signal: abort.signal })).rejects.toThrow("aborted");
    expect(asked).toBe(1);
  });

  it("breaks a body off when it is told to stop in the middle of it", async () => {
    const url = await serve((_incoming, outgoing) => void outgoing.write("begun"));
    const abort = new AbortController();
    const response = await nodeFetch()(url, { method: "GET", signal: abort.signal });
    abort.abort();
    await expect(response.text()).rejects.toThrow();
  });

  it("says when a server breaks a body off", async () => {
    const url = await serve((_incoming, outgoing) => {
      outgoing.writeHead(200, { "content-length": "100" });
      outgoing.write("begun", () => void outgoing.destroy());
    });
    const response = await nodeFetch()(url, { method: "GET" });
    await expect(response.text()).rejects.toThrow();
  });

  it.each([
    ["nothing", ""],
    ["no HTTP", "220 mail.example ready\r\n"],
    ["a status beyond all", "HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na"],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\na",
    ],
    ["another protocol", "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"],
  ])("rejects a server that answers %s", async (_what, answer) => {
    const server = createTcpServer((socket) => void socket.on("error", () => {}).end(answer));
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${addressOf(server).port}/`;
    await expect(nodeFetch()(url, { method: "GET" })).rejects.toThrow();
  });

  it("rejects where nobody listens", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = addressOf(server);
    server.close();
    await once(server, "close");
    const url = `http://127.0.0.1:${port}/`;
    await expect(nodeFetch()(url, { method: "GET" })).rejects.toThrow("ECONNREFUSED");
  });

  it("trusts no certificate that nobody vouches for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-tls-"));
    try {
      const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
      const subject = ["-subj", "/CN=localhost", "-days", "2", "-nodes"];
      const files = ["-newkey", "rsa:2048", "-keyout", key, "-out", cert];
      execFileSync("openssl", ["req", "-x509", ...subject, ...files], { stdio: "pipe" });
      let asked = 0;
      const pair = { key: readFileSync(key), cert: readFileSync(cert) };
      const server = createSecureServer(pair, (_incoming, outgoing) => {
        asked += 1;
        outgoing.end();
      });
      servers.push(server);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const url = `https://localhost:${addressOf(server).port}/`;
      await expect(nodeFetch()(url, { method: "GET" })).rejects.toThrow("self-signed certificate");
      expect(asked).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses a body that is no bytes", async () => {
    const sent = nodeFetch()("http://127.0.0.1:1/", { method: "POST", body: "text" });
    await expect(sent).rejects.toThrow("expected a body of bytes");
  });
});
