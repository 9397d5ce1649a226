// Logs without files, and the view of OpenTelemetry.
import { afterEach, describe, expect, it } from "vitest";
import {
  type AuditBatch,
  CallbackAuditLog,
  type CallbackLogOptions,
} from "../../src/audit/callback-log.ts";
import type { AuditEvent } from "../../src/audit/event.ts";
import type { AuditLogInput } from "../../src/audit/input.ts";
import { CALLBACK_RECORDS, MEMORY_RECORDS } from "../../src/audit/limits.ts";
import { findTracer, OtelAuditSink, type OtelTracer, withOtel } from "../../src/audit/otel.ts";
import { replay } from "../../src/audit/replay.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { concatBytes, utf8 } from "../../src/bytes.ts";
import { auditGuard, callEvent, listEvent, memoryLog } from "../fixtures/audit.ts";
import { expectCode, host, NOW_MS } from "../fixtures/trust.ts";

const guard = auditGuard();
const refusal = callEvent(guard, "smuggled", { fields: { live: undefined } });

function callbackLog(changes: Partial<CallbackLogOptions> = {}): {
  log: CallbackAuditLog;
  batches: AuditBatch[];
} {
  const batches: AuditBatch[] = [];
  const log = new CallbackAuditLog({
    process: { host: "edge", pid: 0, startMs: NOW_MS },
    evidence: guard.evidence,
    auditKey: host,
    clock: () => NOW_MS,
    onBatch: (batch) => void batches.push(batch),
    ...changes,
  });
  return { log, batches };
}

/** What a host has when it appended every batch. */
function joined(batches: readonly AuditBatch[]): AuditLogInput {
  const checkpoints = batches.flatMap((batch) => batch.checkpoints);
  return {
    origin: batches[0]?.origin ?? "",
    records: concatBytes(...batches.flatMap(({ records }) => records)),
    statements: utf8(batches.flatMap(({ statements }) => statements).join("")),
    history: utf8(checkpoints.join("")),
    checkpoint: utf8(checkpoints.at(-1) ?? ""),
  };
}

describe("a callback log", () => {
  it("hands over batches that make a log which verifies and replays", async () => {
    const { log, batches } = callbackLog();
    log.append(listEvent());
    for (let round = 0; round < 5; round++) {
      for (let index = 0; index < 30; index++) log.append(callEvent(guard, "read"));
      log.append(refusal);
      await log.flush();
    }
    await log.close();
    expect(batches.length).toBeGreaterThan(4);
    expect(log.append(listEvent())).toBe(false);
    const objects = new Map(batches.flatMap((batch) => [...batch.objects]));
    expect(objects).toEqual(new Map(guard.evidence.objects));
    expect(batches.slice(1).every((batch) => batch.objects.size === 0)).toBe(true);
    const report = await replay({ logs: [joined(batches)], roots: [guard.root], objects });
    expect(report).toMatchObject({ ok: true, records: 158, refusals: 5, frames: 155 });
  });

  it("hands over by itself after a refusal", async () => {
    const { log, batches } = callbackLog();
    log.append(refusal);
    await expect
      .poll(() => batches.flatMap(({ statements }) => statements), { timeout: 20_000 })
      .toHaveLength(1);
    await log.close();
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no network");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no network"))],
  ])("a host that %s keeps nothing, loses nothing, and makes it unavailable", async (_, fail) => {
    const kept: AuditBatch[] = [];
    let isDown = true;
    const { log } = callbackLog({ onBatch: (batch) => (isDown ? fail() : void kept.push(batch)) });
    expect(log.append(listEvent())).toBe(true);
    await log.flush();
    expect(log.isAvailable).toBe(false);
    expect(log.append(callEvent(guard, "read"))).toBe(true);
    await log.flush();
    expect(kept).toEqual([]);
    isDown = false;
    await log.flush();
    expect(log.isAvailable).toBe(true);
    await log.close();
    const report = await verifyAuditLog({ logs: [joined(kept)], roots: [guard.root] });
    expect(report).toMatchObject({ ok: true, records: 4 });
  });

  it(`accepts ${CALLBACK_RECORDS} records that wait for the host, and no more`, async () => {
    const { log, batches } = callbackLog();
    for (let index = 1; index < CALLBACK_RECORDS; index++)
      expect(log.append(listEvent([]))).toBe(true);
    expect(log.isAvailable).toBe(false);
    expect(log.append(listEvent([]))).toBe(false);
    await log.flush();
    expect(log.append(listEvent([]))).toBe(true);
    await log.close();
    const report = await verifyAuditLog({ logs: [joined(batches)], roots: [guard.root] });
    expect(report.logs[0]).toMatchObject({ records: CALLBACK_RECORDS + 2, lost: 1 });
    expectCode(() => callbackLog({ recordCountMax: 0 }), "AUDIT_UNWRITABLE");
  });
});

describe("a memory log", () => {
  it(`holds ${MEMORY_RECORDS} records, and refuses the next`, () => {
    const log = memoryLog(guard);
    const event = listEvent([]);
    for (let index = 1; index < MEMORY_RECORDS; index++) {
      if (!log.append(event)) expect.fail(`refused record ${index}`);
    }
    expect(log.isAvailable).toBe(false);
    expect(log.append(event)).toBe(false);
    log.close();
    expectCode(() => memoryLog(guard, { recordCountMax: 0 }), "AUDIT_UNWRITABLE");
  });

  it("an event that is none is not written, and throws nothing", () => {
    const log = memoryLog(guard);
    const event: AuditEvent = JSON.parse('{"kind":"call","items":[1],"tool":5}');
    expect(log.append(event)).toBe(false);
    expect(log.isAvailable).toBe(false);
    expect(log.append(refusal)).toBe(true);
    expect(log.isAvailable).toBe(true);
    log.close();
  });

  it("a flood of refusals is signed, each one, in bounded memory", async () => {
    const log = memoryLog(guard);
    for (let index = 0; index < 3000; index++) log.append(refusal);
    log.close();
    const report = await verifyAuditLog({ logs: [log.toInput()], roots: [guard.root] });
    expect(report).toMatchObject({ ok: true, refusals: 3000 });
  });
});

interface ShownSpan {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>> | undefined;
  readonly times: (number | undefined)[];
  readonly status: { readonly code: number; readonly message?: string }[];
}

function tracer(): { spans: ShownSpan[]; tracer: OtelTracer } {
  const spans: ShownSpan[] = [];
  return {
    spans,
    tracer: {
      startSpan: (name, { attributes, startTime }) => {
        const span: ShownSpan = { name, attributes, times: [startTime], status: [] };
        spans.push(span);
        return {
          setStatus: (status) => span.status.push(status),
          end: (time) => void span.times.push(time),
        };
      },
    },
  };
}

const API = Symbol.for("opentelemetry.js.api.1");

describe("OpenTelemetry", () => {
  afterEach(() => void Reflect.deleteProperty(globalThis, API));

  it("shows a refusal as a span with its reason as error.type", () => {
    const { spans, tracer: given } = tracer();
    const sink = new OtelAuditSink(memoryLog(guard), given);
    expect(sink.append(refusal)).toBe(true);
    expect(sink.append(callEvent(guard, "read"))).toBe(true);
    expect(spans[0]).toEqual({
      name: "tools/call smuggled",
      attributes: {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": "smuggled",
        "mcp.session.id": refusal.sessionHash,
        "portcullis.kind": "call",
        "portcullis.server": "files",
        "portcullis.decision": "deny",
        "portcullis.reason": "tool_smuggle",
        "error.type": "tool_smuggle",
      },
      times: [NOW_MS, NOW_MS],
      status: [{ code: 2, message: "tool_smuggle" }],
    });
    expect(spans[1]?.attributes).not.toHaveProperty("error.type");
    expect(spans[1]?.status).toEqual([]);
    void sink.flush();
    void sink.close();
    expect(sink.isAvailable).toBe(false);
  });

  it("shows nothing that was not kept, and a tracer that throws changes nothing", () => {
    const { spans, tracer: given } = tracer();
    const full = new OtelAuditSink(memoryLog(guard, { recordCountMax: 1 }), given);
    expect(full.append(refusal)).toBe(false);
    expect(spans).toEqual([]);
    const broken: OtelTracer = {
      startSpan: () => {
        throw new Error("broken");
      },
    };
    expect(new OtelAuditSink(memoryLog(guard), broken).append(refusal)).toBe(true);
  });

  it("is found where a process registered it, and nowhere else", () => {
    const log = memoryLog(guard);
    expect(findTracer()).toBeUndefined();
    expect(withOtel(log)).toBe(log);
    const { spans, tracer: given } = tracer();
    for (const api of [1, {}, { trace: {} }, { trace: { getTracer: () => null } }]) {
      Reflect.set(globalThis, API, api);
      expect(findTracer()).toBeUndefined();
    }
    Reflect.set(globalThis, API, {
      trace: { getTracer: (name: string) => (name === "portcullis" ? given : null) },
    });
    withOtel(log).append(refusal);
    expect(spans).toHaveLength(1);
  });
});
