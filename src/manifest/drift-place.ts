// Where in a definition a member is: what its keys mean, and so which rule of widening holds.
import type { ItemKind } from "../catalog/types.ts";
import { elementSet, isJsonObject, memberOf } from "./drift-json.ts";

export type Role =
  | "definition"
  | "annotations"
  | "execution"
  | "prompt_arguments"
  | "prompt_argument"
  | "schema"
  /** Property names (or patterns) to schemas. */
  | "properties"
  /** Names to schemas that count only when something refers to them. */
  | "named_schemas"
  /** Property names to what they demand: `dependentSchemas` and its like. */
  | "demands"
  | "schema_list"
  /** Compared as one value: `enum`, `required`, `const`. */
  | "whole"
  | "other";

export interface Place {
  readonly role: Role;
  readonly kind: ItemKind;
  /** Below `outputSchema`: about results, not arguments. */
  readonly isResult: boolean;
  /** Below `not`, `if`, `oneOf` and the like a tighter condition may let more through. */
  readonly isUnclear: boolean;
  /** The whole schema has such a condition, which may refer to a named schema. */
  readonly hasUnclear: boolean;
}

const SCHEMA_ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ["properties", "properties"],
  ["patternProperties", "properties"],
  ["$defs", "named_schemas"],
  ["definitions", "named_schemas"],
  ["dependentSchemas", "demands"],
  ["dependencies", "demands"],
  ["dependentRequired", "demands"],
  ["anyOf", "schema_list"],
  ["oneOf", "schema_list"],
  ["allOf", "schema_list"],
  ["prefixItems", "schema_list"],
  ["items", "schema"],
  ["additionalItems", "schema"],
  ["additionalProperties", "schema"],
  ["unevaluatedItems", "schema"],
  ["unevaluatedProperties", "schema"],
  ["propertyNames", "schema"],
  ["contains", "schema"],
  ["not", "schema"],
  ["if", "schema"],
  ["then", "schema"],
  ["else", "schema"],
  ["enum", "whole"],
  ["const", "whole"],
  ["required", "whole"],
  ["type", "whole"],
]);
const UNCLEAR: ReadonlySet<string> = new Set(["not", "if", "oneOf", "contains"]);
const UNCLEAR_TEXT = /"(?:not|if|oneOf|contains)":/;

/** The place of the definition itself. */
export function definitionPlace(kind: ItemKind): Place {
  return { role: "definition", kind, isResult: false, isUnclear: false, hasUnclear: false };
}

/** The place of the member `key`, whose values are `before` and `after`. */
export function memberPlace(place: Place, key: string, before: unknown, after: unknown): Place {
  const role = roleOf(place, key, before);
  if (place.role === "definition") {
    const hasUnclear = role === "schema" && [before, after].some(hasUnclearCondition);
    return { ...place, role, isResult: key === "outputSchema", hasUnclear };
  }
  if (place.role !== "schema") return { ...place, role };
  const isUnclear =
    place.isUnclear || UNCLEAR.has(key) || (role === "named_schemas" && place.hasUnclear);
  return { ...place, role, isUnclear };
}

function roleOf(place: Place, key: string, value: unknown): Role {
  switch (place.role) {
    case "definition":
      return definitionRole(place.kind, key);
    case "schema":
      if (key === "items" && Array.isArray(value)) return "schema_list";
      return SCHEMA_ROLES.get(key) ?? "other";
    case "properties":
    case "named_schemas":
    case "schema_list":
      return "schema";
    case "demands":
      return Array.isArray(value) ? "whole" : "schema";
    case "prompt_arguments":
      return "prompt_argument";
    default:
      return "other";
  }
}

function definitionRole(kind: ItemKind, key: string): Role {
  if (kind === "prompt") return key === "arguments" ? "prompt_arguments" : "other";
  if (kind !== "tool") return "other";
  if (key === "inputSchema" || key === "outputSchema") return "schema";
  return key === "annotations" || key === "execution" ? key : "other";
}

function isReordered(before: readonly unknown[], after: readonly unknown[]): boolean {
  const sorted = (list: readonly unknown[]): string => JSON.stringify([...elementSet(list)].sort());
  return sorted(before) === sorted(after);
}

function hasUnclearCondition(schema: unknown): boolean {
  return schema !== undefined && UNCLEAR_TEXT.test(JSON.stringify(schema));
}

/** True when two different arrays are compared element by element. */
export function comparesElements(
  place: Place,
  before: readonly unknown[],
  after: readonly unknown[],
): boolean {
  if (before.length !== after.length || place.role === "whole") return false;
  if (place.role === "schema_list" && isReordered(before, after)) return false;
  if (place.role === "prompt_arguments") {
    return before.every((one, index) => memberOf(one, "name") === memberOf(after[index], "name"));
  }
  // WHY: a list of plain values is read as one, word by word
  return [...before, ...after].every((one) => isJsonObject(one) || Array.isArray(one));
}
