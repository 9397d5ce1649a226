// The guard against the oracle: random signed catalogs, live manifests and calls, through the
// public API from the TOML on. `SLOW=1` runs ten times as many cases.
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { Validator } from "../../src/guard/validator.ts";
import { openOracleCatalog } from "../fixtures/oracle-catalog.ts";
import { admit, check, type OracleAdmission, type OracleRequest } from "../oracle/check.ts";
import { fingerprintFile } from "../oracle/fingerprint.ts";
import { generateGuardCase } from "../oracle/generate-guard.ts";

const REQUESTS_PER_CASE = 48;
const CASES = 2_100 * (process.env["SLOW"] === "1" ? 10 : 1);

const METHODS = {
  tool: ["tools/call", "name"],
  prompt: ["prompts/get", "name"],
  resource: ["resources/read", "uri"],
} as const;

/** The verdict by the raw message, or `undefined` where no message asks for that kind. */
function checkByMessage(guard: ScopeGuard, request: OracleRequest): number | undefined {
  if (request.kind === "resource_template") return undefined;
  const [method, member] = METHODS[request.kind];
  const message = { jsonrpc: "2.0", id: 1, method, params: { [member]: request.name } };
  return guard.checkMessage(request.server, Buffer.from(JSON.stringify(message))).code;
}

/** Lists `manifest` as the guard does: an unreadable listing leaves the server unverified. */
function admitLive(
  guard: ScopeGuard,
  validator: Validator,
  id: string,
  manifest: Uint8Array,
): boolean {
  try {
    const report = validator.validate(id, manifest);
    guard.admit(report);
    return report.instructions !== "not_checked";
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    guard.server(id).unverify();
    return false;
  }
}

describe("guard and oracle", () => {
  it("agree on every verdict", async () => {
    let decisions = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const { catalog, live, requests } = generateGuardCase(seed, REQUESTS_PER_CASE);
      const trusted = await openOracleCatalog(catalog);
      let now = 0;
      const clock = (): number => now;
      const guards = [ScopeGuard.fromCatalog(trusted, { clock, messageSizeMax: 65_536 })];
      const capped = requests.find((request) => request.cap !== undefined);
      if (capped?.cap !== undefined) {
        const options = { clock, messageSizeMax: 65_536, scopeCap: capped.cap };
        guards.push(ScopeGuard.fromCatalog(trusted, options));
      }
      const validator = new Validator(trusted);
      const admissions = new Map<string, OracleAdmission>();
      for (const server of catalog.servers) {
        for (const manifest of live.get(server.id) ?? []) {
          let areInstructionsKnown = false;
          for (const guard of guards) {
            areInstructionsKnown = admitLive(guard, validator, server.id, manifest);
          }
          const previous = admissions.get(server.id);
          const options = { areInstructionsKnown, ...(previous === undefined ? {} : { previous }) };
          admissions.set(server.id, admit(server, fingerprintFile(manifest), options));
        }
      }
      for (const { cap: _, ...request } of requests) {
        now = request.now;
        for (const [index, guard] of guards.entries()) {
          decisions += 1;
          const cap = index === 1 ? { cap: capped?.cap ?? [] } : {};
          const where = `seed ${seed} ${JSON.stringify({ ...request, ...cap })}`;
          const { scopes, ...own } = request;
          const expected = check(catalog, admissions, { ...own, ...cap });
          const byMessage = checkByMessage(guard, request);
          if (byMessage !== undefined && byMessage !== expected) {
            expect.fail(`message ${byMessage}, oracle ${expected}: ${where}`);
          }
          if (request.kind !== "tool") continue;
          const { server, name: tool } = request;
          expect(guard.check({ server, tool }).code, where).toBe(expected);
          expect(guard.server(server).check(tool).code, where).toBe(expected);
          if (scopes === undefined) continue;
          const scoped = check(catalog, admissions, { ...request, ...cap });
          expect(guard.check({ server, tool, scopes }).code, where).toBe(scoped);
          expect(guard.server(server).check(tool, guard.scopes(scopes)).code, where).toBe(scoped);
          const handle = guard.resolve(server, tool);
          if (handle !== undefined) {
            expect(guard.checkHandle(handle, guard.scopes(scopes)).code, where).toBe(scoped);
          }
        }
      }
    }
    expect(decisions).toBeGreaterThan(100_000);
  }, 600_000);
});
