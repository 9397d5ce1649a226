// An MCP client behind a guard, counting what reaches the server.
import { isSafetyBlocked } from "../../src/guard/safety-blocked.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import {
  type GuardedRouter,
  type McpGuardOptions,
  withMcpGuard,
} from "../../src/guard/with-mcp-guard.ts";
import type { OracleServer } from "../oracle/check.ts";
import { EXPIRES_MS, open, READ, serverOf, WRITE } from "./guarded.ts";

export const TOOLS: readonly object[] = [JSON.parse(READ), JSON.parse(WRITE)];

/** An MCP client's shape, counting what reaches the server. */
export class FakeClient {
  readonly calls: unknown[][] = [];
  lists = 0;
  error: Error | undefined;
  pages: unknown[] = [{ tools: TOOLS }];
  onList: () => unknown = () => undefined;
  changed: ((server?: string) => void) | undefined;

  async listTools(params?: { readonly cursor?: string }): Promise<unknown> {
    this.lists += 1;
    await this.onList();
    return this.pages[Number(params?.cursor ?? 0)];
  }

  async callTool(...parameters: unknown[]): Promise<unknown> {
    this.calls.push(parameters);
    if (this.error !== undefined) throw this.error;
    return { content: [] };
  }

  onListChanged(listener: (server?: string) => void): void {
    this.changed = listener;
  }
}

export async function guardFor(
  changes: Partial<OracleServer> = {},
  clock: () => number = () => EXPIRES_MS - 1,
): Promise<ScopeGuard> {
  return ScopeGuard.fromCatalog(await open(serverOf(changes)), { clock });
}

export async function clientBehindGuard(
  options: McpGuardOptions = {},
  changes: Partial<OracleServer> = {},
): Promise<{ client: FakeClient; guarded: GuardedRouter }> {
  const client = new FakeClient();
  const guarded = withMcpGuard(client, await guardFor(changes), { serverId: "files", ...options });
  return { client, guarded };
}

export async function reasonOf(result: Promise<unknown>): Promise<string> {
  const value = await result;
  return isSafetyBlocked(value) ? value.reason : "allowed";
}
