// Every way to tamper with a log has its name.
import { describe, expect, it } from "vitest";
import { signCheckpoint } from "../../src/audit/checkpoint.ts";
import type { AuditCode } from "../../src/audit/finding.ts";
import type { AuditLogInput } from "../../src/audit/input.ts";
import { checkpointName } from "../../src/audit/origin.ts";
import { MerkleTree } from "../../src/audit/tree.ts";
import { type VerifyAuditOptions, verifyAuditLog } from "../../src/audit/verify.ts";
import { AuditWriter, type LogHead } from "../../src/audit/writer.ts";
import { concatBytes, toHex, utf8, utf8Text } from "../../src/bytes.ts";
import {
  auditGuard,
  bytesIn,
  callEvent,
  closedLog,
  listEvent,
  memoryLog,
} from "../fixtures/audit.ts";
import { host, mallory, NOW_MS } from "../fixtures/trust.ts";

const guard = auditGuard();
const LOG = closedLog(guard, 200);
const INPUT = LOG.toInput();
const OTHER = closedLog(guard, 120, { process: { host: "h", pid: 6, startMs: NOW_MS } }).toInput();
const ROOTS = [guard.root];

const textIn = (source: unknown): string => utf8Text(bytesIn(source)) ?? "";
const LINES = textIn(INPUT.records).split("\n").slice(0, -1);
const HISTORY = (textIn(INPUT.history).match(/(?:.*\n){5}/g) ?? []).map(String);

function lines(change: (lines: string[]) => readonly string[]): Uint8Array {
  return utf8(
    change([...LINES])
      .map((line) => `${line}\n`)
      .join(""),
  );
}

async function verify(change: Partial<AuditLogInput>, options: Partial<VerifyAuditOptions> = {}) {
  const report = await verifyAuditLog({
    logs: [{ ...INPUT, ...change }],
    roots: ROOTS,
    ...options,
  });
  expect(report.ok).toBe(report.error === undefined);
  expect(report.error?.message ?? "").not.toMatch(/[\r\n]|\.$/);
  return report;
}

async function expectFinding(
  code: AuditCode,
  seq: number | undefined,
  change: Partial<AuditLogInput>,
  options: Partial<VerifyAuditOptions> = {},
): Promise<string> {
  const { error } = await verify(change, options);
  expect(error).toMatchObject({ code, origin: INPUT.origin });
  expect(error?.seq).toBe(seq);
  return error?.message ?? "";
}

/** Checkpoints of other records, signed with the right key. */
function resigned(records: Uint8Array, sizes: readonly number[]): Partial<AuditLogInput> {
  const all = (utf8Text(records) ?? "").split("\n").slice(0, -1);
  const notes = sizes.map((size) => noteOf(all.slice(0, size)));
  return { records, history: utf8(notes.join("")), checkpoint: utf8(notes.at(-1) ?? "") };
}

function noteOf(all: readonly string[], key = host, origin = INPUT.origin): string {
  const tree = new MerkleTree();
  for (const line of all) tree.append(utf8(line));
  return signCheckpoint({ name: checkpointName(origin), size: all.length, root: tree.root() }, key);
}

describe("a log as it was written", () => {
  it("verifies: records, refusals, checkpoints, a clean end", async () => {
    const report = await verify({});
    expect(report).toMatchObject({ ok: true, records: 203, refusals: 50, findings: [] });
    expect(report.checkpoints).toBe(HISTORY.length);
    expect(report.logs).toEqual([
      {
        ...{ origin: "host-1-5-1796083200000", records: 203, refusals: 50, end: "closed" },
        ...{ checkpoints: HISTORY.length, unsigned: 0, cutBytes: 0, lost: 0, clockBack: 0 },
      },
    ]);
  });

  it("has a checkpoint at least every 64 records", () => {
    const sizes = HISTORY.map((note) => Number(note.split("\n")[1]));
    const gaps = sizes.map((size, index) => size - (sizes[index - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(64);
    expect(sizes.at(-1)).toBe(203);
  });

  it("verifies from pieces of any size, as it does from one", async () => {
    const whole = await verify({});
    for (const size of [1, 7, 1000, 65_536]) {
      const pieces = (bytes: Uint8Array) =>
        function* () {
          const buffer = new Uint8Array(size);
          for (let at = 0; at < bytes.length; at += size) {
            // one buffer for all pieces, as readers of files do
            const piece = bytes.subarray(at, at + size);
            buffer.set(piece);
            yield buffer.subarray(0, piece.length);
          }
        };
      const records = pieces(bytesIn(INPUT.records));
      const history = pieces(bytesIn(INPUT.history));
      const statements = pieces(bytesIn(INPUT.statements));
      expect(await verify({ records, history, statements })).toEqual(whole);
    }
  });

  it("tells how far it is", async () => {
    const seen: number[] = [];
    const sizeBytes = bytesIn(INPUT.records).length;
    await verify(
      { sizeBytes },
      { onProgress: ({ bytes, bytesTotal }) => seen.push(bytes / (bytesTotal ?? 1)) },
    );
    expect(seen.at(-1)).toBe(1);
  });

  it("counts times that go back, and events that were lost, without taking them for tampering", async () => {
    let full = false;
    const log = memoryLog(guard, { recordCountMax: 4 });
    log.append(listEvent(undefined, NOW_MS));
    log.append(listEvent(undefined, NOW_MS - 5000));
    full = !log.append(listEvent()) || !log.append(listEvent());
    log.flush();
    expect(full).toBe(true);
    const report = await verifyAuditLog({ logs: [log.toInput()], roots: ROOTS });
    expect(report).toMatchObject({ ok: true, records: 4 });
    expect(report.logs[0]).toMatchObject({ end: "open", clockBack: 1 });
  });
});

describe("records", () => {
  it("one that was altered is named, the refused one to the record", async () => {
    const allowed = LINES.findIndex((line) => line.includes('"tool":"write"'));
    const refused = LINES.findIndex((line) => line.includes('"tool":"smuggled"'));
    const change = (index: number, to: string) =>
      lines((all) => all.with(index, (all[index] ?? "").replace(/"tool":"\w+"/, `"tool":"${to}"`)));
    await expectFinding("AUDIT_LEAF", refused, { records: change(refused, "read") });
    const message = await expectFinding("AUDIT_LEAF", 0, { records: change(allowed, "read") });
    expect(message).toBe("expected the records that were signed, got an altered one from 0 to 51");
  });

  it("one that is no record any more is named", async () => {
    await expectFinding("AUDIT_LEAF", 9, { records: lines((all) => all.with(9, "{}")) });
  });

  it("one that was deleted, duplicated, inserted or moved breaks the sequence", async () => {
    await expectFinding("AUDIT_SEQUENCE", 9, { records: lines((all) => all.toSpliced(9, 1)) });
    const doubled = lines((all) => all.toSpliced(9, 0, all[8] ?? ""));
    await expectFinding("AUDIT_SEQUENCE", 9, { records: doubled });
    const moved = lines((all) => all.with(9, all[10] ?? "").with(10, all[9] ?? ""));
    await expectFinding("AUDIT_SEQUENCE", 9, { records: moved });
    const foreign = textIn(OTHER.records).split("\n")[9] ?? "";
    await expectFinding("AUDIT_SEQUENCE", 10, {
      records: lines((all) => all.toSpliced(10, 0, foreign)),
    });
  });

  it("one that was deleted is missed although the others were numbered anew", async () => {
    const renumbered = lines((all) =>
      all.toSpliced(9, 1).map((line, index) => line.replace(/"seq":\d+/, `"seq":${index}`)),
    );
    const next = LINES.findIndex((line, index) => index > 9 && line.includes('"deny"'));
    await expectFinding("AUDIT_SEQUENCE", next - 1, { records: renumbered });
  });

  it("a record behind the end is one too many, and so are bytes", async () => {
    const more = lines((all) => [...all, all[5]?.replace(/"seq":5/, '"seq":203') ?? ""]);
    await expectFinding("AUDIT_SEQUENCE", 203, { records: more });
    const bytes = concatBytes(bytesIn(INPUT.records), utf8("{"));
    await expectFinding("AUDIT_SEQUENCE", undefined, { records: bytes });
  });

  it("a second beginning is none", async () => {
    const again = lines((all) => all.with(9, (all[0] ?? "").replace('"seq":0', '"seq":9')));
    await expectFinding("AUDIT_SEQUENCE", 9, { records: again });
    await expectFinding("AUDIT_SEQUENCE", 0, {
      records: lines((all) => all.with(0, (all[1] ?? "").replace('"seq":1', '"seq":0'))),
    });
  });
});

describe("heads and tails", () => {
  it("a tail that was cut off is missed against the checkpoint", async () => {
    const message = await expectFinding("AUDIT_TRUNCATED", 190, {
      records: lines((all) => all.slice(0, 190)),
    });
    expect(message).toBe(
      "expected 203 records as its checkpoint says, got 190; its tail was cut off",
    );
  });

  it("a head that was cut off is missed", async () => {
    await expectFinding("AUDIT_TRUNCATED", 0, { records: lines((all) => all.slice(3)) });
  });

  it("a cut tail with checkpoints and statements to match lacks the end that the store knows", async () => {
    const size = Number(HISTORY[1]?.split("\n")[1]);
    const records = lines((all) => all.slice(0, size));
    const refused = LINES.slice(0, size).filter((line) => line.includes('"deny"')).length;
    const statements = utf8(
      textIn(INPUT.statements)
        .split("\n")
        .slice(0, refused)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const cut = { ...resignedAs(HISTORY.slice(0, 2)), records, statements };
    const registered = [{ origin: INPUT.origin, path: "/p", createdAtMs: 1, closedAtMs: 2 }];
    await expectFinding("AUDIT_TRUNCATED", undefined, cut, { registered });
    // without store, link or copy nothing tells it from a log that is being written
    expect((await verify(cut)).logs[0]?.end).toBe("open");
    await expectFinding("AUDIT_TRUNCATED", size, cut, { against: [utf8(HISTORY.at(-1) ?? "")] });
  });

  it("an empty log is named where records are claimed, by a checkpoint, a link, or the store", async () => {
    const empty = { records: new Uint8Array(0) };
    const bare = { ...empty, checkpoint: undefined, history: undefined, statements: undefined };
    await expectFinding("AUDIT_EMPTY", undefined, empty);
    const registered = [{ origin: INPUT.origin, path: "/p", createdAtMs: 1, closedAtMs: null }];
    await expectFinding("AUDIT_EMPTY", undefined, bare, { registered });
    await expectFinding("AUDIT_EMPTY", undefined, bare, { against: [utf8(HISTORY[0] ?? "")] });
    expect((await verify(bare)).ok).toBe(true);
  });

  it("a log without its file is missing", async () => {
    await expectFinding("AUDIT_LOG_MISSING", undefined, { records: undefined });
  });

  it("a registered log that is not there is missing", async () => {
    const registered = [{ origin: "gone-1-1", path: "/p", createdAtMs: 1, closedAtMs: null }];
    const { error } = await verify({}, { registered });
    expect(error).toMatchObject({ code: "AUDIT_LOG_MISSING", origin: "gone-1-1" });
    expect((await verify({}, { registered, isPartial: true })).ok).toBe(true);
  });
});

function resignedAs(notes: readonly string[]): Partial<AuditLogInput> {
  return { history: utf8(notes.join("")), checkpoint: utf8(notes.at(-1) ?? "") };
}

describe("signatures", () => {
  it("another log under this name is told by its origin, whole or in part", async () => {
    await expectFinding("AUDIT_ORIGIN", undefined, { ...OTHER, origin: INPUT.origin });
    await expectFinding("AUDIT_ORIGIN", 0, { records: OTHER.records });
    await expectFinding("AUDIT_ORIGIN", undefined, { checkpoint: OTHER.checkpoint });
    await expectFinding("AUDIT_ORIGIN", undefined, { history: OTHER.history });
    const first = LINES.findIndex((line) => line.includes('"deny"'));
    await expectFinding("AUDIT_ORIGIN", first, { statements: OTHER.statements });
  });

  it("a key that does not hold the role audit signs nothing", async () => {
    const forged = closedLog(guard, 20, { auditKey: mallory }).toInput();
    await expectFinding("AUDIT_SIGNATURE", undefined, forged);
    const other = utf8(noteOf(LINES, mallory));
    await expectFinding("AUDIT_SIGNATURE", undefined, { checkpoint: other });
    const statements = closedLog(guard, 200, { auditKey: mallory }).toInput().statements;
    await expectFinding(
      "AUDIT_SIGNATURE",
      LINES.findIndex((line) => line.includes('"deny"')),
      { statements },
    );
  });

  it("a trust root that is not of the chain vouches for nothing", async () => {
    const root = { ...guard.root, sha256: "0".repeat(64) };
    await expectFinding("AUDIT_SIGNATURE", 0, {}, { roots: [root] });
  });

  it("a checkpoint with another text, an extension or a second signature is none", async () => {
    const note = HISTORY.at(-1) ?? "";
    for (const text of [
      note.replace("\n203\n", "\n0203\n"),
      note.replace("\n\n", "\nextension\n\n"),
      `${note}${note.split("\n")[4]}\n`,
      note.replace("\u2014", "-"),
      note.trimEnd(),
      "",
    ]) {
      await expectFinding("AUDIT_SIGNATURE", undefined, { checkpoint: utf8(text) });
    }
    await expectFinding("AUDIT_SIGNATURE", undefined, { history: Uint8Array.of(0xff) });
  });
});

describe("equivocation", () => {
  const rewritten = lines((all) =>
    all.with(20, (all[20] ?? "").replace(/"tool":"\w+"/, '"tool":"other"')),
  );

  it("two checkpoints of one size with two roots contradict each other", async () => {
    const second = noteOf((utf8Text(rewritten) ?? "").split("\n").slice(0, 203));
    await expectFinding("AUDIT_INCONSISTENT", 202, { checkpoint: utf8(second) });
    const history = utf8(`${HISTORY.join("")}${second}`);
    await expectFinding("AUDIT_INCONSISTENT", 202, { history });
  });

  it("a log that was rewritten and signed anew contradicts its older checkpoints", async () => {
    const forged = resigned(rewritten, [203]);
    const history = utf8(`${HISTORY[0]}${utf8Text(bytesIn(forged.history))}`);
    await expectFinding("AUDIT_INCONSISTENT", Number(HISTORY[0]?.split("\n")[1]) - 1, {
      ...forged,
      history,
    });
  });

  it("a log that was rewritten and signed anew contradicts a checkpoint that somebody kept", async () => {
    const size = Number(HISTORY[1]?.split("\n")[1]);
    const message = await expectFinding(
      "AUDIT_INCONSISTENT",
      size - 1,
      resigned(rewritten, [203]),
      {
        against: [utf8(HISTORY[1] ?? "")],
      },
    );
    expect(message).toContain("the checkpoint to compare with");
  });

  it("a checkpoint to compare with must be one of these logs, and signed", async () => {
    const codeOf = async (note: string) =>
      (await verify({}, { against: [utf8(note)] })).error?.code;
    expect(await codeOf(HISTORY[0] ?? "")).toBeUndefined();
    expect(await codeOf("nothing")).toBe("AUDIT_SIGNATURE");
    expect(await codeOf(noteOf(LINES, mallory))).toBe("AUDIT_SIGNATURE");
    expect(await codeOf(textIn(OTHER.checkpoint))).toBe("AUDIT_LOG_MISSING");
  });
});

describe("checkpoints and statements", () => {
  it("the history of a closed log lacks nothing", async () => {
    for (let index = 0; index < HISTORY.length - 1; index++) {
      const history = utf8(HISTORY.toSpliced(index, 1).join(""));
      await expectFinding("AUDIT_SEQUENCE", undefined, { history });
    }
    await expectFinding("AUDIT_TRUNCATED", undefined, {
      history: utf8(HISTORY.slice(0, -1).join("")),
    });
    const rolledBack = resignedAs(HISTORY.slice(0, -1));
    await expectFinding("AUDIT_TRUNCATED", undefined, rolledBack);
    await expectFinding("AUDIT_TRUNCATED", undefined, { checkpoint: utf8(HISTORY.at(-2) ?? "") });
    await expectFinding("AUDIT_LOG_MISSING", undefined, { checkpoint: undefined });
    await expectFinding("AUDIT_TRUNCATED", undefined, { history: undefined });
    await expectFinding("AUDIT_LOG_MISSING", undefined, {
      checkpoint: undefined,
      history: undefined,
    });
    await expectFinding("AUDIT_SEQUENCE", undefined, {
      history: utf8(HISTORY.toReversed().join("")),
    });
  });

  it("every refusal has its statement, in order, and nobody else has one", async () => {
    const all = textIn(INPUT.statements).split("\n").slice(0, -1);
    const joined = (some: readonly string[]) => utf8(some.map((line) => `${line}\n`).join(""));
    const refusals = LINES.flatMap((line, index) => (line.includes('"deny"') ? [index] : []));
    expect(all).toHaveLength(refusals.length);
    await expectFinding("AUDIT_TRUNCATED", refusals[0], { statements: undefined });
    await expectFinding("AUDIT_TRUNCATED", refusals.at(-1), {
      statements: joined(all.slice(0, -1)),
    });
    await expectFinding("AUDIT_SEQUENCE", refusals[3], { statements: joined(all.toSpliced(3, 1)) });
    await expectFinding("AUDIT_SEQUENCE", undefined, {
      statements: joined([...all, all[0] ?? ""]),
    });
    const claimed = all.with(3, (all[3] ?? "").replace(/"keyid":"./, '"keyid":"x'));
    await expectFinding("AUDIT_SIGNATURE", refusals[3], { statements: joined(claimed) });
    const spaced = all.with(3, `${all[3]} `);
    await expectFinding("AUDIT_SIGNATURE", refusals[3], { statements: joined(spaced) });
  });
});

describe("links between logs", () => {
  it("a later log's link notices what happened to an earlier one", async () => {
    const size = Number(HISTORY[1]?.split("\n")[1]);
    const heads = [headOf(INPUT.origin, size), headOf("gone-1-1", 5)];
    const later = linkedLog(heads.slice(0, 1));
    const all = { ...INPUT, ...resignedAs(HISTORY.slice(0, 1)) };
    const first = Number(HISTORY[0]?.split("\n")[1]);
    const cut = {
      ...all,
      records: lines((some) => some.slice(0, first)),
      statements: INPUT.statements,
    };
    const ok = await verifyAuditLog({ logs: [INPUT, later], roots: ROOTS });
    expect(ok.findings).toEqual([]);
    const report = await verifyAuditLog({ logs: [cut, later], roots: ROOTS });
    expect(report.error).toMatchObject({ code: "AUDIT_TRUNCATED", origin: INPUT.origin });
    const rewritten = { ...headOf(INPUT.origin, size), root: "0".repeat(64) };
    const other = await verifyAuditLog({ logs: [INPUT, linkedLog([rewritten])], roots: ROOTS });
    expect(other.error).toMatchObject({ code: "AUDIT_INCONSISTENT", origin: INPUT.origin });
    const missing = await verifyAuditLog({ logs: [INPUT, linkedLog(heads)], roots: ROOTS });
    expect(missing.error).toMatchObject({ code: "AUDIT_LOG_MISSING", origin: "gone-1-1" });
  });
});

function headOf(origin: string, size: number): LogHead {
  const tree = new MerkleTree();
  for (const line of LINES.slice(0, size)) tree.append(utf8(line));
  return { origin, size, root: toHex(tree.root()) };
}

/** A log that links to others. */
function linkedLog(heads: readonly LogHead[]): AuditLogInput {
  const lines: Uint8Array[] = [];
  const texts: string[] = [];
  const origin = "later-9-1796083200000";
  const writer = new AuditWriter({
    ...{ origin, auditKey: host, subject: guard.evidence.subject, salt: new Uint8Array(32) },
    output: {
      isAvailable: true,
      write: (line) => lines.push(line) > 0,
      publish: (signed) => void texts.push(...signed.map(({ text }) => text)),
      settle: () => Promise.resolve(true),
    },
  });
  writer.appendOpen(NOW_MS, { heads });
  writer.append(callEvent(guard, "read"));
  writer.appendClose(NOW_MS);
  return {
    origin,
    records: concatBytes(...lines),
    history: utf8(texts.join("")),
    checkpoint: utf8(texts.at(-1) ?? ""),
  };
}
