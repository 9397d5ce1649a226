// The kernel instance that scans text, with the pattern file in it: once a process, at first use.
import {
  PATTERN_OF_RULE,
  PATTERN_ROWS,
  PATTERNS_BASE64,
  PATTERNS_SHA256,
  PATTERNS_VERSION,
} from "#patterns";
import * as abi from "../abi/patterns.ts";
import { decodeBase64, utf8 } from "../bytes.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { loadScanKernel } from "../kernel/scan-kernel.ts";
import type { VettingCategory, VettingLevel, VettingPattern } from "./types.ts";

export { PATTERNS_SHA256, PATTERNS_VERSION };

/** One string of a definition, and what kind of string it is. */
export interface TextField {
  /** JSON pointer. */
  readonly path: string;
  /** FIELD_NAME ... FIELD_RESULT. */
  readonly kind: number;
  readonly text: string;
}

/** What the kernel found, in terms of the fields that were given. */
export interface RawFinding {
  /** Index into the fields. */
  readonly field: number;
  readonly pattern: VettingPattern;
  /** UTF-8 bytes from the start of the field's text. */
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
}

/** Texts up to here are scanned in one go; longer ones in pieces. */
const TEXT_SIZE_MAX = 1 << 20;
/** Findings that are kept of one scan; of the others only the worst severity is. */
const FINDINGS_MAX = 1024;
/** What two pieces of a long text share: more than any window. */
const OVERLAP_SIZE = 4096;

const CATEGORIES: ReadonlySet<string> = new Set<VettingCategory>([
  "tool_poisoning",
  "shadowing",
  "exfiltration",
  "credential_access",
  "sampling_abuse",
  "command_execution",
  "invisible_chars",
  "ssrf",
  "privilege_escalation",
  "supply_chain",
]);
const SEVERITIES: ReadonlySet<string> = new Set<VettingLevel>([
  "low",
  "medium",
  "high",
  "critical",
]);

function isCategory(text: string): text is VettingCategory {
  return CATEGORIES.has(text);
}

function isSeverity(text: string): text is VettingPattern["severity"] {
  return SEVERITIES.has(text);
}

/** Every pattern of the file; a row that says nothing known is critical. */
export const PATTERNS: readonly VettingPattern[] = PATTERN_ROWS.map(
  ([id, category, severity, title]) => ({
    id,
    category: isCategory(category) ? category : "tool_poisoning",
    severity: isSeverity(severity) ? severity : "critical",
    title,
  }),
);

let scanner: Kernel | undefined;

/**
 * Scans `fields` one after the other; no pattern reaches from one into the next.
 *
 * @throws {GuardError} PATTERN_INVALID, KERNEL_LOAD
 */
export function scanFields(fields: readonly TextField[]): ScanResult {
  scanner ??= loadScanKernel(decodeBase64(PATTERNS_BASE64), TEXT_SIZE_MAX);
  const findings: Collector = { kept: [], omitted: [] };
  let shape = 0;
  let batch: Piece[] = [];
  let size = 0;
  const flush = (): void => {
    if (batch.length > 0) shape |= scanBatch(scanner, batch, size, findings);
    batch = [];
    size = 0;
  };
  for (const piece of piecesOf(fields)) {
    if (size + piece.bytes.length + 2 > TEXT_SIZE_MAX) flush();
    batch.push(piece);
    size += piece.bytes.length + 1;
  }
  flush();
  return { findings: findings.kept, omitted: findings.omitted, shape };
}

export interface ScanResult {
  readonly findings: readonly RawFinding[];
  /** Patterns of findings beyond FINDINGS_MAX, one entry each. */
  readonly omitted: readonly VettingPattern[];
  /** SHAPE_* of all fields together. */
  readonly shape: number;
}

interface Collector {
  readonly kept: RawFinding[];
  readonly omitted: VettingPattern[];
}

interface Piece {
  readonly field: number;
  readonly kind: number;
  readonly bytes: Uint8Array;
  /** Where the piece starts in the field's text. */
  readonly offset: number;
}

function* piecesOf(fields: readonly TextField[]): Generator<Piece> {
  for (const [field, { kind, text }] of fields.entries()) {
    const bytes = utf8(text);
    if (bytes.length < TEXT_SIZE_MAX - 2) {
      if (bytes.length > 0) yield { field, kind, bytes, offset: 0 };
      continue;
    }
    const step = (TEXT_SIZE_MAX >> 1) - OVERLAP_SIZE;
    for (let offset = 0; offset < bytes.length; offset += step) {
      let start = offset;
      // a character is not cut in two
      while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
      yield {
        field,
        kind,
        bytes: bytes.subarray(start, offset + step + OVERLAP_SIZE),
        offset: start,
      };
    }
  }
}

function scanBatch(
  kernel: Kernel | undefined,
  batch: readonly Piece[],
  textSize: number,
  findings: Collector,
): number {
  if (kernel === undefined) return 0;
  const starts: number[] = [];
  let at = 0;
  for (const { kind, bytes } of batch) {
    kernel.bytes[kernel.inputAt + at] = abi.FIELD_BYTE | kind;
    kernel.bytes.set(bytes, kernel.inputAt + at + 1);
    starts.push(at + 1);
    at += bytes.length + 1;
  }
  kernel.bytes[kernel.inputAt + textSize] = abi.FIELD_BYTE;
  const size = textSize + 1;
  const findingsWord = kernel.exports.regionFindings() >> 2;
  let place = 0;
  for (let from = 0; from < size; ) {
    const next = kernel.exports.scanText(from, size);
    // INVARIANT: the sizes are the kernel's own, so it never refuses
    if (next <= from) break;
    from = next;
    const count = kernel.exports.scanCount();
    for (let index = 0; index < count; index++) {
      const word = findingsWord + index * (abi.FINDING_SIZE >> 2);
      const start = kernel.words[word + abi.FINDING_WORD_START] ?? 0;
      const end = kernel.words[word + abi.FINDING_WORD_END] ?? 0;
      const rule = kernel.words[word + abi.FINDING_WORD_RULE] ?? 0;
      const flags = kernel.words[word + abi.FINDING_WORD_FLAGS] ?? 0;
      while (place + 1 < starts.length && end > (starts[place + 1] ?? 0)) place += 1;
      add(findings, batch[place], starts[place] ?? 0, { rule, start, end, flags });
    }
  }
  return kernel.exports.scanShape(size);
}

interface KernelFinding {
  readonly rule: number;
  readonly start: number;
  readonly end: number;
  readonly flags: number;
}

/** Several rules of one pattern at one place are one finding. */
function add(
  findings: Collector,
  piece: Piece | undefined,
  pieceStart: number,
  found: KernelFinding,
): void {
  const pattern = PATTERNS[PATTERN_OF_RULE[found.rule] ?? -1];
  if (piece === undefined || pattern === undefined) return;
  const start = found.start - pieceStart + piece.offset;
  const end = found.end - pieceStart + piece.offset;
  if (findings.kept.length >= FINDINGS_MAX) {
    // WHY: a flood of findings must not cost more than its text
    if (!findings.omitted.includes(pattern)) findings.omitted.push(pattern);
    return;
  }
  const isKnown = findings.kept.some(
    (other) =>
      other.field === piece.field &&
      other.pattern === pattern &&
      (pattern.category !== "invisible_chars" || (start < other.end && other.start < end)),
  );
  if (isKnown) return;
  const isQuoted = (found.flags & abi.FINDING_FLAG_QUOTED) !== 0;
  findings.kept.push({ field: piece.field, pattern, start, end, isQuoted });
}
