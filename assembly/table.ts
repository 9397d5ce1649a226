// Lookup in the image: a hash, one displacement, one slot, one full compare of names.
//
//   hash         = of (server, kind, name): name-hash.ts     low, high: its halves
//   displacement = displacements[low * buckets >> 32]
//   slot         = (high + displacement * (low | 1)) mod 2^32 * slots >> 32
//
// The displacements are chosen when the image is compiled, so that every record has a slot of its own
// ("hash, displace and compress", Belazzougui, Botelho and Dietzfelbinger 2009): a probe is always 1.
//
// INVARIANT (checked when the image is loaded): the slot of every record's hash holds that record.
//
// WHY: 5 bytes of index a record instead of 26 for open addressing that keeps the probe at 8, and no
// tag: in a cache that others use as well, a check costs one line, the item's own.
import {
  DISPLACEMENT_MAX,
  DISPLACEMENT_SIZE,
  HEADER_OFFSET_HASH_KEY,
  INDEX_BUCKET_RECORDS,
  INDEX_SPARE_RECORDS,
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
  SLOT_SERVER_BIT,
  SLOT_SIZE,
} from "../src/abi/layout";
import { image, input, inputCapacity, nameBuffer, serverAt } from "./memory";
import { hashBehind, hashPair, serverSum, setHashKey } from "./name-hash";

export let serversAt: usize = 0;
export let serverCount: u32 = 0;
export let itemsAt: usize = 0;
export let itemCount: u32 = 0;
export let namesAt: usize = 0;
let displacementsAt: usize = 0;
let bucketCount: u32 = 0;
let slotsAt: usize = 0;
let slotCount: u32 = 0;

function bucketsFor(records: u32): u32 {
  return records / INDEX_BUCKET_RECORDS + 1;
}

/** Slots of the index of an image with so many records. */
export function slotsFor(records: u32): u32 {
  return records + records / INDEX_SPARE_RECORDS + 1;
}

function displacementsSize(buckets: u32): u32 {
  return (buckets * DISPLACEMENT_SIZE + 3) & ~3;
}

/** Bytes of the index of an image with so many records. */
export function indexSizeFor(records: u32): u64 {
  return u64(displacementsSize(bucketsFor(records))) + u64(slotsFor(records)) * SLOT_SIZE;
}

/** Points the lookup at the tables of the image in memory. Offsets are from the image's start. */
export function openTables(
  servers: u32,
  serversOffset: u32,
  items: u32,
  itemsOffset: u32,
  namesOffset: u32,
  indexOffset: u32,
): void {
  serverCount = servers;
  serversAt = image + usize(serversOffset);
  itemCount = items;
  itemsAt = image + usize(itemsOffset);
  namesAt = image + usize(namesOffset);
  bucketCount = bucketsFor(servers + items);
  slotCount = slotsFor(servers + items);
  displacementsAt = image + usize(indexOffset);
  slotsAt = displacementsAt + usize(displacementsSize(bucketCount));
  setHashKey(
    load<u64>(image, HEADER_OFFSET_HASH_KEY),
    load<u64>(image, HEADER_OFFSET_HASH_KEY + 8),
  );
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
  return hashBehind(serverSum(server, serverSize), serverSize, kind, name, nameSize);
}

/** Hash of the names in the buffers, which the host may compare with its own. */
export function hashBuffers(serverSize: u32, kind: u32, nameSize: u32): u64 {
  return hashPair(serverSize, kind, nameSize);
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

function bucketOf(hash: u64): u32 {
  return u32((u64(u32(hash)) * u64(bucketCount)) >> 32);
}

/** Address of the slot of `hash` under a displacement. */
function slotAt(hash: u64, displacement: u32): usize {
  const place = u32(hash >> 32) + displacement * (u32(hash) | 1);
  return slotsAt + usize((u64(place) * u64(slotCount)) >> 32) * SLOT_SIZE;
}

/** Record in the slot of `hash`, or 0. It may be the record of any other name. */
function probe(hash: u64): u32 {
  const displacement = displacementsAt + usize(bucketOf(hash)) * DISPLACEMENT_SIZE;
  return load<u32>(slotAt(hash, u32(load<u16>(displacement))));
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

/** Item in the slot of `hash`, when kind and name (in the name buffer) are its. */
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

/** Record `index` of all: the servers, then the items. */
function recordOf(index: u32): u32 {
  return index < serverCount ? SLOT_SERVER_BIT | index : index - serverCount + 1;
}

// While the index is filled, the input region holds what is known of each record and bucket:
//
//   hash u64 x records | next record of the same bucket u32 x records | bucket u64 x buckets
//
// A bucket is its number of records u32 and its first record u32; a record is an index + 1, 0 = none.
let nextsAt: usize = 0;
let bucketsAt: usize = 0;

function recordHash(index: u32): u64 {
  return load<u64>(input + usize(index) * 8);
}

/**
 * Fills the index, whose bytes are all zero, with every server and item. Writes the input region.
 *
 * @returns false when this key leaves a bucket without a displacement, or the region is too small
 */
export function fillIndex(): bool {
  const records = serverCount + itemCount;
  nextsAt = input + usize(records) * 8;
  bucketsAt = nextsAt + usize((records + 1) & ~1) * 4;
  const bucketsEnd = bucketsAt + usize(bucketCount) * 8;
  if (bucketsEnd > input + inputCapacity) return false;
  memory.fill(bucketsAt, 0, bucketsEnd - bucketsAt);
  let largest: u32 = 0;
  for (let index: u32 = 0; index < records; index++) largest = max<u32>(largest, chain(index));
  // the fullest buckets first, while there is room
  for (let size = largest; size > 0; size--) {
    for (let bucket: u32 = 0; bucket < bucketCount; bucket++) {
      if (load<u32>(bucketsAt + usize(bucket) * 8) == size && !placeBucket(bucket)) return false;
    }
  }
  return true;
}

/** Puts a record into the chain of its bucket; returns how many are there now. */
function chain(index: u32): u32 {
  const hash = hashOfRecord(recordOf(index));
  store<u64>(input + usize(index) * 8, hash);
  const bucket = bucketsAt + usize(bucketOf(hash)) * 8;
  const count = load<u32>(bucket) + 1;
  store<u32>(nextsAt + usize(index) * 4, load<u32>(bucket, 4));
  store<u32>(bucket, count);
  store<u32>(bucket, index + 1, 4);
  return count;
}

/** Finds the smallest displacement under which all records of the bucket have a free slot. */
function placeBucket(bucket: u32): bool {
  const first = load<u32>(bucketsAt + usize(bucket) * 8, 4);
  for (let displacement: u32 = 0; displacement <= u32(DISPLACEMENT_MAX); displacement++) {
    const stop = placeRecords(first, displacement);
    if (stop == 0) {
      store<u16>(displacementsAt + usize(bucket) * DISPLACEMENT_SIZE, u16(displacement));
      return true;
    }
    clearRecords(first, stop, displacement);
  }
  return false;
}

/** Fills the slots of a chain up to the first that is taken: that record, or 0 when none is. */
function placeRecords(first: u32, displacement: u32): u32 {
  for (let next = first; next != 0; next = load<u32>(nextsAt + usize(next - 1) * 4)) {
    const slot = slotAt(recordHash(next - 1), displacement);
    if (load<u32>(slot) != 0) return next;
    store<u32>(slot, recordOf(next - 1));
  }
  return 0;
}

/** Empties the slots of a chain up to `stop`. */
function clearRecords(first: u32, stop: u32, displacement: u32): void {
  for (let next = first; next != stop; next = load<u32>(nextsAt + usize(next - 1) * 4)) {
    store<u32>(slotAt(recordHash(next - 1), displacement), 0);
  }
}

/** True when the slot of every server's and item's hash holds it, and all other slots are empty. */
export function isIndexSound(): bool {
  let used: u32 = 0;
  for (let slot: u32 = 0; slot < slotCount; slot++) {
    if (load<u32>(slotsAt + usize(slot) * SLOT_SIZE) != 0) used += 1;
  }
  const records = serverCount + itemCount;
  for (let index: u32 = 0; index < records; index++) {
    const record = recordOf(index);
    if (probe(hashOfRecord(record)) != record) return false;
  }
  return used == records;
}
