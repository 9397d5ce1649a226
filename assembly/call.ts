// The call that an input frame describes: the frame's shape, checked whole, and the records of the
// image that it points at. Everything the layers read is set here.
import {
  CONSENT_FLAGS_ALL,
  FRAME_VERSION,
  INPUT_FLAG_CAP,
  INPUT_FLAG_CONSENT,
  INPUT_FLAG_LEASE,
  INPUT_FLAG_SCOPE,
  INPUT_FLAGS_ALL,
  INPUT_MAGIC,
  INPUT_OFFSET_CAP,
  INPUT_OFFSET_CONSENT_FLAGS,
  INPUT_OFFSET_CONSENT_PRINCIPAL,
  INPUT_OFFSET_CONSENT_RESERVED,
  INPUT_OFFSET_CONSENT_SERVER,
  INPUT_OFFSET_FLAGS,
  INPUT_OFFSET_IMAGE,
  INPUT_OFFSET_ITEM,
  INPUT_OFFSET_LEASE_FLAGS,
  INPUT_OFFSET_LEASE_ID,
  INPUT_OFFSET_LEASE_ITEM,
  INPUT_OFFSET_LEASE_RESERVED,
  INPUT_OFFSET_LEASE_SERVER,
  INPUT_OFFSET_MAGIC,
  INPUT_OFFSET_NOW,
  INPUT_OFFSET_PRINCIPAL_ROW,
  INPUT_OFFSET_RESERVED,
  INPUT_OFFSET_RESERVED_BYTE,
  INPUT_OFFSET_SCOPE,
  INPUT_OFFSET_SERVER,
  INPUT_OFFSET_SIZE,
  INPUT_OFFSET_TAINT,
  INPUT_OFFSET_VERSION,
  INPUT_SIZE,
  LEASE_FLAGS_ALL,
} from "../src/abi/frame";
import {
  EFFECT_READ,
  HEADER_OFFSET_IMAGE_SHA256,
  ITEM_OFFSET_EFFECT,
  ITEM_OFFSET_SERVER,
} from "../src/abi/layout";
import { isLoaded } from "./image";
import { image, inputFrame } from "./memory";
import { principalCount } from "./policy-tables";
import { itemCount, itemRecord, serverCount } from "./table";

/** INPUT_FLAG_*. */
export let flags: u32 = 0;
/** ms since the epoch. */
export let now: u64 = 0;
/** Labels of the session. */
export let taint: u32 = 0;
/** Index in the image, or -1. */
export let server: i32 = -1;
/** Index in the image, or -1. */
export let item: i32 = -1;
/** Its record; only where `item` is not -1. */
export let itemAt: usize = 0;
/** Counted from 1; 0 = none. */
export let principalRow: u32 = 0;
/** Anything but a known read. */
export let isStateChanging: bool = true;

/** True when the 32 bytes at `a` and at `b` are the same. */
export function isSameDigest(a: usize, b: usize): bool {
  const low = v128.xor(v128.load(a), v128.load(b));
  const high = v128.xor(v128.load(a, 16), v128.load(b, 16));
  return !v128.any_true(v128.or(low, high));
}

/** True when the `size` bytes at `at`, a multiple of 4, are all zero. */
function isZero(at: usize, size: usize): bool {
  let seen: u32 = 0;
  for (let offset: usize = 0; offset < size; offset += 4) seen |= load<u32>(at + offset);
  return seen == 0;
}

export function hasFlag(flag: u32): bool {
  return (flags & flag) != 0;
}

/**
 * Checks the shape of the input frame and takes the call out of it; no image is needed for that.
 *
 * @returns false when the frame is not one of this version, or says anything in a place that its
 *   flags leave unused
 */
export function readCall(): bool {
  flags = load<u32>(inputFrame, INPUT_OFFSET_FLAGS);
  now = load<u64>(inputFrame, INPUT_OFFSET_NOW);
  taint = load<u32>(inputFrame, INPUT_OFFSET_TAINT);
  server = -1;
  item = -1;
  isStateChanging = true;
  return (
    load<u32>(inputFrame, INPUT_OFFSET_MAGIC) == INPUT_MAGIC &&
    load<u32>(inputFrame, INPUT_OFFSET_VERSION) == FRAME_VERSION &&
    load<u32>(inputFrame, INPUT_OFFSET_SIZE) == INPUT_SIZE &&
    (flags & ~INPUT_FLAGS_ALL) == 0 &&
    load<u8>(inputFrame, INPUT_OFFSET_RESERVED_BYTE) == 0 &&
    load<u32>(inputFrame, INPUT_OFFSET_RESERVED) == 0 &&
    load<u64>(inputFrame, INPUT_OFFSET_RESERVED + 4) == 0 &&
    load<u64>(inputFrame, INPUT_OFFSET_LEASE_RESERVED) == 0 &&
    load<u64>(inputFrame, INPUT_OFFSET_CONSENT_RESERVED) == 0 &&
    (load<u32>(inputFrame, INPUT_OFFSET_LEASE_FLAGS) & ~LEASE_FLAGS_ALL) == 0 &&
    (load<u32>(inputFrame, INPUT_OFFSET_CONSENT_FLAGS) & ~CONSENT_FLAGS_ALL) == 0 &&
    areUnusedAreasZero()
  );
}

/** An area of the frame that its flag alone lets be used: flag, start, end; i32 each. */
const AREA_SIZE: usize = 12;
const AREA_COUNT: usize = 4;
// biome-ignore format: a table
const areas: usize = memory.data<i32>([
  INPUT_FLAG_SCOPE, INPUT_OFFSET_SCOPE, INPUT_OFFSET_CAP,
  INPUT_FLAG_CAP, INPUT_OFFSET_CAP, INPUT_OFFSET_IMAGE,
  INPUT_FLAG_LEASE, INPUT_OFFSET_LEASE_ID, INPUT_OFFSET_CONSENT_PRINCIPAL,
  INPUT_FLAG_CONSENT, INPUT_OFFSET_CONSENT_PRINCIPAL, INPUT_SIZE,
]);

/** What is not used says nothing, so that one call has one frame. */
function areUnusedAreasZero(): bool {
  for (let index: usize = 0; index < AREA_COUNT; index++) {
    const area = areas + index * AREA_SIZE;
    const start = load<u32>(area, 4);
    const end = load<u32>(area, 8);
    if (hasFlag(load<u32>(area))) continue;
    if (!isZero(inputFrame + usize(start), usize(end - start))) return false;
  }
  return true;
}

/** The frame was made for the image that is loaded; else no index in it means anything. */
export function isForImage(): bool {
  const named = inputFrame + INPUT_OFFSET_IMAGE;
  return isLoaded && isSameDigest(named, image + HEADER_OFFSET_IMAGE_SHA256);
}

/**
 * Looks up what the frame's indices name.
 *
 * @returns false when one is out of range, or an item is not of its server
 */
export function openCall(): bool {
  const namedServer = load<i32>(inputFrame, INPUT_OFFSET_SERVER);
  const namedItem = load<i32>(inputFrame, INPUT_OFFSET_ITEM);
  principalRow = load<u32>(inputFrame, INPUT_OFFSET_PRINCIPAL_ROW);
  if (principalRow > principalCount || !isPair(namedServer, namedItem)) return false;
  // WHY: an area without its flag is all zeros, and 0 is no index where the first server pins nothing
  const leaseServer = load<i32>(inputFrame, INPUT_OFFSET_LEASE_SERVER);
  const leaseItem = load<i32>(inputFrame, INPUT_OFFSET_LEASE_ITEM);
  if (hasFlag(INPUT_FLAG_LEASE) && !isPair(leaseServer, leaseItem)) return false;
  const consentServer = load<i32>(inputFrame, INPUT_OFFSET_CONSENT_SERVER);
  if (hasFlag(INPUT_FLAG_CONSENT) && !isPair(consentServer, -1)) return false;
  server = namedServer;
  item = namedItem;
  if (item < 0) return true;
  itemAt = itemRecord(u32(item));
  isStateChanging = load<u8>(itemAt, ITEM_OFFSET_EFFECT) != EFFECT_READ;
  return true;
}

/** Each is an index or -1, and the item is one of the server's. */
function isPair(ofServer: i32, ofItem: i32): bool {
  if (ofServer < -1 || ofServer >= i32(serverCount)) return false;
  if (ofItem < -1 || ofItem >= i32(itemCount)) return false;
  return ofItem < 0 || load<i32>(itemRecord(u32(ofItem)), ITEM_OFFSET_SERVER) == ofServer;
}
