// Conformance: drift, nonces, audit logs, trust state.
import { describe, expect, it } from "vitest";
import type { TrustState } from "../../src/catalog/state.ts";
import {
  LIMIT_LOG_ORIGIN_BYTES,
  LIMIT_LOG_TEXT_BYTES,
  LIMIT_NONCE_CHARACTERS,
} from "../../src/store/limits.ts";
import type { AuditLog, Drift } from "../../src/store/records.ts";
import { type Current, expectFault } from "./conformance.ts";
import { hash, NOW_MS } from "./fixtures.ts";

function state(catalogVersion: number, changes: Partial<TrustState> = {}): TrustState {
  const catalogSha256 = hash(catalogVersion);
  return { rootVersion: 1, rootSha256: hash(0xf), catalogVersion, catalogSha256, ...changes };
}

export function describeHost(current: Current): void {
  describe("sticky drift", () => {
    it("stays for its catalog, and ends with another one", async () => {
      const store = current.store();
      const tool: Drift = { serverId: "files", kind: "tool", name: "b", catalogSha256: hash(1) };
      const instructions: Drift = { ...tool, kind: "instructions", name: "" };
      for (const drift of [tool, instructions, tool]) await store.addDrift(drift);
      await store.addDrift({ ...tool, name: "a" });
      expect(await store.listDrift("files", hash(1))).toEqual([
        instructions,
        { ...tool, name: "a" },
        tool,
      ]);
      expect(await store.listDrift("files", hash(2))).toEqual([]);
      expect(await store.listDrift("mail", hash(1))).toEqual([]);
    });

    it.each([
      ["serverId", { serverId: "" }],
      ["kind", { kind: "server" }],
      ["catalogSha256", { catalogSha256: `sha256:${hash(1)}` }],
      ["combination", { kind: "instructions", name: "b" }],
      ["combination", { name: "" }],
    ])("a drift with a wrong %s is a fault, not a note that is lost", async (member, changes) => {
      const store = current.store();
      const base = { serverId: "files", kind: "tool", name: "b", catalogSha256: hash(1) };
      const bad: Drift = Object.assign(Object.create(null), base, changes);
      const fault = await expectFault(() => store.addDrift(bad), "ARGUMENT_INVALID");
      expect(fault.message).toContain(member);
    });
  });

  describe("nonces", () => {
    it("a nonce is used once, before its expiry", async () => {
      const store = current.store();
      expect(await store.useNonce("n1", NOW_MS + 10, NOW_MS)).toBe(true);
      expect(await store.useNonce("n1", NOW_MS + 10, NOW_MS)).toBe(false);
      expect(await store.useNonce("n1", NOW_MS + 99, NOW_MS + 5)).toBe(false);
      expect(await store.useNonce("n2", NOW_MS, NOW_MS)).toBe(false);
      expect(await store.useNonce("n2", NOW_MS + 1, NOW_MS)).toBe(true);
    });

    it("a clock that goes forward and back brings no nonce back", async () => {
      const store = current.store();
      expect(await store.useNonce("replayed", NOW_MS + 10, NOW_MS)).toBe(true);
      expect(await store.useNonce("other", NOW_MS + 200, NOW_MS + 100)).toBe(true);
      expect(await store.useNonce("replayed", NOW_MS + 10, NOW_MS)).toBe(false);
      expect(await store.useNonce("fresh", NOW_MS + 10, NOW_MS)).toBe(false);
      expect(await store.useNonce("fresh", NOW_MS + 11, NOW_MS)).toBe(true);
    });

    it(`a nonce has ${LIMIT_NONCE_CHARACTERS} characters and not one more`, async () => {
      const store = current.store();
      const nonce = "n".repeat(LIMIT_NONCE_CHARACTERS);
      expect(await store.useNonce(nonce, NOW_MS + 1, NOW_MS)).toBe(true);
      for (const bad of [`${nonce}n`, "", "a b", "é"]) {
        await expectFault(() => store.useNonce(bad, NOW_MS + 1, NOW_MS), "ARGUMENT_INVALID");
      }
      await expectFault(() => store.useNonce("n", Number.NaN, NOW_MS), "ARGUMENT_INVALID");
      await expectFault(() => store.useNonce("n", NOW_MS, Number.NaN), "ARGUMENT_INVALID");
    });
  });

  describe("audit logs", () => {
    const log: AuditLog = {
      origin: "host-1-2",
      path: "/home/a/audit/l.jsonl",
      createdAtMs: NOW_MS,
    };

    it("a log is known from its start, and its origin is taken for ever", async () => {
      const store = current.store();
      expect(await store.registerLog(log)).toBe(true);
      expect(await store.registerLog({ ...log, path: "/elsewhere" })).toBe(false);
      const early = { ...log, origin: "a", createdAtMs: NOW_MS - 1, public: "portcullis/h/a+1+x" };
      expect(await store.registerLog(early)).toBe(true);
      expect(await store.closeLog("nobody", NOW_MS)).toBe(false);
      expect(await store.closeLog(log.origin, NOW_MS + 5)).toBe(true);
      expect(await store.closeLog(log.origin, NOW_MS + 9)).toBe(true);
      expect(await store.listLogs()).toEqual([
        { ...early, closedAtMs: null },
        { ...log, closedAtMs: NOW_MS + 5 },
      ]);
    });

    it("texts of a log are bounded", async () => {
      const store = current.store();
      const origin = "o".repeat(LIMIT_LOG_ORIGIN_BYTES);
      const path = "p".repeat(LIMIT_LOG_TEXT_BYTES);
      expect(await store.registerLog({ ...log, origin, path, public: path })).toBe(true);
      for (const changes of [
        { origin: `${origin}o` },
        { path: `${path}p` },
        { public: `${path}p` },
      ]) {
        await expectFault(() => store.registerLog({ ...log, ...changes }), "ARGUMENT_INVALID");
      }
      expect(await store.listLogs()).toHaveLength(1);
    });
  });

  describe("trust state", () => {
    it("moves forwards and never back", async () => {
      const store = current.store();
      expect(await store.loadCatalogState()).toBeUndefined();
      await store.saveCatalogState(state(7));
      await store.saveCatalogState(state(7));
      await store.saveCatalogState(state(8));
      await expectFault(() => store.saveCatalogState(state(7)), "CATALOG_ROLLBACK");
      await expectFault(
        () => store.saveCatalogState(state(8, { catalogSha256: hash(1) })),
        "CATALOG_EQUIVOCATION",
      );
      await expectFault(
        () => store.saveCatalogState(state(9, { rootSha256: hash(1) })),
        "ROOT_CHAIN",
      );
      await expectFault(
        () => store.saveCatalogState(state(9, { rootVersion: Number.NaN })),
        "STATE_CORRUPT",
      );
      expect(await store.loadCatalogState()).toEqual(state(8));
    });
  });
}
