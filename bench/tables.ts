// The tables of results in README.md and docs/performance.md, from bench/results/latest.json alone: what
// stands there was measured. `npm run bench` writes them; a test compares them.
import { readFileSync, writeFileSync } from "node:fs";
import { type Goal, isReached } from "./goals.ts";

/** One entry of `results` in bench/results/latest.json. */
export interface StoredResult {
  readonly what: string;
  readonly unit: string;
  readonly values: Readonly<Record<string, number>>;
  readonly score: number | null;
  readonly scoreMin: number | null;
  readonly scoreMax: number | null;
  readonly scoreUnit: string;
  readonly goal: Partial<Goal> | null;
  readonly skipped: string | null;
}

export type StoredResults = Readonly<Record<string, StoredResult>>;

const BEGIN = "<!-- results: written by npm run bench -->";
const END = "<!-- end of results -->";

/** Rows of the README: key -> what is said of it there. */
const README_ROWS: ReadonlyMap<string, string> = new Map([
  ["P1/200", "a check by names, 200 tools; ratio of times"],
  ["P1/5000", "the same, 5 000 tools"],
  ["P1/100000", "the same, 100 000 tools"],
  ["P2/call", "a check of a resolved tool"],
  ["P3/600", "a raw message of 600 bytes to its decision"],
  ["P4/evaluate", "the whole decision, every layer and its evidence"],
  ["P4/200/Cedar", "the same beside one question to Cedar, 200 tools"],
  ["P4/200/casbin", "the same beside one question to casbin"],
  ["P7/noble", "the fingerprint of a tool from its bytes"],
  ["P8/regexp", "64 KiB of text scanned for every pattern"],
  ["P9/added", "added to a call over stdio, log included"],
  ["P10/auto", "a call over HTTP beside a direct one; ratio of times"],
  ["P11/200", "from signed files to a guard, 200 tools"],
  ["P13/start", "start of the kernel"],
  ["P14/record", "a record of the log, with its leaf and the tree"],
]);

/** Three significant digits, but never a power of ten. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "-";
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

export function withUnit(value: number | null | undefined, unit: string): string {
  return `${short(value)}${unit === "x" ? "x" : ` ${unit}`}`;
}

/** `<= 1.00x ok`, `>= 4.00x MISSED`, or `-` without a goal. */
export function goalText(
  goal: Partial<Goal> | null | undefined,
  which: "now" | "target",
  score: number | null,
  unit: string,
): string {
  const limit = goal?.[which] ?? undefined;
  const bound = goal?.bound;
  if (limit === undefined || bound === undefined) return "-";
  const isOk =
    score !== null && isReached({ bound, now: undefined, target: undefined }, limit, score);
  return `${bound === "most" ? "<=" : ">="} ${withUnit(limit, unit)} ${isOk ? "ok" : "MISSED"}`;
}

function valuesText({ values, unit }: StoredResult): string {
  const parts = Object.entries(values).map(([name, value]) => `${name} ${short(value)}`);
  return `${parts.join(", ")} ${unit}`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

/** Every result. */
export function performanceTable(results: StoredResults): string {
  const rows = Object.entries(results).map(([key, result]) => {
    const { what, score, scoreMin, scoreMax, scoreUnit, goal, skipped } = result;
    const id = key.split("/")[0] ?? "";
    if (skipped !== null) return [id, what, skipped, "-", "-", "-", "-"];
    return [
      id,
      what,
      valuesText(result),
      withUnit(score, scoreUnit),
      `${short(scoreMin)}-${short(scoreMax)}`,
      goalText(goal, "now", score, scoreUnit),
      goalText(goal, "target", score, scoreUnit),
    ];
  });
  return tableOf(["", "what", "medians", "score", "spread", "this release", "goal"], rows);
}

/** What a reader of the README wants to know first. */
export function readmeTable(results: StoredResults): string {
  const rows = [...README_ROWS].flatMap(([key, what]) => {
    const result = results[key];
    if (result === undefined || result.skipped !== null) return [];
    const { score, scoreUnit, goal } = result;
    const target = goalText(goal, "target", score, scoreUnit);
    return [[what, valuesText(result), withUnit(score, scoreUnit), target]];
  });
  return tableOf(["what", "medians", "score", "goal"], rows);
}

/** `text` with another table between its marks. @throws {Error} when it has none */
export function withTable(text: string, table: string): string {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`expected the marks ${BEGIN} and ${END}, got none`);
  return `${text.slice(0, from)}${BEGIN}\n${table}\n${text.slice(to)}`;
}

/** Puts both tables where they belong. @param root folder of the package, with its slash */
export function writeTables(root: string): void {
  const text = readFileSync(`${root}bench/results/latest.json`, "utf8");
  const { results }: { results: StoredResults } = JSON.parse(text);
  const put = (file: string, table: string): void =>
    writeFileSync(`${root}${file}`, withTable(readFileSync(`${root}${file}`, "utf8"), table));
  put("README.md", readmeTable(results));
  put("docs/performance.md", performanceTable(results));
}
