// A small seeded generator for the oracle's random cases: Marsaglia's xorshift32 (Journal of
// Statistical Software 8(14), 2003, shifts 13, 17, 5). The same seed gives the same case for ever.

/** Texts to pick from, at least one. */
export type Names = readonly [string, ...string[]];

export interface Random {
  /** Uniform in 0 .. count - 1; `count` >= 1. */
  below(count: number): number;
  /** True `percent` times in a hundred. */
  chance(percent: number): boolean;
  pick<T>(list: readonly [T, ...T[]]): T;
  /** The list in another order. */
  shuffle<T>(list: readonly T[]): T[];
}

/** @param seed any integer of 32 bits */
export function createRandom(seed: number): Random {
  // WHY: an odd multiplier keeps neighbouring seeds apart; xorshift must not start at 0
  let state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) | 0 || 1;
  const step = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let round = 0; round < 8; round++) step();
  const below = (count: number): number => Math.floor((step() / 2 ** 32) * count);
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick: (list) => list[below(list.length)] ?? list[0],
    shuffle: (list) => {
      const keyed = list.map((value) => ({ value, key: step() }));
      return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
    },
  };
}
