// A result as the agent's host may pass it on: with its trust level, its hash and its labels
// (40-gateway section 7).
import { isBytes, isWellFormed, toHex, utf8, utf8Text } from "../bytes.ts";
import { sha256 } from "../kernel/digest.ts";
import { freezeJson } from "../kernel/freeze-json.ts";
import { canonicalBytes } from "../kernel/strict-json.ts";
import { memberReader } from "./member-reader.ts";
import { resultText } from "./result-text.ts";

export type TrustLevel = "untrusted" | "verified" | "system";

export const TRUST_LEVELS: readonly TrustLevel[] = ["untrusted", "verified", "system"];

/** One finding of a text scanner. */
export interface ObservationFinding {
  readonly category: string;
  readonly severity: string;
  /** Pattern id. */
  readonly pattern: string;
  /** With hidden characters made visible. */
  readonly excerpt: string;
  /** Where in the scanned text: a JSON pointer, "" for the text itself. */
  readonly field: string;
  /** How the text was encoded that the pattern was found in; absent for plain text. */
  readonly encoding?: string;
  /** UTF-8 bytes from the start of that text, the first one and the one behind the last. */
  readonly start: number;
  readonly end: number;
}

/** Scans all text of a result. */
export type TextScan = (text: string) => { readonly findings: readonly ObservationFinding[] };

/** What is known of a result. Deeply frozen; holds nothing of its content but excerpts. */
export interface TaintedObservation {
  readonly sourceTool: string;
  readonly trust: TrustLevel;
  /** A media type; `multipart/mixed` for content of several. */
  readonly contentType: string;
  /** `sha256:<hex>` of the text or bytes, or of the canonical form of a value. */
  readonly contentHash: string;
  /** Sorted. */
  readonly taintLabels: readonly string[];
  /** The scanner found something, or could not look. */
  readonly instructionLikeTextDetected: boolean;
  readonly findings: readonly ObservationFinding[];
  /** What the host did to the content, in order. */
  readonly sanitizers: readonly string[];
}

export interface ObservationOptions {
  /** Default `untrusted`. */
  readonly trust?: TrustLevel | undefined;
  readonly taintLabels?: readonly string[] | undefined;
  /** Without one, and when it throws, the text counts as detected: nobody has looked. */
  readonly scan?: TextScan | undefined;
  readonly sanitizers?: readonly string[] | undefined;
}

/**
 * The observation of a result. Never throws.
 *
 * Text that was flagged adds the label `untrusted`, whatever the trust level.
 *
 * @param content text, bytes, or a value such as a tools/call result
 */
export function taintObservation(
  sourceTool: string,
  content: unknown,
  options: ObservationOptions = {},
): TaintedObservation {
  const { trust, scan, taintLabels, sanitizers } = readOptions(options);
  const findings = scanResult(resultText(content), scan);
  const labels = new Set(taintLabels);
  if (findings === undefined || findings.length > 0 || trust === "untrusted") {
    labels.add("untrusted");
  }
  return freezeJson({
    sourceTool: typeof sourceTool === "string" ? sourceTool : "",
    trust,
    contentType: contentTypeOf(content),
    contentHash: `sha256:${toHex(sha256(contentBytes(content)))}`,
    taintLabels: [...labels].sort(),
    instructionLikeTextDetected: findings === undefined || findings.length > 0,
    findings: [...(findings ?? [])],
    sanitizers: [...sanitizers],
  });
}

interface ReadOptions {
  readonly trust: TrustLevel;
  readonly taintLabels: readonly string[];
  readonly sanitizers: readonly string[];
  readonly scan: TextScan | undefined;
}

/** Options that cannot be read are those of a text that nobody vouches for and nobody has scanned. */
function readOptions(options: unknown): ReadOptions {
  try {
    const read = memberReader(options);
    const scan = read?.("scan");
    return {
      trust: TRUST_LEVELS.find((known) => known === read?.("trust")) ?? "untrusted",
      taintLabels: textsOf(read?.("taintLabels")),
      sanitizers: textsOf(read?.("sanitizers")),
      scan: isScan(scan) ? scan : undefined,
    };
  } catch {
    return { trust: "untrusted", taintLabels: [], sanitizers: [], scan: undefined };
  }
}

function textsOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((text: unknown): text is string => typeof text === "string");
}

/** What it returns is read as carefully as what it may throw. */
function isScan(value: unknown): value is TextScan {
  return typeof value === "function";
}

/** What `wrapResult` reads of a gateway's decision. */
export interface ResultDecision {
  readonly resultTrustLevel: TrustLevel;
  readonly taint: { readonly labels: readonly string[] };
  readonly invocation: { readonly decision: string };
}

/**
 * The observation of the result of a decided call: the decision's trust level and the session's
 * labels. Anything but an allowed call with a known level gives `untrusted`. Never throws.
 */
export function wrapResult(
  toolName: string,
  result: unknown,
  decision: ResultDecision,
  options: Pick<ObservationOptions, "scan" | "sanitizers"> = {},
): TaintedObservation {
  const { scan, sanitizers } = readOptions(options);
  return taintObservation(toolName, result, { ...readDecision(decision), scan, sanitizers });
}

function readDecision(decision: unknown): { trust: TrustLevel; taintLabels: string[] } {
  try {
    const read = memberReader(decision);
    const isAllowed = memberReader(read?.("invocation"))?.("decision") === "allow";
    const level = TRUST_LEVELS.find((known) => known === read?.("resultTrustLevel"));
    const labels = memberReader(read?.("taint"))?.("labels");
    const taintLabels = Array.isArray(labels)
      ? labels.filter((label: unknown): label is string => typeof label === "string")
      : ["untrusted"];
    return { trust: isAllowed && level !== undefined ? level : "untrusted", taintLabels };
  } catch {
    return { trust: "untrusted", taintLabels: ["untrusted"] };
  }
}

/** `undefined`: nobody has looked. */
function scanResult(
  text: string | undefined,
  scan: TextScan | undefined,
): readonly ObservationFinding[] | undefined {
  if (scan === undefined || text === undefined) return undefined;
  try {
    return scan(text).findings.map((finding) => {
      const { category, severity, pattern, excerpt, field, encoding, start, end } = finding;
      const copy = { category, severity, pattern, excerpt, field, start, end };
      return encoding === undefined ? copy : { ...copy, encoding };
    });
  } catch {
    return undefined;
  }
}

/** The bytes that are hashed. What JSON cannot hold hashes as its kind: it cannot be forwarded. */
function contentBytes(content: unknown): Uint8Array {
  if (isBytes(content)) return content;
  if (typeof content === "string") return utf8(content);
  let text: unknown;
  try {
    text = JSON.stringify(content);
    if (typeof text === "string") return canonicalBytes(text);
  } catch {
    // no canonical form: a number that a double changes, a lone surrogate, a cycle
  }
  return utf8(typeof text === "string" ? text : typeof content);
}

function contentTypeOf(content: unknown): string {
  if (typeof content === "string") return "text/plain";
  if (isBytes(content)) {
    return utf8Text(content) === undefined ? "application/octet-stream" : "text/plain";
  }
  try {
    const read = memberReader(content);
    const blocks = read?.("content");
    if (!Array.isArray(blocks)) return "application/json";
    if (read?.("structuredContent") !== undefined) return "application/json";
    const types = new Set(blocks.map(blockType));
    const [only] = types;
    return types.size === 1 && only !== undefined ? only : "multipart/mixed";
  } catch {
    return "application/json";
  }
}

const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;

function blockType(block: unknown): string {
  const read = memberReader(block);
  if (read?.("type") === "text") return "text/plain";
  const named = read?.("mimeType");
  const isType = typeof named === "string" && isWellFormed(named) && MEDIA_TYPE.test(named);
  return isType ? named : "application/octet-stream";
}
