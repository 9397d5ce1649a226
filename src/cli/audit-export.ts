// `portcullis audit export`: verified records in the forms that other systems read.
import { createWriteStream } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { AepExport } from "../audit/aep-export.ts";
import type { AuditLogInput } from "../audit/input.ts";
import { otlpDocument, otlpSpan } from "../audit/otlp.ts";
import { type RecordFilter, scanLog } from "../audit/scan.ts";
import { verifyAuditLog } from "../audit/verify.ts";
import { toHex, utf8Text } from "../bytes.ts";
import { quote } from "../errors.ts";
import { leafHash } from "../kernel/merkle.ts";
import { canonicalize } from "../kernel/strict-json.ts";
import type { PrivateKey } from "../sign/keys.ts";
import { requiredText, usageFault } from "./arguments.ts";
import { FILTER_OPTIONS, FILTER_USAGE, readFilter } from "./audit-filter.ts";
import { type AuditHome, LOGS_OPTIONS, openAuditHome, verifyOptions } from "./audit-home.ts";
import { reportJson, reportLines } from "./audit-report.ts";
import type { Arguments, CommandResult, CommandSpec, Io, MixedCommand } from "./command.ts";
import { assertAbsent, ioFault, MODE_PRIVATE_FILE } from "./files.ts";
import { DIR_OPTION } from "./home.ts";
import { loadPrivateKey } from "./private-key.ts";

const FORMATS = ["jsonl", "otel", "aep"] as const;
type Format = (typeof FORMATS)[number];

const spec: CommandSpec = {
  name: "audit export",
  summary: "the audit logs as JSON Lines, OpenTelemetry spans or AEP records",
  usage: `--format jsonl|otel|aep [--out FILE] [--key FILE] ${FILTER_USAGE}\n         [--origin ORIGIN] [--logs FOLDER] [--dir DIR]`,
  options: {
    format: { type: "string", value: "FORMAT", help: "jsonl, otel (OTLP/JSON) or aep (aep/v0.3)" },
    out: { type: "string", value: "FILE", help: "a new file; default: standard output" },
    key: { type: "string", value: "FILE", help: "signs AEP records; default: keys/audit.pem" },
    ...FILTER_OPTIONS,
    ...LOGS_OPTIONS,
    ...DIR_OPTION,
  },
  notes: [
    "Verifies first, and exports nothing of logs that do not verify (exit 1). jsonl: the records as\n" +
      "they are. otel: one TracesData document. aep: one signed record a line for each session.",
    "With --json the result is told on standard output, so the export needs --out.",
  ],
  examples: [
    "portcullis audit export --format jsonl --decision deny",
    "portcullis audit export --format otel --out spans.json",
  ],
};

/** Takes pieces of the export; resolves when it is ready for the next. */
type Write = (text: string) => Promise<void>;

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const out = args.text("out");
  if (out === undefined) throw usageFault(spec, "--out FILE beside --json", "none");
  const file = resolve(io.cwd, out);
  const job = await prepare(args, io);
  if (!job.report.ok) return failed(job, io);
  assertAbsent(file);
  const stream = createWriteStream(file, { flags: "wx", mode: MODE_PRIVATE_FILE });
  let fault: unknown;
  stream.on("error", (cause) => {
    fault = cause;
  });
  const records = await write(job, writerOf(stream));
  await new Promise<void>((done) => stream.end(() => done()));
  if (fault !== undefined) throw ioFault("expected to write the file", file, fault);
  return {
    exitCode: 0,
    json: { file, format: job.format, records },
    text: `${records} records exported to ${file}`,
  };
}

async function stream(args: Arguments, io: Io): Promise<number> {
  const job = await prepare(args, io);
  if (!job.report.ok) {
    for (const line of reportLines(job.report, io.style)) io.note(line);
    return 1;
  }
  await write(job, writerOf(process.stdout));
  return 0;
}

interface Job {
  readonly format: Format;
  readonly filter: RecordFilter;
  readonly home: AuditHome;
  readonly report: Awaited<ReturnType<typeof verifyAuditLog>>;
  /** Only for AEP. */
  readonly key: PrivateKey | undefined;
}

async function prepare(args: Arguments, io: Io): Promise<Job> {
  const text = requiredText(spec, args, "format");
  const format = FORMATS.find((one) => one === text);
  if (format === undefined) throw usageFault(spec, "--format jsonl, otel or aep", quote(text));
  const filter = readFilter(spec, args);
  const home = openAuditHome(args, io);
  const typed = args.text("key");
  const keyFile =
    typed === undefined ? join(home.path, "keys", "audit.pem") : resolve(io.cwd, typed);
  const key = format === "aep" ? await loadPrivateKey(io, keyFile) : undefined;
  const report = await verifyAuditLog(verifyOptions(spec, args, io, home));
  io.status("");
  return { format, filter, home, report, key };
}

function failed(job: Job, io: Io): CommandResult {
  return {
    exitCode: 1,
    json: reportJson(job.report),
    text: [...reportLines(job.report, io.style), io.style.red("nothing was exported")].join("\n"),
  };
}

/** Writes the export; resolves to how many records it holds. */
async function write({ format, filter, home, key }: Job, out: Write): Promise<number> {
  let count = 0;
  if (format === "otel") await out('{"resourceSpans":[');
  for (const [index, log] of home.logs.entries()) {
    if (format === "jsonl") count += await writeLines(log, filter, out);
    if (format === "otel") count += await writeSpans(log, filter, index > 0, out);
    if (format === "aep" && key !== undefined) count += await writeAep(log, filter, key, out);
  }
  if (format === "otel") await out("]}\n");
  return count;
}

async function writeLines(log: AuditLogInput, filter: RecordFilter, out: Write): Promise<number> {
  let count = 0;
  for await (const { line } of scanLog(log, filter)) {
    await out(`${utf8Text(line) ?? ""}\n`);
    count += 1;
  }
  return count;
}

async function writeSpans(
  log: AuditLogInput,
  filter: RecordFilter,
  isNext: boolean,
  out: Write,
): Promise<number> {
  const { head, tail } = otlpDocument(log.origin);
  await out(`${isNext ? "," : ""}${head}`);
  let count = 0;
  for await (const { record, line } of scanLog(log, filter)) {
    const span = otlpSpan(record, leafHash(line));
    if (span === undefined) continue;
    await out(`${count > 0 ? "," : ""}\n${JSON.stringify(span)}`);
    count += 1;
  }
  await out(tail);
  return count;
}

async function writeAep(
  log: AuditLogInput,
  filter: RecordFilter,
  key: PrivateKey,
  out: Write,
): Promise<number> {
  const aep = new AepExport(log.origin, key);
  let count = 0;
  const put = async (record: object | undefined): Promise<void> => {
    if (record === undefined) return;
    await out(`${canonicalize(record)}\n`);
    count += 1;
  };
  for await (const { record, line } of scanLog(log, filter)) {
    await put(aep.add(record, toHex(leafHash(line))));
  }
  await put(aep.end());
  return count;
}

/** WHY: an export is larger than memory; a reader that is slow is waited for, one that left is not. */
function writerOf(stream: NodeJS.WritableStream): Write {
  return (text) =>
    new Promise((done) => {
      stream.write(text, () => done());
    });
}

export const auditExportCommand: MixedCommand = {
  spec,
  run,
  stream,
  streams: (args) => args.text("out") === undefined && !args.flag("json"),
};
