import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";

// 20-fingerprint section 2, the worked vector
const TOOL_B = '{"name":"b","inputSchema":{"type":"object"}}';
const TOOL_A = '{"inputSchema":{"type":"object"},"name":"a","description":"\\u00e9"}';
const DIGEST_A = "sha256:4c49f9bcfbf98faa274eed625a4252c609b7f09f1e60419ca503e3533125724a";
const DIGEST_B = "sha256:4a5be628e60b3d447fa0ffec51d38748e32fde74ac89dc8220ae5fb1598c7fa3";
const DIGEST_HI = "sha256:65e0ad7652160a21848130343046d596bdea0fed82fe598df5fd08e1ff5771d6";
const DIGEST_ALL = "sha256:cbb2dcf23401d92f547db5fd17febec091dada4d49ed429c15d2a235e9befe71";

function file(content: string | Uint8Array): string {
  const path = join(tempFolder(), "tools.json");
  writeFileSync(path, content);
  return path;
}

describe("fingerprint", () => {
  it("gives the worked vector of the specification, in input order", async () => {
    const path = file(`{"tools":[${TOOL_B},${TOOL_A}],"instructions":"hi"}`);
    expect(await cliJson(["fingerprint", path])).toEqual({
      ok: true,
      manifest: DIGEST_ALL,
      tools: [
        { name: "b", fingerprint: DIGEST_B },
        { name: "a", fingerprint: DIGEST_A },
      ],
      instructions: DIGEST_HI,
    });
    const { code, stdout } = await cli(["fingerprint", path]);
    expect(code).toBe(0);
    for (const digest of [DIGEST_A, DIGEST_B, DIGEST_HI, DIGEST_ALL])
      expect(stdout).toContain(digest);
  });

  it("takes an array of tools, and standard input", async () => {
    const report = await cliJson(["fingerprint", "-"], { input: `[${TOOL_A}]` });
    expect(report).toMatchObject({ tools: [{ name: "a", fingerprint: DIGEST_A }] });
  });

  it("hashes what is in the file, not what a parser would keep of it", async () => {
    const raw = '{"name":"a","inputSchema":{},"x":1.0}';
    const path = file(`[${raw}]`);
    const report = await cliJson(["fingerprint", path]);
    expect(report).toMatchObject({ tools: [{ fingerprint: fingerprintTool(raw) }] });
    // 1.0 and 1 share a canonical form by design; 9007199254740993 would be changed by a double
    const big = await cli(["fingerprint", file('[{"name":"a","x":9007199254740993}]'), "--json"]);
    expect(big.code).toBe(1);
  });

  it("counts prompts, resources and templates when they are there", async () => {
    const path = file(
      JSON.stringify({
        prompts: [{ name: "p" }],
        resources: [{ uri: "file:///a", name: "a" }],
        resourceTemplates: [{ uriTemplate: "file:///{x}", name: "t" }],
      }),
    );
    const report = await cliJson(["fingerprint", path]);
    expect(report).toMatchObject({
      tools: [],
      prompts: [{ name: "p" }],
      resources: [{ name: "file:///a" }],
      resourceTemplates: [{ name: "file:///{x}" }],
    });
    expect(report).not.toHaveProperty("instructions");
  });

  it.each([
    ["a duplicate member", '{"name":"b","name":"c"}'],
    ["no name", '{"title":"x"}'],
    ["a lone surrogate", '{"name":"b","title":"\\ud800"}'],
  ])("exits 1 without a manifest digest for %s", async (_, definition) => {
    const result = await cli(["fingerprint", file(`[${TOOL_A},${definition}]`), "--json"]);
    expect(result.code).toBe(1);
    const report = jsonOf(result);
    expect(report["ok"]).toBe(false);
    expect(report).not.toHaveProperty("manifest");
    expect(report["tools"]).toEqual([
      { name: "a", fingerprint: DIGEST_A },
      {
        name: expect.toSatisfy((name) => name === null || typeof name === "string"),
        error: expect.any(String),
      },
    ]);
    const plain = await cli(["fingerprint", file(`[${TOOL_A},${definition}]`)]);
    expect(plain).toMatchObject({ code: 1, stdout: expect.stringContaining("refused") });
  });

  it("refuses both of two definitions with one name", async () => {
    const result = await cli(["fingerprint", file(`[${TOOL_A},${TOOL_A}]`), "--json"]);
    expect(result.code).toBe(1);
    expect(jsonOf(result)["tools"]).toEqual([
      { name: "a", error: expect.any(String) },
      { name: "a", error: expect.any(String) },
    ]);
  });

  it("shows hidden characters of a name on a terminal's line, and keeps them in JSON", async () => {
    const path = file('[{"name":"a\\u202eb\\u001b"}]');
    const { stdout } = await cli(["fingerprint", path]);
    expect(stdout).toContain("a<U+202E>b<U+001B>");
    expect(await cliJson(["fingerprint", path])).toMatchObject({
      tools: [{ name: "a\u202eb\u001b" }],
    });
  });

  it.each([
    ["no JSON", "nonsense"],
    ["an empty file", ""],
    ["a number", "5"],
    ["tools that are no array", '{"tools":{}}'],
    ["a whole response", `{"jsonrpc":"2.0","id":1,"result":{"tools":[${TOOL_A}]}}`],
    ["two members of one name", '{"tools":[],"tools":[]}'],
  ])("is a fault for %s", async (_, content) => {
    await expectFault(["fingerprint", file(content)], "MANIFEST_INVALID");
  });

  it("is a fault for a file that cannot be read, one that is too large, and no or two files", async () => {
    await expectFault(["fingerprint", join(tempFolder(), "none.json")], "FILE_UNREADABLE");
    await expectFault(["fingerprint", tempFolder()], "FILE_UNREADABLE");
    await expectFault(["fingerprint"], "USAGE");
    await expectFault(["fingerprint", "a", "b"], "USAGE");
    const large = file(`["${"x".repeat(16 * 1024 * 1024)}"]`);
    await expectFault(["fingerprint", large], "MANIFEST_LIMIT");
    await expectFault(["fingerprint", "-"], "MANIFEST_LIMIT", { input: readFileSync(large) });
  });
});
