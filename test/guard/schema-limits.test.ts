// A schema or arguments made to keep a guard busy: bounded, whatever they are.
import { describe, expect, it } from "vitest";
import {
  LIMIT_CACHED_SCHEMAS,
  LIMIT_CACHED_SUBSCHEMAS,
  LIMIT_SCHEMA_NESTING,
  LIMIT_SCHEMA_STEPS,
  LIMIT_SUBSCHEMAS,
} from "../../src/guard/argument-limits.ts";
import { SchemaCheck } from "../../src/guard/schema.ts";
import { SchemaCache } from "../../src/guard/schema-cache.ts";

const COST = {
  ok: false,
  keyword: "cost",
  location: "",
  message: "expected arguments that validate in bounded time, got larger ones",
};

/** n definitions of which each refers to the next one, `copies` times. */
function chain(size: number, copies: number, keyword: string, last: object): object {
  const $defs: Record<string, object> = { [`a${size}`]: last };
  for (let index = 0; index < size; index++) {
    const next = { $ref: `#/$defs/a${index + 1}` };
    $defs[`a${index}`] =
      copies === 1 ? next : { [keyword]: Array.from({ length: copies }, () => next) };
  }
  return { $ref: "#/$defs/a0", $defs };
}

function check(schema: unknown, args: unknown): ReturnType<SchemaCheck["check"]> {
  const compiled = SchemaCheck.compile(schema);
  expect(compiled.fault).toBeUndefined();
  return compiled.check(args);
}

function properties(count: number): object {
  return { properties: Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, {}])) };
}

/** `not` in `not`: the root's brace is level 1. */
function nested(depth: number): object {
  let schema: object = {};
  for (let level = 1; level < depth; level++) schema = { not: schema };
  return schema;
}

describe("limits of a schema", () => {
  it("4 096 subschemas compile, 4 097 do not", () => {
    expect(SchemaCheck.compile(properties(LIMIT_SUBSCHEMAS - 1)).subschemas).toBe(LIMIT_SUBSCHEMAS);
    const fault = "expected at most 4096 subschemas, got more";
    expect(SchemaCheck.compile(properties(LIMIT_SUBSCHEMAS)).fault).toBe(fault);
    const booleans = { anyOf: Array.from({ length: LIMIT_SUBSCHEMAS }, () => true) };
    expect(SchemaCheck.compile(booleans).fault).toBe(fault);
  });

  it("64 levels compile, 65 do not", () => {
    expect(SchemaCheck.compile(nested(64)).fault).toBeUndefined();
    expect(SchemaCheck.compile(nested(65)).fault).toMatch(/^expected a json object of plain data/);
  });
});

describe("limits of a validation", () => {
  it.each([
    "anyOf",
    "allOf",
    "oneOf",
  ])("%s that doubles 30 times is refused in bounded time", (keyword) => {
    expect(check(chain(30, 2, keyword, { type: "string" }), {})).toEqual(COST);
  });

  it("a schema that is itself is refused", () => {
    expect(check({ $ref: "#" }, {})).toEqual(COST);
    expect(check({ allOf: [{ $ref: "#" }, { $ref: "#" }] }, {})).toEqual(COST);
  });

  it("256 nested visits are made, 257 are not", () => {
    expect(check(chain(LIMIT_SCHEMA_NESTING - 2, 1, "", {}), {}).ok).toBe(true);
    expect(check(chain(LIMIT_SCHEMA_NESTING - 1, 1, "", {}), {})).toEqual(COST);
  });

  it("2 097 152 steps are taken, one step more is not", () => {
    // an element is one step for its array and one for its subschema `true`; eight are the same
    // for every array: two visits of one step and the weight of their keywords, and one member
    const elementsMax = (LIMIT_SCHEMA_STEPS - 8) / 2;
    const compiled = SchemaCheck.compile({ properties: { a: { items: true } } });
    const elements = (count: number): Uint8Array =>
      new TextEncoder().encode(`{"a":[${"0,".repeat(count - 1)}0]}`);
    expect(compiled.check(elements(elementsMax)).ok).toBe(true);
    expect(compiled.check(elements(elementsMax + 1))).toEqual(COST);
  });

  it("uniqueItems over 2 000 elements is checked, over 100 000 refused", () => {
    const schema = { properties: { a: { uniqueItems: true } } };
    const numbers = (count: number): object => ({ a: Array.from({ length: count }, (_, i) => i) });
    expect(check(schema, numbers(2000)).ok).toBe(true);
    expect(check(schema, numbers(100_000))).toEqual(COST);
  });

  it("a long text measured many times is refused", () => {
    const text = { properties: { a: { $ref: "#/$defs/a0" } } };
    const once = { ...chain(0, 1, "", { maxLength: 9_000_000 }), ...text };
    const often = {
      ...chain(8, 2, "allOf", { maxLength: 9_000_000 }),
      ...text,
      $ref: "#/$defs/a8",
    };
    const args = { a: "x".repeat(4_000_000) };
    expect(check(once, args).ok).toBe(true);
    expect(check(often, args)).toEqual(COST);
  });

  it("members looked through once for every branch are counted for every branch", () => {
    const names = Array.from({ length: 2000 }, (_, index) => `k${index}`);
    const wide = {
      properties: Object.fromEntries(names.map((name) => [name, { type: "number" }])),
    };
    const schema = { ...chain(9, 2, "anyOf", wide), unevaluatedProperties: false };
    expect(check(schema, Object.fromEntries(names.map((name) => [name, 1])))).toEqual(COST);
  });
});

describe("SchemaCache", () => {
  const small = (): object => ({ type: "object" });

  it("compiles a digest once, and asks for its schema once", () => {
    const cache = new SchemaCache();
    const first = cache.get("sha256:a", small);
    const again = cache.get("sha256:a", () => expect.fail("asked again"));
    expect(again).toBe(first);
    expect(cache.size).toBe(1);
  });

  it("keeps 4 096 schemas and drops the one that was not used for longest", () => {
    const cache = new SchemaCache();
    const first = cache.get("0", small);
    for (let index = 1; index < LIMIT_CACHED_SCHEMAS; index++) cache.get(String(index), small);
    expect(cache.size).toBe(LIMIT_CACHED_SCHEMAS);
    expect(cache.get("0", small)).toBe(first);
    const second = cache.get("1", small);
    cache.get("0", small);
    cache.get("one more", small);
    expect(cache.size).toBe(LIMIT_CACHED_SCHEMAS);
    expect(cache.get("0", small)).toBe(first);
    expect(cache.get("1", small)).toBe(second);
    expect(cache.get("2", () => ({ type: "x" })).fault).toBeDefined();
  });

  it("keeps 65 536 subschemas and not one more", () => {
    const cache = new SchemaCache();
    const large = (): object => properties(LIMIT_SUBSCHEMAS - 1);
    const count = LIMIT_CACHED_SUBSCHEMAS / LIMIT_SUBSCHEMAS;
    for (let index = 0; index < count; index++) cache.get(String(index), large);
    expect(cache.size).toBe(count);
    cache.get("one more", small);
    expect(cache.size).toBe(count);
  });

  it("keeps a schema that cannot be used, which refuses again", () => {
    const cache = new SchemaCache();
    const broken = cache.get("x", () => ({ type: 1 }));
    expect(cache.get("x", small)).toBe(broken);
    expect(broken.check({}).ok).toBe(false);
  });
});
