// Hosts that are one process with the report on stdout: Node, Deno, Bun.
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const OUTPUT_SIZE_MAX = 64 << 20;

/** Nothing of the developer's settings reaches the host. */
function environmentOf(folder) {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    DENO_DIR: join(folder, ".deno"),
    DENO_NO_UPDATE_CHECK: "1",
  };
}

/**
 * Runs a program in the consumer's folder.
 *
 * @returns what it wrote, as JSON
 * @throws {Error} with its last words when it fails
 */
export function runJson(program, args, folder) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: OUTPUT_SIZE_MAX,
    env: environmentOf(folder),
  });
  if (status === 0) return JSON.parse(stdout);
  throw new Error(error?.message ?? `exit code ${status}: ${stderr.trim().slice(-2000)}`);
}

/**
 * Starts a program in the consumer's folder that answers each line with a line.
 *
 * @returns `ask(line)` gives the answer, as JSON; `close` ends the program
 */
export function openProcess(program, args, folder) {
  const stdio = ["pipe", "pipe", "pipe"];
  const child = spawn(program, args, { cwd: folder, env: environmentOf(folder), stdio });
  let errors = "";
  child.stderr.on("data", (data) => {
    errors += data;
  });
  child.stdin.on("error", () => undefined);
  const waiting = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(line));
  const ended = new Promise((_resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      reject(new Error(`exit code ${code}: ${errors.trim().slice(-2000)}`)),
    );
  });
  ended.catch(() => undefined);
  return {
    ask: async (line) => {
      const answer = new Promise((resolve) => waiting.push({ resolve }));
      child.stdin.write(`${line}\n`);
      return JSON.parse(await Promise.race([answer, ended]));
    },
    close: async () => child.kill("SIGKILL"),
  };
}

/** The version that a program prints. */
export function versionOf(program) {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 30_000 });
  return stdout.trim().split("\n")[0] ?? "";
}
