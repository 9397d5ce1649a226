// Clients of both SDK generations behind guarded transports.
import { Client as ClientOfSdk2 } from "@modelcontextprotocol/client";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { auditEvidence } from "../../src/audit/evidence.ts";
import { MemoryAuditLog } from "../../src/audit/memory-log.ts";
import { type ReplayReport, replay } from "../../src/audit/replay.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { host, NOW_MS, rootSettings, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { type CatalogParts, catalogToml, SERVER_ID, trust } from "./rig.ts";

export { NOW_MS, SERVER_ID };

const INFO = { name: "test-client", version: "1.0.0" };

/** What the tests use of a client. */
export interface TestClient {
  connect(transport: never): Promise<void>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

export interface ClientKind {
  readonly name: string;
  readonly era: "legacy" | "modern";
  /** @param answers to questions of the guard or the server; `undefined`: it cannot be asked */
  readonly make: (answers?: () => { action: "accept" | "decline"; content?: object }) => TestClient;
}

function sdk1(answers?: () => object): TestClient {
  const client = new ClientOfSdk1(INFO, { capabilities: answers ? { elicitation: {} } : {} });
  if (answers !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: "cancel", ...answers() }));
  }
  return client;
}

function sdk2(mode: "auto" | { pin: string } | undefined, answers?: () => object): TestClient {
  const client = new ClientOfSdk2(INFO, {
    capabilities: answers ? { elicitation: { form: {} } } : {},
    ...(mode !== undefined && { versionNegotiation: { mode } }),
  });
  if (answers !== undefined) {
    client.setRequestHandler("elicitation/create", () => ({ action: "cancel", ...answers() }));
  }
  return client;
}

export const CLIENTS: readonly ClientKind[] = [
  { name: "SDK 1.32", era: "legacy", make: sdk1 },
  { name: "SDK 2.4", era: "legacy", make: (answers) => sdk2(undefined, answers) },
  { name: "SDK 2.4 in auto mode", era: "modern", make: (answers) => sdk2("auto", answers) },
  {
    name: "SDK 2.4 pinned to the modern revision",
    era: "modern",
    make: (answers) => sdk2({ pin: "2026-07-28" }, answers),
  },
];

/** A catalog, and a log under the audit key of its root. */
export interface GuardWorld {
  readonly catalog: TrustedCatalog;
  readonly log: () => MemoryAuditLog;
  /** Verifies a log and decides it again. */
  readonly replay: (log: MemoryAuditLog) => Promise<ReplayReport>;
}

export async function worldOf(parts: CatalogParts = {}): Promise<GuardWorld> {
  const toml = catalogToml(parts);
  const catalog = await trust(toml);
  const evidence = auditEvidence({
    signed: { envelope: signedCatalog(toml) },
    roots: [signedRoot(rootSettings())],
  });
  return {
    catalog,
    log: () =>
      new MemoryAuditLog({
        process: { host: "client", pid: 1, startMs: NOW_MS },
        evidence,
        auditKey: host,
        clock: () => NOW_MS,
      }),
    replay: (log) => replay({ logs: [log.toInput()], roots: [catalog.root], objects: log.objects }),
  };
}
