// What a drift report says (20-fingerprint section 4).
import type { Effect, ItemKind } from "../catalog/types.ts";

/** One run of words; `same` and `removed` make the old text, `same` and `added` the new one. */
export interface WordEdit {
  readonly op: "same" | "removed" | "added";
  readonly text: string;
}

/**
 * One member that differs. `old`, `new` and `words` are for reading: hidden characters stand there
 * as `<U+200B>` (`visible`), the exact texts are those that were compared.
 */
export interface FieldDrift {
  /**
   * JSON pointer (RFC 6901) of the member; "" is the whole text. Exact, but a key above 128
   * characters and a pointer above 512 are cut with an ellipsis.
   */
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  /** Canonical text (RFC 8785) that was pinned; `undefined` when the member was added. */
  readonly old: string | undefined;
  /** Canonical text of the live member; `undefined` when it was removed. */
  readonly new: string | undefined;
  /** Word by word; of a member that is a string, its text, else the canonical text. */
  readonly words: readonly WordEdit[];
  /** Why the change widens what the tool can do; `undefined` when no rule says so. */
  readonly widens: string | undefined;
}

export type DriftReason = "fingerprint_drift" | "tool_smuggle" | "missing";

/** One item that is not as it was pinned. */
export interface ItemDrift {
  readonly kind: ItemKind | "instructions";
  /** `name`, `uri` or `uriTemplate` as sent; "" for instructions and for an unreadable name. */
  readonly name: string;
  /** `missing` is reported and is not drift. */
  readonly reason: DriftReason;
  /** Accepted digests, the current one first; empty when nothing was pinned. */
  readonly expected: readonly string[];
  /** The live digest; `undefined` when there is none. */
  readonly actual: string | undefined;
  /** Empty where one of the two texts is not at hand: then the digests are all that is known. */
  readonly fields: readonly FieldDrift[];
  /** Why the live definition is refused by the strict reader. */
  readonly error: string | undefined;
  /** What the catalog grants the item. */
  readonly scope: readonly string[];
  readonly effect: Effect | undefined;
}

/** One server against its pins. */
export interface ServerDrift {
  readonly id: string;
  readonly status: "match" | "drift";
  readonly items: readonly ItemDrift[];
}

/** A live definition with its text. */
export interface LiveText {
  readonly kind: ItemKind;
  /** `undefined` when none can be read. */
  readonly name: string | undefined;
  /** `sha256:<hex>`; `undefined` when the definition is refused. */
  readonly fingerprint: string | undefined;
  /** RFC 8785 form; `undefined` when it has none. */
  readonly canonical: string | undefined;
  readonly error?: string | undefined;
}

/** Everything one server offers, with its texts. */
export interface LiveTexts {
  readonly definitions: readonly LiveText[];
  /** Text as sent; `undefined` when the server sends none. */
  readonly instructions: string | undefined;
}

/**
 * What one report may still spend, so that hostile definitions cannot make it long: when it is
 * spent, changes are told in larger pieces, and none is left out.
 */
export interface DriftBudget {
  /** Comparisons of words. */
  stepsLeft: number;
  /** Members told one by one. */
  fieldsLeft: number;
}

const STEPS_MAX = 20_000_000;
const FIELDS_MAX = 20_000;

/** The budget of one report. */
export function driftBudget(): DriftBudget {
  return { stepsLeft: STEPS_MAX, fieldsLeft: FIELDS_MAX };
}
