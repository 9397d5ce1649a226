// Principal rows, rules and their lists of indices: the part of an image that `decide` alone reads.
//
//   principals (32 bytes each) | rules (64 bytes each) | lists (u32 words)
//
// INVARIANT: after `loadImage` returned IMAGE_OK every list is in bounds, strictly ascending and
// below the count of what it names.
import {
  OUTCOME_ASK_USER,
  OUTCOME_DENY,
  OUTCOME_DRY_RUN,
  VETTING_CRITICAL,
} from "../src/abi/frame";
import {
  EFFECTS_ALL,
  HEADER_OFFSET_FLAGS,
  HEADER_OFFSET_LIST_COUNT,
  HEADER_OFFSET_LISTS_AT,
  HEADER_OFFSET_PRINCIPAL_COUNT,
  HEADER_OFFSET_PRINCIPALS_AT,
  HEADER_OFFSET_RESERVED,
  HEADER_OFFSET_RULE_COUNT,
  HEADER_OFFSET_RULES_AT,
  IMAGE_FLAG_PRINCIPALS,
  IMAGE_FLAGS_ALL,
  PRINCIPAL_FLAG_CAP,
  PRINCIPAL_FLAG_DECLARED,
  PRINCIPAL_FLAG_SERVERS,
  PRINCIPAL_FLAGS_ALL,
  PRINCIPAL_OFFSET_CAP,
  PRINCIPAL_OFFSET_FLAGS,
  PRINCIPAL_OFFSET_RESERVED,
  PRINCIPAL_OFFSET_SERVERS_FIRST,
  PRINCIPAL_SIZE,
  RULE_FACTS_ALL,
  RULE_FLAG_ITEMS,
  RULE_FLAG_PRINCIPALS,
  RULE_FLAG_SERVERS,
  RULE_FLAGS_ALL,
  RULE_OFFSET_EFFECTS,
  RULE_OFFSET_FACTS_FALSE,
  RULE_OFFSET_FACTS_TRUE,
  RULE_OFFSET_FLAGS,
  RULE_OFFSET_ITEMS_FIRST,
  RULE_OFFSET_OUTCOME,
  RULE_OFFSET_PRINCIPALS_FIRST,
  RULE_OFFSET_RESERVED,
  RULE_OFFSET_RESERVED_END,
  RULE_OFFSET_SERVERS_FIRST,
  RULE_OFFSET_VETTING,
  RULE_SIZE,
} from "../src/abi/layout";
import { LIMIT_IMAGE_LIST_WORDS, LIMIT_RULES } from "../src/abi/limits";
import { alignSection, image } from "./memory";
import { itemCount, serverCount } from "./table";

/** The catalog says who may call: whom it does not declare is unknown. */
export let declaresPrincipals: bool = false;
export let principalCount: u32 = 0;
export let ruleCount: u32 = 0;
let principalsAt: usize = 0;
let rulesAt: usize = 0;
let listsAt: usize = 0;
let listCount: u32 = 0;

/** Row `row`, counted from 0. */
export function principalRecord(row: u32): usize {
  return principalsAt + usize(row) * PRINCIPAL_SIZE;
}

export function ruleRecord(rule: u32): usize {
  return rulesAt + usize(rule) * RULE_SIZE;
}

/**
 * True when `value` is in the list that `field` (first word, count) names: a binary search.
 *
 * @param value -1 for what has no index: it is in no list
 */
export function isListed(field: usize, value: i32): bool {
  let low = load<u32>(field);
  let high = low + load<u32>(field, 4);
  while (low < high) {
    const middle = (low + high) >> 1;
    const held = load<u32>(listsAt + usize(middle) * 4);
    if (held == u32(value)) return true;
    if (held < u32(value)) low = middle + 1;
    else high = middle;
  }
  return false;
}

/**
 * Checks where the three sections are, and points at them.
 *
 * @param at offset in the image where the first one must start
 * @returns offset of the section behind them, or 0
 */
export function openPolicy(at: u64): u64 {
  const flags = load<u32>(image, HEADER_OFFSET_FLAGS);
  const reserved = load<u64>(image, HEADER_OFFSET_RESERVED);
  if ((flags & ~IMAGE_FLAGS_ALL) != 0 || reserved != 0) return 0;
  declaresPrincipals = (flags & IMAGE_FLAG_PRINCIPALS) != 0;
  principalCount = load<u32>(image, HEADER_OFFSET_PRINCIPAL_COUNT);
  ruleCount = load<u32>(image, HEADER_OFFSET_RULE_COUNT);
  listCount = load<u32>(image, HEADER_OFFSET_LIST_COUNT);
  if (ruleCount > u32(LIMIT_RULES) || listCount > u32(LIMIT_IMAGE_LIST_WORDS)) return 0;
  const rules = alignSection(at + u64(principalCount) * PRINCIPAL_SIZE);
  const lists = alignSection(rules + u64(ruleCount) * RULE_SIZE);
  if (u64(load<u32>(image, HEADER_OFFSET_PRINCIPALS_AT)) != at) return 0;
  if (u64(load<u32>(image, HEADER_OFFSET_RULES_AT)) != rules) return 0;
  if (u64(load<u32>(image, HEADER_OFFSET_LISTS_AT)) != lists) return 0;
  principalsAt = image + usize(at);
  rulesAt = image + usize(rules);
  listsAt = image + usize(lists);
  return alignSection(lists + u64(listCount) * 4);
}

/** End of the lists that were seen so far: they leave no word out. */
let listsSeen: u32 = 0;

/** A list of indices below `limit`; without its flag there is none. */
function isListSound(field: usize, isPresent: bool, limit: u32): bool {
  const first = load<u32>(field);
  const count = load<u32>(field, 4);
  if (count == 0 || !isPresent) return (first | count) == 0;
  if (first > listsSeen || u64(first) + u64(count) > u64(listCount)) return false;
  let next: u64 = 0;
  for (let index = first; index < first + count; index++) {
    const held = u64(load<u32>(listsAt + usize(index) * 4));
    if (held < next) return false;
    next = held + 1;
  }
  if (next > u64(limit)) return false;
  listsSeen = max(listsSeen, first + count);
  return true;
}

export function arePrincipalsSound(): bool {
  listsSeen = 0;
  for (let row: u32 = 0; row < principalCount; row++) {
    const record = principalRecord(row);
    const flags = load<u32>(record, PRINCIPAL_OFFSET_FLAGS);
    const hasServers = (flags & PRINCIPAL_FLAG_SERVERS) != 0;
    if ((flags & ~PRINCIPAL_FLAGS_ALL) != 0) return false;
    const isDeclared = declaresPrincipals && (flags & PRINCIPAL_FLAG_DECLARED) != 0;
    if (flags != 0 && !isDeclared) return false;
    if (load<u32>(record, PRINCIPAL_OFFSET_RESERVED) != 0) return false;
    const hasCap = v128.any_true(v128.load(record, PRINCIPAL_OFFSET_CAP));
    if (hasCap && (flags & PRINCIPAL_FLAG_CAP) == 0) return false;
    if (!isListSound(record + PRINCIPAL_OFFSET_SERVERS_FIRST, hasServers, serverCount))
      return false;
  }
  return true;
}

/** After `arePrincipalsSound`: between them the tables use every word of the lists. */
export function areRulesSound(): bool {
  for (let rule: u32 = 0; rule < ruleCount; rule++) {
    if (!isRuleSound(ruleRecord(rule))) return false;
  }
  return listsSeen == listCount;
}

function isRuleSound(record: usize): bool {
  const outcome = u32(load<u8>(record, RULE_OFFSET_OUTCOME));
  const isOutcome =
    outcome == OUTCOME_DENY || outcome == OUTCOME_DRY_RUN || outcome == OUTCOME_ASK_USER;
  const flags = u32(load<u8>(record, RULE_OFFSET_FLAGS));
  const effects = u32(load<u8>(record, RULE_OFFSET_EFFECTS));
  const factsTrue = u32(load<u8>(record, RULE_OFFSET_FACTS_TRUE));
  const factsFalse = u32(load<u8>(record, RULE_OFFSET_FACTS_FALSE));
  if (!isOutcome || (flags & ~RULE_FLAGS_ALL) != 0) return false;
  if (effects == 0 || (effects & ~EFFECTS_ALL) != 0) return false;
  if (i32(load<u8>(record, RULE_OFFSET_VETTING)) > VETTING_CRITICAL) return false;
  if (((factsTrue | factsFalse) & ~RULE_FACTS_ALL) != 0 || (factsTrue & factsFalse) != 0) {
    return false;
  }
  if (load<u16>(record, RULE_OFFSET_RESERVED) != 0) return false;
  if (load<u64>(record, RULE_OFFSET_RESERVED_END) != 0) return false;
  return (
    isListSound(
      record + RULE_OFFSET_SERVERS_FIRST,
      (flags & RULE_FLAG_SERVERS) != 0,
      serverCount,
    ) &&
    isListSound(record + RULE_OFFSET_ITEMS_FIRST, (flags & RULE_FLAG_ITEMS) != 0, itemCount) &&
    isListSound(
      record + RULE_OFFSET_PRINCIPALS_FIRST,
      (flags & RULE_FLAG_PRINCIPALS) != 0,
      principalCount,
    )
  );
}
