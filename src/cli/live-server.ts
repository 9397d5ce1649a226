// What a server offers now: started, listed completely, ended.
import { itemNameFault } from "../catalog/names.ts";
import type { Feature, ItemKind } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import { listHttpServer } from "../http/http-list.ts";
import { credentialsOf } from "../http/upstreams.ts";
import { canonicalize } from "../kernel/strict-json.ts";
import type { LiveText, LiveTexts } from "../manifest/drift-types.ts";
import type { ListedItem } from "../proxy/complete-listing.ts";
import type { LiveManifest } from "../proxy/manifest-client.ts";
import { listStdioServer } from "../proxy/stdio-list.ts";
import type { Subject } from "./propose.ts";

/** One live definition that can be pinned. */
export interface LiveDefinition {
  readonly kind: ItemKind;
  /** `name`, `uri` or `uriTemplate`. */
  readonly name: string;
  /** `sha256:<hex>`. */
  readonly fingerprint: string;
  /** RFC 8785 form of the definition. */
  readonly canonical: string;
  readonly subject: Subject;
}

export interface LiveServer {
  /** Of the kinds that are allowed. */
  readonly definitions: readonly LiveDefinition[];
  /** Text as sent; `undefined` when the server sends none. */
  readonly instructions: string | undefined;
}

/** How a server is started or reached, and what of it is looked at. */
export interface LiveCommand {
  readonly id: string;
  /** argv; empty for a server with a url. */
  readonly command: readonly string[];
  readonly url?: string | undefined;
  /** Header -> name of the variable with its value, for a server with a url. */
  readonly headerEnv?: ReadonlyMap<string, string> | undefined;
  /** Names of variables that the server may see beyond the basic set. */
  readonly env: readonly string[];
  readonly allow: readonly Feature[];
}

/**
 * Starts a server, lists it, and ends it; or lists it at its url.
 *
 * @param variables where the values of `headerEnv` are
 * @throws {GuardError} SERVER_START, SERVER_PROTOCOL; CONFIG_INVALID when a variable is not set.
 */
export async function listLive(
  { id, command, url, env, headerEnv = new Map() }: LiveCommand,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<LiveManifest> {
  if (url === undefined) return await listStdioServer({ command, env });
  const credentials = credentialsOf({ id, headerEnv }, variables);
  return await listHttpServer({ serverId: id, url: new URL(url), credentials });
}

/** What was listed of the allowed kinds, with its texts, whether it can be pinned or not. */
export function liveTextsOf(server: LiveCommand, manifest: LiveManifest): LiveTexts {
  const definitions = allowedItems(server, manifest).map(
    ({ kind, name, fingerprint, error, text }): LiveText => ({
      kind,
      name,
      fingerprint,
      canonical: fingerprint === undefined ? undefined : canonicalize(text),
      error,
    }),
  );
  return { definitions, instructions: manifest.instructions };
}

/**
 * What was listed of the allowed kinds, all of it fit to be pinned.
 *
 * @throws {GuardError} MANIFEST_INVALID when a definition cannot be pinned: refused by the strict
 *   reader, or of a name no catalog takes.
 */
export function liveServerOf(server: LiveCommand, manifest: LiveManifest): LiveServer {
  const items = allowedItems(server, manifest);
  const definitions = items.map((item) => readDefinition(server.id, item));
  return { definitions, instructions: manifest.instructions };
}

function allowedItems(server: LiveCommand, manifest: LiveManifest): readonly ListedItem[] {
  const { tools, prompts, resources, resourceTemplates } = manifest;
  const kinds: readonly (readonly [Feature, readonly ListedItem[]])[] = [
    ["tools", tools],
    ["prompts", prompts],
    ["resources", resources],
    ["resources", resourceTemplates],
  ];
  return kinds.filter(([feature]) => server.allow.includes(feature)).flatMap(([, items]) => items);
}

function readDefinition(serverId: string, item: ListedItem): LiveDefinition {
  const { kind, name, fingerprint, index, error } = item;
  if (name === undefined || fingerprint === undefined) {
    const which = `${kind} ${index}${name === undefined ? "" : ` ${quote(name)}`}`;
    const message = `expected definitions of ${quote(serverId)} that can be pinned, got ${which}`;
    throw new GuardError("MANIFEST_INVALID", `${message}: ${error ?? "no name"}`);
  }
  const wanted = itemNameFault(kind, name);
  if (wanted !== undefined) {
    const message = `${wanted}, got ${quote(name)} from ${quote(serverId)}`;
    throw new GuardError("MANIFEST_INVALID", `${message}; leave this feature out of \`allow\``);
  }
  const canonical = canonicalize(item.text);
  return { kind, name, fingerprint, canonical, subject: subjectOf(kind, name, canonical) };
}

/** What a proposal is made from; a definition of another shape says nothing. */
function subjectOf(kind: ItemKind, name: string, canonical: string): Subject {
  const definition = membersOf(JSON.parse(canonical));
  const annotations = membersOf(definition.get("annotations"));
  const schema = membersOf(definition.get("inputSchema"));
  const hint = (hintName: string): boolean | undefined => {
    const value = annotations.get(hintName);
    return typeof value === "boolean" ? value : undefined;
  };
  return {
    kind,
    name,
    parameters: [...membersOf(schema.get("properties")).keys()],
    readOnlyHint: hint("readOnlyHint"),
    destructiveHint: hint("destructiveHint"),
  };
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return new Map(isObject ? Object.entries(value) : []);
}
