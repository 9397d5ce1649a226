import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DispatchGuard } from "../../src/guard/dispatch-guard.ts";
import { isSafetyBlocked } from "../../src/guard/safety-blocked.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { type GuardedRouter, withMcpGuard } from "../../src/guard/with-mcp-guard.ts";
import { toDecision } from "../../src/verdict.ts";
import { EXPIRES_MS, open, serverOf } from "./guarded.ts";
import { clientBehindGuard, FakeClient, reasonOf, TOOLS } from "./router-fixture.ts";

describe("the shapes of a call", () => {
  /** A router in front of several servers. */
  async function router(): Promise<{
    calls: unknown[][];
    lists: unknown[][];
    guarded: GuardedRouter;
  }> {
    const calls: unknown[][] = [];
    const lists: unknown[][] = [];
    const target = {
      listTools: (...parameters: unknown[]) => {
        lists.push(parameters);
        return TOOLS;
      },
      dispatch: (...parameters: unknown[]) => {
        calls.push(parameters);
        return "done";
      },
    };
    const guard = ScopeGuard.fromCatalog(await open(serverOf(), serverOf({ id: "other" })), {
      clock: () => EXPIRES_MS - 1,
    });
    return { calls, lists, guarded: withMcpGuard(target, guard) };
  }

  it.each<[string, unknown[]]>([
    ["(server, tool, args, ...)", ["files", "read", { path: "/a" }, 5]],
    ["(server, tool)", ["files", "read"]],
    ["({ server, tool, args })", [{ server: "files", tool: "read", args: { a: 1 } }]],
    ["({ serverId, name, arguments })", [{ serverId: "files", name: "read", arguments: {} }, "x"]],
  ])("%s reaches a router of several servers as it was", async (_, parameters) => {
    const { calls, lists, guarded } = await router();
    expect(await guarded.dispatch(...parameters)).toBe("done");
    expect(await guarded.callTool(...parameters)).toBe("done");
    expect(calls).toEqual([parameters, parameters]);
    expect(lists).toEqual([["files"]]);
  });

  it("a server that the catalog does not name is not even listed", async () => {
    const { calls, lists, guarded } = await router();
    expect(await reasonOf(guarded.dispatch("evil", "read", {}))).toBe("unknown_server");
    expect(await guarded.listTools("evil")).toEqual({ tools: [] });
    expect([calls, lists]).toEqual([[], []]);
  });

  it.each<[string, unknown[]]>([
    ["nothing", []],
    ["no tool", ["files"]],
    ["a number", [1, "read"]],
    ["null", [null]],
    ["an array", [["files", "read"]]],
    ["two names", [{ server: "files", tool: "read", name: "write" }]],
    ["two servers", [{ server: "files", serverId: "other", tool: "read" }]],
    ["two arguments", [{ server: "files", tool: "read", args: {}, arguments: { a: 1 } }]],
    ["no server", [{ tool: "read" }]],
    ["a tool that is no text", [{ server: "files", tool: ["read"] }]],
    ["arguments that are an array", ["files", "read", [1]]],
    ["arguments that are text", ["files", "read", "x"]],
    ["null arguments", ["files", "read", null]],
    ["arguments that JSON cannot hold", ["files", "read", { a: 1n }]],
    ["scopes that are no list", [{ server: "files", tool: "read", scopes: "admin" }]],
  ])("%s is refused as malformed, and nothing is forwarded", async (_, parameters) => {
    const { calls, guarded } = await router();
    expect(await reasonOf(guarded.dispatch(...parameters))).toBe("malformed_message");
    expect(calls).toEqual([]);
  });

  it("a call for another server than the one behind the router is refused", async () => {
    const { client, guarded } = await clientBehindGuard();
    expect(await reasonOf(guarded.callTool({ server: "other", name: "read" }))).toBe(
      "malformed_message",
    );
    expect(await reasonOf(guarded.callTool("files", "read", {}))).toBe("malformed_message");
    expect(client.calls).toEqual([]);
    expect(await reasonOf(guarded.callTool("read", { a: 1 }))).toBe("allowed");
    expect(client.calls).toEqual([["read", { a: 1 }]]);
  });

  it("a name that answers differently the second time is forwarded as it was judged", async () => {
    const { client, guarded } = await clientBehindGuard();
    let reads = 0;
    const request = {
      get name(): string {
        reads += 1;
        return reads === 1 ? "read" : "exec";
      },
      arguments: {
        get path(): string {
          return `/${reads++}`;
        },
      },
    };
    await guarded.callTool(request);
    expect(client.calls).toEqual([[{ name: "read", arguments: { path: "/1" } }]]);
  });

  it("whatever is called, it is a refusal or an allowed tool, never an exception", async () => {
    const { calls, guarded } = await router();
    const word = fc.constantFrom("files", "read", "write", "__proto__", "constructor", "");
    const anything = fc.oneof(
      fc.anything(),
      word,
      fc.record({ server: word, tool: word, args: fc.anything() }, { requiredKeys: [] }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 4 }), async (parameters) => {
        const before = calls.length;
        const result = await guarded.dispatch(...parameters);
        expect(result === "done" || isSafetyBlocked(result)).toBe(true);
        expect(calls.length - before).toBe(result === "done" ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });
});

describe("any guard of that shape", () => {
  it("is asked with the arguments that are forwarded, and may answer later", async () => {
    const client = new FakeClient();
    const asked: unknown[] = [];
    const guard: DispatchGuard = {
      knows: () => true,
      admit: () => new Set(["read"]),
      unverify: () => undefined,
      decide: async (call) => {
        asked.push(call.args);
        return toDecision(call.tool === "read" ? 1 : 22);
      },
    };
    const guarded = withMcpGuard(client, guard, { serverId: "files" });
    expect(await reasonOf(guarded.callTool({ name: "read", arguments: { a: 1 } }))).toBe("allowed");
    expect(await reasonOf(guarded.callTool({ name: "write" }))).toBe("consent_required");
    expect(asked).toEqual([{ a: 1 }, undefined]);
    expect(await guarded.listTools()).toEqual({ tools: [TOOLS[0]] });
  });

  it("that throws or rejects has refused", async () => {
    const client = new FakeClient();
    const guard: DispatchGuard = {
      knows: () => true,
      admit: () => {
        throw new Error("boom");
      },
      unverify: () => undefined,
      decide: () => Promise.reject(new Error("boom")),
    };
    const guarded = withMcpGuard(client, guard, { serverId: "files" });
    expect(await reasonOf(guarded.callTool({ name: "read" }))).toBe("internal_fault");
    expect(client.calls).toEqual([]);
  });
});
