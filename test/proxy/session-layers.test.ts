// Arguments, leases and rules that a catalog asks for, applied in the proxy: what passes, what is refused
// and why, what is taken with an allow, and what the record says.
import { describe, expect, it } from "vitest";
import { principalHash } from "../../src/guard/identity-hash.ts";
import { createScopeLease } from "../../src/guard/lease.ts";
import { ProtectedPaths } from "../../src/guard/protected-paths.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { reasons, rigOf } from "./layers-rig.ts";
import { version } from "./reload-rig.ts";
import { ALLOW_ALL, type CatalogParts, call, catalogToml, Rig, request, trust } from "./rig.ts";

function leaseFor(store: SyncStateStore, tool: string, maxInvocations: number, more = {}): string {
  const lease = createScopeLease({
    principalHash: principalHash("local"),
    serverId: "filesystem",
    grantedTools: [tool],
    maxInvocations,
    stateChanging: true,
    clock: () => NOW_MS,
    ...more,
  });
  const { leaseId: _, expiresAt: __, ...stored } = lease;
  expect(store.putLease(stored)).toBe(true);
  return lease.leaseId;
}

describe("arguments", () => {
  it("are held to the pinned schema and to the constraints of the catalog", async () => {
    const echo = '[servers.filesystem.tools.echo.args]\n"/message" = { max_length = 3 }';
    const rig = await rigOf({ itemKeys: { echo } });
    const found = reasons(
      rig,
      call(1, "echo", { message: "abc" }),
      call(2, "echo", { message: "abcd" }),
      call(3, "echo", {}),
      call(4, "echo", { message: 1 }),
      call(5, "echo", { message: "a", Message: "b" }),
      call(6, "read_text_file", { path: "/a", other: 1 }),
      call(7, "read_text_file", { path: "/a", head: 0 }),
    );
    const denied = "argument_denied";
    expect(found).toEqual(["allowed", denied, denied, denied, denied, denied, denied]);
    expect(rig.mock.calls).toEqual([{ name: "echo", arguments: { message: "abc" } }]);
    const record = rig.records.findLast(({ tool }) => tool === "echo");
    expect(record).toMatchObject({ reason: denied, layer: "arguments" });
    expect(record?.detail).toBeDefined();
  });

  it("of a resource are its uri", async () => {
    const template = "file:///workspace/{name}";
    const table = `[servers.filesystem.resource_templates.${JSON.stringify(template)}.args]`;
    const keys = `${table}\n"/uri" = { prefix = ["file:///workspace/pub"] }`;
    const rig = await rigOf({ itemKeys: { [template]: keys } });
    const read = (id: number, uri: string): object => request(id, "resources/read", { uri });
    expect(
      reasons(rig, read(1, "file:///workspace/public"), read(2, "file:///workspace/secret")),
    ).toEqual(["allowed", "argument_denied"]);
    expect(rig.mock.count("resources/read")).toBe(1);
  });

  it("of a prompt are its own", async () => {
    const table = "[servers.filesystem.prompts.summarise.args]";
    const keys = `${table}\n"/path" = { under = ["/workspace"] }`;
    const rig = await rigOf({ itemKeys: { summarise: keys } });
    const get = (id: number, path: string): object =>
      request(id, "prompts/get", { name: "summarise", arguments: { path } });
    expect(reasons(rig, get(1, "/workspace/a"), get(2, "/etc/passwd"))).toEqual([
      "allowed",
      "argument_denied",
    ]);
  });

  it("D13: may not name the guard's home or a client's configuration, however they are spelt", async () => {
    const protectedPaths = ProtectedPaths.of([
      "/home/me/.config/portcullis",
      "/home/me/.cursor/mcp.json",
    ]);
    const rig = await rigOf({}, { protectedPaths });
    const paths = [
      "/home/me/.config/portcullis/catalog.toml",
      "/home/me/.config/../.config/portcullis/state.db",
      "~/.config/portcullis",
      "/HOME/ME/.Config/Portcullis/keys",
      "file:///home/me/.config/portcullis/config.toml",
      "/home/me/%2econfig/portcullis",
      "/home/me/.cursor/mcp.json",
    ];
    for (const [id, path] of paths.entries()) {
      const write = call(id, "write_file", { path, content: "x" });
      expect(rig.send(write).reason(id), path).toBe("argument_denied");
    }
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.records.filter(({ reason }) => reason === "argument_denied")).toHaveLength(7);
    const near = call(90, "write_file", { path: "/home/me/.config/portcullis2", content: "x" });
    expect(rig.send(near).reason(90)).toBe("allowed");
  });
});

describe("leases", () => {
  const parts: CatalogParts = { itemKeys: { write_file: 'requires = ["lease"]' } };

  it("none: refused; with k left exactly k calls pass, and each record names the lease", async () => {
    const store = createMemoryStore();
    const rig = await rigOf(parts, { store });
    expect(rig.send(call(1, "write_file")).reason(1)).toBe("lease_required");
    const id = leaseFor(store, "write_file", 2);
    expect(
      reasons(rig, call(2, "write_file"), call(3, "write_file"), call(4, "write_file")),
    ).toEqual(["allowed", "allowed", "lease_exhausted"]);
    expect(rig.mock.callsReceived).toBe(2);
    const used = rig.records.filter(({ lease }) => lease === id);
    expect(used).toHaveLength(2);
    expect(store.getLease(id)?.remaining).toBe(0);
  });

  it("of another principal, tool or time do not count", async () => {
    const store = createMemoryStore();
    const rig = await rigOf(parts, { store });
    leaseFor(store, "write_file", 9, { principalHash: principalHash("other") });
    leaseFor(store, "delete_file", 9);
    expect(rig.send(call(1, "write_file")).reason(1)).not.toBe("allowed");
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("a refused call takes nothing", async () => {
    const store = createMemoryStore();
    const rig = await rigOf(parts, { store });
    const id = leaseFor(store, "write_file", 1);
    rig.send(call(1, "write_file", { path: "/a" }));
    expect(rig.reason(1)).toBe("argument_denied");
    expect(store.getLease(id)?.remaining).toBe(1);
  });

  it("looks at the task of an allowed call take no second invocation, also under a later catalog", async () => {
    const own: CatalogParts = { ...parts, allow: ALLOW_ALL };
    const store = createMemoryStore();
    const catalog = await trust(catalogToml(own));
    const rig = new Rig(catalog, { ...FIXTURE_SERVER, tasks: true }, { store }).connect();
    const id = leaseFor(store, "write_file", 1);
    const params = { name: "write_file", arguments: { path: "/a", content: "" }, task: { ttl: 1 } };
    expect(rig.send(request(1, "tools/call", params)).reason(1)).toBe("allowed");
    const taskId = "mock-task-1";
    const look = (number: number): unknown =>
      rig.send(request(number, "tasks/get", { taskId })).reason(number);
    expect([look(2), look(3)]).toEqual(["allowed", "allowed"]);
    rig.session.replaceCatalog(await version(8, own));
    expect(look(4)).toBe("allowed");
    expect(store.getLease(id)?.remaining).toBe(0);
    // a rule that denies the call denies what follows it
    const rest = '[[rules]]\nid = "no"\nwhen = { tool = ["write_file"] }\nthen = "deny"\n';
    rig.session.replaceCatalog(await version(9, { ...own, rest }));
    expect(look(5)).toBe("policy_denied");
    expect(rig.send(request(6, "tools/call", params)).reason(6)).toBe("policy_denied");
  });
});

describe("rules", () => {
  it("deny, try only, and leave the others alone", async () => {
    const rest = `[[rules]]
id = "no-delete"
when = { effect = ["destructive"] }
then = "deny"
[[rules]]
id = "try-writes"
when = { effect = ["write"] }
then = "dry_run"
`;
    const rig = await rigOf({ rest });
    expect(reasons(rig, call(1, "delete_file"), call(2, "write_file"), call(3, "echo"))).toEqual([
      "policy_denied",
      "policy_dry_run",
      "allowed",
    ]);
    expect(rig.answer(2).error?.data).toMatchObject({ outcome: "dry_run" });
    expect(rig.mock.calls.map(({ name }) => name)).toEqual(["echo"]);
    expect(rig.records.find(({ tool }) => tool === "delete_file")).toMatchObject({
      layer: "rules",
      rules: ["no-delete"],
    });
  });

  it("know the principal, and the catalog's cap of it", async () => {
    const rest = '[principals."agent:*"]\nscope = ["fs.read"]\n';
    const agent = await rigOf({ rest }, { principal: "agent:a" });
    expect(reasons(agent, call(1, "echo"), call(2, "write_file"))).toEqual([
      "allowed",
      "scope_escalation",
    ]);
    const stranger = await rigOf({ rest }, { principal: "stranger" });
    expect(stranger.send(call(1, "echo")).reason(1)).toBe("identity_unknown");
    expect(stranger.mock.callsReceived).toBe(0);
  });
});
