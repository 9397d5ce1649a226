import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { COMMANDS } from "../../src/cli/commands.ts";
import { cli, expectFault, jsonOf, MAIN, tempFolder } from "./process.ts";

/** A tools/list result whose fingerprints are larger than any pipe's buffer. */
function manyTools(count: number): string {
  const tools = Array.from({ length: count }, (_, index) => ({
    name: `tool_${index}`,
    inputSchema: { type: "object" },
  }));
  const file = join(tempFolder(), "tools.json");
  writeFileSync(file, JSON.stringify({ tools }));
  return file;
}

describe("portcullis", () => {
  it("lists every command in --help and exits 0", async () => {
    const { code, stdout, stderr } = await cli(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const { name } of COMMANDS) expect(stdout).toContain(`  ${name} `);
    for (const { summary } of COMMANDS) expect(stdout).toContain(summary);
  });

  it("prints the version of the package", async () => {
    const manifest: unknown = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
    );
    const { code, stdout } = await cli(["--version"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+.*\n$/),
    });
    expect(manifest).toMatchObject({ version: stdout.trim() });
  });

  it("without a command shows the help and exits 2", async () => {
    expect(await cli([])).toMatchObject({ code: 2, stdout: expect.stringContaining("usage:") });
  });

  it.each([
    ["nonsense"],
    ["key"],
    ["key", "old"],
    ["--frobnicate"],
    ["constructor"],
    ["__proto__"],
  ])("refuses the unknown command %s", async (...words) => {
    await expectFault(words, "USAGE");
  });

  it("keeps a line feed in an unknown command out of its one line", async () => {
    const { stderr } = await cli(["no\nsuch\u001b[31m"]);
    expect(stderr.indexOf("\n")).toBe(stderr.length - 1);
    expect(stderr).not.toContain("\u001b");
  });
});

describe("every command", () => {
  it.each(
    COMMANDS.map(({ name, summary }) => [name, summary] as const),
  )("%s has a help text with an example", async (name, summary) => {
    const { code, stdout, stderr } = await cli([...name.split(" "), "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`portcullis ${name}: ${summary}`);
    expect(stdout).toMatch(new RegExp(`examples?:\\n {2}portcullis ${name}`));
    expect(stdout).toContain("--json");
  });

  it.each(
    COMMANDS.filter(({ name }) => name !== "run").map(({ name }) => [name] as const),
  )("%s refuses an option it does not know", async (name) => {
    const line = await expectFault([...name.split(" "), "--frobnicate"], "USAGE");
    expect(line).toContain("--frobnicate");
  });

  it("refuses an option without its value, a value for a flag, an option twice, and words", async () => {
    await expectFault(["verify", "--dir"], "USAGE");
    await expectFault(["verify", "--dir", "--explain"], "USAGE");
    await expectFault(["verify", "--explain=yes"], "USAGE");
    await expectFault(["verify", "--dir", "a", "--dir", "b"], "USAGE");
    await expectFault(["verify", "extra"], "USAGE");
    await expectFault(["verify", "--", "node"], "USAGE");
    await expectFault(["verify", "--dir", ""], "USAGE");
  });
});

describe("standard output", () => {
  it("is complete however late it is read: large JSON through a pipe", async () => {
    const file = manyTools(8000);
    const result = await cli(["fingerprint", file, "--json"], { readDelayMs: 400 });
    expect(result.code).toBe(0);
    expect(result.stdout.length).toBeGreaterThan(500_000);
    expect(jsonOf(result)).toMatchObject({ ok: true });
  });

  it("may be closed early by its reader", async () => {
    const file = manyTools(8000);
    const child = spawn(process.execPath, [MAIN, "fingerprint", file, "--json"]);
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdout.once("data", () => child.stdout.destroy());
    await new Promise((resolve) => child.on("close", resolve));
    expect(stderr).toBe("");
  });

  it("has no colour when it is not a terminal", async () => {
    const { stdout } = await cli(["fingerprint", manyTools(1)], { env: { FORCE_COLOR: "1" } });
    expect(stdout).not.toContain("\u001b");
  });
});
