// The catalog guard's decision, in this order: catalog expiry, server, item, admission, scope,
// operator review (30-kernel section 3).
import {
  ITEM_ADMITTED,
  ITEM_DRIFTED,
  ITEM_FLAG_SERVER_UNVERIFIED,
  ITEM_OFFSET_FLAGS,
  ITEM_OFFSET_SERVER,
  SERVER_ADMITTED,
  SERVER_INSTRUCTIONS_DRIFTED,
  SERVER_OFFSET_ITEM_COUNT,
  SERVER_OFFSET_ITEM_FIRST,
} from "../src/abi/layout";
import {
  VERDICT_ALLOWED,
  VERDICT_CATALOG_EXPIRED,
  VERDICT_CATALOG_UNTRUSTED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_POLICY_REVIEW,
  VERDICT_SCOPE_ESCALATION,
  VERDICT_SERVER_NOT_ADMITTED,
  VERDICT_TOOL_SMUGGLE,
  VERDICT_UNDECIDED,
  VERDICT_UNKNOWN_SERVER,
} from "../src/abi/verdict";
import { expiresMs, isLoaded } from "./image";
import { requestHigh, requestLow } from "./inputs";
import { itemStates, itemVerdicts, serverStates } from "./memory";
import { isGranted, isWithinCap } from "./scope";
import { findItem, findServer, itemCount, itemRecord, serverCount, serverRecord } from "./table";

/**
 * Whether the catalog may decide anything at the time that was set last: VERDICT_UNDECIDED when it
 * may, else the refusal. Before a time was set, nothing is decided.
 */
export let catalogVerdict: i32 = VERDICT_CATALOG_UNTRUSTED;

/**
 * Sets the time of the checks that follow.
 *
 * @param nowMs since the epoch; 0 is no time, and no catalog is valid at it
 */
export function setTime(nowMs: u64): void {
  const isValid = nowMs != 0 && nowMs < expiresMs;
  const refusal = isLoaded ? VERDICT_CATALOG_EXPIRED : VERDICT_CATALOG_UNTRUSTED;
  catalogVerdict = isValid ? VERDICT_UNDECIDED : refusal;
}

/** Why a name was not found: VERDICT_UNKNOWN_SERVER or VERDICT_TOOL_SMUGGLE. */
export function judgeMissing(serverSize: u32): i32 {
  return findServer(serverSize) < 0 ? VERDICT_UNKNOWN_SERVER : VERDICT_TOOL_SMUGGLE;
}

/** What a check of `item` comes to, whatever is requested: admission, cap, review. */
function judgeState(item: u32): i32 {
  const record = itemRecord(item);
  const server = u32(load<u8>(serverStates + usize(load<u32>(record, ITEM_OFFSET_SERVER))));
  const state = u32(load<u8>(itemStates + usize(item)));
  // drift first: it sticks, so it is known even while the server is listed again
  if (state == ITEM_DRIFTED || server == SERVER_INSTRUCTIONS_DRIFTED) {
    return VERDICT_FINGERPRINT_DRIFT;
  }
  if (server != SERVER_ADMITTED || state != ITEM_ADMITTED) return VERDICT_SERVER_NOT_ADMITTED;
  if (!isWithinCap(record)) return VERDICT_SCOPE_ESCALATION;
  const flags = u32(load<u16>(record, ITEM_OFFSET_FLAGS));
  return (flags & ITEM_FLAG_SERVER_UNVERIFIED) != 0 ? VERDICT_POLICY_REVIEW : VERDICT_ALLOWED;
}

/**
 * Brings the verdicts of all items of `server` up to date.
 *
 * INVARIANT: called after every change of an item's or a server's state and of the cap. A check
 * then reads one byte; judging anew every time cost 3 ns more.
 */
export function refreshVerdicts(server: u32): void {
  const record = serverRecord(server);
  const first = load<u32>(record, SERVER_OFFSET_ITEM_FIRST);
  const end = first + load<u32>(record, SERVER_OFFSET_ITEM_COUNT);
  for (let item = first; item < end; item++) refreshVerdict(item);
}

/** As `refreshVerdicts`, of one item. */
export function refreshVerdict(item: u32): void {
  store<u8>(itemVerdicts + usize(item), judgeState(item));
}

/** As `refreshVerdicts`, of every server. */
export function refreshAllVerdicts(): void {
  if (!isLoaded) return;
  for (let server: u32 = 0; server < serverCount; server++) refreshVerdicts(server);
}

/**
 * Admission, scope and review of one item. Reads its verdict and, when there is a request, 16 bytes
 * of its record.
 *
 * @param hasRequest false: the requested scope set is the item's own
 */
export function judgeItem(item: u32, hasRequest: bool): i32 {
  const verdict = i32(load<u8>(itemVerdicts + usize(item)));
  // a scope that is not granted comes before a review
  const isAboutScope = verdict == VERDICT_ALLOWED || verdict == VERDICT_POLICY_REVIEW;
  if (!hasRequest || !isAboutScope) return verdict;
  return isGranted(itemRecord(item), requestLow, requestHigh) ? verdict : VERDICT_SCOPE_ESCALATION;
}

/** The whole check of the names in the buffers. */
export function checkNames(serverSize: u32, kind: u32, nameSize: u32, hasRequest: bool): i32 {
  if (catalogVerdict != VERDICT_UNDECIDED) return catalogVerdict;
  const item = findItem(serverSize, kind, nameSize);
  if (item < 0) return judgeMissing(serverSize);
  return judgeItem(u32(item), hasRequest);
}

/** The whole check of an item that was resolved before, with the requested scopes. */
export function checkItem(item: u32): i32 {
  if (catalogVerdict != VERDICT_UNDECIDED) return catalogVerdict;
  if (item >= itemCount) return VERDICT_TOOL_SMUGGLE;
  return judgeItem(item, true);
}
