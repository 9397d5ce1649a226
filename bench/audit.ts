// P14: what a decision costs the audit log. The record with its leaf, a log on disk with all its
// checkpoints, and the reading back: verification and replay.
import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import {
  canonicalize,
  createMemoryStore,
  replay,
  type TrustedCatalog,
  verifyAuditLog,
} from "portcullis";
import { FileAuditLog, FileObjects, readAuditFolder } from "portcullis/node";
import * as abi from "../esm/abi/frame.js";
import { ITEM_ADMITTED, SERVER_ADMITTED } from "../esm/abi/layout.js";
import { VERDICT_ALLOWED } from "../esm/abi/verdict.js";
import type { AuditEvent } from "../esm/audit/event.js";
import { type AuditEvidence, auditEvidence } from "../esm/audit/evidence.js";
import { RecordWriter } from "../esm/audit/record-writer.js";
import { MerkleTree } from "../esm/audit/tree.js";
import { utf8 } from "../esm/bytes.js";
import { ImageNames } from "../esm/catalog/image-names.js";
import {
  decideFields,
  digestWords,
  inputFrameBytes,
  outputFrameBytes,
} from "../esm/kernel/decide.js";
import { loadImage } from "../esm/kernel/image-kernel.js";
import { generatePrivateKey } from "../esm/sign/keys.js";
import { makeCatalog, NOW_MS, openCatalog, TOOLS_PER_SERVER } from "./catalogs.js";
import type { Finding } from "./finding.js";
import { type Contender, measureRounds, median, medians } from "./measure.js";

const RECORDS_PER_BATCH = 2_000;
const RECORDS_ON_DISK = 20_000;
/** Records a guard writes before it looks at its connections again. */
const RECORDS_PER_TURN = 32;
const HASH = "5".repeat(64);
const AUDIT_KEY = generatePrivateKey();

interface AuditBench {
  readonly catalog: TrustedCatalog;
  readonly evidence: AuditEvidence;
  readonly list: AuditEvent;
  readonly call: AuditEvent;
}

/** An allowed call of a pinned tool, with the frames that the kernel decided it by. */
async function makeBench(): Promise<AuditBench> {
  const files = makeCatalog(TOOLS_PER_SERVER, TOOLS_PER_SERVER);
  const catalog = await openCatalog(files);
  const { image } = catalog;
  const kernel = loadImage(image, 64);
  const names = new ImageNames(image);
  const server = names.server(0) ?? "";
  const tool = names.item(0)?.name ?? "";
  const digest = catalog.servers.get(server)?.tools.get(tool)?.fingerprints[0] ?? "";
  const hash = digestWords(Buffer.from(HASH, "hex"));
  const verdict = decideFields(kernel, {
    ...{ catalog: abi.CATALOG_TRUSTED, message: abi.MESSAGE_READ, feature: abi.FEATURE_ALLOWED },
    ...{ identity: abi.IDENTITY_KNOWN, serverState: SERVER_ADMITTED, itemState: ITEM_ADMITTED },
    ...{ vetting: abi.VETTING_NONE, arguments: abi.ARGUMENTS_HOLD, schema: abi.SCHEMA_HOLDS },
    ...{ custom: abi.CUSTOM_NOTHING, audit: abi.AUDIT_AVAILABLE, server: 0, item: 0 },
    ...{ principalRow: 0, nowMs: NOW_MS, taint: 0, scope: undefined, cap: undefined },
    image: digestWords(names.digest),
    live: digestWords(Buffer.from(digest.slice("sha256:".length), "hex")),
    ...{ principal: hash, session: hash, argumentsDigest: hash },
    ...{ isStickyDrift: false, isLeaseNamed: false, isConsentRefused: false },
    ...{ lease: undefined, consent: undefined },
  });
  if (verdict !== VERDICT_ALLOWED) throw new Error(`expected an allowed call, got ${verdict}`);
  const base: Omit<AuditEvent, "kind"> = {
    ...{ timeMs: NOW_MS, sessionHash: HASH, principalHash: HASH, server, taint: 0 },
    ...{ era: "modern", decision: "allow", reason: "allowed", code: 1, layer: "all" },
  };
  const { envelope, root } = files;
  return {
    catalog,
    evidence: auditEvidence({ signed: { envelope }, roots: [root] }),
    list: { ...base, kind: "list", items: [{ kind: "tool", name: tool, digest }] },
    call: {
      ...{ ...base, kind: "call", tool, args: utf8('{"path":"/workspace/notes/today.txt"}') },
      ...{ input: inputFrameBytes(kernel), output: outputFrameBytes(kernel) },
    },
  };
}

/** The same record and leaf with what Node has: JSON, `canonicalize`, native hashes. */
function plainRecord(
  event: AuditEvent,
  evidence: AuditEvidence,
  salt: Uint8Array,
  seq: number,
): number {
  const { catalogSha256, rootSha256, kernelSha256 } = evidence.subject;
  const base64 = (bytes: Uint8Array | undefined): string =>
    Buffer.from(bytes ?? new Uint8Array(0)).toString("base64");
  const line = canonicalize({
    ...{ v: 1, seq, t: event.timeMs, kind: event.kind, sess: event.sessionHash },
    ...{
      principal: event.principalHash,
      server: event.server,
      tool: event.tool,
      taint: event.taint,
    },
    ...{ catalog: catalogSha256, root: rootSha256, kernel: kernelSha256, era: event.era },
    ...{ in: base64(event.input), out: base64(event.output), decision: event.decision },
    ...{ reason: event.reason, code: event.code, layer: event.layer },
    req: createHmac("sha256", salt)
      .update(event.args ?? "")
      .digest("hex"),
  });
  return createHash("sha256").update("\0").update(line).digest()[31] ?? 0;
}

function measureRecord(bench: AuditBench): Finding {
  const salt = new Uint8Array(32).fill(7);
  const writer = new RecordWriter(salt, bench.evidence.subject);
  const seqs = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => index);
  const { call, evidence } = bench;
  let tree = new MerkleTree();
  const contenders: Contender<readonly number[]>[] = [
    {
      name: "portcullis",
      prepare: () => {
        tree = new MerkleTree();
        return seqs;
      },
      run: (list) => {
        let sum = 0;
        for (const seq of list) {
          const line = writer.write(call, seq, 0);
          if (line !== undefined) sum += tree.append(line.subarray(0, -1))[31] ?? 0;
        }
        return sum;
      },
    },
    {
      name: "canonicalize + node:crypto, no tree",
      prepare: () => seqs,
      run: (list) => {
        let sum = 0;
        for (const seq of list) sum += plainRecord(call, evidence, salt, seq);
        return sum;
      },
    },
  ];
  const options = { operationCount: RECORDS_PER_BATCH, batchCount: 1, warmUpCount: 8 };
  const rounds = measureRounds(contenders, options);
  const values = Object.fromEntries(
    Object.entries(medians(rounds)).map(([name, ns]) => [name, ns / 1000]),
  );
  return {
    key: "P14/record",
    what: "audit record, its leaf and the tree",
    unit: "us",
    values,
    scores: [values["portcullis"] ?? Number.NaN],
    scoreUnit: "us",
  };
}

/** us per record of a log on disk, its last checkpoint included; in turns, as a guard writes. */
async function writeLog(bench: AuditBench, folder: string): Promise<number> {
  const log = FileAuditLog.open({
    folder,
    process: { host: "bench", pid: process.pid, startMs: Date.now() },
    evidence: bench.evidence,
    auditKey: AUDIT_KEY,
    store: createMemoryStore(),
    clock: () => bench.call.timeMs,
  });
  log.append(bench.list);
  const start = performance.now();
  for (let index = 0; index < RECORDS_ON_DISK; index++) {
    if (!log.append(bench.call)) throw new Error("expected the record to be written");
    if (index % RECORDS_PER_TURN === RECORDS_PER_TURN - 1) await turn();
  }
  await log.flush();
  const us = ((performance.now() - start) * 1000) / RECORDS_ON_DISK;
  await log.close();
  return us;
}

/** P14; the trust root is taken to have this process's key in its role audit. */
export async function measureAudit(): Promise<Finding[]> {
  const bench = await makeBench();
  const record = measureRecord(bench);
  const base = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  try {
    const times: number[] = [];
    for (const round of [0, 1, 2]) times.push(await writeLog(bench, join(base, String(round))));
    const folder = join(base, "0");
    const logs = readAuditFolder(folder).map(({ input }) => input);
    const { root } = bench.catalog;
    const trusted = {
      ...root,
      roles: { ...root.roles, audit: { keys: [AUDIT_KEY.publicKey], threshold: 1 } },
    };
    const timed = async (
      read: () => Promise<{ ok: boolean; records: number }>,
    ): Promise<number> => {
      const start = performance.now();
      const { ok, records } = await read();
      if (!ok) throw new Error("expected a log that verifies");
      return ((performance.now() - start) * 1000) / records;
    };
    const verifyUs = await timed(() => verifyAuditLog({ logs, roots: [trusted] }));
    const objects = new FileObjects(folder);
    const replayUs = await timed(() => replay({ logs, roots: [trusted], objects }));
    const row = (key: string, what: string, us: number): Finding => ({
      ...{ key: `P14/${key}`, what, unit: "us", values: { portcullis: us } },
      ...{ scores: [us], scoreUnit: "us" },
    });
    return [
      record,
      row("sustained", "audit log on disk, checkpoints included, per record", median(times)),
      row("verify", "verification of a log, per record", verifyUs),
      row("replay", "verification and replay of a log, per record", replayUs),
    ];
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
