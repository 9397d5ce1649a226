// Vetting of definitions and texts (40-gateway section 3): the weak layer beside the pin.

import { FIELD_PROSE, FIELD_RESULT } from "../abi/patterns.ts";
import { toHex } from "../bytes.ts";
import type { ItemKind } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { parseStrictJson, sourceBytes } from "../kernel/strict-json.ts";
import { type ManifestSource, readManifest } from "../manifest/read.ts";
import { type LiveItem, manifestItems } from "../manifest/types.ts";
import { fieldsOf } from "./fields.ts";
import { combine, type Judgement, judgeFields } from "./judge.ts";
import { PATTERNS_SHA256, PATTERNS_VERSION } from "./scanner.ts";
import { type VettingFinding, type VettingLevel, type VettingReport, worseLevel } from "./types.ts";

export interface VettingOptions {
  /** Pattern ids that the catalog accepts for this definition (`vetting_accept`). */
  readonly accept?: readonly string[];
}

/** Findings that a report lists. */
export const FINDINGS_MAX = 1000;
/** Definitions whose findings are kept. */
const CACHE_SIZE_MAX = 4096;

const cache = new Map<string, Judgement>();

/**
 * Vets one definition: names, descriptions and every string of its schemas.
 *
 * Deterministic: the same bytes and the same patterns give the same report. Findings are kept by
 * the SHA-256 of the bytes, so that nothing is scanned twice.
 *
 * @param tool its raw text or bytes, or a parsed value, which goes through `JSON.stringify`; a
 *   prompt, a resource or a template is vetted in the same way
 * @example vetTool('{"name":"a","description":"Adds.","inputSchema":{"type":"object"}}').level
 * @throws {GuardError} JSON_INVALID when the strict reader refuses it
 */
export function vetTool(tool: ManifestSource, options: VettingOptions = {}): VettingReport {
  const bytes = sourceBytes(tool);
  const judgement = judged(bytes, () => judgeFields(fieldsOf(parseStrictJson(bytes))));
  return reportOf(judgement, options);
}

/** Vets a text that a server answered. @throws {GuardError} ARGUMENT_INVALID for what is no text */
export function scanText(text: string, options: VettingOptions = {}): VettingReport {
  assertText(text);
  return reportOf(judgeFields([{ path: "", kind: FIELD_RESULT, text }]), options);
}

/** Vets a server's instructions. @throws {GuardError} ARGUMENT_INVALID for what is no text */
export function vetInstructions(text: string, options: VettingOptions = {}): VettingReport {
  assertText(text);
  const fields = [{ path: "/instructions", kind: FIELD_PROSE, text }];
  return reportOf(judgeFields(fields), options);
}

function assertText(text: unknown): void {
  if (typeof text === "string") return;
  throw new GuardError("ARGUMENT_INVALID", "expected a text to vet");
}

function judged(bytes: Uint8Array, judge: () => Judgement): Judgement {
  const key = toHex(sha256(bytes));
  const known = cache.get(key);
  if (known !== undefined) return known;
  const judgement = judge();
  // the oldest goes first: a Map keeps the order of insertion
  const [oldest] = cache.size >= CACHE_SIZE_MAX ? cache.keys() : [];
  if (oldest !== undefined) cache.delete(oldest);
  cache.set(key, judgement);
  return judgement;
}

function reportOf(judgement: Judgement, options: VettingOptions): VettingReport {
  const accept = options?.accept ?? [];
  if (!Array.isArray(accept)) {
    throw new GuardError("ARGUMENT_INVALID", "expected accept as an array of pattern ids");
  }
  const accepted = new Set(accept);
  const marked = judgement.findings.map(
    (finding): VettingFinding =>
      accepted.has(finding.pattern) ? { ...finding, accepted: true } : finding,
  );
  const together = combine(marked).map(
    (finding): VettingFinding =>
      accepted.has(finding.pattern) ? { ...finding, accepted: true } : finding,
  );
  const findings = [...marked, ...together];
  let level: VettingLevel = "none";
  for (const finding of findings) {
    if (finding.accepted !== true) level = worseLevel(level, finding.severity);
  }
  for (const { id, severity } of judgement.omitted) {
    if (!accepted.has(id)) level = worseLevel(level, severity);
  }
  return {
    level,
    findings: findings.slice(0, FINDINGS_MAX),
    omitted: Math.max(0, findings.length - FINDINGS_MAX) + judgement.omitted.length,
    patterns: { version: PATTERNS_VERSION, sha256: `sha256:${PATTERNS_SHA256}` },
  };
}

/** One definition of a manifest, vetted. */
export interface VettedItem {
  readonly kind: ItemKind;
  /** Place in its listing, 0-based. */
  readonly index: number;
  readonly name: string | undefined;
  readonly level: VettingLevel;
  /** `undefined` when the definition cannot be read: then the level is `critical`. */
  readonly report: VettingReport | undefined;
  readonly error: string | undefined;
}

export interface VettedManifest {
  readonly level: VettingLevel;
  /** In the order of the manifest. */
  readonly items: readonly VettedItem[];
  readonly instructions: VettingReport | undefined;
}

export interface ManifestVettingOptions {
  /** What the catalog accepts for an item. */
  readonly accept?: (kind: ItemKind, name: string) => readonly string[];
}

/**
 * Vets every definition of a manifest, and its instructions.
 *
 * @throws {GuardError} MANIFEST_INVALID, MANIFEST_LIMIT, JSON_INVALID as `readManifest` does
 */
export function vetManifest(
  source: ManifestSource,
  options: ManifestVettingOptions = {},
): VettedManifest {
  const bytes = sourceBytes(source);
  const manifest = readManifest(bytes, { strictness: "each" });
  const items = manifestItems(manifest).map((item) =>
    vetItem(item, bytes.subarray(item.span.start, item.span.end), options),
  );
  const text = manifest.instructions;
  const instructions = text === undefined ? undefined : vetInstructions(text);
  const levels = [...items.map(({ level }) => level), instructions?.level ?? "none"];
  return { level: levels.reduce<VettingLevel>(worseLevel, "none"), items, instructions };
}

/** Vets one definition that was listed; one that cannot be read is critical. */
export function vetItem(
  item: Pick<LiveItem, "kind" | "index" | "name" | "error">,
  bytes: Uint8Array,
  options: ManifestVettingOptions = {},
): VettedItem {
  const { kind, index, name, error } = item;
  if (error !== undefined || name === undefined) {
    const why = error ?? "no name";
    return { kind, index, name, level: "critical", report: undefined, error: why };
  }
  const report = vetTool(bytes, { accept: options?.accept?.(kind, name) ?? [] });
  return { kind, index, name, level: report.level, report, error: undefined };
}
