// `npm run runtimes`: installs what is missing of the portable suite's runtimes and of the protocol's
// conformance suite into .runtimes/, apart from the project's own packages. Ends with exit code 1 when
// one of them is still missing. `--list` only says what is there.
import { spawnSync } from "node:child_process";
import { findRuntimes, NPM_SPECS, RUNTIMES_FOLDER } from "../test/portable/runtimes.js";

const isMissing = ({ path }) => path === undefined;

if (
  !process.argv.includes("--list") &&
  findRuntimes().some((r) => r.from === "npm" && isMissing(r))
) {
  const switches = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund"];
  // WHY: all of them at once; npm removes from a folder without a manifest what it is not asked for
  const args = ["i", ...switches, "--prefix", RUNTIMES_FOLDER, ...NPM_SPECS];
  process.stdout.write(`npm ${args.join(" ")}\n`);
  spawnSync("npm", args, { stdio: "inherit" });
}

const runtimes = findRuntimes();
for (const { name, version, path, remedy } of runtimes) {
  process.stdout.write(`${name} ${version}: ${path ?? `missing; ${remedy}`}\n`);
}
process.exitCode = runtimes.some(isMissing) ? 1 : 0;
