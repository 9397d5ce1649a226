// From what the kernel found in a list of texts to findings that do not depend on who accepts what.
import { utf8 } from "../bytes.ts";
import { visible } from "../manifest/drift-visible.ts";
import { combinationsOf } from "./combinations.ts";
import { type DecodedText, decodeFields } from "./decode.ts";
import { type RawFinding, scanFields, type TextField } from "./scanner.ts";
import type { VettingFinding, VettingPattern } from "./types.ts";

/** Findings of one definition, before any is accepted. */
export interface Judgement {
  readonly findings: readonly VettingFinding[];
  /** Patterns of findings that were too many to keep. */
  readonly omitted: readonly VettingPattern[];
}

/** A text was encoded: worth a look even when what it says is harmless. */
const ENCODED: VettingPattern = {
  id: "P093",
  category: "tool_poisoning",
  severity: "medium",
  title: "text that only a decoder can read",
};

/** Words one after the other: a sentence rather than a token or an identifier. */
const SENTENCE = /[A-Za-z]{2,} [A-Za-z]{2,}/;

/** UTF-8 bytes of text on either side of a finding in its excerpt. */
const CONTEXT_SIZE = 40;
const EXCERPT_SIZE_MAX = 200;
/** Words of a text that speaks about an attack instead of making one. */
const MENTION = new RegExp(
  `\\b(?:${[
    "phrases?|quot(?:es?|ed|ing)|examples?|samples?|detectors?|prompt[- ]injection|fixtures?",
    "jailbreak corpora|attacks?|transcript|guidance|documentation|corpora|changelog|benchmark",
    "assert\\w*|malicious page|lesson|quiz|workshop|students|learners|analysts|regression test",
    "pattern to refuse",
  ].join("|")})\\b|ATTACK_`,
  "i",
);

/** Scans `fields`, and what their encodings hide. */
export function judgeFields(fields: readonly TextField[]): Judgement {
  const { findings, omitted, shape } = scanFields(fields);
  const judged = findings.map((found) => toFinding(found, fields[found.field]));
  const decoded = shape === 0 ? [] : decodeFields(fields, shape);
  const inner = decoded.length === 0 ? undefined : scanFields(decoded);
  const seen = new Set(judged.map(({ field, pattern }) => `${field} ${pattern}`));
  for (const found of inner?.findings ?? []) {
    const source = decoded[found.field];
    if (source === undefined || found.pattern.severity === "low") continue;
    const finding = fromDecoded(found.pattern, found, source, fields);
    if (!seen.has(`${finding.field} ${finding.pattern}`)) judged.push(finding);
  }
  for (const source of decoded) {
    if (source.encoding === "base64" && SENTENCE.test(source.text)) {
      judged.push(
        fromDecoded(ENCODED, { start: 0, end: utf8(source.text).length }, source, fields),
      );
    }
  }
  return {
    findings: judged,
    omitted: [...omitted, ...(inner?.omitted ?? [])],
  };
}

function toFinding(found: RawFinding, field: TextField | undefined): VettingFinding {
  const { pattern, start, end, isQuoted } = found;
  const text = field?.text ?? "";
  const isMention = isQuoted && MENTION.test(text);
  return {
    category: pattern.category,
    severity: isMention && pattern.severity !== "critical" ? "low" : pattern.severity,
    field: field?.path ?? "",
    start,
    end,
    excerpt: excerptOf(text, start, end),
    pattern: pattern.id,
  };
}

function fromDecoded(
  pattern: VettingPattern,
  span: { readonly start: number; readonly end: number },
  source: DecodedText,
  fields: readonly TextField[],
): VettingFinding {
  const text = fields[source.field]?.text ?? "";
  const start = utf8(text.slice(0, source.start)).length;
  return {
    category: pattern.category,
    severity: pattern.severity,
    field: source.path,
    start,
    end: start + utf8(text.slice(source.start, source.end)).length,
    excerpt: excerptOf(source.text, span.start, span.end),
    pattern: pattern.id,
    encoding: source.encoding,
  };
}

const decoder = new TextDecoder();

/** The found bytes with some text around them, on one line, hidden characters shown. */
function excerptOf(text: string, start: number, end: number): string {
  const bytes = utf8(text);
  let from = Math.max(0, start - CONTEXT_SIZE);
  let to = Math.min(bytes.length, end + CONTEXT_SIZE, from + EXCERPT_SIZE_MAX);
  while (from > 0 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from -= 1;
  while (to < bytes.length && ((bytes[to] ?? 0) & 0xc0) === 0x80) to += 1;
  const cut = decoder.decode(bytes.subarray(from, to)).replace(/[\t\n\r ]+/g, " ");
  return `${from > 0 ? "…" : ""}${visible(cut)}${to < bytes.length ? "…" : ""}`;
}

/** Findings of the patterns that `findings` make up together. */
export function combine(findings: readonly VettingFinding[]): readonly VettingFinding[] {
  const ids = new Map<string, VettingFinding>();
  for (const finding of findings) {
    if (finding.accepted !== true && !ids.has(finding.pattern)) ids.set(finding.pattern, finding);
  }
  return combinationsOf(new Set(ids.keys())).flatMap(({ id, category, severity, parts }) => {
    const first = parts[0]?.map((part) => ids.get(part)).find((part) => part !== undefined);
    return first === undefined ? [] : [{ ...first, category, severity, pattern: id }];
  });
}
