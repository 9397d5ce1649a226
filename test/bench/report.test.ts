// The benchmark's own arithmetic: what counts as worse, and what a chart shows.
import { describe, expect, it } from "vitest";
import type { Summary } from "../../bench/finding.ts";
import { drawChart } from "../../bench/plot.ts";
import { regressions } from "../../bench/regress.ts";

function row(key: string, best: number, worst: number, scoreUnit: Summary["scoreUnit"]): Summary {
  return {
    ...{ key, what: key, unit: "ns", values: {}, scoreUnit, sampleCount: 3 },
    ...{ score: worst, scoreMin: Math.min(best, worst), scoreMax: Math.max(best, worst) },
  };
}

describe("a ratio against the committed one", () => {
  const committed = new Map([
    ["P1/200", 1],
    ["P7/noble", 5],
    ["P2/call", 5],
  ]);
  const worse = (...rows: readonly Summary[]): readonly string[] =>
    regressions(rows, committed).map(({ key }) => key);

  it("is worse when even the best run is more than a tenth worse, in its own direction", () => {
    expect(worse(row("P1/200", 1.11, 1.3, "x"))).toEqual(["P1/200"]);
    expect(worse(row("P1/200", 1.1, 1.3, "x"))).toEqual([]);
    expect(worse(row("P1/200", 0.5, 0.6, "x"))).toEqual([]);
    expect(worse(row("P7/noble", 4.49, 4, "x"))).toEqual(["P7/noble"]);
    expect(worse(row("P7/noble", 4.5, 4, "x"))).toEqual([]);
    expect(worse(row("P7/noble", 9, 8, "x"))).toEqual([]);
  });

  it("is not compared when it is a time, new, or without a goal", () => {
    expect(worse(row("P2/call", 50, 60, "ns"))).toEqual([]);
    expect(worse(row("P1/5000", 50, 60, "x"))).toEqual([]);
    expect(regressions([row("none", 50, 60, "x")], new Map([["none", 1]]))).toEqual([]);
  });
});

describe("a chart", () => {
  const chart = {
    ...{ title: "a <b> & c", xLabel: "x", yLabel: "y" },
    series: [
      { name: "one", points: [[10, 100] as const, [1000, 10_000] as const] },
      { name: "two", points: [[1000, 10_000] as const] },
    ],
  };

  it("puts every point where its logarithm says", () => {
    const svg = drawChart(chart);
    const dots = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)];
    const [first, second, third] = dots.map(([, x, y]) => [Number(x), Number(y)]);
    expect([first, second]).toEqual([
      [72, 384],
      [590, 44],
    ]);
    expect(third).toEqual(second);
    expect(svg).toContain("a &lt;b&gt; &amp; c");
  });

  it("writes no two names on one place, and needs points", () => {
    const places = [...drawChart(chart).matchAll(/<text x="600" y="([\d.]+)"/g)];
    expect(new Set(places.map(([, y]) => y)).size).toBe(2);
    expect(() => drawChart({ ...chart, series: [] })).toThrow("expected points");
  });
});
