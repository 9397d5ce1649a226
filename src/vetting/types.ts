// What vetting says about a text. Data only.

/** How bad it is, in order; `critical` is `vetting_blocked`, `high` is `vetting_review`. */
export type VettingLevel = "none" | "low" | "medium" | "high" | "critical";

/** What a text tries to do (40-gateway section 3). */
export type VettingCategory =
  | "tool_poisoning"
  | "shadowing"
  | "exfiltration"
  | "credential_access"
  | "sampling_abuse"
  | "command_execution"
  | "invisible_chars"
  | "ssrf"
  | "privilege_escalation"
  | "supply_chain";

/** One pattern of the pattern file, as the host knows it. */
export interface VettingPattern {
  /** `P001` ...; what `vetting_accept` takes. */
  readonly id: string;
  readonly category: VettingCategory;
  readonly severity: Exclude<VettingLevel, "none">;
  /** The technique, in one line. */
  readonly title: string;
}

export interface VettingFinding {
  readonly category: VettingCategory;
  readonly severity: Exclude<VettingLevel, "none">;
  /** JSON pointer of the string; of a member's name, with `#name` behind it. */
  readonly field: string;
  /** UTF-8 bytes from the start of the string to the first byte of the finding. */
  readonly start: number;
  /** UTF-8 bytes from the start of the string to behind the finding. */
  readonly end: number;
  /** The text around it, hidden characters as `<U+200B>`. */
  readonly excerpt: string;
  /** Pattern id. */
  readonly pattern: string;
  /** How the text was encoded that the pattern was found in; absent for plain text. */
  readonly encoding?: string;
  /** True when the catalog accepts this pattern for this definition: no part of the level. */
  readonly accepted?: true;
}

export interface VettingReport {
  /** The worst severity of what is not accepted. */
  readonly level: VettingLevel;
  /** In the order of the text; at most FINDINGS_MAX, the level covers all. */
  readonly findings: readonly VettingFinding[];
  /** Findings that are left out of `findings`. */
  readonly omitted: number;
  readonly patterns: { readonly version: number; readonly sha256: string };
}

export const VETTING_LEVELS: readonly VettingLevel[] = [
  "none",
  "low",
  "medium",
  "high",
  "critical",
];

/** The worse of two levels. */
export function worseLevel(a: VettingLevel, b: VettingLevel): VettingLevel {
  return VETTING_LEVELS.indexOf(a) >= VETTING_LEVELS.indexOf(b) ? a : b;
}
