import { describe, expect, it } from "vitest";
import { canonical } from "./canonical.ts";
import { generateJson } from "./generate.ts";
import { type JsonNode, readStrict, readTolerant } from "./strict-json.ts";

const encoder = new TextEncoder();

function read(text: string, options = {}): string {
  const result = readStrict(encoder.encode(text), options);
  return result.ok ? "ok" : result.error;
}

/** What the platform makes of the same bytes; `undefined` when it refuses them. */
function platformValue(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function plainValue(node: JsonNode): unknown {
  if (node.type === "literal" || node.type === "string") return node.value;
  if (node.type === "number") return Number(node.text);
  if (node.type === "array") return node.items.map(plainValue);
  const entries = node.members.map(({ name, value }) => [name, plainValue(value)]);
  return Object.fromEntries(entries);
}

describe("strict reader", () => {
  it("accepts only what JSON.parse accepts, and reads the same values", () => {
    const faults = new Map<string, number>();
    for (let seed = 0; seed < 30_000; seed++) {
      const bytes = generateJson(seed);
      const result = readStrict(bytes);
      const platform = platformValue(bytes);
      const label = result.ok ? "ok" : result.error;
      faults.set(label, (faults.get(label) ?? 0) + 1);
      if (result.ok) expect(platform, `seed ${seed}`).toEqual({ value: plainValue(result.value) });
      // the stricter rules are the only reasons to refuse what the platform takes
      const isJson = readTolerant(bytes, { depthMax: 1000 }).value !== undefined;
      expect(isJson, `seed ${seed}`).toBe(platform !== undefined);
    }
    expect(faults.get("ok")).toBeGreaterThan(12_000);
    const rare = ["syntax", "duplicate", "utf8", "surrogate", "control", "depth", "number"];
    for (const fault of rare) expect(faults.get(fault), fault).toBeGreaterThan(200);
  });

  it("names the fault", () => {
    expect(read('{"a":1,"\\u0061":2}')).toBe("duplicate");
    expect(read('{"a":{"b":1,"b":1}}')).toBe("duplicate");
    expect(read('["\\ud800"]')).toBe("surrogate");
    expect(read('["\\udc00\\ud800"]')).toBe("surrogate");
    expect(read('["\\ud83d\\ude00"]')).toBe("ok");
    expect(read('["\\u0000"]')).toBe("ok");
    expect(read('["\u0000"]')).toBe("control");
    expect(read('["\n"]')).toBe("control");
    expect(read('["\u007f"]')).toBe("ok");
    expect(read("\ufeff{}")).toBe("syntax");
    expect(read("{}\u00a0")).toBe("syntax");
    expect(read("{}\u000b")).toBe("syntax");
    expect(read(" \t\r\n{} \t\r\n")).toBe("ok");
    expect(read("{} {}")).toBe("syntax");
    expect(read("")).toBe("syntax");
    expect(read("9007199254740993")).toBe("number");
    expect(readStrict(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toEqual({
      ok: false,
      error: "utf8",
    });
  });

  it("counts every open bracket, the outermost as one", () => {
    const nest = (count: number): string => "[".repeat(count) + "]".repeat(count);
    expect(read(nest(64))).toBe("ok");
    expect(read(nest(65))).toBe("depth");
    expect(read(nest(10_000))).toBe("depth");
    expect(read(`${'{"a":'.repeat(64)}0${"}".repeat(64)}`)).toBe("ok");
    expect(read(`${'{"a":'.repeat(65)}0${"}".repeat(65)}`)).toBe("depth");
    expect(read(nest(3), { depthMax: 2 })).toBe("depth");
    expect(read(nest(2), { depthMax: 2 })).toBe("ok");
    expect(read("[[],[],[[]]]", { depthMax: 3 })).toBe("ok");
  });

  it("limits the size of the text", () => {
    expect(read("[ ]", { sizeMax: 3 })).toBe("ok");
    expect(read("[  ]", { sizeMax: 3 })).toBe("size");
  });

  it("lets lone surrogates and any JSON number pass when lenient, and nothing else", () => {
    expect(read('["\\ud800",9007199254740993,1e400]', { lenient: true })).toBe("ok");
    expect(read('{"a":1,"a":1}', { lenient: true })).toBe("duplicate");
    expect(read("[01]", { lenient: true })).toBe("syntax");
  });

  it("the canonical form of a canonical form is itself", () => {
    for (let seed = 0; seed < 5_000; seed++) {
      const result = readStrict(generateJson(seed));
      if (!result.ok) continue;
      const text = canonical(result.value);
      const again = readStrict(encoder.encode(text));
      // a plain integer of 2^53 and more may come out of a fraction or an exponent
      if (again.ok) expect(canonical(again.value)).toBe(text);
      else expect(again.error).toBe("number");
    }
  });
});
