// Texts of a server on their way to the client: what looks like instructions marks the session
// before it is passed on (40-gateway section 7). The bytes stay as they are.
import { VERDICT_ALLOWED } from "../abi/verdict.ts";
import { taintMask } from "../catalog/compile-masks.ts";
import { resultText } from "../guard/result-text.ts";
import type { Span } from "../kernel/message.ts";
import { toDecision } from "../verdict.ts";
import { worseLevel } from "../vetting/types.ts";
import { scanText } from "../vetting/vet.ts";
import { andThen, type Eventually } from "./eventually.ts";
import { spanText } from "./json-members.ts";
import { LIMIT_SCANNED_BYTES } from "./limits.ts";
import type { SessionState } from "./session-state.ts";

/** What a text belongs to. */
export interface TextSource {
  readonly method: string;
  readonly tool?: string | undefined;
  /** Labels of the session when the call was sent on that this answers. */
  readonly taint?: number | undefined;
}

/**
 * Puts `untrusted` on the session when the text is flagged, or cannot be looked at: it is too large,
 * or no JSON. A session that is known to carry the label already costs no scan.
 *
 * @returns when the store has the label, or cannot take it: the text must not be passed on before
 */
export function markFlaggedText(
  state: SessionState,
  line: Uint8Array,
  span: Span | undefined,
  source: TextSource,
): Eventually<void> {
  if (span === undefined) return undefined;
  const { parts } = state;
  const { grants, later, sessions } = parts;
  const label = taintMask(parts.catalog.catalog, ["untrusted"]);
  // WHY: labels stay; a reset while a call runs washes off what the call added, too
  if (isMarked(source.taint, label)) return undefined;
  if (later === undefined && isMarked(grants.taint(sessions), label)) return undefined;
  const why = whyFlagged(line, span);
  if (why === undefined) return undefined;
  const [session = ""] = sessions;
  const { method, tool, taint: before = 0 } = source;
  const added: Eventually<number | undefined> =
    later === undefined
      ? grants.addTaint(sessions, label)
      : later.addLabels(session, label).then((isNew) => (isNew ? before | label : undefined));
  return andThen(added, (taint) => {
    if (taint === undefined) return;
    state.record("taint", toDecision(VERDICT_ALLOWED), {
      sender: "server",
      method,
      detail: why,
      ...(tool !== undefined && { tool }),
      taint: state.labelsOf(taint),
    });
  });
}

const TAINT_ALL = -1;

/** WHY: every label at once may be a store that could not be asked: it is to have this one later. */
function isMarked(taint: number | undefined, label: number): boolean {
  return taint !== undefined && taint !== TAINT_ALL && (taint & label) === label;
}

/** One line when the text is flagged. */
function whyFlagged(line: Uint8Array, span: Span): string | undefined {
  const sizeBytes = span.end - span.start;
  if (sizeBytes > LIMIT_SCANNED_BYTES) return `a text of ${sizeBytes} bytes is too large to scan`;
  try {
    const value: unknown = JSON.parse(spanText(line, span));
    const text = resultText(value);
    if (text === undefined) return "a text that cannot be scanned";
    const { level, findings } = scanText(text);
    if (worseLevel(level, "high") !== level) return undefined;
    return `a text was flagged as ${level}: ${findings[0]?.pattern ?? "several patterns"}`;
  } catch {
    // no json, or no scanner: nobody has looked
    return "a text that cannot be scanned";
  }
}
