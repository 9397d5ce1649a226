// Builds the host and the program once, because the tests of the command line run it as people do.
import { spawnSync } from "node:child_process";

/** @throws {Error} with the compiler's words when the sources do not compile. */
export function setup(): void {
  const built = spawnSync(process.execPath, ["scripts/build.js", "--host"], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(`build failed:\n${built.stdout}\n${built.stderr}`);
}
