// The official conformance suite: against the fixture server alone, and through the guard.
import { isDeepStrictEqual } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { draftCatalog } from "../../src/cli/catalog-draft.ts";
import { createGuardHandler } from "../../src/http/handler.ts";
import { cliJson } from "../cli/process.ts";
import { startServe } from "../cli/serve-rig.ts";
import { signedHome } from "../cli/signed-home.ts";
import { PINNED_NOW_MS, trustNow } from "../http/pins.ts";
import { serveHandler } from "../http/servers.ts";
import { allowAllToml, SERVER_ID } from "./allow-all.ts";
import { createFixture } from "./fixture/server.ts";
import { listSuites, runSuite, runSuiteUntil, type Scenarios, totalOf } from "./suite.ts";

const SUITE_TIME_MS = 150_000;

/** What the suite says of a server that is right and has no tasks; the same counts as other servers get. */
const TOTALS: Readonly<Record<string, { passed: number; failed: number }>> = {
  "0.1.16 active": { passed: 40, failed: 0 },
  "2025-11-25": { passed: 84, failed: 0 },
  "2026-07-28": { passed: 164, failed: 30 },
};

const SUITES = listSuites();
const LEGACY = { ...SUITES[0], name: "0.1.16 active" };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function startFixture(): Promise<string> {
  const fixture = createFixture();
  closers.push(() => fixture.close());
  return `${await serveHandler((request) => fixture.fetch(request))}/mcp`;
}

describe("the official conformance suite", () => {
  for (const { name, reason } of SUITES) {
    const title = reason === undefined ? name : `${name} (${reason})`;
    const total = TOTALS[name];
    let direct: Scenarios = {};

    it.skipIf(reason !== undefined)(
      `${title}: the fixture server alone gives the known totals`,
      async () => {
        direct = await runSuiteUntil(name, await startFixture(), (scenarios) =>
          isDeepStrictEqual(totalOf(scenarios), total),
        );
        expect(totalOf(direct)).toEqual(total);
        // the extension of tasks, which no revision requires and SDK 2 does not serve
        const failed = Object.entries(direct).filter(([, row]) => row.failed > 0);
        expect(failed.filter(([scenario]) => !scenario.startsWith("tasks-"))).toEqual([]);
      },
      SUITE_TIME_MS,
    );

    it.skipIf(reason !== undefined)(
      `${title}: the guard changes no scenario`,
      async () => {
        const faults: unknown[] = [];
        const guard = createGuardHandler({
          catalog: await trustNow(await allowAllToml(await startFixture())),
          auth: "none",
          clock: () => PINNED_NOW_MS,
          onFault: (fault) => faults.push(fault),
        });
        closers.unshift(() => guard.close());
        const url = `${await serveHandler(guard)}/mcp/${SERVER_ID}`;
        const guarded = await runSuiteUntil(name, url, (scenarios) =>
          isDeepStrictEqual(scenarios, direct),
        );
        expect(Object.keys(direct)).not.toEqual([]);
        expect(guarded).toEqual(direct);
        expect(faults).toEqual([]);
      },
      SUITE_TIME_MS,
    );

    it.skipIf(reason !== undefined)(
      `${title}: portcullis serve changes no scenario, and its record can be replayed`,
      async () => {
        const head = draftCatalog("acme-agents", Date.now() - 60_000);
        const text = await allowAllToml(await startFixture(), head);
        const { dir } = await signedHome({ edit: () => text });
        const serving = await startServe(["--dir", dir, "--no-auth"]);
        const [url = ""] = serving.servers;
        const guarded = await runSuiteUntil(name, url, (scenarios) =>
          isDeepStrictEqual(scenarios, direct),
        );
        expect(guarded).toEqual(direct);
        expect(await serving.end()).toBe(0);
        expect(await cliJson(["audit", "verify", "--dir", dir])).toMatchObject({ ok: true });
        expect(await cliJson(["audit", "replay", "--dir", dir])).toMatchObject({ ok: true });
      },
      SUITE_TIME_MS,
    );
  }

  it.skipIf(LEGACY.reason !== undefined)(
    "what the catalog does not allow shows in the scenarios that need it, and in no other",
    async () => {
      const url = await startFixture();
      const toml = await allowAllToml(url);
      const catalog = await trustNow(toml.replace('"sampling",', ""));
      const guard = createGuardHandler({ catalog, auth: "none", clock: () => PINNED_NOW_MS });
      closers.unshift(() => guard.close());
      const front = `${await serveHandler(guard)}/mcp/${SERVER_ID}`;
      const direct = await runSuite(LEGACY.name, url);
      const guarded = await runSuite(LEGACY.name, front);
      const changed = Object.keys(direct).filter(
        (scenario) => !isDeepStrictEqual(guarded[scenario], direct[scenario]),
      );
      expect(changed).toEqual(["tools-call-sampling"]);
    },
    SUITE_TIME_MS,
  );
});
