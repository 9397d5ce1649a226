// Principals and policy rules of a catalog (10-catalog section 1, 40-gateway section 4).
import { quote } from "../errors.ts";
import { childPath, type KeyPath } from "./key-path.ts";
import { itemNameFault, nameFault, principalPatternFault } from "./names.ts";
import { EFFECTS, readScopes, readTaints, type Vocabulary } from "./parse-item.ts";
import {
  member,
  readArray,
  readChoice,
  readChoices,
  readClosedTable,
  readFlag,
  readNames,
  readTable,
  readText,
  schemaFault,
  type TomlTable,
} from "./schema.ts";
import type { CatalogPrincipal, CatalogRule, RuleCondition } from "./types.ts";

const PRINCIPAL_KEYS: ReadonlySet<string> = new Set(["scope", "servers"]);
const RULE_KEYS: ReadonlySet<string> = new Set(["id", "when", "then"]);
const CONDITION_KEYS: ReadonlySet<string> = new Set([
  "server",
  "tool",
  "effect",
  "scope",
  "principal",
  "taint_all",
  "taint_any",
  "vetting_at_least",
  "state_changing",
  "lease",
  "consent",
]);
const OUTCOMES = ["deny", "ask_user", "dry_run"] as const;
const VETTING_LEVELS = ["low", "medium", "high", "critical"] as const;

/** What rules and principals may refer to. */
export interface RuleContext extends Vocabulary {
  readonly servers: ReadonlyMap<string, unknown>;
}

/**
 * Reads `[principals]`; `undefined` when the table is absent, `[]` when it is there and empty.
 *
 * @throws {GuardError} CATALOG_SCHEMA when an entry is malformed or names what is not defined.
 */
export function readPrincipals(
  value: unknown,
  path: KeyPath,
  context: RuleContext,
): readonly CatalogPrincipal[] | undefined {
  if (value === undefined) return undefined;
  const principals: CatalogPrincipal[] = [];
  for (const [pattern, entry] of Object.entries(readTable(value, path))) {
    const at = childPath(path, pattern);
    const wanted = principalPatternFault(pattern);
    if (wanted !== undefined) throw schemaFault(at, `${wanted}, got ${quote(pattern)}`);
    const table = readClosedTable(entry, PRINCIPAL_KEYS, at);
    const scope = member(table, "scope");
    const servers = member(table, "servers");
    principals.push({
      pattern,
      scope: scope === undefined ? undefined : readScopes(scope, childPath(at, "scope"), context),
      servers:
        servers === undefined ? undefined : readServers(servers, childPath(at, "servers"), context),
    });
  }
  return principals;
}

/**
 * Reads one of `[[rules]]`.
 *
 * A condition that takes a list also takes one value; a list must not be empty.
 *
 * @throws {GuardError} CATALOG_SCHEMA when it is malformed, empty, or names what is not defined.
 */
export function readRule(value: unknown, path: KeyPath, context: RuleContext): CatalogRule {
  const table = readClosedTable(value, RULE_KEYS, path);
  const idAt = childPath(path, "id");
  const id = readText(member(table, "id"), idAt);
  const wanted = nameFault(id);
  if (wanted !== undefined) throw schemaFault(idAt, `${wanted}, got ${quote(id)}`);
  const whenAt = childPath(path, "when");
  const when = readClosedTable(member(table, "when"), CONDITION_KEYS, whenAt);
  if (Object.keys(when).length === 0) {
    throw schemaFault(whenAt, "expected at least one condition, got an empty table");
  }
  const then = readChoice(member(table, "then"), childPath(path, "then"), OUTCOMES);
  return { id, when: readCondition(when, whenAt, context), then };
}

function readServers(value: unknown, path: KeyPath, context: RuleContext): readonly string[] {
  return readNames(value, path, (id) =>
    context.servers.has(id) ? undefined : "expected the id of a server in this catalog",
  );
}

function readCondition(table: TomlTable, path: KeyPath, context: RuleContext): RuleCondition {
  const level = member(table, "vetting_at_least");
  return {
    ...readNameConditions(table, path, context),
    ...(level === undefined
      ? {}
      : { vettingAtLeast: readChoice(level, childPath(path, "vetting_at_least"), VETTING_LEVELS) }),
    ...readFlagConditions(table, path),
  };
}

function readNameConditions(table: TomlTable, path: KeyPath, context: RuleContext): RuleCondition {
  const read = <T>(
    key: string,
    one: (value: unknown, at: KeyPath) => readonly T[],
  ): readonly T[] | undefined => {
    const value = member(table, key);
    if (value === undefined) return undefined;
    const at = childPath(path, key);
    const list = one(typeof value === "string" ? [value] : value, at);
    if (list.length === 0) throw schemaFault(at, "expected at least one value, got an empty array");
    return list;
  };
  const server = read("server", (value, at) => readServers(value, at, context));
  const tool = read("tool", (value, at) => readNames(value, at, ruleToolFault));
  const effect = read("effect", (value, at) => readChoices(value, at, EFFECTS));
  const scope = read("scope", (value, at) => readScopes(value, at, context));
  const principal = read("principal", (value, at) => readNames(value, at, principalPatternFault));
  const taintAll = read("taint_all", (value, at) => readTaints(value, at, context));
  const taintAny = read("taint_any", (value, at) => readTaints(value, at, context));
  return {
    ...(server === undefined ? {} : { server }),
    ...(tool === undefined ? {} : { tool }),
    ...(effect === undefined ? {} : { effect }),
    ...(scope === undefined ? {} : { scope }),
    ...(principal === undefined ? {} : { principal }),
    ...(taintAll === undefined ? {} : { taintAll }),
    ...(taintAny === undefined ? {} : { taintAny }),
  };
}

/** A rule's `tool` is the name of an item of any kind, so a URI will do. */
function ruleToolFault(name: string): string | undefined {
  return itemNameFault("resource", name) === undefined
    ? undefined
    : "expected the name of a tool, prompt, resource or resource template";
}

function readFlagConditions(table: TomlTable, path: KeyPath): RuleCondition {
  const read = (key: string): boolean | undefined => {
    const value = member(table, key);
    return value === undefined ? undefined : readFlag(value, childPath(path, key), false);
  };
  const stateChanging = read("state_changing");
  const lease = read("lease");
  const consent = read("consent");
  return {
    ...(stateChanging === undefined ? {} : { stateChanging }),
    ...(lease === undefined ? {} : { lease }),
    ...(consent === undefined ? {} : { consent }),
  };
}

/**
 * Reads `[[rules]]`, each id once.
 *
 * @throws {GuardError} CATALOG_SCHEMA when a rule is malformed or an id is given twice.
 */
export function readRules(
  value: unknown,
  path: KeyPath,
  context: RuleContext,
): readonly CatalogRule[] {
  const rules: CatalogRule[] = [];
  const seen = new Set<string>();
  for (const [index, element] of readArray(value ?? [], path).entries()) {
    const at = childPath(path, index);
    const rule = readRule(element, at, context);
    if (seen.has(rule.id)) {
      throw schemaFault(
        childPath(at, "id"),
        `expected each rule id once, got ${quote(rule.id)} again`,
      );
    }
    seen.add(rule.id);
    rules.push(rule);
  }
  return rules;
}
