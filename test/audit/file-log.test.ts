// A log in a folder: what is there when `append` returns, what a start links to, rotation.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readAuditFolder } from "../../src/audit/file-folder.ts";
import { readHeads } from "../../src/audit/file-heads.ts";
import { FileObjects } from "../../src/audit/file-objects.ts";
import { LIMIT_LINK_BYTES } from "../../src/audit/limits.ts";
import { replay } from "../../src/audit/replay.ts";
import { MerkleTree } from "../../src/audit/tree.ts";
import { toHex, utf8 } from "../../src/bytes.ts";
import { callEvent, listEvent } from "../fixtures/audit.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { base, guard, linesIn, open, type Place, place, recordIn, verify } from "./file-rig.ts";

describe("a log", () => {
  it("has every record in its file when append returns, and is signed to its end", async () => {
    const at = place();
    const log = open(at);
    const file = join(at.folder, `${log.origin}.jsonl`);
    expect(linesIn(file)).toHaveLength(1);
    expect(recordIn(file, 0)).toMatchObject({ kind: "open", origin: log.origin, heads: [] });
    expect(log.append(listEvent())).toBe(true);
    for (let index = 0; index < 150; index++) {
      expect(log.append(callEvent(guard, index % 3 === 0 ? "write" : "read"))).toBe(true);
      expect(statSync(file).size).toBe(readFileSync(file).lastIndexOf("\n") + 1);
    }
    expect(linesIn(file)).toHaveLength(152);
    await log.flush();
    const early = await verify(at);
    expect(early).toMatchObject({ ok: true, records: 152 });
    expect(early.logs[0]).toMatchObject({ end: "open", unsigned: 0 });
    expect(at.store.listLogs()).toMatchObject([
      { origin: log.origin, path: file, closedAtMs: null },
    ]);
    expect(at.store.listLogs()[0]?.public).toMatch(
      /^portcullis\/host-1\/\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}$/,
    );
    await log.close();
    expect(log.isAvailable).toBe(false);
    expect(log.append(listEvent())).toBe(false);
    expect(at.store.listLogs()[0]?.closedAtMs).toBe(NOW_MS);
    const report = await verify(at);
    expect(report).toMatchObject({ ok: true, records: 153 });
    expect(report.logs[0]?.end).toBe("closed");
    await log.close();
    await log.flush();
    expect(linesIn(file)).toHaveLength(153);
    const logs = readAuditFolder(at.folder).map(({ input }) => input);
    const again = { logs, roots: [guard.root], objects: new FileObjects(at.folder) };
    expect(await replay(again)).toMatchObject({ ok: true, frames: 150 });
  });

  it("is this user's alone, its salt, its objects and its folders too", async () => {
    const at = place();
    const log = open(at);
    log.append(callEvent(guard, "smuggled"));
    await log.close();
    const seen = readdirSync(at.folder, { recursive: true, withFileTypes: true });
    expect(seen.length).toBeGreaterThan(7);
    for (const entry of seen) {
      expect(statSync(join(entry.parentPath, entry.name)).mode & 0o077, entry.name).toBe(0);
    }
    const salt = readFileSync(join(at.folder, "private", `${log.origin}.salt`));
    expect(salt).toHaveLength(32);
    const all = seen.filter((entry) => entry.isFile() && !entry.name.endsWith(".salt"));
    for (const entry of all) {
      const bytes = readFileSync(join(entry.parentPath, entry.name));
      expect(bytes.includes(salt) || bytes.includes(salt.toString("hex")), entry.name).toBe(false);
    }
    expect(readdirSync(at.folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("is signed without being asked: at once after a refusal, else within a second", async () => {
    const at = place();
    const log = open(at);
    const checkpoint = join(at.folder, `${log.origin}.checkpoint`);
    const signedSize = (): number =>
      existsSync(checkpoint) ? Number(readFileSync(checkpoint, "utf8").split("\n")[1]) : 0;
    const signed = async (size: number, withinMs: number): Promise<void> => {
      const start = performance.now();
      while (signedSize() < size) {
        if (performance.now() - start > withinMs) expect.fail(`not signed within ${withinMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await signed(1, 1000);
    log.append(callEvent(guard, "read"));
    const start = performance.now();
    await signed(2, 3000);
    expect(performance.now() - start).toBeGreaterThan(500);
    log.append(callEvent(guard, "smuggled", { fields: { live: undefined } }));
    const refusal = performance.now();
    await signed(3, 900);
    expect(performance.now() - refusal).toBeLessThan(900);
    for (let index = 0; index < 64; index++) log.append(callEvent(guard, "read"));
    await signed(64, 900);
    await log.close();
  });

  it("keeps nothing of its own for a caller: an event may change after append", async () => {
    const at = place();
    const log = open(at);
    log.append(listEvent());
    const event = callEvent(guard, "read");
    log.append(event);
    event.input?.fill(0xff);
    event.output?.fill(0xff);
    event.args?.fill(0xff);
    await log.close();
    const logs = readAuditFolder(at.folder).map(({ input }) => input);
    const report = await replay({ logs, roots: [guard.root], objects: new FileObjects(at.folder) });
    expect(report).toMatchObject({ ok: true, frames: 1 });
  });
});

describe("the next start", () => {
  it("links to the head of every other log, closed or not, and names a cut line", async () => {
    const at = place();
    const first = open(at);
    first.append(callEvent(guard, "read"));
    await first.close();
    const second = open(at, { process: { host: "host-1", pid: 6, startMs: NOW_MS + 1 } });
    second.append(callEvent(guard, "read"));
    await second.flush();
    const secondFile = join(at.folder, `${second.origin}.jsonl`);
    appendFileSync(secondFile, '{"catalog":"cut');
    const third = open(at, { process: { host: "host-1", pid: 7, startMs: NOW_MS + 2 } });
    const { heads } = recordIn(join(at.folder, `${third.origin}.jsonl`), 0);
    const rootOf = (file: string): string => {
      const tree = new MerkleTree();
      for (const line of linesIn(file)) tree.append(utf8(line));
      return toHex(tree.root());
    };
    expect(heads).toEqual([
      { origin: first.origin, size: 3, root: rootOf(join(at.folder, `${first.origin}.jsonl`)) },
      { origin: second.origin, size: 2, root: rootOf(secondFile), cut: 15 },
    ]);
    // nothing was rewritten
    expect(readFileSync(secondFile, "utf8").endsWith('{"catalog":"cut')).toBe(true);
    const report = await verify(at);
    expect(report.findings).toEqual([]);
    expect(report.logs[1]).toMatchObject({ end: "open", cutBytes: 15 });
    await third.close();
    // from now on the unsigned end of the second one is vouched for
    truncateSync(secondFile, (linesIn(secondFile)[0]?.length ?? 0) + 1);
    expect((await verify(at)).error).toMatchObject({
      code: "AUDIT_TRUNCATED",
      origin: second.origin,
    });
    rmSync(secondFile);
    expect((await verify(at)).error).toMatchObject({
      code: "AUDIT_LOG_MISSING",
      origin: second.origin,
    });
    for (const name of readdirSync(at.folder))
      if (name.startsWith(second.origin)) rmSync(join(at.folder, name));
    expect((await verify(at)).error).toMatchObject({
      code: "AUDIT_LOG_MISSING",
      origin: second.origin,
    });
    const fourth = open(at, { process: { host: "host-1", pid: 8, startMs: NOW_MS + 3 } });
    const { heads: later } = recordIn(join(at.folder, `${fourth.origin}.jsonl`), 0);
    expect(later).toContainEqual({
      ...{ origin: second.origin, size: 0, missing: true },
      root: toHex(new MerkleTree().root()),
    });
    await fourth.close();
  });

  it("links to what a checkpoint says where the records contradict it", async () => {
    const at = place();
    const log = open(at);
    log.append(callEvent(guard, "read"));
    await log.flush();
    const file = join(at.folder, `${log.origin}.jsonl`);
    const [signed] = readHeads(at.folder, []);
    writeFileSync(file, readFileSync(file, "utf8").replace('"tool":"read"', '"tool":"writ"'));
    expect(readHeads(at.folder, [])).toEqual([signed]);
    await log.close();
  });

  it("remembers what it read, and notices a log that went on, or was closed since", async () => {
    const at = place();
    const log = open(at);
    log.append(callEvent(guard, "read"));
    await log.flush();
    const sizes = (): number[] => readHeads(at.folder, at.store.listLogs()).map(({ size }) => size);
    const memory = join(at.folder, "private", "heads.jsonl");
    expect(sizes()).toEqual([2]);
    const first = readFileSync(memory, "utf8");
    expect(sizes()).toEqual([2]);
    expect(readFileSync(memory, "utf8")).toBe(first);
    log.append(callEvent(guard, "read"));
    expect(sizes()).toEqual([3]);
    await log.close();
    expect(sizes()).toEqual([4]);
    expect(sizes()).toEqual([4]);
    // what is no memory is forgotten, and too much of it written anew
    appendFileSync(memory, `{}\nnot json\n${"{}\n".repeat(1100)}`);
    expect(sizes()).toEqual([4]);
    expect(linesIn(memory)).toHaveLength(1);
    writeFileSync(memory, Uint8Array.of(0xff));
    expect(sizes()).toEqual([4]);
  });

  it("reads unsigned ends again up to 16 MiB, and not a byte more", () => {
    const at = place();
    mkdirSync(at.folder, { recursive: true });
    const write = (origin: string, size: number): void =>
      writeFileSync(join(at.folder, `${origin}.jsonl`), `${"x".repeat(size - 1)}\n`);
    write("h-1-2", LIMIT_LINK_BYTES);
    expect(readHeads(at.folder, [])).toMatchObject([{ size: 1 }]);
    write("h-1-2", LIMIT_LINK_BYTES + 1);
    expect(readHeads(at.folder, [])).toMatchObject([{ size: 0 }]);
    write("h-1-1", 1);
    write("h-1-2", LIMIT_LINK_BYTES);
    // the newest first
    expect(readHeads(at.folder, []).map(({ size }) => size)).toEqual([0, 1]);
  });
});

describe("rotation", () => {
  async function rotated(): Promise<{ at: Place; origin: string; parts: string[] }> {
    const at = place();
    const log = open(at, { rotateBytes: 20_000 });
    log.append(listEvent());
    for (let index = 0; index < 100; index++) log.append(callEvent(guard, "read"));
    await log.close();
    const parts = readAuditFolder(at.folder)[0]?.files.slice() ?? [];
    return { at, origin: log.origin, parts };
  }

  it("goes on in a next file when a record would pass the size, and verifies as one log", async () => {
    const { at, origin, parts } = await rotated();
    expect(parts.length).toBeGreaterThan(5);
    expect(parts[0]).toBe(join(at.folder, `${origin}.jsonl`));
    expect(parts[1]).toBe(join(at.folder, `${origin}.1.jsonl`));
    for (const part of parts) expect(statSync(part).size).toBeLessThanOrEqual(20_000);
    expect(await verify(at)).toMatchObject({ ok: true, records: 103 });
  });

  it("a record that just fits stays, one byte more begins the next file", async () => {
    const at = place();
    const probe = open(at);
    probe.append(callEvent(guard, "read"));
    const file = join(at.folder, `${probe.origin}.jsonl`);
    const size = statSync(file).size;
    await probe.close();
    const partsWith = async (rotateBytes: number): Promise<number> => {
      const other = place();
      const log = open(other, { rotateBytes });
      log.append(callEvent(guard, "read"));
      const count = readdirSync(other.folder).filter((name) => /^[^d]*\.jsonl$/.test(name)).length;
      await log.close();
      return count;
    };
    expect(await partsWith(size)).toBe(1);
    expect(await partsWith(size - 1)).toBe(2);
  });

  it("a part that is missing, or in the place of another, is named", async () => {
    const codeAfter = async (change: (parts: string[]) => void) => {
      const { at, parts } = await rotated();
      change(parts);
      return (await verify(at)).error?.code;
    };
    expect(await codeAfter((parts) => rmSync(parts[0] ?? ""))).toBe("AUDIT_TRUNCATED");
    expect(await codeAfter((parts) => rmSync(parts[2] ?? ""))).toBe("AUDIT_SEQUENCE");
    expect(await codeAfter((parts) => rmSync(parts.at(-1) ?? ""))).toBe("AUDIT_TRUNCATED");
    const swap = (parts: string[]): void => {
      renameSync(parts[1] ?? "", join(base, "aside"));
      renameSync(parts[2] ?? "", parts[1] ?? "");
      renameSync(join(base, "aside"), parts[2] ?? "");
    };
    expect(await codeAfter(swap)).toBe("AUDIT_SEQUENCE");
  });
});
