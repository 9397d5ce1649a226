// The lease of a call (40-gateway section 5): does it cover the call, and must it?
import {
  INPUT_FLAG_LEASE,
  INPUT_FLAG_LEASE_NAMED,
  INPUT_OFFSET_ARGUMENTS_DIGEST,
  INPUT_OFFSET_LEASE_ARGUMENTS,
  INPUT_OFFSET_LEASE_EXPIRES,
  INPUT_OFFSET_LEASE_FLAGS,
  INPUT_OFFSET_LEASE_ITEM,
  INPUT_OFFSET_LEASE_PRINCIPAL,
  INPUT_OFFSET_LEASE_REMAINING,
  INPUT_OFFSET_LEASE_SERVER,
  INPUT_OFFSET_PRINCIPAL,
  LEASE_FLAG_ARGUMENTS,
  LEASE_FLAG_STATE_CHANGING,
  LEASE_FLAG_UNLIMITED,
} from "../src/abi/frame";
import { ITEM_FLAG_REQUIRES_LEASE, ITEM_OFFSET_FLAGS } from "../src/abi/layout";
import {
  VERDICT_LEASE_EXHAUSTED,
  VERDICT_LEASE_EXPIRED,
  VERDICT_LEASE_MISMATCH,
  VERDICT_LEASE_REQUIRED,
} from "../src/abi/verdict";
import { hasFlag, isSameDigest, isStateChanging, item, itemAt, now, server } from "./call";
import { denyAll } from "./contributors";
import { inputFrame } from "./memory";

function isLimited(): bool {
  return (load<u32>(inputFrame, INPUT_OFFSET_LEASE_FLAGS) & LEASE_FLAG_UNLIMITED) == 0;
}

/** The lease is for another principal, server, tool, arguments, or for reading only. */
function isMismatch(): bool {
  const terms = load<u32>(inputFrame, INPUT_OFFSET_LEASE_FLAGS);
  const holder = inputFrame + INPUT_OFFSET_LEASE_PRINCIPAL;
  if (!isSameDigest(holder, inputFrame + INPUT_OFFSET_PRINCIPAL)) return true;
  if (load<i32>(inputFrame, INPUT_OFFSET_LEASE_SERVER) != server) return true;
  if (load<i32>(inputFrame, INPUT_OFFSET_LEASE_ITEM) != item) return true;
  if (isStateChanging && (terms & LEASE_FLAG_STATE_CHANGING) == 0) return true;
  if ((terms & LEASE_FLAG_ARGUMENTS) == 0) return false;
  const bound = inputFrame + INPUT_OFFSET_LEASE_ARGUMENTS;
  return !isSameDigest(bound, inputFrame + INPUT_OFFSET_ARGUMENTS_DIGEST);
}

/** What speaks against the lease: contributors, all that apply; none when it covers the call. */
let faults: u32 = 0;

/**
 * Looks at the lease in the frame.
 *
 * @returns a valid lease that covers the call is at hand
 */
export function readLease(): bool {
  faults = u32(1) << u32(VERDICT_LEASE_REQUIRED);
  if (!hasFlag(INPUT_FLAG_LEASE)) return false;
  const isExpired = now >= load<u64>(inputFrame, INPUT_OFFSET_LEASE_EXPIRES);
  const isUsedUp = isLimited() && load<u32>(inputFrame, INPUT_OFFSET_LEASE_REMAINING) == 0;
  faults =
    (u32(isMismatch()) << u32(VERDICT_LEASE_MISMATCH)) |
    (u32(isExpired) << u32(VERDICT_LEASE_EXPIRED)) |
    (u32(isUsedUp) << u32(VERDICT_LEASE_EXHAUSTED));
  return faults == 0;
}

/**
 * The lease's contributors, after `readLease`.
 *
 * A lease must hold where the item requires one, and where the caller has named one; a lease that
 * is neither required nor named speaks against nothing.
 */
export function judgeLease(): void {
  const isRequired = (load<u16>(itemAt, ITEM_OFFSET_FLAGS) & ITEM_FLAG_REQUIRES_LEASE) != 0;
  if (isRequired || hasFlag(INPUT_FLAG_LEASE_NAMED)) denyAll(faults);
}

/** Invocations left after one more, or as many as there were. */
export function leaseLeft(isConsumed: bool): u32 {
  const remaining = load<u32>(inputFrame, INPUT_OFFSET_LEASE_REMAINING);
  return isConsumed && isLimited() ? remaining - 1 : remaining;
}
