// The complete listing of one server behind a router: every page, bounded.
import { LIMIT_LIST_BYTES, LIMIT_LIST_PAGES } from "../abi/limits.ts";
import { GuardError } from "../errors.ts";
import { memberReader } from "./member-reader.ts";

/** Asks for one page; the first one without a cursor. */
export type PageSource = (cursor: string | undefined) => unknown;

export interface CompleteListing {
  /** The definitions as JSON values, a copy, in the order of the pages. */
  readonly tools: readonly unknown[];
  /** ms for which the server says the listing holds; `undefined` when no page says so. */
  readonly ttlMs: number | undefined;
}

/**
 * Reads every page. An empty cursor is one like any other; a repeated one is a refusal.
 *
 * @throws {GuardError} MANIFEST_LIMIT above 1 000 pages or 16 MiB; MANIFEST_INVALID for what is no
 *   page. Whatever the router throws is thrown on.
 */
export async function listAllTools(page: PageSource): Promise<CompleteListing> {
  const tools: unknown[] = [];
  const cursors = new Set<string>();
  let cursor: string | undefined;
  let size = 0;
  let ttlMs: number | undefined;
  for (let count = 0; count < LIMIT_LIST_PAGES; count++) {
    const answer: unknown = await page(cursor);
    const text: unknown = JSON.stringify(answer);
    if (typeof text !== "string") throw invalid("expected a page of tools");
    // UTF-8 is never shorter than UTF-16 code units
    size += text.length;
    if (size > LIMIT_LIST_BYTES) {
      const message = `expected at most ${LIMIT_LIST_BYTES} bytes of definitions, got more`;
      throw new GuardError("MANIFEST_LIMIT", message);
    }
    const copy: unknown = JSON.parse(text);
    const read = memberReader(copy);
    const found: unknown = Array.isArray(copy) ? copy : read?.("tools");
    if (!Array.isArray(found)) throw invalid("expected a page of tools");
    for (const tool of found) tools.push(tool);
    const pageTtl = read?.("ttlMs");
    if (typeof pageTtl === "number") ttlMs = Math.min(ttlMs ?? pageTtl, pageTtl);
    const next = Array.isArray(copy) ? undefined : read?.("nextCursor");
    if (next === undefined) return { tools, ttlMs };
    if (typeof next !== "string" || cursors.has(next)) throw invalid("expected a new cursor");
    cursors.add(next);
    cursor = next;
  }
  const message = `expected at most ${LIMIT_LIST_PAGES} pages, got more`;
  throw new GuardError("MANIFEST_LIMIT", message);
}

function invalid(message: string): GuardError {
  return new GuardError("MANIFEST_INVALID", message);
}
