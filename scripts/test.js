// `npm test`: builds, runs every test, and ends with one line of counts.
//
// With PORTCULLIS_REQUIRE_ALL=1 a skipped test is a failure, except where the shared third-party
// data is absent: those name `../shared/data` in their title.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";

const RESULTS = "build/test-results.json";

function run(...args) {
  return spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
}

if (run("scripts/build.js") !== 0) process.exit(1);
mkdirSync("build", { recursive: true });
rmSync(RESULTS, { force: true });
const status = run(
  "node_modules/vitest/vitest.mjs",
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${RESULTS}`,
  ...process.argv.slice(2),
);

const { testResults, numPassedTests, numFailedTests } = JSON.parse(readFileSync(RESULTS, "utf8"));
const skipped = testResults
  .flatMap((file) => file.assertionResults)
  .filter(({ status: state }) => state === "skipped" || state === "pending" || state === "todo");
for (const { fullName } of skipped) process.stdout.write(`skipped: ${fullName}\n`);
const required = skipped.filter(({ fullName }) => !fullName.includes("../shared/data"));
const mustFail = process.env.PORTCULLIS_REQUIRE_ALL === "1" ? required.length : 0;
// a file that did not load has no failed test, and yet the run has failed
const failedFiles = testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.every((t) => t.status !== "failed"),
).length;
const failed = numFailedTests + failedFiles + mustFail;
process.exitCode = status !== 0 || failed > 0 ? 1 : 0;
process.stdout.write(`${numPassedTests} passed, ${failed} failed, ${skipped.length} skipped\n`);
