// Records as OTLP/JSON (opentelemetry-proto, JSON mapping of trace.v1): one span each.
import { toHex } from "../bytes.ts";
import { type AuditRecord, textOf } from "./record.ts";
import { type SpanFacts, spanAttributes, spanName } from "./span.ts";

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
const KIND_INTERNAL = 1;
const STATUS_ERROR = 2;
const STATUS_UNSET = 0;

/** One span of a TracesData document. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly object[];
  readonly status: object;
}

/**
 * The span of a record; `undefined` for the log's own records.
 *
 * @param leaf of the record: its span id, and its trace where the caller gave none, are taken from it
 */
export function otlpSpan(record: AuditRecord, leaf: Uint8Array): OtlpSpan | undefined {
  const { value, decision, kind, timeMs, seq } = record;
  if (decision === undefined) return undefined;
  const facts: SpanFacts = {
    ...{ kind, decision, tool: textOf(value, "tool") },
    server: textOf(value, "server") ?? "",
    reason: textOf(value, "reason") ?? "",
    session: textOf(value, "sess") ?? "",
  };
  const [, traceId, parentSpanId] = TRACEPARENT.exec(textOf(value, "trace") ?? "") ?? [];
  const digest = toHex(leaf);
  const time = `${timeMs}000000`;
  const attributes: readonly (readonly [string, string])[] = [
    ...spanAttributes(facts),
    ["portcullis.seq", String(seq)],
    ["portcullis.leaf", digest],
    ["portcullis.catalog", record.catalogSha256],
  ];
  return {
    traceId: traceId ?? digest.slice(0, 32),
    spanId: digest.slice(32, 48),
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name: spanName(facts),
    kind: KIND_INTERNAL,
    startTimeUnixNano: time,
    endTimeUnixNano: time,
    attributes: attributes.map(([key, text]) => ({ key, value: { stringValue: text } })),
    status:
      decision === "allow" ? { code: STATUS_UNSET } : { code: STATUS_ERROR, message: facts.reason },
  };
}

/** A TracesData document around spans that are written as they come. */
export function otlpDocument(origin: string): { readonly head: string; readonly tail: string } {
  const resource = {
    attributes: [
      { key: "service.name", value: { stringValue: "portcullis" } },
      { key: "service.instance.id", value: { stringValue: origin } },
    ],
  };
  return {
    head: `{"resource":${JSON.stringify(resource)},"scopeSpans":[{"scope":{"name":"portcullis"},"spans":[`,
    tail: "]}]}",
  };
}
