// Patterns of principals: exact, or with one trailing `*`; the exact one is closest, then the
// longest (10-catalog section 1). An image has a row for each pattern of a catalog.
import type { Catalog } from "./types.ts";

/** A pattern's text before its `*`; `undefined` for an exact one. */
function prefixOf(pattern: string): string | undefined {
  return pattern.endsWith("*") ? pattern.slice(0, -1) : undefined;
}

/**
 * Every pattern of `[principals]` and of the rules' `principal`, once, in the order of UTF-16 code
 * units: the image's principal rows.
 */
export function principalPatterns(
  catalog: Pick<Catalog, "principals" | "rules">,
): readonly string[] {
  const patterns = new Set((catalog.principals ?? []).map(({ pattern }) => pattern));
  for (const { when } of catalog.rules) {
    for (const pattern of when.principal ?? []) patterns.add(pattern);
  }
  return [...patterns].sort();
}

/** The index range of the patterns in `sorted` that match no principal which `pattern` does not. */
export function coveredRange(
  sorted: readonly string[],
  pattern: string,
): { readonly start: number; readonly end: number } {
  const prefix = prefixOf(pattern);
  const start = lowerBound(sorted, prefix ?? pattern);
  if (prefix === undefined) return { start, end: sorted[start] === pattern ? start + 1 : start };
  let end = start;
  while (sorted[end]?.startsWith(prefix)) end += 1;
  return { start, end };
}

/** Index of the first text that is not below `text`. */
function lowerBound(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? "") < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Finds the closest of a set of patterns: one map lookup per length that a prefix has. */
export class PatternTable<T> {
  readonly #exact = new Map<string, T>();
  readonly #prefixes = new Map<string, T>();
  /** Lengths of the prefixes, the longest first. */
  readonly #lengths: readonly number[];

  /** @param entries patterns, each once, and what each stands for */
  constructor(entries: Iterable<readonly [string, T]>) {
    for (const [pattern, value] of entries) {
      const prefix = prefixOf(pattern);
      if (prefix === undefined) this.#exact.set(pattern, value);
      else this.#prefixes.set(prefix, value);
    }
    const lengths = new Set([...this.#prefixes.keys()].map((prefix) => prefix.length));
    this.#lengths = [...lengths].sort((a, b) => b - a);
  }

  /** What the closest pattern that matches `principal` stands for. */
  match(principal: string): T | undefined {
    return this.#exact.get(principal) ?? this.#longest(principal);
  }

  /** What the closest pattern stands for that matches all that `pattern` matches; itself counts. */
  covering(pattern: string): T | undefined {
    const prefix = prefixOf(pattern);
    return prefix === undefined ? this.match(pattern) : this.#longest(prefix);
  }

  #longest(text: string): T | undefined {
    for (const length of this.#lengths) {
      if (length > text.length) continue;
      const found = this.#prefixes.get(text.slice(0, length));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
