// Leases, approvals and sessions from the command line: what is granted is what was meant, and it
// ends when the operator says so.
import { chmodSync, existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

import { argumentsDigest } from "../../src/guard/args-digest.ts";
import { principalHash, sessionHash } from "../../src/guard/identity-hash.ts";
import { LABEL_ROW_MASK, labelRow } from "../../src/guard/label-rows.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { consent, hash, lease, question } from "../store/fixtures.ts";
import { cli, cliJson, expectFault, tempFolder } from "./process.ts";
import { type SignedHome, signedHome } from "./signed-home.ts";

let home: SignedHome;

beforeAll(async () => {
  home = await signedHome({
    edit: (text) =>
      `${text}\n[taints]\npii = "personal data"\n\n[principals."agent:*"]\nservers = ["mock"]\n\n` +
      "[principals.local]\n",
  });
});

const GRANT = ["lease", "grant", "--server", "mock"];

/** Uses the store of `dir` between two commands. */
function withStore<T>(dir: string, action: (store: SyncStateStore) => T): T {
  const store = openSqliteStore(join(dir, "state.db"));
  try {
    return action(store);
  } finally {
    store.close();
  }
}

function inHome(...args: readonly string[]): readonly string[] {
  return [...args, "--dir", home.dir];
}

async function granted(...args: readonly string[]): Promise<string> {
  const { lease: found } = await cliJson(inHome(...GRANT, ...args));
  const id: unknown = new Map(Object.entries(Object(found))).get("id");
  return typeof id === "string" ? id : expect.fail("expected the id of a lease");
}

describe("a home without a store", () => {
  it("is looked at and not written", async () => {
    expect(await cliJson(inHome("lease", "list"))).toEqual({ ok: true, leases: [] });
    expect(await cliJson(inHome("session", "list"))).toEqual({ ok: true, sessions: [] });
    expect(await cliJson(inHome("consent", "list"))).toEqual({
      ok: true,
      questions: [],
      consents: [],
    });
    expect(await cliJson(inHome("lease", "revoke", "--all"))).toEqual({ ok: true, revoked: [] });
    expect(await cliJson(inHome("consent", "revoke", "--all"))).toMatchObject({ revoked: [] });
    expect(await cliJson(inHome("session", "reset", "--all"))).toEqual({ ok: true, reset: [] });
    expect((await cli(inHome("lease", "list"))).stdout).toBe("no leases\n");
    expect((await cli(inHome("session", "list"))).stdout).toBe("no sessions with labels\n");
    expect((await cli(inHome("consent", "list"))).stdout).toBe("no questions and no approvals\n");
    expect(existsSync(join(home.dir, "state.db"))).toBe(false);
  });

  it("that is no home at all is told as such", async () => {
    const dir = join(tempFolder(), "none");
    for (const command of ["lease list", "session list", "consent list", "lease revoke --all"]) {
      await expectFault([...command.split(" "), "--dir", dir], "HOME_INCOMPLETE");
    }
    await expectFault([...GRANT, "--tool", "read_text_file", "--dir", dir], "HOME_INCOMPLETE");
  });
});

describe("lease grant", () => {
  it("keeps exactly what was asked for, readable by the owner alone", async () => {
    const id = await granted(
      ...["--tool", "read_text_file,write_file", "--principal", "agent:a", "--ttl", "2h"],
      ...["--max", "3", "--state-changing", "--args", '{"b":1.0,"a":"x"}'],
    );
    const kept = withStore(home.dir, (store) => store.getLease(id));
    expect(kept).toMatchObject({
      principalHash: principalHash("agent:a"),
      serverId: "mock",
      grantedTools: ["read_text_file", "write_file"],
      maxInvocations: 3,
      remaining: 3,
      stateChanging: true,
      argsDigest: argumentsDigest({ a: "x", b: 1 }),
      revoked: false,
    });
    expect((kept?.expiresAtMs ?? 0) - (kept?.createdAtMs ?? 0)).toBe(7_200_000);
    expect(statSync(join(home.dir, "state.db")).mode & 0o777).toBe(0o600);
  });

  it("is five minutes for the principal local, without a number, when nothing else is said", async () => {
    const id = await granted("--tool", "read_text_file");
    const kept = withStore(home.dir, (store) => store.getLease(id));
    expect(kept).toMatchObject({
      principalHash: principalHash("local"),
      maxInvocations: null,
      stateChanging: false,
      argsDigest: null,
    });
    expect((kept?.expiresAtMs ?? 0) - (kept?.createdAtMs ?? 0)).toBe(300_000);
    const { stdout } = await cli(inHome(...GRANT, "--tool", "read_text_file"));
    expect(stdout).toMatch(
      /^granted [0-9a-f]{64}\n[0-9a-f]{12} {2}active {2}local {2}mock: read_text_file {2}no limit {2}\S+Z\n$/,
    );
  });

  it("refuses names that the signed catalog does not have", async () => {
    const before = withStore(home.dir, (store) => store.listLeases().length);
    const server = ["lease", "grant", "--server", "mokc", "--tool", "read_text_file"];
    expect(await expectFault(inHome(...server), "SERVER_UNKNOWN")).toContain("`mokc`");
    const tool = await expectFault(
      inHome(...GRANT, "--tool", "read_text_file,wirte_file"),
      "ARGUMENT_INVALID",
    );
    expect(tool).toContain("expected a pinned tool of `mock`, got `wirte_file`");
    await expectFault(inHome(...GRANT, "--tool", "__proto__"), "ARGUMENT_INVALID");
    const who = ["--tool", "read_text_file", "--principal", "mallory"];
    expect(await expectFault(inHome(...GRANT, ...who), "ARGUMENT_INVALID")).toContain("`mallory`");
    expect(withStore(home.dir, (store) => store.listLeases().length)).toBe(before);
  });

  it("refuses a lease that would never cover its tool", async () => {
    const line = await expectFault(inHome(...GRANT, "--tool", "write_file"), "ARGUMENT_INVALID");
    expect(line).toContain("expected --state-changing, because `write_file` has the effect");
  });

  it.each([
    ["--ttl", "0s"],
    ["--ttl", "5"],
    ["--ttl", "-5m"],
    ["--ttl", "1.5h"],
    ["--ttl", "31d"],
    ["--ttl", "999999999d"],
    ["--ttl", "NaNs"],
    ["--max", "0"],
    ["--max", "-1"],
    ["--max", "1.5"],
    ["--max", "4294967296"],
    ["--principal", ""],
    ["--tool", "read_text_file,"],
  ])("refuses %s %s", async (option, value) => {
    const tool = option === "--tool" ? [] : ["--tool", "read_text_file"];
    await expectFault(inHome(...GRANT, ...tool, `${option}=${value}`), "USAGE");
  });

  it("takes the longest time and the largest number, and arguments only as a JSON object", async () => {
    await granted("--tool", "read_text_file", "--ttl", "30d", "--max", "4294967295");
    for (const args of ["[]", "1", '{"a":1,"a":2}', "{", '{"token":"s3cret"']) {
      const line = await expectFault(
        inHome(...GRANT, "--tool", "read_text_file", "--args", args),
        "ARGUMENT_INVALID",
      );
      expect(line).not.toContain("s3cret");
    }
  });

  it("needs a catalog that verifies", async () => {
    const unsigned = await signedHome({ signs: false });
    await expectFault(
      [...GRANT, "--tool", "read_text_file", "--dir", unsigned.dir],
      "CATALOG_ENVELOPE",
    );
    expect(existsSync(join(unsigned.dir, "state.db"))).toBe(false);
  });
});

describe("lease list and revoke", () => {
  it("shows every lease with its state, and ends the one that is named", async () => {
    const other = await signedHome();
    const at = (...args: readonly string[]): readonly string[] => [...args, "--dir", other.dir];
    const nowMs = Date.now();
    const live = { createdAtMs: nowMs, expiresAtMs: nowMs + 600_000 };
    const id = (first: string): string => first + hash(0).slice(first.length);
    withStore(other.dir, (store) => {
      store.putLease(lease(0, { ...live, id: id("aaaaaaaa1") }));
      store.putLease(lease(0, { ...live, id: id("aaaaaaaa2"), serverId: "mail" }));
      store.putLease(lease(0, { ...live, id: id("b"), remaining: 0 }));
      store.putLease(lease(0, { ...live, id: id("c"), expiresAtMs: nowMs - 1 }));
      store.putLease(lease(0, { ...live, id: id("d"), grantedTools: ["a\u202eb"] }));
    });
    const line = await expectFault(at("lease", "revoke", "aaaaaaaa"), "ARGUMENT_INVALID");
    expect(line).toContain("got `aaaaaaaa`, which fits 2; see `portcullis lease list`");
    await expectFault(at("lease", "revoke", "aaaaaaa"), "ARGUMENT_INVALID");
    await expectFault(at("lease", "revoke", "_aaaaaaa"), "ARGUMENT_INVALID");
    for (const args of [[], [id("b"), id("c")], [id("b"), "--all"]]) {
      await expectFault(at("lease", "revoke", ...args), "USAGE");
    }
    expect(await cliJson(at("lease", "revoke", "aaaaaaaa1"))).toEqual({
      ok: true,
      revoked: [id("aaaaaaaa1")],
    });
    const { leases } = await cliJson(at("lease", "list"));
    const status = Object.values(Object(leases)).map((one) => [
      Reflect.get(Object(one), "id"),
      Reflect.get(Object(one), "status"),
    ]);
    expect(status).toEqual([
      [id("c"), "expired"],
      [id("aaaaaaaa1"), "revoked"],
      [id("aaaaaaaa2"), "active"],
      [id("b"), "used_up"],
      [id("d"), "active"],
    ]);
    const mail = await cliJson(at("lease", "list", "--server", "mail"));
    expect(mail["leases"]).toHaveLength(1);
    expect((await cli(at("lease", "list"))).stdout).toContain("files: a<U+202E>b");
    expect((await cliJson(at("lease", "revoke", "--all")))["revoked"]).toHaveLength(4);
    const left = withStore(other.dir, (store) => store.listLeases().map(({ revoked }) => revoked));
    expect(left).toEqual([true, true, true, true, true]);
  });
});

describe("consent list and revoke", () => {
  it("shows what waits and what was approved, and takes an approval back", async () => {
    const other = await signedHome();
    const nowMs = Date.now();
    const live = { createdAtMs: nowMs, expiresAtMs: nowMs + 60_000 };
    withStore(other.dir, (store) => {
      store.putConsent(consent(1, { ...live, id: `c0ffee00${hash(1).slice(8)}` }));
      store.putConsent(consent(2, { ...live, singleUse: false, argsDigest: null }));
      store.putQuestion(question("q-1", live));
    });
    const { questions, consents } = await cliJson(["consent", "list", "--dir", other.dir]);
    expect(questions).toMatchObject([{ id: "q-1", server: "files", text: question("q").text }]);
    expect(consents).toMatchObject([
      { id: hash(2), status: "active", singleUse: false, argsDigest: null },
      { status: "active", name: "write_file", channel: "terminal", singleUse: true },
    ]);
    const { stdout } = await cli(["consent", "list", "--dir", other.dir]);
    expect(stdout).toMatch(
      /^q-1 {2}waits {2}\S+ {2}files: write_file {2}by terminal or web {2}until /,
    );
    const revoke = ["consent", "revoke", "c0ffee00", "--dir", other.dir];
    expect((await cliJson(revoke))["revoked"]).toHaveLength(1);
    await expectFault(revoke, "ARGUMENT_INVALID");
    expect(withStore(other.dir, (store) => store.listConsents())).toMatchObject([{ id: hash(2) }]);
  });
});

describe("session list and reset", () => {
  it("names the labels, and clears a session by id or by name", async () => {
    const [work, child, bare] = [sessionHash("work"), sessionHash("child"), sessionHash("bare")];
    withStore(home.dir, (store) => {
      store.addTaint(work, 0b0001);
      store.addTaint(labelRow(work, "pii"), LABEL_ROW_MASK);
      store.linkSession(child, work);
      store.addTaint(child, 0b100);
      store.addTaint(bare, 0b10);
      // a label that no catalog names any more
      store.addTaint(labelRow(bare, "gone"), LABEL_ROW_MASK);
    });
    const { sessions } = await cliJson(inHome("session", "list"));
    const expected = [
      { id: work, labels: ["untrusted", "pii"], own: ["untrusted", "pii"], parent: null },
      { id: child, labels: ["untrusted", "secret", "pii"], own: ["secret"], parent: work },
      { id: bare, labels: ["private"], own: ["private"], parent: null },
    ];
    expect(sessions).toEqual(expected.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    expect((await cli(inHome("session", "list"))).stdout).toContain("itself: secret");
    const reset = await cli(inHome("session", "reset", child.slice(0, 12)));
    expect(reset).toMatchObject({ code: 0, stdout: `reset ${child}; inherits untrusted, pii\n` });
    expect(await cliJson(inHome("session", "reset", "--session", "work"))).toEqual({
      ok: true,
      reset: [{ id: work, labels: [] }],
    });
    expect(withStore(home.dir, (store) => store.getTaint(child))).toBe(0);
    expect(withStore(home.dir, (store) => store.getTaint(labelRow(work, "pii")))).toBe(0);
    await expectFault(inHome("session", "reset", "--session", "nobody"), "ARGUMENT_INVALID");
    for (const args of [[], ["--session", ""], ["--session", "work", "--all"], [bare, child]]) {
      await expectFault(inHome("session", "reset", ...args), "USAGE");
    }
    await cliJson(inHome("session", "reset", "--all"));
    expect(withStore(home.dir, (store) => store.getTaint(bare))).toBe(0);
    expect(withStore(home.dir, (store) => store.getTaint(labelRow(bare, "gone")))).toBe(0);
  });

  it("works on a home whose catalog no longer verifies: only the names are missing", async () => {
    const other = await signedHome();
    withStore(other.dir, (store) => store.addTaint(hash(1), 0b0010));
    writeFileSync(join(other.dir, "catalog.dsse.json"), "{}");
    const { sessions } = await cliJson(["session", "list", "--dir", other.dir]);
    expect(sessions).toMatchObject([{ labels: ["private"] }]);
  });
});

describe("a store in trouble", () => {
  it("is exit 2 with its code, for every command", async () => {
    const other = await signedHome();
    const file = join(other.dir, "state.db");
    withStore(other.dir, (store) => store.addTaint(hash(1), 1));
    const at = (command: string): readonly string[] => [...command.split(" "), "--dir", other.dir];
    chmodSync(file, 0o644);
    await expectFault(at("lease list"), "HOME_UNSAFE");
    writeFileSync(file, "");
    chmodSync(file, 0o600);
    const commands = ["lease list", "lease revoke --all", "session list", "consent list"];
    for (const command of [...commands, "session reset --all", "consent revoke --all"]) {
      expect(await expectFault(at(command), "STORE_CORRUPT")).toContain(file);
    }
    await expectFault(at(`${GRANT.join(" ")} --tool read_text_file`), "STORE_CORRUPT");
    chmodSync(file, 0o602);
    await expectFault(at("session list"), "HOME_UNSAFE");
  });
});
