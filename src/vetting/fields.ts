// Every string of a definition, with its place and kind: values and the names of members alike.
import { FIELD_NAME, FIELD_PARAMETER, FIELD_PROSE, FIELD_VALUE } from "../abi/patterns.ts";
import type { TextField } from "./scanner.ts";

/** Members whose names are chosen by the server. */
const NAMING: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
  "dependentRequired",
  "_meta",
]);
/** Members whose strings are data rather than prose. */
const VALUES: ReadonlySet<string> = new Set([
  "enum",
  "const",
  "default",
  "examples",
  "pattern",
  "format",
  "required",
  "$ref",
  "$schema",
  "$id",
  "uri",
  "uriTemplate",
  "mimeType",
  "src",
]);
/** Names that the protocol and JSON Schema define; any other name is the server's own words. */
const KNOWN_NAMES: ReadonlySet<string> = new Set([
  ...NAMING,
  ...VALUES,
  ..."name title description inputSchema outputSchema annotations icons arguments type items".split(
    " ",
  ),
  ..."additionalProperties anyOf allOf oneOf not if then else minimum maximum minLength".split(" "),
  ..."maxLength minItems maxItems uniqueItems exclusiveMinimum exclusiveMaximum prefixItems".split(
    " ",
  ),
  ..."readOnlyHint destructiveHint idempotentHint openWorldHint execution taskSupport sizes".split(
    " ",
  ),
  ..."propertyNames contains minProperties maxProperties multipleOf $comment size audience".split(
    " ",
  ),
  ..."priority lastModified theme additionalItems deprecated readOnly writeOnly nullable".split(
    " ",
  ),
]);

/**
 * The strings of a definition, in its order: what `JSON.parse` made of it.
 *
 * A member's name has the pointer of its value with `#name` behind it.
 */
export function fieldsOf(definition: unknown): readonly TextField[] {
  const fields: TextField[] = [];
  collect(definition, "", FIELD_PROSE, false, fields);
  return fields;
}

function collect(
  value: unknown,
  path: string,
  kind: number,
  isNaming: boolean,
  fields: TextField[],
): void {
  if (typeof value === "string") {
    if (value !== "") fields.push({ path, kind, text: value });
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) {
      collect(element, `${path}/${index}`, kind, false, fields);
    }
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const place = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (isNaming || !KNOWN_NAMES.has(name)) {
      fields.push({ path: `${place}#name`, kind: FIELD_PARAMETER, text: name });
    }
    const isOwnName = name === "name" && !isNaming;
    let inner = kind;
    if (isOwnName) inner = path === "" ? FIELD_NAME : FIELD_PARAMETER;
    else if (VALUES.has(name) && !isNaming) inner = FIELD_VALUE;
    collect(member, place, inner, NAMING.has(name) && !isNaming, fields);
  }
}
