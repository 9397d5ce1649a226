// Definitions of a file to vet: a listing, an array, one definition, or JSON Lines.
import { LIMIT_MESSAGE_BYTES_MAX } from "../abi/limits.ts";
import { concatBytes, utf8 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { readManifest } from "../manifest/read.ts";
import { manifestItems } from "../manifest/types.ts";
import type { VettingReport } from "../vetting/types.ts";
import { type VettedItem, vetInstructions, vetItem } from "../vetting/vet.ts";
import { inFile } from "./fault.ts";
import { readRequiredFile } from "./files.ts";

export interface ScannedFile {
  /** In the order of the file. */
  readonly items: readonly VettedItem[];
  readonly instructions: VettingReport | undefined;
}

const MEMBERS: ReadonlySet<string> = new Set([
  "tools",
  "prompts",
  "resources",
  "resourceTemplates",
  "instructions",
]);

const LINE_FEED = 0x0a;
const OPEN_BRACE = 0x7b;
const OPEN = utf8("[");
const CLOSE = utf8("]");

/**
 * Vets every definition of a file; one that cannot be read keeps its place, with an error.
 *
 * @throws {GuardError} FILE_UNREADABLE; MANIFEST_INVALID when it holds no definitions at all;
 *   MANIFEST_LIMIT
 */
export function scanFile(path: string): ScannedFile {
  const bytes = readRequiredFile(path, LIMIT_MESSAGE_BYTES_MAX);
  return inFile(path, () => scanBytes(bytes));
}

function scanBytes(bytes: Uint8Array): ScannedFile {
  const first = bytes.find((byte) => byte > 0x20);
  const whole = first === OPEN[0] ? [] : lenientValue(bytes);
  if (whole === undefined) return scanLines(bytes);
  if (Array.isArray(whole)) return scanManifest(bytes);
  if (typeof whole === "object" && whole !== null) {
    const names = Object.keys(whole);
    if (names.some((name) => MEMBERS.has(name))) return scanManifest(bytes);
    if (names.includes("name")) return scanLines(bytes, [bytes]);
  }
  const message = `expected one of ${[...MEMBERS].join(", ")}, or the name of a definition`;
  throw new GuardError("MANIFEST_INVALID", `${message}, got none of them`);
}

/** What the file says to a lenient parser; `undefined` when it is not one JSON text. */
function lenientValue(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return value;
  } catch {
    return undefined;
  }
}

function scanManifest(bytes: Uint8Array): ScannedFile {
  const manifest = readManifest(bytes, { strictness: "each" });
  const items = manifestItems(manifest).map((item) =>
    vetItem(item, bytes.subarray(item.span.start, item.span.end)),
  );
  const text = manifest.instructions;
  return { items, instructions: text === undefined ? undefined : vetInstructions(text) };
}

/**
 * One tool a line; empty lines are left out.
 *
 * @throws {GuardError} MANIFEST_INVALID when no line is one: then it is another file
 */
function scanLines(bytes: Uint8Array, lines: readonly Uint8Array[] = linesOf(bytes)): ScannedFile {
  const items = lines.map((line, index) => scanLine(line, index));
  const isObject = (line: Uint8Array): boolean => line.find((byte) => byte > 0x20) === OPEN_BRACE;
  const isLines = lines.length > 0 && lines.every(isObject);
  if (isLines || items.some(({ report }) => report !== undefined)) {
    return { items, instructions: undefined };
  }
  const message = "expected a tools/list result, an array of tools, or one tool a line";
  throw new GuardError("MANIFEST_INVALID", `${message}, got none of them`);
}

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found === -1 ? bytes.length : found;
    const line = bytes.subarray(start, end);
    if (line.some((byte) => byte > 0x20)) lines.push(line);
    start = end + 1;
  }
  return lines;
}

function scanLine(line: Uint8Array, index: number): VettedItem {
  const refused = (error: string, name?: string): VettedItem => ({
    kind: "tool",
    index,
    name,
    level: "critical",
    report: undefined,
    error,
  });
  try {
    const bytes = concatBytes(OPEN, line, CLOSE);
    const { tools } = readManifest(bytes, { strictness: "each" });
    const [item, extra] = tools;
    if (item === undefined || extra !== undefined) return refused("expected one definition a line");
    return vetItem({ ...item, index }, bytes.subarray(item.span.start, item.span.end));
  } catch (fault) {
    if (fault instanceof GuardError) return refused(fault.message);
    throw fault;
  }
}
