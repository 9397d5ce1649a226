// Fingerprints (20-fingerprint section 2): the one reference that CLI, guard and tests share.
import { concatBytes, isFingerprint, toHex, utf8 } from "../bytes.ts";
import type { ItemKind } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import { pinTreeHash, sha256 } from "../kernel/digest.ts";
import { readerKernel } from "../kernel/shared.ts";
import { sourceBytes } from "../kernel/strict-json.ts";
import { KIND_CODES, readEntry } from "./listing.ts";
import { type ManifestSource, readManifest } from "./read.ts";
import type { LiveItem, Manifest } from "./types.ts";

/** SHA-256 of an ASCII tag, one zero byte, and `body`. */
function taggedDigest(tag: string, body: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(tag), Uint8Array.of(0), body));
}

function fingerprintOne(kind: ItemKind, source: ManifestSource): string {
  const bytes = sourceBytes(source);
  const kernel = readerKernel(bytes.length);
  kernel.writeInput(bytes);
  if (kernel.exports.readDefinition(KIND_CODES[kind], bytes.length) !== 1) {
    throw new GuardError("MANIFEST_INVALID", `expected the JSON of one ${kind}`);
  }
  const item = readEntry(kernel, kind, { entry: 0, index: 0, source: bytes });
  if (item.fingerprint !== undefined) return item.fingerprint;
  throw new GuardError("MANIFEST_INVALID", `${kind}: ${item.error ?? "unreadable"}`);
}

/**
 * Fingerprint of one tool: `sha256:` and the hex of SHA-256 over its tagged RFC 8785 form.
 *
 * @param source its raw text or bytes; a parsed object goes through `JSON.stringify`
 * @example fingerprintTool('{"name":"a","inputSchema":{"type":"object"}}')
 * @throws {GuardError} MANIFEST_INVALID when the strict reader refuses it
 */
export function fingerprintTool(source: ManifestSource): string {
  return fingerprintOne("tool", source);
}

/** As `fingerprintTool`, for a prompt. */
export function fingerprintPrompt(source: ManifestSource): string {
  return fingerprintOne("prompt", source);
}

/** As `fingerprintTool`, for a resource, whose name is its `uri`. */
export function fingerprintResource(source: ManifestSource): string {
  return fingerprintOne("resource", source);
}

/** As `fingerprintTool`, for a resource template, whose name is its `uriTemplate`. */
export function fingerprintResourceTemplate(source: ManifestSource): string {
  return fingerprintOne("resource_template", source);
}

/**
 * Fingerprint of a server's instructions; absent ones count as the empty text.
 *
 * @throws {GuardError} ARGUMENT_INVALID for what is no text
 */
export function fingerprintInstructions(text: string): string {
  if (typeof text !== "string") {
    throw new GuardError("ARGUMENT_INVALID", "expected instructions as a text");
  }
  return `sha256:${toHex(taggedDigest("portcullis:instructions:v1", utf8(text)))}`;
}

/** Name -> `sha256:<hex>`, per kind. */
export interface ServerPins {
  readonly tools: ReadonlyMap<string, string>;
  readonly prompts: ReadonlyMap<string, string>;
  readonly resources: ReadonlyMap<string, string>;
  readonly resourceTemplates: ReadonlyMap<string, string>;
  /** `sha256:<hex>` of the instructions; `undefined` = of the empty text. */
  readonly instructions: string | undefined;
}

let noInstructions: string | undefined;

/**
 * The server fingerprint of a set of pins.
 *
 * @throws {GuardError} MANIFEST_INVALID when a digest is not `sha256:` and 64 lower-case hex digits
 */
export function serverFingerprintOfPins(pins: ServerPins): string {
  noInstructions ??= fingerprintInstructions("");
  const instructions = pins.instructions ?? noInstructions;
  // members in the order of RFC 8785; hex and counts need no escaping
  const canonical = `{"instructions":"${hexOf(instructions)}","prompts":${treeOf(pins.prompts)},"resource_templates":${treeOf(pins.resourceTemplates)},"resources":${treeOf(pins.resources)},"tools":${treeOf(pins.tools)}}`;
  return `sha256:${toHex(taggedDigest("portcullis:server:v1", utf8(canonical)))}`;
}

function hexOf(fingerprint: string): string {
  if (isFingerprint(fingerprint)) return fingerprint.slice(7);
  throw new GuardError("MANIFEST_INVALID", `expected sha256:<hex>, got ${quote(fingerprint)}`);
}

/**
 * `sha256:<hex>` of the tree over the pins of one kind: the manifest digest of that kind.
 *
 * @throws {GuardError} MANIFEST_INVALID when a digest is not `sha256:` and 64 lower-case hex digits
 */
export function pinsRoot(pins: ReadonlyMap<string, string>): string {
  return `sha256:${toHex(rootOf(pins))}`;
}

// WHY: three of the four trees of most servers, for each of which the kernel was asked
let emptyTree: string | undefined;

function treeOf(pins: ReadonlyMap<string, string>): string {
  if (pins.size > 0) return treeText(pins);
  emptyTree ??= treeText(pins);
  return emptyTree;
}

function treeText(pins: ReadonlyMap<string, string>): string {
  return `{"count":${pins.size},"root":"${toHex(rootOf(pins))}"}`;
}

function rootOf(pins: ReadonlyMap<string, string>): Uint8Array {
  return pinTreeHash(pins);
}

/**
 * Fingerprint of a whole manifest: a tools/list result, an array of tools, or `{ tools?, prompts?,
 * resources?, resourceTemplates?, instructions? }`.
 *
 * @throws {GuardError} MANIFEST_INVALID when any definition in it is refused
 */
export function fingerprintManifest(source: ManifestSource): string {
  const manifest = readManifest(source);
  const fingerprint = manifestFingerprint(manifest);
  if (fingerprint !== undefined) return fingerprint;
  const refused = [
    ...manifest.tools,
    ...manifest.prompts,
    ...manifest.resources,
    ...manifest.resourceTemplates,
  ].find((item) => item.error !== undefined);
  const what = refused === undefined ? "" : `${refused.kind} ${refused.index}: ${refused.error}`;
  throw new GuardError("MANIFEST_INVALID", what);
}

/** Fingerprint of a manifest that was read; `undefined` when an item of it is refused. */
export function manifestFingerprint(manifest: Manifest): string | undefined {
  const tools = pinsOf(manifest.tools);
  const prompts = pinsOf(manifest.prompts);
  const resources = pinsOf(manifest.resources);
  const templates = pinsOf(manifest.resourceTemplates);
  if (!tools || !prompts || !resources || !templates) return undefined;
  const text = manifest.instructions;
  return serverFingerprintOfPins({
    tools,
    prompts,
    resources,
    resourceTemplates: templates,
    instructions: text === undefined ? undefined : fingerprintInstructions(text),
  });
}

function pinsOf(items: readonly LiveItem[]): Map<string, string> | undefined {
  const pins = new Map<string, string>();
  for (const { name, fingerprint } of items) {
    if (name === undefined || fingerprint === undefined) return undefined;
    pins.set(name, fingerprint);
  }
  return pins;
}
