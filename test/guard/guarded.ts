// A guard in front of two pinned tools, for tests of its public API.
import { expect } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { GuardError } from "../../src/errors.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { Validator } from "../../src/guard/validator.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { openOracleCatalog } from "../fixtures/oracle-catalog.ts";
import type { OracleServer } from "../oracle/check.ts";

export const EXPIRES_MS = 1_800_000_000_000;
export const READ = '{"name":"read","inputSchema":{"type":"object"}}';
export const WRITE = '{"name":"write","inputSchema":{"type":"object"}}';
export const LISTING = `{"tools":[${READ},${WRITE}]}`;

export function serverOf(changes: Partial<OracleServer> = {}): OracleServer {
  const item = (
    name: string,
    text: string,
    scope: readonly string[],
  ): OracleServer["items"][0] => ({
    kind: "tool",
    name,
    fingerprints: [fingerprintTool(text)],
    scope,
  });
  return {
    id: "files",
    operatorVerified: true,
    onDrift: "block-server",
    items: [item("read", READ, ["fs.read"]), item("write", WRITE, ["fs.read", "fs.write"])],
    ...changes,
  };
}

export function open(...servers: readonly OracleServer[]): Promise<TrustedCatalog> {
  return openOracleCatalog({ expiresMs: EXPIRES_MS, operatorScopes: ["zz"], servers });
}

export async function admitted(changes: Partial<OracleServer> = {}): Promise<ScopeGuard> {
  const catalog = await open(serverOf(changes));
  const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
  guard.admit(new Validator(catalog).validate("files", LISTING));
  return guard;
}

export function reasonOf(guard: ScopeGuard, tool: string, server = "files"): string {
  const decision = guard.check({ server, tool });
  expect(guard.server(server).check(tool)).toBe(decision);
  return decision.reason;
}

export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof GuardError) return error.code;
    throw error;
  }
  return "no error";
}
