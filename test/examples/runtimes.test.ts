// The examples for Deno and Bun, each in its own runtime.
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { pathOf } from "../portable/runtimes.js";
import { filesFile, listingFile, mockHome } from "./home.ts";

const EXPECTED = `mock: admitted
mock read_text_file: allow allowed
mock export_secrets: deny tool_smuggle
shadow read_text_file: deny unknown_server
`;
const deno: string | undefined = pathOf("deno");
const bun: string | undefined = pathOf("bun");
const run = promisify(execFile);

describe("examples", () => {
  it.skipIf(deno === undefined)(
    "deno: decides without a single permission",
    async () => {
      const folder = temporaryDirectory();
      const project = join(folder, "project");
      mkdirSync(join(project, "deno"), { recursive: true });
      mkdirSync(join(project, "node_modules"));
      symlinkSync(process.cwd(), join(project, "node_modules", "portcullis"));
      copyFileSync("examples/decide.js", join(project, "decide.js"));
      copyFileSync("examples/deno/main.js", join(project, "deno", "main.js"));
      copyFileSync(await filesFile(folder), join(project, "deno", "files.json"));
      const args = [
        "run",
        "--no-prompt",
        "--no-remote",
        "--node-modules-dir=manual",
        "deno/main.js",
      ];
      const env = { DENO_DIR: join(folder, "cache"), DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
      const { stdout } = await run(deno ?? "", args, { cwd: project, env, timeout: 60_000 });
      expect(stdout).toBe(EXPECTED);
    },
    60_000,
  );

  it.skipIf(bun === undefined)(
    "bun: decides from a home",
    async () => {
      const folder = temporaryDirectory();
      const args = ["examples/bun/main.js", await mockHome(folder), listingFile(folder)];
      const { stdout } = await run(bun ?? "", args, { timeout: 60_000 });
      expect(stdout).toBe(EXPECTED);
    },
    60_000,
  );
});
