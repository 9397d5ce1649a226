// The goals of the benchmark: what the current release must reach, and what it is heading for.

export interface Goal {
  /** `most`: smaller is better. */
  readonly bound: "most" | "least";
  /** Checked by `--check`. */
  readonly now: number | undefined;
  readonly target: number | undefined;
}

const most = (now: number | undefined, target: number | undefined): Goal => ({
  bound: "most",
  now,
  target,
});
const least = (now: number | undefined, target: number | undefined): Goal => ({
  bound: "least",
  now,
  target,
});

/** Goal by the key of a finding; a finding without one is shown for information. */
export const GOALS: ReadonlyMap<string, Goal> = new Map([
  ["P1/200", most(1.3, 1)],
  ["P1/5000", most(1, 0.85)],
  ["P1/100000", most(1, 0.65)],
  ["P1b/200", most(undefined, 0.9)],
  ["P1b/5000", most(undefined, 0.9)],
  ["P1b/100000", most(undefined, 0.9)],
  // WHY: no goal of this release, which a host that is not installed would miss
  ...["node22", "node24", "deno", "bun", "workerd", "chromium"].map((host): [string, Goal] => [
    `P1/host/${host}`,
    most(undefined, 2),
  ]),
  ["P2/call", most(6, 4)],
  ["P3/240", least(3, 4)],
  ["P3/600", least(3, 4)],
  ["P3/4096", least(undefined, 2.5)],
  ["P4/evaluate", most(1.5, 1)],
  ...[64, 256, 1024, 16_384, 1_048_576].flatMap((size): [string, Goal][] => [
    [`P5/${size}/noble`, least(2, 2.2)],
    [`P5/${size}/hash-wasm`, least(undefined, 1.05)],
  ]),
  ["P6/64/noble", least(undefined, 4)],
  ["P6/64/node", least(undefined, 1)],
  ["P6/512/noble", least(undefined, 4)],
  ["P6/512/node", least(undefined, 1)],
  ["P6/1536/noble", least(undefined, 4)],
  ["P6/1536/node", least(undefined, 0.65)],
  ["P7/noble", least(3, 5)],
  ["P7/node", least(undefined, 3)],
  ["P7/tool", most(undefined, 3.5)],
  ["P8/regexp", least(20, 20)],
  ["P8/speed", least(100, 200)],
  ["P9/added", most(0.15, 0.1)],
  ["P9/pass-through", most(undefined, 1.1)],
  ["P9/throughput", least(undefined, 0.9)],
  ["P10/legacy", most(undefined, 1.05)],
  ["P10/auto", most(undefined, 1.05)],
  ["P11/200", most(25, 15)],
  ["P11/10000", most(200, 120)],
  ["P11/100000", most(undefined, 1200)],
  ["P11/200/memory", most(undefined, 192)],
  ["P11/10000/memory", most(undefined, 192)],
  ["P11/100000/memory", most(undefined, 192)],
  ["P13/start", most(8, 5)],
  ["P13/decision", most(undefined, 10)],
  ["P13/worker", most(undefined, 10)],
  ["P14/record", most(9, 8)],
  ["P14/sustained", most(33, 20)],
  ["P14/verify", most(30, 30)],
  ["P14/replay", most(60, 60)],
]);

/** True when `score` reaches `limit`; also when there is none. */
export function isReached(goal: Goal, limit: number | undefined, score: number): boolean {
  if (limit === undefined) return true;
  return goal.bound === "most" ? score <= limit : score >= limit;
}
