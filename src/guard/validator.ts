// Checks what a server says about itself against the catalog (20-fingerprint section 3).
import {
  VERDICT_ALLOWED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_TOOL_SMUGGLE,
  VERDICT_UNKNOWN_SERVER,
} from "../abi/verdict.ts";
import { assertTrusted, type TrustedCatalog } from "../catalog/trusted.ts";
import type { Catalog, CatalogItem, CatalogServer, ItemKind } from "../catalog/types.ts";
import { fingerprintInstructions, manifestFingerprint } from "../manifest/fingerprint.ts";
import { type ManifestSource, readManifest } from "../manifest/read.ts";
import { type LiveItem, type Manifest, manifestItems } from "../manifest/types.ts";
import { toDecision } from "../verdict.ts";
import { CardCatalog } from "./card-catalog.ts";

/** What became of one live definition. */
export interface AdmissionItem {
  readonly kind: ItemKind;
  readonly name: string | undefined;
  /** `allowed`, `fingerprint_drift`, `tool_smuggle` or `unknown_server`. */
  readonly reason: string;
  /** The live fingerprint; `undefined` when the definition cannot be read strictly. */
  readonly fingerprint: string | undefined;
  /** The pinned ones. */
  readonly expected: readonly string[];
  /** Why the definition cannot be read. */
  readonly error: string | undefined;
}

/** What `Validator#validate` found. Made by it alone; `ScopeGuard#admit` takes no other. */
export interface AdmissionReport {
  readonly serverId: string;
  /** Nothing drifted and nothing was smuggled. */
  readonly ok: boolean;
  /** `allowed`, or the first refusal. */
  readonly reason: string;
  readonly items: readonly AdmissionItem[];
  /** `not_checked` when the manifest has no member `instructions`. */
  readonly instructions: "match" | "fingerprint_drift" | "not_checked";
  /** The live server fingerprint; `undefined` when an item has none. */
  readonly fingerprint: string | undefined;
  /** Pinned and not seen. */
  readonly missing: readonly { readonly kind: ItemKind; readonly name: string }[];
}

/** Reports that a Validator made: the catalog they are for, and what was read, item by item. */
const madeFor = new WeakMap<
  object,
  { readonly catalog: Catalog; readonly items: readonly LiveItem[] }
>();

/** True when `report` was made by a Validator for `catalog`, and not since changed or copied. */
export function isAdmissionFor(report: object, catalog: Catalog): boolean {
  return madeFor.get(report)?.catalog === catalog;
}

/** What was read for a report, in the order of its items. */
export function liveItemsOf(report: AdmissionReport): readonly LiveItem[] {
  return madeFor.get(report)?.items ?? [];
}

/** Compares manifests with the pins of one catalog. Keeps no state. */
export class Validator {
  readonly #catalog: Catalog;

  /** @throws {GuardError} ARGUMENT_INVALID for what `TrustedCatalog.open` did not make */
  constructor(catalog: TrustedCatalog | CardCatalog) {
    if (!(catalog instanceof CardCatalog)) assertTrusted(catalog);
    this.#catalog = catalog.catalog;
  }

  /**
   * Compares a manifest with the pins of `serverId`, item by item.
   *
   * A refused definition (duplicate members, unreadable numbers, two of one name) counts as drift
   * when its name is pinned, else as smuggled.
   *
   * @param manifest raw text or bytes, or a parsed value (which goes through `JSON.stringify`)
   * @throws {GuardError} MANIFEST_INVALID, MANIFEST_LIMIT or JSON_INVALID when it is not a manifest
   */
  validate(serverId: string, manifest: ManifestSource): AdmissionReport {
    return this.validateManifest(serverId, readManifest(manifest));
  }

  /** As `validate`, for a manifest that was read. */
  validateManifest(serverId: string, manifest: Manifest): AdmissionReport {
    const server = this.#catalog.servers.get(serverId);
    const live = manifestItems(manifest);
    const items = live.map((item) => judgeItem(server, item));
    const instructions = judgeInstructions(server, manifest);
    const refused = items.find((item) => item.reason !== "allowed")?.reason;
    const reason =
      server === undefined
        ? toDecision(VERDICT_UNKNOWN_SERVER).reason
        : (refused ?? (instructions === "fingerprint_drift" ? instructions : "allowed"));
    const report: AdmissionReport = Object.freeze({
      serverId,
      ok: reason === "allowed",
      reason,
      items: Object.freeze(items),
      instructions,
      fingerprint: manifestFingerprint(manifest),
      missing: Object.freeze(server === undefined ? [] : findMissing(server, manifest)),
    });
    madeFor.set(report, { catalog: this.#catalog, items: live });
    return report;
  }
}

function tableOf(server: CatalogServer, kind: ItemKind): ReadonlyMap<string, CatalogItem> {
  if (kind === "tool") return server.tools;
  if (kind === "prompt") return server.prompts;
  return kind === "resource" ? server.resources : server.resourceTemplates;
}

function judgeItem(server: CatalogServer | undefined, item: LiveItem): AdmissionItem {
  const { kind, name, fingerprint, error } = item;
  const pinned =
    server === undefined || name === undefined ? undefined : tableOf(server, kind).get(name);
  const expected = pinned?.fingerprints ?? [];
  const isAdmitted = fingerprint !== undefined && expected.includes(fingerprint);
  const code =
    server === undefined
      ? VERDICT_UNKNOWN_SERVER
      : pinned === undefined
        ? VERDICT_TOOL_SMUGGLE
        : isAdmitted
          ? VERDICT_ALLOWED
          : VERDICT_FINGERPRINT_DRIFT;
  const { reason } = toDecision(code);
  return Object.freeze({ kind, name, reason, fingerprint, expected, error });
}

/**
 * A listing has no instructions, which says nothing of the server's: only a manifest with the
 * member is compared.
 */
function judgeInstructions(
  server: CatalogServer | undefined,
  manifest: Manifest,
): AdmissionReport["instructions"] {
  if (server === undefined || manifest.instructions === undefined) return "not_checked";
  return instructionsMatch(server, manifest.instructions) ? "match" : "fingerprint_drift";
}

/** True when `text` is what the catalog pins; absent and empty instructions are the same. */
export function instructionsMatch(server: CatalogServer, text: string | undefined): boolean {
  const empty = fingerprintInstructions("");
  return fingerprintInstructions(text ?? "") === (server.instructions ?? empty);
}

function findMissing(
  server: CatalogServer,
  manifest: Manifest,
): { kind: ItemKind; name: string }[] {
  const live = new Set(manifestItems(manifest).map((item) => `${item.kind} ${item.name ?? ""}`));
  const pinned = [server.tools, server.prompts, server.resources, server.resourceTemplates];
  return pinned
    .flatMap((table) => [...table.values()])
    .filter((item) => !live.has(`${item.kind} ${item.name}`))
    .map((item) => ({ kind: item.kind, name: item.name }));
}
