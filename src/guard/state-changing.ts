// Does a tool change something? A proposal from words, for pin time and for use without a catalog.
import { effectOfName, isStronger, verbOf, wordsOf } from "./verbs.ts";

/** What is read of a tool's definition; every other member is ignored. */
export interface StateChangingSubject {
  readonly name: string;
  readonly description?: string | undefined;
  readonly annotations?:
    | {
        readonly readOnlyHint?: boolean | undefined;
        readonly destructiveHint?: boolean | undefined;
      }
    | undefined;
}

/** `run this to read`: words to the reader, not about the tool. */
const USING: ReadonlySet<string> = new Set([
  "run",
  "call",
  "invoke",
  "execute",
  "trigger",
  "start",
]);
const AFTER_USING: ReadonlySet<string> = new Set(
  "this it me when whenever if only before after first".split(" "),
);
/** Behind these a verb stands, even one that is also a noun. */
const LEADING: ReadonlySet<string> = new Set(
  "to will can may might must should could would that which then by also".split(" "),
);
/** Behind these a verb or a noun stands. */
const JOINING: ReadonlySet<string> = new Set(["and", "or"]);
/** What a description calls reading, though it reaches out: `Fetch the page of a document`. */
const READING: ReadonlySet<string> = new Set(["fetch", "download"]);
const FIRST_SENTENCE_UNITS_MAX = 1000;

/**
 * True unless every verb of the tool's name and of the first sentence of its description is known
 * to read, and there is one.
 *
 * Unknown means state-changing, and so does what cannot be read. Never throws. `readOnlyHint: true` is never believed, `readOnlyHint: false` and
 * `destructiveHint: true` are. At run time the catalog's `effect` decides, never this.
 *
 * @example
 * isStateChangingTool({ name: "read_file", description: "Run this to read" }); // false
 */
export function isStateChangingTool(tool: StateChangingSubject): boolean {
  try {
    return changesState(tool);
  } catch {
    // nothing at all, or a getter that throws
    return true;
  }
}

function changesState(tool: StateChangingSubject): boolean {
  const { name, description, annotations } = tool;
  if (annotations?.destructiveHint === true || annotations?.readOnlyHint === false) return true;
  if (typeof name !== "string") return true;
  const named = effectOfName(name);
  if (named !== undefined && isStronger(named.effect, "read")) return true;
  const told = readSentence(typeof description === "string" ? description : "");
  if (told.changes) return true;
  return named === undefined && !told.reads;
}

/** What the verbs of a description's first sentence say. */
interface Told {
  readonly changes: boolean;
  /** The sentence starts with a verb that reads. */
  readonly reads: boolean;
}

function readSentence(description: string): Told {
  const head = description.slice(0, FIRST_SENTENCE_UNITS_MAX);
  const sentence = /^\s*[^\n]*?(?=[.!?](?:\s|$)|\n|$)/.exec(head)?.[0] ?? "";
  let reads = false;
  // `Vendor | Retrieve a user`, `Search - returns a list`: each part starts anew, but behind a comma
  // there may be a noun
  for (const part of sentence.split(/[;:|()]|\s[-\u2013\u2014/]\s/)) {
    for (const [index, clause] of part.split(",").entries()) {
      const told = readClause(wordsOf(clause), index === 0 ? "leading" : "joined");
      if (told.changes) return { changes: true, reads };
      reads ||= told.reads;
    }
  }
  return { changes: false, reads };
}

/** What may stand at a place: a verb, a verb or a noun, anything. */
type Place = "leading" | "joined" | "other";

function readClause(words: readonly string[], start: Place): Told {
  let reads = false;
  let place = start;
  for (const [index, word] of words.entries()) {
    const known = verbOf(word);
    const isUsing = USING.has(word) && AFTER_USING.has(words[index + 1] ?? "");
    if (known !== undefined && !isUsing && place !== "other") {
      const { base, verb } = known;
      const isRead = verb.effect === "read" || READING.has(base);
      const isVerb = !verb.isNoun || place === "leading";
      if (!isRead && isVerb) return { changes: true, reads };
      reads ||= isRead && index === 0;
    }
    // `completely overwrite`: an adverb stands between
    if (!word.endsWith("ly") || place === "other") place = placeBehind(word);
  }
  return { changes: false, reads };
}

function placeBehind(word: string): Place {
  if (LEADING.has(word)) return "leading";
  return JOINING.has(word) ? "joined" : "other";
}
