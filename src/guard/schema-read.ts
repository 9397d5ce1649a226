// Reading an input schema: every subschema found, counted and checked, every `$ref` resolved.
import { quote } from "../errors.ts";
import { LIMIT_SUBSCHEMAS } from "./argument-limits.ts";
import { isJsonObject, type JsonObject } from "./argument-snapshot.ts";
import {
  APPLICATORS,
  ASSERTIONS,
  type Dialect,
  dialectOf,
  NOT_EVALUATED,
  REFUSED,
} from "./schema-keywords.ts";

/** A subschema as it stands in the source. */
export type SourceSchema = JsonObject | boolean;

/** An input schema that can be evaluated. */
export interface ReadSchema {
  readonly dialect: Dialect;
  readonly root: JsonObject;
  /** Subschemas, boolean ones included. */
  readonly count: number;
  /** Every subschema that is an object -> what its `$ref` leads to, where it has one. */
  readonly schemas: ReadonlyMap<JsonObject, SourceSchema | undefined>;
  /** Subschemas that, without what is not evaluated, may accept more than they say. */
  readonly widened: ReadonlySet<JsonObject>;
}

/** One line that says what is wrong with a schema. */
export class SchemaFault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/**
 * Reads a schema whose JSON is already plain and bounded.
 *
 * @returns a `SchemaFault` for another dialect than 2020-12 and draft-07, a keyword of the wrong
 *   shape, more than 4 096 subschemas, or a `$ref` that does not lead into this very schema
 */
export function readSchema(root: JsonObject): ReadSchema | SchemaFault {
  const dialect = dialectOf(root["$schema"]);
  if (dialect === undefined) {
    return new SchemaFault("expected $schema 2020-12 or draft-07, got another dialect");
  }
  const reader = new Reader(root, dialect);
  const fault = reader.read();
  return fault ?? reader.result();
}

class Reader {
  readonly #root: JsonObject;
  readonly #dialect: Dialect;
  readonly #targets = new Map<JsonObject, SourceSchema | undefined>();
  readonly #anchors = new Map<string, JsonObject>();
  /** Subschema -> those that it is a part of, or that refer to it. */
  readonly #users = new Map<JsonObject, JsonObject[]>();
  readonly #queue: JsonObject[] = [];
  #count = 0;

  constructor(root: JsonObject, dialect: Dialect) {
    this.#root = root;
    this.#dialect = dialect;
  }

  read(): SchemaFault | undefined {
    const fault = this.#add(this.#root, undefined) ?? this.#drain();
    if (fault !== undefined) return fault;
    // a $ref may lead to a place that is no subschema otherwise; what is found there is read too
    for (const [schema] of this.#targets) {
      const reference = schema["$ref"];
      if (typeof reference !== "string") continue;
      const target = this.#resolve(reference);
      if (target === undefined) {
        const wanted = "expected a $ref that leads into this schema";
        return new SchemaFault(`${wanted}, got ${quote(reference)}`);
      }
      const found = this.#add(target, schema) ?? this.#drain();
      if (found !== undefined) return found;
      this.#targets.set(schema, target);
    }
    return undefined;
  }

  result(): ReadSchema {
    return {
      dialect: this.#dialect,
      root: this.#root,
      count: this.#count,
      schemas: this.#targets,
      widened: this.#widened(),
    };
  }

  #drain(): SchemaFault | undefined {
    for (let schema = this.#queue.pop(); schema !== undefined; schema = this.#queue.pop()) {
      const fault = this.#readOne(schema);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** Takes up a subschema that was not seen before. */
  #add(schema: unknown, user: JsonObject | undefined): SchemaFault | undefined {
    const isNew = !isJsonObject(schema) || !this.#targets.has(schema);
    if (isNew) this.#count += 1;
    if (this.#count > LIMIT_SUBSCHEMAS) {
      return new SchemaFault(`expected at most ${LIMIT_SUBSCHEMAS} subschemas, got more`);
    }
    if (typeof schema === "boolean") return undefined;
    if (!isJsonObject(schema)) {
      return new SchemaFault("expected a subschema to be an object or a boolean, got another type");
    }
    if (user !== undefined) this.#addUser(schema, user);
    if (!isNew) return undefined;
    this.#targets.set(schema, undefined);
    this.#queue.push(schema);
    return undefined;
  }

  #addUser(schema: JsonObject, user: JsonObject): void {
    const users = this.#users.get(schema);
    if (users === undefined) this.#users.set(schema, [user]);
    else users.push(user);
  }

  #readOne(schema: JsonObject): SchemaFault | undefined {
    for (const [keyword, value] of Object.entries(schema)) {
      if (REFUSED.has(keyword)) return shapeFault(keyword, "absent");
      const shape = ASSERTIONS[this.#dialect].get(keyword);
      if (shape !== undefined && !shape(value))
        return shapeFault(keyword, "of its standard's type");
      const fault = this.#readSubschemas(schema, keyword, value);
      if (fault !== undefined) return fault;
    }
    return this.#readIdentity(schema);
  }

  #readSubschemas(schema: JsonObject, keyword: string, value: unknown): SchemaFault | undefined {
    const kind = APPLICATORS[this.#dialect].get(keyword);
    if (kind === undefined) return undefined;
    const isTuple = keyword === "items" && this.#dialect === "7" && Array.isArray(value);
    if (kind === "schema" && !isTuple) return this.#add(value, schema);
    const parts: unknown = kind === "list" || isTuple ? value : asMap(value);
    if (typeof parts !== "object" || parts === null) {
      return shapeFault(keyword, "of its standard's type");
    }
    if ((kind === "list" || isTuple) !== Array.isArray(parts)) {
      return shapeFault(keyword, "of its standard's type");
    }
    for (const part of Object.values(parts)) {
      if (kind === "names" && isNameList(part)) continue;
      const fault = this.#add(part, schema);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** `$id`, `$anchor` and `$schema` below the root: names in this resource, never another one. */
  #readIdentity(schema: JsonObject): SchemaFault | undefined {
    const { $id: id, $anchor: anchor, $dynamicAnchor: dynamicAnchor, $schema: dialect } = schema;
    if (schema !== this.#root) {
      if (typeof id === "string" && !id.startsWith("#")) {
        return shapeFault("$id", "on the root of the schema alone");
      }
      if (dialect !== undefined && dialectOf(dialect) !== this.#dialect) {
        return shapeFault("$schema", "the same everywhere");
      }
    }
    const own = typeof id === "string" && id.startsWith("#") ? id.slice(1) : undefined;
    for (const name of [anchor, dynamicAnchor, own]) {
      if (typeof name !== "string" || name === "" || name.startsWith("/")) continue;
      const known = this.#anchors.get(name);
      if (known !== undefined && known !== schema) return shapeFault("$anchor", "unique");
      this.#anchors.set(name, schema);
    }
    return undefined;
  }

  /** Where `reference` leads within this schema; nothing is ever fetched. */
  #resolve(reference: string): SourceSchema | undefined {
    const id = this.#root["$id"];
    const base = typeof id === "string" ? (id.split("#")[0] ?? "") : "";
    const isOwn = base !== "" && (reference === base || reference.startsWith(`${base}#`));
    const local = isOwn ? reference.slice(base.length) : reference;
    if (local === "" && !isOwn) return undefined;
    if (local !== "" && !local.startsWith("#")) return undefined;
    const fragment = decodeFragment(local.slice(1));
    if (fragment === undefined) return undefined;
    if (fragment === "") return this.#root;
    if (!fragment.startsWith("/")) return this.#anchors.get(fragment);
    const target = follow(this.#root, fragment);
    return typeof target === "boolean" || isJsonObject(target) ? target : undefined;
  }

  /** Those with a keyword that is not evaluated, and all that use one of them. */
  #widened(): ReadonlySet<JsonObject> {
    const widened = new Set<JsonObject>();
    for (const [schema] of this.#targets) {
      if (Object.keys(schema).some((keyword) => NOT_EVALUATED.has(keyword))) widened.add(schema);
    }
    for (const schema of widened) {
      for (const user of this.#users.get(schema) ?? []) widened.add(user);
    }
    return widened;
  }
}

function shapeFault(keyword: string, wanted: string): SchemaFault {
  return new SchemaFault(`expected keyword ${quote(keyword)} to be ${wanted}, got another value`);
}

function asMap(value: unknown): unknown {
  return isJsonObject(value) ? value : undefined;
}

function isNameList(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function decodeFragment(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return undefined;
  }
}

/** The value at an RFC 6901 pointer. */
function follow(root: JsonObject, pointer: string): unknown {
  let value: unknown = root;
  for (const part of pointer.slice(1).split("/")) {
    const token = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value))
      value = /^(?:0|[1-9][0-9]*)$/.test(token) ? value[Number(token)] : undefined;
    else if (isJsonObject(value) && Object.hasOwn(value, token)) value = value[token];
    else return undefined;
  }
  return value;
}
