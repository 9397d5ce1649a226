// `npm run build`: the kernel, the host, the program, the benchmark. Everything lands in build/.
// `--host` leaves the kernel as it is.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { build } from "esbuild";

const BIN = "build/esm/bin";

/** Runs one step with Node; ends the process with its exit code when it fails. */
function step(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const TSC = "node_modules/typescript/bin/tsc";
if (!process.argv.includes("--host")) step("scripts/build-kernel.js");
step("scripts/build-patterns.js", "--types");
step(TSC, "-p", "tsconfig.json");
step("scripts/build-patterns.js");
step(TSC, "-p", "bench/tsconfig.json");

// WHY: a client starts a guard per server, and a hundred modules take longer to resolve and open
// than to run; one file a command saves some 60 ms a start. The guard itself shares no file with the
// other commands: opening 36 of them takes 20 ms
rmSync(BIN, { recursive: true, force: true });
const bundled = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  logLevel: "warning",
};
await build({
  ...bundled,
  entryPoints: ["build/esm/cli/main.js"],
  outdir: BIN,
  splitting: true,
  external: ["@modelcontextprotocol/*", "*/main-run.js"],
});
await build({
  ...bundled,
  entryPoints: ["build/esm/cli/main-run.js"],
  outfile: `${BIN}/main-run.js`,
  external: ["@modelcontextprotocol/*"],
});
chmodSync(`${BIN}/main.js`, 0o755);
