// The guard in a client's transport, as the example has it, in front of a live filesystem server.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { example } from "./home.ts";

const SERVER = createRequire(import.meta.url).resolve(
  "@modelcontextprotocol/server-filesystem/dist/index.js",
);
const folder = temporaryDirectory();
const home = join(folder, "home");

beforeAll(async () => {
  writeFileSync(join(folder, "a.txt"), "the text of a.txt");
  const command = ["filesystem", "--", process.execPath, SERVER, folder];
  const said = await example("examples/make-home.js", home, ...command);
  expect(said).toBe(`${home}: filesystem is pinned and signed\n`);
}, 60_000);

describe("examples/mcp-sdk", () => {
  it.each([
    [[]],
    [["--sdk1"]],
  ])("calls what is allowed and records what is not, with %j", async (args) => {
    const lines = (await example("examples/mcp-sdk/main.js", home, folder, ...args)).split("\n");
    expect(lines[0]).toMatch(/^listed: .*\blist_directory\b/);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^list_directory: \[(FILE|DIR)\] /),
      "export_secrets: refused, tool_smuggle",
      "record: allow allowed list_directory",
      "record: deny tool_smuggle export_secrets",
      "",
    ]);
  }, 60_000);
});
