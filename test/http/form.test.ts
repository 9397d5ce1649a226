// What a request has to be before it is a message: host, origin, method, type, size, time.
import { describe, expect, it } from "vitest";
import { LIMIT_MESSAGE_HTTP_BYTES } from "../../src/abi/limits.ts";
import { LIMIT_BODY_WAIT_MS, LIMIT_HEADER_CHARACTERS } from "../../src/http/limits.ts";
import { isHostAllowed, LOOPBACK_HOSTS } from "../../src/http/request-checks.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { HttpRig, modernHeaders, modernRequest, reasonOf, TOKEN } from "./rig.ts";

const PARAMS = { name: "read_text_file", arguments: FIXTURE_ARGUMENTS.get("read_text_file") };

async function expectNothingSent(rig: HttpRig, response: Response, status: number): Promise<void> {
  expect(response.status).toBe(status);
  expect(rig.upstream.seen).toEqual([]);
  expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason: "malformed_message" });
}

describe("D7 host and origin", () => {
  it.each([
    "evil.example",
    "evil.example:8787",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.2",
    "localhost@evil.example",
    "localhost:8787:80",
    "",
  ])("a request for the host `%s` is refused", async (host) => {
    const rig = await HttpRig.start();
    const response = await rig.modern("tools/call", PARAMS, { headers: { host } });
    await expectNothingSent(rig, response, 403);
  });

  it("the host of the URL has to be one that is meant, as well", async () => {
    const rig = await HttpRig.start();
    const url = "http://rebound.example/mcp/filesystem";
    const response = await rig.modern("tools/call", PARAMS, {
      url,
      headers: { host: "localhost" },
    });
    await expectNothingSent(rig, response, 403);
  });

  it("names of this machine for itself pass with any port, others when they are named", () => {
    for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1:65535", "[::1]", "[::1]:8787"]) {
      expect(isHostAllowed(host, LOOPBACK_HOSTS), host).toBe(true);
    }
    expect(isHostAllowed("guard.example.com:8443", ["guard.example.com"])).toBe(true);
    expect(isHostAllowed("guard.example.com:8443", ["guard.example.com:8443"])).toBe(true);
    expect(isHostAllowed("guard.example.com:80", ["guard.example.com:8443"])).toBe(false);
    expect(isHostAllowed("guard.example.com", ["guard.example.com:8443"])).toBe(false);
  });

  it.each([
    "https://evil.example",
    "http://localhost.evil.example",
    "http://localhost:3000",
    "https://localhost:8787",
    "null",
  ])("a page of the origin `%s` may not speak to the guard", async (origin) => {
    const rig = await HttpRig.start();
    const response = await rig.modern("tools/call", PARAMS, { headers: { origin } });
    await expectNothingSent(rig, response, 403);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("its own origin and named ones may; those can read the answer", async () => {
    const allowedOrigins = ["https://app.example.com"];
    const rig = await HttpRig.start({}, { allowedOrigins });
    const own = await rig.modern("tools/call", PARAMS, {
      headers: { origin: "http://localhost:8787" },
    });
    expect(await reasonOf(own)).toBe("allowed");
    const named = await rig.modern("tools/call", PARAMS, {
      headers: { origin: "https://app.example.com" },
    });
    expect(named.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(await reasonOf(named)).toBe("allowed");
  });

  it("a browser that asks beforehand is told which headers it may send", async () => {
    const rig = await HttpRig.start({}, { allowedOrigins: ["https://app.example.com"] });
    const ask = (origin: string): Promise<Response> =>
      rig.guard(
        new Request("http://localhost:8787/mcp/filesystem", {
          method: "OPTIONS",
          headers: { origin, "access-control-request-headers": "Authorization, Cookie, Mcp-Name" },
        }),
      );
    const told = await ask("https://app.example.com");
    expect(told.status).toBe(204);
    expect(told.headers.get("access-control-allow-headers")).toBe("authorization, mcp-name");
    expect((await ask("https://evil.example")).status).toBe(403);
    expect(rig.upstream.seen).toEqual([]);
  });
});

describe("D7 form", () => {
  it.each<[string, number, Record<string, string>]>([
    ["text/plain", 415, { "content-type": "text/plain" }],
    ["a form", 415, { "content-type": "application/x-www-form-urlencoded" }],
    ["another charset", 415, { "content-type": "application/json; charset=utf-16" }],
    ["a type that begins alike", 415, { "content-type": "application/json-patch+json" }],
    ["gzip", 415, { "content-encoding": "gzip" }],
    ["an encoding twice", 415, { "content-encoding": "identity, gzip" }],
    ["no events", 406, { accept: "application/json" }],
    ["no JSON", 406, { accept: "text/event-stream" }],
    ["a header without end", 431, { "mcp-name": "x".repeat(LIMIT_HEADER_CHARACTERS + 1) }],
  ])("%s is refused with %i", async (_what, status, headers) => {
    const rig = await HttpRig.start();
    await expectNothingSent(rig, await rig.modern("tools/call", PARAMS, { headers }), status);
  });

  it.each(["PUT", "PATCH", "HEAD", "OPTIONS"])("%s is no method of it", async (method) => {
    const rig = await HttpRig.start();
    const headers = { authorization: `Bearer ${TOKEN}` };
    const request = new Request("http://localhost:8787/mcp/filesystem", { method, headers });
    const response = await rig.guard(request);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST, GET, DELETE"]);
  });

  it("other paths are not there", async () => {
    const rig = await HttpRig.start();
    for (const path of ["/", "/mcp", "/mcp/", "/mcp/a/b", "/mcp/%ff", "/MCP/filesystem"]) {
      const url = `http://localhost:8787${path}`;
      expect((await rig.modern("tools/call", PARAMS, { url })).status, path).toBe(404);
    }
    expect(rig.upstream.seen).toEqual([]);
  });
});

describe("the size and the pace of a body", () => {
  const message = modernRequest("tools/call", PARAMS);
  const headers = modernHeaders(message);

  it("a body at the limit passes, one byte more is refused", async () => {
    const rig = await HttpRig.start();
    const text = JSON.stringify(message);
    const full = text + " ".repeat(LIMIT_MESSAGE_HTTP_BYTES - text.length);
    expect(await reasonOf(await rig.post(full, { headers }))).toBe("allowed");
    const seen = rig.upstream.seen.length;
    const over = await rig.post(`${full} `, { headers });
    expect(over.status).toBe(413);
    expect(rig.upstream.seen).toHaveLength(seen);
  });

  it("a length that is announced is not waited for", async () => {
    const rig = await HttpRig.start();
    const length = { "content-length": String(LIMIT_MESSAGE_HTTP_BYTES + 1) };
    const response = await rig.post(message, { headers: { ...headers, ...length } });
    await expectNothingSent(rig, response, 413);
  });

  it("a body without end is not read to its end", async () => {
    const rig = await HttpRig.start();
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const response = await rig.guard(streamed(body, headers));
    await expectNothingSent(rig, response, 413);
    expect(pulled).toBeLessThan(LIMIT_MESSAGE_HTTP_BYTES + 1_000_000);
  });

  it("a body that does not come is given up", async () => {
    const waits: number[] = [];
    const rig = await HttpRig.start(
      {},
      {
        timer: (delayMs, run) => {
          waits.push(delayMs);
          const timer = setTimeout(run, 0);
          return () => clearTimeout(timer);
        },
      },
    );
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"jsonrpc"')),
    });
    await expectNothingSent(rig, await rig.guard(streamed(body, headers)), 408);
    expect(waits).toContain(LIMIT_BODY_WAIT_MS);
  });

  it("a body that breaks off is refused", async () => {
    const rig = await HttpRig.start();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new Error("reset")),
    });
    await expectNothingSent(rig, await rig.guard(streamed(body, headers)), 400);
  });
});

function streamed(body: ReadableStream<Uint8Array>, headers: Record<string, string>): Request {
  const init: RequestInit & { duplex: "half" } = {
    method: "POST",
    body,
    duplex: "half",
    headers: {
      ...headers,
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
  };
  return new Request("http://localhost:8787/mcp/filesystem", init);
}

describe("health and metrics", () => {
  const get = (path: string, token?: string): Request =>
    new Request(`http://localhost:8787${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });

  it("health needs no token, and says when the catalog is out of force", async () => {
    let nowMs = Date.UTC(2026, 11, 1);
    const rig = await HttpRig.start({}, { clock: () => nowMs });
    expect((await rig.guard(get("/healthz"))).status).toBe(200);
    nowMs = Date.UTC(2030, 1, 1);
    const response = await rig.guard(get("/healthz"));
    expect([response.status, await response.json()]).toEqual([503, { ok: false, catalog: 7 }]);
  });

  it("metrics count decisions, for callers alone, and name nobody", async () => {
    const rig = await HttpRig.start();
    await rig.modern("tools/call", PARAMS);
    await rig.modern("tools/call", { name: "export_secrets", arguments: {} }, { id: 2 });
    expect((await rig.guard(get("/metrics"))).status).toBe(401);
    const response = await rig.guard(get("/metrics", TOKEN));
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toContain('portcullis_decisions_total{outcome="allow",reason="allowed"} 1\n');
    expect(text).toContain('portcullis_decisions_total{outcome="deny",reason="tool_smuggle"} 1\n');
    expect(text).toContain('portcullis_http_requests_total{status="401"} 1\n');
    expect(text).toContain("portcullis_lanes 1\n");
    for (const word of ["agent", "read_text_file", "filesystem", TOKEN]) {
      expect(text).not.toContain(word);
    }
  });
});
