// The drift report of one item: the live definition against the pinned one, member by member
// (20-fingerprint section 4). It explains; what is admitted is decided by the digests alone.
import type { Effect, ItemKind } from "../catalog/types.ts";
import { diffDefinitions, diffText } from "./drift-fields.ts";
import { parseDefinition } from "./drift-json.ts";
import { type DriftBudget, driftBudget, type ItemDrift, type LiveText } from "./drift-types.ts";
import { fingerprintInstructions } from "./fingerprint.ts";

/** What a catalog, and perhaps its lock, have of one item. */
export interface PinnedText {
  readonly kind: ItemKind;
  readonly name: string;
  /** Accepted digests, the current one first. */
  readonly fingerprints: readonly string[];
  /** The definition that was pinned; `undefined` without a lock: then digests are compared. */
  readonly canonical: string | undefined;
  readonly scope?: readonly string[];
  readonly effect?: Effect;
}

/**
 * How a live definition differs from the pinned one.
 *
 * @param budget - shared by the items of one report.
 * @returns `undefined` when its digest is an accepted one.
 */
export function driftOf(
  pinned: PinnedText,
  live: LiveText,
  budget: DriftBudget = driftBudget(),
): ItemDrift | undefined {
  const { kind, name, fingerprints, scope = [], effect } = pinned;
  const actual = live.fingerprint;
  if (actual !== undefined && fingerprints.includes(actual)) return undefined;
  const before = definitionOf(pinned.canonical);
  const after = definitionOf(live.canonical);
  const isKnown = before !== undefined && after !== undefined;
  return {
    kind,
    name,
    reason: "fingerprint_drift",
    expected: fingerprints,
    actual,
    fields: isKnown ? diffDefinitions(kind, { before, after }, budget) : [],
    error: live.error,
    scope,
    effect,
  };
}

/** The report of what was never pinned: every member is new, and none of them is judged alone. */
export function smuggleOf(live: LiveText, budget: DriftBudget = driftBudget()): ItemDrift {
  const { kind, name = "", fingerprint, error } = live;
  const after = definitionOf(live.canonical);
  const fields = after === undefined ? [] : diffDefinitions(kind, { before: {}, after }, budget);
  return {
    kind,
    name,
    reason: "tool_smuggle",
    expected: [],
    actual: fingerprint,
    fields: fields.map((field) => ({ ...field, widens: undefined })),
    error,
    scope: [],
    effect: undefined,
  };
}

/**
 * How the live instructions differ from the pinned ones; absent and empty ones are the same.
 *
 * @param locked - the text of the lock; it counts when its digest is the pinned one.
 * @returns `undefined` when they do not differ.
 */
export function instructionsDriftOf(
  pinned: { readonly digest: string | undefined; readonly locked: string | undefined },
  text: string | undefined,
  budget: DriftBudget = driftBudget(),
): ItemDrift | undefined {
  const empty = fingerprintInstructions("");
  const expected = pinned.digest ?? empty;
  const actual = fingerprintInstructions(text ?? "");
  if (actual === expected) return undefined;
  const before = expected === empty ? "" : pinned.locked?.toWellFormed();
  const isKnown = before !== undefined && fingerprintInstructions(before) === expected;
  const after = (text ?? "").toWellFormed();
  return {
    kind: "instructions",
    name: "",
    reason: "fingerprint_drift",
    expected: pinned.digest === undefined ? [] : [pinned.digest],
    actual,
    fields: isKnown ? [diffText(before === "" ? undefined : before, after, budget)] : [],
    error: undefined,
    scope: [],
    effect: undefined,
  };
}

/** One item as `diff --json` prints it. */
export function driftJson(item: ItemDrift): Record<string, unknown> {
  const { kind, name, reason, expected, actual, fields, error } = item;
  return {
    kind,
    name,
    reason,
    expected,
    actual: actual ?? null,
    fields: fields.map(({ path, change, old, new: fresh, words, widens }) => ({
      path,
      change,
      old: old ?? null,
      new: fresh ?? null,
      words,
      widens: widens ?? null,
    })),
    ...(error === undefined ? {} : { error }),
  };
}

function definitionOf(canonical: string | undefined): object | undefined {
  return canonical === undefined ? undefined : parseDefinition(canonical);
}
