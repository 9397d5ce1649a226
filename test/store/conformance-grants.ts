// Conformance: leases and consents.
import { describe, expect, it } from "vitest";
import {
  EXPIRED_RETENTION_MS,
  LIMIT_LEASE_TOOLS,
  LIMIT_PURGE_ROWS,
} from "../../src/store/limits.ts";
import type { Consent, Lease } from "../../src/store/records.ts";
import { type Current, expectFault } from "./conformance.ts";
import { ALICE, consent, FINGERPRINT, hash, lease, NOW_MS } from "./fixtures.ts";

const BAD_LEASES: readonly (readonly [string, object])[] = [
  ["id", { id: hash(1).toUpperCase().replace("1", "A") }],
  ["principalHash", { principalHash: ALICE.slice(1) }],
  ["serverId", { serverId: "../files" }],
  ["grantedTools", { grantedTools: [] }],
  ["grantedTools", { grantedTools: ["a", "a"] }],
  ["grantedTools", { grantedTools: ["\ud800"] }],
  ["createdAtMs", { createdAtMs: Number.NaN }],
  ["expiresAtMs", { expiresAtMs: Number.POSITIVE_INFINITY }],
  ["expiresAtMs", { expiresAtMs: undefined }],
  ["maxInvocations", { maxInvocations: 0, remaining: 0 }],
  ["maxInvocations", { maxInvocations: 1.5 }],
  ["maxInvocations", { maxInvocations: 0x1_0000_0000 }],
  ["remaining", { remaining: -1 }],
  ["combination", { remaining: 4 }],
  ["combination", { remaining: null }],
  ["combination", { maxInvocations: null }],
  ["stateChanging", { stateChanging: 1 }],
  ["argsDigest", { argsDigest: hash(1) }],
  ["revoked", { revoked: null }],
];

export function describeGrants(current: Current): void {
  describe("leases", () => {
    it("a lease comes back with exactly its members, and cannot be changed from outside", async () => {
      const store = current.store();
      const tools = ["write_file"];
      const given: object = { ...lease(1, { grantedTools: tools }), extra: "not kept" };
      expect(await store.putLease({ ...lease(1, { grantedTools: tools }), ...given })).toBe(true);
      tools.push("delete_everything");
      const kept = await store.getLease(hash(1));
      expect(kept).toEqual(lease(1, { grantedTools: ["write_file"] }));
      expect(() => Object.assign(kept ?? {}, { remaining: 99 })).toThrow(TypeError);
      expect(await store.getLease(hash(2))).toBeUndefined();
      const other = lease(2, {
        maxInvocations: null,
        remaining: null,
        stateChanging: false,
        argsDigest: FINGERPRINT,
      });
      await store.putLease(other);
      expect(await store.getLease(hash(2))).toEqual(other);
    });

    it("a lease that is put again does not get its invocations back", async () => {
      const store = current.store();
      await store.putLease(lease(1));
      await store.consumeLease(hash(1), 3);
      expect(await store.putLease(lease(1))).toBe(false);
      expect((await store.getLease(hash(1)))?.remaining).toBe(2);
    });

    it.each(BAD_LEASES)("a lease with a wrong %s is not kept: %j", async (member, changes) => {
      const store = current.store();
      const bad: Lease = { ...lease(1), ...changes };
      const fault = await expectFault(() => store.putLease(bad), "ARGUMENT_INVALID");
      expect(fault.message).toContain("expected a lease, got one with a wrong ");
      expect(fault.message).toContain(member);
      expect(await store.listLeases()).toEqual([]);
    });

    it(`a lease grants ${LIMIT_LEASE_TOOLS} tools and not one more`, async () => {
      const store = current.store();
      const tools = Array.from({ length: LIMIT_LEASE_TOOLS }, (_, index) => `tool_${index}`);
      expect(await store.putLease(lease(1, { grantedTools: tools }))).toBe(true);
      const more = lease(2, { grantedTools: [...tools, "one_more"] });
      await expectFault(() => store.putLease(more), "ARGUMENT_INVALID");
      expect((await store.getLease(hash(1)))?.grantedTools).toEqual(tools);
    });

    it("nobody finds the lease of another principal or server, or a revoked one", async () => {
      const store = current.store();
      const late = lease(1, { expiresAtMs: NOW_MS + 400_000 });
      const same = [lease(3), lease(2)];
      const others = [lease(4, { principalHash: hash(9) }), lease(5, { serverId: "mail" })];
      for (const one of [late, ...same, ...others, lease(6)]) await store.putLease(one);
      expect(await store.revokeLease(hash(6))).toBe(true);
      const found = await store.findLeases(ALICE, "files");
      expect(found.map(({ id }) => id)).toEqual([hash(2), hash(3), hash(1)]);
      expect(await store.findLeases(ALICE, "mail")).toEqual([others[1]]);
      expect(await store.findLeases(ALICE, "file_")).toEqual([]);
      const all = await store.listLeases();
      expect(all.map(({ id }) => id)).toEqual([2, 3, 4, 5, 6, 1].map(hash));
      expect(all.find(({ id }) => id === hash(6))?.revoked).toBe(true);
    });

    it("the (N+1)st invocation is not taken, and neither is one on a stale count", async () => {
      const store = current.store();
      await store.putLease(lease(1));
      expect(await store.consumeLease(hash(1), 2)).toBe(false);
      expect(await store.consumeLease(hash(1), 4)).toBe(false);
      expect(await store.consumeLease(hash(1), 3)).toBe(true);
      expect(await store.consumeLease(hash(1), 3)).toBe(false);
      expect(await store.consumeLease(hash(1), 2)).toBe(true);
      expect(await store.consumeLease(hash(1), 1)).toBe(true);
      expect((await store.getLease(hash(1)))?.remaining).toBe(0);
      for (const count of [0, -1, 1, Number.NaN, 0.5, null]) {
        expect(await store.consumeLease(hash(1), count), String(count)).toBe(false);
      }
      expect((await store.getLease(hash(1)))?.remaining).toBe(0);
    });

    it("a lease without a number is taken as one, and only as one", async () => {
      const store = current.store();
      await store.putLease(lease(1, { maxInvocations: null, remaining: null }));
      for (const count of [0, 1, Number.NaN]) {
        expect(await store.consumeLease(hash(1), count)).toBe(false);
      }
      for (let call = 0; call < 5; call++) {
        expect(await store.consumeLease(hash(1), null)).toBe(true);
      }
      expect((await store.getLease(hash(1)))?.remaining).toBeNull();
    });

    it("a revoked lease gives nothing, at once and for ever", async () => {
      const store = current.store();
      await store.putLease(lease(1));
      await store.putLease(lease(2, { maxInvocations: null, remaining: null }));
      for (const [id, count] of [
        [hash(1), 3],
        [hash(2), null],
      ] as const) {
        expect(await store.revokeLease(id)).toBe(true);
        expect(await store.revokeLease(id)).toBe(true);
        expect(await store.consumeLease(id, count)).toBe(false);
      }
      expect(await store.revokeLease(hash(3))).toBe(false);
      expect(await store.consumeLease(hash(3), 1)).toBe(false);
    });

    it("concurrent calls with one left: exactly one passes", async () => {
      const store = current.store();
      await store.putLease(lease(1, { maxInvocations: 1, remaining: 1 }));
      const calls = Array.from({ length: 20 }, async () => await store.consumeLease(hash(1), 1));
      expect((await Promise.all(calls)).filter((isTaken) => isTaken)).toHaveLength(1);
    });

    it(`a write removes at most ${LIMIT_PURGE_ROWS} leases that expired a day ago, never others`, async () => {
      const store = current.store();
      const count = LIMIT_PURGE_ROWS + 1;
      for (let id = 1; id <= count; id++) await store.putLease(lease(id, { expiresAtMs: NOW_MS }));
      const laterMs = NOW_MS + EXPIRED_RETENTION_MS;
      const live = { createdAtMs: laterMs - 1, expiresAtMs: laterMs + 1 };
      await store.putLease(lease(1000, live));
      expect(await store.listLeases()).toHaveLength(count + 1);
      await store.putLease(lease(1001, { ...live, createdAtMs: laterMs }));
      const left = (await store.listLeases()).map(({ id }) => id);
      expect(left.length).toBeGreaterThanOrEqual(3);
      expect(left.length).toBeLessThanOrEqual(4);
      await store.putLease(lease(1002, { ...live, createdAtMs: laterMs }));
      expect((await store.listLeases()).map(({ id }) => id)).toEqual([1000, 1001, 1002].map(hash));
    });
  });

  describe("consents", () => {
    it("a consent comes back with exactly its members", async () => {
      const store = current.store();
      const any = consent(2, { argsDigest: null, singleUse: false, hadLease: true });
      expect(await store.putConsent(consent(1))).toBe(true);
      expect(await store.putConsent(any)).toBe(true);
      expect(await store.putConsent(consent(1, { taint: 0 }))).toBe(false);
      expect(await store.listConsents()).toEqual([consent(1), any]);
    });

    it("a consent for another principal, server or definition is not found", async () => {
      const store = current.store();
      await store.putConsent(consent(1, { principalHash: hash(9) }));
      await store.putConsent(consent(2, { serverId: "mail" }));
      await store.putConsent(consent(3, { itemFingerprint: `sha256:${hash(3)}` }));
      expect(await store.findConsents(ALICE, "files", FINGERPRINT)).toEqual([]);
      await store.putConsent(consent(4));
      await store.putConsent(consent(5, { createdAtMs: NOW_MS + 1 }));
      const found = await store.findConsents(ALICE, "files", FINGERPRINT);
      expect(found.map(({ id }) => id)).toEqual([hash(5), hash(4)]);
    });

    it("an approval for one call is good for one call, however many ask at once", async () => {
      const store = current.store();
      await store.putConsent(consent(1));
      const calls = Array.from({ length: 20 }, async () => await store.consumeConsent(hash(1)));
      expect((await Promise.all(calls)).filter((isTaken) => isTaken)).toHaveLength(1);
      expect(await store.findConsents(ALICE, "files", FINGERPRINT)).toEqual([]);
      expect(await store.listConsents()).toEqual([]);
    });

    it("an approval for a session is good until it is revoked", async () => {
      const store = current.store();
      await store.putConsent(consent(1, { singleUse: false }));
      for (let call = 0; call < 3; call++) expect(await store.consumeConsent(hash(1))).toBe(true);
      expect(await store.revokeConsent(hash(1))).toBe(true);
      expect(await store.revokeConsent(hash(1))).toBe(false);
      expect(await store.consumeConsent(hash(1))).toBe(false);
      expect(await store.consumeConsent(hash(2))).toBe(false);
      expect(await store.listConsents()).toEqual([]);
    });

    it.each([
      ["sessionHash", { sessionHash: "sess-xyz" }],
      ["itemFingerprint", { itemFingerprint: hash(1) }],
      ["argsDigest", { argsDigest: undefined }],
      ["asking", { asking: 0x1_0000_0000 }],
      ["taint", { taint: -1 }],
      ["kind", { kind: "sampling" }],
      ["combination", { itemName: "a\nb" }],
      ["channel", { channel: "chat" }],
      ["singleUse", { singleUse: undefined }],
      ["textHash", { textHash: "" }],
      ["imageDigest", { imageDigest: null }],
    ])("a consent with a wrong %s is not kept", async (member, changes) => {
      const store = current.store();
      const bad: Consent = Object.assign({ ...consent(1) }, changes);
      const fault = await expectFault(() => store.putConsent(bad), "ARGUMENT_INVALID");
      expect(fault.message).toContain(member);
      expect(await store.listConsents()).toEqual([]);
    });

    it("consents that expired a day ago go with the next one", async () => {
      const store = current.store();
      await store.putConsent(consent(1, { expiresAtMs: NOW_MS }));
      await store.putConsent(consent(2, { createdAtMs: NOW_MS + EXPIRED_RETENTION_MS }));
      expect((await store.listConsents()).map(({ id }) => id)).toEqual([hash(2)]);
    });
  });
}
