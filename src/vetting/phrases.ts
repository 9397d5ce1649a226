// Groups of phrases that mean the same in a sentence; patterns refer to them as `{name}`.
//
// A phrase is matched on folded text: case, separators and look-alikes do not matter. It is whole
// words, unless it ends in `*` (any ending) or starts with `*` (any beginning). `|` separates
// phrases; `¦` stands for a vertical bar in one.
import { DATA_PHRASES } from "./phrases-data.ts";
import { LANGUAGE_PHRASES } from "./phrases-languages.ts";
import { MODEL_PHRASES } from "./phrases-model.ts";
import { TOOL_PHRASES } from "./phrases-tools.ts";

/** Group name -> phrases. */
export const PHRASES: Readonly<Record<string, string>> = {
  ...MODEL_PHRASES,
  ...DATA_PHRASES,
  ...TOOL_PHRASES,
  ...LANGUAGE_PHRASES,
};
