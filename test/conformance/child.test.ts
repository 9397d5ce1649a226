// The official conformance suite against a stdio server that the guard serves over HTTP: there the guard
// is the HTTP server. What a pipe cannot give is named here, and nothing else may be different.
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { build } from "esbuild";
import { afterEach, describe, expect, it } from "vitest";
import { createGuardHandler } from "../../src/http/handler.ts";
import { childLinks } from "../../src/http/node-child-link.ts";
import { tempFolder } from "../cli/process.ts";
import { PINNED_NOW_MS, trustNow } from "../http/pins.ts";
import { serveHandler } from "../http/servers.ts";
import { allowAllOfChild, SERVER_ID } from "./allow-all.ts";
import { createFixture } from "./fixture/server.ts";
import { listSuites, runSuite, runSuiteUntil, type Scenarios } from "./suite.ts";

const SUITE_TIME_MS = 150_000;

/** Scenarios that are different by the nature of a pipe. */
const DIFFERENT: Readonly<Record<string, Scenarios>> = {
  "2025-11-25": {
    // both are about streams that break off and go on, which are optional: the guard answers with JSON
    "server-sse-multiple-streams": { passed: 1, failed: 0, warned: 0 },
    "server-sse-polling": { passed: 0, failed: 0, warned: 0 },
  },
  "2026-07-28": {
    // the header of a parameter may be missing: nobody behind the guard goes by headers
    "http-custom-header-server-validation": { passed: 8, failed: 2, warned: 0 },
  },
};

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function bundledFixture(): Promise<readonly string[]> {
  const outfile = join(tempFolder(), "fixture.mjs");
  const entryPoints = [join(import.meta.dirname, "fixture/stdio.ts")];
  const shape = { bundle: true, platform: "node", format: "esm", logLevel: "error" } as const;
  await build({ ...shape, entryPoints, outfile });
  return [process.execPath, outfile];
}

describe("the official conformance suite in front of a child", () => {
  const suites = listSuites().filter(({ name }) => Object.hasOwn(DIFFERENT, name));
  for (const { name, reason } of suites) {
    const title = reason === undefined ? name : `${name} (${reason})`;
    it.skipIf(reason !== undefined)(
      title,
      async () => {
        const fixture = createFixture();
        const url = await serveHandler((request) => fixture.fetch(request));
        const expected = { ...(await runSuite(name, `${url}/mcp`)), ...DIFFERENT[name] };
        const guard = createGuardHandler({
          catalog: await trustNow(await allowAllOfChild(await bundledFixture())),
          startCommand: childLinks(),
          auth: "none",
          clock: () => PINNED_NOW_MS,
        });
        closers.push(
          () => guard.close(),
          () => fixture.close(),
        );
        const front = `${await serveHandler(guard)}/mcp/${SERVER_ID}`;
        const found = await runSuiteUntil(name, front, (scenarios) =>
          isDeepStrictEqual(scenarios, expected),
        );
        expect(found).toEqual(expected);
      },
      SUITE_TIME_MS,
    );
  }
});
