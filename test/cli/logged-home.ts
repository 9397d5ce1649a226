// A home with audit logs in it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AuditEvent } from "../../src/audit/event.ts";
import { FileAuditLog } from "../../src/audit/file-log.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { readPrivateKey } from "../../src/sign/key-file.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { type AuditGuard, callEvent, guardOf, listEvent } from "../fixtures/audit.ts";
import { SERVER, type SignedHome, signedHome } from "./signed-home.ts";

export const TIME: number = Date.now() - 50_000;

export interface LoggedHome extends SignedHome {
  readonly guard: AuditGuard;
  readonly origins: string[];
}

const PINS = new Map(FIXTURE_TOOLS.map((tool) => [tool.name, fingerprintTool(tool)]));
/** The tool that is called. */
export const TOOL: string = [...PINS.keys()][0] ?? "";

function call(guard: AuditGuard, name: string, index: number): AuditEvent {
  const live = PINS.get(name);
  return callEvent(guard, name, {
    timeMs: TIME + index * 1000,
    ...(live === undefined ? { fields: { live: undefined } } : { live }),
    event: { server: SERVER },
  });
}

/** A home with two logs: one closed, one of a process that died. */
export async function loggedHome(): Promise<LoggedHome> {
  const home = await signedHome();
  const envelope = readFileSync(join(home.dir, "catalog.dsse.json"));
  const roots = [readFileSync(join(home.dir, "root.1.dsse.json"))];
  const guard = guardOf(envelope, roots, Date.now());
  const store = openSqliteStore(join(home.dir, "state.db"));
  const auditKey = await readPrivateKey(readFileSync(join(home.dir, "keys", "audit.pem"), "utf8"));
  const origins: string[] = [];
  for (const pid of [1, 2]) {
    const log = FileAuditLog.open({
      ...{ folder: join(home.dir, "audit"), process: { host: "box", pid, startMs: TIME + pid } },
      ...{ evidence: guard.evidence, auditKey, store, clock: () => TIME },
    });
    origins.push(log.origin);
    const items = [...PINS].map(([name, digest]) => ({ kind: "tool" as const, name, digest }));
    log.append({ ...listEvent(items, TIME), server: SERVER });
    for (let index = 0; index < 10; index++) {
      log.append(call(guard, index % 5 === 4 ? "\u202esmuggled" : TOOL, index * 2 + pid));
    }
    await log.flush();
    if (pid === 1) await log.close();
  }
  store.close();
  return { ...home, guard, origins };
}
