// What a gateway writes, where nobody told it and where a host did: every decision, and the
// definitions it speaks of, so that its log replays.
import { beforeAll, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../src/audit/event.ts";
import { auditEvidence } from "../../src/audit/evidence.ts";
import { RECENT_EVENTS } from "../../src/audit/limits.ts";
import { MemoryAuditLog } from "../../src/audit/memory-log.ts";
import { RecentAuditLog } from "../../src/audit/recent-log.ts";
import { replay } from "../../src/audit/replay.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { MCPGateway } from "../../src/guard/gateway.ts";
import { buildServerCard } from "../../src/guard/server-card.ts";
import { host, signedRoot } from "../fixtures/trust.ts";
import {
  ALICE,
  identityOf,
  NOW_MS,
  openGatewayCatalog,
  rigOf,
  signedGatewayCatalog,
  TOOLS,
  told,
} from "./gateway-fixture.ts";

let catalog: TrustedCatalog;
beforeAll(async () => {
  catalog = await openGatewayCatalog();
});

function recentOf({ audit }: MCPGateway): RecentAuditLog {
  if (audit instanceof RecentAuditLog) return audit;
  return expect.fail("expected the memory of the newest records");
}

const CLOCK = { clock: () => NOW_MS };
const read = { identity: ALICE, serverId: "files", tool: TOOLS.read, args: { path: "/secret" } };

describe("a gateway whose host names no log", () => {
  it("keeps its decisions in memory, without arguments", () => {
    const gateway = new MCPGateway({ catalog, ...CLOCK });
    expect(told(gateway.evaluate(read))).toBe("allow allowed");
    const changed = { ...TOOLS.read, title: "other" };
    expect(told(gateway.evaluate({ ...read, tool: changed }))).toBe("deny fingerprint_drift");
    const events = recentOf(gateway).events();
    expect(events.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([
      "list allowed",
      "call allowed",
      "list allowed",
      "call fingerprint_drift",
    ]);
    expect(JSON.stringify(events)).not.toContain("/secret");
    expect(events.every(({ args }) => args === undefined)).toBe(true);
  });

  it("does so with server cards, too, and for calls of nobody", () => {
    const card = buildServerCard({
      ...{ serverId: "files", tools: [TOOLS.read], operatorVerified: true },
    });
    const gateway = new MCPGateway({ serverCards: [card], ...CLOCK });
    gateway.evaluate(read);
    gateway.evaluate({ ...read, serverId: "other" });
    const calls = recentOf(gateway)
      .events()
      .filter(({ kind }) => kind === "call");
    expect(calls.map(({ reason }) => reason)).toEqual(["allowed", "unknown_server"]);
  });

  it(`keeps the newest ${RECENT_EVENTS}, and never refuses for want of room`, () => {
    const log = new RecentAuditLog();
    const event = (timeMs: number): AuditEvent => ({
      ...{ kind: "call", timeMs, sessionHash: "", principalHash: "", server: "", era: "none" },
      ...{ decision: "allow", reason: "allowed", code: 1, layer: "all", taint: 0 },
    });
    for (let time = 0; time < RECENT_EVENTS; time++) expect(log.append(event(time))).toBe(true);
    expect(log.events()).toHaveLength(RECENT_EVENTS);
    expect(log.append(event(RECENT_EVENTS))).toBe(true);
    const kept = log.events();
    expect(kept).toHaveLength(RECENT_EVENTS);
    expect([kept[0]?.timeMs, kept.at(-1)?.timeMs]).toEqual([1, RECENT_EVENTS]);
    log.flush();
    log.close();
    expect([log.isAvailable, log.append(event(0))]).toEqual([false, false]);
    expect(log.events()).toEqual(kept);
  });

  it("writes nothing where the host says `none`, and goes on", () => {
    const gateway = new MCPGateway({ catalog, audit: "none", ...CLOCK });
    expect(gateway.audit).toBeUndefined();
    expect(told(gateway.evaluate(read))).toBe("allow allowed");
  });

  it("refuses what changes state when its host has closed the log", () => {
    const gateway = new MCPGateway({ catalog, ...CLOCK });
    void gateway.audit?.close();
    expect(told(gateway.evaluate(read))).toBe("deny audit_unavailable");
  });
});

describe("the log of a gateway", () => {
  function loggedGateway(): { gateway: MCPGateway; log: MemoryAuditLog } {
    const log = new MemoryAuditLog({
      process: { host: "library", pid: 1, startMs: NOW_MS },
      evidence: auditEvidence({
        signed: { envelope: signedGatewayCatalog() },
        roots: [signedRoot()],
      }),
      auditKey: host,
      clock: () => NOW_MS,
    });
    return { log, gateway: new MCPGateway({ catalog, audit: log, ...CLOCK }) };
  }

  it("replays: definitions that callers hold, names, drift, several sessions", async () => {
    const { gateway, log } = loggedGateway();
    const changed = { ...TOOLS.read, title: "other" };
    gateway.admitListing("files", { tools: Object.values(TOOLS) });
    const bob = identityOf("bob", "s2");
    const answers = [
      gateway.evaluate({ ...read, tool: "read" }),
      gateway.evaluate({ ...read, identity: bob }),
      gateway.evaluate({ ...read, identity: bob, tool: changed }),
      gateway.evaluate({ ...read, tool: "read" }),
      gateway.evaluate({ ...read, tool: "quiet" }),
      gateway.evaluate({ ...read, tool: TOOLS.quiet }),
      gateway.evaluate({ ...read, tool: "smuggled" }),
      gateway.evaluate({ ...read, tool: { ...TOOLS.read, name: "smuggled" } }),
      gateway.evaluate({ ...read, tool: "read", serverId: "mail" }),
      await gateway.evaluateAsync({ ...read, tool: "erase" }),
    ];
    expect(answers.map(told)).toEqual([
      "allow allowed",
      "allow allowed",
      "deny fingerprint_drift",
      "deny fingerprint_drift",
      "allow allowed",
      "allow allowed",
      "deny tool_smuggle",
      "deny tool_smuggle",
      "deny tool_smuggle",
      "dry_run policy_dry_run",
    ]);
    log.close();
    const { objects } = log;
    const report = await replay({ logs: [log.toInput()], roots: [catalog.root], objects });
    expect(report).toMatchObject({ ok: true, findings: [], frames: answers.length });
  });

  it("lists a definition once, and again when another one came between", async () => {
    const rig = await rigOf();
    const changed = { ...TOOLS.quiet, title: "other" };
    for (let round = 0; round < 3; round++) rig.ask("quiet");
    expect(rig.sink.listings).toHaveLength(1);
    rig.ask("quiet", { tool: changed });
    rig.ask("quiet");
    expect(rig.sink.listings.map(({ items }) => items?.length)).toEqual([1, 1, 1]);
  });

  it("lists it again when the first time was not written", async () => {
    const rig = await rigOf();
    rig.sink.writes = false;
    rig.ask("quiet");
    rig.sink.writes = true;
    rig.ask("quiet");
    rig.ask("quiet");
    expect(rig.sink.listings).toHaveLength(2);
  });
});
