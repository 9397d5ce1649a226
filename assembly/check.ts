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
import { itemStates, serverStates } from "./memory";
import { isGranted, isWithinCap } from "./scope";
import { findItem, findServer, itemCount, itemRecord } from "./table";

/**
 * Whether the catalog may decide anything at `nowMs`.
 *
 * @param nowMs 0 is no time at all: refused
 * @returns VERDICT_UNDECIDED when it may, else the refusal
 */
export function judgeCatalog(nowMs: u64): i32 {
  if (!isLoaded) return VERDICT_CATALOG_UNTRUSTED;
  if (nowMs == 0 || nowMs >= expiresMs) return VERDICT_CATALOG_EXPIRED;
  return VERDICT_UNDECIDED;
}

/** Why a name was not found: VERDICT_UNKNOWN_SERVER or VERDICT_TOOL_SMUGGLE. */
export function judgeMissing(serverSize: u32): i32 {
  return findServer(serverSize) < 0 ? VERDICT_UNKNOWN_SERVER : VERDICT_TOOL_SMUGGLE;
}

/**
 * Admission, scope and review of one item. Reads its record, two state bytes and the cap.
 *
 * @param hasRequest false: the requested scope set is the item's own
 */
export function judgeItem(item: u32, hasRequest: bool, low: u64, high: u64): i32 {
  const record = itemRecord(item);
  const server = u32(load<u8>(serverStates + usize(load<u32>(record, ITEM_OFFSET_SERVER))));
  const state = u32(load<u8>(itemStates + usize(item)));
  // drift first: it sticks, so it is known even while the server is listed again
  if (state == ITEM_DRIFTED || server == SERVER_INSTRUCTIONS_DRIFTED) {
    return VERDICT_FINGERPRINT_DRIFT;
  }
  if (server != SERVER_ADMITTED || state != ITEM_ADMITTED) return VERDICT_SERVER_NOT_ADMITTED;
  if (!isWithinCap(record)) return VERDICT_SCOPE_ESCALATION;
  if (hasRequest && !isGranted(record, low, high)) return VERDICT_SCOPE_ESCALATION;
  const flags = u32(load<u16>(record, ITEM_OFFSET_FLAGS));
  if ((flags & ITEM_FLAG_SERVER_UNVERIFIED) != 0) return VERDICT_POLICY_REVIEW;
  return VERDICT_ALLOWED;
}

/** The whole check of the names in the buffers. */
export function checkNames(
  serverSize: u32,
  kind: u32,
  nameSize: u32,
  hasRequest: bool,
  low: u64,
  high: u64,
  nowMs: u64,
): i32 {
  const catalog = judgeCatalog(nowMs);
  if (catalog != VERDICT_UNDECIDED) return catalog;
  const item = findItem(serverSize, kind, nameSize);
  if (item < 0) return judgeMissing(serverSize);
  return judgeItem(u32(item), hasRequest, low, high);
}

/** The whole check of an item that was resolved before. */
export function checkItem(item: u32, hasRequest: bool, low: u64, high: u64, nowMs: u64): i32 {
  const catalog = judgeCatalog(nowMs);
  if (catalog != VERDICT_UNDECIDED) return catalog;
  if (item >= itemCount) return VERDICT_TOOL_SMUGGLE;
  return judgeItem(item, hasRequest, low, high);
}
