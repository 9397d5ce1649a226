// The official conformance suite against the fixture server.
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Listening, listen } from "./fixture/listen.ts";
import { createFixture, type Fixture } from "./fixture/server.ts";
import { listSuites, runSuiteUntil, totalOf } from "./suite.ts";

const SUITE_TIME_MS = 120_000;

/** What the suite says of a server that is right, and knows no tasks. */
const TOTALS: Readonly<Record<string, { passed: number; failed: number }>> = {
  "0.1.16 active": { passed: 40, failed: 0 },
  "2025-11-25": { passed: 84, failed: 0 },
  "2026-07-28": { passed: 164, failed: 30 },
};

let fixture: Fixture;
let server: Listening;

beforeAll(async () => {
  fixture = createFixture();
  server = await listen((request) => fixture.fetch(request));
});
afterAll(async () => {
  await fixture.close();
  await server.close();
});

describe("the official conformance suite", () => {
  for (const { name, reason } of listSuites()) {
    const title = reason === undefined ? name : `${name} (${reason})`;
    const total = TOTALS[name];

    it.skipIf(reason !== undefined)(
      `${title}: the fixture server alone gives the known totals`,
      async () => {
        const found = await runSuiteUntil(name, `${server.origin}/mcp`, (scenarios) =>
          isDeepStrictEqual(totalOf(scenarios), total),
        );
        expect(totalOf(found)).toEqual(total);
        // the extension of tasks, which no revision requires and SDK 2 does not serve
        const failed = Object.entries(found).filter(([, row]) => row.failed > 0);
        expect(failed.filter(([scenario]) => !scenario.startsWith("tasks-"))).toEqual([]);
      },
      SUITE_TIME_MS,
    );
  }
});
