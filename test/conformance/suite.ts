// The official suite for tests: which parts can run here, and what a server gets in one of them.
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";

const DRIVER = "test/conformance/run.js";

const Suites = z.array(z.object({ name: z.string(), reason: z.string().optional() }));
const Scenarios = z.record(
  z.string(),
  z.object({ passed: z.number(), failed: z.number(), warned: z.number() }),
);

/** Scenario -> its checks that passed, failed, or were only advised against. */
export type Scenarios = z.infer<typeof Scenarios>;

/** The suites, and why one cannot run here. */
export function listSuites(): z.infer<typeof Suites> {
  return Suites.parse(JSON.parse(execFileSync(process.execPath, [DRIVER, "--list"]).toString()));
}

export async function runSuite(name: string, url: string): Promise<Scenarios> {
  const { stdout } = await promisify(execFile)(process.execPath, [DRIVER, name, url]);
  return Scenarios.parse(JSON.parse(stdout));
}

/**
 * Runs a suite until `isExpected`, and gives its last result.
 *
 * WHY: some scenarios of the suite wait for half a second and then call it a failure, which on a busy
 * machine it is not. What is wrong stays wrong.
 */
export async function runSuiteUntil(
  name: string,
  url: string,
  isExpected: (found: Scenarios) => boolean,
): Promise<Scenarios> {
  let found = await runSuite(name, url);
  for (let again = 0; again < 2 && !isExpected(found); again++) found = await runSuite(name, url);
  return found;
}

/** Checks over all scenarios. */
export function totalOf(scenarios: Scenarios): { passed: number; failed: number } {
  const rows = Object.values(scenarios);
  return {
    passed: rows.reduce((sum, { passed }) => sum + passed, 0),
    failed: rows.reduce((sum, { failed }) => sum + failed, 0),
  };
}
