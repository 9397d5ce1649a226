// Child processes on the same store: what they print, and how they end.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { SAY_SOURCE } from "../fixtures/say-source.ts";

export interface StoreProcess {
  readonly process: ChildProcess;
  /** Resolves when it has opened the store and waits for `go`. */
  readonly ready: Promise<void>;
  readonly go: () => void;
  /** Resolves when it has printed its first line behind `ready`, or has ended. */
  readonly spoke: Promise<void>;
  /** Resolves at the end, with everything it printed behind `ready`. */
  readonly ended: Promise<{ readonly stdout: string; readonly stderr: string }>;
}

/**
 * Starts a process that opens the store, waits for `go`, and runs `body`.
 *
 * @param childSource text that defines `store`
 * @param body text of an async function body; `say(text)` prints a line
 */
export function startStoreProcess(childSource: string, body: string): StoreProcess {
  const text = `
import { writeSync } from "node:fs";
import { once } from "node:events";
${SAY_SOURCE}
${childSource}
say("ready");
await once(process.stdin, "data");
process.stdin.destroy();
${body}
await store.close();
`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", text], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdin.on("error", () => undefined);
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const printed = (text: RegExp): Promise<void> =>
    new Promise((resolve) => {
      child.stdout.on("data", () => text.test(stdout) && resolve());
      child.on("close", () => resolve());
    });
  const ready = printed(/^ready\n/);
  const spoke = printed(/^ready\n.*\n/);
  const ended = new Promise<{ stdout: string; stderr: string }>((resolve) => {
    child.on("close", () => resolve({ stdout: stdout.replace(/^ready\n/, ""), stderr }));
  });
  return { process: child, ready, spoke, ended, go: () => void child.stdin.write("go\n") };
}

/** Runs the same body in `count` processes that begin together; gives the lines of each. */
export async function runTogether(
  childSource: string,
  count: number,
  body: (index: number) => string,
): Promise<readonly (readonly string[])[]> {
  const children = Array.from({ length: count }, (_, index) =>
    startStoreProcess(childSource, body(index)),
  );
  await Promise.all(children.map(({ ready }) => ready));
  for (const { go } of children) go();
  const results = await Promise.all(children.map(({ ended }) => ended));
  for (const { stderr } of results) if (stderr !== "") throw new Error(stderr);
  return results.map(({ stdout }) => stdout.split("\n").filter((line) => line !== ""));
}
