// Marks where a change widens what a tool can do (20-fingerprint section 4). A mark is help for
// the person who reviews, never a verdict: a change without one is drift all the same.
//
// What counts: arguments that were refused and now pass, hints that say the tool does more, a call
// that may outlive its answer; of `outputSchema`, results that were refused and now pass. Not: a
// new `outputSchema`, texts, defaults, examples. Where a rule cannot tell (a pattern, a reference,
// whatever is below `not`, `if`, `oneOf`, `contains`), it marks.
import { quote } from "../errors.ts";
import { isJsonObject, memberOf } from "./drift-json.ts";
import type { Place } from "./drift-place.ts";
import {
  isClosed,
  noLongerRequired,
  opensSchema,
  SCHEMA_RULES,
  unclearWhy,
} from "./drift-schema.ts";

/** A member, or an element, that differs. */
export interface MemberChange {
  readonly key: string;
  /** `undefined` when there is none. */
  readonly before: unknown;
  readonly after: unknown;
  /** Of the object or array that the member is in. */
  readonly place: Place;
  /** That object or array. */
  readonly around: MemberChange | undefined;
}

/** Why `change` widens what the tool can do, in one line; `undefined` when no rule says so. */
export function widensWhy(change: MemberChange): string | undefined {
  const { place } = change;
  const why = placeRule(change);
  return why !== undefined && place.isResult ? `results: ${why}` : why;
}

function placeRule(change: MemberChange): string | undefined {
  const { place, key, before, after } = change;
  switch (place.role) {
    case "definition":
      return definitionRule(change);
    case "annotations":
      return hintRule(key, before, after);
    case "execution":
      return key === "taskSupport" ? taskRule(before, after) : undefined;
    case "prompt_argument":
      return promptArgumentRule(change);
    case "schema":
      return schemaRule(change);
    case "schema_list":
    case "named_schemas":
    case "properties":
    case "demands":
      return place.isUnclear ? unclearWhy() : entryRule(change);
    default:
      return undefined;
  }
}

function definitionRule({ place, key, before, after }: MemberChange): string | undefined {
  if (place.kind === "prompt") {
    return key === "arguments" ? promptArgumentsRule(before, after) : undefined;
  }
  if (place.kind !== "tool") return undefined;
  switch (key) {
    case "inputSchema":
      return before === undefined ? undefined : opensSchema("arguments", before, after);
    case "outputSchema":
      return before === undefined ? undefined : opensSchema("results", before, after);
    case "annotations": {
      const whys = [...HINTS.keys()].map((hint) =>
        hintRule(hint, memberOf(before, hint), memberOf(after, hint)),
      );
      return joined(whys);
    }
    case "execution":
      return taskRule(memberOf(before, "taskSupport"), memberOf(after, "taskSupport"));
    default:
      return undefined;
  }
}

/** MCP's hints: what an absent one means, and which value says that the tool does more. */
const HINTS: ReadonlyMap<string, { readonly absent: boolean; readonly more: boolean }> = new Map([
  ["readOnlyHint", { absent: false, more: false }],
  ["destructiveHint", { absent: true, more: true }],
  ["idempotentHint", { absent: false, more: false }],
  ["openWorldHint", { absent: true, more: true }],
]);

function hintRule(hint: string, before: unknown, after: unknown): string | undefined {
  const meaning = HINTS.get(hint);
  if (meaning === undefined) return undefined;
  const { absent, more } = meaning;
  const old = typeof before === "boolean" ? before : absent;
  const now = typeof after === "boolean" ? after : absent;
  if (old === now || now !== more) return undefined;
  const how = typeof after === "boolean" ? `${now}` : `absent, which means ${now}`;
  return `\`${hint}\` was ${old} and is ${how}`;
}

function taskRule(before: unknown, after: unknown): string | undefined {
  const mayRun = (value: unknown): boolean => value === "optional" || value === "required";
  return mayRun(after) && !mayRun(before)
    ? "a call may now go on as a task after it is answered"
    : undefined;
}

function promptArgumentsRule(before: unknown, after: unknown): string | undefined {
  const old = new Map(promptArguments(before));
  const whys = promptArguments(after).map(([name, isRequired]) => {
    const was = old.get(name);
    if (was === undefined) return `new argument ${quote(name)}`;
    return was && !isRequired ? `${quote(name)} is no longer required` : undefined;
  });
  return joined(whys);
}

function promptArguments(value: unknown): readonly (readonly [string, boolean])[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isJsonObject).map((one) => {
    const name = memberOf(one, "name");
    return [typeof name === "string" ? name : "", memberOf(one, "required") === true];
  });
}

function promptArgumentRule({ key, before, after }: MemberChange): string | undefined {
  const loses = key === "required" && before === true && after !== true;
  return loses ? "an argument is no longer required" : undefined;
}

function schemaRule(change: MemberChange): string | undefined {
  const { key, before, after, place, around } = change;
  const rule = SCHEMA_RULES.get(key);
  if (rule === undefined) return undefined;
  if (place.isUnclear) return unclearWhy();
  const schemas = { schemaBefore: around?.before, schemaAfter: around?.after };
  return rule({ keyword: key, before, after, ...schemas });
}

/** An entry of `properties`, `$defs`, `dependentSchemas`, or of a list of schemas. */
function entryRule({ key, before, after, place, around }: MemberChange): string | undefined {
  const name = quote(key);
  switch (place.role) {
    case "properties":
      if (before === undefined) return `new property ${name}`;
      if (after !== undefined) return opensSchema(name, before, after);
      return isClosed(around?.around?.after)
        ? undefined
        : `${name} is no longer described, and other properties are accepted`;
    case "demands":
      if (before === undefined) return undefined;
      if (Array.isArray(before)) {
        const why = noLongerRequired(before, after);
        return why === undefined ? undefined : `beside ${name}: ${why}`;
      }
      return opensSchema(`beside ${name}`, before, after);
    case "named_schemas":
      if (before === undefined || after === undefined) return undefined;
      return opensSchema(name, before, after);
    default:
      return opensSchema(`alternative ${key}`, before, after);
  }
}

function joined(whys: readonly (string | undefined)[]): string | undefined {
  const found = whys.filter((why) => why !== undefined);
  return found.length === 0 ? undefined : found.slice(0, 8).join("; ");
}
