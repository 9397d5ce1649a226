// A log whose folder, store, checkpoints or clock fail: refusals and clear faults, nothing lost.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { auditGuard, callEvent } from "../fixtures/audit.ts";
import { expectCode, NOW_MS } from "../fixtures/trust.ts";
import { guard, open, place, verify } from "./file-rig.ts";

describe("faults", () => {
  it("a folder that cannot be made, or is a file, is a clear fault", () => {
    const at = place();
    mkdirSync(join(at.folder, ".."), { recursive: true });
    writeFileSync(at.folder, "");
    const error = expectCode(() => open(at), "AUDIT_UNWRITABLE");
    expect(error.message).toBe(
      "expected a folder in which an audit log can be written, got EEXIST; check its owner, permissions and space",
    );
    expect(error.at).toEqual({ file: at.folder });
    expect(at.store.listLogs()).toEqual([]);
  });

  it("where the objects or the salt cannot be kept there is no log", () => {
    for (const name of ["objects", "private"]) {
      const at = place();
      mkdirSync(at.folder, { recursive: true });
      writeFileSync(join(at.folder, name), "");
      expectCode(() => open(at), "AUDIT_UNWRITABLE");
      expect(readdirSync(at.folder).filter((one) => one.endsWith(".jsonl"))).toEqual([]);
    }
  });

  it("a store that does not register the log takes it back", () => {
    for (const registerLog of [
      () => false,
      () => {
        throw new GuardError("STORE_UNAVAILABLE", "expected a store");
      },
    ]) {
      const at = place();
      const store = { ...at.store, registerLog };
      expect(() => open(at, { store })).toThrow(GuardError);
      const left = readdirSync(at.folder, { recursive: true }).map(String);
      expect(left.filter((name) => /jsonl|salt|checkpoint/.test(name))).toEqual([]);
    }
  });

  it("an origin that was there before is never used again", async () => {
    const at = place();
    const first = open(at);
    const second = open(at);
    expect(second.origin).toBe(`host-1-5-${NOW_MS + 1}`);
    await first.close();
    rmSync(join(at.folder, `${first.origin}.jsonl`));
    // the file is gone, the salt and the store still know it
    expect(open(at).origin).toBe(`host-1-5-${NOW_MS + 2}`);
    await second.close();
  });

  it("a log whose file is taken away is not available from the next checkpoint on", async () => {
    const at = place();
    const log = open(at);
    expect(log.isAvailable).toBe(true);
    rmSync(join(at.folder, `${log.origin}.jsonl`));
    log.append(callEvent(guard, "read"));
    await log.flush();
    expect(log.isAvailable).toBe(false);
    await log.close();
    expect(at.store.listLogs()[0]?.closedAtMs).toBeNull();
  });

  it("checkpoints that cannot be kept make it unavailable, and come when they can", async () => {
    const at = place();
    const log = open(at);
    await log.flush();
    const file = join(at.folder, `${log.origin}.checkpoint`);
    const keptText = readFileSync(file, "utf8");
    rmSync(file);
    mkdirSync(join(file, "in-the-way"), { recursive: true });
    log.append(callEvent(guard, "read"));
    await log.flush();
    expect(log.isAvailable).toBe(false);
    expect(log.append(callEvent(guard, "smuggled", { fields: { live: undefined } }))).toBe(true);
    rmSync(file, { recursive: true });
    await log.flush();
    expect(log.isAvailable).toBe(true);
    expect(readFileSync(file, "utf8")).not.toBe(keptText);
    await log.close();
    expect(await verify(at)).toMatchObject({ ok: true, records: 4, refusals: 1 });
  });

  it("objects of a new catalog that cannot be kept make it unavailable", async () => {
    const at = place();
    const log = open(at);
    const next = auditGuard(8).evidence;
    const objects = join(at.folder, "objects");
    renameSync(objects, `${objects}.aside`);
    writeFileSync(objects, "");
    expect(log.useEvidence(next)).toBe(false);
    expect(log.isAvailable).toBe(false);
    rmSync(objects);
    renameSync(`${objects}.aside`, objects);
    expect(log.useEvidence(next)).toBe(true);
    expect(log.isAvailable).toBe(true);
    await log.close();
  });

  it("the state of the clock does not matter: what is no time is 0, and nothing is lost", async () => {
    const at = place();
    const times = [NOW_MS, Number.NaN, -5, NOW_MS - 1];
    const log = open(at, { clock: () => times.shift() ?? NOW_MS });
    for (const timeMs of [NOW_MS, NOW_MS - 60_000, Number.NaN, NOW_MS]) {
      expect(log.append(callEvent(guard, "read", { event: { timeMs } }))).toBe(true);
    }
    await log.close();
    const report = await verify(at);
    expect(report).toMatchObject({ ok: true, records: 6 });
    expect(report.logs[0]?.clockBack).toBe(3);
  });
});
