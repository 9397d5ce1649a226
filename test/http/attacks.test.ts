// The attack classes and the transport cases over HTTP, in both eras: the reason, zero calls at the
// server, and a record.
import { describe, expect, it } from "vitest";
import type { GuardHandlerOptions } from "../../src/http/options.ts";
import { FIXTURE_SERVER, type MockOptions } from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import type { CatalogParts } from "../proxy/rig.ts";
import {
  answerOf,
  call,
  HttpRig,
  initialize,
  modernHeaders,
  modernRequest,
  OTHER_TOKEN,
  reasonOf,
} from "./rig.ts";

type Era = "legacy" | "modern";
const ERAS: readonly Era[] = ["legacy", "modern"];
const READ = "read_text_file";
const argsOf = (name: string): object => FIXTURE_ARGUMENTS.get(name) ?? {};

class Attack {
  readonly rig: HttpRig;
  readonly era: Era;
  readonly session: string;
  #id = 0;

  private constructor(rig: HttpRig, era: Era, session: string) {
    this.rig = rig;
    this.era = era;
    this.session = session;
  }

  static async start(
    era: Era,
    parts: CatalogParts = {},
    mock: MockOptions = {},
    extra: Partial<GuardHandlerOptions> = {},
  ): Promise<Attack> {
    const rig = await HttpRig.start(parts, extra, { ...FIXTURE_SERVER, ...mock });
    return new Attack(rig, era, era === "legacy" ? await rig.open() : "");
  }

  call(name: string, args: object = argsOf(name)): Promise<Response> {
    return this.request("tools/call", { name, arguments: args });
  }

  request(method: string, params: object): Promise<Response> {
    this.#id += 1;
    const id = this.#id;
    if (this.era === "modern") return this.rig.modern(method, params, { id });
    return this.rig.post({ jsonrpc: "2.0", id, method, params }, { session: this.session });
  }

  /** Nothing has reached a tool, and the refusal is on record. */
  async expectRefused(response: Response, reason: string): Promise<void> {
    expect(await reasonOf(response)).toBe(reason);
    expect(this.rig.callsReceived).toBe(0);
    expect(this.rig.reasons()).toContain(reason);
  }
}

describe.each(ERAS)("the four attack classes in the %s era", (era) => {
  it("A1 unknown-server smuggle", async () => {
    const attack = await Attack.start(era);
    const url = "http://localhost:8787/mcp/evil";
    const response =
      era === "modern"
        ? await attack.rig.modern("tools/call", { name: READ, arguments: argsOf(READ) }, { url })
        : await attack.rig.post(initialize(), { url });
    await attack.expectRefused(response, "unknown_server");
    expect(attack.rig.upstream.seen.every(({ url: seen }) => !seen.includes("evil"))).toBe(true);
  });

  it("B1 fingerprint drift (rug-pull)", async () => {
    const attack = await Attack.start(era, {}, { drift: "description", target: READ });
    await attack.expectRefused(await attack.call(READ), "fingerprint_drift");
  });

  it("B12 drift between two calls, announced by the server", async () => {
    const attack = await Attack.start(era, {}, { drift: "description", target: READ, after: 1 });
    expect(await reasonOf(await attack.call(READ))).toBe("allowed");
    const news = `data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n`;
    attack.rig.upstream.override = ({ body }) => {
      const text = new TextDecoder().decode(body);
      if (!text.includes('"tools/list"') || text.includes("portcullis:")) return undefined;
      attack.rig.upstream.override = () => undefined;
      const { id } = JSON.parse(text);
      const rest = `data: {"jsonrpc":"2.0","id":${id},"result":{"tools":[]}}\n\n`;
      return new Response(news + rest, { headers: { "content-type": "text/event-stream" } });
    };
    await (await attack.request("tools/list", {})).text();
    expect(await reasonOf(await attack.call(READ))).toBe("fingerprint_drift");
    expect(attack.rig.callsReceived).toBe(1);
  });

  it("A4, A6 tool smuggle, listed and not", async () => {
    const attack = await Attack.start(era, { onDrift: "block-tool" }, { smuggle: "last" });
    await attack.expectRefused(await attack.call("export_secrets"), "tool_smuggle");
    await attack.expectRefused(await attack.call("never_listed"), "tool_smuggle");
  });

  it("A5 a tool only on page 2, and cursors without end", async () => {
    const paged = await Attack.start(era, { onDrift: "block-tool" }, { smuggle: "page-2" });
    await paged.expectRefused(await paged.call("export_secrets"), "tool_smuggle");
    const endless = await Attack.start(era, {}, { cursors: "repeated", pageSize: 1 });
    await endless.expectRefused(await endless.call(READ), "server_not_admitted");
  });

  it("A9 variants of a name", async () => {
    const attack = await Attack.start(era);
    for (const name of [
      "Read_text_file",
      "read_text_file ",
      "__proto__",
      "toString",
      "read\u200b",
    ]) {
      const encoded = `=?base64?${btoa(unescape(encodeURIComponent(name)))}?=`;
      const message = modernRequest("tools/call", { name, arguments: {} }, { id: name });
      const response =
        era === "modern"
          ? await attack.rig.post(message, {
              headers: { ...modernHeaders({ ...message, params: {} }), "mcp-name": encoded },
            })
          : await attack.call(name, {});
      await attack.expectRefused(response, "tool_smuggle");
    }
  });

  it("scope escalation", async () => {
    const attack = await Attack.start(era, {}, {}, { scopeCap: ["fs.read"] });
    await attack.expectRefused(await attack.call("write_file"), "scope_escalation");
  });
});

describe.each(ERAS)("bodies in the %s era", (era) => {
  async function post(attack: Attack, body: string | Uint8Array): Promise<Response> {
    const headers =
      era === "modern"
        ? { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": READ }
        : {};
    const session = era === "legacy" ? { session: attack.session } : {};
    return await attack.rig.post(body, { headers, ...session });
  }

  function textOf(id: number | string, rest = ""): string {
    const message =
      era === "modern"
        ? modernRequest("tools/call", { name: READ, arguments: argsOf(READ) }, { id })
        : call(id, READ, argsOf(READ));
    return JSON.stringify(message).slice(0, -1) + rest;
  }

  it.each<[string, (text: string) => string | Uint8Array]>([
    ["D1 a batch", (text) => `[${text}}]`],
    ["D1 a batch of two", (text) => `[${text}},${text}}]`],
    ["D2 no JSON", () => "{"],
    ["D2 nothing", () => ""],
    ["D2 two messages", (text) => `${text}}\n${text}}`],
    [
      "D3 a cut character",
      (text) => new TextEncoder().encode(`${text},"x":"\u00e4"}`).slice(0, -3),
    ],
    ["a byte order mark", (text) => `\ufeff${text}}`],
    ["B9 duplicate members", (text) => `${text},"method":"tools/list"}`],
    ["D12 a name beside another", (text) => `${text.replace('"name"', '"Name":"evil","name"')}}`],
    ["D6 an id that is no id", (text) => `${text.replace(/"id":\d+/, '"id":1.5')}}`],
    ["D6 an id that is null", (text) => `${text.replace(/"id":\d+/, '"id":null')}}`],
    [
      "D6 an id of the guard's own",
      (text) => `${text.replace(/"id":\d+/, '"id":"portcullis:1"')}}`,
    ],
    ["a further member", (text) => `${text},"x":1}`],
  ])("%s is never sent on", async (_what, make) => {
    const attack = await Attack.start(era);
    const before = attack.rig.upstream.seen.length;
    const response = await post(attack, make(textOf(7)));
    expect([200, 400]).toContain(response.status);
    const { error } = await answerOf(response);
    expect([4403, -32700, -32020, -32600, -32602]).toContain(error?.code);
    expect(attack.rig.upstream.seen).toHaveLength(before);
    expect(attack.rig.reasons()).toContain("malformed_message");
  });

  it("D12 variants of a method are methods that nobody knows", async () => {
    const attack = await Attack.start(era);
    for (const method of ["Tools/call", "tools/call ", "tools\\/Call", "admin/run"]) {
      const response = await attack.request(method, { name: READ, arguments: {} });
      expect(["feature_denied", -32020]).toContain(await reasonOf(response));
    }
    expect(attack.rig.callsReceived).toBe(0);
  });
});

describe("D6 an id that is in flight", () => {
  it("legacy: the second request is refused, and the first is answered", async () => {
    const attack = await Attack.start("legacy");
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await (await attack.call(READ)).text();
    attack.rig.upstream.override = async () => {
      await gate;
      return undefined as unknown as Response;
    };
    const { session } = attack;
    const first = attack.rig.post(call("x", READ, argsOf(READ)), { session });
    const second = await attack.rig.post(call("x", READ, argsOf(READ)), { session });
    expect(await reasonOf(second)).toBe("malformed_message");
    release();
    expect(await reasonOf(await first)).toBe("allowed");
  });

  it("modern: two clients of one caller may count alike", async () => {
    const attack = await Attack.start("modern");
    const params = { name: READ, arguments: argsOf(READ) };
    const both = await Promise.all([
      attack.rig.modern("tools/call", params, { id: 1 }),
      attack.rig.modern("tools/call", params, { id: 1 }),
    ]);
    expect(await Promise.all(both.map(reasonOf))).toEqual(["allowed", "allowed"]);
    expect(attack.rig.callsReceived).toBe(2);
  });
});

describe("D7 sessions", () => {
  it("a session is of no use to another caller, for reading, listening or ending", async () => {
    const attack = await Attack.start("legacy");
    const { rig, session } = attack;
    const seen = rig.upstream.seen.length;
    const stolen = await rig.post(call(1, READ, argsOf(READ)), { session, token: OTHER_TOKEN });
    expect(stolen.status).toBe(404);
    const headers = {
      authorization: `Bearer ${OTHER_TOKEN}`,
      "mcp-session-id": session,
      accept: "text/event-stream",
    };
    for (const method of ["GET", "DELETE"]) {
      const request = new Request("http://localhost:8787/mcp/filesystem", { method, headers });
      expect((await rig.guard(request)).status).toBe(404);
    }
    expect(rig.upstream.seen).toHaveLength(seen);
    expect(rig.reasons().filter((reason) => reason === "identity_unknown")).toHaveLength(3);
    expect(await reasonOf(await attack.call(READ))).toBe("allowed");
  });

  it("a made-up session, or none, is refused", async () => {
    const attack = await Attack.start("legacy");
    const seen = attack.rig.upstream.seen.length;
    const message = call(1, READ, argsOf(READ));
    expect((await attack.rig.post(message, { session: "made-up" })).status).toBe(404);
    expect((await attack.rig.post(message)).status).toBe(400);
    expect(attack.rig.upstream.seen).toHaveLength(seen);
    expect(attack.rig.reasons()).toEqual(["malformed_message", "malformed_message"]);
  });

  it("the server's own session id never reaches the client, and a client's never the server", async () => {
    const attack = await HttpRig.start();
    attack.upstream.override = async ({ body }) => {
      const answers = attack.upstream.mock.respond(body).flatMap(({ chunks }) => chunks);
      const text = answers.map((chunk) => new TextDecoder().decode(chunk)).join("");
      const headers = { "content-type": "application/json", "mcp-session-id": "upstream-1" };
      return new Response(text === "" ? null : text, { status: text === "" ? 202 : 200, headers });
    };
    const session = await attack.open();
    expect(session).not.toBe("upstream-1");
    expect(await reasonOf(await attack.post(call(1, READ, argsOf(READ)), { session }))).toBe(
      "allowed",
    );
    const ids = attack.upstream.seen.map(({ headers }) => headers.get("mcp-session-id"));
    expect(new Set(ids)).toEqual(new Set([null, "upstream-1"]));
  });
});

describe("D7 a session id in the modern era", () => {
  it("is neither kept nor passed on, whoever sends it", async () => {
    const rig = await HttpRig.start();
    rig.upstream.override = ({ body }) => {
      const answers = rig.upstream.mock.respond(body).flatMap(({ chunks }) => chunks);
      const text = answers.map((chunk) => new TextDecoder().decode(chunk)).join("");
      const headers = { "content-type": "application/json", "mcp-session-id": "upstream-1" };
      return new Response(text, { headers });
    };
    const params = { name: READ, arguments: argsOf(READ) };
    for (let id = 1; id <= 2; id++) {
      const response = await rig.modern("tools/call", params, { id, session: "client-1" });
      expect(response.headers.get("mcp-session-id")).toBeNull();
      expect(await reasonOf(response)).toBe("allowed");
    }
    const sent = rig.upstream.seen.map(({ headers }) => headers.get("mcp-session-id"));
    expect(new Set(sent)).toEqual(new Set([null]));
  });
});

describe("D8 headers that say something else than the body", () => {
  const message = modernRequest("tools/call", { name: READ, arguments: argsOf(READ) });
  const right = modernHeaders(message);

  it.each<[string, Record<string, string>]>([
    ["another method", { ...right, "mcp-method": "tools/list" }],
    ["another name", { ...right, "mcp-name": "write_file" }],
    ["another name, encoded", { ...right, "mcp-name": "=?base64?d3JpdGVfZmlsZQ==?=" }],
    ["a name in a broken encoding", { ...right, "mcp-name": "=?base64?d3JpdGVfZmlsZQ?=" }],
    ["the name in another case", { ...right, "mcp-name": "READ_TEXT_FILE" }],
    ["a version of the legacy era", { ...right, "mcp-protocol-version": "2025-11-25" }],
    ["a version that nobody knows", { ...right, "mcp-protocol-version": "2099-01-01" }],
    ["an argument that the body has not", { ...right, "mcp-param-path": "/etc/passwd" }],
    ["no method", { "mcp-protocol-version": "2026-07-28", "mcp-name": READ }],
    ["no name", { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" }],
    ["no version", { "mcp-method": "tools/call", "mcp-name": READ }],
  ])("%s", async (_what, headers) => {
    const rig = await HttpRig.start();
    const response = await rig.post(message, { headers });
    expect(response.status).toBe(400);
    const { id, error } = await answerOf(response);
    expect(id).toBe(1);
    expect([-32020, -32022]).toContain(error?.code);
    expect(rig.upstream.seen).toEqual([]);
    expect(rig.reasons()).toEqual(["malformed_message"]);
  });

  it("a modern header over a legacy body, and a legacy version in a modern body", async () => {
    const rig = await HttpRig.start();
    const header = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" };
    const bare = await rig.post(call(1, READ), { headers: { ...header, "mcp-name": READ } });
    expect([bare.status, (await answerOf(bare)).error?.code]).toEqual([400, -32602]);
    const text = JSON.stringify(message).replace("2026-07-28", "2025-11-25");
    const old = await rig.post(text, { headers: { "mcp-protocol-version": "2025-11-25" } });
    expect([old.status, (await answerOf(old)).error?.code]).toEqual([400, -32020]);
    expect(rig.upstream.seen).toEqual([]);
  });

  it("headers of the modern era do not go on with a legacy message", async () => {
    const attack = await Attack.start("legacy");
    const { session } = attack;
    const headers = { "mcp-method": "tools/list", "mcp-name": "evil", "mcp-param-path": "/" };
    await attack.rig.post(call(1, READ, argsOf(READ)), { session, headers });
    const names = attack.rig.upstream.seen.flatMap(({ headers: sent }) => [...sent.keys()]);
    expect(names.filter((name) => /^mcp-(method|name|param)/.test(name))).toEqual([]);
  });
});

describe("D9, D10, D13", () => {
  it.each(ERAS)("D9 %s: a task that no call of this session made", async (era) => {
    const attack = await Attack.start(era, { allow: ["tools", "tasks"] }, { tasks: true });
    const response = await attack.request("tasks/get", { taskId: "task-of-another" });
    await attack.expectRefused(response, "tool_smuggle");
  });

  it.each(ERAS)("D13 %s: a path inside the guard's own home", async (era) => {
    const { ProtectedPaths } = await import("../../src/guard/protected-paths.ts");
    const protectedPaths = ProtectedPaths.of(["/home/op/.config/portcullis"]);
    const attack = await Attack.start(era, {}, {}, { protectedPaths });
    const args = { path: "/home/op/.config/portcullis/catalog.toml", content: "x" };
    await attack.expectRefused(await attack.call("write_file", args), "argument_denied");
  });
});
