// The table on stdout and the file of results.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { KERNEL_SHA256 } from "portcullis";
import type { Summary } from "./finding.js";
import { GOALS, isReached } from "./goals.js";
import { ROUND_COUNT } from "./measure.js";
import { goalText, short, withUnit } from "./tables.js";

export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
const RESULTS_FOLDER = `${ROOT}bench/results`;

export interface Machine {
  readonly processor: string;
  readonly processorCount: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  /** Short commit, with `+` when files differ from it; `unknown` outside a repository. */
  readonly commit: string;
  readonly kernelSha256: string;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    processorCount: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
    commit: readCommit(),
    kernelSha256: KERNEL_SHA256,
  };
}

function readCommit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  try {
    const commit = git("rev-parse", "--short", "HEAD").trim();
    const changed = git("status", "--porcelain", "--untracked-files=no", "--", ".");
    return changed.trim() === "" ? commit : `${commit}+`;
  } catch {
    return "unknown";
  }
}

function rowOf(summary: Summary): string[] {
  const id = summary.key.split("/")[0] ?? "";
  if (summary.skipped !== undefined) return [id, summary.what, summary.skipped, "", "", "", ""];
  const values = Object.entries(summary.values).map(([name, value]) => `${name} ${short(value)}`);
  return [
    id,
    summary.what,
    `${values.join(", ")} ${summary.unit}`,
    withUnit(summary.score, summary.scoreUnit),
    `${short(summary.scoreMin)}-${short(summary.scoreMax)}`,
    goalText(GOALS.get(summary.key), "now", summary.score, summary.scoreUnit),
    goalText(GOALS.get(summary.key), "target", summary.score, summary.scoreUnit),
  ];
}

/** The whole report as text. */
export function renderReport(machine: Machine, summaries: readonly Summary[]): string {
  const head = ["", "what", "medians", "score", "spread", "goal now", "goal"];
  const rows = [head, ...summaries.map(rowOf)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const about = [
    `${machine.processor}, ${machine.processorCount} processors, ${machine.memoryGiB} GiB, ${machine.system}`,
    `node ${machine.node}, v8 ${machine.v8}, commit ${machine.commit}, kernel sha256:${machine.kernelSha256}`,
    `score: median of the runs, ${ROUND_COUNT} interleaved rounds each; spread: lowest and highest run`,
  ];
  return `${[...about, "", ...lines].join("\n")}\n`;
}

/** Summaries that miss the goal of this release. */
export function missedNow(summaries: readonly Summary[]): Summary[] {
  return summaries.filter((summary) => {
    const goal = GOALS.get(summary.key);
    if (goal === undefined || goal.now === undefined) return false;
    return summary.skipped !== undefined || !isReached(goal, goal.now, summary.score);
  });
}

/** Results that a partial run leaves standing, by key. */
function readResults(file: string): Map<string, unknown> {
  try {
    const text: { results: Record<string, unknown> } = JSON.parse(readFileSync(file, "utf8"));
    return new Map(Object.entries(text.results));
  } catch {
    return new Map();
  }
}

/**
 * Writes `bench/results/latest.json`; a partial run replaces the results it has and keeps the
 * others.
 */
export function writeResults(
  machine: Machine,
  summaries: readonly Summary[],
  isWhole: boolean,
): void {
  const file = `${RESULTS_FOLDER}/latest.json`;
  const results = isWhole ? new Map<string, unknown>() : readResults(file);
  const rounded = (value: number): number => Number(value.toPrecision(4));
  for (const { key, values, ...summary } of summaries) {
    const entries = Object.entries(values).map(([name, value]) => [name, rounded(value)]);
    const goal = GOALS.get(key);
    results.set(key, {
      what: summary.what,
      unit: summary.unit,
      values: Object.fromEntries(entries),
      score: rounded(summary.score),
      scoreMin: rounded(summary.scoreMin),
      scoreMax: rounded(summary.scoreMax),
      scoreUnit: summary.scoreUnit,
      samples: summary.sampleCount,
      goal: goal === undefined ? null : { bound: goal.bound, now: goal.now, target: goal.target },
      machine: summary.skipped === undefined ? machine : null,
      skipped: summary.skipped ?? null,
    });
  }
  mkdirSync(RESULTS_FOLDER, { recursive: true });
  const ordered = Object.fromEntries(results);
  writeFileSync(file, `${JSON.stringify({ schema: 1, results: ordered }, null, 2)}\n`);
}
