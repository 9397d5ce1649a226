// Held against the committed results: ratios that a change has made worse.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Summary } from "./finding.js";
import { GOALS } from "./goals.js";

const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
/** Part by which a ratio may be worse than the committed one. */
const WORSE_MAX = 0.1;

/** Score by key. */
export type CommittedScores = ReadonlyMap<string, number>;

/** The scores of `bench/results/latest.json` as committed; none outside a repository. */
export function readCommitted(): CommittedScores {
  const file = "HEAD:bench/results/latest.json";
  let text: string;
  try {
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
    text = execFileSync("git", ["show", file], { cwd: ROOT, encoding: "utf8", stdio });
  } catch {
    return new Map();
  }
  const { results }: { results: Record<string, { score?: number | null }> } = JSON.parse(text);
  return new Map(
    Object.entries(results).flatMap(([key, { score }]) =>
      typeof score === "number" ? [[key, score] satisfies [string, number]] : [],
    ),
  );
}

/**
 * Rows whose best run is more than a tenth worse than the committed ratio. Times are not compared:
 * they say as much about the machine as about the code.
 */
export function regressions(
  summaries: readonly Summary[],
  committed: CommittedScores,
): readonly Summary[] {
  return summaries.filter((summary) => {
    const before = committed.get(summary.key);
    const bound = GOALS.get(summary.key)?.bound;
    if (before === undefined || bound === undefined || summary.scoreUnit !== "x") return false;
    return bound === "most"
      ? summary.scoreMin > before * (1 + WORSE_MAX)
      : summary.scoreMax < before * (1 - WORSE_MAX);
  });
}
