// A record or an event as a span: names of OpenTelemetry's semantic conventions where it has them.

/** What a span tells of an event. */
export interface SpanFacts {
  readonly kind: string;
  readonly server: string;
  readonly tool: string | undefined;
  readonly decision: string;
  readonly reason: string;
  readonly session: string;
}

/** MCP method by kind; others are the guard's own. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ["call", "tools/call"],
  ["result", "tools/call"],
  ["list", "tools/list"],
  ["consent", "elicitation/create"],
]);

export function spanName({ kind, tool }: SpanFacts): string {
  const method = METHODS.get(kind) ?? `portcullis ${kind}`;
  return tool === undefined ? method : `${method} ${tool}`;
}

/** Attributes in a fixed order; `error.type` is the reason of a refusal. */
export function spanAttributes(facts: SpanFacts): readonly (readonly [string, string])[] {
  const { kind, server, tool, decision, reason, session } = facts;
  const method = METHODS.get(kind);
  return [
    ...(method === undefined ? [] : [["mcp.method.name", method] as const]),
    ...(tool === undefined ? [] : [["gen_ai.tool.name", tool] as const]),
    ["mcp.session.id", session],
    ["portcullis.kind", kind],
    ["portcullis.server", server],
    ["portcullis.decision", decision],
    ["portcullis.reason", reason],
    ...(decision === "allow" ? [] : [["error.type", reason] as const]),
  ];
}
