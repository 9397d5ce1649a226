// `node test/conformance/run.js SUITE URL`: runs the official conformance suite against the MCP server at
// URL and prints what every scenario gave, as JSON: {"scenario": {"passed": 3, "failed": 0, "warned": 0}}.
// `--list` prints the suites, and why one cannot run here.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lackOf, pathOf } from "../portable/runtimes.js";

/** One release and selection of scenarios each. A revision's set names all that the revision has. */
const SUITES = [
  { name: "0.1.16 active", program: "conformance1", switches: ["--suite", "active"] },
  { name: "2025-11-25", program: "conformance2", switches: ["--requirements", "2025-11-25"] },
  { name: "2026-07-28", program: "conformance2", switches: ["--requirements", "2026-07-28"] },
];

const TIME_MS = 120_000;
const FOLDER_NAME = /^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/;
const TOTAL_LINE = /^Total: (\d+) passed, (\d+) failed/m;

/** Runs the suite's own command line; gives what it printed. */
function runProgram(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(pathOf("node22"), [pathOf(program), ...args], { timeout: TIME_MS });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (part) => {
        text += part;
      });
    }
    child.once("error", reject);
    child.once("close", () => resolve(text));
  });
}

function count(checks, status) {
  return checks.filter((check) => check.status === status).length;
}

/** What the suite wrote, one folder a scenario. */
function readScenarios(folder) {
  const scenarios = readdirSync(folder).map((name) => {
    const scenario = FOLDER_NAME.exec(name)?.[1];
    if (scenario === undefined) throw new Error(`expected the results of a scenario, got ${name}`);
    const checks = JSON.parse(readFileSync(join(folder, name, "checks.json"), "utf8"));
    const [passed, failed] = [count(checks, "SUCCESS"), count(checks, "FAILURE")];
    return [scenario, { passed, failed, warned: count(checks, "WARNING") }];
  });
  return Object.fromEntries(scenarios.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function runSuite({ program, switches }, url) {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-conformance-"));
  try {
    const args = ["server", "--url", url, ...switches, "--output-dir", folder];
    const said = await runProgram(program, args);
    const scenarios = readScenarios(folder);
    const rows = Object.values(scenarios);
    const sums = ["passed", "failed"].map((key) => rows.reduce((sum, row) => sum + row[key], 0));
    // WHY: a suite that broke off has written some scenarios too
    const [, ...totals] = TOTAL_LINE.exec(said) ?? [];
    if (totals.map(Number).join() !== sums.join()) {
      throw new Error(
        `expected a total of ${sums.join(" and ")}, got ${totals.join(" and ")}:\n${said}`,
      );
    }
    return scenarios;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [name, url] = process.argv.slice(2);
const suite = SUITES.find((one) => one.name === name);
if (name === "--list") {
  const rows = SUITES.map((one) => ({ name: one.name, reason: lackOf(["node22", one.program]) }));
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} else if (suite === undefined || url === undefined) {
  const names = SUITES.map((one) => JSON.stringify(one.name)).join(" | ");
  process.stderr.write(`usage: node test/conformance/run.js ${names} URL\n`);
  process.exitCode = 2;
} else {
  process.stdout.write(`${JSON.stringify(await runSuite(suite, url), null, 2)}\n`);
}
