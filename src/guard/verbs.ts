// What the words of a tool's name say that it does. Words only ever propose; the catalog decides.
import type { Effect } from "../catalog/types.ts";
import { VERBS, type Verb } from "./verb-table.ts";

const RANK: Readonly<Record<Effect, number>> = { read: 0, write: 1, external: 2, destructive: 3 };

/** Words behind which a verb is expected again: `find_and_update`. */
const JOINING: ReadonlySet<string> = new Set(["and", "or", "then"]);

/** From this size on a verb is found at the start of a longer word: `deletefile`. */
const GLUED_VERB_SIZE_MIN = 5;
const GLUED_REST_SIZE_MIN = 3;
/** What makes a noun of a verb: `deployment`, `installation`. */
const NOUN_ENDING = /^(?:ments?|ations?)$/;

/** The verb that says most, and what it does. */
export interface NamedEffect {
  readonly effect: Effect;
  readonly verb: string;
}

/** `readTextFile`, `read_text-file`, `read.text.file` -> read, text, file. */
export function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/** The known verb of a word, in its base form or as `deletes`, `deleting`. */
export function verbOf(word: string): { readonly base: string; readonly verb: Verb } | undefined {
  for (const base of baseForms(word)) {
    const verb = VERBS.get(base);
    if (verb !== undefined) return { base, verb };
  }
  return undefined;
}

/** True when `effect` changes more than `other`. */
export function isStronger(effect: Effect, other: Effect): boolean {
  return RANK[effect] > RANK[other];
}

/**
 * The effect of the strongest verb of a name; `undefined` when it has no known verb.
 *
 * A word that is also a noun counts unless a reading verb stands before it: `get_commit` reads,
 * `commit_files` and `find_and_commit` write. Its plural is a noun: `list_posts`, `network_requests`.
 */
export function effectOfName(name: string): NamedEffect | undefined {
  let found: NamedEffect | undefined;
  let isObject = false;
  for (const word of wordsOf(name)) {
    if (JOINING.has(word)) isObject = false;
    const named = namedBy(word);
    if (named === undefined) continue;
    const { base, verb } = named;
    if (verb.isNoun && (isObject || base !== word)) continue;
    if (found === undefined || isStronger(verb.effect, found.effect)) {
      found = { effect: verb.effect, verb: base };
    }
    if (verb.effect === "read") isObject = true;
  }
  return found;
}

function namedBy(word: string): { readonly base: string; readonly verb: Verb } | undefined {
  return verbOf(word) ?? gluedVerb(word);
}

/** `deletefile`: a name without separators hides no verb that changes something. */
function gluedVerb(word: string): { readonly base: string; readonly verb: Verb } | undefined {
  for (let size = word.length - GLUED_REST_SIZE_MIN; size >= GLUED_VERB_SIZE_MIN; size--) {
    if (NOUN_ENDING.test(word.slice(size))) continue;
    const base = word.slice(0, size);
    const verb = VERBS.get(base);
    if (verb !== undefined && !verb.isNoun && verb.effect !== "read") return { base, verb };
  }
  return undefined;
}

function baseForms(word: string): readonly string[] {
  const forms = [word];
  if (word.endsWith("ies")) forms.push(`${word.slice(0, -3)}y`);
  if (word.endsWith("es")) forms.push(word.slice(0, -2));
  if (word.endsWith("s")) forms.push(word.slice(0, -1));
  if (word.endsWith("ing")) forms.push(word.slice(0, -3), `${word.slice(0, -3)}e`);
  return forms;
}
