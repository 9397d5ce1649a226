// A set of scopes of one catalog, ready for the kernel.
import { scopeMask } from "../catalog/scope-names.ts";
import type { Catalog } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";

/** 128 scope bits as four i32 words, the low one first, of the catalog `owner`. */
export class ScopeSet {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
  /** The catalog whose bits these are; a set of another catalog is never used. */
  readonly owner: Catalog;
  readonly #isReal = true;

  /** True for a set that the constructor made; its members are frozen numbers. */
  static isScopeSet(value: unknown): value is ScopeSet {
    return typeof value === "object" && value !== null && #isReal in value;
  }

  /**
   * @throws {GuardError} SCOPE_UNKNOWN when the catalog has no scope of that name;
   *   ARGUMENT_INVALID for what is no list
   */
  constructor(catalog: Catalog, names: Iterable<string>) {
    // WHY: callers in plain JavaScript; what is no list of names is one clear fault
    if (typeof names !== "object" || names === null || !(Symbol.iterator in names)) {
      throw new GuardError("ARGUMENT_INVALID", "expected a list of scope names");
    }
    const [w0, w1, w2, w3] = scopeMask(catalog, names);
    this.w0 = w0;
    this.w1 = w1;
    this.w2 = w2;
    this.w3 = w3;
    this.owner = catalog;
    Object.freeze(this);
  }
}

/**
 * A real set of this catalog as it is; names, or anything else that can be iterated, as a new set;
 * `null` for a set of another catalog, which has other bits.
 *
 * @throws {GuardError} SCOPE_UNKNOWN when the catalog has no scope of that name
 */
export function ownScopeSet(
  catalog: Catalog,
  scopes: ScopeSet | Iterable<string>,
): ScopeSet | null {
  const set = ScopeSet.isScopeSet(scopes) ? scopes : new ScopeSet(catalog, scopes);
  return set.owner === catalog ? set : null;
}
