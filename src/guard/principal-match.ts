// The catalog's entry for a principal, and caps of scopes (40-gateway section 2).
import type { Catalog, CatalogPrincipal } from "../catalog/types.ts";

/** The principal when none is given. */
export const PRINCIPAL_DEFAULT = "local";

/** Who calls, as far as the catalog knows. */
export interface PrincipalMatch {
  readonly isKnown: boolean;
  /** Names of the scopes a call may need at most; `undefined` = no cap. */
  readonly scopeCap: readonly string[] | undefined;
}

/**
 * Finds the catalog's entry for a principal: exact, or one trailing `*`; the longest wins.
 *
 * Without a `[principals]` table everybody is known.
 */
export function matchPrincipal(
  catalog: Catalog,
  principal: string,
  serverId: string,
): PrincipalMatch {
  if (catalog.principals === undefined) return { isKnown: true, scopeCap: undefined };
  let best: CatalogPrincipal | undefined;
  for (const entry of catalog.principals) {
    if (!matchesPattern(entry.pattern, principal)) continue;
    if (best === undefined || isCloser(entry.pattern, best.pattern)) best = entry;
  }
  if (best === undefined) return { isKnown: false, scopeCap: [] };
  const mayUse = best.servers === undefined || best.servers.includes(serverId);
  return { isKnown: mayUse, scopeCap: best.scope };
}

function matchesPattern(pattern: string, principal: string): boolean {
  if (!pattern.endsWith("*")) return pattern === principal;
  return principal.startsWith(pattern.slice(0, -1));
}

/** The exact name is closer than any pattern, a longer pattern closer than a shorter one. */
function isCloser(pattern: string, other: string): boolean {
  const isExact = !pattern.endsWith("*");
  if (isExact !== !other.endsWith("*")) return isExact;
  return pattern.length > other.length;
}

/** The scope names that both caps grant; `undefined` = no cap. */
export function bothCaps(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.filter((name) => b.includes(name));
}
