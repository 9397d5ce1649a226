// What a validation will cost, counted before it is started.
//
// WHY: `{"anyOf": [{"$ref": "#/$defs/a1"}, {"$ref": "#/$defs/a1"}]}`, 30 levels deep, is 2^30 visits
// in a validator that has no limit of its own; `uniqueItems` over 100 000 elements is 10^10
// comparisons. This walk visits every pair of subschema and value that the validator might, charges
// what each keyword looks through, and stops where the budget does.
import type { Schema } from "@cfworker/json-schema";
import { LIMIT_SCHEMA_NESTING, LIMIT_SCHEMA_STEPS } from "./argument-limits.ts";
import { isJsonObject, type JsonObject } from "./argument-snapshot.ts";
import type { SchemaProgram } from "./schema-compile.ts";
import { type CompiledSchema, type SchemaShape, shapeOf } from "./schema-shape.ts";

const TEXT_UNITS_PER_STEP = 16;
/** A big-integer remainder, against a visit of one step. */
const MULTIPLE_OF_STEPS = 64;
/** Two values compared for `enum`, `const` or `uniqueItems`. */
const COMPARED_PER_STEP = 4;
/** Findings are copied up level by level, so a deep visit costs more than a flat one. */
const NESTING_PER_STEP = 8;

/** Counts the steps of one validation, and collects the names that the schema declares. */
export class SchemaCost {
  /** Member names that a visited subschema declares, object by object. */
  readonly declared: Map<JsonObject, ReadonlySet<string>> = new Map();
  readonly #program: SchemaProgram;
  readonly #sizes = new Map<unknown, number>();
  #left = LIMIT_SCHEMA_STEPS;

  constructor(program: SchemaProgram) {
    this.#program = program;
  }

  /** False when validating `args` would take more steps, or deeper nesting, than is allowed. */
  fits(args: JsonObject): boolean {
    return this.#visit(this.#program.root, args, 1);
  }

  #visit(schema: CompiledSchema, value: unknown, depth: number): boolean {
    const nesting = 1 + Math.floor(depth / NESTING_PER_STEP);
    if (typeof schema === "boolean") return this.#charge(1);
    const shape = this.#program.shapes.get(schema) ?? shapeOf(schema, 1);
    if (depth > LIMIT_SCHEMA_NESTING || !this.#charge(nesting + shape.weight)) return false;
    if (!this.#charge(this.#lookedThrough(schema, value, nesting))) return false;
    if (shape.hasSame && !this.#visitSame(schema, value, depth + 1)) return false;
    if (Array.isArray(value)) return this.#visitElements(schema, value, depth + 1);
    return isJsonObject(value) ? this.#visitMembers(schema, shape, value, depth + 1) : true;
  }

  #charge(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }

  /** Steps that grow with the value and not with the number of visits. */
  #lookedThrough(schema: Schema, value: unknown, nesting: number): number {
    const { enum: choices = [], const: constant, uniqueItems, multipleOf } = schema;
    if (typeof value === "string") {
      const isMeasured = schema.minLength !== undefined || schema.maxLength !== undefined;
      return isMeasured ? Math.floor(value.length / TEXT_UNITS_PER_STEP) : 0;
    }
    if (typeof value === "number") return multipleOf === undefined ? 0 : MULTIPLE_OF_STEPS;
    if (typeof value !== "object" || value === null) return 0;
    const members = Array.isArray(value) ? value.length : Object.keys(value).length;
    const paired = uniqueItems === true && Array.isArray(value) ? members : 0;
    const compares = choices.length + (constant === undefined ? 0 : 1) + paired;
    const compared = compares === 0 ? 0 : compares * this.#sizeOf(value);
    return members * nesting + Math.ceil(compared / COMPARED_PER_STEP);
  }

  /** Values below `value`, itself included. */
  #sizeOf(value: unknown): number {
    if (typeof value !== "object" || value === null) return 1;
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    const parts: readonly unknown[] = Object.values(value);
    const size = parts.reduce<number>((sum, part) => sum + this.#sizeOf(part), 1);
    this.#sizes.set(value, size);
    return size;
  }

  /** Subschemas for the value itself. */
  #visitSame(schema: Schema, value: unknown, depth: number): boolean {
    const { $ref, not, if: condition, then: onTrue, else: onFalse } = schema;
    const referred = $ref === undefined ? undefined : this.#program.lookup[$ref];
    for (const part of [referred, not, condition, onTrue, onFalse]) {
      if (part !== undefined && !this.#visit(part, value, depth)) return false;
    }
    for (const list of [schema.allOf, schema.anyOf, schema.oneOf]) {
      for (const part of list ?? []) if (!this.#visit(part, value, depth)) return false;
    }
    if (!isJsonObject(value)) return true;
    for (const map of [schema.dependentSchemas, schema.dependencies]) {
      for (const [name, part] of Object.entries(map ?? {})) {
        if (Array.isArray(part) || !Object.hasOwn(value, name)) continue;
        if (!this.#visit(part, value, depth)) return false;
      }
    }
    return true;
  }

  #visitMembers(schema: Schema, shape: SchemaShape, value: JsonObject, depth: number): boolean {
    const { properties = {}, propertyNames } = schema;
    this.#declare(value, shape.declared);
    for (const [name, part] of shape.properties) {
      if (Object.hasOwn(value, name) && !this.#visit(part, value[name], depth)) return false;
    }
    const rest = schema.additionalProperties ?? schema.unevaluatedProperties;
    if (rest === undefined && propertyNames === undefined) return true;
    for (const [name, member] of Object.entries(value)) {
      if (propertyNames !== undefined && !this.#visit(propertyNames, name, depth)) return false;
      if (rest === undefined || Object.hasOwn(properties, name)) continue;
      if (!this.#visit(rest, member, depth)) return false;
    }
    // what `properties` found invalid is not evaluated, and asked again
    return this.#visitUnevaluated(schema, value, depth);
  }

  #visitUnevaluated(schema: Schema, value: JsonObject, depth: number): boolean {
    const { properties = {}, additionalProperties, unevaluatedProperties } = schema;
    if (unevaluatedProperties === undefined || additionalProperties !== undefined) return true;
    for (const name of Object.keys(properties)) {
      if (!Object.hasOwn(value, name)) continue;
      if (!this.#visit(unevaluatedProperties, value[name], depth)) return false;
    }
    return true;
  }

  #visitElements(schema: Schema, value: readonly unknown[], depth: number): boolean {
    const { prefixItems, items, additionalItems, contains, unevaluatedItems } = schema;
    const tuple = prefixItems ?? (Array.isArray(items) ? items : []);
    const behind = Array.isArray(items) ? additionalItems : items;
    for (const [index, element] of value.entries()) {
      const placed = index < tuple.length ? tuple[index] : behind;
      for (const part of [placed, contains, unevaluatedItems]) {
        if (part !== undefined && !this.#visit(part, element, depth)) return false;
      }
    }
    return true;
  }

  #declare(value: JsonObject, names: ReadonlySet<string>): void {
    if (names.size === 0) return;
    const known = this.declared.get(value);
    this.declared.set(value, known === undefined ? names : new Set([...known, ...names]));
  }
}
