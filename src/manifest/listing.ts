// Definitions of one listing: the kernel reads, canonicalises and hashes; this collects.
import * as layout from "../abi/layout.ts";
import { toHex } from "../bytes.ts";
import type { ItemKind } from "../catalog/types.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { describeReadError } from "../kernel/read-errors.ts";
import type { LiveItem } from "./types.ts";

export const KIND_CODES: Readonly<Record<ItemKind, number>> = {
  tool: layout.KIND_TOOL,
  prompt: layout.KIND_PROMPT,
  resource: layout.KIND_RESOURCE,
  resource_template: layout.KIND_RESOURCE_TEMPLATE,
};

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Drains the listing that the kernel has begun (`listBegin` or `manifestNext`).
 *
 * @param source the text that the kernel reads; nobody may change it
 *
 * @returns the items in order, or `undefined` when the end of an element cannot be found
 */
export function drainListing(
  kernel: Kernel,
  kind: ItemKind,
  source: Uint8Array,
): LiveItem[] | undefined {
  const items: LiveItem[] = [];
  while (true) {
    const count = kernel.exports.listNext();
    if (count < 0) return undefined;
    if (count === 0) return items;
    for (let entry = 0; entry < count; entry++) {
      items.push(readEntry(kernel, kind, { entry, index: items.length, source }));
    }
  }
}

/** Which entry of the kernel's list region it is. */
export interface ListEntry {
  /** In the region, 0-based. */
  readonly entry: number;
  /** In the listing, 0-based. */
  readonly index: number;
  /** The text that the kernel reads; nobody may change it. */
  readonly source: Uint8Array;
}

/** An entry of the kernel's list region as an item. */
export function readEntry(
  kernel: Kernel,
  kind: ItemKind,
  { entry, index, source }: ListEntry,
): LiveItem {
  const { words } = kernel;
  const word = kernel.listWord + entry * (layout.LIST_ENTRY_SIZE >> 2);
  const status = words[word + layout.LIST_ENTRY_WORD_STATUS] ?? 0;
  const nameStart = words[word + layout.LIST_ENTRY_WORD_NAME_START] ?? 0;
  const nameEnd = words[word + layout.LIST_ENTRY_WORD_NAME_END] ?? 0;
  const digestAt = kernel.listAt + entry * layout.LIST_ENTRY_SIZE + layout.LIST_ENTRY_OFFSET_DIGEST;
  const isRead = status === layout.READ_OK;
  return {
    kind,
    index,
    name: nameStart === 0 ? undefined : decodeName(kernel, nameStart, nameEnd),
    fingerprint: isRead
      ? `sha256:${toHex(kernel.bytes.subarray(digestAt, digestAt + layout.DIGEST_SIZE))}`
      : undefined,
    error: isRead ? undefined : describeReadError(status),
    span: {
      start: words[word + layout.LIST_ENTRY_WORD_START] ?? 0,
      end: words[word + layout.LIST_ENTRY_WORD_END] ?? 0,
    },
    source,
  };
}

/** Text of a checked raw span of the input. */
export function decodeName(kernel: Kernel, start: number, end: number): string {
  const raw = kernel.bytes.subarray(kernel.inputAt + start, kernel.inputAt + end);
  if (!raw.includes(0x5c)) return decoder.decode(raw);
  const size = kernel.exports.decodeSpan(start, end);
  return decoder.decode(kernel.bytes.subarray(kernel.canonicalAt, kernel.canonicalAt + size));
}

/**
 * The items with every duplicate name refused: two definitions of one name are one too many.
 */
export function refuseDuplicates(items: readonly LiveItem[]): readonly LiveItem[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { name } of items) {
    if (name === undefined) continue;
    if (seen.has(name)) twice.add(name);
    seen.add(name);
  }
  if (twice.size === 0) return items;
  return items.map((item) =>
    item.name === undefined || !twice.has(item.name)
      ? item
      : { ...item, fingerprint: undefined, error: item.error ?? "expected every name once" },
  );
}
