// What a caller may hand over as arguments: nothing of it throws, nothing of it is read twice.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMIT_MESSAGE_BYTES_MAX, LIMIT_MESSAGE_STDIO_BYTES } from "../../src/abi/limits.ts";
import { ArgumentSnapshot } from "../../src/guard/argument-snapshot.ts";
import { checkArguments } from "../../src/guard/arguments.ts";
import { SchemaCheck } from "../../src/guard/schema.ts";

const ITEM = { args: new Map([["/a", { maxLength: 9 }]]) };
const JSON_DENIED = {
  ok: false,
  pointer: "",
  predicate: "json",
  message: "expected arguments as one json object of plain data, got another",
};

function nested(depth: number): unknown {
  let value: unknown = {};
  for (let level = 1; level < depth; level++) value = { a: value };
  return value;
}

function cycle(): object {
  const one: Record<string, unknown> = { a: "x" };
  one["self"] = { one };
  return one;
}

function doubling(levels: number): object {
  let value: object = {};
  for (let level = 0; level < levels; level++) value = [value, value];
  return { value };
}

class Holder {
  readonly a = "x";
}

const sparse = ["x"];
sparse.length = 3;

const hostile: readonly (readonly [string, unknown])[] = [
  ["a getter", Object.defineProperty({}, "a", { get: () => "x", enumerable: true })],
  [
    "a getter that throws",
    Object.defineProperty({}, "a", {
      get: () => {
        throw new Error("x");
      },
      enumerable: true,
    }),
  ],
  ["toJSON", { a: "x", toJSON: () => ({ a: "y" }) }],
  ["toJSON of a member", { a: "x", b: { toJSON: () => 1 } }],
  ["a Date", { a: "x", b: new Date(0) }],
  ["a cycle", cycle()],
  ["a bigint", { a: "x", b: 1n }],
  ["a function", { a: "x", b: () => 1 }],
  ["a symbol", { a: "x", b: Symbol("s") }],
  ["undefined", { a: "x", b: undefined }],
  ["undefined in an array", { a: "x", b: [undefined] }],
  ["a hole", { a: "x", b: sparse }],
  ["an array with a member", { a: "x", b: Object.assign(["y"], { c: 1 }) }],
  ["NaN", { a: "x", b: Number.NaN }],
  ["Infinity", { a: "x", b: Number.POSITIVE_INFINITY }],
  ["a Map", { a: "x", b: new Map() }],
  ["an object of a class", new Holder()],
  ["an inherited member", Object.create({ a: "x" })],
  ["a boxed text", { a: Object("x") }],
  ["a lone surrogate", { a: "\ud800" }],
  ["a lone surrogate in a name", { a: "x", "\udc00": 1 }],
  [
    "a proxy that throws",
    new Proxy(
      { a: "x" },
      {
        ownKeys: () => {
          throw new Error("x");
        },
      },
    ),
  ],
  ["shared members that double 60 times", doubling(60)],
  ["an array", [{ a: "x" }]],
  ["a text", '{"a":"x"}'],
  ["null in bytes", new TextEncoder().encode("null")],
  ["a number", 1],
  ["a boolean", true],
  ["a function alone", () => ({})],
  ["invalid UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
  ["a byte order mark", new TextEncoder().encode('\ufeff{"a":"x"}')],
  ["duplicate names", new TextEncoder().encode('{"a":"x","a":"y"}')],
  ["duplicate names after unescaping", new TextEncoder().encode('{"a":"x","\\u0061":"y"}')],
  ["two values", new TextEncoder().encode('{"a":"x"}{}')],
  ["an array in bytes", new TextEncoder().encode("[]")],
  ["nothing in bytes", new Uint8Array()],
  ["a cut text", new TextEncoder().encode('{"a":"x"')],
];

describe("ArgumentSnapshot", () => {
  it.each(hostile)("%s has no snapshot, and is denied as a value", (_, args) => {
    expect(ArgumentSnapshot.of(args)).toBeUndefined();
    expect(checkArguments(ITEM, args)).toEqual(JSON_DENIED);
    expect(SchemaCheck.compile({}).check(args)).toMatchObject({ ok: false, keyword: "json" });
  });

  it.each([
    ["an object", { a: "x" }],
    ["an object without a prototype", Object.assign(Object.create(null), { a: "x" })],
    ["bytes", new TextEncoder().encode(' {"a" : "x"} ')],
    ["a buffer", Buffer.from('{"a":"x"}')],
    ["a symbol beside, which JSON does not have", { a: "x", [Symbol("s")]: 1 }],
  ])("%s has one", (_, args) => {
    expect(ArgumentSnapshot.of(args)?.value).toEqual({ a: "x" });
    expect(checkArguments(ITEM, args)).toEqual({ ok: true });
  });

  it("absent arguments are an empty object", () => {
    expect(ArgumentSnapshot.of(undefined)?.text).toBe("{}");
    expect(ArgumentSnapshot.of(null)?.text).toBe("{}");
  });

  it("64 levels are read, 65 are not", () => {
    expect(ArgumentSnapshot.of(nested(64))).toBeDefined();
    expect(ArgumentSnapshot.of(nested(65))).toBeUndefined();
    const text = (depth: number): Uint8Array =>
      new TextEncoder().encode(JSON.stringify(nested(depth)));
    expect(ArgumentSnapshot.of(text(64))).toBeDefined();
    expect(ArgumentSnapshot.of(text(65))).toBeUndefined();
  });

  it("a value of 10 Mi units is read, a larger one is not", () => {
    // two values of 8 units, one name of one character, and the text
    const size = LIMIT_MESSAGE_STDIO_BYTES - 17;
    expect(ArgumentSnapshot.of({ a: "x".repeat(size) })).toBeDefined();
    expect(ArgumentSnapshot.of({ a: "x".repeat(size + 1) })).toBeUndefined();
  });

  it("bytes beyond every message are not even copied", () => {
    const spaces = new Uint8Array(LIMIT_MESSAGE_BYTES_MAX + 1).fill(0x20);
    expect(ArgumentSnapshot.of(spaces)).toBeUndefined();
  });

  it("changing bytes or object afterwards changes nothing", () => {
    const bytes = new TextEncoder().encode('{"a":"x"}');
    const object = { a: "x", b: { c: [1] } };
    const fromBytes = ArgumentSnapshot.of(bytes);
    const fromObject = ArgumentSnapshot.of(object);
    bytes.fill(0x20);
    object.b.c.push(2);
    object.a = "y";
    expect(fromBytes?.value).toEqual({ a: "x" });
    expect(fromObject?.value).toEqual({ a: "x", b: { c: [1] } });
    expect(fromObject?.text).toBe('{"a":"x","b":{"c":[1]}}');
  });

  it("a snapshot is not read again", () => {
    const snapshot = ArgumentSnapshot.of({ a: "x" });
    expect(ArgumentSnapshot.of(snapshot)).toBe(snapshot);
  });

  it("a member named __proto__ stays one", () => {
    const snapshot = ArgumentSnapshot.of(JSON.parse('{"__proto__":{"a":1}}'));
    expect(snapshot?.text).toBe('{"__proto__":{"a":1}}');
    expect(Object.keys(snapshot?.value ?? {})).toEqual(["__proto__"]);
  });

  it("reads what JSON holds, and keeps it", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        const snapshot = ArgumentSnapshot.of(plain);
        // lone surrogates are the one thing that the strict reader refuses here
        if (snapshot !== undefined) expect(snapshot.value).toEqual(plain);
        else expect(JSON.stringify(value)).toMatch(/\\ud[89a-f]/);
      }),
    );
  });

  it("nothing that can be handed over makes it throw", () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    });
    const schema = SchemaCheck.compile({ properties: { a: { type: "string" } } });
    const either = fc.oneof(anything, fc.record({ a: anything, b: anything }), fc.uint8Array());
    fc.assert(
      fc.property(either, (args) => {
        expect(typeof checkArguments(ITEM, args).ok).toBe("boolean");
        expect(typeof schema.check(args).ok).toBe("boolean");
        expect(typeof SchemaCheck.compile(args).check({}).ok).toBe("boolean");
      }),
      { numRuns: 2000 },
    );
  });
});
