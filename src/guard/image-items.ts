// What the catalog says of each item of an image, by index.
import { orderServers } from "../catalog/compile.ts";
import type { Catalog, CatalogItem, CatalogServer } from "../catalog/types.ts";

export interface ImageItem {
  readonly item: CatalogItem;
  readonly server: CatalogServer;
  /** Index of the server in the image. */
  readonly serverIndex: number;
}

/** Items and servers of one image in its order. */
export class ImageItems {
  readonly #items: ImageItem[] = [];
  readonly #serverIndex = new Map<string, number>();

  constructor(catalog: Catalog) {
    for (const [serverIndex, { server, items }] of orderServers(catalog).entries()) {
      this.#serverIndex.set(server.id, serverIndex);
      for (const item of items) this.#items.push({ item, server, serverIndex });
    }
  }

  /** All of them, by index. */
  list(): readonly ImageItem[] {
    return this.#items;
  }

  /** `undefined` for -1 and for what is no index. */
  at(index: number): ImageItem | undefined {
    return this.#items[index];
  }

  /** Index in the image of a server; -1 when the catalog does not name it. */
  serverIndexOf(id: string): number {
    return this.#serverIndex.get(id) ?? -1;
  }
}
