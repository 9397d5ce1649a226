// The portable suite as tests, one a host; `npm run portable` runs it by itself.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { hasShared } from "../oracle/shared-data.ts";

const DRIVER = "test/portable/run.js";
const SUITE_TIME_MS = 180_000;

const Hosts = z.array(z.object({ name: z.string(), reason: z.string().optional() }));
const Results = z.array(
  z.object({
    name: z.string(),
    status: z.enum(["passed", "failed", "skipped"]),
    reason: z.string().optional(),
    digest: z.string().optional(),
    lines: z.number().optional(),
    wycheproof: z.number().optional(),
  }),
);

function drive(...args: readonly string[]): string {
  const options = { encoding: "utf8", timeout: SUITE_TIME_MS } as const;
  const { stdout, stderr, error } = spawnSync(process.execPath, [DRIVER, ...args], options);
  if (stdout === "" || error !== undefined) throw new Error(`the driver failed: ${stderr}`);
  return stdout;
}

const hosts = Hosts.parse(JSON.parse(drive("--hosts")));
const folder = mkdtempSync(join(tmpdir(), "portcullis-results-"));
const resultFile = join(folder, "results.json");
let results: z.infer<typeof Results> = [];

beforeAll(() => {
  const said = drive("--json", resultFile);
  if (!existsSync(resultFile)) throw new Error(said);
  results = Results.parse(JSON.parse(readFileSync(resultFile, "utf8")));
}, SUITE_TIME_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasWycheproof = hasShared("wycheproof-ed25519_test.json");
const WYCHEPROOF = `over Wycheproof's 151 signatures${hasWycheproof ? "" : " (../shared/data is absent)"}`;

describe("the packed package gives every answer byte for byte the same", () => {
  for (const { name, reason } of hosts) {
    const title = reason === undefined ? name : `${name} (${reason})`;
    it.skipIf(reason !== undefined)(title, (context) => {
      const result = results.find((one) => one.name === name);
      if (result?.status === "skipped") context.skip(result.reason);
      expect(result?.reason).toBeUndefined();
      expect(result?.status).toBe("passed");
      if (result?.digest !== undefined) expect(result.lines).toBeGreaterThan(1500);
    });
  }

  it("with one digest", (context) => {
    const digests = results.flatMap(({ digest }) => digest ?? []);
    if (results.every(({ status }) => status === "skipped")) context.skip(results[0]?.reason);
    expect(digests.length).toBeGreaterThan(0);
    expect(new Set(digests).size).toBe(1);
  });

  it.skipIf(!hasWycheproof)(WYCHEPROOF, (context) => {
    const counts = results.flatMap(({ wycheproof }) => wycheproof ?? []);
    if (results.every(({ status }) => status === "skipped")) context.skip(results[0]?.reason);
    expect(new Set(counts)).toEqual(new Set([151]));
  });
});
