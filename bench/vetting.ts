// `npm run vetting`: how much of the development data the patterns find, by source, and what they
// hold up that is honest. Writes the table of docs/vetting.md. Without ../shared/data it says so.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PATTERNS_SHA256, PATTERNS_VERSION, vetTool } from "../esm/index.js";
import { combine } from "../esm/vetting/judge.js";
import type { VettingFinding } from "../esm/vetting/types.js";

const DATA = new URL("../../../shared/data/", import.meta.url);
const DOCUMENT = new URL("../../docs/vetting.md", import.meta.url);
const BEGIN = "<!-- begin: npm run vetting -->";
const END = "<!-- end -->";
const HELD: ReadonlySet<string> = new Set(["high", "critical"]);

interface Row {
  readonly source: string;
  readonly isPoisoned: boolean;
  /** Bare sentences rather than definitions. */
  readonly isText: boolean;
  readonly findings: readonly VettingFinding[];
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(name);
}

/** Rows of the corpus; what is neither malicious nor benign is left out. */
function corpusRows(): Row[] {
  const folder = new URL("corpus/", DATA);
  return readdirSync(folder).flatMap((name) => {
    const lines = readFileSync(new URL(name, folder), "utf8").split("\n");
    return lines
      .filter((line) => line !== "")
      .flatMap((line): Row[] => {
        const row: unknown = JSON.parse(line);
        const label = member(row, "label");
        const tool = member(row, "tool");
        if (label !== "malicious" && label !== "benign") return [];
        const source = String(member(row, "source")).split(":")[0] ?? name;
        const isText = member(row, "layer") === "text";
        const { findings } = vetTool(JSON.stringify(tool));
        return [{ source, isPoisoned: label === "malicious", isText, findings }];
      });
  });
}

/** The tools of real servers. */
function toolRows(): Row[] {
  const folder = new URL("tools/", DATA);
  return readdirSync(folder).flatMap((name) => {
    const listing: unknown = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
    const tools = member(listing, "tools");
    return (Array.isArray(tools) ? tools : []).map((tool): Row => {
      const { findings } = vetTool(JSON.stringify(tool));
      return { source: "tools of 8 real servers", isPoisoned: false, isText: false, findings };
    });
  });
}

/** Whether a definition is held for review when only the patterns that `counts` takes count. */
function isHeld(findings: readonly VettingFinding[], counts: (id: string) => boolean): boolean {
  // a combination is made of its parts, so it is made again from those that count
  const own = findings.filter(({ pattern }) => counts(pattern) && !/^P09[0-24]$/.test(pattern));
  return [...own, ...combine(own)].some(({ severity }) => HELD.has(severity));
}

/**
 * Patterns that find something in the poisoned rows of the other sources: the patterns one would
 * have without ever having seen this source.
 */
function patternsWithout(source: string, rows: readonly Row[]): ReadonlySet<string> {
  const others = rows.filter((row) => row.isPoisoned && row.source !== source);
  return new Set(others.flatMap(({ findings }) => findings.map(({ pattern }) => pattern)));
}

function share(count: number, of: number): string {
  return of === 0 ? "-" : `${count} of ${of} (${((count / of) * 100).toFixed(1)} %)`;
}

function tableOf(rows: readonly Row[]): string {
  const all = (): boolean => true;
  const keyOf = (row: Row): string => `${row.source}${row.isText ? ", bare sentences" : ""}`;
  const lines = [...new Set(rows.map(keyOf))].map((key) => {
    const own = rows.filter((row) => keyOf(row) === key);
    const poisoned = own.filter((row) => row.isPoisoned);
    const honest = own.filter((row) => !row.isPoisoned);
    const known = patternsWithout(own[0]?.source ?? "", rows);
    const found = poisoned.filter(({ findings }) => isHeld(findings, all)).length;
    const foundWithout = poisoned.filter(({ findings }) => isHeld(findings, (id) => known.has(id)));
    const flagged = honest.filter(({ findings }) => isHeld(findings, all)).length;
    const cells = [
      key,
      share(found, poisoned.length),
      share(foundWithout.length, poisoned.length),
      share(flagged, honest.length),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const definitions = rows.filter((row) => !row.isText);
  const total = (isPoisoned: boolean, list: readonly Row[]): string => {
    const some = list.filter((row) => row.isPoisoned === isPoisoned);
    return share(some.filter(({ findings }) => isHeld(findings, all)).length, some.length);
  };
  const without = definitions.filter((row) => row.isPoisoned);
  const held = without.filter((row) =>
    isHeld(row.findings, (id) => patternsWithout(row.source, rows).has(id)),
  );
  const cells = [
    "**all definitions**",
    total(true, definitions),
    share(held.length, without.length),
    total(false, definitions),
  ];
  return [
    `Patterns version ${PATTERNS_VERSION}, sha256:${PATTERNS_SHA256}`,
    "",
    "| source | poisoned, held | the same without patterns seen only there | honest, held |",
    "|---|---|---|---|",
    ...lines,
    `| ${cells.join(" | ")} |`,
  ].join("\n");
}

if (existsSync(DATA)) {
  const table = tableOf([...corpusRows(), ...toolRows()]);
  process.stdout.write(`${table}\n`);
  const text = readFileSync(DOCUMENT, "utf8");
  const start = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (start === -1 || end < start)
    throw new Error(`expected ${BEGIN} and ${END} in docs/vetting.md`);
  const next = `${text.slice(0, start + BEGIN.length)}\n${table}\n${text.slice(end)}`;
  if (next !== text) writeFileSync(DOCUMENT, next);
} else {
  process.stdout.write(`skipped: no development data at ${fileURLToPath(DATA)}\n`);
}
