// A newer catalog while sessions are open, and room for sessions and lanes.
import { describe, expect, it } from "vitest";
import {
  CALLER_SHARE,
  LIMIT_HTTP_SESSIONS,
  LIMIT_LANES,
  LIMIT_SESSION_IDLE_MS,
} from "../../src/http/limits.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { eventStream } from "./mock-upstream.ts";
import { trust } from "../proxy/rig.ts";
import {
  answerOf,
  call,
  HttpRig,
  httpCatalogToml,
  initialize,
  OTHER_TOKEN,
  reasonOf,
  TOKEN,
} from "./rig.ts";

const READ = "read_text_file";
const ARGS = FIXTURE_ARGUMENTS.get(READ) ?? {};
const PARAMS = { name: READ, arguments: ARGS };

function next(edit: (text: string) => string = (text) => text): ReturnType<typeof trust> {
  return trust(edit(httpCatalogToml().replace("version = 7", "version = 8")));
}

describe("a newer catalog", () => {
  it("decides the next message of every session and lane, after the guard has listed again", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    expect(await reasonOf(await rig.modern("tools/call", PARAMS))).toBe("allowed");
    expect(await reasonOf(await rig.post(call(1, READ, ARGS), { session }))).toBe("allowed");
    const catalog = await next();
    expect(rig.guard.replaceCatalog(catalog)).toEqual({ isNew: true, before: 7, now: 8 });
    const lists = rig.upstream.bodies("tools/list").length;
    expect(await reasonOf(await rig.modern("tools/call", PARAMS, { id: 2 }))).toBe("allowed");
    expect(await reasonOf(await rig.post(call(2, READ, ARGS), { session }))).toBe("allowed");
    expect(rig.upstream.bodies("tools/list")).toHaveLength(lists + 2);
    expect(rig.guard.currentCatalog()).toBe(catalog);
  });

  it("a tool that it drops is refused at once, in sessions that are open as well", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    await rig.modern("tools/call", PARAMS);
    const offer = {
      ...FIXTURE_SERVER,
      tools: (FIXTURE_SERVER.tools ?? []).filter(({ name }) => name !== READ),
    };
    const toml = httpCatalogToml({ offer }).replace("version = 7", "version = 8");
    rig.guard.replaceCatalog(await trust(toml));
    expect(await reasonOf(await rig.modern("tools/call", PARAMS, { id: 2 }))).toBe("tool_smuggle");
    expect(await reasonOf(await rig.post(call(2, READ, ARGS), { session }))).toBe("tool_smuggle");
    expect(rig.callsReceived).toBe(1);
  });

  it("one that reaches the server elsewhere ends its sessions; new ones go there", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    await (await rig.modern("tools/call", PARAMS)).text();
    const url = "https://new.example.com/mcp";
    rig.guard.replaceCatalog(
      await next((text) => text.replace("https://mcp.example.com/mcp", url)),
    );
    expect((await rig.post(call(2, READ, ARGS), { session })).status).toBe(404);
    expect(await reasonOf(await rig.modern("tools/call", PARAMS, { id: 2 }))).toBe("allowed");
    expect(rig.upstream.seen.at(-1)?.url).toBe(url);
  });

  it("an older one, another one and the same one change nothing", async () => {
    const rig = await HttpRig.start();
    const same = await trust(httpCatalogToml());
    expect(rig.guard.replaceCatalog(same)).toEqual({ isNew: false, before: 7, now: 7 });
    const older = await trust(httpCatalogToml().replace("version = 7", "version = 6"));
    expect(() => rig.guard.replaceCatalog(older)).toThrow(
      expect.objectContaining({ code: "CATALOG_ROLLBACK" }),
    );
    const equal = await trust(`${httpCatalogToml()}\n# another text\n`);
    expect(() => rig.guard.replaceCatalog(equal)).toThrow(
      expect.objectContaining({ code: "CATALOG_EQUIVOCATION" }),
    );
    rig.guard.recordKept("CATALOG_ROLLBACK: older");
    expect(rig.records.at(-1)).toMatchObject({ kind: "reload", reason: "catalog_untrusted" });
    expect(await reasonOf(await rig.modern("tools/call", PARAMS))).toBe("allowed");
  });

  it("an approval, a label and a nonce hold for every lane of a caller", async () => {
    const itemKeys = {
      [READ]: 'adds_taint = ["untrusted"]',
      fetch_url: 'stops_taint = ["untrusted"]\ntaint_outcome = "deny"',
    };
    const rig = await HttpRig.start({ itemKeys }, { store: createMemoryStore() });
    const fetchUrl = { name: "fetch_url", arguments: FIXTURE_ARGUMENTS.get("fetch_url") };
    expect(await reasonOf(await rig.modern("tools/call", fetchUrl))).toBe("allowed");
    expect(await reasonOf(await rig.modern("tools/call", PARAMS, { id: 2 }))).toBe("allowed");
    // C14: another session, or other capabilities, do not wash it
    const other = await rig.modern("tools/call", fetchUrl, { id: 3, capabilities: { roots: {} } });
    expect(await reasonOf(other)).toBe("taint_denied");
    const session = await rig.open();
    const again = await rig.post(call(4, "fetch_url", fetchUrl.arguments), { session });
    expect(await reasonOf(again)).toBe("taint_denied");
    expect(rig.callsReceived).toBe(2);
  });
});

describe("servers and urls that are named wrong", () => {
  it.each<[string, string, object]>([
    ["a server that the catalog has not", "SERVER_UNKNOWN", { evil: "https://evil.example/" }],
    ["A7 another url", "SERVER_COMMAND", { filesystem: "https://evil.example/mcp" }],
    ["A7 another path", "SERVER_COMMAND", { filesystem: { url: "https://mcp.example.com/" } }],
  ])("%s", async (_what, code, upstreams) => {
    const options = JSON.parse(JSON.stringify({ upstreams }));
    await expect(HttpRig.start({}, options)).rejects.toMatchObject({ code });
  });

  it("a server that is not named among others is not served", async () => {
    const rig = await HttpRig.start({}, { upstreams: {} });
    const { error } = await answerOf(await rig.modern("server/discover"));
    expect(error?.message).toBe("server filesystem is not served here");
    expect(rig.upstream.seen).toEqual([]);
  });

  it("credentials come from the environment by name, and must be there", async () => {
    const serverKeys = 'header_env = { Authorization = "FS_TOKEN" }';
    await expect(HttpRig.start({ serverKeys })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const rig = await HttpRig.start({ serverKeys }, { env: { FS_TOKEN: "Bearer of-the-guard" } });
    expect(await reasonOf(await rig.modern("tools/call", PARAMS))).toBe("allowed");
    const sent = rig.upstream.seen.map(({ headers }) => headers.get("authorization"));
    expect(new Set(sent)).toEqual(new Set(["Bearer of-the-guard"]));
  });
});

describe("room", () => {
  it("sessions end when nobody has used them for half an hour, and not before", async () => {
    let nowMs = 0;
    const rig = await HttpRig.start({}, { monotonic: () => nowMs });
    const session = await rig.open();
    nowMs += LIMIT_SESSION_IDLE_MS - 1;
    rig.guard.dropIdle();
    expect(await reasonOf(await rig.post(call(1, READ, ARGS), { session }))).toBe("allowed");
    nowMs += LIMIT_SESSION_IDLE_MS;
    rig.guard.dropIdle();
    expect((await rig.post(call(2, READ, ARGS), { session })).status).toBe(404);
  });

  it("a lane more than the limit takes the place of the one unused for longest", async () => {
    const rig = await HttpRig.start();
    for (let n = 0; n <= LIMIT_LANES; n++) {
      const capabilities = { experimental: { [`x${n}`]: {} } };
      const response = await rig.modern(
        "tools/call",
        { name: "none", arguments: {} },
        { id: n, capabilities },
      );
      expect(await reasonOf(response)).toBe("tool_smuggle");
    }
    expect(await lanesOf(rig)).toBe(LIMIT_LANES);
  });

  it("a session more than the limit is refused, until one has ended", async () => {
    const rig = await HttpRig.start({}, { sessionsMax: 2 });
    const one = await rig.open();
    await rig.open({ token: OTHER_TOKEN });
    expect((await rig.post(initialize())).status).toBe(503);
    const headers = { authorization: `Bearer ${TOKEN}`, "mcp-session-id": one };
    const end = new Request("http://localhost:8787/mcp/filesystem", { method: "DELETE", headers });
    expect((await rig.guard(end)).status).toBe(204);
    expect((await rig.post(initialize())).status).toBe(200);
  });

  it("a session whose opening has failed takes no room", async () => {
    const rig = await HttpRig.start({}, { sessionsMax: 4 });
    const error = '{"jsonrpc":"2.0","id":"init","error":{"code":-32603,"message":"not now"}}';
    const answers = [
      () => new Response(null, { status: 503 }),
      () => new Response(error, { headers: { "content-type": "application/json" } }),
      () => eventStream(`data: ${error}\n\n`),
    ];
    for (const answer of answers) {
      rig.upstream.override = answer;
      const response = await rig.post(initialize());
      expect((await answerOf(response)).error?.code).toBe(-32603);
      const session = response.headers.get("mcp-session-id") ?? "";
      expect((await rig.post(call(1, READ, ARGS), { session })).status).toBe(404);
    }
    rig.upstream.override = () => undefined;
    const session = await rig.open();
    expect((await rig.post(initialize(), { session })).status).toBe(200);
    expect(await reasonOf(await rig.post(call(1, READ, ARGS), { session }))).toBe("allowed");
  });

  it("one caller has a quarter of the room, and leaves the rest to others", async () => {
    const rig = await HttpRig.start({}, { sessionsMax: 8 });
    for (let n = 0; n < 2; n++) await rig.open();
    expect((await rig.post(initialize())).status).toBe(503);
    expect((await rig.post(initialize(), { token: OTHER_TOKEN })).status).toBe(200);
    expect(rig.records.filter(({ reason }) => reason === "internal_fault")).toMatchObject([
      { kind: "drop", principal: "agent:a", detail: "too many connections" },
    ]);
  });

  it("one caller leaves a quarter of the lanes to others, and what is refused is recorded", async () => {
    const share = LIMIT_LANES - LIMIT_LANES / CALLER_SHARE;
    const rig = await HttpRig.start();
    rig.upstream.override = () => new Promise(() => undefined);
    const ask = (token: string): Promise<Response> => rig.modern("tools/list", {}, { token });
    for (let n = 0; n < share; n++) void ask(TOKEN);
    await expect.poll(() => lanesOf(rig)).toBe(share);
    const refused = await ask(TOKEN);
    expect([refused.status, await refused.text()]).toEqual([503, "too many connections\n"]);
    expect(rig.records).toMatchObject([
      { kind: "drop", reason: "internal_fault", principal: "agent:a" },
    ]);
    rig.upstream.override = () => undefined;
    expect(await reasonOf(await ask(OTHER_TOKEN))).toBe("allowed");
    rig.guard.close();
  });

  it("there is no room without a limit", async () => {
    await expect(HttpRig.start({}, { sessionsMax: LIMIT_HTTP_SESSIONS + 1 })).rejects.toMatchObject(
      {
        code: "CONFIG_INVALID",
      },
    );
    await HttpRig.start({}, { sessionsMax: LIMIT_HTTP_SESSIONS });
  });
});

async function lanesOf(rig: HttpRig): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const request = new Request("http://localhost:8787/metrics", { headers });
  const [, count] = /^portcullis_lanes (\d+)$/m.exec(await (await rig.guard(request)).text()) ?? [];
  return Number(count);
}
