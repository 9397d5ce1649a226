// Hosts that are one process with the report on stdout: Node, Deno, Bun.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const OUTPUT_SIZE_MAX = 64 << 20;

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
    // nothing of the developer's settings reaches the host
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      DENO_DIR: join(folder, ".deno"),
      DENO_NO_UPDATE_CHECK: "1",
    },
  });
  if (status === 0) return JSON.parse(stdout);
  throw new Error(error?.message ?? `exit code ${status}: ${stderr.trim().slice(-2000)}`);
}

/** The version that a program prints. */
export function versionOf(program) {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 30_000 });
  return stdout.trim().split("\n")[0] ?? "";
}
