// Records, heads and tails: every way to tamper with them has its name.
import { describe, expect, it } from "vitest";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { concatBytes, utf8 } from "../../src/bytes.ts";
import { bytesIn, listEvent, memoryLog } from "../fixtures/audit.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import {
  expectFinding,
  guard,
  HISTORY,
  INPUT,
  LINES,
  lines,
  OTHER,
  ROOTS,
  resignedAs,
  textIn,
  verify,
} from "./verify-rig.ts";

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
