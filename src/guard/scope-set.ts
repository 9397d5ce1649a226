// A set of scopes of one catalog, ready for the kernel.
import { scopeMask } from "../catalog/scope-names.ts";
import type { Catalog } from "../catalog/types.ts";

/** 128 scope bits as four i32 words, the low one first, of the catalog `owner`. */
export class ScopeSet {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
  /** The catalog whose bits these are; a set of another catalog is never used. */
  readonly owner: Catalog;

  /** @throws {GuardError} SCOPE_UNKNOWN when the catalog has no scope of that name */
  constructor(catalog: Catalog, names: Iterable<string>) {
    const [w0, w1, w2, w3] = scopeMask(catalog, names);
    this.w0 = w0;
    this.w1 = w1;
    this.w2 = w2;
    this.w3 = w3;
    this.owner = catalog;
    Object.freeze(this);
  }
}
