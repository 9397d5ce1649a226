// Checkpoints of a log as they are read beside its records: cut ones, and such as change meanwhile.
import { describe, expect, it } from "vitest";
import type { AuditLogInput } from "../../src/audit/input.ts";
import { type AuditReport, verifyAuditLog } from "../../src/audit/verify.ts";
import { concatBytes, utf8, utf8Text } from "../../src/bytes.ts";
import { auditGuard, bytesIn, closedLog } from "../fixtures/audit.ts";

const guard = auditGuard();
const INPUT = closedLog(guard, 60).toInput();
const LINES = (utf8Text(bytesIn(INPUT.records)) ?? "").split(/(?<=\n)/);
const HISTORY = (utf8Text(bytesIn(INPUT.history)) ?? "").match(/(?:.*\n){5}/g) ?? [];

function verify(changes: Partial<AuditLogInput>): Promise<AuditReport> {
  return verifyAuditLog({ logs: [{ ...INPUT, ...changes }], roots: [guard.root] });
}

async function codeOf(changes: Partial<AuditLogInput>): Promise<string | undefined> {
  return (await verify(changes)).error?.code;
}

describe("verification", () => {
  it("takes what a crash left of a checkpoint, cut at any byte, for no tampering", async () => {
    const records = utf8(LINES.slice(0, -1).join(""));
    const last = utf8(HISTORY.at(-2) ?? "");
    const before = utf8(HISTORY.slice(0, -2).join(""));
    const latest = { checkpoint: utf8(HISTORY.at(-3) ?? "") };
    for (let size = 0; size <= last.length; size++) {
      const history = concatBytes(before, last.subarray(0, size));
      const { findings, checkpoints } = await verify({ records, history, ...latest });
      expect({ size, findings }).toEqual({ size, findings: [] });
      expect(checkpoints).toBe(HISTORY.length - (size === last.length ? 1 : 2));
    }
    const foreign = concatBytes(before, utf8("portcullis/other"));
    expect(await codeOf({ records, history: foreign, ...latest })).toBe("AUDIT_SIGNATURE");
    const more = concatBytes(before, utf8(`${"x".repeat(5000)}\n`), last);
    expect(await codeOf({ records, history: more, ...latest })).toBe("AUDIT_SIGNATURE");
  });

  it("takes checkpoints that are others the second time they are read for tampering", async () => {
    let reads = 0;
    const history = () => {
      reads += 1;
      return [utf8((reads === 1 ? HISTORY : HISTORY.toSpliced(1, 1)).join(""))];
    };
    expect(await codeOf({ history })).toBe("AUDIT_SEQUENCE");
  });
});
