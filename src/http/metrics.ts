// Counters in the Prometheus text format (version 0.0.4). No principal, no name of a tool and nothing
// that a client has sent is a label: what is counted is bounded.

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Family {
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly values: Map<string, number>;
}

export type MetricName =
  | "portcullis_http_requests_total"
  | "portcullis_decisions_total"
  | "portcullis_dropped_total"
  | "portcullis_listings_total"
  | "portcullis_faults_total"
  | "portcullis_sessions"
  | "portcullis_lanes"
  | "portcullis_streams"
  | "portcullis_catalog_version"
  | "portcullis_catalog_expires_seconds";

const FAMILIES: Readonly<Record<MetricName, readonly ["counter" | "gauge", string]>> = {
  portcullis_http_requests_total: ["counter", "HTTP requests, by status."],
  portcullis_decisions_total: ["counter", "Requests that were decided, by outcome and reason."],
  portcullis_dropped_total: ["counter", "Messages that went nowhere, by sender and reason."],
  portcullis_listings_total: ["counter", "Listings of the guard itself, by what came of them."],
  portcullis_faults_total: ["counter", "Connections that a fault of the guard has ended."],
  portcullis_sessions: ["gauge", "Sessions of the legacy era that are open."],
  portcullis_lanes: ["gauge", "Connections for requests of the modern era."],
  portcullis_streams: ["gauge", "Streams of events that are open to clients."],
  portcullis_catalog_version: ["gauge", "Version of the catalog in force."],
  portcullis_catalog_expires_seconds: ["gauge", "When the catalog in force expires."],
};

/** Counts for one handler. */
export class Metrics {
  readonly #families: ReadonlyMap<string, Family>;

  constructor() {
    this.#families = new Map(
      Object.entries(FAMILIES).map(([name, [type, help]]) => [
        name,
        { type, help, values: new Map<string, number>() },
      ]),
    );
  }

  /** Counts one more. */
  count(name: MetricName, labels: Readonly<Record<string, string>> = {}): void {
    const values = this.#families.get(name)?.values;
    const key = labelText(labels);
    values?.set(key, (values.get(key) ?? 0) + 1);
  }

  set(name: MetricName, value: number): void {
    this.#families.get(name)?.values.set("", value);
  }

  text(): string {
    const lines: string[] = [];
    for (const [name, { help, type, values }] of this.#families) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`));
    return `${name}="${escaped}"`;
  });
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}
