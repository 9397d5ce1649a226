// Lookup in the image: SipHash, a bounded probe, one full compare of names.
//
//   hash = SipHash-1-3(server, kind, name)      low half: first slot      high half: tag
//   slot (8 bytes): tag u32 | record u32        0 = empty, item + 1, SLOT_SERVER_BIT | server
//
// INVARIANT (checked when the image is loaded): every record is within LIMIT_PROBE slots of its
// first one, and no two tags within LIMIT_PROBE slots are equal. So a lookup costs at most
// LIMIT_PROBE tag compares and one name compare, whatever the name.
import {
  HEADER_OFFSET_HASH_KEY,
  ITEM_NAME_INLINE_SIZE,
  ITEM_OFFSET_KIND,
  ITEM_OFFSET_NAME,
  ITEM_OFFSET_NAME_AT,
  ITEM_OFFSET_NAME_SIZE,
  ITEM_OFFSET_SERVER,
  ITEM_SIZE,
  KIND_SERVER,
  SERVER_OFFSET_NAME_AT,
  SERVER_OFFSET_NAME_SIZE,
  SERVER_SIZE,
  SLOT_OFFSET_RECORD,
  SLOT_OFFSET_TAG,
  SLOT_SERVER_BIT,
  SLOT_SIZE,
} from "../src/abi/layout";
import { LIMIT_PROBE } from "../src/abi/limits";
import { image, nameBuffer, serverAt } from "./memory";
import { hashName, hashPair, hashServer } from "./siphash";

export let serversAt: usize = 0;
export let serverCount: u32 = 0;
export let itemsAt: usize = 0;
export let itemCount: u32 = 0;
export let namesAt: usize = 0;
export let indexAt: usize = 0;
export let slotMask: u32 = 0;
let key0: u64 = 0;
let key1: u64 = 0;

/** Points the lookup at the tables of the image in memory. Offsets are from the image's start. */
export function openTables(
  servers: u32,
  serversOffset: u32,
  items: u32,
  itemsOffset: u32,
  namesOffset: u32,
  slots: u32,
  indexOffset: u32,
): void {
  serverCount = servers;
  serversAt = image + usize(serversOffset);
  itemCount = items;
  itemsAt = image + usize(itemsOffset);
  namesAt = image + usize(namesOffset);
  slotMask = slots - 1;
  indexAt = image + usize(indexOffset);
  key0 = load<u64>(image, HEADER_OFFSET_HASH_KEY);
  key1 = load<u64>(image, HEADER_OFFSET_HASH_KEY + 8);
}

export function itemRecord(item: u32): usize {
  return itemsAt + usize(item) * ITEM_SIZE;
}

export function itemNameSize(item: usize): u32 {
  return u32(load<u16>(item, ITEM_OFFSET_NAME_SIZE));
}

/** Address of the item's name: a short one stands in the record itself. */
export function itemName(item: usize): usize {
  // WHY: one cache line less for every check; most names have fewer than 32 bytes
  return itemNameSize(item) <= u32(ITEM_NAME_INLINE_SIZE)
    ? item + ITEM_OFFSET_NAME
    : namesAt + usize(load<u32>(item, ITEM_OFFSET_NAME_AT));
}

export function serverRecord(server: u32): usize {
  return serversAt + usize(server) * SERVER_SIZE;
}

/** Hash of the names at `server` and `name`. */
function hashNames(server: usize, serverSize: u32, kind: u32, name: usize, nameSize: u32): u64 {
  hashServer(key0, key1, server, serverSize);
  return hashName(name, nameSize, serverSize, kind);
}

/** Hash of the names in the buffers, which the host may compare with its own. */
export function hashBuffers(serverSize: u32, kind: u32, nameSize: u32): u64 {
  return hashPair(key0, key1, serverSize, kind, nameSize);
}

/** Compares two names of the same size. Reads up to 31 bytes behind each. */
function sameName(a: usize, b: usize, size: u32): bool {
  // WHY: blocks of 32 with the end masked: hardly any name takes a second one, and a loop whose
  // count changes from name to name is mispredicted
  const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (let offset: u32 = 0; offset < size; offset += 32) {
    const left = i8x16.splat(i8(min<u32>(size - offset, 32)));
    const low = v128.and(differences(a, b, offset), i8x16.lt_u(places, left));
    const highPlaces = i8x16.add(places, i8x16.splat(16));
    const high = v128.and(differences(a, b, offset + 16), i8x16.lt_u(highPlaces, left));
    if (v128.any_true(v128.or(low, high))) return false;
  }
  return true;
}

function differences(a: usize, b: usize, offset: u32): v128 {
  return v128.xor(v128.load(a + usize(offset)), v128.load(b + usize(offset)));
}

function recordAt(slot: u32): u32 {
  return load<u32>(indexAt + usize(slot & slotMask) * SLOT_SIZE, SLOT_OFFSET_RECORD);
}

function tagAt(slot: u32): u32 {
  return load<u32>(indexAt + usize(slot & slotMask) * SLOT_SIZE, SLOT_OFFSET_TAG);
}

/** Record of the slot in the window of `hash` that carries its tag, or 0. */
function probe(hash: u64): u32 {
  const tag = u32(hash >> 32);
  const first = u32(hash);
  for (let step: u32 = 0; step < u32(LIMIT_PROBE); step++) {
    const slot = load<u64>(indexAt + usize((first + step) & slotMask) * SLOT_SIZE);
    const record = u32(slot >> 32);
    if (record == 0) return 0;
    if (u32(slot) == tag) return record;
  }
  return 0;
}

function isServer(server: u32, name: usize, size: u32): bool {
  const record = serverRecord(server);
  if (load<u32>(record, SERVER_OFFSET_NAME_SIZE) != size) return false;
  return sameName(namesAt + usize(load<u32>(record, SERVER_OFFSET_NAME_AT)), name, size);
}

/** Index of the server whose id is in the server buffer, or -1. */
export function findServer(serverSize: u32): i32 {
  const at = serverAt(serverSize);
  const record = probe(hashNames(at, serverSize, KIND_SERVER, at, 0));
  if ((record & SLOT_SERVER_BIT) == 0) return -1;
  const server = record ^ SLOT_SERVER_BIT;
  return isServer(server, at, serverSize) ? i32(server) : -1;
}

/** Item whose slot carries the tag of `hash`, when kind and name (in the name buffer) are its. */
function findNamed(hash: u64, kind: u32, nameSize: u32): i32 {
  const record = probe(hash);
  if (record == 0 || (record & SLOT_SERVER_BIT) != 0) return -1;
  const item = itemRecord(record - 1);
  if (itemNameSize(item) != nameSize || u32(load<u8>(item, ITEM_OFFSET_KIND)) != kind) return -1;
  return sameName(itemName(item), nameBuffer, nameSize) ? i32(record - 1) : -1;
}

/** Index of the item of `server` (kind, name in the name buffer) with this hash, or -1. */
export function findHashedBound(hash: u64, server: u32, kind: u32, nameSize: u32): i32 {
  const item = findNamed(hash, kind, nameSize);
  if (item < 0) return -1;
  return load<u32>(itemRecord(u32(item)), ITEM_OFFSET_SERVER) == server ? item : -1;
}

/** Index of the item (server id in the server buffer, kind, name in the name buffer), or -1. */
export function findItem(serverSize: u32, kind: u32, nameSize: u32): i32 {
  const item = findNamed(hashBuffers(serverSize, kind, nameSize), kind, nameSize);
  if (item < 0) return -1;
  const server = load<u32>(itemRecord(u32(item)), ITEM_OFFSET_SERVER);
  return isServer(server, serverAt(serverSize), serverSize) ? item : -1;
}

// ---- building and validating the index -------------------------------------------------------

function hashOfItem(item: u32): u64 {
  const record = itemRecord(item);
  const server = serverRecord(load<u32>(record, ITEM_OFFSET_SERVER));
  return hashNames(
    namesAt + usize(load<u32>(server, SERVER_OFFSET_NAME_AT)),
    load<u32>(server, SERVER_OFFSET_NAME_SIZE),
    u32(load<u8>(record, ITEM_OFFSET_KIND)),
    itemName(record),
    itemNameSize(record),
  );
}

function hashOfServer(server: u32): u64 {
  const record = serverRecord(server);
  const name = namesAt + usize(load<u32>(record, SERVER_OFFSET_NAME_AT));
  return hashNames(name, load<u32>(record, SERVER_OFFSET_NAME_SIZE), KIND_SERVER, name, 0);
}

function hashOfRecord(record: u32): u64 {
  const isServerRecord = (record & SLOT_SERVER_BIT) != 0;
  return isServerRecord ? hashOfServer(record ^ SLOT_SERVER_BIT) : hashOfItem(record - 1);
}

/**
 * Puts a record into the index; a record that is nearer to its first slot makes room for one that
 * is farther from its own ("Robin Hood hashing", Celis 1986), which keeps the longest probe short.
 *
 * @returns false when a record would be LIMIT_PROBE slots or more from its first one
 */
function insert(hash: u64, record: u32): bool {
  let movingHash = hash;
  let moving = record;
  let step: u32 = 0;
  while (step < u32(LIMIT_PROBE)) {
    const place = u32(movingHash) + step;
    const slot = indexAt + usize(place & slotMask) * SLOT_SIZE;
    const held = load<u32>(slot, SLOT_OFFSET_RECORD);
    const heldHash = held == 0 ? movingHash : hashOfRecord(held);
    const heldStep: u32 = held == 0 ? 0 : (place - u32(heldHash)) & slotMask;
    if (held == 0 || heldStep < step) {
      store<u32>(slot, u32(movingHash >> 32), SLOT_OFFSET_TAG);
      store<u32>(slot, moving, SLOT_OFFSET_RECORD);
      if (held == 0) return true;
      movingHash = heldHash;
      moving = held;
      step = heldStep;
    }
    step += 1;
  }
  return false;
}

/**
 * Fills the index, whose slots are all zero, with every server and item.
 *
 * @returns the longest probe (1 for an empty catalog), or 0 when this key does not keep the bound
 */
export function fillIndex(): u32 {
  for (let server: u32 = 0; server < serverCount; server++) {
    if (!insert(hashOfServer(server), SLOT_SERVER_BIT | server)) return 0;
  }
  for (let item: u32 = 0; item < itemCount; item++) {
    if (!insert(hashOfItem(item), item + 1)) return 0;
  }
  return hasDistinctTags() ? longestProbe() : 0;
}

/** Longest way from a record's first slot to its own, counted from 1; 0 when one is not there. */
function longestProbe(): u32 {
  let longest: u32 = 1;
  for (let server: u32 = 0; server < serverCount; server++) {
    const steps = stepsTo(hashOfServer(server), SLOT_SERVER_BIT | server);
    if (steps == 0) return 0;
    if (steps > longest) longest = steps;
  }
  for (let item: u32 = 0; item < itemCount; item++) {
    const steps = stepsTo(hashOfItem(item), item + 1);
    if (steps == 0) return 0;
    if (steps > longest) longest = steps;
  }
  return longest;
}

/** No two slots within a probe's reach of each other have the same tag. */
function hasDistinctTags(): bool {
  for (let slot: u32 = 0; slot <= slotMask; slot++) {
    if (recordAt(slot) == 0) continue;
    const tag = tagAt(slot);
    for (let step: u32 = 1; step < u32(LIMIT_PROBE); step++) {
      if (recordAt(slot + step) != 0 && tagAt(slot + step) == tag) return false;
    }
  }
  return true;
}

/** Steps from the first slot of `hash` to the slot that holds `record`, counted from 1, or 0. */
function stepsTo(hash: u64, record: u32): u32 {
  for (let step: u32 = 0; step < u32(LIMIT_PROBE); step++) {
    const found = recordAt(u32(hash) + step);
    if (found == 0) return 0;
    if (found == record) return tagAt(u32(hash) + step) == u32(hash >> 32) ? step + 1 : 0;
  }
  return 0;
}

/** True when the index holds every server and item, nothing else, and keeps the bound. */
export function isIndexSound(probeMax: u32): bool {
  let used: u32 = 0;
  for (let slot: u32 = 0; slot <= slotMask; slot++) {
    if (recordAt(slot) != 0) used += 1;
    else if (tagAt(slot) != 0) return false;
  }
  if (used != serverCount + itemCount || !hasDistinctTags()) return false;
  return longestProbe() == probeMax;
}
