// `npm run build`: the kernel, then the host, then the benchmark. Everything lands in build/.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";

/** Runs one step with Node; ends the process with its exit code when it fails. */
function step(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const TSC = "node_modules/typescript/bin/tsc";
step("scripts/build-kernel.js");
step(TSC, "-p", "tsconfig.json");
if (existsSync("bench/tsconfig.json")) step(TSC, "-p", "bench/tsconfig.json");
if (existsSync("build/esm/cli/main.js")) chmodSync("build/esm/cli/main.js", 0o755);
