// The whole decision (30-kernel section 3): reads the input frame and the image, never the
// admission table, and writes the output frame. The same input frame gives the same bytes.
import {
  FRAME_VERSION,
  LEASE_CONSUMED,
  LEASE_UNTOUCHED,
  OUTCOME_ALLOW,
  OUTPUT_HEAD_SIZE,
  OUTPUT_MAGIC,
  OUTPUT_OFFSET_ASKING,
  OUTPUT_OFFSET_ASKING_LEFT,
  OUTPUT_OFFSET_DENYING,
  OUTPUT_OFFSET_DRY_RUN,
  OUTPUT_OFFSET_LAYER,
  OUTPUT_OFFSET_LEASE_ACTION,
  OUTPUT_OFFSET_LEASE_REMAINING,
  OUTPUT_OFFSET_MAGIC,
  OUTPUT_OFFSET_OUTCOME,
  OUTPUT_OFFSET_RULE_COUNT,
  OUTPUT_OFFSET_SIZE,
  OUTPUT_OFFSET_STATE_CHANGING,
  OUTPUT_OFFSET_TAINT_ADDED,
  OUTPUT_OFFSET_UNBLOCK,
  OUTPUT_OFFSET_VERDICT,
  OUTPUT_OFFSET_VERSION,
} from "../src/abi/frame";
import { DETAIL_OFFSET_ADDS_TAINT } from "../src/abi/layout";
import { VERDICT_CATALOG_UNTRUSTED, VERDICT_UNDECIDED } from "../src/abi/verdict";
import { isForImage, isStateChanging, item, openCall, readCall } from "./call";
import { applyConsent, hasConsent, judgeRefusal } from "./consent";
import {
  asking,
  askingLeft,
  deny,
  denying,
  dryRun,
  layer,
  outcome,
  resetContributors,
  settle,
  unblock,
  verdict,
} from "./contributors";
import { detailRecord, isLoaded } from "./image";
import {
  judgeAdmission,
  judgeAttested,
  judgeAudit,
  judgeIdentity,
  judgeScope,
  judgeTaint,
  judgeTarget,
} from "./judge";
import { judgeLease, leaseLeft, readLease } from "./lease";
import { outputFrame } from "./memory";
import { ruleCount } from "./policy-tables";
import { judgeRules } from "./rules";

let isLeased: bool = false;

/** Decides the input frame; the output frame is whole whatever the input was. */
export function decide(): i32 {
  isLeased = false;
  resetContributors();
  beginOutput();
  if (!readCall()) deny(VERDICT_UNDECIDED);
  else if (!isForImage()) deny(VERDICT_CATALOG_UNTRUSTED);
  else if (!openCall()) deny(VERDICT_UNDECIDED);
  else judge();
  settle();
  endOutput();
  return verdict;
}

/** Every layer that can be judged is, so that all contributors are known. */
function judge(): void {
  judgeTarget();
  judgeIdentity();
  judgeAttested();
  judgeAudit();
  if (item >= 0) judgeItem();
  judgeRefusal();
}

/** The layers that are about the item. */
function judgeItem(): void {
  isLeased = readLease();
  const isConsented = hasConsent();
  judgeAdmission();
  judgeScope();
  judgeRules(isLeased, isConsented);
  judgeLease();
  judgeTaint();
  // after everything that may ask
  if (isConsented) applyConsent(isLeased);
}

/** Head and bitmap without any rule in it. */
function beginOutput(): void {
  const rules = isLoaded ? ruleCount : 0;
  const bitmapSize = ((rules + 63) >> 6) << 3;
  store<u32>(outputFrame, OUTPUT_MAGIC, OUTPUT_OFFSET_MAGIC);
  store<u32>(outputFrame, FRAME_VERSION, OUTPUT_OFFSET_VERSION);
  store<u32>(outputFrame, OUTPUT_HEAD_SIZE + bitmapSize, OUTPUT_OFFSET_SIZE);
  store<u32>(outputFrame, rules, OUTPUT_OFFSET_RULE_COUNT);
  for (let offset: usize = 0; offset < usize(bitmapSize); offset += 8) {
    store<u64>(outputFrame + offset, 0, OUTPUT_HEAD_SIZE);
  }
}

function endOutput(): void {
  // a lease is used up and a label put on the session with an allow, and with nothing else
  const isAllowed = outcome == OUTCOME_ALLOW;
  const isConsumed = isAllowed && isLeased;
  const adds = isAllowed ? load<u32>(detailRecord(u32(item)), DETAIL_OFFSET_ADDS_TAINT) : 0;
  store<i32>(outputFrame, verdict, OUTPUT_OFFSET_VERDICT);
  store<i32>(outputFrame, outcome, OUTPUT_OFFSET_OUTCOME);
  store<i32>(outputFrame, layer, OUTPUT_OFFSET_LAYER);
  store<u32>(outputFrame, denying, OUTPUT_OFFSET_DENYING);
  store<u32>(outputFrame, asking, OUTPUT_OFFSET_ASKING);
  store<u32>(outputFrame, askingLeft, OUTPUT_OFFSET_ASKING_LEFT);
  store<u32>(outputFrame, dryRun, OUTPUT_OFFSET_DRY_RUN);
  const action = isConsumed ? LEASE_CONSUMED : LEASE_UNTOUCHED;
  store<i32>(outputFrame, action, OUTPUT_OFFSET_LEASE_ACTION);
  store<u32>(outputFrame, leaseLeft(isConsumed), OUTPUT_OFFSET_LEASE_REMAINING);
  store<u32>(outputFrame, adds, OUTPUT_OFFSET_TAINT_ADDED);
  store<u32>(outputFrame, unblock, OUTPUT_OFFSET_UNBLOCK);
  store<u32>(outputFrame, u32(isStateChanging), OUTPUT_OFFSET_STATE_CHANGING);
}
