// Homes and files as the examples make them.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";

const run = promisify(execFile);

/** Runs one of the example programs with Node; gives its standard output. */
export async function example(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [...args], { timeout: 60_000 });
  return stdout;
}

/** A home that pins the mock server's tools. */
export async function mockHome(folder: string): Promise<string> {
  const home = join(folder, "home");
  const server = ["build/esm/testing/stdio-server-process.js", "{}"];
  await example("examples/make-home.js", home, "mock", "--", process.execPath, ...server);
  return home;
}

/** A tools/list result of that server. */
export function listingFile(folder: string): string {
  const file = join(folder, "listing.json");
  writeFileSync(file, JSON.stringify({ tools: FIXTURE_TOOLS }));
  return file;
}

/** What the examples without a file system are given. */
export async function filesFile(folder: string): Promise<string> {
  const file = join(folder, "files.json");
  const home = await mockHome(folder);
  await example("examples/make-files.js", home, listingFile(folder), file);
  return file;
}
