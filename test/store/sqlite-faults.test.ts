// `state.db` in trouble: damaged, somebody else's, on a full disk, in a folder that cannot be
// written, on a host without SQLite. Refused with a code; never recreated, never half believed.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { loadSqliteDriver } from "../../src/store/sqlite-driver.ts";
import { expectCode } from "../fixtures/trust.ts";
import { createRandom } from "../oracle/random.ts";
import { ALICE, FINGERPRINT, hash, lease } from "./fixtures.ts";
import { alter, filled, home, root } from "./sqlite-files.ts";

const BUILT = new URL("../../build/esm/store/sqlite.js", import.meta.url).href;
/** Asserts that the file is refused as damaged, and is afterwards as it was. */
function expectCorrupt(path: string, words: string): void {
  const before = readFileSync(path);
  const fault = expectCode(() => openSqliteStore(path), "STORE_CORRUPT");
  expect(fault.message).toContain(words);
  expect(fault.message).toContain("restore it from a backup");
  expect(fault.at).toEqual({ file: path });
  expect(readFileSync(path).equals(before)).toBe(true);
}

describe("the file", () => {
  it("is its owner's alone, with everything beside it, and nothing else is left there", () => {
    const folder = home();
    const path = join(folder, "state.db");
    const store = openSqliteStore(path);
    store.putLease(lease(1));
    expect(readdirSync(folder).sort()).toEqual(["state.db", "state.db-shm", "state.db-wal"]);
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
    }
    store.close();
    expect(readdirSync(folder)).toEqual(["state.db"]);
  });

  it("processes that start at once on nothing get one store", () => {
    const path = join(home(), "state.db");
    const script = `const { openSqliteStore } = await import(${JSON.stringify(BUILT)});
const store = openSqliteStore(${JSON.stringify(path)});
store.addTaint(${JSON.stringify(hash(1))}, 1 << Number(process.argv[1]));`;
    const file = join(home(), "start.mjs");
    writeFileSync(file, script.replace("argv[1]", "argv[2]"));
    const commands = [0, 1, 2, 3, 4, 5].map((bit) => `"$0" "$1" ${bit} &`).join(" ");
    const started = spawnSync("sh", ["-c", `${commands} wait`, process.execPath, file], {
      encoding: "utf8",
    });
    expect(started.stderr).toBe("");
    const store = openSqliteStore(path);
    expect(store.getTaint(hash(1))).toBe(0b11_1111);
    store.close();
    expect(readdirSync(join(path, ".."))).toEqual(["state.db"]);
  });

  it("a file or a folder that others can write is refused, and a link to elsewhere", () => {
    const { folder, path } = filled();
    for (const mode of [0o620, 0o602, 0o640, 0o604]) {
      chmodSync(path, mode);
      expect(expectCode(() => openSqliteStore(path), "HOME_UNSAFE").message).toContain("chmod 600");
    }
    chmodSync(path, 0o600);
    for (const mode of [0o770, 0o707]) {
      chmodSync(folder, mode);
      const fault = expectCode(() => openSqliteStore(path), "HOME_UNSAFE");
      expect(fault.message).toContain("chmod go-w");
    }
    const other = home();
    symlinkSync(path, join(other, "state.db"));
    expectCode(() => openSqliteStore(join(other, "state.db")), "HOME_UNSAFE");
    const taken = join(home(), "state.db");
    mkdirSync(taken);
    expectCode(() => openSqliteStore(taken), "HOME_UNSAFE");
    const fault = expectCode(() => openSqliteStore(join(root, "no", "s.db")), "STORE_UNAVAILABLE");
    expect(fault.message).toContain("no folder for it; make the home first");
  });
});

describe("damage", () => {
  it("an empty file, text, and a cut database are refused and left alone", () => {
    const { path } = filled();
    const whole = readFileSync(path);
    truncateSync(path, 0);
    expectCorrupt(path, "another kind of database");
    writeFileSync(path, "not a database at all, but long enough to look at".repeat(40));
    expectCorrupt(path, "SQLITE_NOTADB");
    for (const size of [100, 4096, whole.length - 4096]) {
      writeFileSync(path, whole.subarray(0, size));
      expectCode(() => openSqliteStore(path), "STORE_CORRUPT");
      expect(statSync(path).size).toBe(size);
    }
  });

  it("another program's database, another version, and other tables are refused", () => {
    const { path } = filled();
    const whole = readFileSync(path);
    const damaged: readonly (readonly [string, string])[] = [
      ["PRAGMA application_id = 7", "another kind of database"],
      ["PRAGMA user_version = 2", "schema version 2 instead of 1"],
      ["DROP TABLE nonces", "other tables"],
      [
        "CREATE TRIGGER refill AFTER UPDATE ON leases BEGIN UPDATE leases SET remaining = 3; END",
        "other tables",
      ],
    ];
    for (const [sql, words] of damaged) {
      writeFileSync(path, whole);
      alter(path, sql);
      expectCorrupt(path, words);
    }
  });

  it("a log of a database that was taken away is not replayed into a new one", () => {
    const { folder, path } = filled();
    rmSync(path);
    writeFileSync(`${path}-wal`, "left over");
    const fault = expectCode(() => openSqliteStore(path), "STORE_CORRUPT");
    expect(fault.message).toContain("none beside its state.db-wal");
    expect(readdirSync(folder)).toEqual(["state.db-wal"]);
  });

  it("a row that no store writes is not believed", () => {
    const edits: readonly string[] = [
      "UPDATE leases SET remaining = 4294967296",
      "UPDATE leases SET remaining = -1",
      "UPDATE leases SET max_invocations = NULL",
      "UPDATE leases SET revoked = 2",
      "UPDATE leases SET tools = '[]'",
      "UPDATE leases SET tools = '['",
      "UPDATE leases SET principal = 'alice'",
      "UPDATE leases SET expires_ms = -5",
    ];
    for (const sql of edits) {
      const { path } = filled();
      alter(path, sql);
      const store = openSqliteStore(path);
      const fault = expectCode(() => store.listLeases(), "STORE_CORRUPT");
      expect(fault.at).toEqual({ file: path });
      expectCode(() => store.getLease(hash(1)), "STORE_CORRUPT");
      store.close();
    }
  });

  it("a session whose line does not end has no known labels, and is refused", () => {
    const { path } = filled();
    alter(
      path,
      `UPDATE sessions SET parent = '${hash(2)}' WHERE hash = '${hash(1)}'`,
      `UPDATE sessions SET parent = '${hash(1)}' WHERE hash = '${hash(2)}'`,
      `UPDATE sessions SET parent = '${hash(999)}' WHERE hash = '${hash(3)}'`,
      `UPDATE sessions SET taint = -1 WHERE hash = '${hash(4)}'`,
    );
    const store = openSqliteStore(path);
    for (const session of [1, 2, 3, 4]) {
      expectCode(() => store.getTaint(hash(session)), "STORE_CORRUPT");
      expectCode(() => store.addTaint(hash(session), 64), "STORE_CORRUPT");
    }
    expect(store.getTaint(hash(5))).toBe(5);
    store.close();
  });

  it("a trust state that was edited is not believed", () => {
    const { path } = filled();
    const state = {
      rootVersion: 1,
      rootSha256: hash(1),
      catalogVersion: 7,
      catalogSha256: hash(7),
    };
    const first = openSqliteStore(path);
    first.saveCatalogState(state);
    first.close();
    alter(
      path,
      `UPDATE meta SET value = replace(value, '"catalog_version":7', '"catalog_version":1')`,
    );
    const store = openSqliteStore(path);
    expectCode(() => store.loadCatalogState(), "STATE_CORRUPT");
    expectCode(() => store.saveCatalogState({ ...state, catalogVersion: 2 }), "STATE_CORRUPT");
    store.close();
  });

  it("whatever bytes are flipped, every answer is a refusal with a code or a sound record", () => {
    const { path } = filled();
    const whole = readFileSync(path);
    const random = createRandom(7);
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(whole);
      for (let flip = 0; flip < 3; flip++) {
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      }
      writeFileSync(path, bytes, { mode: 0o600 });
      try {
        const store = openSqliteStore(path);
        try {
          store.listLeases();
          store.findConsents(ALICE, "files", FINGERPRINT);
          store.listSessions();
          store.consumeLease(hash(1), 3);
        } finally {
          store.close();
        }
      } catch (fault) {
        if (!(fault instanceof GuardError)) throw fault;
        expect(["STORE_CORRUPT", "STORE_UNAVAILABLE"]).toContain(fault.code);
        refused += 1;
      }
      for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
    }
    expect(refused).toBeGreaterThan(50);
  });
});

/** Runs `body` in a process of its own, where `openSqliteStore` and `path` are at hand. */
function inProcess(path: string, body: string, shell = 'exec "$0" "$@"'): string {
  const text = `
const { openSqliteStore } = await import(${JSON.stringify(BUILT)});
const path = ${JSON.stringify(path)};
const attempt = (action) => {
  try { return action(); } catch (fault) { return fault.code + ": " + fault.message; }
};
${body}`;
  const node = [process.execPath, "--input-type=module", "-e", text];
  const ended = spawnSync("sh", ["-c", shell, ...node], { encoding: "utf8" });
  expect(ended.stderr).toBe("");
  return ended.stdout;
}

describe("a disk that is full or cannot be written", () => {
  it("a write that finds no room is refused, and what was acknowledged stays", () => {
    const folder = home();
    const path = join(folder, "state.db");
    openSqliteStore(path).close();
    // the process may not make a file larger than 512 blocks: the log grows into that
    const body = `
const store = openSqliteStore(path);
let kept = 0;
let refusal;
while (refusal === undefined && kept < 10_000) {
  const outcome = attempt(() => store.addTaint(kept.toString(16).padStart(64, "0"), 1));
  if (outcome === 1) kept += 1; else refusal = outcome;
}
const taint = attempt(() => store.getTaint("0".repeat(64)));
process.stdout.write(JSON.stringify({ kept, refusal, taint }));`;
    const shell = `trap '' XFSZ; ulimit -f 512; exec "$0" "$@"`;
    const result: { kept: number; refusal: string; taint: number } = JSON.parse(
      inProcess(path, body, shell),
    );
    expect(result.kept).toBeGreaterThan(20);
    expect(result.refusal).toMatch(
      /^STORE_UNAVAILABLE: expected a usable state\.db, got SQLITE_(IOERR|FULL)[A-Z_]*; [^\n]+$/,
    );
    expect(result.taint).toBe(1);
    const store = openSqliteStore(path);
    expect(store.listSessions().length).toBeGreaterThanOrEqual(result.kept);
    store.close();
  });

  it("in a folder that cannot be written nothing is opened and nothing is made", () => {
    const { folder, path } = filled();
    const empty = home();
    const scratch = home();
    // WHY: nothing is read-only for root; the process loads its code, then becomes nobody
    const nobody = 65_534;
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      for (const file of [root, folder, path, empty]) chownSync(file, nobody, nobody);
    }
    for (const one of [folder, empty]) chmodSync(one, 0o500);
    const body = `
openSqliteStore(${JSON.stringify(join(scratch, "state.db"))}).close();
if (${isRoot}) { process.setgid(${nobody}); process.setuid(${nobody}); }
const use = (file) => attempt(() => openSqliteStore(file).putLease(${JSON.stringify(lease(99))}));
process.stdout.write(use(path) + "\\n" + use(${JSON.stringify(join(empty, "state.db"))}));`;
    const [there = "", absent = ""] = inProcess(path, body).split("\n");
    for (const one of [folder, empty]) chmodSync(one, 0o700);
    expect(there).toMatch(/^STORE_UNAVAILABLE: expected a usable state\.db, got SQLITE_\w+; make /);
    expect(absent).toBe(
      "STORE_UNAVAILABLE: expected a usable state.db, got EACCES while it was made",
    );
    expect(readdirSync(empty)).toEqual([]);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it("a store that another process keeps locked is refused when the wait is over", () => {
    const { path } = filled();
    const blocker = loadSqliteDriver()(path);
    blocker.exec("BEGIN IMMEDIATE");
    const store = openSqliteStore(path, { busyTimeoutMs: 50 });
    const fault = expectCode(() => store.consumeLease(hash(1), 3), "STORE_UNAVAILABLE");
    expect(fault.message).toContain("SQLITE_BUSY");
    expect(fault.message).toContain("another process keeps it locked");
    expectCode(() => store.revokeLease(hash(1)), "STORE_UNAVAILABLE");
    // reading goes on beside a writer
    expect(store.getLease(hash(1))?.remaining).toBe(3);
    blocker.exec("ROLLBACK");
    blocker.close();
    expect(store.consumeLease(hash(1), 3)).toBe(true);
    store.close();
  });
});

describe("a host without SQLite", () => {
  it("is told what to install", async () => {
    const folder = home();
    const bundle = join(folder, "store.mjs");
    // away from the packages of this repository
    await build({
      entryPoints: ["build/esm/store/sqlite.js"],
      outfile: bundle,
      bundle: true,
      format: "esm",
      platform: "node",
      logLevel: "error",
    });
    const flag = "--no-experimental-sqlite";
    const flags = process.allowedNodeEnvironmentFlags.has(flag) ? [flag] : [];
    const text = `import { openSqliteStore } from ${JSON.stringify(bundle)};
try { openSqliteStore("/nowhere/state.db"); } catch (fault) { console.log(fault.code + ": " + fault.message); }`;
    const ended = spawnSync(process.execPath, [...flags, "--input-type=module", "-e", text], {
      encoding: "utf8",
      cwd: folder,
    });
    expect(ended.stderr).toBe("");
    expect(ended.stdout).toBe(
      "DEPENDENCY_MISSING: expected node:sqlite (Node 22.13 or newer) or the package " +
        "better-sqlite3, got none that works; install it with `npm install better-sqlite3@12.11.1`\n",
    );
  });
});

describe("a copy", () => {
  it("of a closed store is a store", () => {
    const { path } = filled();
    const copy = join(home(), "state.db");
    copyFileSync(path, copy);
    const store = openSqliteStore(copy);
    expect(store.listLeases()).toHaveLength(40);
    store.close();
  });
});
