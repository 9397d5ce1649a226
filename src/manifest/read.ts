// Reads a manifest: a tools/list result, an array of tools, or `{ tools?, prompts?, resources?,
// resourceTemplates?, instructions? }`, from its raw text.
import * as layout from "../abi/layout.ts";
import { LIMIT_LIST_BYTES } from "../abi/limits.ts";
import type { ItemKind } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import type { Span } from "../kernel/message.ts";
import { describeReadError } from "../kernel/read-errors.ts";
import { readerKernel } from "../kernel/shared.ts";
import { sourceBytes } from "../kernel/strict-json.ts";
import { decodeName, drainListing, refuseDuplicates } from "./listing.ts";
import type { LiveItem, Manifest } from "./types.ts";

export interface ReadManifestOptions {
  /**
   * `listing`: JSON throughout, and every name once. `each`: a definition is judged by itself, so
   * that one that no parser reads, or a name that comes twice, leaves the others as they are.
   */
  readonly strictness?: "listing" | "each";
}

/** What a caller may hold: raw text, raw bytes, or a parsed value. */
export type ManifestSource = string | Uint8Array | object;

const KINDS: ReadonlyMap<number, ItemKind> = new Map([
  [layout.KIND_TOOL, "tool"],
  [layout.KIND_PROMPT, "prompt"],
  [layout.KIND_RESOURCE, "resource"],
  [layout.KIND_RESOURCE_TEMPLATE, "resource_template"],
]);

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads every definition of a manifest. A definition that the strict reader refuses keeps its
 * place with its error; so does each of several with one name.
 *
 * Text and bytes are read as they are. A parsed value goes through `JSON.stringify` first: what
 * its parser lost (duplicate names, large integers) was lost before.
 *
 * @throws {GuardError} MANIFEST_INVALID when it is not JSON, or not a manifest; MANIFEST_LIMIT
 *   above 16 MiB; JSON_INVALID for a value that JSON cannot hold
 */
export function readManifest(
  source: ManifestSource,
  { strictness = "listing" }: ReadManifestOptions = {},
): Manifest {
  // one copy: what was judged is what is vetted later
  const bytes = new Uint8Array(sourceBytes(source));
  if (bytes.length > LIMIT_LIST_BYTES) {
    const message = `expected at most ${LIMIT_LIST_BYTES} bytes of definitions, got ${bytes.length}`;
    throw new GuardError("MANIFEST_LIMIT", message);
  }
  const kernel = readerKernel(bytes.length);
  kernel.writeInput(bytes);
  kernel.exports.manifestBegin(bytes.length);
  const found = new Map<ItemKind, LiveItem[]>();
  let instructions: string | undefined;
  while (true) {
    const next = kernel.exports.manifestNext();
    if (next === layout.MANIFEST_END) break;
    if (next < 0) throw invalid(describeReadError(-next), kernel.exports.readFailureAt());
    const kind = KINDS.get(next);
    if (kind === undefined) {
      const start = kernel.frame(layout.FRAME_WORD_NAME_START);
      instructions = decodeName(kernel, start, kernel.frame(layout.FRAME_WORD_NAME_END));
      continue;
    }
    found.set(kind, checkListing(kind, drainListing(kernel, kind, bytes), bytes, strictness));
  }
  const itemsOf = (kind: ItemKind): readonly LiveItem[] => {
    const items = found.get(kind) ?? [];
    return strictness === "each" ? items : refuseDuplicates(items);
  };
  return {
    tools: itemsOf("tool"),
    prompts: itemsOf("prompt"),
    resources: itemsOf("resource"),
    resourceTemplates: itemsOf("resource_template"),
    instructions,
  };
}

/** A listing whose elements are all JSON, whatever stricter rule they break. */
function checkListing(
  kind: ItemKind,
  items: LiveItem[] | undefined,
  bytes: Uint8Array,
  strictness: "listing" | "each",
): LiveItem[] {
  if (items === undefined)
    throw invalid(`expected an array of ${kind}s, got text that is not JSON`);
  if (strictness === "each") return items;
  const broken = items.find(({ error, span }) => error !== undefined && !isJson(bytes, span));
  if (broken === undefined) return items;
  throw invalid(`${kind} ${broken.index}: ${broken.error ?? ""}`, broken.span.start);
}

function isJson(bytes: Uint8Array, span: Span): boolean {
  try {
    JSON.parse(decoder.decode(bytes.subarray(span.start, span.end)));
    return true;
  } catch {
    return false;
  }
}

function invalid(message: string, offset?: number): GuardError {
  return new GuardError(
    "MANIFEST_INVALID",
    message,
    offset === undefined ? {} : { at: { offset } },
  );
}
