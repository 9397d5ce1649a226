// The OpenTelemetry view with the real API and the real SDK: what an exporter is given.
import { SpanStatusCode, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findTracer, withOtel } from "../../src/audit/otel.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { MCPGateway } from "../../src/guard/gateway.ts";
import { auditGuard, callEvent, memoryLog } from "../fixtures/audit.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { ALICE, openGatewayCatalog, TOOLS } from "../guard/gateway-fixture.ts";

const guard = auditGuard();
const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

beforeEach(() => {
  exporter.reset();
  expect(trace.setGlobalTracerProvider(provider)).toBe(true);
});
afterEach(() => trace.disable());

describe("OpenTelemetry's own SDK", () => {
  it("exports a span for every decision, refusals as errors, and keeps the log as it is", async () => {
    const log = memoryLog(guard);
    const sink = withOtel(log);
    expect(sink).not.toBe(log);
    const times = [NOW_MS, NOW_MS + 1500];
    sink.append(callEvent(guard, "read", { timeMs: times[0] ?? 0 }));
    const refusal = { timeMs: times[1] ?? 0, fields: { live: undefined } };
    sink.append(callEvent(guard, "smuggled", refusal));
    await sink.close();
    const [allowed, refused, ...others] = exporter.getFinishedSpans();
    expect(others).toEqual([]);
    expect(allowed?.name).toBe("tools/call read");
    expect(allowed?.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(allowed?.attributes).toMatchObject({
      "mcp.method.name": "tools/call",
      "gen_ai.tool.name": "read",
      "portcullis.decision": "allow",
      "portcullis.reason": "allowed",
    });
    expect(allowed?.attributes).not.toHaveProperty("error.type");
    expect(refused?.name).toBe("tools/call smuggled");
    expect(refused?.status).toEqual({ code: SpanStatusCode.ERROR, message: "tool_smuggle" });
    expect(refused?.attributes).toMatchObject({
      "portcullis.decision": "deny",
      "error.type": "tool_smuggle",
    });
    expect(refused?.startTime).toEqual([(NOW_MS + 1500) / 1000 - 0.5, 500_000_000]);
    expect(refused?.instrumentationScope.name).toBe("portcullis");
    const report = await verifyAuditLog({ logs: [log.toInput()], roots: [guard.root] });
    expect(report).toMatchObject({ ok: true, records: 4, refusals: 1 });
  });

  it("sees what a gateway decides, without arguments", async () => {
    const clock = () => NOW_MS;
    const audit = memoryLog(guard);
    const gateway = new MCPGateway({ catalog: await openGatewayCatalog(), audit, clock });
    expect(gateway.audit).toBe(audit);
    const request = { identity: ALICE, serverId: "files", args: { path: "/secret" } };
    gateway.evaluate({ ...request, tool: TOOLS.read });
    gateway.evaluate({ ...request, tool: "smuggled" });
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name }) => name)).toEqual([
      "tools/list",
      "tools/call read",
      "tools/call smuggled",
    ]);
    expect(spans.at(-1)?.attributes["error.type"]).toBe("tool_smuggle");
    const twice = withOtel(audit);
    expect(withOtel(twice)).toBe(twice);
    expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toContain("/secret");
  });

  it("a process that registers no provider gets no spans, though the API is loaded", () => {
    trace.disable();
    expect(findTracer()).toBeUndefined();
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});
