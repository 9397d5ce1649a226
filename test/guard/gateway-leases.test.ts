// Leases through the gateway: bound to whom, what, when and how often; taken with the allow alone.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { argumentsDigest } from "../../src/guard/args-digest.ts";
import { createScopeLease } from "../../src/guard/lease.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { NOW_MS as ISSUED, signedRoot } from "../fixtures/trust.ts";
import { runTogether } from "../store/child.ts";
import {
  ALICE,
  expectRefused,
  identityOf,
  NOW_MS,
  rigOf,
  signedGatewayCatalog,
  TOOLS,
  told,
} from "./gateway-fixture.ts";

describe("a lease (C2)", () => {
  it("covers exactly as many calls as were granted, each recorded with it", async () => {
    const rig = await rigOf();
    const { id } = rig.grant(["write"], { maxInvocations: 3 });
    for (let left = 2; left >= 0; left--) {
      const decision = rig.ask("write");
      expect(told(decision)).toBe("allow allowed");
      expect(decision.lease).toMatchObject({ id, leaseId: id, remaining: left });
      expect(rig.sink.events.at(-1)?.leaseId).toBe(id);
    }
    expectRefused(rig, rig.ask("write"), "deny lease_exhausted");
    expect(rig.store.getLease(id)?.remaining).toBe(0);
  });

  it("is for one principal, one server and its tools", async () => {
    const rig = await rigOf();
    const { id } = rig.grant(["read", "both"], { maxInvocations: 1 });
    expectRefused(rig, rig.ask("write"), "deny lease_mismatch");
    expectRefused(rig, rig.ask("write", { leaseId: id }), "deny lease_mismatch");
    const other = createScopeLease({
      ...{ principalHash: identityOf("bob", "s").principalHash, serverId: "files" },
      ...{ grantedTools: ["write"], stateChanging: true, clock: () => NOW_MS },
    });
    rig.gateway.grantLease(other);
    expectRefused(rig, rig.ask("write", { leaseId: other.id }), "deny lease_mismatch");
    const elsewhere = createScopeLease({
      ...{ principalHash: ALICE.principalHash, serverId: "mail" },
      ...{ grantedTools: ["write"], stateChanging: true, clock: () => NOW_MS },
    });
    rig.gateway.grantLease(elsewhere);
    expectRefused(rig, rig.ask("write", { leaseId: elsewhere.id }), "deny lease_mismatch");
    expect(rig.store.getLease(id)?.remaining).toBe(1);
  });

  it("ends at its expiry, and a clock that went back finds it not yet made", async () => {
    const rig = await rigOf();
    rig.grant(["write"], { ttlSeconds: 60, maxInvocations: 5 });
    rig.nowMs = NOW_MS + 59_999;
    expect(told(rig.ask("write"))).toBe("allow allowed");
    rig.nowMs = NOW_MS + 60_000;
    expectRefused(rig, rig.ask("write"), "deny lease_expired");
    rig.nowMs = NOW_MS - 301_000;
    expect(rig.ask("write").invocation.decision).toBe("deny");
    expect(rig.store.listLeases()[0]?.remaining).toBe(4);
  });

  it("that does not cover state changes never covers one", async () => {
    const rig = await rigOf();
    rig.grant(["write"], { stateChanging: false, maxInvocations: 1 });
    expectRefused(rig, rig.ask("write"), "deny lease_mismatch");
    expect(rig.store.listLeases()[0]?.remaining).toBe(1);
  });

  it("for certain arguments is for no others", async () => {
    const rig = await rigOf();
    const argsDigest = argumentsDigest({ path: "/a" });
    rig.grant(["write"], { argsDigest, maxInvocations: 1 });
    expectRefused(rig, rig.ask("write", { args: { path: "/b" } }), "deny lease_mismatch");
    expect(told(rig.ask("write", { args: { path: "/a" } }))).toBe("allow allowed");
  });

  it("that is named must hold, and what is no lease does not", async () => {
    const rig = await rigOf();
    rig.grant(["write"], { maxInvocations: 1 });
    for (const leaseId of ["", "x", "0".repeat(64), "__proto__"]) {
      expect(rig.ask("write", { leaseId }).invocation.decision).toBe("deny");
      expect(rig.ask("quiet", { leaseId }).invocation.decision).toBe("deny");
    }
    expect(rig.store.listLeases()[0]?.remaining).toBe(1);
  });

  it("is not taken by a call that something else refuses or asks about", async () => {
    const rig = await rigOf();
    rig.grant(["both", "write"], { maxInvocations: 1 });
    expectRefused(rig, rig.ask("both"), "ask_user consent_required");
    expectRefused(rig, rig.ask("write", { scopes: ["fs.read"] }), "deny scope_escalation");
    expectRefused(rig, rig.ask("write", { args: [1] }), "deny argument_denied");
    expect(rig.store.listLeases()[0]?.remaining).toBe(1);
  });

  it("that was revoked is gone for good", async () => {
    const rig = await rigOf();
    const { id } = rig.grant(["write"]);
    expect(told(rig.ask("write"))).toBe("allow allowed");
    expect(rig.gateway.revokeLease(id)).toBe(true);
    expect(rig.ask("write").invocation.decision).toBe("deny");
    expect(rig.ask("write", { leaseId: id }).invocation.decision).toBe("deny");
  });

  it("of several the one that expires first is used", async () => {
    const rig = await rigOf();
    const long = rig.grant(["write"], { ttlSeconds: 600, maxInvocations: 1 });
    const short = rig.grant(["write"], { ttlSeconds: 60, maxInvocations: 1 });
    expect(rig.ask("write").lease?.id).toBe(short.id);
    expect(rig.ask("write").lease?.id).toBe(long.id);
  });

  it("cannot be put in force with a bound that is none", async () => {
    const rig = await rigOf();
    const lease = rig.grant(["write"], { maxInvocations: 1 });
    for (const change of [
      { remaining: 1.5 },
      { remaining: -1 },
      { remaining: 2 },
      { maxInvocations: Number.NaN },
      { expiresAtMs: Number.NaN },
      { expiresAtMs: Number.MAX_SAFE_INTEGER },
      { expiresAtMs: undefined },
      { revoked: true },
    ]) {
      const forged = Object.assign({ ...lease, leaseId: lease.id, expiresAt: "" }, change);
      expect(() => rig.gateway.grantLease(forged), JSON.stringify(change)).toThrow(
        "expected a lease",
      );
    }
  });
});

/** A store in which somebody else is faster, a number of times. */
function contended(times: number): { store: SyncStateStore; lost: () => number } {
  const inner = createMemoryStore();
  let lost = 0;
  const store: SyncStateStore = {
    ...inner,
    consumeLease: (id, remaining) => {
      if (lost < times) {
        lost += 1;
        inner.consumeLease(id, remaining);
        return false;
      }
      return inner.consumeLease(id, remaining);
    },
    consumeConsent: (id) => inner.consumeConsent(id),
  };
  return { store, lost: () => lost };
}

describe("a race for a lease", () => {
  it("is decided anew seven times, and the eighth loss is the last", async () => {
    const few = contended(7);
    const rig = await rigOf({ store: few.store });
    rig.grant(["write"], { maxInvocations: 20 });
    expect(told(rig.ask("write"))).toBe("allow allowed");
    expect(few.store.listLeases()[0]?.remaining).toBe(12);
    const many = contended(8);
    const loser = await rigOf({ store: many.store });
    loser.grant(["write"], { maxInvocations: 20 });
    expectRefused(loser, loser.ask("write"), "deny lease_exhausted");
    expect(many.lost()).toBe(8);
    expect(many.store.listLeases()[0]?.remaining).toBe(12);
  });

  it("two processes and ten invocations left: exactly ten pass", async () => {
    const file = join(temporaryDirectory(), "state.db");
    const store = openSqliteStore(file);
    const lease = createScopeLease({
      ...{ principalHash: ALICE.principalHash, serverId: "files", grantedTools: ["write"] },
      ...{ stateChanging: true, maxInvocations: 10, ttlSeconds: 3600, clock: () => NOW_MS },
    });
    const { leaseId: _, expiresAt: __, ...stored } = lease;
    expect(store.putLease(stored)).toBe(true);
    const built = (path: string): string =>
      fileURLToPath(new URL(`../../build/esm/${path}`, import.meta.url));
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
    const child = `
import { TrustedCatalog, MCPGateway, createRequestIdentity } from ${JSON.stringify(built("index.js"))};
import { openSqliteStore } from ${JSON.stringify(built("store/sqlite.js"))};
const store = openSqliteStore(${JSON.stringify(file)});
const clock = () => ${ISSUED};
const catalog = await TrustedCatalog.open({
  envelope: Buffer.from(${JSON.stringify(base64(signedGatewayCatalog()))}, "base64"),
  root: Buffer.from(${JSON.stringify(base64(signedRoot()))}, "base64"),
  clock,
});
const gateway = new MCPGateway({ catalog, store, clock });
const identity = createRequestIdentity({ principal: "alice", sessionId: "s1", clock });
const tool = ${JSON.stringify(TOOLS.write)};
`;
    const body = `
for (let turn = 0; turn < 40; turn++) {
  const { invocation } = gateway.evaluate({ identity, serverId: "files", tool, args: { turn } });
  say(invocation.decision + " " + invocation.reason);
}
`;
    const lines = (await runTogether(child, 2, () => body)).flat();
    expect(lines).toHaveLength(80);
    expect(lines.filter((line) => line === "allow allowed")).toHaveLength(10);
    expect(new Set(lines)).toEqual(new Set(["allow allowed", "deny lease_exhausted"]));
    expect(store.getLease(lease.id)?.remaining).toBe(0);
    store.close();
  });
});
