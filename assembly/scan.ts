// The text scanner (40-gateway section 3): folds text, runs it through the automaton of the pattern
// file, and evaluates the rules over what ended where.
//
// A rule has stages; each is filled by any atom of its group. A slot per stage holds where the
// first stage of the best partial match ended: since windows count from there, the latest is best.
//
//   slot, 8 bytes: 0 offset behind the first stage's atom, 0 = empty   4 letters of that atom
import {
  ATOM_OFFSET_LATER_COUNT,
  ATOM_OFFSET_LETTERS,
  ATOM_OFFSET_USE_COUNT,
  ATOM_OFFSET_USE_FIRST,
  ATOM_SIZE,
  CLASS_CONTROL,
  CLASS_NIBBLE,
  CLASS_POINT,
  CLASS_SPACE,
  FIELD_BYTE,
  FINDING_COUNT_PAUSE,
  FINDING_FLAG_QUOTED,
  FOLD_MODE_DROP,
  FOLD_MODE_EMOJI,
  FOLD_MODE_HIDDEN,
  FOLD_MODE_RUN,
  FOLD_OFFSET_MORE,
  FOLD_OFFSET_TARGET,
  FOLD_SIZE,
  PATTERN_HEADER_SIZE,
  RULE_FLAG_MARKER,
  RULE_FLAG_SENTENCE,
  RULE_NO_SLOT,
  RULE_OFFSET_FIELDS,
  RULE_OFFSET_FLAGS,
  RULE_OFFSET_SLOT_FIRST,
  RULE_OFFSET_STAGES,
  RULE_OFFSET_UNLESS,
  RULE_OFFSET_WINDOW,
  RULE_SIZE,
  RULE_TABLE_SIZE,
  SLOT_TABLE_SIZE,
  STATE_OFFSET_ATOM,
  STATE_SIZE,
  USE_OFFSET_RULE,
  USE_OFFSET_SLOT,
  USE_SIZE,
} from "../src/abi/patterns";
import { addFinding, addHidden, clearFindings, findingCount } from "./findings";
import { input, inputCapacity, patterns, terminateInput } from "./memory";
import {
  atomsAt,
  failureOf,
  foldCount,
  foldsAt,
  foundAt,
  HIT_BIT,
  outputOf,
  punctuationFirst,
  rowsAt,
  ruleCount,
  rulesAt,
  STATE_MASK,
  slotsAt,
  statesAt,
  transition,
  usesAt,
} from "./patterns";
import { nextCodePoint, pointEnd } from "./string";

const QUOTE_LEAD: u32 = 0xe2;
const POINT_KEYCAP: u32 = 0x20e3;
const POINT_JOINER: u32 = 0x200d;
const POINT_SELECTOR_EMOJI: u32 = 0xfe0f;
const POINT_BLACK_FLAG: u32 = 0x1f3f4;
/** "gbeng", "gbsct" and "gbwls": the subdivisions whose flags are emoji of their own (UTS #51). */
const FLAG_ENGLAND: u64 = 0x6762656e67;
const FLAG_SCOTLAND: u64 = 0x6762736374;
const FLAG_WALES: u64 = 0x6762776c73;
const FLAG_TAGS_SIZE: usize = 24;

let state: u32 = 0;
let textEnd: usize = 0;
/** Address of the byte that opened the field, and which kinds of rules look at it. */
let fieldStart: usize = 0;
let fieldBit: u32 = 0;
/** Address behind tags that belong to a flag. */
let tagsPass: usize = 0;

/** Starts on a new text. */
function begin(): void {
  fieldStart = input;
  fieldBit = 0;
  state = 1;
  tagsPass = 0;
  memory.fill(foundAt, 0, usize(ruleCount) * RULE_TABLE_SIZE);
  memory.fill(slotsAt, 0, foundAt - slotsAt);
}

/**
 * Scans the text of `size` bytes in the input region from `from` on: 0 starts, what the last call
 * returned goes on. The findings of the call are in the table. A field byte closes the last field.
 *
 * @returns the offset to go on from, `size` when there is no more, or -1 when it cannot be
 */
export function scanText(from: i32, size: i32): i32 {
  if (rowsAt == 0 || usize(u32(size)) > inputCapacity || u32(from) > u32(size)) return -1;
  clearFindings();
  textEnd = input + usize(size);
  if (from == 0) {
    terminateInput(usize(size));
    begin();
  }
  const classes = patterns + PATTERN_HEADER_SIZE;
  const rows = rowsAt;
  let at = input + usize(from);
  let current = state;
  while (at < textEnd) {
    const c = u32(load<u8>(at));
    // WHY: a byte above 0x7f has no class; the load beside the table is never used
    const k = u32(load<u8>(classes + usize(c & 0x7f)));
    if (((c | k) & 0x80) == 0) {
      const entry = u32(load<u16>(rows + (usize(current) << 7) + (usize(k) << 1)));
      if ((entry & HIT_BIT) != 0) {
        hit(current, entry & STATE_MASK, k, at, at + 1);
        if (findingCount >= FINDING_COUNT_PAUSE) {
          state = entry & STATE_MASK;
          return i32(at + 1 - input);
        }
      }
      current = entry & STATE_MASK;
      at += 1;
      continue;
    }
    state = current;
    at = special(at, c, k);
    current = state;
    if (findingCount >= FINDING_COUNT_PAUSE) return i32(at - input);
  }
  state = current;
  return size;
}

/** One byte or code point that is not plain ASCII; returns the address behind it. */
function special(at: usize, c: u32, k: u32): usize {
  if (c < 0x80) {
    if (k == CLASS_CONTROL) addHidden(0, at, at + 1);
    return at + 1;
  }
  if (c >= u32(FIELD_BYTE)) {
    step(CLASS_SPACE, at, at);
    state = 1;
    fieldStart = at;
    fieldBit = 1 << (c & 7);
    return at + 1;
  }
  // WHY: a byte that opens nothing is stepped over, so no text can hold up the scan
  if (c < 0xc0) return at + 1;
  const point = nextCodePoint(at);
  const behind = pointEnd;
  takePoint(point, at, behind);
  return behind;
}

/** One code point that is not ASCII. */
function takePoint(first: u32, at: usize, behind: usize): void {
  let point = first;
  // WHY: twice, since an upper-case Cyrillic letter folds to a lower-case one, and that to ASCII
  for (let turn = 0; turn < 2; turn++) {
    const row = findFold(point);
    if (row == 0) break;
    const mode = load<u32>(row) >> 24;
    const target = u32(load<u16>(row, FOLD_OFFSET_TARGET));
    if (mode == u32(FOLD_MODE_DROP)) return;
    if (mode == u32(FOLD_MODE_HIDDEN)) {
      if (!isPartOfEmoji(point, at, behind)) addHidden(target, at, behind);
      return;
    }
    if (mode == u32(FOLD_MODE_EMOJI)) {
      step(CLASS_SPACE, at, behind);
      return;
    }
    const distance = mode == u32(FOLD_MODE_RUN) ? point - (load<u32>(row) & 0xffffff) : 0;
    point = target + distance;
    if (point < 0x80) {
      const k = u32(load<u8>(patterns + usize(point), PATTERN_HEADER_SIZE));
      if (k < 0x80) step(k, at, behind);
      return;
    }
  }
  step(CLASS_POINT, at, behind);
  for (let shift = 12; shift >= 0; shift -= 4) {
    step(CLASS_NIBBLE + ((point >> shift) & 15), at, behind);
  }
}

/** The row that holds `point`, or 0. */
function findFold(point: u32): usize {
  let low: u32 = 0;
  let high = foldCount;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = foldsAt + usize(middle) * FOLD_SIZE;
    const distance = i32(point) - i32(load<u32>(row) & 0xffffff);
    if (distance < 0) high = middle;
    else if (distance > i32(load<u16>(row, FOLD_OFFSET_MORE))) low = middle + 1;
    else return row;
  }
  return 0;
}

function isEmoji(point: u32): bool {
  const row = findFold(point);
  return row != 0 && load<u32>(row) >> 24 == u32(FOLD_MODE_EMOJI);
}

/** The code point at `at`; a backslash is one. */
function pointAt(at: usize): u32 {
  const c = u32(load<u8>(at));
  return c < 0x80 ? c : nextCodePoint(at);
}

/** Address of the code point before `at`. */
function previous(at: usize): usize {
  let start = at - 1;
  while (start > fieldStart && (u32(load<u8>(start)) & 0xc0) == 0x80) start -= 1;
  return start;
}

/** A selector, joiner or tag where an emoji sequence has one (UTS #51). */
function isPartOfEmoji(point: u32, at: usize, behind: usize): bool {
  if (at < tagsPass) return true;
  const before = previous(at);
  if (before <= fieldStart) return false;
  const base = pointAt(before);
  if (point == POINT_SELECTOR_EMOJI || point == POINT_SELECTOR_EMOJI - 1) {
    if (isEmoji(base)) return true;
    const isKeycapBase = base - 0x30 <= 9 || base == 0x23 || base == 0x2a;
    return isKeycapBase && pointAt(behind) == POINT_KEYCAP;
  }
  if (point == POINT_JOINER) {
    const emojiAt = base == POINT_SELECTOR_EMOJI ? previous(before) : before;
    if (emojiAt <= fieldStart || !isEmoji(pointAt(emojiAt))) return false;
    return isEmoji(pointAt(behind));
  }
  return base == POINT_BLACK_FLAG && isFlag(at);
}

/** Five tags that name a subdivision, and the tag that ends them. */
function isFlag(start: usize): bool {
  if (start + FLAG_TAGS_SIZE > textEnd) return false;
  let letters: u64 = 0;
  let at = start;
  for (let index = 0; index < 5; index++) {
    letters = (letters << 8) | (u64(pointAt(at)) - 0xe0000);
    at += 4;
  }
  if (letters != FLAG_ENGLAND && letters != FLAG_SCOTLAND && letters != FLAG_WALES) return false;
  if (pointAt(at) != 0xe007f) return false;
  tagsPass = start + FLAG_TAGS_SIZE;
  return true;
}

/** One step on class `k`, for the character from `at` to `behind`. */
function step(k: u32, at: usize, behind: usize): void {
  const entry = u32(load<u16>(transition(state, k)));
  const from = state;
  state = entry & STATE_MASK;
  if ((entry & HIT_BIT) != 0) hit(from, state, k, at, behind);
}

/** What ends on the step from `from` to `to` with the character from `at` to `behind`. */
function hit(from: u32, to: u32, k: u32, at: usize, behind: usize): void {
  if (k >= punctuationFirst) {
    const spaced = u32(load<u16>(transition(from, CLASS_SPACE))) & STATE_MASK;
    if (spaced != from) endAtoms(spaced, at);
  }
  endAtoms(to, k == CLASS_SPACE ? at : behind);
}

/** The atoms that end at `end`, the longest first: later stages, then first ones. */
function endAtoms(last: u32, end: usize): void {
  const first = outputOf(last);
  // WHY: a phrase may be the first stage of a rule and end in a phrase of its second; what came
  // before must be used up before it is replaced
  for (let turn = 0; turn < 2; turn++) {
    let ending = first;
    while (ending != 0) {
      const atom = u32(load<u16>(statesAt + usize(ending) * STATE_SIZE, STATE_OFFSET_ATOM)) - 1;
      endAtom(atomsAt + usize(atom) * ATOM_SIZE, end, turn == 1);
      ending = outputOf(failureOf(ending));
    }
  }
}

function endAtom(atom: usize, end: usize, isFirst: bool): void {
  const letters = u32(load<u16>(atom, ATOM_OFFSET_LETTERS));
  let use = usesAt + usize(load<u16>(atom, ATOM_OFFSET_USE_FIRST)) * USE_SIZE;
  let last = use + usize(load<u16>(atom, ATOM_OFFSET_USE_COUNT)) * USE_SIZE;
  const later = use + usize(load<u16>(atom, ATOM_OFFSET_LATER_COUNT)) * USE_SIZE;
  if (isFirst) use = later;
  else last = later;
  for (; use < last; use += USE_SIZE) {
    const ruleIndex = u32(load<u16>(use, USE_OFFSET_RULE));
    const rule = rulesAt + usize(ruleIndex) * RULE_SIZE;
    if ((u32(load<u8>(rule, RULE_OFFSET_FIELDS)) & fieldBit) == 0) continue;
    const slotIndex = u32(load<u16>(use, USE_OFFSET_SLOT));
    const stage = slotIndex - u32(load<u16>(rule, RULE_OFFSET_SLOT_FIRST));
    const slot = slotsAt + usize(slotIndex) * SLOT_TABLE_SIZE;
    let from = u32(end - input);
    let size = letters;
    if (stage != 0) {
      from = load<u32>(slot - SLOT_TABLE_SIZE);
      size = load<u32>(slot - SLOT_TABLE_SIZE, 4);
      // INVARIANT: an empty slot is 0, and no field starts before that
      if (input + usize(from) <= fieldStart) continue;
      if (u32(end - input) - from > u32(load<u16>(rule, RULE_OFFSET_WINDOW))) continue;
    }
    const isMarker = (u32(load<u8>(rule, RULE_OFFSET_FLAGS)) & RULE_FLAG_MARKER) != 0;
    if (isMarker || stage + 1 != u32(load<u8>(rule, RULE_OFFSET_STAGES))) {
      store<u32>(slot, from);
      store<u32>(slot, size, 4);
    } else {
      complete(ruleIndex, rule, input + usize(from), size, end);
    }
  }
}

/** A rule whose last stage ended; its first one, of `letters` letters, ended at `firstEnd`. */
function complete(ruleIndex: u32, rule: usize, firstEnd: usize, letters: u32, end: usize): void {
  const found = foundAt + usize(ruleIndex) * RULE_TABLE_SIZE;
  const field = u32(fieldStart - input) + 1;
  if (load<u32>(found) == field) return;
  const flags = u32(load<u8>(rule, RULE_OFFSET_FLAGS));
  if ((flags & RULE_FLAG_SENTENCE) != 0 && hasStop(firstEnd, end)) return;
  const unless = u32(load<u16>(rule, RULE_OFFSET_UNLESS));
  if (unless != u32(RULE_NO_SLOT)) {
    const seen = input + usize(load<u32>(slotsAt + usize(unless) * SLOT_TABLE_SIZE));
    const window = usize(load<u16>(rule, RULE_OFFSET_WINDOW));
    if (seen > fieldStart && seen + window >= firstEnd) return;
  }
  store<u32>(found, field);
  const start = wordStart(firstEnd, letters);
  const quoted = isQuote(previous(start)) || isQuote(end - 1) || isQuote(end);
  addFinding(ruleIndex, start, end, quoted ? FINDING_FLAG_QUOTED : 0);
}

/** A sentence ends between the two. */
function hasStop(start: usize, end: usize): bool {
  for (let at = start; at + 1 < end; at++) {
    const c = u32(load<u8>(at));
    const next = u32(load<u8>(at, 1));
    if ((c == 0x2e || c == 0x21 || c == 0x3f || c == 0x3b) && next <= 0x20) return true;
    if (c == 0x0a && next == 0x0a) return true;
  }
  return false;
}

/** Start of the last `letters` letters before `end`; separators and hidden characters are none. */
function wordStart(end: usize, letters: u32): usize {
  let at = end;
  let left = letters;
  while (left > 0 && at > fieldStart + 1) {
    at = previous(at);
    const c = u32(load<u8>(at));
    if (c < 0x80) {
      const k = u32(load<u8>(patterns + usize(c), PATTERN_HEADER_SIZE));
      if (k == CLASS_SPACE || k >= punctuationFirst) continue;
    } else {
      const row = findFold(nextCodePoint(at));
      const mode: u32 = row == 0 ? 0 : load<u32>(row) >> 24;
      const isSpace = row != 0 && load<u16>(row, FOLD_OFFSET_TARGET) == 0x20;
      if (mode >= u32(FOLD_MODE_HIDDEN) || isSpace) continue;
    }
    left -= 1;
  }
  return at;
}

/** A quotation mark of this field stands at `at`. */
function isQuote(at: usize): bool {
  if (at <= fieldStart || at >= textEnd) return false;
  const c = u32(load<u8>(at));
  if (c == 0x22 || c == 0x27 || c == 0x60) return true;
  // U+2018 to U+201F
  return c == QUOTE_LEAD && u32(load<u8>(at, 1)) == 0x80 && u32(load<u8>(at, 2)) - 0x98 < 8;
}
