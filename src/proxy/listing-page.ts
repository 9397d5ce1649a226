// One page of a listing, read from its raw bytes: definitions with digests, cursor, lifetime.
import type { ItemKind } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import type { Span } from "../kernel/message.ts";
import { readManifest } from "../manifest/read.ts";
import type { LiveItem, Manifest } from "../manifest/types.ts";
import {
  elementsOf,
  type Member,
  memberNamed,
  membersOf,
  readNumber,
  readString,
} from "./json-members.ts";
import { LIMIT_LISTING_ITEMS } from "./limits.ts";

/** A result that answers a listing request. */
export interface ListingPage {
  /** Items of the listed kind; spans are into the result. */
  readonly items: readonly LiveItem[];
  /** Everything in it that a listing may hold. */
  readonly manifest: Manifest;
  /** The raw text of the result. */
  readonly bytes: Uint8Array;
  /** `undefined` at the end; the empty text is a cursor. */
  readonly nextCursor: string | undefined;
  /** Milliseconds it may be believed; `undefined` = until further notice. */
  readonly ttlMs: number | undefined;
}

/**
 * Reads the result of a listing request strictly, definition by definition.
 *
 * @param result its span in `message`, whose bytes may be malformed inside a definition
 * @returns the page, or one line that says why there is none
 */
export function readListingPage(
  message: Uint8Array,
  result: Span,
  kind: ItemKind,
): ListingPage | string {
  const bytes = message.subarray(result.start, result.end);
  const members = membersOf(bytes, { start: 0, end: bytes.length });
  if (members === undefined) return "expected an object as the result of a listing";
  const excess = excessOf(bytes, members);
  if (excess !== undefined) return excess;
  let manifest: Manifest;
  try {
    manifest = readManifest(bytes);
  } catch (error) {
    if (error instanceof GuardError) return error.message;
    throw error;
  }
  manifest = withEveryName(bytes, manifest);
  const items = itemsOf(manifest, kind);
  const member = memberNamed(members, MEMBER_OF_KIND[kind]);
  if (member === undefined) return `expected ${MEMBER_OF_KIND[kind]} in the result of its listing`;
  const cursor = memberNamed(members, "nextCursor");
  const nextCursor = readString(bytes, cursor?.value);
  if (cursor !== undefined && nextCursor === undefined && !isNull(bytes, cursor)) {
    return "expected nextCursor to be a string";
  }
  return { items, manifest, bytes, nextCursor, ttlMs: readLifetime(bytes, members) };
}

const MEMBER_OF_KIND: Readonly<Record<ItemKind, string>> = {
  tool: "tools",
  prompt: "prompts",
  resource: "resources",
  resource_template: "resourceTemplates",
};

/**
 * One line when there are more definitions than a catalog can pin.
 *
 * WHY: an element of two bytes costs hundreds to look at; the bytes alone do not bound the work
 */
function excessOf(bytes: Uint8Array, members: readonly Member[]): string | undefined {
  for (const name of Object.values(MEMBER_OF_KIND)) {
    const value = memberNamed(members, name)?.value;
    if (value === undefined || bytes[value.start] !== 0x5b) continue;
    if (elementsOf(bytes, value, LIMIT_LISTING_ITEMS) !== undefined) continue;
    return `expected ${name} to be an array of at most ${LIMIT_LISTING_ITEMS} definitions`;
  }
  return undefined;
}

/** The items of one kind. */
export function itemsOf(manifest: Manifest, kind: ItemKind): readonly LiveItem[] {
  if (kind === "tool") return manifest.tools;
  if (kind === "prompt") return manifest.prompts;
  return kind === "resource" ? manifest.resources : manifest.resourceTemplates;
}

/** A manifest of these items, and of nothing else. */
export function manifestOf(items: ReadonlyMap<ItemKind, readonly LiveItem[]>): Manifest {
  return {
    tools: items.get("tool") ?? [],
    prompts: items.get("prompt") ?? [],
    resources: items.get("resource") ?? [],
    resourceTemplates: items.get("resource_template") ?? [],
    instructions: undefined,
  };
}

const NAME_OF_KIND: Readonly<Record<ItemKind, string>> = {
  tool: "name",
  prompt: "name",
  resource: "uri",
  resource_template: "uriTemplate",
};

/**
 * A definition with two names is refused under both: whichever of them a reader would take, it is
 * not the definition that was pinned.
 */
function withEveryName(bytes: Uint8Array, manifest: Manifest): Manifest {
  const expand = (items: readonly LiveItem[]): LiveItem[] =>
    items.flatMap((item) => {
      if (item.name !== undefined || item.error === undefined) return item;
      const named = (membersOf(bytes, item.span) ?? [])
        .filter((member) => member.name === NAME_OF_KIND[item.kind])
        .flatMap((member) => readString(bytes, member.value) ?? []);
      return named.length === 0 ? item : named.map((name) => ({ ...item, name }));
    });
  return {
    tools: expand(manifest.tools),
    prompts: expand(manifest.prompts),
    resources: expand(manifest.resources),
    resourceTemplates: expand(manifest.resourceTemplates),
    instructions: manifest.instructions,
  };
}

function isNull(bytes: Uint8Array, member: Member): boolean {
  return bytes[member.value.start] === 0x6e;
}

/** A lifetime that is no number of milliseconds is over at once. */
function readLifetime(bytes: Uint8Array, members: readonly Member[]): number | undefined {
  const member = memberNamed(members, "ttlMs");
  if (member === undefined) return undefined;
  const ttlMs = readNumber(bytes, member.value);
  return ttlMs !== undefined && ttlMs > 0 ? ttlMs : 0;
}
