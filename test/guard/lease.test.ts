import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argumentsDigest } from "../../src/guard/args-digest.ts";
import { principalHash } from "../../src/guard/identity-hash.ts";
import {
  createScopeLease,
  LEASE_CLOCK_SKEW_MS,
  LIMIT_LEASE_INVOCATIONS,
  LIMIT_LEASE_TOOLS,
  LIMIT_LEASE_TTL_SECONDS,
  type ScopeLease,
  type ScopeLeaseOptions,
} from "../../src/guard/lease.ts";
import { chooseLease, type LeaseCall } from "../../src/guard/lease-choice.ts";
import { isScopeLeaseValid, leaseState } from "../../src/guard/lease-valid.ts";
import { expectCode } from "../fixtures/trust.ts";

const NOW = 1_800_000_000_000;
const ALICE = principalHash("alice");

function leaseOf(changes: Partial<ScopeLeaseOptions> = {}): ScopeLease {
  return createScopeLease({
    principalHash: ALICE,
    serverId: "filesystem",
    grantedTools: ["fs_write"],
    clock: () => NOW,
    ...changes,
  });
}

describe("createScopeLease", () => {
  it("grants what was asked for, for five minutes when nothing else is said", () => {
    const lease = leaseOf({ maxInvocations: 10, stateChanging: true });
    expect(lease).toEqual({
      id: lease.id,
      leaseId: lease.id,
      principalHash: ALICE,
      serverId: "filesystem",
      grantedTools: ["fs_write"],
      createdAtMs: NOW,
      expiresAtMs: NOW + 300_000,
      expiresAt: new Date(NOW + 300_000).toISOString(),
      maxInvocations: 10,
      remaining: 10,
      stateChanging: true,
      argsDigest: null,
      revoked: false,
    });
    expect(lease.id).toMatch(/^[0-9a-f]{64}$/);
    expect(Object.isFrozen(lease)).toBe(true);
    expect(Object.isFrozen(lease.grantedTools)).toBe(true);
  });

  it("what is left out is the strict side: no state-changing tools", () => {
    expect(leaseOf()).toMatchObject({ stateChanging: false, maxInvocations: null });
  });

  it("two grants of the same never share an id, and the same random bytes give the same one", () => {
    expect(leaseOf().id).not.toBe(leaseOf().id);
    const random = (size: number): Uint8Array => new Uint8Array(size);
    expect(leaseOf({ random }).id).toBe(leaseOf({ random }).id);
    expect(leaseOf({ random, grantedTools: ["a", "b"] }).id).not.toBe(
      leaseOf({ random, grantedTools: ["ab"] }).id,
    );
  });

  it.each<[string, Partial<Record<keyof ScopeLeaseOptions, unknown>>]>([
    ["a time to live of 0", { ttlSeconds: 0 }],
    ["a negative one", { ttlSeconds: -1 }],
    ["NaN", { ttlSeconds: Number.NaN }],
    ["an infinite one", { ttlSeconds: Number.POSITIVE_INFINITY }],
    ["less than a millisecond", { ttlSeconds: 0.0001 }],
    ["more than 30 days", { ttlSeconds: LIMIT_LEASE_TTL_SECONDS + 1 }],
    ["text", { ttlSeconds: "300" }],
    ["no invocations", { maxInvocations: 0 }],
    ["negative invocations", { maxInvocations: -5 }],
    ["a fraction of an invocation", { maxInvocations: 1.5 }],
    ["NaN invocations", { maxInvocations: Number.NaN }],
    ["more than a frame holds", { maxInvocations: LIMIT_LEASE_INVOCATIONS + 1 }],
    ["no tools", { grantedTools: [] }],
    ["tools as text", { grantedTools: "fs_write" }],
    ["an empty name", { grantedTools: [""] }],
    ["a name of 129 bytes", { grantedTools: ["a".repeat(129)] }],
    ["a lone surrogate", { grantedTools: ["\ud800"] }],
    ["too many tools", { grantedTools: Array.from({ length: 1025 }, (_, i) => `t${i}`) }],
    ["a short principal hash", { principalHash: "abc" }],
    ["an upper-case one", { principalHash: ALICE.toUpperCase() }],
    ["no server", { serverId: "" }],
    ["a server id with a space", { serverId: "a b" }],
    ["a truthy stateChanging", { stateChanging: 1 }],
    ["a digest without its prefix", { argsDigest: ALICE }],
    ["a broken clock", { clock: () => Number.NaN }],
    ["a generator that gives less", { random: () => new Uint8Array(31) }],
  ])("refuses %s", (_, changes) => {
    const options = { principalHash: ALICE, serverId: "s", grantedTools: ["t"], ...changes };
    expectCode(() => Reflect.apply(createScopeLease, undefined, [options]), "ARGUMENT_INVALID");
  });

  it("takes every limit itself", () => {
    const lease = leaseOf({
      ttlSeconds: LIMIT_LEASE_TTL_SECONDS,
      maxInvocations: LIMIT_LEASE_INVOCATIONS,
      grantedTools: Array.from({ length: LIMIT_LEASE_TOOLS }, (_, i) => `t${i}`),
    });
    expect(isScopeLeaseValid(lease, NOW)).toBe(true);
    expect(isScopeLeaseValid(leaseOf({ grantedTools: ["a".repeat(128)] }), NOW)).toBe(true);
    expect(leaseOf({ ttlSeconds: 0.001 }).expiresAtMs).toBe(NOW + 1);
  });
});

describe("isScopeLeaseValid", () => {
  const row = { ...leaseOf({ maxInvocations: 2 }) };

  it("is true until the last millisecond, and reads the wall clock by default", () => {
    expect(isScopeLeaseValid(row, NOW)).toBe(true);
    expect(isScopeLeaseValid(row, row.expiresAtMs - 1)).toBe(true);
    expect(isScopeLeaseValid(row, row.expiresAtMs)).toBe(false);
    expect(
      isScopeLeaseValid(
        createScopeLease({ principalHash: ALICE, serverId: "s", grantedTools: ["t"] }),
      ),
    ).toBe(true);
  });

  it("what a store keeps, without the second spellings, is as valid", () => {
    const { leaseId: _id, expiresAt: _at, ...stored } = row;
    expect(isScopeLeaseValid(JSON.parse(JSON.stringify(stored)), NOW)).toBe(true);
  });

  it("a lease dated ahead is usable within the skew of two clocks and not beyond", () => {
    expect(isScopeLeaseValid(row, NOW - LEASE_CLOCK_SKEW_MS)).toBe(true);
    expect(isScopeLeaseValid(row, NOW - LEASE_CLOCK_SKEW_MS - 1)).toBe(false);
  });

  it.each<[string, object]>([
    ["expired", { expiresAtMs: NOW, expiresAt: new Date(NOW).toISOString() }],
    ["expired", { expiresAtMs: undefined }],
    ["expired", { expiresAtMs: Number.NaN }],
    ["expired", { expiresAtMs: "2099-01-01T00:00:00Z" }],
    ["expired", { expiresAtMs: Number.POSITIVE_INFINITY }],
    ["expired", { expiresAt: "never" }],
    ["expired", { expiresAt: null }],
    ["expired", { expiresAt: "2099-01-01T00:00:00Z" }],
    ["expired", { expiresAtMs: 8e15, expiresAt: new Date(8e15).toISOString() }],
    ["expired", { createdAtMs: undefined }],
    ["expired", { createdAtMs: NOW + 300_001 }],
    ["exhausted", { remaining: 0 }],
    ["malformed", { remaining: -1 }],
    ["malformed", { remaining: 0.5 }],
    ["malformed", { remaining: 3 }],
    ["malformed", { remaining: null }],
    ["malformed", { remaining: undefined }],
    ["malformed", { maxInvocations: -1 }],
    ["malformed", { maxInvocations: 1.5 }],
    ["malformed", { maxInvocations: 0, remaining: 0 }],
    ["malformed", { maxInvocations: null }],
    ["revoked", { revoked: true }],
    ["malformed", { revoked: undefined }],
    ["malformed", { grantedTools: [] }],
    ["malformed", { grantedTools: [1] }],
    ["malformed", { principalHash: "" }],
    ["malformed", { serverId: "a b" }],
    ["malformed", { stateChanging: "yes" }],
    ["malformed", { argsDigest: "sha256:1" }],
    ["malformed", { id: "1" }],
  ])("%s: %j", (state, changes) => {
    expect(leaseState({ ...row, ...changes }, NOW)).toBe(state);
    expect(isScopeLeaseValid({ ...row, ...changes }, NOW)).toBe(false);
  });

  it.each([
    Number.NaN,
    0,
    -1,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ])("at the time %s nothing is valid", (nowMs) => {
    expect(isScopeLeaseValid(row, nowMs)).toBe(false);
  });

  it("a member or a proxy that throws is a refusal, not an exception", () => {
    const throwing = new Proxy(row, {
      get: () => {
        throw new Error("boom");
      },
    });
    expect(isScopeLeaseValid(throwing, NOW)).toBe(false);
  });

  it("no value at all makes it throw, and none but a lease makes it true", () => {
    fc.assert(
      fc.property(fc.anything(), fc.double(), (value, nowMs) => {
        expect(isScopeLeaseValid(value, nowMs)).toBe(false);
      }),
    );
  });

  it("with any one member replaced by any value it never throws, nor lives past its expiry", () => {
    const keys = fc.constantFrom(...Object.keys(row));
    fc.assert(
      fc.property(keys, fc.anything(), (key, value) => {
        const changed = { ...row, [key]: value };
        expect(typeof isScopeLeaseValid(changed, NOW)).toBe("boolean");
        expect(isScopeLeaseValid(changed, row.createdAtMs + 31 * 86_400_000)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe("chooseLease", () => {
  const call: LeaseCall = {
    principalHash: ALICE,
    serverId: "filesystem",
    tool: "fs_write",
    stateChanging: true,
    argsDigest: argumentsDigest({}),
  };
  const grant = (changes: Partial<ScopeLeaseOptions> = {}): ScopeLease =>
    leaseOf({ stateChanging: true, ...changes });

  it("takes the earliest expiry, then the lowest id", () => {
    const late = grant({ ttlSeconds: 600 });
    const twins = [grant(), grant()];
    const lowest = [...twins].sort((a, b) => (a.id < b.id ? -1 : 1))[0];
    expect(chooseLease([late, ...twins], call, NOW)).toBe(lowest);
    expect(chooseLease([...twins].reverse(), call, NOW)).toBe(lowest);
  });

  it.each<[string, Partial<ScopeLeaseOptions>]>([
    ["of another principal", { principalHash: principalHash("bob") }],
    ["for another server", { serverId: "other" }],
    ["for another tool", { grantedTools: ["fs_write2"] }],
    ["that covers no state-changing tool", { stateChanging: false }],
    ["for other arguments", { argsDigest: argumentsDigest({ a: 1 }) }],
  ])("a lease %s comes after every one that covers the call", (_, changes) => {
    const other = grant({ ttlSeconds: 1, ...changes });
    const covering = grant({ argsDigest: call.argsDigest });
    expect(chooseLease([other, covering], call, NOW)).toBe(covering);
    expect(chooseLease([other], call, NOW)).toBe(other);
  });

  it("without a valid one it names the one that says most: used up, then expired", () => {
    const expired = grant({ ttlSeconds: 1, clock: () => NOW - 1000 });
    const used = { ...grant({ maxInvocations: 1 }), remaining: 0 };
    const foreign = grant({ serverId: "other" });
    expect(chooseLease([foreign, expired, used], call, NOW)).toBe(used);
    expect(chooseLease([foreign, expired], call, NOW)).toBe(expired);
  });

  it("a revoked or malformed lease is never chosen", () => {
    expect(chooseLease([{ ...grant(), revoked: true }], call, NOW)).toBeUndefined();
    expect(chooseLease([{ ...grant(), grantedTools: [] }], call, NOW)).toBeUndefined();
    expect(chooseLease([], call, NOW)).toBeUndefined();
  });
});
