// Processes that die, that share a folder, that run out of space: nothing acknowledged is lost.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readAuditFolder } from "../../src/audit/file-folder.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { auditGuard } from "../fixtures/audit.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { createRandom } from "../oracle/random.ts";
import { prepareFolder, startLogProcess } from "./child.ts";

const guard = auditGuard();
const base = temporaryDirectory();
let count = 0;

async function place(): Promise<{ folder: string; store: SyncStateStore }> {
  count += 1;
  const folder = join(base, String(count));
  mkdirSync(folder);
  return { folder, store: await prepareFolder(folder) };
}

function verify(folder: string, store: SyncStateStore) {
  const logs = readAuditFolder(join(folder, "audit")).map(({ input }) => input);
  return verifyAuditLog({ logs, roots: [guard.root], registered: store.listLogs() });
}

function recordsOf(
  folder: string,
  origin: string,
): { seq: number; args?: string; heads?: object[] }[] {
  const text = readFileSync(join(folder, "audit", `${origin}.jsonl`), "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const KILLS = 12;

describe("kill -9", () => {
  it(`loses no acknowledged record, ${KILLS} times at random moments; the next start links to what is there`, async () => {
    const { folder, store } = await place();
    const random = createRandom(7);
    let recordCount = 0;
    for (let round = 0; round < KILLS; round++) {
      const child = startLogProcess(
        folder,
        `for (let seq = 1; ; seq++) {
  if (!log.append(call(seq % 5 === 0 ? "deny" : "allow"))) throw new Error("not written");
  say(String(seq));
  if (seq % 16 === 0) await sleep(0);
}`,
      );
      const origin = (await child.line("ready")).slice("ready ".length);
      await new Promise((resolve) => setTimeout(resolve, 1 + random.below(120)));
      child.child.kill("SIGKILL");
      const { lines, stderr } = await child.ended;
      expect(stderr).toBe("");
      expect(child.child.signalCode).toBe("SIGKILL");
      const acknowledged = Number(lines.at(-1)?.replace(/^ready.*/, "0"));
      const kept = recordsOf(folder, origin);
      expect(kept.map(({ seq }) => seq)).toEqual(kept.map((_, index) => index));
      expect(kept.length).toBeGreaterThan(acknowledged);
      expect(kept.length).toBeLessThanOrEqual(acknowledged + 2);
      recordCount += kept.length;
      const report = await verify(folder, store);
      expect(report.findings).toEqual([]);
      expect(report.records).toBe(recordCount);
    }
    const last = startLogProcess(folder, "await log.close();");
    const origin = (await last.line("ready")).slice("ready ".length);
    await last.ended;
    const heads = recordsOf(folder, origin)[0]?.heads ?? [];
    expect(heads).toHaveLength(KILLS);
    expect(heads.reduce((sum, head) => sum + Number(Reflect.get(head, "size")), 0)).toBe(
      recordCount,
    );
    // what no checkpoint had reached is signed now, by the log that links to it
    const [first] = readAuditFolder(join(folder, "audit"));
    const file = first?.files[0] ?? "";
    const text = readFileSync(file, "utf8");
    const end = text.trimEnd().lastIndexOf("\n") + 1;
    writeFileSync(file, text.slice(0, end) + text.slice(end).replace('"taint":0', '"taint":1'));
    expect((await verify(folder, store)).error?.code).toMatch(/^AUDIT_(INCONSISTENT|LEAF)$/);
    store.close();
  }, 120_000);
});

describe("two processes at once", () => {
  it("write logs of their own, both whole, both closed", async () => {
    const { folder, store } = await place();
    const children = Array.from({ length: 4 }, () =>
      startLogProcess(
        folder,
        `await wait();
for (let index = 0; index < 500; index++) {
  if (!log.append(call(index % 10 === 0 ? "deny" : "allow"))) throw new Error("not written");
  if (index % 20 === 0) await sleep(1);
}
await log.close();
store.close();`,
      ),
    );
    const origins = await Promise.all(children.map((child) => child.line("ready")));
    expect(new Set(origins).size).toBe(4);
    for (const child of children) child.go();
    for (const { ended } of children) expect((await ended).stderr).toBe("");
    const report = await verify(folder, store);
    expect(report).toMatchObject({ ok: true, records: 4 * 502, refusals: 4 * 50 });
    expect(report.logs.map(({ end }) => end)).toEqual(["closed", "closed", "closed", "closed"]);
    expect(store.listLogs().every(({ closedAtMs }) => closedAtMs !== null)).toBe(true);
    store.close();
  }, 60_000);
});

describe("a full disk", () => {
  it("refuses what cannot be written whole, says so, and goes on when there is room", async () => {
    const { folder, store } = await place();
    const child = startLogProcess(
      folder,
      `let kept = 0;
for (let index = 0; index < 5000 && log.append(call()); index++) kept += 1;
say("full " + kept + " " + log.isAvailable + " " + log.append(call("deny")));
await log.flush();
await wait();
say("room " + log.append(call()) + " " + log.isAvailable);
await log.close();
say("closed");`,
      // the soft limit alone, so that it can be lifted
      { shell: "trap '' XFSZ; ulimit -S -f 256; " },
    );
    const origin = (await child.line("ready")).slice("ready ".length);
    const [, kept = "", isAvailable, isWritten] = (await child.line("full")).split(" ");
    expect(Number(kept)).toBeGreaterThan(50);
    expect(Number(kept)).toBeLessThan(5000);
    expect([isAvailable, isWritten]).toEqual(["false", "false"]);
    const text = readFileSync(join(folder, "audit", `${origin}.jsonl`), "utf8");
    expect(text.endsWith("\n")).toBe(true);
    expect(text.split("\n")).toHaveLength(Number(kept) + 2);
    execFileSync("prlimit", ["--fsize=unlimited", "--pid", String(child.child.pid)]);
    child.go();
    expect(await child.line("room")).toBe("room true true");
    await child.line("closed");
    expect((await child.ended).stderr).toBe("");
    const report = await verify(folder, store);
    expect(report).toMatchObject({ ok: true, records: Number(kept) + 3 });
    // two events were refused while there was no room
    expect(report.logs[0]).toMatchObject({ end: "closed", lost: 2 });
    store.close();
  }, 60_000);

  it("where not even the first record fits there is no log, and a clear fault", async () => {
    const { folder, store } = await place();
    const child = startLogProcess(folder, "", {
      shell: "trap '' XFSZ; ",
      before: `const { execFileSync } = await import("node:child_process");
execFileSync("prlimit", ["--fsize=100", "--pid", String(process.pid)]);`,
    });
    const { lines, stderr } = await child.ended;
    expect(lines).toEqual([]);
    expect(stderr).toMatch(
      /expected a folder in which an audit log can be written, got (EFBIG|no space)/,
    );
    expect(stderr).toContain("AUDIT_UNWRITABLE");
    expect(store.listLogs()).toEqual([]);
    store.close();
  }, 60_000);
});

describe("a folder that cannot be written", () => {
  it("gives a clear fault, and nothing is made or registered", async () => {
    const { folder, store } = await place();
    const audit = join(folder, "audit");
    mkdirSync(audit);
    // WHY: nothing is read-only for root; the process opens the store, then becomes nobody
    const nobody = 65_534;
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      for (const file of [base, folder]) chmodSync(file, 0o711);
      for (const name of ["audit.pem", "audit"]) chownSync(join(folder, name), nobody, nobody);
    }
    chmodSync(audit, 0o500);
    const child = startLogProcess(folder, "", {
      before: isRoot ? `process.setgid(${nobody}); process.setuid(${nobody});` : "",
    });
    const { lines, stderr } = await child.ended;
    expect(lines).toEqual([]);
    expect(stderr).toContain("expected a folder in which an audit log can be written, got EACCES");
    chmodSync(audit, 0o700);
    expect(readdirSync(audit)).toEqual([]);
    expect(store.listLogs()).toEqual([]);
    store.close();
  }, 60_000);
});
