// Audit logs: the one of the driver is replayed here, changed ones are found out, and one is written
// here, whose bytes must be those of every other host.
import {
  type AuditLogInput,
  auditEvidence,
  createRequestIdentity,
  MCPGateway,
  type ReplayReport,
  replay,
  TrustedCatalog,
} from "portcullis";
import { MemoryAuditLog, PrivateKey, utf8 } from "./inner.ts";
import type { Reporter } from "./report.ts";
import type { AuditFiles, Vectors } from "./vectors-type.ts";

const decoder = new TextDecoder();

function inputOf({ origin, records, history, checkpoint, statements }: AuditFiles): AuditLogInput {
  return {
    origin,
    records: utf8(records),
    history: utf8(history),
    checkpoint: utf8(checkpoint),
    statements: utf8(statements),
  };
}

function answerOf({ ok, error, frames, outputs, records, differences }: ReplayReport): string {
  if (ok) return `ok ${records} ${frames} ${outputs}`;
  return `${error?.code} ${error?.seq} ${error?.message} ${JSON.stringify(differences ?? [])}`;
}

async function replayCases({ audit }: Vectors, report: Reporter): Promise<void> {
  const { root, envelope, nowMs, cases } = audit;
  const { root: trusted } = await TrustedCatalog.open({ root, envelope, clock: () => nowMs });
  const objects = new Map(audit.objects.map(([name, text]) => [name, utf8(text)]));
  const roots = [trusted];
  for (const { id, files, want } of cases) {
    const first = answerOf(await replay({ logs: [inputOf(files)], roots, objects }));
    const again = answerOf(await replay({ logs: [inputOf(files)], roots, objects }));
    report.add("audit", id, first === again ? first : `split ${again}`, want);
    if (want === "ok" && !first.startsWith(`ok ${audit.calls + 3} ${audit.calls} `)) {
      report.add("audit", id, first, `ok with ${audit.calls} frames`);
    }
  }
  const [asWritten] = cases;
  if (asWritten === undefined) return;
  const logs = [inputOf(asWritten.files)];
  const without = new Map([...objects].slice(0, 1));
  report.add(
    "audit",
    "without its catalog",
    answerOf(await replay({ logs, roots, objects: without })),
    "AUDIT_CATALOG",
  );
}

/** A log of this host. WHY: no turn of the event loop comes between, so its checkpoints are fixed. */
async function writeLog({ guard }: Vectors, report: Reporter): Promise<void> {
  const { root, envelope, nowMs, server, listing, steps } = guard;
  const clock = (): number => nowMs;
  const catalog = await TrustedCatalog.open({ root, envelope, clock });
  const log = new MemoryAuditLog({
    process: { host: "portable", pid: 1, startMs: nowMs },
    evidence: auditEvidence({ signed: { envelope: utf8(envelope) }, roots: [utf8(root)] }),
    auditKey: new PrivateKey(new Uint8Array(32).fill(3)),
    clock,
    random: (size) => new Uint8Array(size).fill(7),
  });
  const gateway = new MCPGateway({ catalog, audit: log, clock });
  gateway.admitListing(server, listing);
  for (const { principal, session, tool, args, scopes, ...step } of steps) {
    const identity = createRequestIdentity({ principal, sessionId: session, clock });
    gateway.evaluate({ identity, serverId: step.server, tool, args, scopes });
  }
  log.close();
  const input = log.toInput();
  for (const part of ["records", "history", "checkpoint", "statements"] as const) {
    const bytes = input[part];
    const text = bytes instanceof Uint8Array ? decoder.decode(bytes) : "none";
    report.add("audit written", part, JSON.stringify(text));
  }
  const { objects } = log;
  const replayed = await replay({ logs: [input], roots: [catalog.root], objects });
  report.add("audit written", "replayed", answerOf(replayed), "ok");
}

export async function reportAudit(vectors: Vectors, report: Reporter): Promise<void> {
  await replayCases(vectors, report);
  await writeLog(vectors, report);
}
