// Where a constraint applies: RFC 6901 pointers with `*` for every element of an array.
import type { ArgumentConstraint } from "../catalog/types.ts";
import { holds, type Predicate, predicatesOf } from "./argument-predicates.ts";
import { isJsonObject, type JsonObject } from "./argument-snapshot.ts";
import { simpleFold } from "./case-fold.ts";

/** What a constrained place fails: a predicate, or a rule that holds for every constraint. */
export type Failure = Predicate | "missing" | "type" | "case";

/** One constraint of the `args` table, ready to be asked. */
export interface PointerCheck {
  readonly pointer: string;
  readonly tokens: readonly string[];
  readonly constraint: ArgumentConstraint;
  readonly predicates: readonly Predicate[];
  /** `absent` is the one predicate that a missing argument satisfies, where it stands alone. */
  readonly mayBeMissing: boolean;
}

/** Reads a pointer that the catalog's parser accepted. */
export function toPointerCheck(pointer: string, constraint: ArgumentConstraint): PointerCheck {
  const predicates = predicatesOf(constraint);
  const mayBeMissing = predicates.length === 1 && predicates[0] === "absent";
  return { pointer, tokens: tokensOf(pointer), constraint, predicates, mayBeMissing };
}

/** Tokens of an RFC 6901 pointer: `~1` is `/`, `~0` is `~`. */
function tokensOf(pointer: string): readonly string[] {
  const tokens = pointer.split("/").slice(1);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** What of `check` does not hold in `root`; `undefined` when all does. */
export function firstFailure(check: PointerCheck, root: JsonObject): Failure | undefined {
  // a constraint that says nothing is a mistake, and no permission
  if (check.predicates.length === 0 || check.tokens.length === 0) return "missing";
  return failureAt(check, root, 0);
}

function failureAt(check: PointerCheck, value: unknown, depth: number): Failure | undefined {
  const token = check.tokens[depth];
  if (token === undefined) {
    return check.predicates.find((predicate) => !holds(predicate, check.constraint, value));
  }
  if (token === "*") {
    if (!Array.isArray(value)) return "type";
    return firstOf(value, (element) => failureAt(check, element, depth + 1));
  }
  if (Array.isArray(value)) {
    if (!/^(?:0|[1-9][0-9]*)$/.test(token)) return "type";
    const elements: readonly unknown[] = value;
    const index = Number(token);
    return index < elements.length ? failureAt(check, elements[index], depth + 1) : missing(check);
  }
  if (!isJsonObject(value)) return "type";
  if (hasLookAlike(value, token)) return "case";
  return Object.hasOwn(value, token) ? failureAt(check, value[token], depth + 1) : missing(check);
}

function missing({ mayBeMissing }: PointerCheck): Failure | undefined {
  return mayBeMissing ? undefined : "missing";
}

function firstOf(
  elements: readonly unknown[],
  find: (element: unknown) => Failure | undefined,
): Failure | undefined {
  for (const element of elements) {
    const failure = find(element);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** True when a member equals `name` under simple case folding without being it. */
function hasLookAlike(value: JsonObject, name: string): boolean {
  const folded = simpleFold(name);
  // simple folding keeps the number of UTF-16 units
  return Object.keys(value).some(
    (other) => other.length === name.length && other !== name && simpleFold(other) === folded,
  );
}
