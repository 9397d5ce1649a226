// Fingerprints: the worked vector, the real servers, the limits at and above.
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMIT_DEFINITION_BYTES, LIMIT_LIST_BYTES } from "../../src/abi/limits.ts";
import { GuardError } from "../../src/errors.ts";
import {
  fingerprintInstructions,
  fingerprintManifest,
  fingerprintPrompt,
  fingerprintResource,
  fingerprintResourceTemplate,
  fingerprintTool,
} from "../../src/manifest/fingerprint.ts";
import { readManifest } from "../../src/manifest/read.ts";
import { fingerprintFile } from "../oracle/fingerprint.ts";
import { hasShared, readShared, sharedPath } from "../oracle/shared-data.ts";

const A = '{"inputSchema":{"type":"object"},"name":"a","description":"é"}';
const B = '{"name":"b","inputSchema":{"type":"object"}}';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof GuardError) return error.code;
    throw error;
  }
  return "accepted";
}

/** A definition of exactly `size` bytes. */
function definition(size: number): string {
  const empty = '{"name":"a","d":""}';
  return `{"name":"a","d":"${"x".repeat(size - empty.length)}"}`;
}

describe("fingerprints", () => {
  it("reproduce the worked vector of the design", () => {
    expect(fingerprintTool(B)).toBe(
      "sha256:4a5be628e60b3d447fa0ffec51d38748e32fde74ac89dc8220ae5fb1598c7fa3",
    );
    expect(fingerprintTool(JSON.parse(A))).toBe(
      "sha256:4c49f9bcfbf98faa274eed625a4252c609b7f09f1e60419ca503e3533125724a",
    );
    expect(fingerprintInstructions("hi")).toBe(
      "sha256:65e0ad7652160a21848130343046d596bdea0fed82fe598df5fd08e1ff5771d6",
    );
    expect(fingerprintManifest(`{"tools":[${B},${A}],"instructions":"hi"}`)).toBe(
      "sha256:cbb2dcf23401d92f547db5fd17febec091dada4d49ed429c15d2a235e9befe71",
    );
  });

  it.skipIf(!hasShared("tools"))("equal the oracle's on real servers (../shared/data)", () => {
    const files = readdirSync(sharedPath("tools"));
    expect(files).toHaveLength(8);
    for (const file of files) {
      const bytes = readShared(`tools/${file}`);
      const expected = fingerprintFile(bytes);
      const manifest = readManifest(bytes);
      expect(expected.manifest, file).toBeDefined();
      expect(fingerprintManifest(bytes), file).toBe(expected.manifest);
      const tools = expected.items.get("tool") ?? [];
      expect(manifest.tools.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
      expect(manifest.tools.map((tool) => tool.fingerprint)).toEqual(
        tools.map((tool) => tool.fingerprint),
      );
    }
  });

  it("differ by kind, so that a tool is never taken for a prompt", () => {
    expect(fingerprintPrompt(B)).not.toBe(fingerprintTool(B));
    const both = '{"name":"a","uri":"x:a","uriTemplate":"x:{a}"}';
    const all = [
      fingerprintTool,
      fingerprintPrompt,
      fingerprintResource,
      fingerprintResourceTemplate,
    ];
    expect(new Set(all.map((make) => make(both))).size).toBe(4);
  });

  it("hold at 1 MiB, and one byte more is refused", () => {
    expect(fingerprintTool(definition(LIMIT_DEFINITION_BYTES))).toMatch(/^sha256:/);
    expect(codeOf(() => fingerprintTool(definition(LIMIT_DEFINITION_BYTES + 1)))).toBe(
      "MANIFEST_INVALID",
    );
    const large = readManifest(`[${definition(LIMIT_DEFINITION_BYTES + 1)}]`).tools[0];
    expect(large).toMatchObject({ name: "a", fingerprint: undefined });
    expect(large?.error).toContain("size limit");
  });

  it("hold for a list of 16 MiB, and one byte more is refused", () => {
    const one = definition(1_000_000).replace('"a"', '"a$"');
    const tools = Array.from({ length: 16 }, (_, index) => one.replace("$", `${index}`)).join(",");
    const list = `[${tools}]`;
    const pad = " ".repeat(LIMIT_LIST_BYTES - list.length);
    expect(fingerprintManifest(pad + list)).toBe(fingerprintManifest(list));
    expect(codeOf(() => fingerprintManifest(`${pad} ${list}`))).toBe("MANIFEST_LIMIT");
  });

  it("hold at depth 64, counted from the definition's own brace, and not at 65", () => {
    const nested = (depth: number): string =>
      `{"name":"a","d":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
    expect(fingerprintTool(nested(64))).toMatch(/^sha256:/);
    expect(codeOf(() => fingerprintTool(nested(65)))).toBe("MANIFEST_INVALID");
    expect(codeOf(() => fingerprintTool(nested(10_000)))).toBe("MANIFEST_INVALID");
    expect(fingerprintManifest(`{"tools":[${nested(64)}]}`)).toMatch(/^sha256:/);
    expect(readManifest(`{"tools":[${nested(65)}]}`).tools[0]?.error).toContain("64 levels");
  });

  it("hold for names of 128 and URIs of 2048 UTF-8 bytes, and one more is refused", () => {
    const tool = (name: string): string => JSON.stringify({ name });
    expect(fingerprintTool(tool("é".repeat(64)))).toMatch(/^sha256:/);
    expect(codeOf(() => fingerprintTool(tool(`${"é".repeat(64)}x`)))).toBe("MANIFEST_INVALID");
    const resource = (uri: string): string => JSON.stringify({ uri });
    expect(fingerprintResource(resource("x".repeat(2048)))).toMatch(/^sha256:/);
    expect(codeOf(() => fingerprintResource(resource("x".repeat(2049))))).toBe("MANIFEST_INVALID");
    const template = (uriTemplate: string): string => JSON.stringify({ uriTemplate });
    expect(fingerprintResourceTemplate(template("x".repeat(2048)))).toMatch(/^sha256:/);
    expect(codeOf(() => fingerprintResourceTemplate(template("x".repeat(2049))))).toBe(
      "MANIFEST_INVALID",
    );
  });

  it("refuse what is not one definition, with one error", () => {
    for (const text of [
      "",
      "[]",
      "null",
      '"a"',
      "{}",
      '{"name":1}',
      '{"name":"a"} x',
      '{"name":"a"',
    ]) {
      expect(
        codeOf(() => fingerprintTool(text)),
        text,
      ).toBe("MANIFEST_INVALID");
    }
    expect(codeOf(() => fingerprintTool('{"name":"\ud800"}'))).toBe("JSON_INVALID");
    expect(codeOf(() => fingerprintTool({ name: "a", f: 1n as unknown }))).toBe("JSON_INVALID");
  });

  it("never change with the order of tools and members, and always with a member", () => {
    const member = fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 });
    const tool = fc.record({
      name: fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
      extra: fc.dictionary(member, fc.jsonValue({ maxDepth: 3 }), { minKeys: 1, maxKeys: 6 }),
    });
    const unique = {
      selector: (entry: { name: string }) => entry.name,
      minLength: 1,
      maxLength: 9,
    };
    fc.assert(
      fc.property(fc.uniqueArray(tool, unique), fc.nat(), (tools, pick) => {
        const definitions = tools.map(({ name, extra }) => ({ ...extra, name }));
        if (!definitions.every((entry) => JSON.stringify(entry).isWellFormed())) return;
        const reversed = definitions.map((entry) =>
          Object.fromEntries(Object.entries(entry).reverse()),
        );
        const whole = attempt(definitions);
        expect(attempt(reversed.reverse())).toBe(whole);
        const index = pick % definitions.length;
        const changed = definitions.map((entry, at) =>
          at === index ? { ...entry, zz: pick } : entry,
        );
        if (whole !== undefined) expect(attempt(changed)).not.toBe(whole);
      }),
      { numRuns: 500 },
    );
  });
});

/** The manifest's fingerprint; `undefined` when a number in it would not survive a double. */
function attempt(tools: readonly object[]): string | undefined {
  try {
    return fingerprintManifest({ tools });
  } catch (error) {
    expect(error).toBeInstanceOf(GuardError);
    return undefined;
  }
}
