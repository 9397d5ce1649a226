// Records as `audit show` tells them: a row each, or counted by attack class.
import { type AuditRecord, textOf } from "../audit/record.ts";
import { ATTACK_CLASSES } from "../verdict.ts";
import { principalText } from "./lease.ts";
import { shortId } from "./state-db.ts";
import { columns, type Style, visible } from "./style.ts";

/** A record with the log it is in. */
export interface ShownRecord {
  readonly origin: string;
  readonly record: AuditRecord;
}

const HEADINGS = [
  "time",
  "kind",
  "decision",
  "reason",
  "server",
  "tool",
  "principal",
  "session",
  "record",
];

/** A record in `--json`. */
export function recordJson({ origin, record }: ShownRecord): Readonly<Record<string, unknown>> {
  const { value, seq, timeMs, kind } = record;
  const reason = textOf(value, "reason");
  const attackClass = ATTACK_CLASSES.get(reason ?? "");
  return {
    ...{ origin, seq, time: timeOf(timeMs), kind, decision: record.decision, reason },
    ...{ server: textOf(value, "server"), tool: textOf(value, "tool") },
    ...{ principal: textOf(value, "principal"), session: textOf(value, "sess") },
    ...(attackClass === undefined ? {} : { attackClass }),
  };
}

/** A table of records, headings first. */
export function recordTable(records: readonly ShownRecord[], style: Style): readonly string[] {
  const rows = records.map((one) => recordRow(one, style));
  return columns([HEADINGS.map(style.bold), ...rows]);
}

/** The cells of one record, without hidden characters. */
export function recordRow({ origin, record }: ShownRecord, style: Style): readonly string[] {
  const { value, decision, kind, seq, timeMs } = record;
  const text = (name: string): string => visible(textOf(value, name) ?? "");
  const isAllowed = decision === undefined || decision === "allow";
  return [
    timeOf(timeMs),
    kind,
    isAllowed ? (decision ?? "") : style.red(decision),
    text("reason"),
    text("server"),
    text("tool"),
    principalText(text("principal")),
    shortId(text("sess")),
    style.dim(`${visible(origin)}#${seq}`),
  ];
}

/** Counts of what passed a filter. */
export class RecordSummary {
  #total = 0;
  readonly #decisions = new Map<string, number>();
  readonly #reasons = new Map<string, { count: number; lastMs: number; servers: Set<string> }>();

  add({ record }: ShownRecord): void {
    const { value, decision, timeMs } = record;
    this.#total += 1;
    if (decision === undefined) return;
    this.#decisions.set(decision, (this.#decisions.get(decision) ?? 0) + 1);
    if (decision === "allow") return;
    const reason = textOf(value, "reason") ?? "";
    const known = this.#reasons.get(reason) ?? { count: 0, lastMs: 0, servers: new Set<string>() };
    known.count += 1;
    known.lastMs = Math.max(known.lastMs, timeMs);
    known.servers.add(textOf(value, "server") ?? "");
    this.#reasons.set(reason, known);
  }

  json(): Readonly<Record<string, unknown>> {
    return {
      records: this.#total,
      decisions: Object.fromEntries(this.#decisions),
      attacks: this.#classes().map(({ name, reason, count, lastMs, servers }) => ({
        class: name,
        ...{ reason, count, last: count === 0 ? null : timeOf(lastMs), servers },
      })),
    };
  }

  lines(style: Style): readonly string[] {
    const decided = [...this.#decisions].map(([decision, count]) => `${decision} ${count}`);
    const rows = this.#classes().map(({ name, reason, count, lastMs, servers }) => [
      name,
      visible(reason),
      count === 0 ? style.dim("0") : style.red(String(count)),
      count === 0 ? style.dim("never") : timeOf(lastMs),
      servers.map(visible).join(", "),
    ]);
    const head = ["attack class", "reason", "refused", "last", "servers"].map(style.bold);
    return [
      `${this.#total} records: ${decided.join(", ") || "no decisions"}`,
      ...columns([head, ...rows]),
    ];
  }

  /** The four attack classes, refused or not, then every other reason that was given. */
  #classes(): readonly {
    name: string;
    reason: string;
    count: number;
    lastMs: number;
    servers: readonly string[];
  }[] {
    const others = [...this.#reasons.keys()].filter((reason) => !ATTACK_CLASSES.has(reason)).sort();
    return [...ATTACK_CLASSES.keys(), ...others].map((reason) => {
      const found = this.#reasons.get(reason);
      return {
        name: ATTACK_CLASSES.get(reason) ?? "other",
        reason,
        count: found?.count ?? 0,
        lastMs: found?.lastMs ?? 0,
        servers: [...(found?.servers ?? [])].sort(),
      };
    });
  }
}

function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
