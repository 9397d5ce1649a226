// Catalogs as they are being written: a first draft, and the version and dates of the next one.
import { parseCatalog } from "../catalog/parse.ts";
import { TomlEditor } from "../catalog/toml-edit.ts";
import { tomlString } from "../catalog/toml-write.ts";
import type { Catalog } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import { parseEnvelope } from "../sign/dsse.ts";

const DAY_MS = 86_400_000;
const SECOND_MS = 1000;
/** Days that a new catalog is valid for. */
const DRAFT_LIFETIME_DAYS = 90;

/** The text of a catalog that allows nothing. */
export function draftCatalog(id: string, nowMs: number): string {
  return `# What the agents of this host may use. It counts once it is signed: portcullis sign
schema  = 1
id      = ${tomlString(id)}
version = 1
issued  = ${instantText(nowMs)}
expires = ${instantText(nowMs + DRAFT_LIFETIME_DAYS * DAY_MS)}
`;
}

/**
 * The text with `version` next, `issued` now, and `expires` as far away as it was.
 *
 * @param catalog - what `text` says.
 */
export function renewCatalog(
  text: string,
  catalog: Catalog,
  next: { readonly version: number; readonly nowMs: number },
): string {
  const lifetimeMs = catalog.expiresMs - catalog.issuedMs;
  const editor = new TomlEditor(text);
  const values: readonly (readonly [string, string])[] = [
    ["version", String(next.version)],
    ["issued", instantText(next.nowMs)],
    ["expires", instantText(next.nowMs + lifetimeMs)],
  ];
  for (const [key, value] of values) {
    const written = editor.value([key]);
    if (written !== undefined) editor.replace(written, value);
  }
  return editor.apply();
}

/** The version of the catalog in an envelope; 0 when it holds none that can be read. */
export function envelopeVersion(envelope: Uint8Array | undefined): number {
  if (envelope === undefined) return 0;
  try {
    return parseCatalog(parseEnvelope(envelope).payload).version;
  } catch (fault) {
    if (fault instanceof GuardError) return 0;
    throw fault;
  }
}

/** `YYYY-MM-DDThh:mm:ssZ`, the one spelling a catalog takes; whole seconds. */
function instantText(ms: number): string {
  return `${new Date(Math.floor(ms / SECOND_MS) * SECOND_MS).toISOString().slice(0, -5)}Z`;
}
