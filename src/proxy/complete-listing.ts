// A complete listing: every page of every kind that is asked for, one request at a time.
import { LIMIT_LIST_BYTES, LIMIT_LIST_PAGES } from "../abi/limits.ts";
import type { ItemKind } from "../catalog/types.ts";
import type { MessageShape } from "../kernel/message.ts";
import { refuseDuplicates } from "../manifest/listing.ts";
import type { LiveItem } from "../manifest/types.ts";
import { requestFrame } from "./answers.ts";
import { readNumber, spanText, valueAt } from "./json-members.ts";
import { LIMIT_LISTING_ITEMS } from "./limits.ts";
import { type ListingPage, readListingPage } from "./listing-page.ts";
import { LISTINGS } from "./methods.ts";

/** Ids of the guard's own requests begin with it; nobody else's may. */
export const GUARD_ID_PREFIX = "portcullis:";

/** JSON-RPC 2.0: how a server says that it has no such listing. */
const METHOD_NOT_FOUND = -32601;

/** One definition with its raw text. */
export interface ListedItem extends LiveItem {
  /** From its first to its last brace, as sent. */
  readonly text: Uint8Array;
}

/** All definitions of one kind. */
export interface KindListing {
  /** Of several with one name, every one is refused. */
  readonly items: readonly ListedItem[];
  /** The shortest lifetime of its pages in ms; `undefined` = until further notice. */
  readonly ttlMs: number | undefined;
}

export interface ListingOptions {
  readonly kinds: readonly ItemKind[];
  /** JSON of `params._meta`, or `undefined` for none. */
  readonly metaText: string | undefined;
  readonly uuid: () => string;
  readonly send: (frame: Uint8Array) => void;
}

/**
 * Lists kind after kind, page after page. Bounded: 1 000 pages and 131 072 definitions of a kind,
 * 16 MiB in all; a cursor that comes twice ends it.
 */
export class CompleteListing {
  readonly #options: ListingOptions;
  readonly #found = new Map<ItemKind, KindListing>();
  #kindIndex = 0;
  #requestId = "";
  #cursors = new Set<string>();
  #items: ListedItem[] = [];
  #ttlMs: number | undefined;
  #pageCount = 0;
  #sizeBytes = 0;
  #failure: string | undefined;

  constructor(options: ListingOptions) {
    this.#options = options;
  }

  /** Sends the first request; with no kinds the listing is complete at once. */
  start(): void {
    this.#request(undefined);
  }

  /** True when the response with this id key (`MessageId.key`) answers the listing. */
  owns(idKey: string): boolean {
    return this.isRunning && idKey === `s:${this.#requestId}`;
  }

  /** True when unreadable bytes hold the id, which nobody can guess, that is waited for. */
  isNamedIn(bytes: Uint8Array): boolean {
    return this.isRunning && indexOfAscii(bytes, this.#requestId) >= 0;
  }

  get isRunning(): boolean {
    return this.#requestId !== "";
  }

  /** Id key of the request that has no answer yet. */
  get requestKey(): string | undefined {
    return this.isRunning ? `s:${this.#requestId}` : undefined;
  }

  /** Why it failed; `undefined` while it runs and when it is complete. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** What was listed, kind by kind. */
  get found(): ReadonlyMap<ItemKind, KindListing> {
    return this.#found;
  }

  /** Takes the response whose id it owns; it may be malformed as far as a page may be. */
  answer(line: Uint8Array, shape: Pick<MessageShape, "result" | "failure">): void {
    const kind = this.#kind;
    if (kind === undefined) return;
    if (shape.result === undefined) {
      const code = readNumber(line, valueAt(line, shape.failure, "code"));
      if (code !== METHOD_NOT_FOUND) this.fail("the server answered a listing with an error");
      else this.#endKind();
      return;
    }
    const page = readListingPage(line, shape.result, kind);
    if (typeof page === "string") this.fail(page);
    else this.#take(page);
  }

  /** Ends it without a result. */
  fail(why: string): void {
    if (!this.isRunning) return;
    this.#requestId = "";
    this.#failure = why;
  }

  get #kind(): ItemKind | undefined {
    return this.#options.kinds[this.#kindIndex];
  }

  #take(page: ListingPage): void {
    this.#sizeBytes += page.bytes.length;
    this.#pageCount += 1;
    if (this.#sizeBytes > LIMIT_LIST_BYTES) {
      this.fail(`expected at most ${LIMIT_LIST_BYTES} bytes of listings, got more`);
      return;
    }
    if (this.#items.length + page.items.length > LIMIT_LISTING_ITEMS) {
      this.fail(`expected at most ${LIMIT_LISTING_ITEMS} definitions of one kind, got more`);
      return;
    }
    // WHY: the chunk it came in belongs to the stream
    const copy = page.bytes.slice();
    for (const item of page.items) {
      this.#items.push({
        ...item,
        index: this.#items.length,
        text: copy.subarray(item.span.start, item.span.end),
      });
    }
    if (page.ttlMs !== undefined) this.#ttlMs = Math.min(this.#ttlMs ?? page.ttlMs, page.ttlMs);
    const cursor = page.nextCursor;
    if (cursor === undefined) this.#endKind();
    else if (this.#cursors.has(cursor)) this.fail("expected a new cursor, got one a second time");
    else if (this.#pageCount >= LIMIT_LIST_PAGES) {
      this.fail(`expected at most ${LIMIT_LIST_PAGES} pages, got a cursor for another`);
    } else {
      this.#cursors.add(cursor);
      this.#request(cursor);
    }
  }

  #endKind(): void {
    const kind = this.#kind;
    const texts = new Map(this.#items.map((item) => [item.span, item.text]));
    const items = refuseDuplicates(this.#items).map((item) => ({
      ...item,
      text: texts.get(item.span) ?? new Uint8Array(),
    }));
    if (kind !== undefined) this.#found.set(kind, { items, ttlMs: this.#ttlMs });
    this.#kindIndex += 1;
    this.#items = [];
    this.#ttlMs = undefined;
    this.#cursors = new Set();
    this.#pageCount = 0;
    this.#request(undefined);
  }

  #request(cursor: string | undefined): void {
    const kind = this.#kind;
    const method = LISTINGS.find((listing) => listing.kind === kind)?.method;
    if (method === undefined) {
      this.#requestId = "";
      return;
    }
    this.#requestId = `${GUARD_ID_PREFIX}${this.#options.uuid()}`;
    this.#options.send(requestFrame(this.#requestId, method, this.#params(cursor)));
  }

  #params(cursor: string | undefined): string {
    const { metaText } = this.#options;
    const members: string[] = [];
    if (cursor !== undefined) members.push(`"cursor":${JSON.stringify(cursor)}`);
    if (metaText !== undefined) members.push(`"_meta":${metaText}`);
    return `{${members.join(",")}}`;
  }
}

/**
 * `params._meta` for the guard's own requests: the protocol version and client capabilities of the
 * request that caused them, byte for byte; `undefined` in the legacy era.
 */
export function metaOf(line: Uint8Array, meta: MessageShape["meta"]): string | undefined {
  const version = valueAt(line, meta, META_VERSION);
  if (version === undefined) return undefined;
  const capabilities = valueAt(line, meta, META_CAPABILITIES);
  const rest =
    capabilities === undefined ? "" : `,"${META_CAPABILITIES}":${spanText(line, capabilities)}`;
  return `{"${META_VERSION}":${spanText(line, version)}${rest}}`;
}

const META_VERSION = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";

function indexOfAscii(bytes: Uint8Array, text: string): number {
  const first = text.charCodeAt(0);
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let size = 1;
    while (size < text.length && bytes[at + size] === text.charCodeAt(size)) size += 1;
    if (size === text.length) return at;
  }
  return -1;
}
