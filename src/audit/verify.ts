// `verifyAuditLog`: every log of a host against its signed heads, against the other logs, and
// against what the store and others hold (60-audit section 3). Runs in any host.
import { utf8Text } from "../bytes.ts";
import type { TrustRoot } from "../catalog/root.ts";
import { quote } from "../errors.ts";
import type { PublicKey } from "../sign/keys.ts";
import type { RegisteredLog } from "../store/records.ts";
import { isSignedBy, readCheckpoint, type SignedCheckpoint } from "./checkpoint.ts";
import { type AuditFinding, finding } from "./finding.ts";
import { type AuditLogInput, lineBatches } from "./input.ts";
import { LIMIT_RECORD_BYTES } from "./limits.ts";
import { checkpointName } from "./origin.ts";
import { type AuditRecord, memberOf, objectsOf, readRecord, textOf } from "./record.ts";
import { type AuditLogReport, claimOf, type HeadClaim, verifyLog } from "./verify-log.ts";

/** How far a verification or a replay has come. */
export interface AuditProgress {
  readonly records: number;
  readonly bytes: number;
  /** `undefined` when a log does not say how large it is. */
  readonly bytesTotal: number | undefined;
}

export interface VerifyAuditOptions {
  /** All logs of the host, or with `isPartial` some of them. */
  readonly logs: readonly AuditLogInput[];
  /** Verified trust roots: their role `audit` names the keys; a log names its root by digest. */
  readonly roots: readonly TrustRoot[];
  /** What the store knows; a registered log that is not among `logs` is a finding. */
  readonly registered?: readonly RegisteredLog[] | undefined;
  /** Checkpoints that somebody else kept. */
  readonly against?: readonly Uint8Array[] | undefined;
  /** True: logs that are only mentioned need not be there. */
  readonly isPartial?: boolean | undefined;
  readonly onProgress?: ((progress: AuditProgress) => void) | undefined;
}

export interface AuditReport {
  readonly ok: boolean;
  readonly records: number;
  readonly checkpoints: number;
  readonly refusals: number;
  readonly logs: readonly AuditLogReport[];
  /** At most one a log, and what no log can be blamed for. */
  readonly findings: readonly AuditFinding[];
  /** The first of them. */
  readonly error?: AuditFinding;
}

/**
 * Verifies logs; a finding is a value.
 *
 * Signatures of every checkpoint and statement; the tree; order and completeness of records,
 * checkpoints and statements; heads that other logs linked to; registered logs; a clean end where one is
 * known of. Records behind the last checkpoint of a log that did not end cleanly are counted as
 * `unsigned`: nothing vouches for them yet.
 *
 * @throws what a byte source throws
 */
export async function verifyAuditLog(options: VerifyAuditOptions): Promise<AuditReport> {
  const { logs, registered = [], onProgress, isPartial = false } = options;
  const keys = new Map(options.roots.map((root) => [root.sha256, root.roles.audit.keys]));
  const opens = new Map<string, AuditRecord | undefined>();
  for (const log of logs) opens.set(log.origin, await firstRecord(log));
  const findings: AuditFinding[] = [];
  const claims = linkedClaims(opens, isPartial ? undefined : findings);
  for (const bytes of options.against ?? []) {
    const fault = addKept(bytes, opens, keys, claims);
    if (fault !== undefined) findings.push(fault);
  }
  const progress = progressOf(logs, onProgress);
  const reports: AuditLogReport[] = [];
  for (const input of logs) {
    const { origin } = input;
    const known = registered.find((one) => one.origin === origin);
    const report = await verifyLog({
      input,
      keysOf: (root) => keys.get(root),
      claims: claims.get(origin) ?? [],
      registered: known === undefined ? undefined : known.closedAtMs === null ? "open" : "closed",
      onBatch: progress,
    });
    reports.push(report);
    if (report.finding !== undefined) findings.push(report.finding);
  }
  if (!isPartial) {
    for (const { origin } of registered) {
      if (!opens.has(origin)) findings.push(missing(origin, "the store"));
    }
  }
  return reportOf(reports, findings);
}

function reportOf(logs: readonly AuditLogReport[], findings: readonly AuditFinding[]): AuditReport {
  const sum = (of: (log: AuditLogReport) => number): number =>
    logs.reduce((total, log) => total + of(log), 0);
  const [error] = findings;
  return {
    ok: error === undefined,
    records: sum(({ records }) => records),
    checkpoints: sum(({ checkpoints }) => checkpoints),
    refusals: sum(({ refusals }) => refusals),
    logs,
    findings,
    ...(error === undefined ? {} : { error }),
  };
}

/** The `open` record, when the first line is one. */
async function firstRecord(log: AuditLogInput): Promise<AuditRecord | undefined> {
  for await (const lines of lineBatches(log.records, LIMIT_RECORD_BYTES)) {
    const [line] = lines;
    const record = line?.isWhole === true ? readRecord(line.bytes) : undefined;
    return record?.kind === "open" ? record : undefined;
  }
  return undefined;
}

/**
 * Heads by origin, as the `open` records link to them.
 *
 * @param findings takes the logs that are linked to and not there; `undefined`: they need not be
 */
function linkedClaims(
  opens: ReadonlyMap<string, AuditRecord | undefined>,
  findings: AuditFinding[] | undefined,
): Map<string, HeadClaim[]> {
  const claims = new Map<string, HeadClaim[]>();
  const reported = new Set<string>();
  for (const [from, record] of opens) {
    for (const head of record === undefined ? [] : objectsOf(record.value, "heads")) {
      const origin = textOf(head, "origin") ?? "";
      const claim = claimOf(`the log ${quote(from)}`, head);
      if (claim !== undefined) claims.set(origin, [...(claims.get(origin) ?? []), claim]);
      const isExpected = claim !== undefined || memberOf(head, "missing") !== true;
      if (!isExpected || opens.has(origin) || reported.has(origin)) continue;
      reported.add(origin);
      findings?.push(missing(origin, `the log ${quote(from)}`));
    }
  }
  return claims;
}

/** Takes in a checkpoint that somebody kept, when it is signed. */
function addKept(
  bytes: Uint8Array,
  opens: ReadonlyMap<string, AuditRecord | undefined>,
  keys: ReadonlyMap<string, readonly PublicKey[]>,
  claims: Map<string, HeadClaim[]>,
): AuditFinding | undefined {
  const note: SignedCheckpoint | undefined = readCheckpoint(utf8Text(bytes) ?? "");
  if (note === undefined) {
    return finding(
      "AUDIT_SIGNATURE",
      "",
      "expected a checkpoint to compare with, got another text",
    );
  }
  const origin = [...opens.keys()].find((one) => checkpointName(one) === note.name);
  if (origin === undefined) {
    return finding(
      "AUDIT_LOG_MISSING",
      "",
      `expected the log of the checkpoint to compare with, ${quote(note.name)}, got none`,
    );
  }
  // WHY: a log that lost its first record cannot say its root; any audit key of the chain will do
  const root = opens.get(origin)?.rootSha256;
  const trusted = root === undefined ? [...keys.values()].flat() : (keys.get(root) ?? []);
  if (!isSignedBy(note, trusted)) {
    const message = "expected the checkpoint to compare with signed by a key of the role audit";
    return finding("AUDIT_SIGNATURE", origin, message);
  }
  const claim = { from: "the checkpoint to compare with", size: note.size, root: note.root };
  claims.set(origin, [...(claims.get(origin) ?? []), claim]);
  return undefined;
}

function missing(origin: string, from: string): AuditFinding {
  const message = `expected the log ${quote(origin)}, which ${from} knows, got none`;
  return finding("AUDIT_LOG_MISSING", origin, message);
}

/** A function that adds up and tells. */
export function progressOf(
  logs: readonly AuditLogInput[],
  onProgress: ((progress: AuditProgress) => void) | undefined,
): (records: number, bytes: number) => void {
  let records = 0;
  let bytes = 0;
  const isSized = logs.every(({ sizeBytes }) => sizeBytes !== undefined);
  const total = logs.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
  return (recordCount, byteCount) => {
    records += recordCount;
    bytes += byteCount;
    onProgress?.({ records, bytes, bytesTotal: isSized ? total : undefined });
  };
}
