// Keywords of JSON Schema 2020-12 and draft-07: where subschemas are, and the shapes of the others.

/** A dialect that the arguments layer evaluates. */
export type Dialect = "2020-12" | "7";

/** Where a keyword's value has subschemas. `names` = a map to subschemas or lists of names. */
export type Applicator = "schema" | "list" | "map" | "names";

const TYPES: ReadonlySet<unknown> = new Set([
  "array",
  "boolean",
  "integer",
  "null",
  "number",
  "object",
  "string",
]);

type Shape = (value: unknown) => boolean;

const isText: Shape = (value) => typeof value === "string";
const isNumber: Shape = (value) => typeof value === "number";
const isCount: Shape = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isNames: Shape = (value) => Array.isArray(value) && value.every(isText);
const isNamesMap: Shape = (value) =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every(isNames);

const APPLICATORS_COMMON: readonly (readonly [string, Applicator])[] = [
  ["not", "schema"],
  ["if", "schema"],
  ["then", "schema"],
  ["else", "schema"],
  ["additionalProperties", "schema"],
  ["propertyNames", "schema"],
  ["contains", "schema"],
  ["items", "schema"],
  ["allOf", "list"],
  ["anyOf", "list"],
  ["oneOf", "list"],
  ["properties", "map"],
  ["patternProperties", "map"],
  ["$defs", "map"],
  ["definitions", "map"],
];

/** Subschema positions by dialect; what is in neither table is an annotation, and ignored. */
export const APPLICATORS: Readonly<Record<Dialect, ReadonlyMap<string, Applicator>>> = {
  "2020-12": new Map([
    ...APPLICATORS_COMMON,
    ["prefixItems", "list"],
    ["unevaluatedItems", "schema"],
    ["unevaluatedProperties", "schema"],
    ["dependentSchemas", "map"],
  ]),
  // `items` may be a list here too: the compiler looks at the value
  "7": new Map([...APPLICATORS_COMMON, ["additionalItems", "schema"], ["dependencies", "names"]]),
};

const ASSERTIONS_COMMON: readonly (readonly [string, Shape])[] = [
  ["$ref", isText],
  ["type", (value) => TYPES.has(value) || (isNames(value) && isTypeList(value))],
  ["enum", (value) => Array.isArray(value)],
  ["const", () => true],
  ["required", isNames],
  ["minimum", isNumber],
  ["maximum", isNumber],
  ["exclusiveMinimum", isNumber],
  ["exclusiveMaximum", isNumber],
  ["multipleOf", (value) => typeof value === "number" && value > 0],
  ["minLength", isCount],
  ["maxLength", isCount],
  ["minItems", isCount],
  ["maxItems", isCount],
  ["minProperties", isCount],
  ["maxProperties", isCount],
  ["uniqueItems", (value) => typeof value === "boolean"],
  ["pattern", isText],
  ["format", isText],
];

/** Keywords with a plain value, and what it must be, by dialect. */
export const ASSERTIONS: Readonly<Record<Dialect, ReadonlyMap<string, Shape>>> = {
  "2020-12": new Map([
    ...ASSERTIONS_COMMON,
    ["minContains", isCount],
    ["maxContains", isCount],
    ["dependentRequired", isNamesMap],
  ]),
  "7": new Map(ASSERTIONS_COMMON),
};

/** Keywords that are read and not evaluated at run time (40-gateway section 4). */
export const NOT_EVALUATED: ReadonlySet<string> = new Set([
  "pattern",
  "patternProperties",
  "format",
]);

/** Keywords whose meaning depends on the path taken: a schema that has one is refused. */
export const REFUSED: ReadonlySet<string> = new Set(["$dynamicRef", "$recursiveRef"]);

const DIALECT_URI = /^https?:\/\/json-schema\.org\/(?:draft\/(2020-12)|draft-0(7))\/schema#?$/;

/** The dialect that `$schema` names; 2020-12 without one; `undefined` for any other. */
export function dialectOf(uri: unknown): Dialect | undefined {
  if (uri === undefined) return "2020-12";
  const match = typeof uri === "string" ? DIALECT_URI.exec(uri) : null;
  if (match === null) return undefined;
  return match[1] === undefined ? "7" : "2020-12";
}

function isTypeList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((one) => TYPES.has(one));
}
