// Every layer that a catalog asks for, applied in the proxy: what passes, what is refused and why,
// what is taken with an allow, and what the record says.
import { describe, expect, it } from "vitest";
import type { AuditEvent, AuditSink } from "../../src/audit/event.ts";
import { utf8Text } from "../../src/bytes.ts";
import { GuardError } from "../../src/errors.ts";
import { principalHash, sessionHash } from "../../src/guard/identity-hash.ts";
import { createScopeLease } from "../../src/guard/lease.ts";
import { ProtectedPaths } from "../../src/guard/protected-paths.ts";
import type { GuardSessionOptions } from "../../src/proxy/session-options.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { version } from "./reload-rig.ts";
import {
  ALLOW_ALL,
  type CatalogParts,
  call,
  catalogToml,
  modern,
  Rig,
  request,
  trust,
} from "./rig.ts";

async function rigOf(parts: CatalogParts, extra: Partial<GuardSessionOptions> = {}): Promise<Rig> {
  const rig = new Rig(await trust(catalogToml(parts)), FIXTURE_SERVER, {
    sessionId: "s",
    ...extra,
  });
  return rig.connect();
}

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

/** The reasons of these calls, in order. */
function reasons(rig: Rig, ...messages: readonly object[]): unknown[] {
  return messages.map((message) => {
    const id = Number(Reflect.get(message, "id"));
    return rig.send(message).reason(id);
  });
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

describe("taint", () => {
  const parts: CatalogParts = {
    itemKeys: {
      read_text_file: 'adds_taint = ["private"]',
      echo: "adds_taint = []",
      fetch_url: 'stops_taint = ["private"]\ntaint_outcome = "deny"',
    },
  };

  it("C9: is on the session before the bytes are forwarded, and stops what it is to stop", async () => {
    const store = createMemoryStore();
    const catalog = await trust(catalogToml(parts));
    const session = sessionHash("s");
    const rig = new Rig(catalog, FIXTURE_SERVER, { store, sessionId: "s" }).connect();
    const seen: number[] = [];
    const respond = rig.mock.respond.bind(rig.mock);
    rig.mock.respond = (line) => {
      const text = typeof line === "string" ? line : (utf8Text(line) ?? "");
      if (text.includes("tools/call")) seen.push(store.getTaint(session));
      return respond(line);
    };
    expect(reasons(rig, call(1, "echo"), call(2, "fetch_url"))).toEqual(["allowed", "allowed"]);
    expect(reasons(rig, call(3, "read_text_file"), call(4, "fetch_url"))).toEqual([
      "allowed",
      "taint_denied",
    ]);
    expect(seen[0]).toBe(0);
    expect((seen.at(-1) ?? 0) & 2).toBe(2);
    expect(rig.records.at(-1)).toMatchObject({
      reason: "taint_denied",
      layer: "taint",
      taint: ["untrusted", "private"],
    });
  });

  it("C14: a new guard process of the same session is as tainted; another session is not", async () => {
    const store = createMemoryStore();
    const first = await rigOf(parts, { store });
    first.send(call(1, "read_text_file"));
    const second = await rigOf(parts, { store });
    expect(second.send(call(1, "fetch_url")).reason(1)).toBe("taint_denied");
    const other = await rigOf(parts, { store, sessionId: "another" });
    expect(other.send(call(1, "fetch_url")).reason(1)).toBe("allowed");
  });

  it("a store that cannot be asked refuses what a label would stop, and nothing else", async () => {
    const store = createMemoryStore();
    const fault = (): never => {
      throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
    };
    const broken: SyncStateStore = { ...store, getTaint: fault, addTaint: fault };
    const rig = await rigOf(parts, { store: broken });
    expect(reasons(rig, call(1, "fetch_url"), call(2, "echo"))).toEqual([
      "taint_denied",
      "allowed",
    ]);
  });

  it("a store that could be asked for nothing has the labels when it works again", async () => {
    const store = createMemoryStore();
    let isBroken = false;
    const orFault = <T>(use: () => T): T => {
      if (isBroken) throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
      return use();
    };
    const moody: SyncStateStore = {
      ...store,
      getTaint: (session) => orFault(() => store.getTaint(session)),
      addTaint: (session, mask) => orFault(() => store.addTaint(session, mask)),
    };
    const rig = await rigOf(parts, { store: moody });
    isBroken = true;
    expect(rig.send(call(1, "read_text_file")).reason(1)).toBe("allowed");
    isBroken = false;
    expect(rig.send(call(2, "fetch_url")).reason(2)).toBe("taint_denied");
    // and so has every other process
    const other = await rigOf(parts, { store });
    expect(other.send(call(1, "fetch_url")).reason(1)).toBe("taint_denied");
  });

  it("what the store could not take is not forgotten with a newer catalog", async () => {
    const store = createMemoryStore();
    let isBroken = false;
    const moody: SyncStateStore = {
      ...store,
      addTaint: (session, mask) => {
        if (isBroken) throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
        return store.addTaint(session, mask);
      },
    };
    const rig = await rigOf(parts, { store: moody });
    isBroken = true;
    rig.send(call(1, "read_text_file"));
    rig.session.replaceCatalog(await version(8, parts));
    expect(rig.send(call(2, "fetch_url")).reason(2)).toBe("taint_denied");
  });

  it("a subscription marks the session as reading does", async () => {
    const uri = "file:///workspace/README.md";
    const own = { ...parts, itemKeys: { ...parts.itemKeys, [uri]: 'adds_taint = ["private"]' } };
    for (const message of [
      request(1, "resources/subscribe", { uri }),
      modern(
        request(1, "subscriptions/listen", { notifications: { resourceSubscriptions: [uri] } }),
      ),
    ]) {
      const store = createMemoryStore();
      const rig = await rigOf(own, { store });
      rig.send(message);
      expect(store.getTaint(sessionHash("s"))).toBe(2);
      // taking it back needs nothing, and marks nothing
      expect(rig.send(request(2, "resources/unsubscribe", { uri })).reason(2)).toBe("allowed");
    }
  });
});

describe("the audit log", () => {
  class Sink implements AuditSink {
    isAvailable = true;
    keeps = true;
    readonly events: AuditEvent[] = [];
    append(event: AuditEvent): boolean {
      if (this.keeps) this.events.push(event);
      return this.keeps;
    }
    flush(): void {}
    close(): void {}
  }

  it("gets every decided dispatch with its frames, refusals of the first look included", async () => {
    const audit = new Sink();
    const rig = await rigOf({}, { audit });
    rig
      .send(call(1, "echo"))
      .send(call(2, "export_secrets"))
      .send(call(3, "echo", {}));
    expect(rig.mock.callsReceived).toBe(1);
    const calls = audit.events.filter(({ kind }) => kind === "call");
    expect(calls).toMatchObject([
      { kind: "call", tool: "echo", decision: "allow", era: "legacy", server: "filesystem" },
      { kind: "call", tool: "export_secrets", reason: "tool_smuggle" },
      { kind: "call", tool: "echo", reason: "argument_denied" },
    ]);
    for (const { input, output, principalHash: who, sessionHash: where } of calls) {
      expect([input?.length, (output?.length ?? 0) >= 64]).toEqual([576, true]);
      expect([who, where]).toEqual([principalHash("local"), sessionHash("s")]);
    }
    expect(utf8Text(calls[0]?.args ?? new Uint8Array())).toBe('{"message":"x"}');
  });

  it("gets every digest that was listed, what was refused before it was a call, and questions", async () => {
    const audit = new Sink();
    const itemKeys = { echo: 'requires = ["consent"]' };
    const rig = await rigOf({ itemKeys }, { audit });
    rig.send(call(1, "echo")).send("[]").send(request(2, "vendor/x"));
    const question = rig.messages().find(({ method }) => method === "elicitation/create");
    rig.send({ jsonrpc: "2.0", id: question?.id, result: { action: "decline" } });
    rig.serverSends({ jsonrpc: "2.0", id: 77, result: {} });
    expect(audit.events.map(({ kind, reason }) => [kind, reason])).toEqual([
      ["list", "allowed"],
      // capabilities were cut out of the introduction
      ["result", "allowed"],
      ["list", "allowed"],
      ["call", "consent_required"],
      ["consent", "consent_required"],
      ["call", "malformed_message"],
      ["call", "feature_denied"],
      ["consent", "consent_required"],
      ["call", "consent_refused"],
      ["result", "malformed_message"],
    ]);
    const [introduction, listing] = audit.events.filter(({ kind }) => kind === "list");
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);
    expect(introduction?.items).toEqual([{ kind: "instructions", name: "", digest }]);
    expect(listing?.items).toHaveLength(8);
    expect(listing?.items).toContainEqual({ kind: "tool", name: "echo", digest });
  });

  it("that cannot write refuses what changes state, and reads unless they may pass without", async () => {
    for (const [auditMode, reads] of [
      ["required", "audit_unavailable"],
      ["best-effort", "allowed"],
    ] as const) {
      for (const broken of [{ isAvailable: false }, { keeps: false }]) {
        const audit = Object.assign(new Sink(), { keeps: false }, broken);
        const rig = await rigOf({}, { audit, auditMode });
        expect(reasons(rig, call(1, "write_file"), call(2, "echo"))).toEqual([
          "audit_unavailable",
          reads,
        ]);
        expect(rig.mock.calls.some(({ name }) => name === "write_file")).toBe(false);
      }
    }
  });
});
