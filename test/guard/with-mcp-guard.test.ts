import { describe, expect, it, vi } from "vitest";
import { LIMIT_LIST_PAGES } from "../../src/abi/limits.ts";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { CATALOG_PAYLOAD_TYPE } from "../../src/catalog/verify-checks.ts";
import { LIST_WAIT_MS } from "../../src/guard/router-servers.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { withMcpGuard } from "../../src/guard/with-mcp-guard.ts";
import { createEnvelope, serializeEnvelope } from "../../src/sign/dsse.ts";
import { oracleCatalogText } from "../fixtures/oracle-catalog.ts";
import { alice, expectCode, signedRoot } from "../fixtures/trust.ts";
import { EXPIRES_MS, serverOf } from "./guarded.ts";
import { clientBehindGuard, FakeClient, guardFor, reasonOf, TOOLS } from "./router-fixture.ts";

describe("withMcpGuard", () => {
  it("lists and admits before the first call, once, and forwards what it allows", async () => {
    const { client, guarded } = await clientBehindGuard();
    const request = { name: "read", arguments: { path: "/a" }, _meta: { progressToken: 1 } };
    expect(await guarded.callTool(request, "schema", { timeout: 1 })).toEqual({ content: [] });
    expect(await reasonOf(guarded.callTool({ name: "write" }))).toBe("allowed");
    expect(client.lists).toBe(1);
    expect(client.calls[0]).toEqual([request, "schema", { timeout: 1 }]);
  });

  it("a refusal is a SafetyBlocked that came back, and the server saw nothing", async () => {
    const { client, guarded } = await clientBehindGuard();
    expect(await guarded.callTool({ name: "delete" })).toMatchObject({
      outcome: "SafetyBlocked",
      reason: "tool_smuggle",
      server: "files",
      tool: "delete",
    });
    expect(client.calls).toEqual([]);
  });

  it("a server that renames a parameter after approval is never called", async () => {
    const { client, guarded } = await clientBehindGuard();
    client.pages = [{ tools: [{ ...TOOLS[0], inputSchema: { type: "array" } }, TOOLS[1]] }];
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("fingerprint_drift");
    expect(await reasonOf(guarded.callTool({ name: "write" }))).toBe("server_not_admitted");
    expect(client.calls).toEqual([]);
  });

  it("after list_changed nothing is called before the server was listed again", async () => {
    const { client, guarded } = await clientBehindGuard();
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("allowed");
    client.pages = [{ tools: [{ ...TOOLS[0], title: "new" }, TOOLS[1]] }];
    client.changed?.();
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("fingerprint_drift");
    expect(client.lists).toBe(2);
    client.pages = [{ tools: TOOLS }];
    guarded.listChanged();
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("fingerprint_drift");
    expect(client.calls).toHaveLength(1);
  });

  it("a change that overtakes the listing makes it list again, and a storm of them refuses", async () => {
    const { client, guarded } = await clientBehindGuard();
    client.onList = () => {
      if (client.lists === 1) client.changed?.("files");
    };
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("allowed");
    expect(client.lists).toBe(2);
    guarded.listChanged();
    client.onList = () => client.changed?.();
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("server_not_admitted");
    client.onList = () => undefined;
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("allowed");
  });

  it("calls that arrive together wait for one listing", async () => {
    const { client, guarded } = await clientBehindGuard();
    const calls = Array.from({ length: 20 }, () => guarded.callTool({ name: "read" }));
    expect(new Set(await Promise.all(calls.map(reasonOf)))).toEqual(new Set(["allowed"]));
    expect(client.lists).toBe(1);
  });

  it("a listing that its server limits in time is asked for again", async () => {
    let nowMs = EXPIRES_MS - 10_000;
    const { client, guarded } = await clientBehindGuard({ clock: () => nowMs });
    client.pages = [{ tools: TOOLS, ttlMs: 1000 }];
    await guarded.callTool({ name: "read" });
    nowMs += 999;
    await guarded.callTool({ name: "read" });
    expect(client.lists).toBe(1);
    nowMs += 1;
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("allowed");
    expect(client.lists).toBe(2);
  });

  it("reads every page; a smuggled tool on the second refuses the server", async () => {
    const { client, guarded } = await clientBehindGuard();
    client.pages = [{ tools: [TOOLS[0]], nextCursor: "1" }, { tools: [TOOLS[1]] }];
    expect(await reasonOf(guarded.callTool({ name: "write" }))).toBe("allowed");
    guarded.listChanged();
    client.pages[1] = { tools: [TOOLS[1], { name: "exec", inputSchema: {} }] };
    expect(await reasonOf(guarded.callTool({ name: "write" }))).toBe("server_not_admitted");
  });

  it.each<[string, unknown]>([
    ["a repeated cursor", { tools: TOOLS, nextCursor: "0" }],
    ["a cursor that is no text", { tools: TOOLS, nextCursor: null }],
    ["no tools", { tools: "read" }],
    ["nothing", undefined],
    ["a page that JSON cannot hold", { tools: [{ name: 1n }] }],
    ["one tool with two definitions", { tools: [...TOOLS, { ...TOOLS[0], title: "x" }] }],
  ])("a listing with %s admits nothing", async (_, page) => {
    const { client, guarded } = await clientBehindGuard();
    client.pages = [page];
    expect(await reasonOf(guarded.callTool({ name: "write" }))).toBe("server_not_admitted");
    expect(client.calls).toEqual([]);
  });

  it("1 000 pages are read, and an endless listing refuses", async () => {
    const { client, guarded } = await clientBehindGuard();
    const page = (index: number): object => ({ tools: [], nextCursor: String(index + 1) });
    client.pages = Array.from({ length: LIMIT_LIST_PAGES - 1 }, (_, index) => page(index));
    client.pages.push({ tools: TOOLS });
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("allowed");
    guarded.listChanged();
    client.pages[LIMIT_LIST_PAGES - 1] = page(LIMIT_LIST_PAGES - 1);
    client.pages.push({ tools: TOOLS });
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("server_not_admitted");
  });

  it("a router that fails to list is refused, and asked again at the next call", async () => {
    const { client, guarded } = await clientBehindGuard();
    client.onList = () => Promise.reject(new Error("gone"));
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("server_not_admitted");
    client.onList = () => undefined;
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("allowed");
  });

  it("a router that never lists is refused after 30 s", async () => {
    vi.useFakeTimers();
    try {
      const { client, guarded } = await clientBehindGuard();
      client.onList = () => new Promise(() => {});
      const reason = reasonOf(guarded.callTool({ name: "read" }));
      await vi.advanceTimersByTimeAsync(LIST_WAIT_MS);
      expect(await reason).toBe("server_not_admitted");
    } finally {
      vi.useRealTimers();
    }
  });

  it("shows the tools that may be called and no others", async () => {
    const { client, guarded } = await clientBehindGuard({}, { onDrift: "block-tool" });
    client.pages = [[{ ...TOOLS[0], title: "x" }, TOOLS[1], { name: "exec", inputSchema: {} }]];
    expect(await guarded.listTools()).toEqual({ tools: [TOOLS[1]] });
    const strict = await clientBehindGuard();
    strict.client.pages = client.pages;
    expect(await strict.guarded.listTools()).toEqual({ tools: [] });
  });

  it("has no other way through to the router", async () => {
    const { guarded } = await clientBehindGuard();
    expect(Object.keys(guarded).sort()).toEqual([
      "callTool",
      "dispatch",
      "listChanged",
      "listTools",
    ]);
    expect(Object.isFrozen(guarded)).toBe(true);
  });

  it("what the router throws for an allowed call is the router's", async () => {
    const { client, guarded } = await clientBehindGuard();
    client.error = new Error("timeout");
    await expect(guarded.callTool({ name: "read" })).rejects.toThrow("timeout");
  });

  it("every decision is told before anything is forwarded, and a listener that throws stops it", async () => {
    const told: string[] = [];
    const { client, guarded } = await clientBehindGuard({
      onDecision: (decision, call) => {
        told.push(`${call?.tool} ${decision.reason} ${client.calls.length}`);
        if (call?.tool === "write") throw new Error("no audit");
      },
    });
    await guarded.callTool({ name: "read" });
    await guarded.callTool({ name: "exec" });
    await guarded.callTool(7);
    expect(await reasonOf(guarded.callTool({ name: "write" }))).toBe("internal_fault");
    expect(told).toEqual([
      "read allowed 0",
      "exec tool_smuggle 1",
      "undefined malformed_message 1",
      "write allowed 1",
    ]);
    expect(client.calls).toHaveLength(1);
  });

  it("every decision is on record before anything is forwarded; without a record nothing is", async () => {
    const told: string[] = [];
    let keeps = true;
    const { client, guarded } = await clientBehindGuard({
      audit: {
        isAvailable: true,
        append: ({ tool, reason }) => {
          told.push(`${tool} ${reason} ${client.calls.length}`);
          return keeps;
        },
        flush: () => undefined,
        close: () => undefined,
      },
    });
    await guarded.callTool({ name: "read", arguments: { path: "/a" } });
    await guarded.callTool({ name: "exec" });
    await guarded.callTool(7);
    keeps = false;
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("audit_unavailable");
    expect(await reasonOf(guarded.callTool({ name: "exec" }))).toBe("tool_smuggle");
    expect(told).toEqual([
      "read allowed 0",
      "exec tool_smuggle 1",
      "undefined malformed_message 1",
      "read allowed 1",
      "read audit_unavailable 1",
      "exec tool_smuggle 1",
    ]);
    expect(client.calls).toHaveLength(1);
  });

  it("what the catalog asks for and this guard cannot apply is refused", async () => {
    const { guarded } = await clientBehindGuard({}, { operatorVerified: false });
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("policy_review");
  });

  it("a scope that the tool does not have, or nobody has, is an escalation", async () => {
    const { client, guarded } = await clientBehindGuard();
    const reasons = ["fs.read", "fs.write", "zz", "made.up"].map((scope) =>
      reasonOf(guarded.callTool({ name: "read", scopes: [scope] })),
    );
    expect(await Promise.all(reasons)).toEqual([
      "allowed",
      "scope_escalation",
      "scope_escalation",
      "scope_escalation",
    ]);
    expect(client.calls).toHaveLength(1);
  });

  it("a principal that the catalog caps or does not name is held to that", async () => {
    const text = `${oracleCatalogText({
      expiresMs: EXPIRES_MS,
      operatorScopes: ["zz"],
      servers: [serverOf()],
    })}\n[principals.reader]\nscope = ["fs.read"]\n`;
    const payload = new TextEncoder().encode(text);
    const catalog = await TrustedCatalog.open({
      envelope: serializeEnvelope(createEnvelope(CATALOG_PAYLOAD_TYPE, payload, [alice])),
      root: signedRoot(),
      clock: () => EXPIRES_MS - 1,
    });
    const reasonsFor = async (principal?: string): Promise<string[]> => {
      const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
      const options = { serverId: "files", principal };
      const guarded = withMcpGuard(new FakeClient(), guard, options);
      const names = ["read", "write"];
      return Promise.all(names.map((name) => reasonOf(guarded.callTool({ name }))));
    };
    expect(await reasonsFor("reader")).toEqual(["allowed", "scope_escalation"]);
    expect(await reasonsFor("eve")).toEqual(["identity_unknown", "identity_unknown"]);
    expect(await reasonsFor()).toEqual(["identity_unknown", "identity_unknown"]);
  });

  it("refuses a router that cannot list or call", async () => {
    const guard = await guardFor();
    for (const router of [{}, { listTools: () => [] }, { callTool: () => 1 }, null]) {
      expectCode(() => Reflect.apply(withMcpGuard, undefined, [router, guard]), "ARGUMENT_INVALID");
    }
  });
});
