// `portcullis audit show`: the records of all logs in one table, counted, or as they are written.
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { readRecord } from "../audit/record.ts";
import { passesFilter, type RecordFilter, scanLog } from "../audit/scan.ts";
import { quote } from "../errors.ts";
import { usageFault } from "./arguments.ts";
import { FILTER_OPTIONS, FILTER_USAGE, readFilter } from "./audit-filter.ts";
import { FollowedFolder } from "./audit-follow.ts";
import { auditFolder, LOGS_OPTIONS, openAuditHome } from "./audit-home.ts";
import {
  RecordSummary,
  recordJson,
  recordRow,
  recordTable,
  type ShownRecord,
} from "./audit-rows.ts";
import type { Arguments, CommandResult, CommandSpec, Io, MixedCommand } from "./command.ts";
import { assertHomeExists, DIR_OPTION, guardHome } from "./home.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000_000;
const POLL_MS = 250;

const spec: CommandSpec = {
  name: "audit show",
  summary: "what was decided: a table, a summary, or as it happens",
  usage: `${FILTER_USAGE}\n         [--limit N] [--summary | --follow] [--origin ORIGIN] [--logs FOLDER] [--dir DIR]`,
  options: {
    ...FILTER_OPTIONS,
    limit: { type: "string", value: "N", help: `the latest N records; default ${LIMIT_DEFAULT}` },
    summary: { type: "boolean", help: "count them by attack class instead" },
    follow: { type: "boolean", help: "go on with records as they are written, until interrupted" },
    ...LOGS_OPTIONS,
    ...DIR_OPTION,
  },
  notes: [
    "Shows what the files hold; only `audit verify` says whether that is what was written. With\n" +
      "--follow and --json every record is one JSON line.",
  ],
  examples: [
    "portcullis audit show --decision deny --since 1d",
    "portcullis audit show --summary",
    "portcullis audit show --follow --server filesystem",
  ],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const filter = readFilter(spec, args);
  const limit = readLimit(args.text("limit"));
  const { logs } = openAuditHome(args, io);
  const summary = new RecordSummary();
  let latest: ShownRecord[] = [];
  let total = 0;
  for (const log of logs) {
    for await (const { origin, record } of scanLog(log, filter)) {
      summary.add({ origin, record });
      latest.push({ origin, record });
      total += 1;
      // WHY: twice the limit, so that sorting a large log costs little
      if (latest.length >= 2 * limit) latest = newest(latest, limit);
    }
  }
  if (args.flag("summary")) {
    return { exitCode: 0, json: summary.json(), text: summary.lines(io.style).join("\n") };
  }
  const shown = newest(latest, limit);
  const left =
    total > shown.length ? [io.style.dim(`${total - shown.length} older ones not shown`)] : [];
  return {
    exitCode: 0,
    json: { total, records: shown.map(recordJson) },
    text: shown.length === 0 ? "no records" : [...left, ...recordTable(shown, io.style)].join("\n"),
  };
}

/** The last `limit` records by time, and by their place in the log where that is equal. */
function newest(records: readonly ShownRecord[], limit: number): ShownRecord[] {
  const sorted = records.toSorted(
    (a, b) =>
      a.record.timeMs - b.record.timeMs ||
      (a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : a.record.seq - b.record.seq),
  );
  return sorted.slice(-limit);
}

async function stream(args: Arguments, io: Io): Promise<number> {
  const filter = readFilter(spec, args);
  const limit = readLimit(args.text("limit"));
  if (args.flag("summary")) throw usageFault(spec, "--summary or --follow", "both");
  assertHomeExists(guardHome(args, io));
  const folder = new FollowedFolder(auditFolder(args, io));
  const origin = args.text("origin");
  const write = (shown: ShownRecord): void => {
    const line = args.flag("json")
      ? JSON.stringify(recordJson(shown))
      : recordRow(shown, io.style).join("  ");
    process.stdout.write(`${line}\n`);
  };
  let isEnded = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      isEnded = true;
    });
  }
  process.stdout.once("error", () => {
    isEnded = true;
  });
  for (const shown of newest(taken(folder, filter, origin), limit)) write(shown);
  while (!isEnded) {
    await sleep(POLL_MS);
    for (const shown of taken(folder, filter, origin)) write(shown);
  }
  return 0;
}

/** What was appended since the last look, and passes. */
function taken(
  folder: FollowedFolder,
  filter: RecordFilter,
  only: string | undefined,
): readonly ShownRecord[] {
  const shown: ShownRecord[] = [];
  for (const { origin, bytes } of folder.next()) {
    if (only !== undefined && origin !== only) continue;
    const record = readRecord(bytes);
    if (record !== undefined && passesFilter(record, filter)) shown.push({ origin, record });
  }
  return shown;
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = Number(text);
  if (/^[1-9]\d{0,6}$/.test(text) && limit <= LIMIT_MAX) return limit;
  throw usageFault(spec, `--limit from 1 to ${LIMIT_MAX}`, quote(text));
}

export const auditShowCommand: MixedCommand = {
  spec,
  run,
  stream,
  streams: (args) => args.flag("follow"),
};
