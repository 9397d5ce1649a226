// Which change of a JSON Schema keyword lets more values pass (draft 2020-12, draft-07 and the
// draft-04 forms that occur). Each rule compares one keyword; none evaluates a value.
import { quote } from "../errors.ts";
import { type KeywordRule, lower, multipleOf, uniqueItems, upper } from "./drift-bounds.ts";
import { elementSet, isJsonObject, memberOf } from "./drift-json.ts";

const NAMES_MAX = 5;
const ALL_TYPES: readonly string[] = [
  "array",
  "boolean",
  "integer",
  "null",
  "number",
  "object",
  "string",
];
const DIALECT_DEFAULT = "https://json-schema.org/draft/2020-12/schema";

/** Below a condition whose tightening may let more pass. */
export function unclearWhy(): string {
  return "changed below `not`, `if`, `oneOf` or `contains`: what passes now cannot be told";
}

/**
 * Why `what` takes more values when its schema turns from `before` into `after`, one of them no
 * object: `false` takes nothing, `true`, `{}` and an absent schema take everything.
 */
export function opensSchema(what: string, before: unknown, after: unknown): string | undefined {
  const now = openness(after);
  if (now <= openness(before)) return undefined;
  return now === OPEN ? `${what}: anything is accepted` : `${what}: more is accepted`;
}

const CLOSED = 0;
const LIMITED = 1;
const OPEN = 2;

function openness(schema: unknown): number {
  if (schema === undefined || schema === true) return OPEN;
  if (isJsonObject(schema)) return Object.keys(schema).length === 0 ? OPEN : LIMITED;
  // a list of schemas by position, as draft-07 has under `items`
  if (Array.isArray(schema)) return LIMITED;
  return schema === false ? CLOSED : OPEN;
}

/** A keyword whose value is a schema or a boolean. */
const subschema: KeywordRule = ({ keyword, before, after }) => {
  if (Array.isArray(before) !== Array.isArray(after) && isJsonObject(before ?? after)) {
    return `\`${keyword}\` has another form: what passes now cannot be told`;
  }
  return opensSchema(`\`${keyword}\``, before, after);
};

/** `properties` or `patternProperties` as a whole came or went. */
const properties: KeywordRule = ({ keyword, before, after, schemaAfter }) => {
  const names = isJsonObject(after) ? Object.keys(after) : [];
  if (names.length > 0)
    return `new ${names.length === 1 ? "property" : "properties"} ${list(names)}`;
  return before === undefined || isClosed(schemaAfter)
    ? undefined
    : `\`${keyword}\` is gone, and other properties are accepted`;
};

const required: KeywordRule = ({ before, after }) => noLongerRequired(before, after);

/** Which names of the list `before` the list `after` lacks, in words. */
export function noLongerRequired(before: unknown, after: unknown): string | undefined {
  const gone = missingFrom(stringsOf(before), stringsOf(after));
  if (gone.length === 0) return undefined;
  return `${list(gone)} ${gone.length === 1 ? "is" : "are"} no longer required`;
}

/** True when a schema accepts no property that it does not name. */
export function isClosed(schema: unknown): boolean {
  return (
    memberOf(schema, "additionalProperties") === false ||
    memberOf(schema, "unevaluatedProperties") === false
  );
}

const type: KeywordRule = ({ before, after }) => {
  const old = typesOf(before);
  const more = typesOf(after).filter(
    (one) => !old.includes(one) && !(one === "integer" && old.includes("number")),
  );
  return more.length === 0 ? undefined : `takes another type: ${list(more)}`;
};

/** `enum` and `const` together: a list of values, or any. */
const values: KeywordRule = ({ schemaBefore, schemaAfter }) => {
  const old = valuesOf(schemaBefore);
  const now = valuesOf(schemaAfter);
  if (old === undefined) return undefined;
  if (now === undefined) return "any value is accepted, not only those that were listed";
  const more = missingFrom([...now], [...old]);
  return more.length === 0 ? undefined : `accepts another value: ${list(more)}`;
};

/** What cannot be compared by looking: a pattern, a format. */
const opaque: KeywordRule = ({ keyword, before, after }) => {
  if (before === undefined) return undefined;
  return after === undefined
    ? `\`${keyword}\` is gone`
    : `\`${keyword}\` changed: what passes now cannot be told`;
};

/** A reference, or what it is resolved with: any change may mean another schema. */
const reference: KeywordRule = ({ keyword }) =>
  `\`${keyword}\` changed: it may now mean another schema`;

const dialect: KeywordRule = ({ before, after }) => {
  const dialectOf = (value: unknown): unknown =>
    typeof value === "string" ? value.replace(/#$/, "") : (value ?? DIALECT_DEFAULT);
  return dialectOf(before) === dialectOf(after)
    ? undefined
    : "`$schema` changed: the keywords may mean something else";
};

const anyOf: KeywordRule = ({ before, after }) => {
  if (before === undefined) return undefined;
  if (after === undefined) return "`anyOf` is gone";
  const old = elementSet(before);
  return [...elementSet(after)].every((one) => old.has(one))
    ? undefined
    : "`anyOf` has another alternative";
};

const allOf: KeywordRule = ({ before, after }) => {
  if (before === undefined) return undefined;
  const now = elementSet(after);
  return [...elementSet(before)].every((one) => now.has(one))
    ? undefined
    : "`allOf` demands less or something else";
};

const oneOf: KeywordRule = ({ before, after }) => {
  if (before === undefined) return undefined;
  if (after === undefined) return "`oneOf` is gone";
  const isReordered = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after));
  return isReordered ? undefined : "`oneOf` has other alternatives";
};

const positions: KeywordRule = ({ keyword, before }) =>
  before === undefined ? undefined : `\`${keyword}\` has other positions`;

/** A condition that only ever refuses: without it more passes. */
const condition: KeywordRule = ({ keyword, before, after }) =>
  before !== undefined && after === undefined ? `\`${keyword}\` is gone` : undefined;

const inverted: KeywordRule = ({ keyword, before }) =>
  before === undefined ? undefined : `\`${keyword}\` is gone or changed: more may pass`;

const items: KeywordRule = (change) =>
  Array.isArray(change.before) && Array.isArray(change.after)
    ? positions(change)
    : subschema(change);

/** Keyword -> rule. What is not here is a text or a hint, and lets nothing pass. */
export const SCHEMA_RULES: ReadonlyMap<string, KeywordRule> = new Map<string, KeywordRule>([
  ["properties", properties],
  ["patternProperties", properties],
  ["required", required],
  ["additionalProperties", subschema],
  ["unevaluatedProperties", subschema],
  ["propertyNames", subschema],
  ["dependentRequired", condition],
  ["dependentSchemas", condition],
  ["dependencies", condition],
  ["items", items],
  ["prefixItems", positions],
  ["additionalItems", subschema],
  ["unevaluatedItems", subschema],
  ["contains", subschema],
  ["type", type],
  ["enum", values],
  ["const", values],
  ["maximum", upper("exclusiveMaximum")],
  ["exclusiveMaximum", upper("maximum")],
  ["maxLength", upper()],
  ["maxItems", upper()],
  ["maxProperties", upper()],
  ["maxContains", upper()],
  ["minimum", lower("exclusiveMinimum")],
  ["exclusiveMinimum", lower("minimum")],
  ["minLength", lower()],
  ["minItems", lower()],
  ["minProperties", lower()],
  ["minContains", lower(undefined, 1)],
  ["multipleOf", multipleOf],
  ["uniqueItems", uniqueItems],
  ["pattern", opaque],
  ["format", opaque],
  ["anyOf", anyOf],
  ["allOf", allOf],
  ["oneOf", oneOf],
  ["not", inverted],
  ["if", inverted],
  ["then", subschema],
  ["else", subschema],
  ["$ref", reference],
  ["$dynamicRef", reference],
  ["$recursiveRef", reference],
  ["$id", reference],
  ["id", reference],
  ["$anchor", reference],
  ["$dynamicAnchor", reference],
  ["$schema", dialect],
]);

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function typesOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? stringsOf(value) : ALL_TYPES;
}

/** Canonical texts of the values a schema lists; `undefined` when it lists none. */
function valuesOf(schema: unknown): ReadonlySet<string> | undefined {
  if (!isJsonObject(schema)) return undefined;
  if (Object.hasOwn(schema, "const")) return elementSet([schema["const"]]);
  return Array.isArray(schema["enum"]) ? elementSet(schema["enum"]) : undefined;
}

/** Those of `names` that `others` does not have. */
function missingFrom(names: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others);
  return [...new Set(names)].filter((name) => !known.has(name));
}

function sorted(value: unknown): readonly string[] {
  return [...elementSet(value)].sort();
}

/** At most five names, quoted. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX).map(quote).join(", ");
  const more = names.length - NAMES_MAX;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
