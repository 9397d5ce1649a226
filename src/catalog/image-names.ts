// What the indices of an image mean: its servers and items by name, read from the image itself.
import * as layout from "../abi/layout.ts";
import { utf8Text } from "../bytes.ts";
import type { ItemKind } from "./types.ts";

export interface ImageItem {
  /** Index of its server. */
  readonly server: number;
  readonly kind: ItemKind;
  readonly name: string;
}

const KINDS: ReadonlyMap<number, ItemKind> = new Map([
  [layout.KIND_TOOL, "tool"],
  [layout.KIND_PROMPT, "prompt"],
  [layout.KIND_RESOURCE, "resource"],
  [layout.KIND_RESOURCE_TEMPLATE, "resource_template"],
]);

/** Names of an image that a kernel has validated. */
export class ImageNames {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** @param image of `compileImage`; read when it is asked, so it must stay as it is */
  constructor(image: Uint8Array) {
    this.#bytes = image;
    this.#view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  }

  /** SHA-256 of the image, from its header. */
  get digest(): Uint8Array {
    const at = layout.HEADER_OFFSET_IMAGE_SHA256;
    return this.#bytes.subarray(at, at + layout.DIGEST_SIZE);
  }

  /** The id of a server; `undefined` for an index that is none. */
  server(index: number): string | undefined {
    if (!this.#isIndex(index, layout.HEADER_OFFSET_SERVER_COUNT)) return undefined;
    const at = this.#word(layout.HEADER_OFFSET_SERVERS_AT) + index * layout.SERVER_SIZE;
    const size = this.#word(at + layout.SERVER_OFFSET_NAME_SIZE);
    return this.#pooled(this.#word(at + layout.SERVER_OFFSET_NAME_AT), size);
  }

  /** An item; `undefined` for an index that is none. */
  item(index: number): ImageItem | undefined {
    if (!this.#isIndex(index, layout.HEADER_OFFSET_ITEM_COUNT)) return undefined;
    const at = this.#word(layout.HEADER_OFFSET_ITEMS_AT) + index * layout.ITEM_SIZE;
    const size = this.#view.getUint16(at + layout.ITEM_OFFSET_NAME_SIZE, true);
    const isInline = size <= layout.ITEM_NAME_INLINE_SIZE;
    const name = isInline
      ? this.#text(at + layout.ITEM_OFFSET_NAME, size)
      : this.#pooled(this.#word(at + layout.ITEM_OFFSET_NAME_AT), size);
    const kind = KINDS.get(this.#bytes[at + layout.ITEM_OFFSET_KIND] ?? 0);
    if (kind === undefined || name === undefined) return undefined;
    return { server: this.#word(at + layout.ITEM_OFFSET_SERVER), kind, name };
  }

  #isIndex(index: number, countAt: number): boolean {
    return Number.isInteger(index) && index >= 0 && index < this.#word(countAt);
  }

  #pooled(offset: number, size: number): string | undefined {
    return this.#text(this.#word(layout.HEADER_OFFSET_NAMES_AT) + offset, size);
  }

  #text(at: number, size: number): string | undefined {
    return utf8Text(this.#bytes.subarray(at, at + size));
  }

  #word(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}
