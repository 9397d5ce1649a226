// Which catalog may take the place of another one.
import { GuardError, quote } from "../errors.ts";
import { assertAdvances, type TrustState } from "./state.ts";
import type { TrustedCatalog } from "./trusted.ts";

/** What a change of the catalog came to. */
export interface CatalogChange {
  /** False when it is the catalog that is in force, byte for byte: then nothing is changed. */
  readonly isNew: boolean;
  /** Version that was in force before. */
  readonly before: number;
  readonly now: number;
}

/**
 * True when `next` may take the place of the catalog that is in force; false when it is the same.
 *
 * @throws {GuardError} CATALOG_ID, CATALOG_ROLLBACK, CATALOG_EQUIVOCATION or ROOT_CHAIN
 */
export function comesAfter(running: TrustedCatalog, next: TrustedCatalog): boolean {
  if (next.id !== running.id) {
    const message = `expected catalog ${quote(running.id)}, got ${quote(next.id)}; start the guard again to change over`;
    throw new GuardError("CATALOG_ID", message);
  }
  assertAdvances(stateOf(running), stateOf(next));
  return next.sha256 !== running.sha256;
}

function stateOf({ root, version, sha256 }: TrustedCatalog): TrustState {
  return {
    rootVersion: root.version,
    rootSha256: root.sha256,
    catalogVersion: version,
    catalogSha256: sha256,
  };
}
