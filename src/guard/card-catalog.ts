// Server cards compiled: what stands in the place of a verified catalog for one process.
import { toHex } from "../bytes.ts";
import { compileImage } from "../catalog/compile.ts";
import type { Catalog } from "../catalog/types.ts";
import type { ServerCard } from "./server-card.ts";
import { serverCardsCatalog, serverCardsSha256 } from "./server-cards-catalog.ts";

/**
 * The catalog of a set of server cards, with its image.
 *
 * It was not signed and is no `TrustedCatalog`: it closes the world of one process, and not that of
 * the next one.
 */
export class CardCatalog {
  readonly catalog: Catalog;
  /** Lower-case hex of `serverCardsSha256`. */
  readonly sha256: string;
  readonly image: Uint8Array;

  /**
   * @throws {GuardError} ARGUMENT_INVALID for what `buildServerCard` did not make, or two cards of
   *   one server
   */
  constructor(cards: readonly ServerCard[]) {
    const digest = serverCardsSha256(cards);
    this.catalog = serverCardsCatalog(cards);
    this.sha256 = toHex(digest);
    this.image = compileImage(this.catalog, { catalogSha256: digest });
  }
}
