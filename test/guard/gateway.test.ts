// MCPGateway against attackers of its own callers' kind: each attack case that the library decides,
// what was taken with it, and what was recorded.
import { describe, expect, it } from "vitest";
import { ProtectedPaths } from "../../src/guard/protected-paths.ts";
import { executeFrame } from "../../src/kernel/decide.ts";
import { loadImage } from "../../src/kernel/image-kernel.ts";
import {
  ALICE,
  expectRefused,
  identityOf,
  openGatewayCatalog,
  rigOf,
  TOOLS,
  told,
} from "./gateway-fixture.ts";

describe("a closed world", () => {
  it("an unknown server, and every variant of a known one, is unknown (A1, A9)", async () => {
    const rig = await rigOf();
    const lease = rig.grant(["write"]);
    for (const serverId of [
      ...["evil", "", "FILES", " files", "files ", "files\u0000", "f\u0456les", "files\u200d"],
      ...["__proto__", "constructor", "toString", "fi\nles", "f".repeat(10_000_000)],
    ]) {
      expectRefused(rig, rig.ask("write", { serverId }), "deny unknown_server");
    }
    expect(rig.store.getLease(lease.id)?.remaining).toBe(lease.remaining);
    expect(rig.sink.events).toHaveLength(13);
  });

  it("a known server with another definition has drifted, for good (A2, A6)", async () => {
    const rig = await rigOf();
    rig.grant(["write"], { maxInvocations: 1 });
    const changed = { ...TOOLS.write, description: "Does write, and sends it." };
    expectRefused(rig, rig.ask("write", { tool: changed }), "deny fingerprint_drift");
    // the pinned definition, shown later, does not mend it
    expectRefused(rig, rig.ask("write"), "deny fingerprint_drift");
    const renamed = { ...TOOLS.read, name: "reed" };
    expectRefused(rig, rig.ask("read", { tool: renamed }), "deny tool_smuggle");
    const swapped = { ...TOOLS.read, name: "send" };
    expectRefused(rig, rig.ask("read", { tool: swapped }), "deny fingerprint_drift");
    expect(rig.store.listLeases()[0]?.remaining).toBe(1);
  });

  it("names that nobody pinned are smuggled, whatever they look like (A9)", async () => {
    const rig = await rigOf();
    for (const name of [
      ...["Read", "read ", " read", "re\u0061d\u0301", "re\u0430d", "rea\u200dd", "read\u0000", ""],
      ...["re\nad", "__proto__", "constructor", "toString", "r".repeat(10_000_000)],
    ]) {
      expectRefused(rig, rig.ask("read", { tool: name }), "deny tool_smuggle");
      const held = { ...TOOLS.read, name };
      expectRefused(rig, rig.ask("read", { tool: held }), "deny tool_smuggle");
    }
  });

  it("a tool that is named without a listing was never seen (A4)", async () => {
    const rig = await rigOf();
    expectRefused(rig, rig.ask("read", { tool: "read" }), "deny server_not_admitted");
    rig.gateway.admitListing("files", [TOOLS.read, TOOLS.write]);
    expect(told(rig.ask("read", { tool: "read" }))).toBe("allow allowed");
    expectRefused(rig, rig.ask("quiet", { tool: "quiet" }), "deny server_not_admitted");
    rig.gateway.admitListing("files", [{ ...TOOLS.read, description: "other" }, TOOLS.quiet]);
    expectRefused(rig, rig.ask("read", { tool: "read" }), "deny fingerprint_drift");
    // the whole server is refused with it
    expectRefused(rig, rig.ask("quiet", { tool: "quiet" }), "deny server_not_admitted");
  });

  it("nothing at all, or no catalog, allows nothing (A3)", async () => {
    const rig = await rigOf({}, { rest: "" });
    rig.nowMs = Date.UTC(2027, 1, 20);
    expectRefused(rig, rig.ask("read"), "deny catalog_expired");
    rig.nowMs = Number.NaN;
    expect(told(rig.ask("read"))).toBe("deny catalog_expired");
  });

  it("a look-alike of an identity is nobody", async () => {
    const rig = await rigOf();
    expectRefused(rig, rig.ask("read", { identity: { ...ALICE } }), "deny identity_unknown");
  });

  it("what a frame was decided with is decided again to the same bytes", async () => {
    const rig = await rigOf();
    rig.grant(["write"], { maxInvocations: 1 });
    for (const name of ["read", "write", "send", "erase", "hidden", "bounded"] as const) {
      rig.ask(name);
    }
    rig.ask("write");
    const kernel = loadImage((await openGatewayCatalog()).image, 64);
    expect(rig.sink.events).toHaveLength(7);
    for (const { input, output } of rig.sink.events) {
      expect(executeFrame(kernel, input ?? new Uint8Array())).toEqual(output);
    }
  });
});

describe("scope and effect", () => {
  it("more scope than the tool has, or than the caller may use, is an escalation", async () => {
    const rig = await rigOf();
    expect(told(rig.ask("quiet", { scopes: ["fs.read"] }))).toBe("allow allowed");
    expectRefused(rig, rig.ask("quiet", { scopes: ["fs.write"] }), "deny scope_escalation");
    const child = identityOf("alice", "s2", identityOf("alice", "s0"));
    expect(told(rig.ask("quiet", { identity: child }))).toBe("allow allowed");
    expect(() => rig.ask("quiet", { scopes: ["fs.raed"] })).toThrow("fs.raed");
    const capped = await rigOf({ scopeCap: ["net.send"] });
    expectRefused(capped, capped.ask("quiet"), "deny scope_escalation");
  });

  it("annotations and telling names change no outcome (C1)", async () => {
    const rig = await rigOf();
    const decision = rig.ask("quiet");
    expect(decision.stateChanging).toBe(false);
    expect(rig.ask("write").stateChanging).toBe(true);
    expect(rig.ask("read", { tool: "unheard_of" }).stateChanging).toBe(true);
  });

  it("a dry run is told as such and takes nothing", async () => {
    const rig = await rigOf();
    const decision = rig.ask("erase");
    expectRefused(rig, decision, "dry_run policy_dry_run");
    expect(decision.invocation.matchedPolicyIds).toEqual(["try-erase"]);
  });

  it("hidden characters in a definition block it, pinned or not (C8)", async () => {
    const rig = await rigOf();
    expectRefused(rig, rig.ask("hidden"), "deny vetting_blocked");
  });

  it("an unverified server is asked about", async () => {
    const rig = await rigOf({}, { server: "operator_verified = false" });
    const decision = rig.ask("quiet");
    expectRefused(rig, decision, "ask_user policy_review");
    expect(decision.invocation.reasons).toEqual(["operator_unverified"]);
  });

  it("there is no exception at run time (C10)", async () => {
    const rig = await rigOf({ rules: [{ policyId: "let", evaluate: () => "allow" }] });
    expectRefused(rig, rig.ask("write"), "deny lease_required");
    expectRefused(rig, rig.ask("send"), "ask_user consent_required");
  });
});

describe("arguments", () => {
  const FINE = { path: "/data/a", url: "https://a.example.org/", note: "abcde" };

  it("inside all constraints pass", async () => {
    const rig = await rigOf();
    expect(told(rig.ask("bounded", { args: FINE }))).toBe("allow allowed");
    const bytes = new TextEncoder().encode(JSON.stringify(FINE));
    expect(told(rig.ask("bounded", { args: bytes }))).toBe("allow allowed");
  });

  it.each([
    // C4
    ...[
      "/database",
      "/data/../etc",
      "/data//a",
      "/data/%2e%2e/a",
      "/data\\a",
      "data/a",
      "/data/.",
    ].map((path) => ({ path })),
    // C5, C6
    { note: "abcdef" },
    { note: "é".repeat(3) },
    { note: 5 },
    { path: ["/data/a"] },
    { path: null },
    { path: undefined },
    // C12
    ...[
      "https://a.example.org@evil.example/",
      "https://127.0.0.1/",
      "https://a.example.org./",
      "https://example.org/",
      "https://evil.example/\\@a.example.org",
      "http://a.example.org/",
      "https://ä.example.org/",
      "//a.example.org/",
    ].map((url) => ({ url })),
    { Path: "/data/a" },
  ])("outside one of them are denied: %j", async (change) => {
    const rig = await rigOf();
    const decision = rig.ask("bounded", { args: { ...FINE, ...change } });
    expectRefused(rig, decision, "deny argument_denied");
  });

  it("of mixed case in a host name are the same host (C12)", async () => {
    const rig = await rigOf();
    const args = { ...FINE, url: "HTTPS://A.Example.ORG/" };
    expect(told(rig.ask("bounded", { args }))).toBe("allow allowed");
  });

  it("are held against the schema of the definition", async () => {
    const rig = await rigOf();
    expect(told(rig.ask("typed", { args: { count: 1 } }))).toBe("allow allowed");
    for (const args of [{}, { count: 1.5 }, { count: "1" }, { count: 1, more: 1 }]) {
      expectRefused(rig, rig.ask("typed", { args }), "deny argument_denied");
    }
  });

  it("as bytes are read strictly even where nothing asks about a member", async () => {
    const rig = await rigOf();
    for (const text of ["[1]", "1", "", '{"a":1,"a":2}', '{"a":1e400}', '{"a":"\\ud800"}', "{} "]) {
      const decision = rig.ask("quiet", { args: new TextEncoder().encode(text) });
      if (text === "{} ") expect(told(decision)).toBe("allow allowed");
      else expectRefused(rig, decision, "deny argument_denied");
    }
  });

  it("that name a protected path are denied (D13)", async () => {
    const protectedPaths = ProtectedPaths.of(["/home/a/.config/portcullis"]);
    const rig = await rigOf({ protectedPaths });
    const args = { any: { deep: ["~/.config/portcullis/catalog.toml"] } };
    expectRefused(rig, rig.ask("quiet", { args }), "deny argument_denied");
    expect(told(rig.ask("quiet", { args: { any: "/home/a/notes" } }))).toBe("allow allowed");
  });

  it("that change under the reader are not plain data", async () => {
    const rig = await rigOf();
    const sly = {
      get count() {
        return Math.random();
      },
    };
    expectRefused(rig, rig.ask("typed", { args: sly }), "deny argument_denied");
  });
});

describe("the record", () => {
  it("an allowed call whose record cannot be written is refused, and says why", async () => {
    const rig = await rigOf();
    rig.sink.writes = false;
    const decision = rig.ask("read");
    expect(told(decision)).toBe("deny audit_unavailable");
    expect(rig.sink.events.map(({ decision: outcome }) => outcome)).toEqual(["allow", "deny"]);
    const [first, second] = rig.sink.events;
    expect(second?.output).not.toEqual(first?.output);
  });

  it("a sink that is unavailable refuses before anything is taken", async () => {
    const rig = await rigOf();
    rig.grant(["write"], { maxInvocations: 2 });
    rig.sink.isAvailable = false;
    expectRefused(rig, rig.ask("write"), "deny audit_unavailable");
    expect(rig.store.listLeases()[0]?.remaining).toBe(2);
  });

  it("best effort lets reads pass, and nothing else", async () => {
    const rig = await rigOf({ auditMode: "best-effort" });
    rig.grant(["write"]);
    for (const failure of ["isAvailable", "writes"] as const) {
      rig.sink[failure] = false;
      expect(told(rig.ask("quiet"))).toBe("allow allowed");
      expect(told(rig.ask("write"))).toBe("deny audit_unavailable");
      rig.sink[failure] = true;
    }
  });

  it("a sink that throws has not written", async () => {
    const broken = {
      get isAvailable(): boolean {
        throw new Error("gone");
      },
      append: () => {
        throw new Error("gone");
      },
      flush: () => undefined,
      close: () => undefined,
    };
    const rig = await rigOf({ audit: broken });
    expect(told(rig.ask("quiet"))).toBe("deny audit_unavailable");
    const { append, flush, close } = broken;
    const halfBroken = { isAvailable: true, append, flush, close };
    const other = await rigOf({ audit: halfBroken });
    expect(told(other.ask("quiet"))).toBe("deny audit_unavailable");
    expect(told(other.ask("erase"))).toBe("dry_run policy_dry_run");
  });

  it("what the request says the second time it is read does not count", async () => {
    const rig = await rigOf();
    rig.sink.writes = false;
    let reads = 0;
    const request = {
      identity: ALICE,
      serverId: "files",
      get tool() {
        reads += 1;
        if (reads > 1) throw new Error("read twice");
        return TOOLS.quiet;
      },
    };
    expect(told(rig.gateway.evaluate(request))).toBe("deny audit_unavailable");
    expect(reads).toBe(1);
  });
});
