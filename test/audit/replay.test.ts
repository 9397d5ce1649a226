// Replay: the same bytes for ever, and a host that lied about what it saw is found out.
import { describe, expect, it } from "vitest";
import * as abi from "../../src/abi/frame.ts";
import type { AuditEvent } from "../../src/audit/event.ts";
import { auditEvidence, envelopeObject, kernelObject } from "../../src/audit/evidence.ts";
import type { AuditCode } from "../../src/audit/finding.ts";
import { frameDifferences } from "../../src/audit/frame-difference.ts";
import type { MemoryAuditLog } from "../../src/audit/memory-log.ts";
import { type ReplayOptions, type ReplayReport, replay } from "../../src/audit/replay.ts";
import type { AuditObjects } from "../../src/audit/replay-catalogs.ts";
import { toHex, utf8 } from "../../src/bytes.ts";
import { digestWords, executeFrame } from "../../src/kernel/decide.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { KERNEL_SHA256, kernelBytes } from "../../src/kernel/module.ts";
import { readOutputFrame } from "../../src/kernel/output-frame.ts";
import { ReplayKernel } from "../../src/kernel/replay-kernel.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import {
  auditCatalogText,
  auditGuard,
  callEvent,
  closedLog,
  HONEST_ITEMS,
  listEvent,
  memoryLog,
  PINS,
} from "../fixtures/audit.ts";
import { digestOf } from "../fixtures/catalog.ts";
import {
  alice,
  bob,
  EXPIRES_MS,
  NOW_MS,
  rootDigest,
  signedCatalog,
  signedRoot,
} from "../fixtures/trust.ts";

const guard = auditGuard();
const DRIFTED = digestOf("another definition");

function replayLog(
  log: MemoryAuditLog,
  changes: Partial<ReplayOptions> = {},
): Promise<ReplayReport> {
  return replay({ logs: [log.toInput()], roots: [guard.root], objects: log.objects, ...changes });
}

/** Replays a log with one call in it, after a list. */
async function replayOne(event: AuditEvent, items = HONEST_ITEMS): Promise<ReplayReport> {
  const log = memoryLog(guard);
  log.append(listEvent(items));
  log.append(event);
  log.close();
  return await replayLog(log);
}

function expectError(report: ReplayReport, code: AuditCode, message: string | RegExp): void {
  expect(report.ok).toBe(false);
  expect(report.error).toMatchObject({ code, seq: 2 });
  expect(report.error?.message).toMatch(message);
  expect(report.error?.message).not.toMatch(/[\r\n]|\.$/);
}

describe("replay", () => {
  it("decides every frame again to the same bytes, twice the same", async () => {
    const log = closedLog(guard, 200);
    const first = await replayLog(log);
    expect(first).toMatchObject({ ok: true, records: 203, frames: 200, findings: [] });
    expect(await replayLog(log)).toEqual(first);
    // the same calls in another log come to the same outputs
    expect((await replayLog(closedLog(guard, 200))).outputs).toBe(first.outputs);
    expect((await replayLog(closedLog(guard, 199))).outputs).not.toBe(first.outputs);
  });

  it("verifies first: of a log that was altered no frame is decided", async () => {
    const input = closedLog(guard, 8).toInput();
    const records = new Uint8Array([...(input.records instanceof Uint8Array ? input.records : [])]);
    records[records.length - 5] = 0x20;
    const report = await replay({
      ...{ logs: [{ ...input, records }], roots: [guard.root], objects: guard.evidence.objects },
    });
    expect(report).toMatchObject({ ok: false, frames: 0 });
    expect(report.error?.code).toBe("AUDIT_LEAF");
  });

  it("an output that does not follow from its input is shown field by field", async () => {
    const event = callEvent(guard, "read");
    const denied = callEvent(guard, "read", { fields: { serverState: 0 } });
    const forged = { ...event, input: denied.input };
    const report = await replayOne(forged);
    expectError(
      report,
      "AUDIT_REPLAY",
      /^expected verdict 6 server_not_admitted, got 1 allowed in the record, and \d more fields$/,
    );
    expect(report.differences).toContainEqual({
      ...{ field: "outcome", recorded: "allow", replayed: "deny" },
    });
    const frames = { recorded: event.output, replayed: denied.output };
    expect(report.differences).toEqual(
      frameDifferences(frames.recorded ?? new Uint8Array(0), frames.replayed ?? new Uint8Array(0)),
    );
  });

  it("a record whose words are not those of its frame is found out", async () => {
    const refusal = callEvent(guard, "read", { fields: { serverState: 0 } });
    for (const change of [{ decision: "allow" as const }, { reason: "allowed" }, { code: 1 }]) {
      const report = await replayOne({ ...refusal, ...change });
      expectError(report, "AUDIT_REPLAY", /^expected the (decision|reason|code) of its frame, /);
    }
  });

  it("frames that are none are found out", async () => {
    const event = callEvent(guard, "read");
    const { output, ...withoutOutput } = event;
    expectError(await replayOne(withoutOutput), "AUDIT_REPLAY", "expected both frames in base64");
    const short = { ...event, input: event.input?.subarray(1) };
    expectError(
      await replayOne(short),
      "AUDIT_REPLAY",
      "expected an input frame of 576 bytes, got 575",
    );
    const cut = { ...event, output: output?.subarray(0, 63) };
    expectError(await replayOne(cut), "AUDIT_REPLAY", "expected frame none, got 63 bytes");
  });
});

describe("a host that lies", () => {
  it("one that calls a drifted tool admitted is found out by the kernel's own comparison", async () => {
    const honest = callEvent(guard, "read", { live: DRIFTED });
    expect(honest.reason).toBe("fingerprint_drift");
    const lie = { ...callEvent(guard, "read"), input: honest.input };
    const items = [{ kind: "tool" as const, name: "read", digest: DRIFTED }];
    expectError(
      await replayOne(lie, items),
      "AUDIT_REPLAY",
      /^expected verdict 4 fingerprint_drift, got 1 allowed/,
    );
    expect((await replayOne(honest, items)).ok).toBe(true);
  });

  it("one that puts the pin in the place of the drifted definition is found out by the list", async () => {
    const items = [{ kind: "tool" as const, name: "read", digest: DRIFTED }];
    const report = await replayOne(callEvent(guard, "read"), items);
    expectError(report, "AUDIT_LIVE", `got one where ${DRIFTED} was listed`);
  });

  it("one that allows a definition that was never listed, or none, is found out", async () => {
    const report = await replayOne(callEvent(guard, "read"), []);
    expectError(report, "AUDIT_LIVE", "got one that was never listed");
    const unseen = callEvent(guard, "read", { fields: { live: undefined } });
    const allowed = callEvent(guard, "read");
    const forged = { ...unseen, decision: allowed.decision, reason: allowed.reason, code: 1 };
    expect((await replayOne(forged)).error?.code).toMatch(/^AUDIT_(LIVE|REPLAY)$/);
  });

  it("one that decides about another item, server, session or principal is found out", async () => {
    const event = callEvent(guard, "read");
    const other = { ...event, tool: "write" };
    expectError(
      await replayOne(other),
      "AUDIT_LIVE",
      "expected a frame for the item `write`, got one for `read`",
    );
    const server = { ...event, server: "other" };
    expectError(
      await replayOne(server),
      "AUDIT_LIVE",
      "expected a frame for the server `other`, got one for `files`",
    );
    const session = { ...event, sessionHash: "0".repeat(64) };
    expectError(
      await replayOne(session),
      "AUDIT_LIVE",
      "expected a frame for the `sess` of its record",
    );
    const principal = { ...event, principalHash: "0".repeat(64) };
    expectError(
      await replayOne(principal),
      "AUDIT_LIVE",
      "expected a frame for the `principal` of its record",
    );
  });

  it("one that decides under another catalog than it records is found out", async () => {
    const other = auditGuard(8);
    const report = await replayOne(callEvent(other, "read"));
    expectError(report, "AUDIT_CATALOG", /got one for another catalog$/);
  });

  it("a definition counts as this session saw it", async () => {
    const log = memoryLog(guard);
    const drifted = [{ kind: "tool" as const, name: "read", digest: DRIFTED }];
    log.append(listEvent());
    log.append({ ...listEvent(drifted), sessionHash: "1".repeat(64) });
    log.append(callEvent(guard, "read"));
    log.close();
    expect((await replayLog(log)).ok).toBe(true);
  });
});

function without(objects: AuditObjects, name: string, instead?: Uint8Array): AuditObjects {
  const map = new Map(
    [...objects.keys()].map((key) => [key, objects.get(key) ?? new Uint8Array(0)]),
  );
  map.delete(name);
  if (instead !== undefined) map.set(name, instead);
  return map;
}

describe("what records name", () => {
  const log = closedLog(guard, 8);
  const { catalogSha256, rootSha256 } = guard.evidence.subject;
  const errorWith = async (objects: AuditObjects, changes: Partial<ReplayOptions> = {}) =>
    (await replayLog(log, { objects, ...changes })).error;

  it("a catalog that is missing, is another, or was not trusted then: says so and fails", async () => {
    const name = envelopeObject(catalogSha256);
    const missing = await errorWith(without(log.objects, name));
    expect(missing).toMatchObject({ code: "AUDIT_CATALOG", seq: 0 });
    expect(missing?.message).toBe(
      `expected the catalog ${catalogSha256} among the objects, got none`,
    );
    const other = signedCatalog(auditCatalogText(8));
    const swapped = await errorWith(without(log.objects, name, other));
    expect(swapped).toMatchObject({ code: "AUDIT_CATALOG" });
    expect(swapped?.message).toContain("under its name, got");
    const unsigned = signedCatalog(auditCatalogText(), []);
    const refused = await errorWith(without(log.objects, name, unsigned));
    expect(refused?.message).toContain("got CATALOG_SIGNATURE_INVALID");
  });

  it("a catalog that had expired when the log began was not to be trusted then", async () => {
    const late = memoryLog(guard, { clock: () => EXPIRES_MS });
    late.close();
    const { error } = await replayLog(late);
    expect(error).toMatchObject({ code: "AUDIT_CATALOG", seq: 0 });
    expect(error?.message).toContain("got CATALOG_EXPIRED");
  });

  it("a trust root that is missing, or not the pinned one: says so and fails", async () => {
    const missing = await errorWith(without(log.objects, envelopeObject(rootSha256)));
    expect(missing?.message).toBe(
      `expected the trust root ${rootSha256} among the objects, got none`,
    );
    const pinned = await errorWith(log.objects, { rootPin: "0".repeat(64) });
    expect(pinned?.message).toContain("got ROOT_PIN");
    expect(await errorWith(log.objects, { rootPin: rootDigest() })).toBeUndefined();
  });

  it("a chain of roots is put together again, forks beside it or not", async () => {
    const second = signedRoot({ version: 2 }, [alice]);
    const fork = signedRoot({ expiresMs: Date.UTC(2029, 1, 1) }, [alice, bob]);
    const files = {
      signed: { envelope: signedCatalog(auditCatalogText()) },
      roots: [signedRoot(), second],
    };
    const evidence = auditEvidence(files);
    const chained = memoryLog({ ...guard, evidence });
    chained.append(listEvent());
    chained.append(callEvent(guard, "read"));
    chained.close();
    const objects = new Map(evidence.objects);
    for (const [name, bytes] of auditEvidence({ ...files, roots: [fork] }).objects)
      objects.set(name, bytes);
    const root = { ...guard.root, sha256: evidence.subject.rootSha256 };
    const report = await replayLog(chained, { objects, roots: [root], rootPin: rootDigest() });
    expect(report.findings).toEqual([]);
    expect(report.frames).toBe(1);
  });

  it("a kernel that is not at hand, or is another: says so and fails", async () => {
    const foreign = "f".repeat(64);
    const { evidence } = guard;
    const subject = { ...evidence.subject, kernelSha256: foreign };
    const other = memoryLog({ ...guard, evidence: { ...evidence, subject } });
    other.append(listEvent());
    other.close();
    const missing = (await replayLog(other)).error;
    expect(missing).toMatchObject({ code: "AUDIT_KERNEL", seq: 0 });
    expect(missing?.message).toBe(
      `expected the kernel ${foreign} among the objects, got none or another`,
    );
    const swapped = without(other.objects, kernelObject(foreign), kernelBytes());
    expect((await replayLog(other, { objects: swapped })).error?.code).toBe("AUDIT_KERNEL");
    const garbage = utf8("not wasm");
    const named = toHex(sha256(garbage));
    const broken = memoryLog({
      ...guard,
      evidence: {
        subject: { ...subject, kernelSha256: named },
        objects: new Map([...evidence.objects, [kernelObject(named), garbage]]),
      },
    });
    broken.close();
    expect((await replayLog(broken)).error?.message).toBe(
      "expected a kernel without imports, got another module",
    );
  });

  it("a kernel of the objects decides as this package's own", () => {
    expect(toHex(sha256(kernelBytes() ?? new Uint8Array(0)))).toBe(KERNEL_SHA256);
    const { image } = guard.verified;
    const own = new ReplayKernel(undefined, image);
    const kept = new ReplayKernel(log.objects.get(kernelObject(KERNEL_SHA256)), image);
    for (const name of ["read", "write", "other"]) {
      const { input = new Uint8Array(0), output } = callEvent(guard, name);
      expect(own.execute(input)).toEqual(output);
      expect(kept.execute(input)).toEqual(output);
      expect(executeFrame(guard.kernel, input)).toEqual(output);
    }
    const undecided = readOutputFrame(own.execute(new Uint8Array(5)).slice());
    expect(undecided).toMatchObject({ verdict: 0, outcome: "deny" });
  });

  it("a catalog that takes over is replayed with its own image from there on", async () => {
    const next = auditGuard(8);
    const reloaded = memoryLog(guard);
    reloaded.append(listEvent());
    reloaded.append(callEvent(guard, "read"));
    reloaded.useEvidence(next.evidence);
    reloaded.append({ ...listEvent(), kind: "reload", items: undefined });
    reloaded.append(callEvent(next, "write"));
    reloaded.close();
    expect(await replayLog(reloaded)).toMatchObject({ ok: true, frames: 2 });
    const kept = without(reloaded.objects, envelopeObject(next.evidence.subject.catalogSha256));
    expect((await replayLog(reloaded, { objects: kept })).error).toMatchObject({
      code: "AUDIT_CATALOG",
      seq: 3,
    });
  });

  it("a catalog that was signed with OpenSSH is kept with its signatures", async () => {
    const toml = utf8(auditCatalogText());
    const signatures = [utf8(signSshsig(toml, alice))];
    const evidence = auditEvidence({ signed: { toml, signatures }, roots: [signedRoot()] });
    expect(evidence.subject).toEqual(guard.evidence.subject);
    const ssh = memoryLog({ ...guard, evidence });
    ssh.append(listEvent());
    ssh.append(callEvent(guard, "read"));
    ssh.close();
    expect(await replayLog(ssh)).toMatchObject({ ok: true, frames: 1 });
    expect(PINS.size).toBe(2);
  });
});

it("an input frame has the size that its layout says", () => {
  expect(callEvent(guard, "read").input).toHaveLength(abi.INPUT_SIZE);
  expect(NOW_MS).toBeLessThan(EXPIRES_MS);
});

it("digests are copied out of a Buffer, which shares its pool with others", () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
  expect(digestWords(Buffer.from(bytes))).toEqual(digestWords(bytes));
});
