// A recorded approval (40-gateway section 6): is it for this call, and does it cover all that asks?
import {
  CONSENT_FLAG_ANY_ARGUMENTS,
  CONSENT_FLAG_LEASE,
  INPUT_FLAG_CONSENT,
  INPUT_FLAG_CONSENT_REFUSED,
  INPUT_OFFSET_ARGUMENTS_DIGEST,
  INPUT_OFFSET_CONSENT_ARGUMENTS,
  INPUT_OFFSET_CONSENT_ASKING,
  INPUT_OFFSET_CONSENT_EXPIRES,
  INPUT_OFFSET_CONSENT_FLAGS,
  INPUT_OFFSET_CONSENT_IMAGE,
  INPUT_OFFSET_CONSENT_ITEM,
  INPUT_OFFSET_CONSENT_PRINCIPAL,
  INPUT_OFFSET_CONSENT_SERVER,
  INPUT_OFFSET_CONSENT_SESSION,
  INPUT_OFFSET_CONSENT_TAINT,
  INPUT_OFFSET_IMAGE,
  INPUT_OFFSET_LIVE,
  INPUT_OFFSET_PRINCIPAL,
  INPUT_OFFSET_SESSION,
} from "../src/abi/frame";
import { VERDICT_CONSENT_REFUSED, VERDICT_POLICY_REVIEW } from "../src/abi/verdict";
import { hasFlag, isSameDigest, now, server, taint } from "./call";
import { asking, deny, grantConsent } from "./contributors";
import { inputFrame } from "./memory";

/** Digests of the record and of the call that must be the same: two offsets, i32 each. */
const PAIR_SIZE: usize = 8;
const PAIR_COUNT: usize = 5;
// biome-ignore format: a table
const pairs: usize = memory.data<i32>([
  INPUT_OFFSET_CONSENT_PRINCIPAL, INPUT_OFFSET_PRINCIPAL,
  INPUT_OFFSET_CONSENT_SESSION, INPUT_OFFSET_SESSION,
  INPUT_OFFSET_CONSENT_ITEM, INPUT_OFFSET_LIVE,
  INPUT_OFFSET_CONSENT_IMAGE, INPUT_OFFSET_IMAGE,
  INPUT_OFFSET_CONSENT_ARGUMENTS, INPUT_OFFSET_ARGUMENTS_DIGEST,
]);

/** The first `count` pairs are the same. */
function areSame(count: usize): bool {
  for (let index: usize = 0; index < count; index++) {
    const pair = pairs + index * PAIR_SIZE;
    const own = inputFrame + usize(load<u32>(pair));
    if (!isSameDigest(own, inputFrame + usize(load<u32>(pair, 4)))) return false;
  }
  return true;
}

/**
 * A record for this call is at hand: same principal, session, server, live definition, image and
 * arguments, and not expired. What it covers is another question.
 */
export function hasConsent(): bool {
  if (!hasFlag(INPUT_FLAG_CONSENT)) return false;
  const terms = load<u32>(inputFrame, INPUT_OFFSET_CONSENT_FLAGS);
  const isForAny = (terms & CONSENT_FLAG_ANY_ARGUMENTS) != 0;
  return (
    now < load<u64>(inputFrame, INPUT_OFFSET_CONSENT_EXPIRES) &&
    load<i32>(inputFrame, INPUT_OFFSET_CONSENT_SERVER) == server &&
    // the arguments are the last pair
    areSame(isForAny ? PAIR_COUNT - 1 : PAIR_COUNT)
  );
}

/**
 * Lifts what asks when the record covers it: nobody asks now who did not ask when the person
 * agreed, and the session carries no label that it did not carry then.
 *
 * @param isLeased a valid lease is at hand
 */
export function applyConsent(isLeased: bool): void {
  const shown = load<u32>(inputFrame, INPUT_OFFSET_CONSENT_ASKING);
  const shownTaint = load<u32>(inputFrame, INPUT_OFFSET_CONSENT_TAINT);
  if ((asking & ~shown) != 0 || (taint & ~shownTaint) != 0) return;
  // WHY: with or without a lease other rules ask under the same name
  const wasLeased = (load<u32>(inputFrame, INPUT_OFFSET_CONSENT_FLAGS) & CONSENT_FLAG_LEASE) != 0;
  const doRulesAsk = ((asking >> u32(VERDICT_POLICY_REVIEW)) & 1) != 0;
  if (doRulesAsk && wasLeased != isLeased) return;
  grantConsent();
}

/** A refusal outweighs a record: whatever asks, asked a person who has said no. */
export function judgeRefusal(): void {
  if (hasFlag(INPUT_FLAG_CONSENT_REFUSED) && asking != 0) deny(VERDICT_CONSENT_REFUSED);
}
