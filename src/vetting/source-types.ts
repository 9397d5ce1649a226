// A pattern as it is written, before it is compiled.
import type { VettingPattern } from "./types.ts";

export type PatternField = "name" | "prose" | "parameter" | "value" | "result";

export interface PatternSource extends VettingPattern {
  /**
   * Sequences, any of which is a finding. `..` separates the stages of one, which come in this
   * order. A stage is phrases separated by `|`, or groups of phrases.ts as `{name}`.
   */
  readonly match: readonly string[];
  /** Bytes of text from the end of the first stage to the end of the last. */
  readonly window: number;
  /** True when the stages lie in one sentence. */
  readonly isSentence?: boolean;
  /** Group that silences it when a phrase of it was seen up to `window` bytes before. */
  readonly unless?: string;
  /** Kinds of fields it looks at; all when absent. */
  readonly fields?: readonly PatternField[];
}
