// Oracle: where the image has a catalog's servers, items, labels and principals, from 30-kernel
// section 3 and 10-catalog section 1.
import {
  KIND_ORDER,
  type PolicyCatalog,
  type PolicyItem,
  type PolicyServer,
} from "./decide-catalog.ts";

const BUILT_IN_TAINTS = ["untrusted", "private", "secret"];

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A catalog's servers and items in the order of their indices. */
export interface ImageOrder {
  readonly servers: readonly PolicyServer[];
  readonly items: readonly { readonly item: PolicyItem; readonly server: number }[];
}

const ORDERS = new WeakMap<PolicyCatalog, ImageOrder>();

/** Sorted once a catalog: servers by the bytes of their ids, items by kind and name. */
export function imageOrder(catalog: PolicyCatalog): ImageOrder {
  const known = ORDERS.get(catalog);
  if (known !== undefined) return known;
  const servers = [...catalog.servers].sort((a, b) => byBytes(a.id, b.id));
  const items = servers.flatMap((server, index) =>
    KIND_ORDER.flatMap((kind) =>
      server.items
        .filter((item) => item.kind === kind)
        .sort((a, b) => byBytes(a.name, b.name))
        .map((item) => ({ item, server: index })),
    ),
  );
  const order = { servers, items };
  ORDERS.set(catalog, order);
  return order;
}

export function taintMaskOf(catalog: PolicyCatalog, labels: readonly string[]): bigint {
  const all = [...BUILT_IN_TAINTS, ...[...catalog.operatorTaints].sort(byBytes)];
  return labels.reduce((mask, label) => mask | (1n << BigInt(all.indexOf(label))), 0n);
}

export function matches(pattern: string, principal: string): boolean {
  return pattern.endsWith("*") ? principal.startsWith(pattern.slice(0, -1)) : principal === pattern;
}

/** The pattern that is exact, or else the longest. */
export function closest<T extends { readonly pattern: string }>(
  entries: readonly T[],
  principal: string,
): T | undefined {
  const found = entries.filter(({ pattern }) => matches(pattern, principal));
  const exact = found.find(({ pattern }) => !pattern.endsWith("*"));
  return exact ?? found.sort((a, b) => b.pattern.length - a.pattern.length)[0];
}

/** How many patterns there are in the principals and in the rules together. */
export function patternCount(catalog: PolicyCatalog): number {
  const ofRules = catalog.rules.flatMap((rule) => rule.when.principal ?? []);
  return new Set([...(catalog.principals ?? []).map((entry) => entry.pattern), ...ofRules]).size;
}
