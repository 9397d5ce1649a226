// A home whose one server is a mock that can be turned, for the commands that look at live servers.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import type { MockOptions } from "../../src/testing/mock-options.ts";
import { cliJson, mockCommand, tempFolder } from "./process.ts";

/** A home with a key and a root, and a mock server whose behaviour can be changed. */
export interface Bench {
  readonly folder: string;
  readonly dir: string;
  readonly key: string;
  readonly command: readonly string[];
  readonly catalogFile: string;
  readonly log: string;
  readonly turn: (options: MockOptions) => void;
}

export async function bench(options: MockOptions = { tools: FIXTURE_TOOLS }): Promise<Bench> {
  const folder = tempFolder();
  const [dir, key, file] = [join(folder, "home"), join(folder, "a.pem"), join(folder, "mock.json")];
  const log = join(folder, "log");
  const turn = (next: MockOptions) =>
    writeFileSync(file, JSON.stringify({ ...next, logFile: log }));
  turn(options);
  await cliJson(["key", "new", "--out", key]);
  await cliJson(["root", "init", "--key", key, "--dir", dir]);
  const catalogFile = join(dir, "catalog.toml");
  return { folder, dir, key, command: mockCommand(file), catalogFile, log, turn };
}

/** A bench whose server is pinned and signed. */
export async function pinnedBench(options?: MockOptions): Promise<Bench> {
  const made = await bench(options);
  await cliJson(["pin", "mock", "--dir", made.dir, "--", ...made.command]);
  await cliJson(["sign", "--key", made.key, "--dir", made.dir]);
  return made;
}
