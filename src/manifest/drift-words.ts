// Word by word difference: Myers, "An O(ND) Difference Algorithm and Its Variations" (Algorithmica
// 1, 1986), greedy and forward, with a bound on the edits and on the comparisons.
import type { DriftBudget, WordEdit } from "./drift-types.ts";

/** Words, white space, the marks that `visible` makes, and single other characters. */
const WORDS = /<U\+[0-9A-F]{4,6}>|\s+|[\p{L}\p{N}\p{M}_]+|[^\s\p{L}\p{N}\p{M}_]/gu;

/** Words removed and added together; above it the part that differs is replaced as a whole. */
const EDITS_MAX = 1000;

/**
 * The edits that turn `before` into `after`, neighbours of one kind joined.
 *
 * White space between two changed words counts as changed. What both texts begin and end with is
 * always `same`; of the rest, more than 1 000 edits or an empty budget give one replacement.
 *
 * @param budget loses one step per comparison
 */
export function diffWords(before: string, after: string, budget: DriftBudget): readonly WordEdit[] {
  if (before === "" || after === "") return editsOf({ same: "", removed: before, added: after });
  const old = before.match(WORDS) ?? [];
  const fresh = after.match(WORDS) ?? [];
  const shorter = Math.min(old.length, fresh.length);
  let start = 0;
  while (start < shorter && old[start] === fresh[start]) start++;
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === fresh[fresh.length - 1 - end]) {
    end++;
  }
  const oldPart = old.slice(start, old.length - end);
  const newPart = fresh.slice(start, fresh.length - end);
  const hunks: Hunk[] = [{ same: old.slice(0, start).join(""), removed: "", added: "" }];
  for (const hunk of hunksOf(oldPart, newPart, budget)) addHunk(hunks, hunk);
  addHunk(hunks, { same: old.slice(old.length - end).join(""), removed: "", added: "" });
  return hunks.flatMap(editsOf);
}

/** What stays, then what goes, then what comes. */
interface Hunk {
  same: string;
  removed: string;
  added: string;
}

function editsOf({ same, removed, added }: Hunk): WordEdit[] {
  const edits: WordEdit[] = [
    { op: "same", text: same },
    { op: "removed", text: removed },
    { op: "added", text: added },
  ];
  return edits.filter(({ text }) => text !== "");
}

/** Joins a hunk to the one before it when only white space is between two changes. */
function addHunk(hunks: Hunk[], hunk: Hunk): void {
  const last = hunks.at(-1);
  if (last === undefined) {
    hunks.push(hunk);
  } else if (!isChange(last)) {
    last.same += hunk.same;
    last.removed = hunk.removed;
    last.added = hunk.added;
  } else if (isChange(hunk) && hunk.same.trim() === "") {
    last.removed += hunk.same + hunk.removed;
    last.added += hunk.same + hunk.added;
  } else {
    hunks.push(hunk);
  }
}

function isChange({ removed, added }: Hunk): boolean {
  return removed.length > 0 || added.length > 0;
}

function hunksOf(old: readonly string[], fresh: readonly string[], budget: DriftBudget): Hunk[] {
  const trace = traceEdits(numbered(old, fresh), budget);
  if (trace === undefined) return [{ same: "", removed: old.join(""), added: fresh.join("") }];
  const { goes, comes } = readTrace(trace, old.length, fresh.length);
  const hunks: Hunk[] = [];
  let x = 0;
  let y = 0;
  while (x < old.length || y < fresh.length) {
    const hunk: Hunk = { same: "", removed: "", added: "" };
    while (x < old.length && goes[x] === 0 && y < fresh.length && comes[y] === 0) {
      hunk.same += old[x] ?? "";
      x++;
      y++;
    }
    while (x < old.length && goes[x] === 1) hunk.removed += old[x++] ?? "";
    while (y < fresh.length && comes[y] === 1) hunk.added += fresh[y++] ?? "";
    hunks.push(hunk);
  }
  return hunks;
}

interface Numbered {
  readonly old: Int32Array;
  readonly fresh: Int32Array;
}

/** Words as numbers, equal ones alike: comparing them is the inner loop. */
function numbered(old: readonly string[], fresh: readonly string[]): Numbered {
  const numbers = new Map<string, number>();
  const numberOf = (word: string): number => {
    const known = numbers.get(word);
    if (known !== undefined) return known;
    numbers.set(word, numbers.size);
    return numbers.size - 1;
  };
  return { old: Int32Array.from(old, numberOf), fresh: Int32Array.from(fresh, numberOf) };
}

/**
 * The furthest point of every diagonal after 0, 1, 2 ... edits: entry `d` is for the diagonals
 * `-d .. d`. `undefined` when a bound is reached.
 */
function traceEdits({ old, fresh }: Numbered, budget: DriftBudget): Int32Array[] | undefined {
  const editsMax = Math.min(old.length + fresh.length, EDITS_MAX);
  const middle = editsMax + 1;
  const furthest = new Int32Array(2 * middle + 1);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= editsMax; edits++) {
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const below = furthest[middle + diagonal - 1] ?? 0;
      const above = furthest[middle + diagonal + 1] ?? 0;
      const goesDown = diagonal === -edits || (diagonal !== edits && below < above);
      let x = goesDown ? above : below + 1;
      const from = x;
      while (x < old.length && x - diagonal < fresh.length && old[x] === fresh[x - diagonal]) x++;
      furthest[middle + diagonal] = x;
      budget.stepsLeft -= 1 + x - from;
      if (budget.stepsLeft <= 0) return undefined;
      if (x >= old.length && x - diagonal >= fresh.length) {
        trace.push(furthest.slice(middle - edits, middle + edits + 1));
        return trace;
      }
    }
    trace.push(furthest.slice(middle - edits, middle + edits + 1));
  }
  return undefined;
}

/** Which words go and which come, as 0 and 1, read from the end of the trace to its start. */
function readTrace(
  trace: readonly Int32Array[],
  oldCount: number,
  newCount: number,
): { readonly goes: Uint8Array; readonly comes: Uint8Array } {
  const goes = new Uint8Array(oldCount);
  const comes = new Uint8Array(newCount);
  let x = oldCount;
  let y = newCount;
  for (let edits = trace.length - 1; edits > 0; edits--) {
    const before = trace[edits - 1] ?? new Int32Array(0);
    const at = (diagonal: number): number => before[diagonal + edits - 1] ?? -1;
    const diagonal = x - y;
    const goesDown =
      diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1));
    x = goesDown ? at(diagonal + 1) : at(diagonal - 1);
    y = x - (goesDown ? diagonal + 1 : diagonal - 1);
    if (goesDown) comes[y] = 1;
    else goes[x] = 1;
  }
  return { goes, comes };
}
