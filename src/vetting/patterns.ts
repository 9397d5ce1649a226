// The patterns: one per technique, reviewed, compiled by compile.ts into the pattern file.
//
// Ids are public: catalogs name them in `vetting_accept`. Once published, an id keeps its technique.
import { ACTION_PATTERNS } from "./patterns-action.ts";
import { INSTRUCTION_PATTERNS } from "./patterns-instruction.ts";
import { THEFT_PATTERNS } from "./patterns-theft.ts";
import type { PatternSource } from "./source-types.ts";

/** Raise with every change of a pattern, a phrase or a fold. */
export const PATTERN_SOURCE_VERSION = 1;

/** Hidden characters, in the order of HIDDEN_RULES: the fold table refers to them. */
const HIDDEN_TITLES: readonly string[] = [
  "control characters, escape sequences of terminals",
  "zero-width and other characters without a shape",
  "characters that change the direction of text",
  "tag characters, which spell hidden ASCII",
  "variation selectors outside emoji",
  "fillers that look like nothing or like a space",
];

/** Every pattern, those for hidden characters first. */
export const PATTERN_SOURCES: readonly PatternSource[] = [
  ...HIDDEN_TITLES.map(
    (title, index): PatternSource => ({
      id: `P00${index + 1}`,
      category: "invisible_chars",
      severity: "critical",
      title,
      window: 0,
      match: [],
    }),
  ),
  ...INSTRUCTION_PATTERNS,
  ...THEFT_PATTERNS,
  ...ACTION_PATTERNS,
];
