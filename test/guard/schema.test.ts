// Arguments against an input schema: what is evaluated, what is not, and what refuses a schema.
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SchemaCheck } from "../../src/guard/schema.ts";
import { hasShared, readShared, sharedPath } from "../oracle/shared-data.ts";

/** A member of this name, that the linter takes for a promise. */
const THEN = "then";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

/** `ok`, the keyword that refuses, or why the schema cannot be used. */
function ask(schema: unknown, args: unknown): string {
  const check = SchemaCheck.compile(schema);
  if (check.fault !== undefined) return check.fault;
  const result = check.check(args);
  return result.ok ? "ok" : result.keyword;
}

const path = { properties: { path: { type: "string", maxLength: 3 } }, required: ["path"] };

describe("what is evaluated", () => {
  it.each([
    [path, { path: "a" }, "ok"],
    [path, {}, "required"],
    [path, { path: 1 }, "type"],
    [path, { path: "abcd" }, "maxLength"],
    [path, { path: "\u{1f600}\u{1f600}\u{1f600}" }, "ok"],
    [path, { path: "a", other: 1 }, "ok"],
    [{ ...path, additionalProperties: false }, { path: "a", other: 1 }, "additionalProperties"],
    [{ properties: { a: {} }, unevaluatedProperties: false }, { b: 1 }, "unevaluatedProperties"],
    [{ properties: { n: { type: "integer" } } }, { n: 1.5 }, "type"],
    [{ properties: { n: { type: ["integer", "null"] } } }, { n: null }, "ok"],
    [{ properties: { n: { multipleOf: 0.1 } } }, { n: 0.3 }, "ok"],
    [{ properties: { n: { exclusiveMaximum: 3 } } }, { n: 3 }, "exclusiveMaximum"],
    [{ properties: { a: { enum: [{ b: 1 }, "x"] } } }, { a: { b: 1 } }, "ok"],
    [{ properties: { a: { const: null } } }, { a: 0 }, "const"],
    [{ properties: { a: { uniqueItems: true } } }, { a: [1, { x: 1 }, { x: 1 }] }, "uniqueItems"],
    [{ properties: { a: { items: { type: "string" } } } }, { a: ["x", 1] }, "type"],
    [{ properties: { a: { prefixItems: [true], items: false } } }, { a: [1, 2] }, "items"],
    [
      { properties: { a: { contains: { const: 1 }, maxContains: 1 } } },
      { a: [1, 1] },
      "maxContains",
    ],
    [{ not: { required: ["x"] } }, { x: 1 }, "not"],
    [{ oneOf: [{ required: ["a"] }, { required: ["b"] }] }, { a: 1, b: 1 }, "oneOf"],
    [{ anyOf: [{ required: ["a"] }, { required: ["b"] }] }, {}, "anyOf"],
    [{ if: { required: ["a"] }, [THEN]: { required: ["b"] } }, { a: 1 }, "required"],
    [{ dependentRequired: { a: ["b"] } }, { a: 1 }, "dependentRequired"],
    [{ dependentSchemas: { a: { required: ["b"] } } }, { a: 1 }, "dependentSchemas"],
    [{ propertyNames: { maxLength: 2 } }, { abc: 1 }, "maxLength"],
    [{ required: ["toString"] }, {}, "required"],
    [{ properties: { constructor: { type: "string" } } }, {}, "ok"],
    [{ required: ["__proto__"] }, JSON.parse('{"__proto__":1}'), "ok"],
    [{ additionalProperties: false }, JSON.parse('{"__proto__":1}'), "additionalProperties"],
    [{ frobnicate: 1, nullable: true, "x-y": [] }, {}, "ok"],
  ])("%j, %j: %s", (schema, args, wanted) => {
    expect(ask(schema, args)).toBe(wanted);
  });

  it.each([
    [{ $ref: "#/$defs/a", $defs: { a: { required: ["x"] } } }, "required"],
    [{ $ref: "#/definitions/a", definitions: { a: { required: ["x"] } } }, "required"],
    [{ $ref: "#/elsewhere/0/b", elsewhere: [{ b: { required: ["x"] } }] }, "required"],
    [{ $ref: "#/$defs/a%25%7E1b", $defs: { "a%/b": { required: ["x"] } } }, "required"],
    [{ $ref: "#here", $defs: { a: { $anchor: "here", required: ["x"] } } }, "required"],
    [{ $id: "https://a.com/s", $ref: "https://a.com/s#/$defs/a", $defs: { a: false } }, "$ref"],
    [
      { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { required: ["x"] } } },
      "required",
    ],
    [{ $ref: "#/$defs/a", required: ["x"], $defs: { a: true } }, "required"],
    [
      { $schema: DRAFT_07, $ref: "#/definitions/a", required: ["x"], definitions: { a: true } },
      "ok",
    ],
    [{ $ref: "#" }, "cost"],
    [{ properties: { a: { $ref: "#" } }, additionalProperties: false }, "ok"],
  ])("a $ref within the schema is followed: %j: %s", (schema, wanted) => {
    expect(ask(schema, {})).toBe(wanted);
  });

  it("the dialect is the one that $schema names", () => {
    const tuple = { properties: { a: { items: [{ type: "string" }], additionalItems: false } } };
    expect(SchemaCheck.compile(tuple).fault).toMatch(/^expected a subschema to be an object/);
    expect(ask({ ...tuple, $schema: DRAFT_07 }, { a: ["x", 1] })).toBe("additionalItems");
    expect(ask({ ...tuple, $schema: DRAFT_07 }, { a: [1] })).toBe("type");
    const dependencies = { $schema: DRAFT_07, dependencies: { a: ["b"], c: { required: ["d"] } } };
    expect(ask(dependencies, { a: 1 })).toBe("dependencies");
    expect(ask(dependencies, { c: 1 })).toBe("dependencies");
    expect(ask(dependencies, { a: 1, b: 1, c: 1, d: 1 })).toBe("ok");
    expect(ask({ ...path, $schema: "https://json-schema.org/draft/2020-12/schema" }, {})).toBe(
      "required",
    );
  });

  it("a refusal names the keyword and its place in the schema, never an argument", () => {
    const schema = {
      properties: { list: { items: { $ref: "#/$defs/one" } } },
      additionalProperties: false,
      $defs: { one: { properties: { kind: { enum: ["a"] } } } },
    };
    const check = SchemaCheck.compile(schema);
    const secret = "sk-live-0123456789";
    expect(check.check({ list: [{ kind: secret }] })).toEqual({
      ok: false,
      keyword: "enum",
      location: "#/properties/list/items/$ref/properties/kind/enum",
      message:
        "expected arguments that the pinned schema accepts, got others at " +
        "`#/properties/list/items/$ref/properties/kind/enum`",
    });
    const extra = check.check({ [secret]: secret });
    expect(extra).toMatchObject({
      keyword: "additionalProperties",
      location: "#/additionalProperties",
    });
    expect(JSON.stringify(extra)).not.toContain(secret);
  });

  it("raw bytes and a value are judged alike", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("path", "a"), fc.jsonValue()), (args) => {
        const bytes = new TextEncoder().encode(JSON.stringify(args));
        const check = SchemaCheck.compile({ ...path, additionalProperties: { type: "number" } });
        expect(check.check(bytes)).toEqual(check.check(args));
      }),
    );
  });
});

describe("what is not evaluated is held to match", () => {
  it.each([
    [{ properties: { a: { pattern: "^(a+)+$" } } }, { a: `${"a".repeat(5000)}!` }],
    [{ properties: { a: { format: "email" } } }, { a: "none" }],
    [{ properties: { a: { pattern: "(" } } }, { a: "x" }],
    [{ patternProperties: { "^x": { type: "string" } } }, { x: 1 }],
    [{ patternProperties: { "^x": {} }, additionalProperties: false }, { y: 1 }],
    [{ patternProperties: { "^x": {} }, additionalProperties: { type: "string" } }, { y: 1 }],
    [{ patternProperties: { "^x": {} }, unevaluatedProperties: false }, { y: 1 }],
    [{ allOf: [{ patternProperties: { "^x": {} } }], unevaluatedProperties: false }, { y: 1 }],
    [{ propertyNames: { pattern: "^x" } }, { y: 1 }],
    [{ not: { properties: { a: { pattern: "^secret" } } } }, { a: "public" }],
    [{ not: { $ref: "#/$defs/p" }, $defs: { p: { patternProperties: { x: false } } } }, { y: 1 }],
    [
      {
        oneOf: [
          { properties: { a: { format: "ipv4" } } },
          { properties: { a: { format: "ipv6" } } },
        ],
      },
      { a: "::1" },
    ],
    [
      { if: { properties: { a: { pattern: "^x" } } }, [THEN]: { required: ["b"] }, else: true },
      { a: "y" },
    ],
    [{ if: { properties: { a: { pattern: "^x" } } }, [THEN]: { required: ["b"] } }, { a: "y" }],
    [{ properties: { a: { contains: { pattern: "^x" }, maxContains: 1 } } }, { a: ["y", "z"] }],
  ])("%j passes", (schema, args) => {
    expect(ask(schema, args)).toBe("ok");
  });

  it.each([
    [{ properties: { a: { pattern: "x", type: "string" } } }, { a: 1 }, "type"],
    [{ properties: { b: { type: "string" } }, patternProperties: { x: {} } }, { b: 1 }, "type"],
    [{ oneOf: [{ type: "null", format: "x" }, { required: ["a"] }] }, {}, "anyOf"],
    [
      {
        if: { properties: { a: { type: "string", pattern: "x" } } },
        [THEN]: true,
        else: { required: ["b"] },
      },
      { a: 1 },
      "required",
    ],
    [
      {
        if: { properties: { a: { pattern: "x" } } },
        [THEN]: { required: ["b"] },
        else: { required: ["c"] },
      },
      { a: "y" },
      "anyOf",
    ],
    [{ not: { required: ["a"] }, properties: { a: { pattern: "x" } } }, { a: "y" }, "not"],
  ])("what stands beside it is evaluated: %j, %j: %s", (schema, args, wanted) => {
    const result = SchemaCheck.compile(schema).check(args);
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).toContain(wanted);
  });

  it("a schema is never refused more because of a pattern", () => {
    const leaf = fc.constantFrom<object>(
      { pattern: "x" },
      { format: "y" },
      { patternProperties: { z: false } },
    );
    const tree = fc.letrec<{ node: object }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({ not: tie("node") }),
        fc.array(tie("node"), { minLength: 1, maxLength: 2 }).map((oneOf) => ({ oneOf })),
        fc.array(tie("node"), { minLength: 1, maxLength: 2 }).map((allOf) => ({ allOf })),
        tie("node").map((a) => ({ properties: { a } })),
        fc.record({ if: tie("node"), else: tie("node") }),
      ),
    }));
    // every leaf might match or not, so no such schema may refuse
    fc.assert(
      fc.property(tree.node, (schema) => {
        expect(ask(schema, { a: { a: 1 } })).toBe("ok");
      }),
    );
  });
});

describe("D12: a member that differs from a declared one in case only", () => {
  it.each([
    [path, { path: "a", Path: "b" }],
    [path, { path: "a", PATH: 1 }],
    [{ properties: { pass: {} } }, { "pa\u017fs": 1 }],
    [{ required: ["a"] }, { a: 1, A: 2 }],
    [{ properties: { o: { properties: { a: {} } } } }, { o: { a: 1, A: 2 } }],
    [
      {
        properties: { l: { items: { $ref: "#/$defs/o" } } },
        $defs: { o: { properties: { a: {} } } },
      },
      { l: [{ A: 2 }] },
    ],
    [{ anyOf: [{ properties: { a: {} } }, true] }, { A: 1 }],
  ])("%j, %j is refused", (schema, args) => {
    expect(ask(schema, args)).toBe("case");
  });

  it("two names that the schema itself declares are both used", () => {
    expect(ask({ properties: { id: {}, ID: {} } }, { id: 1, ID: 2 })).toBe("ok");
    expect(ask({ properties: { id: {}, ID: {} } }, { id: 1, Id: 2 })).toBe("case");
    expect(ask({ properties: { a: {} } }, { a: 1, b: { A: 1 } })).toBe("ok");
  });
});

describe("a schema that cannot be used refuses every call", () => {
  it.each([
    [undefined, "expected a json object of plain data"],
    [true, "expected a json object of plain data"],
    [[], "expected a json object of plain data"],
    [
      { $schema: "http://json-schema.org/draft-04/schema#" },
      "expected $schema 2020-12 or draft-07",
    ],
    [
      { $schema: "https://json-schema.org/draft/2019-09/schema" },
      "expected $schema 2020-12 or draft-07",
    ],
    [{ $schema: 7 }, "expected $schema 2020-12 or draft-07"],
    [
      { properties: { a: { $schema: DRAFT_07 } } },
      "expected keyword `$schema` to be the same everywhere",
    ],
    [
      { $ref: "https://evil.com/schema.json" },
      "expected a $ref that leads into this schema, got `https://evil.com/schema.json`",
    ],
    [{ $ref: "other.json#/a" }, "expected a $ref that leads into this schema"],
    [{ $ref: "#/$defs/none" }, "expected a $ref that leads into this schema"],
    [{ $ref: "#none" }, "expected a $ref that leads into this schema"],
    [{ $ref: "#/__proto__" }, "expected a $ref that leads into this schema"],
    [{ $ref: "#/type", type: "object" }, "expected a $ref that leads into this schema"],
    [{ $ref: "#/%zz" }, "expected a $ref that leads into this schema"],
    [{ $ref: "" }, "expected a $ref that leads into this schema"],
    [{ properties: { a: { $id: "https://a.com/b" } } }, "expected keyword `$id` to be on the root"],
    [
      { $defs: { a: { $anchor: "x" }, b: { $anchor: "x" } } },
      "expected keyword `$anchor` to be unique",
    ],
    [{ $dynamicRef: "#a" }, "expected keyword `$dynamicRef` to be absent"],
    [{ $recursiveRef: "#" }, "expected keyword `$recursiveRef` to be absent"],
    [{ type: "text" }, "expected keyword `type`"],
    [{ type: [] }, "expected keyword `type`"],
    [{ required: true }, "expected keyword `required`"],
    [{ enum: "a" }, "expected keyword `enum`"],
    [{ minLength: -1 }, "expected keyword `minLength`"],
    [{ maximum: "9" }, "expected keyword `maximum`"],
    [{ exclusiveMinimum: true }, "expected keyword `exclusiveMinimum`"],
    [{ multipleOf: 0 }, "expected keyword `multipleOf`"],
    [{ dependentRequired: { a: "b" } }, "expected keyword `dependentRequired`"],
    [{ properties: [] }, "expected keyword `properties`"],
    [{ properties: { a: 1 } }, "expected a subschema"],
    [{ allOf: {} }, "expected keyword `allOf`"],
    [{ anyOf: [1] }, "expected a subschema"],
    [{ items: "x" }, "expected a subschema"],
    [{ patternProperties: { a: 1 } }, "expected a subschema"],
    [{ pattern: 1 }, "expected keyword `pattern`"],
    [{ $defs: { a: { type: 1 } } }, "expected keyword `type`"],
    [{ a: undefined }, "expected a json object of plain data"],
  ])("%j", (schema, fault) => {
    const check = SchemaCheck.compile(schema);
    expect(check.fault).toContain(fault);
    expect(check.fault).toMatch(/, got /);
    const refused = check.check({});
    expect(refused).toMatchObject({ ok: false, keyword: "schema", location: "" });
  });

  it("members that steer a validator from outside the standard do nothing", () => {
    const steering = {
      $ref: "#/$defs/strict",
      __absolute_ref__: "s1",
      __absolute_uri__: "x",
      $recursiveAnchor: true,
      $defs: { strict: { required: ["a"] }, free: true },
    };
    expect(ask(steering, {})).toBe("required");
  });

  it("no schema makes it throw", () => {
    const keyword = fc.constantFrom(
      "type",
      "$ref",
      "properties",
      "items",
      "anyOf",
      "if",
      "$defs",
      "required",
      "enum",
    );
    const schema = fc.dictionary(
      keyword,
      fc.oneof(fc.jsonValue(), fc.dictionary(keyword, fc.jsonValue())),
    );
    fc.assert(
      fc.property(schema, fc.dictionary(keyword, fc.jsonValue()), (one, args) => {
        expect(typeof SchemaCheck.compile(one).check(args).ok).toBe("boolean");
      }),
      { numRuns: 1000 },
    );
  });
});

describe.skipIf(!hasShared("tools"))("real tools (../shared/data/tools)", () => {
  it("every input schema compiles", () => {
    for (const file of readdirSync(sharedPath("tools"))) {
      const { tools }: { tools: { name: string; inputSchema: unknown }[] } = JSON.parse(
        readShared(`tools/${file}`).toString("utf8"),
      );
      for (const { name, inputSchema } of tools) {
        expect(SchemaCheck.compile(inputSchema).fault, name).toBeUndefined();
      }
    }
  });
});
