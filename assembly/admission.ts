// Live admission state: one byte per item and per server, beside the image (20-fingerprint
// section 3). The kernel compares the digests itself; a host can report a definition, never admit.
//
// INVARIANT: ITEM_DRIFTED and SERVER_INSTRUCTIONS_DRIFTED are never left again: drift ends with a
// newly signed catalog, which is another image in another instance.
import {
  DETAIL_OFFSET_DIGEST_COUNT,
  DETAIL_OFFSET_DIGEST_FIRST,
  DIGEST_SIZE,
  ITEM_ADMITTED,
  ITEM_DRIFTED,
  ITEM_UNSEEN,
  SERVER_ADMITTED,
  SERVER_FLAG_BLOCK_TOOL,
  SERVER_INSTRUCTIONS_DRIFTED,
  SERVER_NOT_ADMITTED,
  SERVER_OFFSET_FLAGS,
  SERVER_OFFSET_ITEM_COUNT,
  SERVER_OFFSET_ITEM_FIRST,
  SERVER_OFFSET_NAME_AT,
  SERVER_OFFSET_NAME_SIZE,
  SERVER_REFUSED,
} from "../src/abi/layout";
import {
  VERDICT_ALLOWED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_TOOL_SMUGGLE,
  VERDICT_UNKNOWN_SERVER,
} from "../src/abi/verdict";
import { refreshVerdict, refreshVerdicts } from "./check";
import { detailRecord, digestsAt, isLoaded } from "./image";
import { digestBuffer, itemStates, padded, serverAt, serverStates } from "./memory";
import { findItem, namesAt, serverCount, serverRecord } from "./table";

/** Makes the id of `server` the one under consideration; returns its size. */
function selectServer(server: u32): u32 {
  const record = serverRecord(server);
  const size = load<u32>(record, SERVER_OFFSET_NAME_SIZE);
  const name = namesAt + usize(load<u32>(record, SERVER_OFFSET_NAME_AT));
  memory.copy(serverAt(size), name, usize(padded(size)));
  return size;
}

/** Forgets what was seen of `server`; what drifted stays drifted. */
export function beginAdmission(server: u32): void {
  if (!isLoaded || server >= serverCount) return;
  const record = serverRecord(server);
  const first = load<u32>(record, SERVER_OFFSET_ITEM_FIRST);
  const end = first + load<u32>(record, SERVER_OFFSET_ITEM_COUNT);
  for (let item = first; item < end; item++) {
    const state = itemStates + usize(item);
    if (load<u8>(state) != ITEM_DRIFTED) store<u8>(state, ITEM_UNSEEN);
  }
  const state = serverStates + usize(server);
  if (load<u8>(state) != SERVER_INSTRUCTIONS_DRIFTED) store<u8>(state, SERVER_NOT_ADMITTED);
  refreshVerdicts(server);
}

/**
 * Compares the digest in the digest buffer with the pins of (server, kind, name buffer).
 *
 * @returns VERDICT_ALLOWED, VERDICT_FINGERPRINT_DRIFT, VERDICT_TOOL_SMUGGLE (not pinned) or
 *   VERDICT_UNKNOWN_SERVER; `foundItem` is the item, or -1
 */
export function comparePins(server: u32, kind: u32, nameSize: u32): i32 {
  foundItem = -1;
  if (!isLoaded || server >= serverCount) return VERDICT_UNKNOWN_SERVER;
  foundItem = findItem(selectServer(server), kind, nameSize);
  if (foundItem < 0) return VERDICT_TOOL_SMUGGLE;
  const detail = detailRecord(u32(foundItem));
  const first = load<u32>(detail, DETAIL_OFFSET_DIGEST_FIRST);
  const count = load<u32>(detail, DETAIL_OFFSET_DIGEST_COUNT);
  for (let index: u32 = 0; index < count; index++) {
    const pinned = digestsAt + usize(first + index) * DIGEST_SIZE;
    if (memory.compare(pinned, digestBuffer, DIGEST_SIZE) == 0) return VERDICT_ALLOWED;
  }
  return VERDICT_FINGERPRINT_DRIFT;
}

/** The item of the last `comparePins`, or -1. */
let foundItem: i32 = -1;

/** As `comparePins`, and keeps the answer: an item that ever drifted is never admitted again. */
export function admitItem(server: u32, kind: u32, nameSize: u32): i32 {
  const verdict = comparePins(server, kind, nameSize);
  if (foundItem < 0) return verdict;
  const state = itemStates + usize(foundItem);
  if (load<u8>(state) == ITEM_DRIFTED) return VERDICT_FINGERPRINT_DRIFT;
  store<u8>(state, verdict == VERDICT_ALLOWED ? ITEM_ADMITTED : ITEM_DRIFTED);
  refreshVerdict(u32(foundItem));
  return verdict;
}

/** Marks an item as drifted without a digest: what an earlier process has seen. */
export function markDrifted(server: u32, kind: u32, nameSize: u32): i32 {
  if (comparePins(server, kind, nameSize) == VERDICT_UNKNOWN_SERVER || foundItem < 0) return 0;
  store<u8>(itemStates + usize(foundItem), ITEM_DRIFTED);
  refreshVerdict(u32(foundItem));
  return 1;
}

/** The server sent other instructions than the pinned ones. */
export function markInstructionsDrifted(server: u32): void {
  if (!isLoaded || server >= serverCount) return;
  const flags = load<u32>(serverRecord(server), SERVER_OFFSET_FLAGS);
  // with on_drift = "block-tool" the instructions are cut out and the tools stay callable
  if ((flags & SERVER_FLAG_BLOCK_TOOL) != 0) return;
  store<u8>(serverStates + usize(server), SERVER_INSTRUCTIONS_DRIFTED);
  refreshVerdicts(server);
}

/**
 * Ends the admission of `server`.
 *
 * @param smuggled 1 when the listing held anything that is not pinned or could not be read
 * @returns the server's state
 */
export function finishAdmission(server: u32, smuggled: i32): i32 {
  if (!isLoaded || server >= serverCount) return SERVER_NOT_ADMITTED;
  const state = serverStates + usize(server);
  if (load<u8>(state) == SERVER_INSTRUCTIONS_DRIFTED) return SERVER_INSTRUCTIONS_DRIFTED;
  const record = serverRecord(server);
  const blocksTool = (load<u32>(record, SERVER_OFFSET_FLAGS) & SERVER_FLAG_BLOCK_TOOL) != 0;
  const refused = !blocksTool && (smuggled != 0 || hasDriftedItem(record));
  store<u8>(state, refused ? SERVER_REFUSED : SERVER_ADMITTED);
  refreshVerdicts(server);
  return i32(load<u8>(state));
}

function hasDriftedItem(record: usize): bool {
  const first = load<u32>(record, SERVER_OFFSET_ITEM_FIRST);
  const end = first + load<u32>(record, SERVER_OFFSET_ITEM_COUNT);
  for (let item = first; item < end; item++) {
    if (load<u8>(itemStates + usize(item)) == ITEM_DRIFTED) return true;
  }
  return false;
}
