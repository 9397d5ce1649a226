// Proposals for what was never reviewed: scope and effect of a new item, from the words of its
// name and parameters. A proposal is a draft for the operator; it never decides anything.
//
// How it is done: the words of a name say what is done (verb -> effect) and to what (noun ->
// scopes). Where several words speak, the more dangerous one wins. What a server says of itself
// can only raise a proposal: `readOnlyHint: true` proves nothing, `readOnlyHint: false` and
// `destructiveHint: true` do. A name without a known verb counts as destructive, one without a
// known noun gets the scope of its parameters, else `admin`.
import type { Effect, ItemKind } from "../catalog/types.ts";
import { effectOfName, wordsOf } from "../guard/verbs.ts";

export interface Proposal {
  readonly scope: readonly string[];
  readonly effect: Effect;
  /** One line: which words led here. */
  readonly because: string;
}

/** What a proposal is made from. */
export interface Subject {
  readonly kind: ItemKind;
  /** `name`, `uri` or `uriTemplate`. */
  readonly name: string;
  /** Names of the parameters. */
  readonly parameters: readonly string[];
  /** As the server says; `undefined` when it does not. */
  readonly readOnlyHint: boolean | undefined;
  readonly destructiveHint: boolean | undefined;
}

type Area = "fs" | "net" | "db" | "repo" | "msg" | "secrets" | "browser" | "exec" | "code" | "pay";

const NOUNS: readonly (readonly [Area, string])[] = [
  ["fs", "file files directory directories dir folder folders path paths media image document"],
  ["net", "url urls http https web page website fetch download internet link"],
  [
    "db",
    "sql table tables database db row rows record records schema entity entities relation " +
      "relations observation observations graph node nodes memory note notes",
  ],
  ["repo", "repo repository git commit branch merge pull issue issues pr tag release diff"],
  ["msg", "email mail message messages slack channel sms notification chat recipient recipients"],
  ["secrets", "secret secrets token tokens credential credentials password passwords env"],
  ["browser", "browser click navigate screenshot tab element selector"],
  ["exec", "exec execute shell command bash terminal process spawn"],
  ["code", "eval code script python javascript notebook"],
  ["pay", "payment payments refund charge invoice pay withdraw balance"],
];

/** Verbs after which a file is gone. */
const DELETING: ReadonlySet<string> = new Set(
  "delete remove drop destroy purge clear truncate wipe erase".split(" "),
);

const NOUN_AREAS: ReadonlyMap<string, Area> = byWord(NOUNS);

/** Scope and effect to propose for an item that the catalog does not have. */
export function propose(subject: Subject): Proposal {
  if (subject.kind !== "tool") return proposeText(subject);
  const words = wordsOf(subject.name);
  const { effect, verb } = effectOf(subject);
  const found = areasOf(words);
  const areas = found.length > 0 ? found : areasOf(subject.parameters.flatMap(wordsOf));
  const deletes = words.some((word) => DELETING.has(word));
  const scope = [...new Set(areas.map((area) => scopeOf(area, effect, deletes)))].sort();
  const because =
    scope.length === 0 ? `${verb}; no word says what it touches: the strictest scope` : verb;
  return { scope: scope.length === 0 ? ["admin"] : scope, effect, because };
}

/** Prompts and resources are read; what they may hold is told by the scheme. */
function proposeText({ kind, name }: Subject): Proposal {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(name)?.[1]?.toLowerCase();
  const isWeb = scheme === "http" || scheme === "https";
  const scope = isWeb
    ? "net.fetch"
    : kind === "prompt" || scheme === "file"
      ? "fs.read"
      : "db.read";
  return { scope: [scope], effect: "read", because: `a ${kind.replace("_", " ")} is read` };
}

function effectOf(subject: Subject): { effect: Effect; verb: string } {
  const named = effectOfName(subject.name);
  const effect = named?.effect ?? "destructive";
  const verb = named === undefined ? "no known verb: taken as destructive" : `\`${named.verb}\``;
  if (subject.destructiveHint === true && subject.readOnlyHint !== true) {
    return { effect: "destructive", verb: `${verb}, and the server says it is destructive` };
  }
  if (subject.readOnlyHint === false && effect === "read") {
    return { effect: "write", verb: `${verb}, but the server says it is not read-only` };
  }
  return { effect, verb };
}

function areasOf(words: readonly string[]): readonly Area[] {
  return words.map((word) => NOUN_AREAS.get(word)).filter((area) => area !== undefined);
}

function scopeOf(area: Area, effect: Effect, deletes: boolean): string {
  const isRead = effect === "read";
  switch (area) {
    case "fs":
      return isRead ? "fs.read" : deletes ? "fs.delete" : "fs.write";
    case "net":
      return isRead || effect === "external" ? "net.fetch" : "net.send";
    case "db":
      return isRead ? "db.read" : "db.write";
    case "repo":
      return isRead ? "repo.read" : "repo.write";
    case "msg":
      return "msg.send";
    case "secrets":
      return "secrets.read";
    case "browser":
      return "browser.use";
    case "exec":
      return "exec";
    case "code":
      return "code.run";
    case "pay":
      return "payments";
  }
}

function byWord<T>(table: readonly (readonly [T, string])[]): ReadonlyMap<string, T> {
  return new Map(
    table.flatMap(([value, words]) => words.split(" ").map((word): [string, T] => [word, value])),
  );
}
