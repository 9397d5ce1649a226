// Argument constraints of the catalog, asked for one call (40-gateway section 4).
import type { ArgumentConstraint, CatalogItem } from "../catalog/types.ts";
import { quote } from "../errors.ts";
import {
  type Failure,
  firstFailure,
  type PointerCheck,
  toPointerCheck,
} from "./argument-pointer.ts";
import { ArgumentSnapshot, isJsonObject } from "./argument-snapshot.ts";
import { withExactNumbers } from "./exact-numbers.ts";
import type { ProtectedPaths } from "./protected-paths.ts";

/** What refuses the arguments: a constraint's failure, no plain JSON object, or a path. */
export type ArgumentFailure = Failure | "json" | "protected";

/** The answer for the arguments of one call. */
export type ArgumentCheck =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** The catalog's pointer; empty for the arguments as a whole. */
      readonly pointer: string;
      readonly predicate: ArgumentFailure;
      /** One line, never with an argument's value or a name that the call brought. */
      readonly message: string;
    };

export interface ArgumentOptions {
  /** Paths that no argument may name: the guard's home, wrapped client configurations. */
  readonly protectedPaths?: ProtectedPaths;
}

const HOLDS: ArgumentCheck = Object.freeze({ ok: true });

const WANTED: Readonly<Record<Failure, string>> = {
  missing: "to be present, got nothing",
  type: "inside a value of the type its pointer needs, got another type",
  case: "to be the only member of that name, got one that differs in case only",
  under: "to be an absolute path under a folder the catalog names, got another text or type",
  host: "to be a url at a host and scheme the catalog names, got another text or type",
  one_of: "to be one of the values the catalog names, got another one",
  prefix: "to start as the catalog says, got another text or type",
  max_length: "to be a text no longer than the catalog allows, got a longer one or another type",
  min: "to be a number of at least the catalog's min, got a smaller one or another type",
  max: "to be a number of at most the catalog's max, got a larger one or another type",
  absent: "to be absent, got a value",
};

/** Constraints that were read before; a catalog's items live as long as the catalog. */
const CHECKS = new WeakMap<ReadonlyMap<string, ArgumentConstraint>, readonly PointerCheck[]>();

/**
 * Asks every constraint of `item`, and whether a text names a protected path.
 *
 * A refusal is a value: whatever `args` is, nothing is thrown.
 *
 * @param args raw JSON bytes (the source wherever they are at hand), a value, which is read once,
 *   or a snapshot; absent arguments are `{}`
 */
export function checkArguments(
  item: Pick<CatalogItem, "args">,
  args: unknown,
  { protectedPaths }: ArgumentOptions = {},
): ArgumentCheck {
  const snapshot = ArgumentSnapshot.of(args);
  if (snapshot === undefined) {
    return refuse("", "json", "expected arguments as one json object of plain data, got another");
  }
  const checks = checksOf(item.args);
  const root = comparable(snapshot, checks);
  for (const check of checks) {
    const failure = root === undefined ? "type" : firstFailure(check, root);
    if (failure === undefined) continue;
    const message = `expected argument ${quote(check.pointer)} ${WANTED[failure]}`;
    return refuse(check.pointer, failure, message);
  }
  return protectedPaths?.isNamedIn(snapshot.value) === true
    ? refuse("", "protected", "expected no path of the guard or of a guarded client, got one")
    : HOLDS;
}

function refuse(pointer: string, predicate: ArgumentFailure, message: string): ArgumentCheck {
  return { ok: false, pointer, predicate, message };
}

function checksOf(args: ReadonlyMap<string, ArgumentConstraint>): readonly PointerCheck[] {
  const known = CHECKS.get(args);
  if (known !== undefined) return known;
  const checks = [...args].map(([pointer, constraint]) => toPointerCheck(pointer, constraint));
  CHECKS.set(args, checks);
  return checks;
}

/** The value to ask; where numbers are compared, one in which each number is exact. */
function comparable(
  { text, value }: ArgumentSnapshot,
  checks: readonly PointerCheck[],
): ArgumentSnapshot["value"] | undefined {
  const comparesNumbers = checks.some(({ constraint }) => isNumeric(constraint));
  if (!comparesNumbers) return value;
  const exact = withExactNumbers(text);
  if (exact === text) return value;
  const parsed: unknown = JSON.parse(exact);
  return isJsonObject(parsed) ? parsed : undefined;
}

function isNumeric({ min, max, oneOf }: ArgumentConstraint): boolean {
  if (min !== undefined || max !== undefined) return true;
  return oneOf?.some((choice) => typeof choice === "number") ?? false;
}
