// The trust state in a file: durable, private, and monotonic under concurrent writers.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { serializeTrustState, type TrustState } from "../../src/catalog/state.ts";
import { FileTrustState } from "../../src/cli/state-file.ts";
import { GuardError } from "../../src/errors.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { expectRejection } from "../fixtures/trust.ts";

const root = temporaryDirectory();
let count = 0;

/** A fresh home with nothing in it. */
function home(): string {
  count += 1;
  const path = join(root, `home-${count}`);
  mkdirSync(path);
  return path;
}

function version(catalogVersion: number): TrustState {
  return {
    rootVersion: 1,
    rootSha256: "ab".repeat(32),
    catalogVersion,
    catalogSha256: catalogVersion.toString(16).padStart(64, "0"),
  };
}

describe("the file", () => {
  it("holds exactly the state document, readable by its owner only, and nothing stays beside it", async () => {
    const directory = home();
    const path = join(directory, "state.json");
    const store = new FileTrustState(path);
    expect(await store.load()).toBeUndefined();
    await store.save(version(7));
    expect(new Uint8Array(readFileSync(path))).toEqual(serializeTrustState(version(7)));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["state.json"]);
    expect(await new FileTrustState(path).load()).toEqual(version(7));
  });

  it("that holds this state already is not written, and no lock is waited for", async () => {
    const directory = home();
    const path = join(directory, "state.json");
    const store = new FileTrustState(path);
    await store.save(version(7));
    const before = statSync(path);
    writeFileSync(`${path}.lock`, "another process");
    await store.save(version(7));
    expect(statSync(path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(readFileSync(`${path}.lock`, "utf8")).toBe("another process");
    // what is no longer the newest is refused at once, too
    await expectRejection(store.save(version(6)), "CATALOG_ROLLBACK");
    await expectRejection(
      store.save({ ...version(7), catalogSha256: "cd".repeat(32) }),
      "CATALOG_EQUIVOCATION",
    );
  });

  it("moves forwards and never back", async () => {
    const path = join(home(), "state.json");
    const store = new FileTrustState(path);
    await store.save(version(7));
    await store.save(version(8));
    await store.save(version(8));
    await expectRejection(store.save(version(7)), "CATALOG_ROLLBACK");
    const forked = { ...version(8), catalogSha256: "f".repeat(64) };
    await expectRejection(store.save(forked), "CATALOG_EQUIVOCATION");
    expect(await store.load()).toEqual(version(8));
  });

  it("damaged is STATE_CORRUPT for reading and for writing, and is not overwritten", async () => {
    for (const text of ["", "{}", `${Buffer.from(serializeTrustState(version(7)))}\n`]) {
      const path = join(home(), "state.json");
      writeFileSync(path, text);
      const store = new FileTrustState(path);
      expect((await expectRejection(store.load(), "STATE_CORRUPT")).at?.file).toBe(path);
      await expectRejection(store.save(version(9)), "STATE_CORRUPT");
      expect(readFileSync(path, "utf8")).toBe(text);
      expect(readdirSync(join(path, ".."))).toEqual(["state.json"]);
    }
  });

  it("that cannot be read or written is a fault, not the absence of a state", async () => {
    const directory = home();
    mkdirSync(join(directory, "state.json"));
    const store = new FileTrustState(join(directory, "state.json"));
    await expectRejection(store.load(), "FILE_UNREADABLE");
    await expectRejection(store.save(version(7)), "FILE_UNREADABLE");
    const nowhere = new FileTrustState(join(directory, "absent", "state.json"));
    await expectRejection(nowhere.save(version(7)), "FILE_UNREADABLE");
    expect(readdirSync(directory)).toEqual(["state.json"]);
  });
});

describe("concurrent writers", () => {
  it("whatever their order, the newest version stays and only older ones are refused", async () => {
    const directory = home();
    const path = join(directory, "state.json");
    const versions = [5, 3, 9, 1, 9, 7, 2, 8, 9, 4, 6];
    const outcomes = await Promise.all(
      versions.map(async (each) => {
        const store = new FileTrustState(path);
        return await store.save(version(each)).then(
          () => "saved",
          (error: unknown) => (error instanceof GuardError ? error.code : String(error)),
        );
      }),
    );
    expect((await new FileTrustState(path).load())?.catalogVersion).toBe(9);
    expect(new Set(outcomes)).toEqual(new Set(["saved", "CATALOG_ROLLBACK"]));
    for (const [index, each] of versions.entries()) {
      if (each === 9) expect(outcomes[index]).toBe("saved");
    }
    expect(readdirSync(directory)).toEqual(["state.json"]);
  });

  it("an older process that waits while a newer one writes does not move the state back", async () => {
    const path = join(home(), "state.json");
    await new FileTrustState(path).save(version(5));
    // another process holds the lock
    writeFileSync(`${path}.lock`, "another process");
    const older = new FileTrustState(path).save(version(6));
    await sleep(50);
    writeFileSync(path, serializeTrustState(version(7)));
    rmSync(`${path}.lock`);
    await expectRejection(older, "CATALOG_ROLLBACK");
    expect((await new FileTrustState(path).load())?.catalogVersion).toBe(7);
  });

  it("a lock that another process holds is waited for, and is not removed", async () => {
    const path = join(home(), "state.json");
    writeFileSync(`${path}.lock`, "another process");
    const saving = new FileTrustState(path).save(version(6));
    await sleep(100);
    expect(readFileSync(`${path}.lock`, "utf8")).toBe("another process");
    expect(await new FileTrustState(path).load()).toBeUndefined();
    rmSync(`${path}.lock`);
    await saving;
    expect((await new FileTrustState(path).load())?.catalogVersion).toBe(6);
  });

  it("a lock left by a process that died is taken over, whichever way the clock has moved", async () => {
    for (const seconds of [-11, 3600]) {
      const directory = home();
      const path = join(directory, "state.json");
      writeFileSync(`${path}.lock`, "a process that died");
      const at = Date.now() / 1000 + seconds;
      utimesSync(`${path}.lock`, at, at);
      await new FileTrustState(path).save(version(6));
      expect(readdirSync(directory)).toEqual(["state.json"]);
    }
  });

  it("a lock that stays is FILE_EXISTS, and says which file to look at", async () => {
    const path = join(home(), "state.json");
    const lock = `${path}.lock`;
    writeFileSync(lock, "another process");
    const refresh = setInterval(() => utimesSync(lock, new Date(), new Date()), 1000);
    try {
      const error = await expectRejection(new FileTrustState(path).save(version(6)), "FILE_EXISTS");
      expect(error.at?.file).toBe(lock);
    } finally {
      clearInterval(refresh);
    }
    expect(readFileSync(lock, "utf8")).toBe("another process");
  }, 30_000);
});
