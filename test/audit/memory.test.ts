import { describe, expect, it } from "vitest";
import { MemoryAuditLog } from "../../src/audit/memory-log.ts";
import { replay } from "../../src/audit/replay.ts";
import { host, NOW_MS } from "../fixtures/trust.ts";
import { auditGuard, callEvent, listEvent } from "../fixtures/audit.ts";

describe("x", () => {
  it("y", async () => {
    const guard = auditGuard();
    const log = new MemoryAuditLog({
      process: { host: "h_1", pid: 5, startMs: NOW_MS },
      evidence: guard.evidence,
      auditKey: host,
      clock: () => NOW_MS,
    });
    expect(log.append(listEvent())).toBe(true);
    for (let i = 0; i < 200; i++)
      log.append(callEvent(guard, i % 3 === 0 ? "smuggled" : i % 2 ? "read" : "write"));
    log.close();
    const input = log.toInput();
    const report = await replay({ logs: [input], roots: [guard.root], objects: log.objects });
    console.log(report, Buffer.from(input.checkpoint ?? "").toString());
  });
});
