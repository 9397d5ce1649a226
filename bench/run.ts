// `npm run bench [-- --only P1,P3] [--check]`: runs every unit, prints one table and writes
// bench/results/latest.json, the charts beside it and the tables of README.md and docs/performance.md.
// Exit 0; with `--check`, 1 when a goal of this release is missed, or a ratio is more than a tenth worse
// than the committed one.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { drawCharts } from "./charts.js";
import { type Finding, type Summary, summarise } from "./finding.js";
import { readCommitted, regressions } from "./regress.js";
import { describeMachine, missedNow, renderReport, ROOT, writeResults } from "./report.js";
import { writeTables } from "./tables.js";
import { UNITS, type Unit } from "./units.js";

const SELF: string = fileURLToPath(import.meta.url);
const OUTPUT_SIZE_MAX = 1 << 20;

/** One run of a unit in a fresh process. */
function runUnit(unit: Unit): Finding[] {
  const output = execFileSync(process.execPath, [SELF, "--unit", unit.name], {
    encoding: "utf8",
    maxBuffer: OUTPUT_SIZE_MAX,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const findings: Finding[] = JSON.parse(output);
  return findings;
}

function runAll(units: readonly Unit[]): Summary[] {
  // WHY: the first run of every unit comes before the second of any, so that a slow minute of the
  // machine falls on one run of each and not on all runs of one
  const runs = new Map<Unit, Finding[][]>(units.map((unit) => [unit, []]));
  const runCountMax = Math.max(...units.map(({ runCount }) => runCount));
  for (let run = 0; run < runCountMax; run++) {
    for (const unit of units) {
      if (run >= unit.runCount) continue;
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${unit.name} ${run + 1}`);
      runs.get(unit)?.push(runUnit(unit));
    }
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  return units.flatMap((unit) => summarise(runs.get(unit) ?? []));
}

/** The units of `--only P1,P3`; all without it. */
function selectUnits(only: string | undefined): readonly Unit[] {
  if (only === undefined) return UNITS;
  const wanted = new Set(only.split(","));
  const known = new Set(UNITS.map(({ id }) => id));
  const unknown = [...wanted].filter((id) => !known.has(id));
  if (unknown.length === 0) return UNITS.filter(({ id }) => wanted.has(id));
  process.stderr.write(`expected --only with some of ${[...known].join(",")}, got ${unknown}\n`);
  process.exit(2);
}

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    check: { type: "boolean", default: false },
    unit: { type: "string" },
  },
});

const single = UNITS.find(({ name }) => name === options.unit);
if (single !== undefined) {
  process.stdout.write(JSON.stringify(await single.measure()));
} else {
  const units = selectUnits(options.only);
  const machine = describeMachine();
  const committed = readCommitted();
  const summaries = runAll(units);
  process.stdout.write(renderReport(machine, summaries));
  writeResults(machine, summaries, units.length === UNITS.length);
  drawCharts(summaries);
  writeTables(ROOT);
  const complaints: [string, readonly Summary[]][] = [
    ["missed", missedNow(summaries)],
    ["more than a tenth worse than committed", regressions(summaries, committed)],
  ];
  for (const [what, rows] of complaints) {
    if (rows.length === 0) continue;
    process.stdout.write(`\n${what}: ${rows.map(({ key }) => key).join(", ")}\n`);
    if (options.check) process.exitCode = 1;
  }
}
