// Interleaved rounds (90-performance): contenders take turns in one process, each on an input of
// its own that is made just before it is timed. Ratios are taken round by round: what slows the
// machine down slows both sides.
import { performance } from "node:perf_hooks";

/** Rounds of one run. */
export const ROUND_COUNT = 15;

export interface Contender<Input> {
  readonly name: string;
  /** Makes the input of one batch; not timed. */
  readonly prepare: (batch: number) => Input;
  /** Timed. The checksum of a batch is the same for every contender, or it got an answer wrong. */
  readonly run: (input: Input) => number;
}

export interface MeasureOptions {
  /** Operations in one batch. */
  readonly operationCount: number;
  /** Batches that make one round. */
  readonly batchCount: number;
  /** Batches before the first round, so that the code is compiled. */
  readonly warmUpCount: number;
}

/** Name -> ns per operation, one entry per round. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/**
 * Times `contenders` against each other.
 *
 * @throws {Error} when two checksums of one batch differ
 */
export function measureRounds<Input>(
  contenders: readonly Contender<Input>[],
  options: MeasureOptions,
): Rounds {
  const { operationCount, batchCount, warmUpCount } = options;
  let batch = 0;
  for (; batch < warmUpCount; batch++) timeBatch(contenders, batch);
  const rounds = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUND_COUNT; round++) {
    const totals = contenders.map(() => 0);
    for (let index = 0; index < batchCount; index++, batch++) {
      const times = timeBatch(contenders, batch);
      for (const [place, time] of times.entries()) totals[place] = (totals[place] ?? 0) + time;
    }
    for (const [place, { name }] of contenders.entries()) {
      const ns = ((totals[place] ?? 0) * 1e6) / (operationCount * batchCount);
      rounds.get(name)?.push(ns);
    }
  }
  return rounds;
}

/** ms per contender for one batch; who comes first changes from batch to batch. */
function timeBatch<Input>(contenders: readonly Contender<Input>[], batch: number): number[] {
  const times: number[] = contenders.map(() => 0);
  let expected: number | undefined;
  for (let turn = 0; turn < contenders.length; turn++) {
    const place = (batch + turn) % contenders.length;
    const contender = contenders[place];
    if (contender === undefined) continue;
    const input = contender.prepare(batch);
    const start = performance.now();
    const checksum = contender.run(input);
    times[place] = performance.now() - start;
    expected ??= checksum;
    if (checksum !== expected) {
      const got = `got ${checksum} from ${contender.name}`;
      throw new Error(`expected checksum ${expected} in batch ${batch}, ${got}`);
    }
  }
  return times;
}

/** Middle of a list that is not empty; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

/** Median ns per operation of each contender. */
export function medians(rounds: Rounds): Record<string, number> {
  return Object.fromEntries([...rounds].map(([name, values]) => [name, median(values)]));
}

/** Median over the rounds of `a` divided by `b`. */
export function ratioOf(rounds: Rounds, a: string, b: string): number {
  const divisors = rounds.get(b) ?? [];
  return median(
    (rounds.get(a) ?? []).map((value, index) => value / (divisors[index] ?? Number.NaN)),
  );
}

/** A small deterministic generator (xorshift32): the same seed gives the same numbers. */
export function makeRandom(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
