// Compiles a catalog to the image that the kernel loads (30-kernel section 2). Deterministic: the
// same catalog gives the same bytes; no key, no clock.
import * as layout from "../abi/layout.ts";
import { LIMIT_IMAGE_ITEMS } from "../abi/limits.ts";
import { sortByUtf8, utf8Size, writeFingerprint, writeUtf8 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { Kernel } from "../kernel/kernel.ts";
import { KIND_CODES } from "../manifest/listing.ts";
import { EFFECT_CODES, taintMask } from "./compile-masks.ts";
import { type ImageIndices, PolicySections } from "./compile-policy.ts";
import { type ScopeMask, scopeMask } from "./scope-names.ts";
import type { Catalog, CatalogItem, CatalogServer } from "./types.ts";

/** Seeds tried; the first one fails for about one catalog in 2^20. */
const SEED_COUNT = 64;
/** Second half of the key of the index hash; the first half is the seed. */
const HASH_KEY_HIGH = 0x706f7274n;

export interface OrderedServer {
  readonly server: CatalogServer;
  /** In order of kind, then of the bytes of the name. */
  readonly items: readonly CatalogItem[];
}

/** Where each section starts, and how much is in it. */
interface Plan {
  readonly itemCount: number;
  readonly digestCount: number;
  readonly namesSize: number;
  readonly serversAt: number;
  readonly itemsAt: number;
  readonly detailsAt: number;
  readonly digestsAt: number;
  readonly namesAt: number;
  readonly principalsAt: number;
  readonly rulesAt: number;
  readonly listsAt: number;
  readonly indexAt: number;
}

/**
 * Compiles `catalog` to an image.
 *
 * @param meta.catalogSha256 SHA-256 of the catalog's bytes, kept in the header: 32 bytes
 * @throws {GuardError} IMAGE_LIMIT above 1 048 576 items, above 16 777 216 words in the lists of
 *   rules and principals, or when no index keeps the probe bound
 */
export function compileImage(
  catalog: Catalog,
  meta: { readonly catalogSha256: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const servers = orderServers(catalog);
  const policy = new PolicySections(catalog, indicesOf(servers));
  const plan = planSections(servers, policy);
  if (plan.itemCount > LIMIT_IMAGE_ITEMS) {
    const message = `expected at most ${LIMIT_IMAGE_ITEMS} items, got ${plan.itemCount}; split the catalog`;
    throw new GuardError("IMAGE_LIMIT", message);
  }
  const body = writeBody({ catalog, servers, policy }, plan, meta.catalogSha256);
  return indexImage(body, plan, servers.length);
}

/** Servers and items in the order of the image: by the bytes of their names. */
export function orderServers(catalog: Catalog): OrderedServer[] {
  const ordered: OrderedServer[] = [];
  for (const id of sortByUtf8([...catalog.servers.keys()])) {
    const server = catalog.servers.get(id);
    if (server === undefined) continue;
    const items: CatalogItem[] = [];
    for (const table of [
      server.tools,
      server.prompts,
      server.resources,
      server.resourceTemplates,
    ]) {
      if (table.size === 0) continue;
      for (const name of sortByUtf8([...table.keys()])) {
        const item = table.get(name);
        if (item !== undefined) items.push(item);
      }
    }
    ordered.push({ server, items });
  }
  return ordered;
}

/** Where servers and items will be; the names of items are collected when one is asked for. */
function indicesOf(servers: readonly OrderedServer[]): ImageIndices {
  let byName: Map<string, number[]> | undefined;
  return {
    servers: new Map(servers.map(({ server }, index) => [server.id, index])),
    itemsNamed: (name) => {
      byName ??= indexByName(servers);
      return byName.get(name) ?? [];
    },
  };
}

function indexByName(servers: readonly OrderedServer[]): Map<string, number[]> {
  const byName = new Map<string, number[]>();
  let next = 0;
  for (const { items } of servers) {
    for (const { name } of items) {
      const known = byName.get(name);
      if (known === undefined) byName.set(name, [next]);
      else known.push(next);
      next += 1;
    }
  }
  return byName;
}

function align(offset: number, to: number): number {
  return Math.ceil(offset / to) * to;
}

function planSections(servers: readonly OrderedServer[], policy: PolicySections): Plan {
  let itemCount = 0;
  let digestCount = 0;
  let namesSize = 0;
  for (const { server, items } of servers) {
    namesSize += align(utf8Size(server.id), 8);
    itemCount += items.length;
    for (const { name, fingerprints } of items) {
      const size = utf8Size(name);
      if (!isInline(size)) namesSize += align(size, 8);
      digestCount += fingerprints.length;
    }
  }
  const section = (at: number): number => align(at, layout.IMAGE_SECTION_ALIGN);
  const serversAt = section(layout.HEADER_SIZE);
  const itemsAt = section(serversAt + servers.length * layout.SERVER_SIZE);
  const detailsAt = section(itemsAt + itemCount * layout.ITEM_SIZE);
  const digestsAt = section(detailsAt + itemCount * layout.DETAIL_SIZE);
  const namesAt = section(digestsAt + digestCount * layout.DIGEST_SIZE);
  const principalsAt = section(namesAt + namesSize);
  const rulesAt = section(principalsAt + policy.principalCount * layout.PRINCIPAL_SIZE);
  const listsAt = section(rulesAt + policy.ruleCount * layout.RULE_SIZE);
  const indexAt = section(listsAt + policy.listCount * 4);
  const counts = { itemCount, digestCount, namesSize };
  const sections = { serversAt, itemsAt, detailsAt, digestsAt, namesAt, indexAt };
  return { ...counts, ...sections, principalsAt, rulesAt, listsAt };
}

/** A name of so few bytes stands in its item's record. */
function isInline(size: number): boolean {
  return size <= layout.ITEM_NAME_INLINE_SIZE;
}

/** What goes into an image. */
interface Content {
  readonly catalog: Catalog;
  readonly servers: readonly OrderedServer[];
  readonly policy: PolicySections;
}

/** Everything before the index. */
function writeBody(
  { catalog, servers, policy }: Content,
  plan: Plan,
  catalogSha256: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(plan.indexAt);
  const view = new DataView(body.buffer);
  writeHeader(view, catalog, servers.length, plan);
  writePolicyHeader(view, catalog, policy, plan);
  policy.write(view, plan.principalsAt, plan.rulesAt, plan.listsAt);
  body.set(catalogSha256.subarray(0, layout.DIGEST_SIZE), layout.HEADER_OFFSET_CATALOG_SHA256);
  const scopes = new Map<string, ScopeMask>();
  let itemNext = 0;
  let digestNext = 0;
  let nameNext = 0;
  /** Puts a name into the pool; returns its size. */
  const putName = (record: number, name: string): number => {
    const size = writeUtf8(body, plan.namesAt + nameNext, name);
    setWord(view, record, nameNext);
    nameNext += align(size, 8);
    return size;
  };
  for (const [serverIndex, { server, items }] of servers.entries()) {
    const record = plan.serversAt + serverIndex * layout.SERVER_SIZE;
    const idSize = putName(record + layout.SERVER_OFFSET_NAME_AT, server.id);
    setWord(view, record + layout.SERVER_OFFSET_NAME_SIZE, idSize);
    writeServer(view, record, server, itemNext, items.length);
    for (const item of items) {
      const itemRecord = plan.itemsAt + itemNext * layout.ITEM_SIZE;
      const size = utf8Size(item.name);
      if (isInline(size)) writeUtf8(body, itemRecord + layout.ITEM_OFFSET_NAME, item.name);
      else putName(itemRecord + layout.ITEM_OFFSET_NAME_AT, item.name);
      view.setUint16(itemRecord + layout.ITEM_OFFSET_NAME_SIZE, size, true);
      setWord(view, itemRecord + layout.ITEM_OFFSET_SERVER, serverIndex);
      writeItem(view, itemRecord, server, item, catalog, scopes);
      const detail = plan.detailsAt + itemNext * layout.DETAIL_SIZE;
      writeDetail(view, detail, item, catalog);
      setWord(view, detail + layout.DETAIL_OFFSET_DIGEST_FIRST, digestNext);
      for (const fingerprint of item.fingerprints) {
        writeDigest(body, plan.digestsAt + digestNext * layout.DIGEST_SIZE, fingerprint);
        digestNext += 1;
      }
      itemNext += 1;
    }
  }
  return body;
}

function setWord(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
}

function writeDigest(body: Uint8Array, at: number, fingerprint: string): void {
  if (writeFingerprint(body, at, fingerprint)) return;
  throw new GuardError("IMAGE_INVALID", "expected a fingerprint of 64 hex digits in the catalog");
}

function writeHeader(view: DataView, catalog: Catalog, serverCount: number, plan: Plan): void {
  setWord(view, layout.HEADER_OFFSET_MAGIC, layout.IMAGE_MAGIC);
  setWord(view, layout.HEADER_OFFSET_ABI_VERSION, layout.IMAGE_ABI_VERSION);
  setWord(view, layout.HEADER_OFFSET_SERVER_COUNT, serverCount);
  setWord(view, layout.HEADER_OFFSET_ITEM_COUNT, plan.itemCount);
  setWord(view, layout.HEADER_OFFSET_DIGEST_COUNT, plan.digestCount);
  view.setBigUint64(layout.HEADER_OFFSET_EXPIRES_MS, BigInt(catalog.expiresMs), true);
  view.setBigUint64(layout.HEADER_OFFSET_CATALOG_VERSION, BigInt(catalog.version), true);
  setWord(view, layout.HEADER_OFFSET_SERVERS_AT, plan.serversAt);
  setWord(view, layout.HEADER_OFFSET_ITEMS_AT, plan.itemsAt);
  setWord(view, layout.HEADER_OFFSET_DETAILS_AT, plan.detailsAt);
  setWord(view, layout.HEADER_OFFSET_DIGESTS_AT, plan.digestsAt);
  setWord(view, layout.HEADER_OFFSET_NAMES_AT, plan.namesAt);
  setWord(view, layout.HEADER_OFFSET_NAMES_SIZE, plan.namesSize);
  setWord(view, layout.HEADER_OFFSET_INDEX_AT, plan.indexAt);
}

function writePolicyHeader(
  view: DataView,
  catalog: Catalog,
  policy: PolicySections,
  plan: Plan,
): void {
  const flags = catalog.principals === undefined ? 0 : layout.IMAGE_FLAG_PRINCIPALS;
  setWord(view, layout.HEADER_OFFSET_FLAGS, flags);
  setWord(view, layout.HEADER_OFFSET_PRINCIPAL_COUNT, policy.principalCount);
  setWord(view, layout.HEADER_OFFSET_RULE_COUNT, policy.ruleCount);
  setWord(view, layout.HEADER_OFFSET_LIST_COUNT, policy.listCount);
  setWord(view, layout.HEADER_OFFSET_PRINCIPALS_AT, plan.principalsAt);
  setWord(view, layout.HEADER_OFFSET_RULES_AT, plan.rulesAt);
  setWord(view, layout.HEADER_OFFSET_LISTS_AT, plan.listsAt);
}

function writeServer(
  view: DataView,
  record: number,
  server: CatalogServer,
  itemFirst: number,
  itemCount: number,
): void {
  const verified = server.operatorVerified ? layout.SERVER_FLAG_OPERATOR_VERIFIED : 0;
  const blocksTool = server.onDrift === "block-tool" ? layout.SERVER_FLAG_BLOCK_TOOL : 0;
  const templateCount = server.resourceTemplates.size;
  setWord(view, record + layout.SERVER_OFFSET_FLAGS, verified | blocksTool);
  setWord(view, record + layout.SERVER_OFFSET_ITEM_FIRST, itemFirst);
  setWord(view, record + layout.SERVER_OFFSET_ITEM_COUNT, itemCount);
  setWord(
    view,
    record + layout.SERVER_OFFSET_TEMPLATE_FIRST,
    itemFirst + itemCount - templateCount,
  );
  setWord(view, record + layout.SERVER_OFFSET_TEMPLATE_COUNT, templateCount);
  if (server.instructions === undefined) return;
  const body = new Uint8Array(view.buffer);
  writeDigest(body, record + layout.SERVER_OFFSET_INSTRUCTIONS, server.instructions);
}

function writeItem(
  view: DataView,
  record: number,
  server: CatalogServer,
  item: CatalogItem,
  catalog: Catalog,
  scopes: Map<string, ScopeMask>,
): void {
  view.setUint8(record + layout.ITEM_OFFSET_KIND, KIND_CODES[item.kind]);
  view.setUint8(record + layout.ITEM_OFFSET_EFFECT, EFFECT_CODES[item.effect]);
  view.setUint16(record + layout.ITEM_OFFSET_FLAGS, itemFlags(server, item), true);
  const key = item.scope.length === 1 ? (item.scope[0] ?? "") : item.scope.join(" ");
  let mask = scopes.get(key);
  if (mask === undefined) {
    mask = scopeMask(catalog, item.scope);
    scopes.set(key, mask);
  }
  for (let word = 0; word < mask.length; word++) {
    view.setInt32(record + layout.ITEM_OFFSET_SCOPE + word * 4, mask[word] ?? 0, true);
  }
}

function writeDetail(view: DataView, detail: number, item: CatalogItem, catalog: Catalog): void {
  const { addsTaint, stopsTaint } = item;
  const adds = taintMask(catalog, addsTaint);
  const stops = stopsTaint.length === 0 ? 0 : taintMask(catalog, stopsTaint);
  setWord(view, detail + layout.DETAIL_OFFSET_DIGEST_COUNT, item.fingerprints.length);
  view.setInt32(detail + layout.DETAIL_OFFSET_ADDS_TAINT, adds, true);
  view.setInt32(detail + layout.DETAIL_OFFSET_STOPS_TAINT, stops, true);
}

function itemFlags(server: CatalogServer, item: CatalogItem): number {
  return (
    (item.requires.includes("lease") ? layout.ITEM_FLAG_REQUIRES_LEASE : 0) |
    (item.requires.includes("consent") ? layout.ITEM_FLAG_REQUIRES_CONSENT : 0) |
    (item.taintOutcome === "deny" ? layout.ITEM_FLAG_TAINT_DENIES : 0) |
    (item.args.size > 0 ? layout.ITEM_FLAG_HAS_ARGUMENT_RULES : 0) |
    (server.operatorVerified ? 0 : layout.ITEM_FLAG_SERVER_UNVERIFIED)
  );
}

/** Adds the index and the digest; tries seeds from 0 upward. */
function indexImage(
  body: Uint8Array<ArrayBuffer>,
  plan: Plan,
  serverCount: number,
): Uint8Array<ArrayBuffer> {
  const recordCount = plan.itemCount + serverCount;
  const bucketCount = Math.floor(recordCount / layout.INDEX_BUCKET_RECORDS) + 1;
  const slotCount = recordCount + Math.floor(recordCount / layout.INDEX_SPARE_RECORDS) + 1;
  const displacementsSize = align(bucketCount * layout.DISPLACEMENT_SIZE, 4);
  const size = plan.indexAt + displacementsSize + slotCount * layout.SLOT_SIZE;
  const kernel = new Kernel({
    imageSize: size,
    itemCount: plan.itemCount,
    serverCount,
    // what `fillIndex` of assembly/table.ts keeps while it works
    inputSize: align(recordCount * 12, 8) + bucketCount * 8 + 8,
    recordSize: 0,
  });
  const { bytes, imageAt } = kernel;
  bytes.set(body, imageAt);
  const view = new DataView(bytes.buffer, imageAt, size);
  setWord(view, layout.HEADER_OFFSET_TOTAL_SIZE, size);
  setWord(view, layout.HEADER_OFFSET_SLOT_COUNT, slotCount);
  setWord(view, layout.HEADER_OFFSET_PROBE_MAX, 1);
  view.setBigUint64(layout.HEADER_OFFSET_HASH_KEY + 8, HASH_KEY_HIGH, true);
  for (let seed = 0; seed < SEED_COUNT; seed++) {
    view.setBigUint64(layout.HEADER_OFFSET_HASH_KEY, BigInt(seed), true);
    bytes.fill(0, imageAt + body.length, imageAt + size);
    const filled = kernel.exports.buildIndex(size);
    if (filled < 0) throw new GuardError("IMAGE_INVALID", `compiled image refused: ${-filled}`);
    if (filled === 0) continue;
    kernel.exports.sealImage(size);
    bytes.set(kernel.readDigest(), imageAt + layout.HEADER_OFFSET_IMAGE_SHA256);
    return bytes.slice(imageAt, imageAt + size);
  }
  throw new GuardError("IMAGE_LIMIT", "expected names that can be told apart by their hashes");
}
