// The drift report of one server (20-fingerprint section 4).
import { type CatalogLock, type LockServer, lockedDefinition } from "../catalog/lock.ts";
import type { CatalogItem, CatalogServer, Feature, ItemKind } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import { canonicalize, sourceBytes } from "../kernel/strict-json.ts";
import { driftOf, instructionsDriftOf, smuggleOf } from "./drift.ts";
import { driftBudget, type ItemDrift, type LiveTexts, type ServerDrift } from "./drift-types.ts";
import {
  fingerprintPrompt,
  fingerprintResource,
  fingerprintResourceTemplate,
  fingerprintTool,
} from "./fingerprint.ts";
import { type ManifestSource, readManifest } from "./read.ts";
import { manifestItems } from "./types.ts";

const FEATURES: Readonly<Record<ItemKind, Feature>> = {
  tool: "tools",
  prompt: "prompts",
  resource: "resources",
  resource_template: "resources",
};
const KINDS: readonly ItemKind[] = ["tool", "prompt", "resource", "resource_template"];
const FINGERPRINTS: Readonly<Record<ItemKind, (source: ManifestSource) => string>> = {
  tool: fingerprintTool,
  prompt: fingerprintPrompt,
  resource: fingerprintResource,
  resource_template: fingerprintResourceTemplate,
};

/**
 * Compares what a server offers with its pins.
 *
 * Kinds that the catalog does not allow are not looked at: nothing of them is ever forwarded.
 * Pinned items that are not offered are reported as `missing`, which is no drift. A text of the
 * lock counts only when its digest is a pinned one; without one there are digests and no fields.
 *
 * @param locked - the server's part of `catalog.lock.json`.
 * @param live - complete: all pages, and the instructions of this connection.
 */
export function reportServer(
  server: CatalogServer,
  locked: LockServer | undefined,
  live: LiveTexts,
): ServerDrift {
  const budget = driftBudget();
  const lock: CatalogLock = { servers: new Map(locked ? [[server.id, locked]] : []) };
  const items: ItemDrift[] = [];
  const seen = new Set<string>();
  for (const definition of live.definitions) {
    const { kind, name } = definition;
    if (!server.allow.includes(FEATURES[kind])) continue;
    const pinned = name === undefined ? undefined : pinnedItems(server, kind).get(name);
    if (pinned === undefined) {
      items.push(smuggleOf(definition, budget));
      continue;
    }
    seen.add(itemKey(pinned));
    const wanted = { serverId: server.id, ...pinned };
    const canonical = lockedDefinition(lock, wanted, digestOf);
    const drift = driftOf({ ...pinned, canonical }, definition, budget);
    if (drift !== undefined) items.push(drift);
  }
  items.push(...missingItems(server, seen));
  const pinnedText = { digest: server.instructions, locked: locked?.instructions };
  const instructions = instructionsDriftOf(pinnedText, live.instructions, budget);
  if (instructions !== undefined) items.push(instructions);
  const isDrift = items.some(({ reason }) => reason !== "missing");
  return { id: server.id, status: isDrift ? "drift" : "match", items };
}

/**
 * Reads a manifest with the canonical text of every definition.
 *
 * @throws {GuardError} MANIFEST_INVALID, MANIFEST_LIMIT or JSON_INVALID when it is no manifest.
 */
export function readLiveTexts(source: ManifestSource): LiveTexts {
  const bytes = sourceBytes(source);
  const manifest = readManifest(bytes);
  const definitions = manifestItems(manifest).map(({ kind, name, fingerprint, error, span }) => {
    const canonical = canonicalOf(bytes.subarray(span.start, span.end));
    return { kind, name, fingerprint, canonical, error };
  });
  return { definitions, instructions: manifest.instructions };
}

/** Digest of a text of the lock; "" for one that is no definition, which no pin is. */
function digestOf(kind: ItemKind, canonical: string): string {
  return unlessRefused(() => FINGERPRINTS[kind](canonical)) ?? "";
}

function canonicalOf(bytes: Uint8Array): string | undefined {
  return unlessRefused(() => canonicalize(bytes));
}

function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GuardError) return undefined;
    throw error;
  }
}

function pinnedItems(server: CatalogServer, kind: ItemKind): ReadonlyMap<string, CatalogItem> {
  if (kind === "tool") return server.tools;
  if (kind === "prompt") return server.prompts;
  return kind === "resource" ? server.resources : server.resourceTemplates;
}

function itemKey({ kind, name }: { readonly kind: ItemKind; readonly name: string }): string {
  return JSON.stringify([kind, name]);
}

function missingItems(server: CatalogServer, seen: ReadonlySet<string>): ItemDrift[] {
  return KINDS.filter((kind) => server.allow.includes(FEATURES[kind]))
    .flatMap((kind) => [...pinnedItems(server, kind).values()])
    .filter((item) => !seen.has(itemKey(item)))
    .map(({ kind, name, fingerprints, scope, effect }) => ({
      kind,
      name,
      reason: "missing",
      expected: fingerprints,
      actual: undefined,
      fields: [],
      error: undefined,
      scope,
      effect,
    }));
}
