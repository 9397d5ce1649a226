// One pinned tool, prompt, resource or resource template of a catalog (10-catalog section 1).
import { isFingerprint } from "../bytes.ts";
import { quote } from "../errors.ts";
import { childPath, type KeyPath } from "./key-path.ts";
import { digestFault, itemNameFault, patternIdFault } from "./names.ts";
import { readArguments } from "./parse-args.ts";
import {
  member,
  readChoice,
  readChoices,
  readClosedTable,
  readNames,
  readTable,
  readText,
  schemaFault,
  type TomlTable,
} from "./schema.ts";
import type { ArgumentConstraint, CatalogItem, Effect, ItemKind, Requirement } from "./types.ts";

export const EFFECTS: readonly Effect[] = ["read", "write", "destructive", "external"];
/** The table of a server that holds the items of a kind. */
export const ITEM_TABLES: Readonly<Record<ItemKind, string>> = {
  tool: "tools",
  prompt: "prompts",
  resource: "resources",
  resource_template: "resource_templates",
};
const REQUIREMENTS: readonly Requirement[] = ["lease", "consent"];
const TAINT_OUTCOMES = ["ask_user", "deny"] as const;
const ADDS_TAINT_DEFAULT: readonly string[] = Object.freeze(["untrusted"]);
const ITEM_KEYS: ReadonlySet<string> = new Set([
  "fingerprint",
  "scope",
  "effect",
  "requires",
  "adds_taint",
  "stops_taint",
  "taint_outcome",
  "vetting_accept",
  "args",
]);

/** The names a catalog defines, with their bits. */
export interface Vocabulary {
  readonly scopeBits: ReadonlyMap<string, number>;
  readonly taintBits: ReadonlyMap<string, number>;
}

/** What the items of one server are checked against. */
export interface ItemContext extends Vocabulary {
  readonly maxAllowedScope: ReadonlySet<string>;
}

/**
 * Reads the items of one kind of one server.
 *
 * @throws {GuardError} CATALOG_SCHEMA when a name or a value breaks a rule of 10-catalog section 1.
 */
export function readItems(
  value: unknown,
  kind: ItemKind,
  path: KeyPath,
  context: ItemContext,
): ReadonlyMap<string, CatalogItem> {
  const items = new Map<string, CatalogItem>();
  if (value === undefined) return items;
  const table = readTable(value, path);
  for (const name of Object.keys(table)) {
    const at = childPath(path, name);
    const wanted = itemNameFault(kind, name);
    if (wanted !== undefined) throw schemaFault(at, `${wanted}, got ${quote(name)}`);
    const item = readClosedTable(table[name], ITEM_KEYS, at);
    items.set(name, readItem(item, { kind, name }, at, context));
  }
  return items;
}

/**
 * Defined scopes, each once.
 *
 * @throws {GuardError} CATALOG_SCHEMA when one is not defined.
 */
export function readScopes(value: unknown, path: KeyPath, names: Vocabulary): readonly string[] {
  return readNames(value, path, (name) =>
    names.scopeBits.has(name) ? undefined : "expected a built-in scope or one of [scopes]",
  );
}

/**
 * Defined taint labels, each once.
 *
 * @throws {GuardError} CATALOG_SCHEMA when one is not defined.
 */
export function readTaints(value: unknown, path: KeyPath, names: Vocabulary): readonly string[] {
  return readNames(value, path, (name) =>
    names.taintBits.has(name) ? undefined : "expected a built-in taint label or one of [taints]",
  );
}

/** @throws {GuardError} CATALOG_SCHEMA when it is not `sha256:` and 64 lower-case hex digits. */
export function readDigest(value: unknown, path: KeyPath): string {
  const digest = readText(value, path);
  const wanted = digestFault(digest);
  if (wanted === undefined) return digest;
  throw schemaFault(path, `${wanted}, got ${quote(digest)}`);
}

// WHY: shared by all items that say nothing: in a catalog of 10 000 tools five empty collections
// an item were a tenth of the boot, most of it collecting garbage
const NONE: readonly never[] = Object.freeze([]);
const NO_ARGUMENTS: ReadonlyMap<string, ArgumentConstraint> = new Map();

function readItem(
  table: TomlTable,
  identity: { readonly kind: ItemKind; readonly name: string },
  path: KeyPath,
  context: ItemContext,
): CatalogItem {
  const at = (key: string): KeyPath => childPath(path, key);
  const fingerprint = member(table, "fingerprint");
  const scope = member(table, "scope");
  const effect = member(table, "effect");
  const taintOutcome = member(table, "taint_outcome");
  const requires = member(table, "requires");
  const addsTaint = member(table, "adds_taint");
  const stopsTaint = member(table, "stops_taint");
  const vettingAccept = member(table, "vetting_accept");
  const args = member(table, "args");
  return {
    kind: identity.kind,
    name: identity.name,
    // WHY: what is in order needs no path for an error: a fifteenth of a boot of 10 000 tools
    fingerprints:
      typeof fingerprint === "string" && isFingerprint(fingerprint)
        ? [fingerprint]
        : readFingerprints(fingerprint, at("fingerprint")),
    scope: soleScope(scope, context) ?? readItemScope(scope, at("scope"), context),
    effect: EFFECTS.find((one) => one === effect) ?? readChoice(effect, at("effect"), EFFECTS),
    requires: requires === undefined ? NONE : readChoices(requires, at("requires"), REQUIREMENTS),
    addsTaint:
      addsTaint === undefined
        ? ADDS_TAINT_DEFAULT
        : readTaints(addsTaint, at("adds_taint"), context),
    stopsTaint:
      stopsTaint === undefined ? NONE : readTaints(stopsTaint, at("stops_taint"), context),
    taintOutcome:
      taintOutcome === undefined
        ? "ask_user"
        : readChoice(taintOutcome, at("taint_outcome"), TAINT_OUTCOMES),
    vettingAccept:
      vettingAccept === undefined
        ? NONE
        : readNames(vettingAccept, at("vetting_accept"), patternIdFault),
    args: args === undefined ? NO_ARGUMENTS : readArguments(args, at("args")),
  };
}

/** One digest, or a list of accepted ones. */
function readFingerprints(value: unknown, path: KeyPath): readonly string[] {
  if (!Array.isArray(value)) return [readDigest(value, path)];
  const digests = readNames(value, path, digestFault);
  if (digests.length > 0) return digests;
  throw schemaFault(path, "expected at least one digest, got an empty array");
}

/** The scopes of an item that has one, and a good one; `undefined` for everything else. */
function soleScope(value: unknown, context: ItemContext): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length !== 1) return undefined;
  const name: unknown = value[0];
  if (typeof name !== "string" || !context.scopeBits.has(name)) return undefined;
  return context.maxAllowedScope.has(name) ? [name] : undefined;
}

function readItemScope(value: unknown, path: KeyPath, context: ItemContext): readonly string[] {
  const scope = readScopes(value, path, context);
  if (scope.length === 0) {
    throw schemaFault(path, "expected at least one scope, got an empty array");
  }
  for (const [index, name] of scope.entries()) {
    if (!context.maxAllowedScope.has(name)) {
      const message = `expected a scope within max_allowed_scope, got ${quote(name)}`;
      throw schemaFault(childPath(path, index), message);
    }
  }
  return scope;
}
