// The OpenTelemetry view of events (60-audit section 1), where a host has registered its API.
import type { AuditEvent, AuditSink } from "./event.ts";
import { spanAttributes, spanName } from "./span.ts";

/** The part of an OpenTelemetry tracer that is used; `@opentelemetry/api` gives one. */
export interface OtelTracer {
  startSpan(
    name: string,
    options: {
      readonly kind?: number;
      readonly startTime?: number;
      readonly attributes?: Readonly<Record<string, string | number>>;
    },
  ): OtelSpan;
}

export interface OtelSpan {
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  end(endTime?: number): void;
}

const TRACER_NAME = "portcullis";
/** Where `@opentelemetry/api` 1.x keeps what the process registered. */
const API_KEY = "opentelemetry.js.api.1";
const SPAN_KIND_INTERNAL = 0;
const STATUS_ERROR = 2;

/**
 * The tracer of this process, when some part of it registered OpenTelemetry; looked up without
 * importing anything, so it works in every host.
 */
export function findTracer(): OtelTracer | undefined {
  const api: unknown = Reflect.get(globalThis, Symbol.for(API_KEY));
  const provider = methodHolder(api, "trace");
  if (provider === undefined) return undefined;
  const getTracer: unknown = Reflect.get(provider, "getTracer");
  if (typeof getTracer !== "function") return undefined;
  const tracer: unknown = Reflect.apply(getTracer, provider, [TRACER_NAME]);
  return isTracer(tracer) ? tracer : undefined;
}

/**
 * Passes every event on, and shows what was kept as a span.
 *
 * A tracer that throws changes nothing: the log is what counts.
 */
export class OtelAuditSink implements AuditSink {
  readonly #inner: AuditSink;
  readonly #tracer: OtelTracer;

  constructor(inner: AuditSink, tracer: OtelTracer) {
    this.#inner = inner;
    this.#tracer = tracer;
  }

  get isAvailable(): boolean {
    return this.#inner.isAvailable;
  }

  append(event: AuditEvent): boolean {
    const isKept = this.#inner.append(event);
    if (isKept) this.#show(event);
    return isKept;
  }

  flush(): void | Promise<void> {
    return this.#inner.flush();
  }

  close(): void | Promise<void> {
    return this.#inner.close();
  }

  #show(event: AuditEvent): void {
    const { kind, server, tool, decision, reason, sessionHash, timeMs } = event;
    try {
      const facts = { kind, server, tool, decision, reason, session: sessionHash };
      const span = this.#tracer.startSpan(spanName(facts), {
        kind: SPAN_KIND_INTERNAL,
        startTime: timeMs,
        attributes: Object.fromEntries(spanAttributes(facts)),
      });
      if (decision !== "allow") span.setStatus({ code: STATUS_ERROR, message: reason });
      span.end(timeMs);
    } catch {
      // somebody else's tracer
    }
  }
}

/** `sink`, shown to OpenTelemetry when that is present; once, however often it is asked for. */
export function withOtel(sink: AuditSink): AuditSink {
  if (sink instanceof OtelAuditSink) return sink;
  const tracer = findTracer();
  return tracer === undefined ? sink : new OtelAuditSink(sink, tracer);
}

function methodHolder(holder: unknown, name: string): object | undefined {
  if (typeof holder !== "object" || holder === null) return undefined;
  const member: unknown = Reflect.get(holder, name);
  return typeof member === "object" && member !== null ? member : undefined;
}

function isTracer(value: unknown): value is OtelTracer {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof Reflect.get(value, "startSpan") === "function"
  );
}
