// Answers of a server as they come over HTTP: events with every trick of their format, streams that go
// on, redirects, encodings, statuses; and what becomes of them when somebody leaves.
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { eventStream, MockUpstream } from "./mock-upstream.ts";
import { answerOf, call, HttpRig, messagesOf, reasonOf, TOKEN } from "./rig.ts";

const READ = "read_text_file";
const PARAMS = { name: READ, arguments: FIXTURE_ARGUMENTS.get(READ) };
const RESULT = { content: [{ type: "text", text: "hello" }] };

function isCall(body: Uint8Array): boolean {
  return new TextDecoder().decode(body).includes('"tools/call"');
}

/** A rig whose server answers calls with this response. */
async function answering(respond: (id: unknown) => Response): Promise<HttpRig> {
  const rig = await HttpRig.start();
  rig.upstream.override = ({ body }) => {
    if (!isCall(body)) return undefined;
    return respond(JSON.parse(new TextDecoder().decode(body)).id);
  };
  return rig;
}

const text = (message: object): string => JSON.stringify(message);

describe("D7 events", () => {
  const answer = (id: unknown): string => text({ jsonrpc: "2.0", id, result: RESULT });

  it.each<[string, (json: string) => string]>([
    ["line feeds", (json) => `event: message\ndata: ${json}\n\n`],
    ["CRLF", (json) => `event: message\r\ndata: ${json}\r\n\r\n`],
    ["lone CR", (json) => `event: message\rdata: ${json}\r\r`],
    ["a byte order mark", (json) => `\ufeffdata: ${json}\n\n`],
    ["no space, and a comment", (json) => `: ping\ndata:${json}\n\n: after\n\n`],
    ["data over several lines", (json) => `data: ${json.replace(",", ",\ndata: ")}\n\n`],
    ["fields that nobody knows", (json) => `x: 1\ndata: ${json}\ny\n\n`],
  ])("with %s the client gets the one message that was judged", async (_what, frame) => {
    const rig = await answering((id) => eventStream(frame(answer(id))));
    const response = await rig.modern("tools/call", PARAMS);
    const raw = await response.clone().text();
    expect((await answerOf(response)).result).toEqual(RESULT);
    expect(raw).toMatch(/^event: message\ndata: [^\r\n]+\n\n$/);
  });

  it("a second message, hidden behind a CR that some readers do not split at, does not pass", async () => {
    const hidden = text({ jsonrpc: "2.0", id: 99, result: { content: [] } });
    const rig = await answering((id) => eventStream(`data: ${answer(id)}\r\rdata: ${hidden}\n\n`));
    const messages = await messagesOf(await rig.modern("tools/call", PARAMS));
    expect(messages.map(({ id }) => id)).toEqual([1]);
  });

  it("an event of another type, and a last one without its end, are left out", async () => {
    const rig = await answering((id) =>
      eventStream(
        `event: endpoint\ndata: https://evil.example\n\ndata: ${answer(id)}\n\ndata: {"x"`,
      ),
    );
    const raw = await (await rig.modern("tools/call", PARAMS)).text();
    expect(raw).not.toContain("evil.example");
    expect(rig.reasons()).toContain("malformed_message");
  });

  it("a comment that keeps a stream alive becomes an empty one, whatever it says", async () => {
    let server: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        server = controller;
      },
    });
    const rig = await answering(
      () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
    );
    const response = await rig.modern("tools/call", PARAMS);
    const reader = response.body?.getReader();
    for (const part of [": ping from ev", "il.example\n", "\n: again\r\n\r\n: more\n\n"]) {
      server?.enqueue(utf8(part));
    }
    expect(utf8Text((await reader?.read())?.value ?? utf8(""))).toBe(":\n\n");
    server?.enqueue(utf8(`data: ${answer(1)}\n\n: after\n\n`));
    server?.close();
    let rest = "";
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      rest += utf8Text(part.value) ?? "";
    }
    expect(rest).toMatch(/^(:\n\n)?event: message\ndata: [^\r\n]+\n\n$/);
  });

  it("an event over the limit ends the stream, and the client is told", async () => {
    const rig = await answering((id) =>
      eventStream(`data: ${" ".repeat(5 << 20)}${answer(id)}\n\n`),
    );
    const { error } = await answerOf(await rig.modern("tools/call", PARAMS));
    expect(error?.message).toMatch(/ended its stream without an answer/);
  });

  it("an answer to another request, twice, or of another type goes nowhere", async () => {
    const rig = await answering((id) =>
      eventStream(
        [`${id}`, 99, id, id]
          .map((one) => `data: ${text({ jsonrpc: "2.0", id: one, result: RESULT })}\n\n`)
          .join(""),
      ),
    );
    const messages = await messagesOf(await rig.modern("tools/call", PARAMS));
    expect(messages.map(({ id }) => id)).toEqual([1]);
    expect(rig.reasons().filter((reason) => reason === "malformed_message").length).toBeGreaterThan(
      1,
    );
  });

  it("events are passed on one by one, before the answer is there", async () => {
    let send: (chunk: string) => void = () => undefined;
    let close: () => void = () => undefined;
    const rig = await answering(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          send = (chunk) => controller.enqueue(new TextEncoder().encode(chunk));
          close = () => controller.close();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const response = await rig.modern("tools/call", PARAMS);
    const reader = response.body?.getReader();
    const read = async (): Promise<string> =>
      new TextDecoder().decode((await reader?.read())?.value);
    const news = text({
      jsonrpc: "2.0",
      method: "notifications/progress",
      params: { progressToken: 1, progress: 1 },
    });
    send(`id: 7\nretry: 100\ndata: ${news}\n\n`);
    expect(await read()).toBe(`event: message\nid: 7\nretry: 100\ndata: ${news}\n\n`);
    send(`data: ${answer(1)}\n\n`);
    expect(await read()).toContain('"result"');
    close();
    expect((await reader?.read())?.done).toBe(true);
  });

  it("a request of the server is refused where the catalog does not allow it", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    const asked = { jsonrpc: "2.0", id: "s1", method: "sampling/createMessage", params: {} };
    rig.upstream.override = ({ body }) =>
      isCall(body)
        ? eventStream(
            `data: ${text(asked)}\n\ndata: ${answer(JSON.parse(new TextDecoder().decode(body)).id)}\n\n`,
          )
        : undefined;
    const messages = await messagesOf(await rig.post(call(1, READ, PARAMS.arguments), { session }));
    expect(messages.map(({ id }) => id)).toEqual([1]);
    expect(rig.reasons()).toContain("feature_denied");
    const isTold = (): boolean =>
      rig.upstream.bodies("s1").some((one) => one.includes('"error"') && one.includes("4403"));
    await expect.poll(isTold, { timeout: 20_000 }).toBe(true);
  });
});

describe("D7 redirects, encodings, statuses", () => {
  it.each([
    ["another host", "https://evil.example/mcp"],
    ["another port", "https://mcp.example.com:8443/mcp"],
    ["another scheme", "http://mcp.example.com/mcp"],
    ["a private address", "http://169.254.169.254/latest/meta-data"],
    ["this machine", "http://127.0.0.1/"],
    ["a name with a password", "https://a:b@mcp.example.com/mcp"],
  ])("a redirect to %s is not followed", async (_what, location) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const rig = await answering(() => new Response(null, { status, headers: { location } }));
      const { error } = await answerOf(await rig.modern("tools/call", PARAMS));
      expect(error?.message).toMatch(/redirects/);
      for (const { url } of rig.upstream.seen) expect(url).toBe("https://mcp.example.com/mcp");
    }
  });

  it("one within the server's own origin is, with the same body, and not for ever", async () => {
    const rig = await HttpRig.start();
    rig.upstream.override = ({ url, body }) => {
      if (!isCall(body) || url.endsWith("/new")) return undefined;
      return new Response(null, { status: 307, headers: { location: "/new" } });
    };
    expect(await reasonOf(await rig.modern("tools/call", PARAMS))).toBe("allowed");
    const [first, second] = rig.upstream.seen.filter(({ body }) => isCall(body));
    expect(second?.url).toBe("https://mcp.example.com/new");
    expect(second?.body).toEqual(first?.body);
    const endless = await answering(
      () => new Response(null, { status: 308, headers: { location: "/x" } }),
    );
    expect((await answerOf(await endless.modern("tools/call", PARAMS))).error?.message).toMatch(
      /redirects/,
    );
    expect(endless.upstream.seen.filter(({ body }) => isCall(body))).toHaveLength(4);
  });

  it.each<[string, () => Response, RegExp]>([
    [
      "a compressed answer",
      () =>
        new Response("x", {
          headers: { "content-encoding": "gzip", "content-type": "application/json" },
        }),
      /encoding/,
    ],
    [
      "a page",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      /nothing that is an answer/,
    ],
    [
      "no JSON",
      () => new Response("{", { headers: { "content-type": "application/json" } }),
      /nothing that is an answer/,
    ],
    [
      "a batch",
      () =>
        new Response('[{"jsonrpc":"2.0","id":1,"result":{}}]', {
          headers: { "content-type": "application/json" },
        }),
      /nothing that is an answer/,
    ],
    [
      "refused credentials",
      () => new Response("secret", { status: 401, headers: { "www-authenticate": "Bearer" } }),
      /credentials/,
    ],
    [
      "an endless answer",
      () => new Response("x".repeat(5 << 20), { headers: { "content-type": "application/json" } }),
      /over the limit/,
    ],
  ])("%s is replaced by an error", async (_what, respond, message) => {
    const rig = await answering(respond);
    const response = await rig.modern("tools/call", PARAMS);
    expect(response.headers.get("www-authenticate")).toBeNull();
    const { id, error } = await answerOf(response);
    expect(id).toBe(1);
    expect(error?.message).toMatch(message);
  });

  it("a server that cannot be reached is one error, and the next call is decided anew", async () => {
    const rig = await HttpRig.start();
    rig.upstream.override = () => Promise.reject(new TypeError("fetch failed"));
    expect(await reasonOf(await rig.modern("tools/call", PARAMS))).toBe("server_not_admitted");
    rig.upstream.override = () => undefined;
    expect(await reasonOf(await rig.modern("tools/call", PARAMS, { id: 2 }))).toBe("allowed");
  });

  it("a status of the server that says something of the message is the client's", async () => {
    const rig = await answering((id) => {
      const body = text({ jsonrpc: "2.0", id, error: { code: -32601, message: "no" } });
      return new Response(body, { status: 404, headers: { "content-type": "application/json" } });
    });
    const response = await rig.modern("tools/call", PARAMS);
    expect(response.status).toBe(404);
    expect((await answerOf(response)).error?.code).toBe(-32601);
  });
});

describe("the general stream of a session", () => {
  async function listening(rig: HttpRig, session: string, lastEventId?: string): Promise<Response> {
    return await rig.guard(
      new Request("http://localhost:8787/mcp/filesystem", {
        headers: {
          authorization: `Bearer ${TOKEN}`,
          accept: "text/event-stream",
          "mcp-session-id": session,
          ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
        },
      }),
    );
  }

  it("is the server's own, judged event by event, and asks for what was missed", async () => {
    const rig = await HttpRig.start({ allow: ["tools", "logging"] });
    const session = await rig.open();
    const log = text({
      jsonrpc: "2.0",
      method: "notifications/message",
      params: { level: "info", data: "x" },
    });
    const denied = text({
      jsonrpc: "2.0",
      method: "notifications/resources/updated",
      params: { uri: "a:b" },
    });
    rig.upstream.override = ({ method }) =>
      method === "GET" ? eventStream(`id: 9\ndata: ${log}\n\ndata: ${denied}\n\n`) : undefined;
    const response = await listening(rig, session, "8");
    expect(await response.text()).toBe(`event: message\nid: 9\ndata: ${log}\n\n`);
    expect(rig.reasons()).toContain("feature_denied");
    const get = rig.upstream.seen.find(({ method }) => method === "GET");
    expect(get?.headers.get("last-event-id")).toBe("8");
    expect(get?.headers.get("authorization")).toBeNull();
  });

  it("a listing that is replayed on it is cut like any other", async () => {
    const rig = await HttpRig.start({ onDrift: "block-tool" });
    const session = await rig.open();
    const evil = { name: "evil", inputSchema: { type: "object" } };
    const list = { jsonrpc: "2.0", id: 5, method: "tools/list" };
    const answer = text({ jsonrpc: "2.0", id: 5, result: { tools: [evil] } });
    rig.upstream.override = ({ method, body }) => {
      if (method === "GET") return eventStream(`data: ${answer}\n\n`);
      const isList = new TextDecoder().decode(body).includes('"id":5');
      return isList ? eventStream("id: 1\ndata:\n\n") : undefined;
    };
    expect(await (await rig.post(list, { session })).text()).toBe("id: 1\ndata: \n\n");
    const replayed = await (await listening(rig, session, "1")).text();
    expect(replayed).toContain('"tools":[]');
    expect(replayed).not.toContain("evil");
  });

  it("is refused where the server has none, and in the modern era", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    expect((await listening(rig, session)).status).toBe(405);
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      accept: "text/event-stream",
      "mcp-protocol-version": "2026-07-28",
    };
    for (const method of ["GET", "DELETE"]) {
      const request = new Request("http://localhost:8787/mcp/filesystem", { method, headers });
      expect((await rig.guard(request)).status).toBe(405);
    }
  });

  it("a session that the server has forgotten is one that the client has to open again", async () => {
    const rig = await HttpRig.start();
    rig.upstream.override = async ({ body }) => {
      const answers = rig.upstream.mock.respond(body).flatMap(({ chunks }) => chunks);
      const all = answers.map((chunk) => new TextDecoder().decode(chunk)).join("");
      const headers = { "content-type": "application/json", "mcp-session-id": "u1" };
      return new Response(all === "" ? null : all, { status: all === "" ? 202 : 200, headers });
    };
    const session = await rig.open();
    rig.upstream.override = () => new Response(null, { status: 404 });
    const list = { jsonrpc: "2.0", id: 5, method: "prompts/list" };
    await rig.post({ jsonrpc: "2.0", method: "notifications/roots/list_changed" }, { session });
    const response = await rig.post({ jsonrpc: "2.0", id: 6, method: "ping" }, { session });
    expect(response.status).toBe(404);
    expect((await rig.post(list, { session })).status).toBe(404);
  });

  it("ends with DELETE, at the server as well", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    const headers = { authorization: `Bearer ${TOKEN}`, "mcp-session-id": session };
    const end = (): Promise<Response> =>
      rig.guard(new Request("http://localhost:8787/mcp/filesystem", { method: "DELETE", headers }));
    expect((await end()).status).toBe(204);
    expect((await end()).status).toBe(404);
    expect((await rig.post(call(1, READ, PARAMS.arguments), { session })).status).toBe(404);
  });
});

describe("a client that leaves", () => {
  it("modern: the request at the server is ended, and its id is free", async () => {
    let aborted = 0;
    let hangs = true;
    const upstream = new MockUpstream(FIXTURE_SERVER);
    const fetch = (url: string, init: RequestInit): Promise<Response> => {
      const { body, signal } = init;
      if (!hangs || !(body instanceof Uint8Array) || !isCall(body))
        return upstream.fetch(url, init);
      return new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => {
          aborted += 1;
          reject(new Error("aborted"));
        });
      });
    };
    const guarded = await HttpRig.start({}, { fetch });
    const abort = new AbortController();
    const left = guarded.modern("tools/call", PARAMS, { signal: abort.signal });
    await expect
      .poll(() => guarded.records.some(({ kind }) => kind === "decision"), { timeout: 20_000 })
      .toBe(true);
    abort.abort();
    expect((await left).status).toBe(499);
    expect(aborted).toBe(1);
    hangs = false;
    expect(await reasonOf(await guarded.modern("tools/call", PARAMS))).toBe("allowed");
  });
});
