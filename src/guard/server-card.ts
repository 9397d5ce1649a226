// A server card: what a server offered when the host registered it. It closes the world of one
// process; only a signed catalog does so across restarts.
import { isWellFormed, utf8Text } from "../bytes.ts";
import { serverIdFault } from "../catalog/names.ts";
import { type Clock, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { freezeJson } from "../kernel/freeze-json.ts";
import { sourceBytes } from "../kernel/strict-json.ts";
import {
  fingerprintInstructions,
  pinsRoot,
  serverFingerprintOfPins,
} from "../manifest/fingerprint.ts";
import { type ManifestSource, readManifest } from "../manifest/read.ts";
import type { LiveItem } from "../manifest/types.ts";
import { readInstant } from "./instant.ts";
import { memberReader } from "./member-reader.ts";
import { isStateChangingTool } from "./state-changing.ts";

/** One tool of a card. */
export interface ServerCardTool {
  readonly name: string;
  /** `sha256:<hex>` of the whole definition. */
  readonly fingerprint: string;
  /** By the words of the definition: without a catalog, unknown means state-changing. */
  readonly stateChanging: boolean;
  /** The definition as JSON, deeply frozen. */
  readonly definition: object;
}

/** Made by `buildServerCard` alone, deeply frozen. */
export interface ServerCard {
  readonly serverId: string;
  /** For people; decides nothing. */
  readonly displayName: string | undefined;
  readonly operatorVerified: boolean;
  readonly onDrift: "block-server" | "block-tool";
  /** In the order of the listing. */
  readonly tools: readonly ServerCardTool[];
  /** `sha256:<hex>` of the instructions; `undefined`: the server must send none. */
  readonly instructions: string | undefined;
  /** `sha256:<hex>` of the tree over all tools. */
  readonly toolManifestDigest: string;
  /** The server fingerprint, `sha256:<hex>`. */
  readonly fingerprint: string;
  /** RFC 3339 in UTC. */
  readonly registeredAt: string;
}

export interface ServerCardOptions {
  readonly serverId: string;
  /** A tools/list result or an array of tools: raw text, raw bytes, or a parsed value. */
  readonly tools: ManifestSource;
  /** An operator has reviewed this server. Default false: every call is `policy_review`. */
  readonly operatorVerified?: boolean | undefined;
  /** The text that the server sends to the agent's model. Default: it must send none. */
  readonly instructions?: string | undefined;
  /** What one changed or unknown definition refuses; default `block-server`, as in a catalog. */
  readonly onDrift?: "block-server" | "block-tool" | undefined;
  readonly displayName?: string | undefined;
  readonly clock?: Clock | undefined;
}

const made = new WeakSet<object>();

/** True for what `buildServerCard` returned, and for nothing else. */
export function isServerCard(value: unknown): value is ServerCard {
  return typeof value === "object" && value !== null && made.has(value);
}

/**
 * The card of a server from its complete listing. Everything is copied first.
 *
 * @example
 * const card = buildServerCard({ serverId: "files", tools: await client.listTools() });
 * @throws {GuardError} ARGUMENT_INVALID for a malformed option, or a listing with a `nextCursor`;
 *   MANIFEST_INVALID, MANIFEST_LIMIT or JSON_INVALID when a definition is refused
 */
export function buildServerCard(options: ServerCardOptions): ServerCard {
  if (typeof options !== "object" || options === null)
    throw invalid("expected { serverId, tools }");
  const { serverId, operatorVerified = false, onDrift = "block-server", instructions } = options;
  const { displayName, tools: source, clock = systemClock } = options;
  const fault = typeof serverId === "string" ? serverIdFault(serverId) : "expected a server id";
  if (fault !== undefined) throw invalid(fault);
  if (typeof operatorVerified !== "boolean") {
    throw invalid("expected operatorVerified as a boolean");
  }
  if (onDrift !== "block-server" && onDrift !== "block-tool") {
    throw invalid("expected onDrift as block-server or block-tool");
  }
  assertText(instructions, "instructions");
  assertText(displayName, "displayName");
  if (typeof clock !== "function") throw invalid("expected clock as a function");
  const registeredMs = readInstant(clock());
  if (registeredMs === undefined) throw invalid("expected a clock that gives ms since the epoch");
  const tools = readTools(source);
  const pins = new Map(tools.map(({ name, fingerprint }) => [name, fingerprint]));
  const instructionsDigest =
    instructions === undefined ? undefined : fingerprintInstructions(instructions);
  const none: ReadonlyMap<string, string> = new Map();
  const fingerprint = serverFingerprintOfPins({
    tools: pins,
    prompts: none,
    resources: none,
    resourceTemplates: none,
    instructions: instructionsDigest,
  });
  const card: ServerCard = Object.freeze({
    serverId,
    displayName,
    operatorVerified,
    onDrift,
    tools: Object.freeze(tools),
    instructions: instructionsDigest,
    toolManifestDigest: pinsRoot(pins),
    fingerprint,
    registeredAt: new Date(registeredMs).toISOString(),
  });
  made.add(card);
  return card;
}

function assertText(value: unknown, what: string): void {
  if (value === undefined || (typeof value === "string" && isWellFormed(value))) return;
  throw invalid(`expected ${what} as well-formed text`);
}

function readTools(source: unknown): ServerCardTool[] {
  if (typeof source !== "string" && (typeof source !== "object" || source === null)) {
    throw invalid("expected tools as a tools/list result or an array of tools");
  }
  // WHY: one copy, so that what is fingerprinted is what is kept
  const bytes = new Uint8Array(sourceBytes(source));
  const listing = readManifest(bytes);
  const value: unknown = JSON.parse(utf8Text(bytes) ?? "");
  // WHY: a first page is not the server: its other tools would all be smuggled ones
  if (memberReader(value)?.("nextCursor") !== undefined) {
    throw invalid("expected a complete listing, got a page with a nextCursor; pass all its pages");
  }
  return listing.tools.map((item) => cardTool(item, bytes));
}

function cardTool(item: LiveItem, bytes: Uint8Array): ServerCardTool {
  const { name, fingerprint, error, index, span } = item;
  if (name === undefined || fingerprint === undefined) {
    throw new GuardError("MANIFEST_INVALID", `tool ${index}: ${error ?? "it has no name"}`);
  }
  const definition: unknown = JSON.parse(utf8Text(bytes.subarray(span.start, span.end)) ?? "");
  if (!isDefinition(definition)) {
    throw new GuardError("MANIFEST_INVALID", `tool ${index}: expected a definition`);
  }
  const stateChanging = isStateChangingTool(definition);
  return Object.freeze({ name, fingerprint, stateChanging, definition: freezeJson(definition) });
}

function isDefinition(value: unknown): value is { readonly name: string } {
  return typeof memberReader(value)?.("name") === "string";
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
