// What one unit of the benchmark hands back, and how runs of it are put together.
import { median } from "./measure.ts";

/** One line of the table, from one process. */
export interface Finding {
  /** Key into `GOALS`, e.g. `P1/200`. */
  readonly key: string;
  readonly what: string;
  /** Of `values`. */
  readonly unit: "ns" | "us" | "ms" | "B";
  /** Who -> median, portcullis first. */
  readonly values: Readonly<Record<string, number>>;
  /** What is held against the goal; several when one process gives several. */
  readonly scores: readonly number[];
  /** `x` for a ratio. */
  readonly scoreUnit: "x" | "ns" | "us" | "ms" | "B" | "MB/s";
  /** Set when it could not be measured here; then `scores` is empty. */
  readonly skipped?: string;
}

/** A line of the table over all its runs. */
export interface Summary extends Omit<Finding, "scores"> {
  readonly score: number;
  readonly scoreMin: number;
  readonly scoreMax: number;
  /** Scores that `score` is the median of. */
  readonly sampleCount: number;
}

/** Puts the runs of one unit together: the same keys in the same order in each. */
export function summarise(runs: readonly (readonly Finding[])[]): Summary[] {
  const [first = []] = runs;
  return first.map(({ scores: _, ...finding }, index) => {
    const all = runs.flatMap((run) => run[index] ?? []);
    const scores = all.flatMap((one) => one.scores);
    const names = Object.keys(finding.values);
    const values = names.map((name): [string, number] => [
      name,
      median(all.map((one) => one.values[name] ?? Number.NaN)),
    ]);
    return {
      ...finding,
      values: Object.fromEntries(values),
      score: median(scores),
      scoreMin: Math.min(...scores),
      scoreMax: Math.max(...scores),
      sampleCount: scores.length,
    };
  });
}
