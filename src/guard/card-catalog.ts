// Server cards compiled: what stands in the place of a verified catalog for one process.
import type { Catalog } from "../catalog/types.ts";

/**
 * The catalog of a set of server cards, with its image; `compileCards` makes it.
 *
 * It was not signed and is no `TrustedCatalog`: it closes the world of one process, and not that of
 * the next one.
 */
export class CardCatalog {
  readonly catalog: Catalog;
  /** Lower-case hex of `serverCardsSha256`. */
  readonly sha256: string;
  readonly image: Uint8Array;

  /** Takes over its arguments. */
  constructor(catalog: Catalog, sha256: string, image: Uint8Array) {
    this.catalog = catalog;
    this.sha256 = sha256;
    this.image = image;
  }
}
