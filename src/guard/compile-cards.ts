// Server cards -> their catalog and its image. Apart from `CardCatalog`, which the guard needs to tell
// one from a signed catalog: a bundle without a gateway then has none of this.
import { toHex } from "../bytes.ts";
import { compileImage } from "../catalog/compile.ts";
import { CardCatalog } from "./card-catalog.ts";
import type { ServerCard } from "./server-card.ts";
import { serverCardsCatalog, serverCardsSha256 } from "./server-cards-catalog.ts";

/**
 * The catalog of a set of server cards, with its image.
 *
 * @throws {GuardError} ARGUMENT_INVALID for what `buildServerCard` did not make, or two cards of
 *   one server
 */
export function compileCards(cards: readonly ServerCard[]): CardCatalog {
  const digest = serverCardsSha256(cards);
  const catalog = serverCardsCatalog(cards);
  const image = compileImage(catalog, { catalogSha256: digest });
  return new CardCatalog(catalog, toHex(digest), image);
}
