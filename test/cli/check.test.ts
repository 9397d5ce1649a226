import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";
import { fixtureCatalog, type SignedHome, signedHome } from "./signed-home.ts";

let home: SignedHome;

beforeAll(async () => {
  home = await signedHome();
});

const READ = ["--server", "mock", "--tool", "read_text_file"];

function toolFile(definition: unknown): string {
  const file = join(tempFolder(), "tool.json");
  writeFileSync(file, typeof definition === "string" ? definition : JSON.stringify(definition));
  return file;
}

function fixtureTool(name: string): object {
  return FIXTURE_TOOLS.find((tool) => tool.name === name) ?? {};
}

interface Layer {
  readonly layer: string;
  readonly result: string;
}

async function check(
  args: readonly string[],
  dir: string = home.dir,
): Promise<{
  code: number | null;
  decision: unknown;
  admission: unknown;
  layers: readonly Layer[];
}> {
  const result = await cli(["check", "--dir", dir, ...args, "--json"]);
  expect(result.stderr).toBe("");
  const { ok, decision, admission, layers } = jsonOf(result);
  expect(ok).toBe(result.code === 0);
  return { code: result.code, decision, admission, layers: Array.isArray(layers) ? layers : [] };
}

async function expectRefused(
  args: readonly string[],
  reason: string,
  layer: string,
): Promise<void> {
  const { code, decision, layers } = await check(args);
  expect({ code, decision }).toMatchObject({ code: 1, decision: { reason, layer } });
  expect(layers.filter(({ result }) => result === "refuse").map((one) => one.layer)).toEqual([
    layer,
  ]);
  const after = layers.slice(layers.findIndex((one) => one.layer === layer) + 1);
  expect(new Set(after.map(({ result }) => result))).toEqual(new Set(["not_evaluated"]));
}

describe("check", () => {
  it("allows a pinned tool, and says that admission was assumed", async () => {
    expect(await check(READ)).toMatchObject({
      code: 0,
      admission: "assumed",
      decision: {
        outcome: "allow",
        reason: "allowed",
        code: 1,
        layer: "all",
        message: expect.any(String),
      },
    });
    const { code, stdout } = await cli(["check", "--dir", home.dir, ...READ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^allow {2}allowed \(1\)/);
    expect(stdout).toContain("admission: assumed");
  });

  it("lists every layer in the order of the decision", async () => {
    const { layers } = await check(READ);
    expect(layers.map(({ layer }) => layer)).toEqual(
      "catalog message feature server item admission identity scope vetting arguments schema rules lease taint consent audit".split(
        " ",
      ),
    );
    const results = new Map(layers.map(({ layer, result }) => [layer, result]));
    expect(results.get("arguments")).toBe("not_given");
    expect(results.get("schema")).toBe("not_given");
  });

  it("compares a given definition with the pin", async () => {
    const file = toolFile(fixtureTool("read_text_file"));
    expect(await check([...READ, "--tool-json", file])).toMatchObject({
      code: 0,
      admission: "checked",
    });
    // other white space and member order are the same definition
    const reordered = toolFile(
      JSON.stringify(
        Object.fromEntries(Object.entries(fixtureTool("read_text_file")).reverse()),
        undefined,
        4,
      ),
    );
    expect(await check([...READ, "--tool-json", reordered])).toMatchObject({ code: 0 });
  });

  it("unknown server", async () => {
    await expectRefused(
      ["--server", "evil", "--tool", "read_text_file"],
      "unknown_server",
      "server",
    );
    await expectRefused(["--server", "__proto__", "--tool", "x"], "unknown_server", "server");
    const file = toolFile(fixtureTool("read_text_file"));
    await expectRefused(
      ["--server", "MOCK", "--tool", "read_text_file", "--tool-json", file],
      "unknown_server",
      "server",
    );
  });

  it("fingerprint drift", async () => {
    const drifted = {
      ...fixtureTool("read_text_file"),
      description: "Reads a file, and sends it.",
    };
    await expectRefused(
      [...READ, "--tool-json", toolFile(drifted)],
      "fingerprint_drift",
      "admission",
    );
    const duplicate = '{"name":"read_text_file","description":"a","description":"b"}';
    await expectRefused(
      [...READ, "--tool-json", toolFile(duplicate)],
      "fingerprint_drift",
      "admission",
    );
  });

  it("tool smuggle", async () => {
    await expectRefused(["--server", "mock", "--tool", "export_secrets"], "tool_smuggle", "item");
    const file = toolFile({ name: "export_secrets", inputSchema: { type: "object" } });
    const argv = ["--server", "mock", "--tool", "export_secrets", "--tool-json", file];
    await expectRefused(argv, "tool_smuggle", "item");
    await expectRefused(["--server", "mock", "--tool", "Read_text_file"], "tool_smuggle", "item");
    await expectRefused(["--server", "mock", "--tool", "constructor"], "tool_smuggle", "item");
  });

  it("scope escalation", async () => {
    await expectRefused([...READ, "--scope", "fs.write"], "scope_escalation", "scope");
    await expectRefused([...READ, "--scope", "fs.read,net.fetch"], "scope_escalation", "scope");
    expect(await check([...READ, "--scope", "fs.read"])).toMatchObject({ code: 0 });
  });

  it("malformed arguments", async () => {
    await expectRefused(
      [...READ, "--args", '{"path":"a","path":"b"}'],
      "malformed_message",
      "message",
    );
    const file = toolFile(fixtureTool("read_text_file"));
    const given = ["--tool-json", file, "--args", '{"path":"/workspace/a"}'];
    const { code, layers } = await check([...READ, ...given]);
    expect(code).toBe(0);
    expect(layers.find(({ layer }) => layer === "message")?.result).toBe("pass");
    await expectFault(["check", "--dir", home.dir, ...READ, "--args", "[1]"], "ARGUMENT_INVALID");
    await expectFault(["check", "--dir", home.dir, ...READ, "--args", "{"], "ARGUMENT_INVALID");
  });

  it("is a fault for a scope that the catalog does not know, whatever the server", async () => {
    const argv = ["check", "--dir", home.dir, "--tool", "read_text_file", "--scope", "fs.wirte"];
    await expectFault([...argv, "--server", "mock"], "SCOPE_UNKNOWN");
    await expectFault([...argv, "--server", "evil"], "SCOPE_UNKNOWN");
    await expectFault(["check", "--dir", home.dir, ...READ, "--scope", "fs.read,"], "USAGE");
  });

  it("is a fault for a definition of another tool, of several, and of none", async () => {
    const argv = ["check", "--dir", home.dir, ...READ, "--tool-json"];
    await expectFault([...argv, toolFile(fixtureTool("write_file"))], "ARGUMENT_INVALID");
    await expectFault([...argv, toolFile('{"name":"a"},{"name":"b"}')], "MANIFEST_INVALID");
    await expectFault([...argv, toolFile('[{"name":"read_text_file"}]')], "MANIFEST_INVALID");
    await expectFault([...argv, toolFile("nonsense")], "MANIFEST_INVALID");
    await expectFault([...argv, join(tempFolder(), "none")], "FILE_UNREADABLE");
    await expectFault(["check", "--dir", home.dir, "--server", "mock"], "USAGE");
    await expectFault(["check", "--dir", home.dir, "--tool", "a"], "USAGE");
  });

  it("knows principals: their servers, their cap, and nobody else", async () => {
    const table = `
[principals."agent:research-*"]
scope = ["fs.read"]
[principals."agent:elsewhere"]
servers = []
`;
    const { dir } = await signedHome({ edit: (text) => text + table });
    const asked = (principal: string, tool: string) =>
      check(["--server", "mock", "--tool", tool, "--principal", principal], dir);
    expect(await asked("agent:research-7", "read_text_file")).toMatchObject({ code: 0 });
    const capped = await asked("agent:research-7", "write_file");
    expect(capped).toMatchObject({ code: 1, decision: { reason: "scope_escalation" } });
    const stranger = await asked("agent:stranger", "read_text_file");
    expect(stranger).toMatchObject({ code: 1, decision: { reason: "identity_unknown" } });
    const elsewhere = await asked("agent:elsewhere", "read_text_file");
    expect(elsewhere).toMatchObject({ code: 1, decision: { reason: "identity_unknown" } });
    expect(await check(READ, dir)).toMatchObject({ decision: { reason: "identity_unknown" } });
  });

  it("refuses tools of a server that may not offer tools", async () => {
    const { dir } = await signedHome({
      edit: (text) => text.replace("max_allowed_scope", 'allow = ["prompts"]\nmax_allowed_scope'),
    });
    const refused = await check(READ, dir);
    expect(refused).toMatchObject({ code: 1, decision: { reason: "feature_denied" } });
  });

  it("is a fault when the catalog cannot be trusted", async () => {
    const { dir } = await signedHome({ signs: false });
    await expectFault(["check", "--dir", dir, ...READ], "CATALOG_ENVELOPE");
    const changed = await signedHome();
    const file = join(changed.dir, "catalog.dsse.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"sig":"', '"sig":"AAAA'));
    await expectFault(["check", "--dir", changed.dir, ...READ], "CATALOG_SIGNATURE_INVALID");
  });

  it("decides by what is signed, not by the catalog.toml beside it", async () => {
    const other = await signedHome();
    writeFileSync(other.catalogFile, fixtureCatalog().replaceAll("mock", "renamed"));
    expect(await cliJson(["check", "--dir", other.dir, ...READ])).toMatchObject({ ok: true });
  });
});
