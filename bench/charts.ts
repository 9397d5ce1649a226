// The charts of docs/performance.md, from the results of a run.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Summary } from "./finding.js";
import { drawChart, type Series } from "./plot.js";

const FOLDER: string = fileURLToPath(new URL("../../bench/results", import.meta.url));

interface ChartSpec {
  readonly file: string;
  readonly title: string;
  readonly xLabel: string;
  /** Keys of the rows, with the x in a group. */
  readonly keys: RegExp;
  /** Rows that are given in us and shown in ns. */
  readonly scale: number;
}

const CHARTS: readonly ChartSpec[] = [
  {
    file: "check-by-catalog.svg",
    title: "One check by names, against the size of the catalog",
    xLabel: "tools in the catalog",
    keys: /^P12\/tools\/(\d+)$/,
    scale: 1,
  },
  {
    file: "check-by-servers.svg",
    title: "One check by names, 10 000 tools on more and more servers",
    xLabel: "servers in the catalog",
    keys: /^P12\/servers\/(\d+)$/,
    scale: 1,
  },
  {
    file: "scan-by-patterns.svg",
    title: "Scanning 64 KiB of text, against the number of patterns",
    xLabel: "patterns",
    keys: /^P8\/patterns\/(\d+)$/,
    scale: 1000,
  },
  {
    file: "message-by-size.svg",
    title: "Raw message to decision, against its size",
    xLabel: "bytes of the message",
    keys: /^P3\/(\d+)$/,
    scale: 1,
  },
  {
    file: "sha256-by-size.svg",
    title: "SHA-256 of one message, against its size",
    xLabel: "bytes of the message",
    keys: /^P5\/(\d+)\/noble$/,
    scale: 1,
  },
  {
    file: "evaluate-by-catalog.svg",
    title: "The whole decision of the gateway beside policy engines",
    xLabel: "tools in the catalog",
    keys: /^P4\/(\d+)\/[^/]+$/,
    scale: 1000,
  },
];

/** Draws every chart that this run has at least two points for; the others stay as they are. */
export function drawCharts(summaries: readonly Summary[]): void {
  mkdirSync(FOLDER, { recursive: true });
  for (const { file, title, xLabel, keys, scale } of CHARTS) {
    const series = seriesOf(summaries, keys, scale);
    if (!series.some(({ points }) => points.length >= 2)) continue;
    writeFileSync(`${FOLDER}/${file}`, drawChart({ title, xLabel, yLabel: "nanoseconds", series }));
  }
}

function seriesOf(summaries: readonly Summary[], keys: RegExp, scale: number): Series[] {
  const byName = new Map<string, Map<number, number>>();
  for (const { key, values, skipped } of summaries) {
    const x = Number(keys.exec(key)?.[1] ?? Number.NaN);
    if (skipped !== undefined || !Number.isFinite(x)) continue;
    for (const [name, value] of Object.entries(values)) {
      const points = byName.get(name) ?? new Map<number, number>();
      // WHY: a contender that is in several rows of one x is measured in each; the fastest counts
      points.set(x, Math.min(value * scale, points.get(x) ?? Number.POSITIVE_INFINITY));
      byName.set(name, points);
    }
  }
  return [...byName].map(([name, points]) => ({
    name,
    points: [...points].sort(([a], [b]) => a - b),
  }));
}
