// `portcullis scan`: vets the texts of definitions, live, from a client's configuration or a file.
import { resolve } from "node:path";

import { quote } from "../errors.ts";
import { COMBINATIONS } from "../vetting/combinations.ts";
import { PATTERNS } from "../vetting/scanner.ts";
import type { VettingFinding, VettingLevel, VettingReport } from "../vetting/types.ts";
import type { VettedItem } from "../vetting/vet.ts";
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { reportFault } from "./fault.ts";
import { MODE_PUBLIC_FILE, writeFileAtomic } from "./files.ts";
import { DIR_OPTION } from "./home.ts";
import { type SarifResult, sarifLog } from "./sarif.ts";
import { scanFile } from "./scan-file.ts";
import { type ScannedServer, scanCatalog, scanConfig } from "./scan-live.ts";
import { columns, type Style, visible } from "./style.ts";

const spec: CommandSpec = {
  name: "scan",
  summary: "vet the texts of definitions: live, from a client's configuration, or in a file",
  usage: "[SERVER...] [--config FILE] [--tools FILE.json] [--sarif FILE] [--yes] [--dir DIR]",
  options: {
    tools: { type: "string", value: "FILE.json", help: "definitions in a file; starts nothing" },
    config: { type: "string", value: "FILE", help: "the servers of a client's configuration" },
    sarif: { type: "string", value: "FILE", help: "also write the findings as SARIF 2.1.0" },
    yes: { type: "boolean", help: "start servers without asking" },
    ...DIR_OPTION,
  },
  positionals: "SERVER...",
  notes: [
    "Without --tools and --config: the servers of the catalog, each started with its command and\n" +
      "listed. FILE.json is a tools/list result, an array of tools, an object with any of tools,\n" +
      "prompts, resources, resourceTemplates and instructions, or JSON Lines, one tool a line.",
    "Exit 1 when a definition is high or critical, or cannot be read; findings below that are shown\n" +
      "and are exit 0. Exit 2 when nothing was found and a server could not be reached.",
    "Vetting reads words and helps the person who pins; the pin is what closes the attack.",
  ],
  examples: ["portcullis scan --tools tools.json", "portcullis scan filesystem --sarif out.sarif"],
};

/** What was scanned: a file has one part without an id. */
interface Part {
  readonly id: string | undefined;
  readonly items: readonly VettedItem[];
  readonly instructions: VettingReport | undefined;
  readonly fault: ScannedServer["fault"];
}

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const tools = args.text("tools");
  const parts = await scanParts(args, io, tools);
  const [unreachable] = parts.filter(({ fault }) => fault !== undefined);
  for (const { id, fault } of parts) {
    if (fault !== undefined) {
      io.note(`${visible(id ?? "")}: ${(await reportFault(fault)).message} (${fault.code})`);
    }
  }
  const sarif = args.text("sarif");
  if (sarif !== undefined) {
    const log = sarifLog(
      rulesOf(),
      parts.flatMap((part) => sarifResults(part, tools)),
    );
    const text = `${JSON.stringify(log, undefined, 2)}\n`;
    writeFileAtomic(resolve(io.cwd, sarif), text, MODE_PUBLIC_FILE);
  }
  const isFinding = parts.some(
    ({ items, instructions }) =>
      items.some(({ level }) => isBad(level)) || isBad(instructions?.level ?? "none"),
  );
  const error =
    isFinding || unreachable?.fault === undefined
      ? {}
      : { error: await reportFault(unreachable.fault) };
  return {
    exitCode: isFinding ? 1 : unreachable === undefined ? 0 : 2,
    json: { ...toJson(parts), ...error },
    text: describe(parts, io.style),
  };
}

async function scanParts(
  args: Arguments,
  io: Io,
  tools: string | undefined,
): Promise<readonly Part[]> {
  const config = args.text("config");
  if (tools === undefined) {
    return config === undefined
      ? await scanCatalog(args, io)
      : await scanConfig(resolve(io.cwd, config), args, io);
  }
  const [server] = args.positionals;
  if (config !== undefined) throw usageFault(spec, "one of --tools and --config", "both");
  if (server !== undefined) throw usageFault(spec, "no SERVER with --tools", quote(server));
  return [{ ...scanFile(resolve(io.cwd, tools)), id: undefined, fault: undefined }];
}

function isBad(level: VettingLevel): boolean {
  return level === "high" || level === "critical";
}

function rulesOf(): { id: string; description: string; category: string }[] {
  return [...PATTERNS, ...COMBINATIONS].map(({ id, title, category }) => ({
    id,
    description: title,
    category,
  }));
}

// ---- JSON ----

const KIND_MEMBERS = {
  tool: "tools",
  prompt: "prompts",
  resource: "resources",
  resource_template: "resourceTemplates",
} as const;

function toJson(parts: readonly Part[]): Record<string, unknown> {
  const findings = parts.flatMap((part) => [
    ...part.items.flatMap((item) => findingsJson(part, item.kind, item.name, item.report)),
    ...findingsJson(part, "instructions", undefined, part.instructions),
  ]);
  const items = parts.flatMap((part) => part.items.map((item) => ({ part, item })));
  const others = Object.entries(KIND_MEMBERS).flatMap(([kind, member]) => {
    const rows = items.filter(({ item }) => item.kind === kind).map(itemJson);
    return rows.length > 0 || kind === "tool" ? [[member, rows]] : [];
  });
  const servers = parts.flatMap(({ id, instructions, fault }) =>
    id === undefined
      ? []
      : [
          {
            id,
            status: fault === undefined ? "scanned" : "unreachable",
            ...(instructions === undefined ? {} : { instructions: instructions.level }),
          },
        ],
  );
  const [only] = parts;
  const instructions = only?.id === undefined ? only?.instructions : undefined;
  return {
    findings,
    ...Object.fromEntries(others),
    ...(instructions === undefined ? {} : { instructions: { level: instructions.level } }),
    ...(servers.length === 0 ? {} : { servers }),
  };
}

function itemJson({ part, item }: { part: Part; item: VettedItem }): Record<string, unknown> {
  const { index, name, level, error } = item;
  return {
    ...(part.id === undefined ? {} : { server: part.id }),
    index,
    name: name ?? null,
    level,
    ...(error === undefined ? {} : { error }),
  };
}

function findingsJson(
  part: Part,
  kind: string,
  name: string | undefined,
  report: VettingReport | undefined,
): Record<string, unknown>[] {
  return (report?.findings ?? []).map((finding) => ({
    ...(part.id === undefined ? {} : { server: part.id }),
    tool: name ?? null,
    ...(kind === "tool" ? {} : { kind }),
    level: finding.severity,
    category: finding.category,
    pattern: finding.pattern,
    field: finding.field,
    start: finding.start,
    end: finding.end,
    excerpt: finding.excerpt,
    ...(finding.encoding === undefined ? {} : { encoding: finding.encoding }),
    ...(finding.accepted === undefined ? {} : { accepted: true }),
  }));
}

// ---- SARIF ----

function sarifResults(part: Part, file: string | undefined): readonly SarifResult[] {
  const resultsOf = (name: string, findings: readonly VettingFinding[]): SarifResult[] =>
    findings.map((finding) => ({
      ruleId: finding.pattern,
      level: isBad(finding.severity) ? "error" : finding.severity === "medium" ? "warning" : "note",
      message: `${finding.category}: ${finding.excerpt}`,
      file,
      place: [part.id, visible(name), visible(finding.field)]
        .filter((p) => p !== undefined)
        .join(" "),
      isAccepted: finding.accepted === true,
    }));
  const unread = part.items.flatMap(({ name, index, error }): SarifResult[] => {
    if (error === undefined) return [];
    const place = `${part.id ?? ""} ${visible(name ?? `definition ${index}`)}`.trim();
    const message = `cannot be read: ${error}`;
    return [{ ruleId: "UNREADABLE", level: "error", message, file, place, isAccepted: false }];
  });
  return [
    ...part.items.flatMap(({ name, report }) => resultsOf(name ?? "", report?.findings ?? [])),
    ...resultsOf("instructions", part.instructions?.findings ?? []),
    ...unread,
  ];
}

// ---- text ----

function describe(parts: readonly Part[], style: Style): string {
  const blocks = parts.map((part) => {
    const rows = part.items.map((item) => itemRows(item, style));
    const { instructions } = part;
    if (instructions !== undefined) {
      rows.push(itemRows({ name: "(instructions)", report: instructions, ...instructions }, style));
    }
    const body = rows.length === 0 ? ["nothing to scan"] : rows.flat();
    if (part.id === undefined) return body.join("\n");
    const head = style.bold(visible(part.id));
    if (part.fault !== undefined) return `${head}  ${style.yellow("unreachable")}`;
    return [head, ...body].join("\n");
  });
  return blocks.length === 0 ? "the catalog has no servers" : blocks.join("\n\n");
}

function itemRows(
  item: Pick<VettedItem, "name" | "level" | "report"> & { readonly error?: string | undefined },
  style: Style,
): readonly string[] {
  const { name, level, report, error } = item;
  const paint = isBad(level) ? style.red : level === "none" ? style.green : style.yellow;
  const title = `${paint(level.padEnd(8))} ${name === undefined ? "(no name)" : visible(name)}`;
  if (error !== undefined) return [`${title}  cannot be read: ${error}`];
  const findings = (report?.findings ?? []).map((finding) => [
    "        ",
    finding.pattern,
    finding.accepted === true ? "accepted" : finding.severity,
    finding.category,
    visible(finding.field),
    finding.excerpt,
  ]);
  return [title, ...columns(findings)];
}

export const scanCommand: ReportCommand = { spec, run };
