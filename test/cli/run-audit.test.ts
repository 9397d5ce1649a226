// What becomes of the log of `portcullis run` when the machine fails, and what becomes of the calls.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, cliJson, jsonOf } from "./process.ts";
import { RawGuard } from "./raw-guard.ts";
import { RunHome } from "./run-rig.ts";

const READ = "read_text_file";
const WRITE = "write_file";

function guardOf(home: RunHome, shell?: string, options: readonly string[] = []): RawGuard {
  return new RawGuard([...options, ...home.argv("mock")], shell);
}

/** Runs a guard for one call of each name. */
async function callsOf(home: RunHome, ...names: readonly string[]): Promise<string[]> {
  const guard = guardOf(home);
  const answers: string[] = [];
  for (const name of names) answers.push(await guard.call(name));
  expect(await guard.close()).toBe(0);
  return answers;
}

function recordFiles(home: RunHome): string[] {
  const names = readdirSync(join(home.dir, "audit"));
  return names.filter((name) => /-\d+\.jsonl$/.test(name)).map((n) => join(home.dir, "audit", n));
}

/** Verified and replayed by the command line; gives what it said of the replay. */
function sound(home: RunHome): Promise<Record<string, unknown>> {
  return cliJson(["audit", "verify", "--dir", home.dir]).then(() =>
    cliJson(["audit", "replay", "--dir", home.dir]),
  );
}

describe("a full disk", () => {
  it("refuses what cannot be recorded, forwards none of it, and goes on when there is room", async () => {
    const home = await RunHome.make({ mock: {} });
    // the soft limit alone, so that it can be lifted; blocks of 512 bytes
    const guard = guardOf(home, "trap '' XFSZ; ulimit -S -f 512; ");
    let allowed = 0;
    let answer = await guard.call(READ);
    for (; answer === "allowed" && allowed < 1000; answer = await guard.call(READ)) allowed += 1;
    expect(answer).toBe("audit_unavailable");
    expect(allowed).toBeGreaterThan(20);
    expect(await guard.call(WRITE)).toBe("audit_unavailable");
    expect(home.log("mock").callsReceived).toBe(allowed);
    execFileSync("prlimit", ["--fsize=unlimited", "--pid", String(guard.child.pid)]);
    const asks = { timeout: 20_000, interval: 20 };
    await expect.poll(() => guard.call(READ), asks).toBe("allowed");
    expect(await guard.call(WRITE)).toBe("allowed");
    expect(home.log("mock").callsReceived).toBe(allowed + 2);
    expect(await guard.close()).toBe(0);
    const { logs } = await sound(home);
    expect(logs).toMatchObject([{ end: "closed", ok: true }]);
    expect(Reflect.get(Object(Array.isArray(logs) ? logs[0] : {}), "lost")).toBeGreaterThan(0);
  }, 60_000);
});

describe("a log that cannot be begun", () => {
  /** Nothing may be called, and the guard says why; reads pass where the host says so. */
  async function expectRefused(home: RunHome, why: RegExp, options: readonly string[] = []) {
    const guard = guardOf(home, "", options);
    expect([await guard.call(READ), await guard.call(WRITE)]).toEqual([
      "audit_unavailable",
      "audit_unavailable",
    ]);
    expect(await guard.close()).toBe(0);
    expect(guard.stderr).toMatch(why);
    expect(guard.stderr).toMatch(/^portcullis: no audit log is written: [^\n]+\n$/);
    expect(home.log("mock").callsReceived).toBe(0);
    appendFileSync(join(home.dir, "config.toml"), 'audit = "best-effort"\n');
    const other = guardOf(home, "", options);
    expect([await other.call(READ), await other.call(WRITE)]).toEqual([
      "allowed",
      "audit_unavailable",
    ]);
    expect(await other.close()).toBe(0);
    expect(home.log("mock").callsReceived).toBe(1);
  }

  it("for want of a folder", async () => {
    const home = await RunHome.make({ mock: {} });
    writeFileSync(join(home.dir, "audit"), "");
    await expectRefused(home, /expected a folder in which an audit log can be written, got EEXIST/);
  });

  it("because the folder is read-only", async () => {
    const home = await RunHome.make({ mock: {} });
    const audit = join(home.dir, "audit");
    mkdirSync(audit);
    // WHY: nothing is read-only for root: the guard becomes nobody, and the home nobody's
    const options: string[] = [];
    home.argv("mock");
    if (process.getuid?.() === 0) {
      const nobody = 65_534;
      execFileSync("chown", ["-R", `${nobody}:${nobody}`, home.dir]);
      chmodSync(home.folder, 0o777);
      for (const name of readdirSync(home.folder)) {
        const file = join(home.folder, name);
        chownSync(file, nobody, nobody);
        if (statSync(file).isFile()) chmodSync(file, 0o666);
      }
      const become = `process.setgid(${nobody});process.setuid(${nobody})`;
      options.push("--import", `data:text/javascript,${encodeURIComponent(become)}`);
    }
    chmodSync(audit, 0o500);
    await expectRefused(home, /expected a folder in which [^\n]+, got EACCES/, options);
    expect(readdirSync(audit)).toEqual([]);
    chmodSync(audit, 0o700);
  });

  it("because the key is gone, is none, or is another's", async () => {
    const cases: readonly [(key: string, home: RunHome) => unknown, RegExp][] = [
      [(key) => rmSync(key), /keys\/audit\.pem: expected a file, got none/],
      [(key) => writeFileSync(key, "no key\n"), /keys\/audit\.pem: expected a/],
      [
        (key, home) => cpSync(join(home.folder, "alice.pem"), key),
        /expected the key in keys\/audit\.pem to hold the role audit/,
      ],
    ];
    for (const [spoil, why] of cases) {
      const home = await RunHome.make({ mock: {} });
      spoil(join(home.dir, "keys", "audit.pem"), home);
      await expectRefused(home, why);
    }
  }, 60_000);
});

describe("kill -9", () => {
  it("loses no answered call, and the next start goes on where it was, a cut line included", async () => {
    const home = await RunHome.make({ mock: {} });
    const guard = guardOf(home);
    await guard.list();
    const answers: string[] = [];
    const calls = Array.from({ length: 400 }, async (_, index) => {
      const answer = await guard.call(index % 7 === 6 ? "smuggled" : READ);
      if (answer === "no answer") return;
      answers.push(answer);
      if (answers.length === 100) guard.child.kill("SIGKILL");
    });
    await Promise.all(calls);
    await guard.ended;
    const [file = ""] = recordFiles(home);
    const records = readFileSync(file, "utf8").split("\n").slice(0, -1);
    const recorded = records.filter((line) => line.includes('"kind":"call"')).length;
    expect(recorded).toBeGreaterThanOrEqual(answers.length);
    await sound(home);
    // as a crash in the middle of a write leaves it; what is signed stays
    appendFileSync(file, (records.at(-1) ?? "").slice(0, 100));
    expect(await callsOf(home, READ)).toEqual(["allowed"]);
    const { logs } = await sound(home);
    expect(logs).toContainEqual(expect.objectContaining({ end: "open", cutBytes: 100, ok: true }));
    const [open = ""] = readFileSync(newest(home, file), "utf8").split("\n");
    expect(JSON.parse(open).heads).toMatchObject([{ size: records.length, cut: 100 }]);
    // the next start vouches for what was unsigned: nothing of it can go now
    truncateSync(file, statSync(file).size - 100 - (records.at(-1) ?? "").length - 1);
    const cut = await cli(["audit", "verify", "--dir", home.dir, "--json"]);
    expect(jsonOf(cut)).toMatchObject({ ok: false, error: { code: "AUDIT_TRUNCATED" } });
  }, 60_000);

  function newest(home: RunHome, first: string): string {
    return recordFiles(home).find((file) => file !== first) ?? "";
  }
});

describe("two guards of one home at once", () => {
  it("write logs of their own, and both are whole", async () => {
    const home = await RunHome.make({ mock: {} });
    const guards = [guardOf(home), guardOf(home), guardOf(home)];
    const answers = await Promise.all(
      guards.map(async (guard) => {
        const own = Array.from({ length: 60 }, (_, index) =>
          guard.call(index % 10 === 9 ? "smuggled" : READ),
        );
        return (await Promise.all(own)).filter((answer) => answer === "allowed").length;
      }),
    );
    expect(answers).toEqual([54, 54, 54]);
    for (const guard of guards) expect(await guard.close()).toBe(0);
    const report = await sound(home);
    expect(report).toMatchObject({ ok: true, frames: 180, refusals: 18 });
    expect(report["logs"]).toHaveLength(3);
  }, 60_000);
});

describe("another catalog", () => {
  it("that was in force later does not touch older logs; without its files they do not replay", async () => {
    const home = await RunHome.make({ mock: {} });
    expect(await callsOf(home, READ)).toEqual(["allowed"]);
    const catalog = join(home.dir, "catalog.toml");
    const text = readFileSync(catalog, "utf8");
    writeFileSync(catalog, text.replace(/^version = 1$/m, "version = 2"));
    const key = join(home.folder, "alice.pem");
    await cliJson(["sign", "--key", key, "--dir", home.dir]);
    expect(await callsOf(home, READ, "smuggled")).toEqual(["allowed", "tool_smuggle"]);
    expect(await sound(home)).toMatchObject({ frames: 3 });
    const objects = join(home.dir, "audit", "objects");
    const first = JSON.parse(readFileSync(recordFiles(home)[0] ?? "", "utf8").split("\n")[0] ?? "");
    rmSync(join(objects, `${first.catalog}.dsse.json`));
    await cliJson(["audit", "verify", "--dir", home.dir]);
    const without = await cli(["audit", "replay", "--dir", home.dir, "--json"]);
    expect(without.code).toBe(1);
    expect(jsonOf(without)).toMatchObject({ ok: false, error: { code: "AUDIT_CATALOG", seq: 0 } });
  }, 60_000);

  it("of another home vouches for nothing here", async () => {
    const [home, other] = [await RunHome.make({ mock: {} }), await RunHome.make({ mock: {} })];
    await callsOf(other, READ);
    cpSync(join(other.dir, "audit"), join(home.dir, "audit"), { recursive: true });
    const result = await cli(["audit", "verify", "--dir", home.dir, "--json"]);
    expect(result.code).toBe(1);
    expect(jsonOf(result)).toMatchObject({ ok: false, error: { code: "AUDIT_SIGNATURE", seq: 0 } });
  }, 60_000);
});
