// What the text scanner found, in the table that the host reads.
import {
  FINDING_COUNT_MAX,
  FINDING_SIZE,
  FINDING_WORD_END,
  FINDING_WORD_FLAGS,
  FINDING_WORD_RULE,
  FINDING_WORD_START,
} from "../src/abi/patterns";
import { findings, input } from "./memory";

/** Findings since the last `clearFindings`. */
export let findingCount: i32 = 0;

export function clearFindings(): void {
  findingCount = 0;
}

function findingWord(index: i32, place: usize): usize {
  return findings + usize(index) * FINDING_SIZE + (place << 2);
}

/** Adds what `rule` found from `start` to `end`. */
export function addFinding(rule: u32, start: usize, end: usize, flags: u32): void {
  // INVARIANT: a rule is found once a field, and the scan pauses with room for every rule
  if (findingCount >= FINDING_COUNT_MAX) return;
  const index = findingCount;
  store<u32>(findingWord(index, FINDING_WORD_RULE), rule);
  store<u32>(findingWord(index, FINDING_WORD_START), u32(start - input));
  store<u32>(findingWord(index, FINDING_WORD_END), u32(end - input));
  store<u32>(findingWord(index, FINDING_WORD_FLAGS), flags);
  findingCount = index + 1;
}

/** Hidden characters in a row are one finding. */
export function addHidden(rule: u32, start: usize, end: usize): void {
  if (findingCount > 0) {
    const last = findingCount - 1;
    const isSame = load<u32>(findingWord(last, FINDING_WORD_RULE)) == rule;
    if (isSame && load<u32>(findingWord(last, FINDING_WORD_END)) == u32(start - input)) {
      store<u32>(findingWord(last, FINDING_WORD_END), u32(end - input));
      return;
    }
  }
  addFinding(rule, start, end, 0);
}
