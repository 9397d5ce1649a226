// A fault of the guard where nobody calls it: the server ends, and the guard with the fault.
import { PassThrough } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { GuardRecord } from "../../src/proxy/records.ts";
import { runStdioGuard } from "../../src/proxy/stdio-run.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { isAlive } from "./guard-process.ts";
import { call, catalogToml, SERVER_ID, trust } from "./rig.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** Says its id, and whatever it is sent; answers nothing and stays when its input ends. */
const SERVER = `process.stderr.write("pid " + process.pid + "\\n");
process.stdin.pipe(process.stderr, { end: false });
setInterval(() => {}, 1000);`;

/** A guard in this process whose recorder fails at records of one kind. */
async function start(failing: GuardRecord["kind"]) {
  const catalog = await trust(catalogToml({ command: [process.execPath, "-e", SERVER] }));
  const stdin = new PassThrough();
  const stderr = new PassThrough();
  let said = "";
  stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const heard = async (pattern: RegExp): Promise<string> => {
    await expect.poll(() => said, { timeout: 5_000 }).toMatch(pattern);
    return pattern.exec(said)?.[1] ?? "";
  };
  const running = runStdioGuard({
    catalog,
    serverId: SERVER_ID,
    clock: () => NOW_MS,
    stdin,
    stdout: new PassThrough(),
    stderr,
    onRecord: ({ kind }) => {
      if (kind === failing) throw new Error("the disk is full");
    },
  });
  const ended = running.then(
    (code) => code,
    (error: unknown) => error,
  );
  return { stdin, ended, heard };
}

describe("a recorder that fails", () => {
  it("in a timer ends the server, and the guard with the fault", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const timers = vi.spyOn(globalThis, "setTimeout");
    const { stdin, ended, heard } = await start("listing");
    const pid = Number(await heard(/pid (\d+)\n/));
    stdin.write(`${JSON.stringify(call(1, "echo"))}\n`);
    await heard(/(tools\/list)/);
    const [fire] = timers.mock.calls.find(([, delayMs]) => delayMs === 30_000) ?? [];
    timers.mockRestore();
    vi.advanceTimersByTime(30_000);
    expect(() => fire?.()).not.toThrow();
    expect(await ended).toMatchObject({ message: "the disk is full" });
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it("at the end of the input ends the server, and the guard with the fault", async () => {
    const { stdin, ended, heard } = await start("drop");
    const pid = Number(await heard(/pid (\d+)\n/));
    stdin.end("no line feed");
    expect(await ended).toMatchObject({ message: "the disk is full" });
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});
