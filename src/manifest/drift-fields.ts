// Which members of a definition differ, as a list.
import type { ItemKind } from "../catalog/types.ts";
import { canonicalJson, isJsonObject, isSameJson, memberOf } from "./drift-json.ts";
import { comparesElements, definitionPlace, memberPlace, type Place } from "./drift-place.ts";
import type { DriftBudget, FieldDrift } from "./drift-types.ts";
import { visible, visibleLines } from "./drift-visible.ts";
import { type MemberChange, widensWhy } from "./drift-widening.ts";
import { diffWords } from "./drift-words.ts";

/** Members of one item told one by one; above it, its outermost members are told. */
const FIELDS_MAX = 1000;
const REASONS_MAX = 8;
const KEY_CHARACTERS_MAX = 128;
const PATH_CHARACTERS_MAX = 512;

/**
 * The differences of two definitions, in the order of their members' names.
 *
 * Objects are compared member by member. Arrays are compared element by element when they are
 * equally long and hold objects, else as one value. Above 1 000 differences, or when the budget is
 * spent, each outermost member that differs is one field, with the first eight reasons of
 * widening in it.
 *
 * @param values as `parseDefinition` gives them
 */
export function diffDefinitions(
  kind: ItemKind,
  values: { readonly before: unknown; readonly after: unknown },
  budget: DriftBudget,
): FieldDrift[] {
  const countMax = Math.min(FIELDS_MAX, budget.fieldsLeft);
  const found: { readonly change: MemberChange; readonly path: string }[] = [];
  let count = 0;
  walk(rootOf(values), definitionPlace(kind), "", (change, path) => {
    count++;
    if (count <= countMax) found.push({ change, path });
  });
  const fields =
    count > countMax
      ? diffOutermost(kind, values, budget)
      : found.map(({ change, path }) => fieldOf(change, cutPath(path), widensWhy(change), budget));
  budget.fieldsLeft -= fields.length;
  return fields;
}

/** A text that is no definition: all of it is one field. */
export function diffText(
  before: string | undefined,
  after: string,
  budget: DriftBudget,
): FieldDrift {
  return fieldOf(rootOf({ before, after }), "", undefined, budget);
}

type Visit = (change: MemberChange, path: string) => void;

function rootOf(values: { readonly before: unknown; readonly after: unknown }): MemberChange {
  return { ...values, key: "", place: definitionPlace("tool"), around: undefined };
}

/** @param place of the value itself; `change.place` is the one of the object around it */
function walk(change: MemberChange, place: Place, path: string, visit: Visit): void {
  const { before, after } = change;
  const isWhole = place.role === "whole";
  if (!isWhole && isJsonObject(before) && isJsonObject(after)) {
    for (const key of unionOf(before, after)) {
      const member = memberChange(change, place, key);
      walk(member, nextPlace(member), `${path}/${pointerKey(key)}`, visit);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && comparesElements(place, before, after)) {
    for (const index of before.keys()) {
      const [old, fresh]: readonly unknown[] = [before[index], after[index]];
      const element = { key: String(index), before: old, after: fresh, place, around: change };
      walk(element, nextPlace(element), `${path}/${index}`, visit);
    }
    return;
  }
  if (!isSameJson(before, after)) visit(change, path);
}

function memberChange(around: MemberChange, place: Place, key: string): MemberChange {
  const before = memberOf(around.before, key);
  const after = memberOf(around.after, key);
  return { key, before, after, place, around };
}

function nextPlace({ place, key, before, after }: MemberChange): Place {
  return memberPlace(place, key, before, after);
}

function diffOutermost(
  kind: ItemKind,
  values: { readonly before: unknown; readonly after: unknown },
  budget: DriftBudget,
): FieldDrift[] {
  const root = rootOf(values);
  const { before, after } = values;
  if (!isJsonObject(before) || !isJsonObject(after)) {
    return [fieldOf(root, "", undefined, budget)];
  }
  const fields: FieldDrift[] = [];
  for (const key of unionOf(before, after)) {
    const change = memberChange(root, definitionPlace(kind), key);
    if (isSameJson(change.before, change.after)) continue;
    const reasons = new Set<string>();
    walk(change, nextPlace(change), "", (inner) => {
      const why = reasons.size < REASONS_MAX ? widensWhy(inner) : undefined;
      if (why !== undefined) reasons.add(why);
    });
    const why = reasons.size === 0 ? undefined : [...reasons].join("; ");
    fields.push(fieldOf(change, `/${pointerKey(key)}`, why, budget));
  }
  return fields;
}

function fieldOf(
  { before, after }: MemberChange,
  path: string,
  widens: string | undefined,
  budget: DriftBudget,
): FieldDrift {
  const old = before === undefined ? undefined : visible(canonicalJson(before));
  const fresh = after === undefined ? undefined : visible(canonicalJson(after));
  const change = old === undefined ? "added" : fresh === undefined ? "removed" : "changed";
  const isText = [before, after].every((value) => value === undefined || typeof value === "string");
  const readable = (value: unknown, text: string | undefined): string =>
    isText && typeof value === "string" ? visibleLines(value) : (text ?? "");
  const words = diffWords(readable(before, old), readable(after, fresh), budget);
  return { path, change, old, new: fresh, words, widens };
}

/** Names of both, sorted by UTF-16 code units, as RFC 8785 does. */
function unionOf(before: object, after: object): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
}

/** RFC 6901; a long key is cut, since every member below it would repeat it. */
function pointerKey(key: string): string {
  const isLong = key.length > KEY_CHARACTERS_MAX;
  const cut = isLong ? `${key.slice(0, KEY_CHARACTERS_MAX).toWellFormed()}…` : key;
  return cut.replaceAll("~", "~0").replaceAll("/", "~1");
}

function cutPath(path: string): string {
  if (path.length <= PATH_CHARACTERS_MAX) return path;
  const half = PATH_CHARACTERS_MAX / 2;
  return `${path.slice(0, half)}…${path.slice(-half)}`.toWellFormed();
}
