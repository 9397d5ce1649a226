// What vouches for the records: signatures, checkpoints, statements and links between logs. Every way
// to tamper with them has its name.
import { describe, expect, it } from "vitest";
import { signCheckpoint } from "../../src/audit/checkpoint.ts";
import type { AuditLogInput } from "../../src/audit/input.ts";
import { checkpointName } from "../../src/audit/origin.ts";
import { MerkleTree } from "../../src/audit/tree.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { AuditWriter, type LogHead } from "../../src/audit/writer.ts";
import { concatBytes, toHex, utf8, utf8Text } from "../../src/bytes.ts";
import { bytesIn, callEvent, closedLog } from "../fixtures/audit.ts";
import { host, mallory, NOW_MS } from "../fixtures/trust.ts";
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
