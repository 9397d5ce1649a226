// The published program of the trust pack: it is in the example word for word, it type-checks against
// the clients of both SDK generations, and it runs against a live server.
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import type { Client as ClientOfSdk2 } from "@modelcontextprotocol/client";
import type { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { describe, expect, it } from "vitest";
import {
  type AEPEmitter,
  buildServerCard,
  createRequestIdentity,
  createScopeLease,
  isScopeLeaseValid,
  MCPGateway,
} from "../../src/index.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";

/** 40-gateway section 1, as it stands there. */
const PUBLISHED = readFileSync("test/fixtures/published-program.txt", "utf8");
const MAIN = "examples/trust-pack/main.js";

/** The same statements, for the compiler: never called. */
export async function published(
  client: ClientOfSdk1 | ClientOfSdk2,
  tool: { name: string },
  args: Record<string, unknown>,
  emitter: AEPEmitter,
): Promise<unknown> {
  const card = buildServerCard({
    serverId: "filesystem",
    tools: await client.listTools(),
    operatorVerified: true,
  });
  const gateway = new MCPGateway({ serverCards: [card] });
  const identity = createRequestIdentity({ principal: "agent:run-abc123", sessionId: "sess-xyz" });
  const decision = gateway.evaluate({ identity, serverId: "filesystem", tool, args });
  const result = await client.callTool({ name: tool.name, arguments: args });
  const obs = gateway.wrapResult(tool.name, result, decision);
  const lease = createScopeLease({
    principalHash: identity.principalHash,
    serverId: "filesystem",
    grantedTools: ["fs_write"],
    ttlSeconds: 300,
    maxInvocations: 10,
    stateChanging: true,
  });
  if (!isScopeLeaseValid(lease)) throw new Error("Lease expired");
  emitter.addAction({
    tool_name: decision.invocation.toolName,
    state_changing: decision.stateChanging,
    capability_decision: {
      decision: decision.invocation.decision,
      reason_code: decision.evidenceRef.policyDecision,
      capability: "tools/call",
      subject: identity.principalHash,
      resource: "filesystem",
    },
    tool_descriptor_digest: decision.evidenceRef.toolManifestDigest,
  });
  return obs;
}

describe("examples/trust-pack", () => {
  it("holds the published program, word for word", () => {
    expect(readFileSync(MAIN, "utf8")).toContain(PUBLISHED);
  });

  it("runs against a live filesystem server, and refuses the changed definition", async () => {
    const folder = temporaryDirectory();
    writeFileSync(join(folder, "a.txt"), "the text of a.txt");
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, folder]);
    expect(stderr).toBe("");
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("allow: list_directory");
    expect(lines[1]).toMatch(/^<portcullis-observation \S+ trust=untrusted tool=`list_directory` /);
    expect(stdout).toContain("[FILE] a.txt");
    const refusedAt = lines.indexOf("deny: fingerprint_drift");
    expect(refusedAt).toBeGreaterThan(1);
    const record: unknown = JSON.parse(lines.slice(refusedAt + 1).join("\n"));
    expect(record).toMatchObject({
      schema_version: "aep/v0.3",
      run_id: "run-abc123",
      actions: [
        {
          tool_name: "list_directory",
          state_changing: false,
          capability_decision: { decision: "allow", resource: "filesystem" },
          tool_descriptor_digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        },
      ],
      signature: { alg: "ed25519" },
    });
  });
});
