// The pattern file of the text scanner: validated once, then unfolded into an automaton.
//
//   | file, padded to 64 | transitions, 128 bytes a state | failure u16 | output u16 | slots | rules |
//
// Aho and Corasick, "Efficient string matching" (CACM 18, 1975), as a complete table: one load a
// byte, however many patterns there are. The text it reads is folded: words in lower case, one
// space between two, punctuation that a pattern names alone with a space on both sides. Runs and
// sides are in the table as well, so that scanning has no branch for them:
//   a state that ends in a space stays where it is on another one;
//   a punctuation mark steps over space, mark, space at once.
import {
  ATOM_OFFSET_LATER_COUNT,
  ATOM_OFFSET_USE_COUNT,
  ATOM_OFFSET_USE_FIRST,
  ATOM_SIZE,
  CLASS_CONTROL,
  CLASS_COUNT,
  CLASS_DROP,
  CLASS_LETTER,
  CLASS_SPACE,
  FOLD_MODE_DROP,
  FOLD_MODE_HIDDEN,
  FOLD_OFFSET_MORE,
  FOLD_OFFSET_TARGET,
  FOLD_SIZE,
  LIMIT_PATTERN_COUNT,
  LIMIT_PATTERN_RULES,
  LIMIT_PATTERN_STATES,
  PATTERN_ABI_VERSION,
  PATTERN_BAD_ABI,
  PATTERN_BAD_CONTENT,
  PATTERN_BAD_DIGEST,
  PATTERN_BAD_LAYOUT,
  PATTERN_CLASSES_SIZE,
  PATTERN_HEADER_SIZE,
  PATTERN_MAGIC,
  PATTERN_OFFSET_ABI_VERSION,
  PATTERN_OFFSET_ATOM_COUNT,
  PATTERN_OFFSET_FOLD_COUNT,
  PATTERN_OFFSET_PUNCTUATION,
  PATTERN_OFFSET_RESERVED,
  PATTERN_OFFSET_RULE_COUNT,
  PATTERN_OFFSET_SHA256,
  PATTERN_OFFSET_SLOT_COUNT,
  PATTERN_OFFSET_STATE_COUNT,
  PATTERN_OFFSET_TOTAL_SIZE,
  PATTERN_OFFSET_USE_COUNT,
  PATTERN_OK,
  RULE_FLAG_MARKER,
  RULE_FLAGS_ALL,
  RULE_NO_SLOT,
  RULE_OFFSET_FLAGS,
  RULE_OFFSET_SLOT_FIRST,
  RULE_OFFSET_STAGES,
  RULE_OFFSET_UNLESS,
  RULE_SIZE,
  RULE_TABLE_SIZE,
  SLOT_TABLE_SIZE,
  STATE_OFFSET_ATOM,
  STATE_OFFSET_CHILD_COUNT,
  STATE_OFFSET_CLASS,
  STATE_SIZE,
  STATE_TABLES_SIZE,
  USE_OFFSET_RULE,
  USE_OFFSET_SLOT,
  USE_SIZE,
} from "../src/abi/patterns";
import { digestZeroed } from "./image";
import { patternCapacity, patterns } from "./memory";

/** Bytes of one row of transitions. */
export const ROW_SIZE: usize = 128;
/** In a transition: something ends on the way. */
export const HIT_BIT: u32 = 0x8000;
export const STATE_MASK: u32 = 0x7fff;

export let foldsAt: usize = 0;
export let foldCount: u32 = 0;
export let rulesAt: usize = 0;
export let ruleCount: u32 = 0;
export let atomsAt: usize = 0;
export let usesAt: usize = 0;
export let statesAt: usize = 0;
export let rowsAt: usize = 0;
export let failuresAt: usize = 0;
export let outputsAt: usize = 0;
export let slotsAt: usize = 0;
/** Per rule: the field it was last found in. */
export let foundAt: usize = 0;
/** Classes from here on are punctuation; 255 while no file is loaded. */
export let punctuationFirst: u32 = 255;

let stateCount: u32 = 0;
let slotCount: u32 = 0;
let atomCount: u32 = 0;
let useCount: u32 = 0;

function word(offset: i32): u32 {
  return load<u32>(patterns + usize(offset));
}

/**
 * Validates the file of `size` bytes in the pattern region and unfolds it behind it.
 *
 * @returns PATTERN_OK, or why it is refused
 */
export function loadPatterns(size: u32): i32 {
  rowsAt = 0;
  if (usize(size) > patternCapacity || size < u32(PATTERN_HEADER_SIZE)) return PATTERN_BAD_LAYOUT;
  if (word(0) != u32(PATTERN_MAGIC)) return PATTERN_BAD_LAYOUT;
  if (word(PATTERN_OFFSET_ABI_VERSION) != u32(PATTERN_ABI_VERSION)) return PATTERN_BAD_ABI;
  if (!readLayout(size)) return PATTERN_BAD_LAYOUT;
  if (!digestZeroed(patterns, size, PATTERN_OFFSET_SHA256)) return PATTERN_BAD_DIGEST;
  if (!areClassesSound() || !areFoldsSound() || !areRulesSound()) return PATTERN_BAD_CONTENT;
  if (!areAtomsSound() || !areStatesSound()) return PATTERN_BAD_CONTENT;
  rowsAt = (patterns + usize(size) + 63) & ~usize(63);
  unfold();
  return PATTERN_OK;
}

/** Places every section; false when the counts do not make up the size. */
function readLayout(size: u32): bool {
  stateCount = word(PATTERN_OFFSET_STATE_COUNT);
  atomCount = word(PATTERN_OFFSET_ATOM_COUNT);
  useCount = word(PATTERN_OFFSET_USE_COUNT);
  ruleCount = word(PATTERN_OFFSET_RULE_COUNT);
  slotCount = word(PATTERN_OFFSET_SLOT_COUNT);
  foldCount = word(PATTERN_OFFSET_FOLD_COUNT);
  punctuationFirst = word(PATTERN_OFFSET_PUNCTUATION);
  const limit = u32(LIMIT_PATTERN_COUNT);
  if (stateCount == 0 || stateCount > u32(LIMIT_PATTERN_STATES) || atomCount > limit) return false;
  if (ruleCount == 0 || ruleCount > u32(LIMIT_PATTERN_RULES) || slotCount > limit) return false;
  if (useCount > limit || foldCount > limit || word(PATTERN_OFFSET_RESERVED) != 0) return false;
  if (punctuationFirst <= u32(CLASS_LETTER) || punctuationFirst > u32(CLASS_COUNT)) return false;
  foldsAt = patterns + PATTERN_HEADER_SIZE + PATTERN_CLASSES_SIZE;
  rulesAt = foldsAt + usize(foldCount) * FOLD_SIZE;
  atomsAt = rulesAt + usize(ruleCount) * RULE_SIZE;
  usesAt = atomsAt + usize(atomCount) * ATOM_SIZE;
  statesAt = usesAt + usize(useCount) * USE_SIZE;
  if (statesAt + usize(stateCount) * STATE_SIZE != patterns + usize(size)) return false;
  const tables =
    usize(stateCount) * STATE_TABLES_SIZE +
    usize(slotCount) * SLOT_TABLE_SIZE +
    usize(ruleCount) * RULE_TABLE_SIZE;
  return word(PATTERN_OFFSET_TOTAL_SIZE) == size && usize(size) + tables + 64 <= patternCapacity;
}

function isClass(value: u32): bool {
  return value < u32(CLASS_COUNT) || value == u32(CLASS_DROP) || value == u32(CLASS_CONTROL);
}

function areClassesSound(): bool {
  for (let byte: usize = 0; byte < usize(PATTERN_CLASSES_SIZE); byte++) {
    if (!isClass(load<u8>(patterns + byte, PATTERN_HEADER_SIZE))) return false;
  }
  return true;
}

function areFoldsSound(): bool {
  let next: u32 = 0x80;
  for (let index: u32 = 0; index < foldCount; index++) {
    const row = foldsAt + usize(index) * FOLD_SIZE;
    const first = load<u32>(row) & 0xffffff;
    const mode = load<u32>(row) >> 24;
    if (first < next || mode > u32(FOLD_MODE_DROP)) return false;
    next = first + load<u16>(row, FOLD_OFFSET_MORE) + 1;
    const target = u32(load<u16>(row, FOLD_OFFSET_TARGET));
    if (mode == u32(FOLD_MODE_HIDDEN) && target >= ruleCount) return false;
  }
  return true;
}

function areRulesSound(): bool {
  for (let index: u32 = 0; index < ruleCount; index++) {
    const rule = rulesAt + usize(index) * RULE_SIZE;
    const stages = u32(load<u8>(rule, RULE_OFFSET_STAGES));
    const flags = u32(load<u8>(rule, RULE_OFFSET_FLAGS));
    const unless = u32(load<u16>(rule, RULE_OFFSET_UNLESS));
    if (load<u16>(rule, RULE_OFFSET_SLOT_FIRST) + stages > slotCount) return false;
    if (unless != u32(RULE_NO_SLOT) && unless >= slotCount) return false;
    if (flags > u32(RULE_FLAGS_ALL)) return false;
    if ((flags & RULE_FLAG_MARKER) != 0 && stages != 1) return false;
  }
  return true;
}

function areAtomsSound(): bool {
  for (let index: u32 = 0; index < atomCount; index++) {
    const atom = atomsAt + usize(index) * ATOM_SIZE;
    const first = u32(load<u16>(atom, ATOM_OFFSET_USE_FIRST));
    const count = u32(load<u16>(atom, ATOM_OFFSET_USE_COUNT));
    if (first + count > useCount) return false;
    if (u32(load<u16>(atom, ATOM_OFFSET_LATER_COUNT)) > count) return false;
  }
  for (let index: u32 = 0; index < useCount; index++) {
    const use = usesAt + usize(index) * USE_SIZE;
    const rule = u32(load<u16>(use, USE_OFFSET_RULE));
    if (rule >= ruleCount) return false;
    const ruleAt = rulesAt + usize(rule) * RULE_SIZE;
    const stage =
      u32(load<u16>(use, USE_OFFSET_SLOT)) - u32(load<u16>(ruleAt, RULE_OFFSET_SLOT_FIRST));
    if (stage >= u32(load<u8>(ruleAt, RULE_OFFSET_STAGES))) return false;
  }
  return true;
}

/** A tree whose nodes are all reached in order, the space first, no class twice under one. */
function areStatesSound(): bool {
  let next: u32 = 1;
  for (let index: u32 = 0; index < stateCount; index++) {
    const state = statesAt + usize(index) * STATE_SIZE;
    const children = u32(load<u8>(state, STATE_OFFSET_CHILD_COUNT));
    if (index >= next || u32(load<u16>(state, STATE_OFFSET_ATOM)) > atomCount) return false;
    if (next + children > stateCount) return false;
    let before: i32 = -1;
    for (const last = next + children; next < last; next++) {
      const c = i32(load<u8>(statesAt + usize(next) * STATE_SIZE, STATE_OFFSET_CLASS));
      if (c <= before || c >= CLASS_COUNT) return false;
      before = c;
    }
  }
  // INVARIANT: state 1 is the space, which every boundary of a word leads to
  const first = u32(load<u8>(statesAt + STATE_SIZE, STATE_OFFSET_CLASS));
  return next == stateCount && stateCount > 1 && first == u32(CLASS_SPACE);
}

export function transition(state: u32, c: u32): usize {
  return rowsAt + usize(state) * ROW_SIZE + (usize(c) << 1);
}

/** First state on the failure chain of `state`, itself included, that ends an atom; 0 = none. */
export function outputOf(state: u32): u32 {
  return load<u16>(outputsAt + (usize(state) << 1));
}

export function failureOf(state: u32): u32 {
  return load<u16>(failuresAt + (usize(state) << 1));
}

function endsInSpace(state: u32): bool {
  // WHY: the root's class is 0, which is not the space
  return u32(load<u8>(statesAt + usize(state) * STATE_SIZE, STATE_OFFSET_CLASS)) == CLASS_SPACE;
}

function unfold(): void {
  failuresAt = rowsAt + usize(stateCount) * ROW_SIZE;
  outputsAt = failuresAt + (usize(stateCount) << 1);
  slotsAt = outputsAt + (usize(stateCount) << 1);
  foundAt = slotsAt + usize(slotCount) * SLOT_TABLE_SIZE;
  memory.fill(rowsAt, 0, ROW_SIZE);
  store<u32>(failuresAt, 0);
  store<u32>(outputsAt, 0);
  let child: u32 = 1;
  for (let state: u32 = 0; state < stateCount; state++) {
    const at = statesAt + usize(state) * STATE_SIZE;
    const failure = failureOf(state);
    // INVARIANT: the failure state is less deep, so its row and its output are complete
    if (state != 0) {
      memory.copy(transition(state, 0), transition(failure, 0), ROW_SIZE);
      const isEnd = load<u16>(at, STATE_OFFSET_ATOM) != 0;
      store<u16>(outputsAt + (usize(state) << 1), isEnd ? state : outputOf(failure));
    }
    const last = child + load<u8>(at, STATE_OFFSET_CHILD_COUNT);
    for (; child < last; child++) {
      const c = u32(load<u8>(statesAt + usize(child) * STATE_SIZE, STATE_OFFSET_CLASS));
      const cell = transition(state, c);
      store<u16>(failuresAt + (usize(child) << 1), load<u16>(cell));
      store<u16>(cell, child);
    }
  }
  foldSpaces();
}

/** Space runs, the spaces around punctuation, and the bit for what ends on the way. */
function foldSpaces(): void {
  for (let state: u32 = 0; state < stateCount; state++) {
    if (!endsInSpace(state)) continue;
    store<u16>(transition(state, CLASS_SPACE), state);
    for (let c = punctuationFirst; c < u32(CLASS_COUNT); c++) {
      // INVARIANT: a state that ends in a mark does not end in a space, so its row is untouched
      const mark = u32(load<u16>(transition(state, c)));
      store<u16>(transition(state, c), load<u16>(transition(mark, CLASS_SPACE)));
    }
  }
  for (let state: u32 = 0; state < stateCount; state++) {
    if (endsInSpace(state)) continue;
    const spaced = u32(load<u16>(transition(state, CLASS_SPACE)));
    const size = usize(u32(CLASS_COUNT) - punctuationFirst) << 1;
    memory.copy(transition(state, punctuationFirst), transition(spaced, punctuationFirst), size);
  }
  for (let state: u32 = 0; state < stateCount; state++) {
    const spaced = u32(load<u16>(transition(state, CLASS_SPACE)));
    for (let c: u32 = 0; c < u32(CLASS_COUNT); c++) {
      const cell = transition(state, c);
      const target = u32(load<u16>(cell)) & STATE_MASK;
      const isRun = c == CLASS_SPACE && target == state;
      const endsBefore =
        c >= punctuationFirst && spaced != state && outputOf(spaced & STATE_MASK) != 0;
      const isHit = !isRun && (outputOf(target) != 0 || endsBefore);
      if (isHit) store<u16>(cell, target | HIT_BIT);
    }
  }
}
