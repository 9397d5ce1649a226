// Logs in folders of their own, for tests of files.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readAuditFolder } from "../../src/audit/file-folder.ts";
import { FileAuditLog, type FileLogOptions } from "../../src/audit/file-log.ts";
import {
  type AuditReport,
  type VerifyAuditOptions,
  verifyAuditLog,
} from "../../src/audit/verify.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { type AuditGuard, auditGuard } from "../fixtures/audit.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { host, NOW_MS } from "../fixtures/trust.ts";

export const guard: AuditGuard = auditGuard();
export const base: string = temporaryDirectory();
let folders = 0;

export interface Place {
  readonly folder: string;
  readonly store: SyncStateStore;
}

export function place(): Place {
  folders += 1;
  return { folder: join(base, String(folders), "audit"), store: createMemoryStore() };
}

export function open(at: Place, changes: Partial<FileLogOptions> = {}): FileAuditLog {
  return FileAuditLog.open({
    ...at,
    process: { host: "host-1", pid: 5, startMs: NOW_MS },
    evidence: guard.evidence,
    auditKey: host,
    clock: () => NOW_MS,
    ...changes,
  });
}

export function verify(
  { folder, store }: Place,
  changes: Partial<VerifyAuditOptions> = {},
): Promise<AuditReport> {
  const logs = readAuditFolder(folder).map(({ input }) => input);
  return verifyAuditLog({ logs, roots: [guard.root], registered: store.listLogs(), ...changes });
}

export function linesIn(file: string): string[] {
  return readFileSync(file, "utf8").split("\n").slice(0, -1);
}

export function recordIn(file: string, index: number): Record<string, unknown> {
  return JSON.parse(linesIn(file)[index] ?? "{}");
}
