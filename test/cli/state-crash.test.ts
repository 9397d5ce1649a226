// state.json under kill -9: whatever moment it comes at, the file holds one whole state, never an
// older one than was acknowledged, and the next process goes on from there.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { parseTrustState, serializeTrustState } from "../../src/catalog/state.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { createRandom } from "../oracle/random.ts";
import { SAY_SOURCE } from "../fixtures/say-source.ts";

const KILLS = 1000;
/** Chains of processes, each with a state file of its own. */
const LANES = 4;
const DELAY_MS_MAX = 15;
const STORE = new URL("../../build/esm/cli/state-file.js", import.meta.url).href;

/** Advances the state until it is killed, and says so after each write. */
const WRITER = `
import { writeSync } from "node:fs";
${SAY_SOURCE}
const { FileTrustState } = await import(${JSON.stringify(STORE)});
const store = new FileTrustState(process.argv[1]);
for (;;) {
  const version = ((await store.load())?.catalogVersion ?? 0) + 1;
  const catalogSha256 = version.toString(16).padStart(64, "0");
  try {
    await store.save({ rootVersion: 1, rootSha256: "ab".repeat(32), catalogVersion: version, catalogSha256 });
    say(version);
  } catch (fault) {
    // another writer was faster: that is what a save refuses
    if (fault.code !== "CATALOG_ROLLBACK") throw fault;
  }
}
`;

interface Writer {
  readonly process: ChildProcess;
  /** Resolves at the first acknowledged write. */
  readonly started: Promise<void>;
  /** Resolves when it has ended, with the versions it acknowledged and what it complained about. */
  readonly ended: Promise<{ readonly versions: readonly number[]; readonly stderr: string }>;
}

function startWriter(path: string): Writer {
  const child = spawn(process.execPath, ["--input-type=module", "-e", WRITER, path], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const started = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes("\n")) resolve();
    });
    child.on("close", () => resolve());
  });
  const ended = new Promise<{ versions: readonly number[]; stderr: string }>((resolve) => {
    child.on("close", () => {
      const versions = stdout.split("\n").slice(0, -1).map(Number);
      resolve({ versions, stderr });
    });
  });
  return { process: child, started, ended };
}

/** The version on file; fails when the file is anything but one whole state. */
function versionOf(path: string): number {
  if (!existsSync(path)) return 0;
  const bytes = new Uint8Array(readFileSync(path));
  const state = parseTrustState(bytes);
  expect(serializeTrustState(state)).toEqual(bytes);
  expect(state.catalogSha256).toBe(state.catalogVersion.toString(16).padStart(64, "0"));
  return state.catalogVersion;
}

/** Makes a lock that a killed process left as old as one that is taken over: the wait is cut. */
function ageLock(path: string): boolean {
  const lock = `${path}.lock`;
  if (!existsSync(lock)) return false;
  const at = Date.now() / 1000 - 60;
  utimesSync(lock, at, at);
  return true;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function kill(writer: Writer, afterMs: number): Promise<readonly number[]> {
  await writer.started;
  await delay(afterMs);
  writer.process.kill("SIGKILL");
  const { versions, stderr } = await writer.ended;
  expect(stderr).toBe("");
  expect(writer.process.signalCode).toBe("SIGKILL");
  return versions;
}

describe("state.json and kill -9", () => {
  const root = temporaryDirectory();

  it(`survives ${KILLS} kills of a process that keeps advancing it`, async () => {
    let lockedKills = 0;
    const lane = async (number: number): Promise<number> => {
      const random = createRandom(number + 1);
      const folder = join(root, `lane-${number}`);
      mkdirSync(folder);
      const path = join(folder, "state.json");
      let last = 0;
      for (let round = 0; round < KILLS / LANES; round++) {
        const versions = await kill(startWriter(path), 1 + random.below(DELAY_MS_MAX));
        const version = versionOf(path);
        expect(versions.length).toBeGreaterThan(0);
        expect(versions[0]).toBeGreaterThan(last);
        expect(version).toBeGreaterThanOrEqual(versions.at(-1) ?? 0);
        expect(version).toBeGreaterThanOrEqual(last);
        last = version;
        if (ageLock(path)) lockedKills += 1;
      }
      return last;
    };
    const versions = await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
    for (const version of versions) expect(version).toBeGreaterThanOrEqual(KILLS / LANES);
    // many of the kills fell into the middle of a save: else this test would show nothing
    expect(lockedKills).toBeGreaterThan(KILLS / 10);
  }, 600_000);

  it("two writers at once: neither moves it back, and one goes on when the other is killed", async () => {
    const folder = join(root, "two");
    mkdirSync(folder);
    const path = join(folder, "state.json");
    let last = 0;
    for (let round = 0; round < 20; round++) {
      const [first, second] = [startWriter(path), startWriter(path)];
      const killed = await kill(first, round % DELAY_MS_MAX);
      const seen = versionOf(path);
      // a lock of the killed one stays until it is old enough; a lock of the other one does not
      const cut = setInterval(abandonedLockWatch(path), 20);
      await second.started;
      await delay(30);
      clearInterval(cut);
      second.process.kill("SIGKILL");
      const other = await second.ended;
      expect(other.stderr).toBe("");
      const version = versionOf(path);
      const acknowledged = [...killed, ...other.versions];
      expect(version).toBeGreaterThanOrEqual(Math.max(last, seen, ...acknowledged));
      expect(new Set(killed).size).toBe(killed.length);
      expect(other.versions).toEqual(other.versions.toSorted((a, b) => a - b));
      last = version;
      rmSync(`${path}.lock`, { force: true });
    }
    expect(last).toBeGreaterThan(20);
  }, 60_000);
});

/** Ages a lock that has stayed the same for much longer than any save takes. */
function abandonedLockWatch(path: string): () => void {
  let token = "";
  let looks = 0;
  return () => {
    const lock = `${path}.lock`;
    let found = "";
    try {
      found = readFileSync(lock, "latin1");
    } catch {
      // nobody holds it
    }
    looks = found !== "" && found === token ? looks + 1 : 0;
    token = found;
    if (looks >= 4) ageLock(path);
  };
}
