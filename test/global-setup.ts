// Builds the program once, because the tests of the command line run it as people do.
import { spawnSync } from "node:child_process";

/** @throws {Error} with the compiler's words when the sources do not compile. */
export function setup(): void {
  const npx = process.platform === "win32" ? "npx.cmd" : "npx";
  const built = spawnSync(npx, ["--no-install", "tsc", "-p", "tsconfig.json"], {
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (built.status !== 0) throw new Error(`tsc -p tsconfig.json failed:\n${built.stdout}`);
}
