// `catalog.lock.json` after a pin: the texts of what the catalog now accepts, and nothing else.

import { utf8Text } from "../bytes.ts";
import { type CatalogLock, type LockItem, type LockServer, readLock } from "../catalog/lock.ts";
import type { Catalog } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import type { LiveServer } from "./live-server.ts";
import { itemKey, pinnedItems } from "./pin-changes.ts";

const EMPTY: CatalogLock = { servers: new Map() };

/**
 * The lock in `bytes`; an empty one when there is none or it is damaged.
 *
 * @param onDamage - called with what is wrong with it.
 */
export function openLock(
  bytes: Uint8Array | undefined,
  onDamage: (why: string) => void,
): CatalogLock {
  if (bytes === undefined) return EMPTY;
  try {
    return readLock(utf8Text(bytes) ?? "");
  } catch (fault) {
    if (!(fault instanceof GuardError)) throw fault;
    onDamage(fault.message);
    return EMPTY;
  }
}

/**
 * The lock for `catalog`: what was locked and is still accepted, and the live definitions that are
 * accepted.
 */
export function updateLock(
  lock: CatalogLock,
  catalog: Catalog,
  live: ReadonlyMap<string, LiveServer>,
): CatalogLock {
  const servers = new Map<string, LockServer>();
  for (const [id, server] of catalog.servers) {
    const accepted = new Map(
      pinnedItems(server).map(({ kind, name, fingerprints }) => [
        itemKey(kind, name),
        fingerprints,
      ]),
    );
    const listed = live.get(id);
    const old = lock.servers.get(id);
    const fresh = (listed?.definitions ?? []).map(
      ({ kind, name, fingerprint, canonical }): LockItem => ({
        kind,
        name,
        digest: fingerprint,
        canonical,
      }),
    );
    const items = new Map<string, LockItem>();
    for (const item of [...(old?.items ?? []), ...fresh]) {
      const digests = accepted.get(itemKey(item.kind, item.name));
      if (digests?.includes(item.digest) !== true) continue;
      items.set(JSON.stringify([item.kind, item.name, item.digest]), item);
    }
    const instructions = listed === undefined ? old?.instructions : listed.instructions;
    if (items.size === 0 && instructions === undefined) continue;
    servers.set(id, {
      items: [...items.values()],
      ...(instructions === undefined ? {} : { instructions }),
    });
  }
  return { servers };
}
