// One-time validation of an image. Everything the other files read without a bounds check is
// established here: after `loadImage` returned IMAGE_OK every offset, count and order holds.
import {
  DETAIL_OFFSET_DIGEST_COUNT,
  DETAIL_OFFSET_DIGEST_FIRST,
  DETAIL_SIZE,
  DIGEST_SIZE,
  EFFECT_EXTERNAL,
  EFFECT_READ,
  HEADER_OFFSET_ABI_VERSION,
  HEADER_OFFSET_DETAILS_AT,
  HEADER_OFFSET_DIGEST_COUNT,
  HEADER_OFFSET_DIGESTS_AT,
  HEADER_OFFSET_EXPIRES_MS,
  HEADER_OFFSET_IMAGE_SHA256,
  HEADER_OFFSET_INDEX_AT,
  HEADER_OFFSET_ITEM_COUNT,
  HEADER_OFFSET_ITEMS_AT,
  HEADER_OFFSET_MAGIC,
  HEADER_OFFSET_NAMES_AT,
  HEADER_OFFSET_NAMES_SIZE,
  HEADER_OFFSET_PROBE_MAX,
  HEADER_OFFSET_SERVER_COUNT,
  HEADER_OFFSET_SERVERS_AT,
  HEADER_OFFSET_SLOT_COUNT,
  HEADER_OFFSET_TOTAL_SIZE,
  HEADER_SIZE,
  IMAGE_ABI_VERSION,
  IMAGE_BAD_ABI,
  IMAGE_BAD_DIGEST,
  IMAGE_BAD_INDEX,
  IMAGE_BAD_ITEM,
  IMAGE_BAD_LAYOUT,
  IMAGE_BAD_MAGIC,
  IMAGE_BAD_PRINCIPAL,
  IMAGE_BAD_RULE,
  IMAGE_BAD_SERVER,
  IMAGE_MAGIC,
  IMAGE_OK,
  IMAGE_TOO_SMALL,
  ITEM_FLAG_SERVER_UNVERIFIED,
  ITEM_FLAGS_ALL,
  ITEM_NAME_INLINE_SIZE,
  ITEM_OFFSET_EFFECT,
  ITEM_OFFSET_FLAGS,
  ITEM_OFFSET_KIND,
  ITEM_OFFSET_NAME,
  ITEM_OFFSET_NAME_AT,
  ITEM_OFFSET_RESERVED,
  ITEM_OFFSET_SCOPE,
  ITEM_OFFSET_SERVER,
  ITEM_SIZE,
  KIND_PROMPT,
  KIND_RESOURCE_TEMPLATE,
  KIND_TOOL,
  SERVER_FLAG_OPERATOR_VERIFIED,
  SERVER_FLAGS_ALL,
  SERVER_OFFSET_FLAGS,
  SERVER_OFFSET_ITEM_COUNT,
  SERVER_OFFSET_ITEM_FIRST,
  SERVER_OFFSET_NAME_AT,
  SERVER_OFFSET_NAME_SIZE,
  SERVER_OFFSET_RESERVED,
  SERVER_OFFSET_TEMPLATE_COUNT,
  SERVER_OFFSET_TEMPLATE_FIRST,
  SERVER_SIZE,
} from "../src/abi/layout";
import {
  LIMIT_IMAGE_ITEMS,
  LIMIT_NAME_BYTES,
  LIMIT_SERVER_ID_BYTES,
  LIMIT_SERVERS,
  LIMIT_URI_BYTES,
} from "../src/abi/limits";
import { VERDICT_SERVER_NOT_ADMITTED } from "../src/abi/verdict";
import {
  alignSection,
  image,
  imageCapacity,
  itemStates,
  itemVerdicts,
  serverStates,
} from "./memory";
import { arePrincipalsSound, areRulesSound, openPolicy } from "./policy-tables";
import { sha256Final, sha256Init, sha256Update } from "./sha256";
import {
  indexSizeFor,
  isIndexSound,
  itemCount,
  itemName,
  itemNameSize,
  itemRecord,
  namesAt,
  openTables,
  serverCount,
  serverRecord,
  slotsFor,
} from "./table";

/** An image was validated; nothing is decided before. */
export let isLoaded: bool = false;
/** ms since the epoch; 0 before an image was validated, so that every time is too late. */
export let expiresMs: u64 = 0;
export let digestsAt: usize = 0;
let detailsAt: usize = 0;
let digestCount: u32 = 0;
let namesSize: u32 = 0;

const computed: usize = memory.data(32, 16);
const zeros: usize = memory.data(32, 16);

/** What is known of an item beside its record. */
export function detailRecord(item: u32): usize {
  return detailsAt + usize(item) * DETAIL_SIZE;
}

function header(offset: usize): u32 {
  return load<u32>(image + offset);
}

/**
 * Validates the image of `size` bytes in the image region, once, and opens it.
 *
 * @returns IMAGE_OK, or why it is refused; then nothing is callable
 */
export function loadImage(size: u32): i32 {
  if (isLoaded) return IMAGE_BAD_LAYOUT;
  const opened = openImage(size);
  if (opened != IMAGE_OK) return opened;
  if (!digestZeroed(image, size, HEADER_OFFSET_IMAGE_SHA256)) return IMAGE_BAD_DIGEST;
  if (!areServersSound()) return IMAGE_BAD_SERVER;
  if (!areItemsSound()) return IMAGE_BAD_ITEM;
  if (!arePrincipalsSound()) return IMAGE_BAD_PRINCIPAL;
  if (!areRulesSound()) return IMAGE_BAD_RULE;
  if (header(HEADER_OFFSET_PROBE_MAX) != 1 || !isIndexSound()) return IMAGE_BAD_INDEX;
  memory.fill(itemStates, 0, usize(itemCount));
  memory.fill(itemVerdicts, u8(VERDICT_SERVER_NOT_ADMITTED), usize(itemCount));
  memory.fill(serverStates, 0, usize(serverCount));
  expiresMs = load<u64>(image, HEADER_OFFSET_EXPIRES_MS);
  isLoaded = true;
  return IMAGE_OK;
}

/** Checks header and sections, and points the tables at them; also used while building. */
export function openImage(size: u32): i32 {
  if (size < u32(HEADER_SIZE) || usize(size) > imageCapacity) return IMAGE_TOO_SMALL;
  if (header(HEADER_OFFSET_MAGIC) != IMAGE_MAGIC) return IMAGE_BAD_MAGIC;
  if (header(HEADER_OFFSET_ABI_VERSION) != IMAGE_ABI_VERSION) return IMAGE_BAD_ABI;
  const servers = header(HEADER_OFFSET_SERVER_COUNT);
  const items = header(HEADER_OFFSET_ITEM_COUNT);
  const slots = header(HEADER_OFFSET_SLOT_COUNT);
  digestCount = header(HEADER_OFFSET_DIGEST_COUNT);
  namesSize = header(HEADER_OFFSET_NAMES_SIZE);
  if (servers > u32(LIMIT_SERVERS) || items > u32(LIMIT_IMAGE_ITEMS)) return IMAGE_BAD_LAYOUT;
  if (slots != slotsFor(servers + items)) return IMAGE_BAD_LAYOUT;
  // every section starts where the one before it ends: no overlap, no gap, no second layout
  let at = alignSection(HEADER_SIZE);
  if (u64(header(HEADER_OFFSET_SERVERS_AT)) != at) return IMAGE_BAD_LAYOUT;
  at = alignSection(at + u64(servers) * SERVER_SIZE);
  if (u64(header(HEADER_OFFSET_ITEMS_AT)) != at) return IMAGE_BAD_LAYOUT;
  at = alignSection(at + u64(items) * ITEM_SIZE);
  if (u64(header(HEADER_OFFSET_DETAILS_AT)) != at) return IMAGE_BAD_LAYOUT;
  at = alignSection(at + u64(items) * DETAIL_SIZE);
  if (u64(header(HEADER_OFFSET_DIGESTS_AT)) != at) return IMAGE_BAD_LAYOUT;
  at = alignSection(at + u64(digestCount) * DIGEST_SIZE);
  if (u64(header(HEADER_OFFSET_NAMES_AT)) != at) return IMAGE_BAD_LAYOUT;
  at = openPolicy(alignSection(at + u64(namesSize)));
  if (at == 0 || u64(header(HEADER_OFFSET_INDEX_AT)) != at) return IMAGE_BAD_LAYOUT;
  at += indexSizeFor(servers + items);
  if (at != u64(size) || header(HEADER_OFFSET_TOTAL_SIZE) != size) return IMAGE_BAD_LAYOUT;
  detailsAt = image + usize(header(HEADER_OFFSET_DETAILS_AT));
  digestsAt = image + usize(header(HEADER_OFFSET_DIGESTS_AT));
  openTables(
    servers,
    header(HEADER_OFFSET_SERVERS_AT),
    items,
    header(HEADER_OFFSET_ITEMS_AT),
    header(HEADER_OFFSET_NAMES_AT),
    header(HEADER_OFFSET_INDEX_AT),
  );
  return IMAGE_OK;
}

/** SHA-256 of the image with its digest field zeroed, at `out`. */
export function digestImage(size: u32, out: usize): void {
  digestAround(image, size, HEADER_OFFSET_IMAGE_SHA256, out);
}

/** SHA-256 of `size` bytes at `start`, the digest at `offset` in them taken as zeros. */
function digestAround(start: usize, size: u32, offset: i32, out: usize): void {
  const behind = offset + DIGEST_SIZE;
  sha256Init();
  sha256Update(start, offset);
  sha256Update(zeros, DIGEST_SIZE);
  sha256Update(start + behind, i32(size) - behind);
  sha256Final(out);
}

/** True when the digest at `offset` is that of the whole, itself taken as zeros. */
export function digestZeroed(start: usize, size: u32, offset: i32): bool {
  digestAround(start, size, offset, computed);
  return memory.compare(computed, start + offset, DIGEST_SIZE) == 0;
}

/** A name lies in the pool, is not empty, not too long, and its last word is zero-padded. */
function isNameSound(at: u32, size: u32, sizeMax: u32): bool {
  if (size == 0 || size > sizeMax || (at & 7) != 0) return false;
  const padded = u64(at) + ((u64(size) + 7) & ~u64(7));
  if (padded > u64(namesSize)) return false;
  for (let offset = usize(at) + usize(size); offset < usize(padded); offset++) {
    if (load<u8>(namesAt + offset) != 0) return false;
  }
  return true;
}

/** Bytewise order of two names: negative, 0, positive. */
function compareNames(a: usize, aSize: u32, b: usize, bSize: u32): i32 {
  const order = memory.compare(a, b, usize(min(aSize, bSize)));
  return order != 0 ? order : i32(aSize) - i32(bSize);
}

function areServersSound(): bool {
  let nextItem: u32 = 0;
  for (let server: u32 = 0; server < serverCount; server++) {
    const record = serverRecord(server);
    const at = load<u32>(record, SERVER_OFFSET_NAME_AT);
    const size = load<u32>(record, SERVER_OFFSET_NAME_SIZE);
    if (!isNameSound(at, size, LIMIT_SERVER_ID_BYTES)) return false;
    if ((load<u32>(record, SERVER_OFFSET_FLAGS) & ~SERVER_FLAGS_ALL) != 0) return false;
    if (load<u32>(record, SERVER_OFFSET_RESERVED) != 0) return false;
    if (load<u32>(record, SERVER_OFFSET_ITEM_FIRST) != nextItem) return false;
    const count = load<u32>(record, SERVER_OFFSET_ITEM_COUNT);
    if (count > itemCount - nextItem) return false;
    const templates = load<u32>(record, SERVER_OFFSET_TEMPLATE_COUNT);
    // templates are the last kind, so they end the server's items
    if (templates > count) return false;
    if (load<u32>(record, SERVER_OFFSET_TEMPLATE_FIRST) != nextItem + count - templates) {
      return false;
    }
    nextItem += count;
    if (server == 0) continue;
    const before = serverRecord(server - 1);
    const beforeName = namesAt + usize(load<u32>(before, SERVER_OFFSET_NAME_AT));
    const beforeSize = load<u32>(before, SERVER_OFFSET_NAME_SIZE);
    if (compareNames(beforeName, beforeSize, namesAt + usize(at), size) >= 0) return false;
  }
  return nextItem == itemCount;
}

function areItemsSound(): bool {
  let item: u32 = 0;
  for (let server: u32 = 0; server < serverCount; server++) {
    const owner = serverRecord(server);
    const first = load<u32>(owner, SERVER_OFFSET_ITEM_FIRST);
    const end = first + load<u32>(owner, SERVER_OFFSET_ITEM_COUNT);
    const templateFirst = load<u32>(owner, SERVER_OFFSET_TEMPLATE_FIRST);
    const isVerified = (load<u32>(owner, SERVER_OFFSET_FLAGS) & SERVER_FLAG_OPERATOR_VERIFIED) != 0;
    for (; item < end; item++) {
      const record = itemRecord(item);
      if (load<u32>(record, ITEM_OFFSET_SERVER) != server || !isItemSound(record)) return false;
      if (!isDetailSound(detailRecord(item))) return false;
      const kind = u32(load<u8>(record, ITEM_OFFSET_KIND));
      if ((kind == KIND_RESOURCE_TEMPLATE) != item >= templateFirst) return false;
      const unverified = (load<u16>(record, ITEM_OFFSET_FLAGS) & ITEM_FLAG_SERVER_UNVERIFIED) != 0;
      if (unverified == isVerified) return false;
      if (item > first && !isInOrder(record - ITEM_SIZE, record)) return false;
    }
  }
  return true;
}

function isItemSound(record: usize): bool {
  const kind = u32(load<u8>(record, ITEM_OFFSET_KIND));
  if (kind < u32(KIND_TOOL) || kind > u32(KIND_RESOURCE_TEMPLATE)) return false;
  const sizeMax: u32 = kind <= u32(KIND_PROMPT) ? LIMIT_NAME_BYTES : LIMIT_URI_BYTES;
  if (!isItemNameSound(record, sizeMax)) return false;
  const effect = u32(load<u8>(record, ITEM_OFFSET_EFFECT));
  if (effect < u32(EFFECT_READ) || effect > u32(EFFECT_EXTERNAL)) return false;
  if ((u32(load<u16>(record, ITEM_OFFSET_FLAGS)) & ~ITEM_FLAGS_ALL) != 0) return false;
  const scope = load<u64>(record, ITEM_OFFSET_SCOPE) | load<u64>(record, ITEM_OFFSET_SCOPE + 8);
  return scope != 0 && load<u16>(record, ITEM_OFFSET_RESERVED) == 0;
}

/** The name is in one of its two places, zero-padded; the other place is zero. */
function isItemNameSound(record: usize, sizeMax: u32): bool {
  const at = load<u32>(record, ITEM_OFFSET_NAME_AT);
  const size = itemNameSize(record);
  const isInline = size <= u32(ITEM_NAME_INLINE_SIZE);
  const used = isInline ? usize(size) : 0;
  for (let offset = used; offset < usize(ITEM_NAME_INLINE_SIZE); offset++) {
    if (load<u8>(record + offset, ITEM_OFFSET_NAME) != 0) return false;
  }
  if (isInline) return size > 0 && size <= sizeMax && at == 0;
  return isNameSound(at, size, sizeMax);
}

/** At least one digest, all of them in the digests section. */
function isDetailSound(detail: usize): bool {
  const first = u64(load<u32>(detail, DETAIL_OFFSET_DIGEST_FIRST));
  const count = u64(load<u32>(detail, DETAIL_OFFSET_DIGEST_COUNT));
  return count != 0 && first + count <= u64(digestCount);
}

/** Items of one server are in order of kind, then name. */
function isInOrder(a: usize, b: usize): bool {
  const aKind = load<u8>(a, ITEM_OFFSET_KIND);
  const bKind = load<u8>(b, ITEM_OFFSET_KIND);
  if (aKind != bKind) return aKind < bKind;
  return compareNames(itemName(a), itemNameSize(a), itemName(b), itemNameSize(b)) < 0;
}
