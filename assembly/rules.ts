// Policy rules (40-gateway section 4): every condition of a rule must hold; matched rules leave as
// a bitmap. There is no rule that allows.
import {
  INPUT_OFFSET_VETTING,
  OUTCOME_ASK_USER,
  OUTCOME_DENY,
  OUTPUT_OFFSET_RULES,
  UNBLOCK_CONSENT,
  UNBLOCK_LEASE,
  UNBLOCK_SESSION,
} from "../src/abi/frame";
import {
  ITEM_OFFSET_EFFECT,
  ITEM_OFFSET_SCOPE,
  RULE_FACT_CONSENT,
  RULE_FACT_LEASE,
  RULE_FACT_STATE_CHANGING,
  RULE_FLAG_ITEMS,
  RULE_FLAG_PRINCIPALS,
  RULE_FLAG_SERVERS,
  RULE_OFFSET_EFFECTS,
  RULE_OFFSET_FACTS_FALSE,
  RULE_OFFSET_FACTS_TRUE,
  RULE_OFFSET_FLAGS,
  RULE_OFFSET_ITEMS_FIRST,
  RULE_OFFSET_OUTCOME,
  RULE_OFFSET_PRINCIPALS_FIRST,
  RULE_OFFSET_SCOPE,
  RULE_OFFSET_SERVERS_FIRST,
  RULE_OFFSET_TAINT_ALL,
  RULE_OFFSET_TAINT_ANY,
  RULE_OFFSET_VETTING,
} from "../src/abi/layout";
import {
  VERDICT_POLICY_DENIED,
  VERDICT_POLICY_DRY_RUN,
  VERDICT_POLICY_REVIEW,
} from "../src/abi/verdict";
import { isStateChanging, item, itemAt, principalRow, server, taint } from "./call";
import { alsoUnblocks, ask, deny, tryOnly } from "./contributors";
import { inputFrame, outputFrame } from "./memory";
import { isListed, ruleCount, ruleRecord } from "./policy-tables";

/** RULE_FACT_* of the call. */
let facts: u32 = 0;

/** Applies every rule to the call; the output frame's bitmap is all zero before. */
export function judgeRules(isLeased: bool, isConsented: bool): void {
  facts = isStateChanging ? u32(RULE_FACT_STATE_CHANGING) : 0;
  if (isLeased) facts |= RULE_FACT_LEASE;
  if (isConsented) facts |= RULE_FACT_CONSENT;
  for (let rule: u32 = 0; rule < ruleCount; rule++) {
    const record = ruleRecord(rule);
    if (!doMasksHold(record) || !doListsHold(record)) continue;
    const place = outputFrame + usize(rule >> 3);
    const before = u32(load<u8>(place, OUTPUT_OFFSET_RULES));
    store<u8>(place, before | (u32(1) << (rule & 7)), OUTPUT_OFFSET_RULES);
    applyRule(record);
  }
}

function doMasksHold(record: usize): bool {
  const effect = u32(load<u8>(itemAt, ITEM_OFFSET_EFFECT));
  if (((u32(load<u8>(record, RULE_OFFSET_EFFECTS)) >> effect) & 1) == 0) return false;
  const needed = u32(load<u8>(record, RULE_OFFSET_FACTS_TRUE));
  if ((facts & needed) != needed) return false;
  if ((facts & u32(load<u8>(record, RULE_OFFSET_FACTS_FALSE))) != 0) return false;
  if (load<u8>(inputFrame, INPUT_OFFSET_VETTING) < load<u8>(record, RULE_OFFSET_VETTING)) {
    return false;
  }
  const all = load<u32>(record, RULE_OFFSET_TAINT_ALL);
  if ((taint & all) != all) return false;
  const any = load<u32>(record, RULE_OFFSET_TAINT_ANY);
  if (any != 0 && (taint & any) == 0) return false;
  const scope = v128.load(record, RULE_OFFSET_SCOPE);
  if (!v128.any_true(scope)) return true;
  return v128.any_true(v128.and(scope, v128.load(itemAt, ITEM_OFFSET_SCOPE)));
}

function doListsHold(record: usize): bool {
  const present = u32(load<u8>(record, RULE_OFFSET_FLAGS));
  if (present == 0) return true;
  if ((present & RULE_FLAG_SERVERS) != 0 && !isListed(record + RULE_OFFSET_SERVERS_FIRST, server)) {
    return false;
  }
  if ((present & RULE_FLAG_ITEMS) != 0 && !isListed(record + RULE_OFFSET_ITEMS_FIRST, item)) {
    return false;
  }
  if ((present & RULE_FLAG_PRINCIPALS) == 0) return true;
  // rows are listed from 0; without a row (0) this is -1, which is in no list
  return isListed(record + RULE_OFFSET_PRINCIPALS_FIRST, i32(principalRow) - 1);
}

function applyRule(record: usize): void {
  const outcome = u32(load<u8>(record, RULE_OFFSET_OUTCOME));
  if (outcome == OUTCOME_ASK_USER) {
    ask(VERDICT_POLICY_REVIEW);
    return;
  }
  if (outcome == OUTCOME_DENY) deny(VERDICT_POLICY_DENIED);
  else tryOnly(VERDICT_POLICY_DRY_RUN);
  const absent = u32(load<u8>(record, RULE_OFFSET_FACTS_FALSE));
  if ((absent & RULE_FACT_LEASE) != 0) alsoUnblocks(UNBLOCK_LEASE);
  if ((absent & RULE_FACT_CONSENT) != 0) alsoUnblocks(UNBLOCK_CONSENT);
  const labels =
    load<u32>(record, RULE_OFFSET_TAINT_ALL) | load<u32>(record, RULE_OFFSET_TAINT_ANY);
  if (labels != 0) alsoUnblocks(UNBLOCK_SESSION);
}
