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

function isSame(offset: usize, other: usize): bool {
  return isSameDigest(inputFrame + offset, inputFrame + other);
}

/**
 * A record for this call is at hand: same principal, session, server, live definition, image and
 * arguments, and not expired. What it covers is another question.
 */
export function hasConsent(): bool {
  const terms = load<u32>(inputFrame, INPUT_OFFSET_CONSENT_FLAGS);
  return (
    hasFlag(INPUT_FLAG_CONSENT) &&
    now < load<u64>(inputFrame, INPUT_OFFSET_CONSENT_EXPIRES) &&
    load<i32>(inputFrame, INPUT_OFFSET_CONSENT_SERVER) == server &&
    isSame(INPUT_OFFSET_CONSENT_PRINCIPAL, INPUT_OFFSET_PRINCIPAL) &&
    isSame(INPUT_OFFSET_CONSENT_SESSION, INPUT_OFFSET_SESSION) &&
    isSame(INPUT_OFFSET_CONSENT_ITEM, INPUT_OFFSET_LIVE) &&
    isSame(INPUT_OFFSET_CONSENT_IMAGE, INPUT_OFFSET_IMAGE) &&
    ((terms & CONSENT_FLAG_ANY_ARGUMENTS) != 0 ||
      isSame(INPUT_OFFSET_CONSENT_ARGUMENTS, INPUT_OFFSET_ARGUMENTS_DIGEST))
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
