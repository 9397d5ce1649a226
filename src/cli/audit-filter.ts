// Which records `audit show` and `audit export` are about.
import type { RecordFilter } from "../audit/scan.ts";
import { systemClock } from "../clock.ts";
import { quote } from "../errors.ts";
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec, OptionSpec } from "./command.ts";
import { durationSeconds } from "./duration.ts";

type FilterOption =
  | "kind"
  | "decision"
  | "server"
  | "tool"
  | "reason"
  | "session"
  | "since"
  | "until";

export const FILTER_OPTIONS: Readonly<Record<FilterOption, OptionSpec>> = {
  kind: { type: "string", value: "KIND", help: "call, list, result, consent, lease, reload ..." },
  decision: { type: "string", value: "D", help: "allow, deny, ask_user or dry_run" },
  server: { type: "string", value: "S", help: "server id" },
  tool: { type: "string", value: "T", help: "tool, prompt or URI" },
  reason: { type: "string", value: "R", help: "e.g. fingerprint_drift" },
  session: { type: "string", value: "HASH", help: "hash of a session, or its beginning" },
  since: { type: "string", value: "TIME", help: "RFC 3339, or 30s, 5m, 2h, 1d ago" },
  until: { type: "string", value: "TIME", help: "as --since" },
};

export const FILTER_USAGE: string =
  "[--decision D] [--server S] [--tool T] [--reason R]\n" +
  "         [--session HASH] [--kind KIND] [--since TIME] [--until TIME]";

const DECISIONS: readonly string[] = ["allow", "deny", "ask_user", "dry_run"];
const KINDS: readonly string[] = [
  ...["open", "list", "call", "result", "consent", "lease", "reload", "close"],
];
const INSTANT =
  /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
const AGO_SECONDS_MAX = 100 * 365 * 86_400;

/** @throws {GuardError} USAGE for a decision, a kind or a time that is none */
export function readFilter(spec: CommandSpec, args: Arguments): RecordFilter {
  return {
    kind: oneOf(spec, "kind", args.text("kind"), KINDS),
    decision: oneOf(spec, "decision", args.text("decision"), DECISIONS),
    server: args.text("server"),
    tool: args.text("tool"),
    reason: args.text("reason"),
    session: args.text("session"),
    sinceMs: readTime(spec, "since", args.text("since")),
    untilMs: readTime(spec, "until", args.text("until")),
  };
}

function oneOf(
  spec: CommandSpec,
  option: string,
  text: string | undefined,
  choices: readonly string[],
): string | undefined {
  if (text === undefined || choices.includes(text)) return text;
  throw usageFault(spec, `--${option} as one of ${choices.join(", ")}`, quote(text));
}

function readTime(spec: CommandSpec, option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!INSTANT.test(text)) {
    return systemClock() - durationSeconds(spec, option, text, AGO_SECONDS_MAX) * 1000;
  }
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw usageFault(spec, `--${option} as a time of RFC 3339`, quote(text));
}
