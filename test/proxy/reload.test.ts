// Another catalog in the middle of a connection: nothing is dropped, and nothing is allowed by a
// mixture of the two.
import { beforeAll, describe, expect, it } from "vitest";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { FIXTURE_SERVER, FIXTURE_TOOLS, MockMcpServer } from "../../src/testing/index.ts";
import type { MockOptions, ToolDefinition } from "../../src/testing/mock-options.ts";
import {
  EXPIRES_MS,
  expectCode,
  NOW_MS,
  rootSettings,
  signedCatalog,
  signedRoot,
} from "../fixtures/trust.ts";
import { StepRig, version, without } from "./reload-rig.ts";
import { call, catalogToml, INITIALIZE, request, trust } from "./rig.ts";

let first: TrustedCatalog;
let same: TrustedCatalog;
let revoked: TrustedCatalog;

beforeAll(async () => {
  first = await version(7);
  same = await version(8);
  revoked = await version(8, { offer: without("echo"), onDrift: "block-tool" });
});

/** The tools as a dishonest server lists them. */
function liveTools(options: MockOptions): ToolDefinition[] {
  const [text = ""] = new MockMcpServer(options).handle(JSON.stringify(request(1, "tools/list")));
  return JSON.parse(text).result.tools;
}

describe("a newer catalog", () => {
  it("revokes a tool: the next call is refused and never reaches the server", () => {
    const rig = new StepRig(first).send(call(1, "echo")).serve();
    expect(rig.reason(1)).toBe("allowed");
    rig.replace(revoked).send(call(2, "echo"), call(3, "read_text_file")).serve();
    expect([rig.reason(2), rig.reason(3)]).toEqual(["tool_smuggle", "allowed"]);
    expect(rig.mock.calls.map(({ name }) => name)).toEqual(["echo", "read_text_file"]);
  });

  it("refuses the whole server where it pins less than the server offers", async () => {
    const strict = await version(8, { offer: without("echo") });
    const rig = new StepRig(first).send(call(1, "echo")).serve();
    rig.replace(strict).send(call(2, "read_text_file")).serve();
    expect(rig.reason(2)).toBe("server_not_admitted");
    expect(rig.mock.callsReceived).toBe(1);
  });

  it("believes nothing of before: the guard lists again before it allows", () => {
    const rig = new StepRig(first).send(call(1, "echo")).serve();
    const start = rig.upstream.length;
    rig.replace(same).send(call(2, "echo"));
    expect(rig.methods(start)).toEqual(["tools/list"]);
    rig.serve();
    expect(rig.methods(start).at(-1)).toBe("tools/call");
    expect(rig.methods(start)).toHaveLength(5);
    expect(rig.reason(2)).toBe("allowed");
  });

  it("ends drift when it pins the drifted definition, without a restart", async () => {
    const options: MockOptions = { ...FIXTURE_SERVER, drift: "description" };
    const rig = new StepRig(first, options).send(call(1, "echo")).serve();
    expect(rig.reason(1)).toBe("server_not_admitted");
    rig.send(call(2, "read_text_file")).serve();
    expect(rig.reason(2)).toBe("fingerprint_drift");
    rig.replace(await version(8, { offer: { ...FIXTURE_SERVER, tools: liveTools(options) } }));
    rig.send(call(3, "read_text_file"), call(4, "echo")).serve();
    expect([rig.reason(3), rig.reason(4)]).toEqual(["allowed", "allowed"]);
    expect(rig.mock.callsReceived).toBe(2);
  });

  it("does not end drift that it does not pin, nor does the same catalog once more", async () => {
    const options: MockOptions = { ...FIXTURE_SERVER, drift: "description", flicker: true };
    const rig = new StepRig(first, options).send(call(1, "read_text_file")).serve();
    expect(rig.reason(1)).toBe("fingerprint_drift");
    expect(rig.session.replaceCatalog(await version(7))).toEqual({
      isNew: false,
      before: 7,
      now: 7,
    });
    rig.send(call(2, "read_text_file")).serve();
    expect(rig.reason(2)).toBe("fingerprint_drift");
    const stays = new StepRig(first, { ...FIXTURE_SERVER, drift: "description" });
    stays.send(call(1, "read_text_file")).serve().replace(same);
    stays.send(call(2, "read_text_file")).serve();
    expect(stays.reason(2)).toBe("fingerprint_drift");
    expect(rig.mock.callsReceived + stays.mock.callsReceived).toBe(0);
  });

  it("compares the instructions again that this connection has seen", async () => {
    const offer = { ...FIXTURE_SERVER, instructions: "Other words." };
    const rig = new StepRig(first).send(INITIALIZE, call(1, "echo")).serve();
    expect(rig.reason(1)).toBe("allowed");
    rig
      .replace(await version(8, { offer }))
      .send(call(2, "echo"))
      .serve();
    expect(rig.reason(2)).toBe("fingerprint_drift");
    expect(rig.mock.callsReceived).toBe(1);
    expect(rig.send(request(3, "tools/list")).serve().toolsOf(3)).toEqual([]);
    rig
      .replace(await version(9))
      .send(call(4, "echo"), request(5, "tools/list"))
      .serve();
    expect(rig.reason(4)).toBe("allowed");
    expect(rig.toolsOf(5)).toHaveLength(5);
  });

  it("lists what the server has declared in this connection, and nothing that it has not", async () => {
    const offer = { tools: FIXTURE_TOOLS };
    const rig = new StepRig(await version(7, { offer }), offer).send(INITIALIZE).serve();
    rig
      .replace(await version(8, { offer }))
      .send(call(1, "echo"))
      .serve();
    expect(rig.methods()).toEqual(["initialize", "tools/list", "tools/call"]);
  });

  it("applies the scopes of the principal again, and the session's own cap with them", async () => {
    const rest = '[principals.local]\nscope = ["fs.read"]\n';
    const write = call(1, "write_file");
    const rig = new StepRig(first).send(write).serve();
    expect(rig.reason(1)).toBe("allowed");
    rig
      .replace(await version(8, { rest }))
      .send({ ...write, id: 2 }, call(3, "echo"))
      .serve();
    expect([rig.reason(2), rig.reason(3)]).toEqual(["scope_escalation", "allowed"]);
    const scopeCap = ["fs.read"];
    const capped = new StepRig(first, FIXTURE_SERVER, { scopeCap }).replace(same);
    capped.send({ ...write, id: 2 }, call(3, "echo")).serve();
    expect([capped.reason(2), capped.reason(3)]).toEqual(["scope_escalation", "allowed"]);
    expect(capped.mock.callsReceived).toBe(1);
  });

  it("is not kept out by a cap that names a scope it no longer has", async () => {
    const operators = '[scopes]\n"acme.own" = "a scope of the operator"\n';
    const old = await version(7, { rest: operators });
    const scopeCap = ["acme.own", "fs.read"];
    const rig = new StepRig(old, FIXTURE_SERVER, { scopeCap }).replace(same);
    rig.send(call(1, "write_file"), call(2, "echo")).serve();
    expect([rig.reason(1), rig.reason(2)]).toEqual(["scope_escalation", "allowed"]);
    expectCode(() => new StepRig(first, FIXTURE_SERVER, { scopeCap }), "SCOPE_UNKNOWN");
  });

  it("refuses a principal that it no longer names", async () => {
    const rest = '[principals."agent:other"]\n';
    const rig = new StepRig(first).send(call(1, "echo")).serve();
    rig
      .replace(await version(8, { rest }))
      .send(call(2, "echo"))
      .serve();
    expect([rig.reason(1), rig.reason(2)]).toEqual(["allowed", "identity_unknown"]);
    expect(rig.mock.callsReceived).toBe(1);
  });

  it("without the server refuses every call, and is a good catalog", async () => {
    const empty = await trust(
      catalogToml()
        .replace(/\[servers[\s\S]*$/, "")
        .replace("version = 7", "version = 8"),
    );
    const rig = new StepRig(first).send(INITIALIZE, call(1, "echo")).serve();
    const start = rig.upstream.length;
    rig.replace(empty).send(call(2, "echo"), request(3, "tools/list"), request(4, "ping"));
    for (const id of [2, 3, 4]) expect(rig.reason(id)).toBe("unknown_server");
    expect(rig.methods(start)).toEqual([]);
    rig
      .replace(await version(9))
      .send(call(5, "echo"))
      .serve();
    expect(rig.reason(5)).toBe("allowed");
  });

  it("is recorded with both digests", () => {
    const rig = new StepRig(first).replace(same);
    expect(rig.records).toEqual([
      {
        kind: "reload",
        sender: "guard",
        server: "filesystem",
        reason: "allowed",
        code: 1,
        outcome: "allow",
        layer: "all",
        detail: `catalog version 8 (sha256:${same.sha256}) is in force in place of version 7 (sha256:${first.sha256})`,
      },
    ]);
  });
});

describe("a server that would be started in another way", () => {
  it.each([
    ["another command", { command: ["node", "other.js"] }],
    ["another environment", { serverKeys: 'env = ["TOKEN"]' }],
  ])("%s: nothing more is sent to the one that runs, and the reason is said", async (_, parts) => {
    const rig = new StepRig(first).send(INITIALIZE, call(1, "echo")).serve();
    const start = rig.upstream.length;
    rig.replace(await version(8, parts)).send(call(2, "echo"), request(3, "ping"));
    rig.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    expect([rig.reason(2), rig.reason(3)]).toEqual(["server_not_admitted", "server_not_admitted"]);
    expect(rig.answers(2)[0]?.error?.message).toContain(
      "the catalog now starts this server in another way",
    );
    expect(rig.methods(start)).toEqual([]);
    rig.serverSends(request("s1", "ping"));
    expect(rig.upstream.at(-1)).toMatchObject({ id: "s1", error: { code: 4403 } });
    expect(rig.received.filter(({ method }) => method === "ping")).toEqual([]);
    rig
      .replace(await version(9))
      .send(call(4, "echo"))
      .serve();
    expect(rig.reason(4)).toBe("allowed");
  });

  it("may still be told that the client has given up a call, and answers the others", async () => {
    const rig = new StepRig(first).send(call(1, "echo")).serve().send(call(2, "echo"));
    rig.send(call(3, "echo")).replace(await version(8, { command: ["node", "other.js"] }));
    const params = { requestId: 2 };
    rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    expect(rig.upstream.at(-1)).toMatchObject({ method: "notifications/cancelled", params });
    rig.serve();
    expect([rig.reason(2), rig.reason(3)]).toEqual([undefined, "allowed"]);
  });

  it("the order of the variables is no other way", async () => {
    const old = await version(7, { serverKeys: 'env = ["A", "B"]' });
    const rig = new StepRig(old).replace(await version(8, { serverKeys: 'env = ["B", "A"]' }));
    expect(rig.send(call(1, "echo")).serve().reason(1)).toBe("allowed");
  });
});

describe("a catalog that does not come after the one in force", () => {
  it("is refused with its code, and the running one goes on as if nothing had been", async () => {
    const envelope = signedCatalog(catalogToml().replace("version = 7", "version = 8"));
    const otherRoot = signedRoot(rootSettings({ catalogVersionFloor: 2 }));
    const clock = (): number => NOW_MS;
    const other = await TrustedCatalog.open({ envelope, root: otherRoot, clock });
    const rig = new StepRig(first).send(call(1, "echo")).serve();
    const id = catalogToml().replace("acme-agents", "acme-other");
    const cases = [
      [await version(6), "CATALOG_ROLLBACK"],
      [await version(7, { offer: without("echo") }), "CATALOG_EQUIVOCATION"],
      [await trust(id.replace("version = 7", "version = 8")), "CATALOG_ID"],
      [other, "ROOT_CHAIN"],
    ] as const;
    for (const [catalog, code] of cases) {
      expectCode(() => rig.session.replaceCatalog(catalog), code);
      expect(rig.session.catalog).toBe(first);
    }
    const start = rig.upstream.length;
    expect(rig.send(call(2, "echo")).serve().reason(2)).toBe("allowed");
    expect(rig.methods(start)).toEqual(["tools/call"]);
  });

  it("does not make the running one last: it expires, until a newer one takes over", async () => {
    const rig = new StepRig(first).send(call(1, "echo")).serve();
    rig.nowMs = EXPIRES_MS - 1;
    expect(rig.send(call(2, "echo")).serve().reason(2)).toBe("allowed");
    rig.nowMs = EXPIRES_MS;
    const old = await version(6);
    expectCode(() => rig.session.replaceCatalog(old), "CATALOG_ROLLBACK");
    expect(rig.send(call(3, "echo")).serve().reason(3)).toBe("catalog_expired");
    const later = catalogToml()
      .replace("version = 7", "version = 8")
      .replace("expires = 2027-02-20", "expires = 2027-03-01");
    rig.replace(await trust(later));
    expect(rig.send(call(4, "echo")).serve().reason(4)).toBe("allowed");
    expect(rig.mock.callsReceived).toBe(3);
  });
});
