// What the walk that counts a validation asks of a subschema again and again, read out of it once.
import type { Schema } from "@cfworker/json-schema";

/** A subschema for the validator. */
export type CompiledSchema = Schema | boolean;

export interface SchemaShape {
  /** Work of one visit that does not depend on the arguments: members, choices, names. */
  readonly weight: number;
  /** Whether other subschemas speak about the same value. */
  readonly hasSame: boolean;
  readonly properties: readonly (readonly [string, CompiledSchema])[];
  /** Names of members that the subschema knows. */
  readonly declared: ReadonlySet<string>;
}

const SAME = ["$ref", "not", "if", "then", "else", "allOf", "anyOf", "oneOf"] as const;
const SAME_OF_OBJECTS = ["dependentSchemas", "dependencies"] as const;

export function shapeOf(schema: Schema, weight: number): SchemaShape {
  const { properties = {}, required = [] } = schema;
  return {
    weight,
    hasSame: [...SAME, ...SAME_OF_OBJECTS].some((keyword) => schema[keyword] !== undefined),
    properties: Object.entries(properties),
    declared: new Set([...Object.keys(properties), ...required]),
  };
}
