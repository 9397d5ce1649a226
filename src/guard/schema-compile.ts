// From a read schema to what the validator gets: a copy that holds known keywords alone, resolved
// references, and nothing of what is not evaluated at run time.
//
// INVARIANT: the copy accepts whatever the schema accepts. What cannot be judged without `pattern`,
// `patternProperties` and `format` is held to match, so under `not`, `oneOf`, `if` and `maxContains`,
// where matching more would refuse more, the copy asks less.
import type { Schema } from "@cfworker/json-schema";
import type { JsonObject } from "./argument-snapshot.ts";
import { APPLICATORS, ASSERTIONS, type Dialect, NOT_EVALUATED } from "./schema-keywords.ts";
import type { ReadSchema, SourceSchema } from "./schema-read.ts";
import { type CompiledSchema, type SchemaShape, shapeOf } from "./schema-shape.ts";

/** The keyword; nothing here is a promise. */
const THEN = "then";

/** A schema that can be handed to the validator. */
export interface SchemaProgram {
  readonly dialect: Dialect;
  readonly root: Schema;
  /** What the `$ref` texts of the copy lead to. */
  readonly lookup: Record<string, CompiledSchema>;
  readonly shapes: ReadonlyMap<Schema, SchemaShape>;
  readonly subschemas: number;
}

/** Compiles a schema that `readSchema` accepted. */
export function compileSchema(read: ReadSchema): SchemaProgram {
  return new Compiler(read).program();
}

class Compiler {
  readonly #read: ReadSchema;
  readonly #copies = new Map<JsonObject, Schema>();
  readonly #lookup: Record<string, CompiledSchema> = Object.create(null);
  readonly #names = new Map<SourceSchema, string>();
  readonly #weights = new Map<Schema, number>();

  constructor(read: ReadSchema) {
    this.#read = read;
  }

  program(): SchemaProgram {
    for (const source of this.#read.schemas.keys()) this.#copies.set(source, empty());
    for (const [source, copy] of this.#copies) this.#fill(source, copy);
    return {
      dialect: this.#read.dialect,
      root: this.#copyOf(this.#read.root),
      lookup: this.#lookup,
      shapes: new Map(
        [...this.#weights].map(([schema, weight]) => [schema, shapeOf(schema, weight)]),
      ),
      subschemas: this.#read.count,
    };
  }

  #copyOf(source: JsonObject): Schema {
    return this.#copies.get(source) ?? { not: {} };
  }

  #compiled(source: unknown): CompiledSchema {
    return this.#isObject(source) ? this.#copyOf(source) : source === true;
  }

  #isObject(source: unknown): source is JsonObject {
    return typeof source === "object" && source !== null;
  }

  #isWidened(source: unknown): boolean {
    return this.#isObject(source) && this.#read.widened.has(source);
  }

  #fill(source: JsonObject, copy: Schema): void {
    let weight = 1;
    const target = this.#read.schemas.get(source);
    const { dialect } = this.#read;
    if (target !== undefined) copy.$ref = this.#nameOf(target);
    // draft-07: what stands beside a $ref does not count
    if (target === undefined || dialect !== "7") {
      for (const [keyword, value] of Object.entries(source)) {
        if (keyword === "$ref" || NOT_EVALUATED.has(keyword)) continue;
        if (ASSERTIONS[dialect].has(keyword)) copy[keyword] = value;
        else if (APPLICATORS[dialect].has(keyword))
          copy[keyword] = this.#applicator(keyword, value);
        else continue;
        weight += sizeOf(value, APPLICATORS[dialect].has(keyword));
      }
      this.#widen(source, copy);
    }
    this.#weights.set(copy, weight);
  }

  #applicator(keyword: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((part) => this.#compiled(part));
    const kind = APPLICATORS[this.#read.dialect].get(keyword);
    if (kind === "schema" || !this.#isObject(value)) return this.#compiled(value);
    const map: Record<string, unknown> = Object.create(null);
    for (const [name, part] of Object.entries(value)) {
      map[name] = Array.isArray(part) ? part : this.#compiled(part);
    }
    return map;
  }

  /** Asks less wherever matching too much would refuse. */
  #widen(source: JsonObject, copy: Schema): void {
    if (source["patternProperties"] !== undefined) {
      // any name might match a pattern: all of them count as matched
      copy.additionalProperties = true;
    }
    if (this.#isWidened(source["not"])) delete copy.not;
    if (this.#isWidened(source["contains"])) delete copy.maxContains;
    const branches: unknown = source["oneOf"];
    if (Array.isArray(branches) && branches.some((branch) => this.#isWidened(branch))) {
      delete copy.oneOf;
      this.#require(copy, { anyOf: branches.map((branch) => this.#compiled(branch)) });
    }
    if (this.#isWidened(source["if"])) {
      const choices = [source["then"] ?? true, source["else"] ?? true];
      const either = this.#added({ anyOf: choices.map((choice) => this.#compiled(choice)) });
      copy[THEN] = either;
    }
  }

  #require(copy: Schema, schema: object): void {
    copy.allOf = [...(copy.allOf ?? []), this.#added(schema)];
  }

  #added(schema: object): Schema {
    const added: Schema = Object.assign(empty(), schema);
    this.#weights.set(added, 1);
    return added;
  }

  /** A name for `lookup`: no URI is ever built or parsed. */
  #nameOf(target: SourceSchema): string {
    const known = this.#names.get(target);
    if (known !== undefined) return known;
    const name = `s${this.#names.size}`;
    this.#names.set(target, name);
    this.#lookup[name] = this.#compiled(target);
    return name;
  }
}

/** Without a prototype: no keyword is inherited. */
function empty(): Schema {
  const schema: Schema = Object.create(null);
  return schema;
}

/** Values in `value`; of a place of subschemas, its members alone. */
function sizeOf(value: unknown, isApplicator: boolean): number {
  if (typeof value !== "object" || value === null) return 1;
  const parts: readonly unknown[] = Object.values(value);
  if (isApplicator) return 1 + parts.length;
  return parts.reduce<number>((size, part) => size + sizeOf(part, false), 1);
}
