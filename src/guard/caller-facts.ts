// What a frame holds of who calls: made once for an identity.
import { fromHex } from "../bytes.ts";
import { scopeMask } from "../catalog/scope-names.ts";
import type { Catalog } from "../catalog/types.ts";
import { type DigestWords, digestWords, type ScopeWords } from "../kernel/decide.ts";
import type { RequestIdentity } from "./identity.ts";
import { PrincipalRows } from "./principal-rows.ts";

export interface CallerFacts {
  readonly principal: DigestWords;
  readonly session: DigestWords;
  /** Row of the image; 0 = no pattern matches. */
  readonly row: number;
  /** `undefined` = no cap. */
  readonly cap: ScopeWords | undefined;
  /** The session, and those it descends from. */
  readonly sessions: readonly string[];
}

/** Callers of one catalog under one cap. */
export class CallerFactsCache {
  readonly #catalog: Catalog;
  readonly #rows: PrincipalRows;
  readonly #cap: readonly string[] | undefined;
  readonly #known = new WeakMap<RequestIdentity, CallerFacts>();

  /** @param cap names of the scopes a call may need at most; `undefined` = no cap */
  constructor(catalog: Catalog, cap: readonly string[] | undefined) {
    this.#catalog = catalog;
    this.#rows = new PrincipalRows(catalog);
    this.#cap = cap;
  }

  /** @param identity made by `createRequestIdentity` */
  of(identity: RequestIdentity): CallerFacts {
    const known = this.#known.get(identity);
    if (known !== undefined) return known;
    const facts: CallerFacts = {
      principal: hashWords(identity.principalHash),
      session: hashWords(identity.sessionHash),
      row: this.#rows.rowOf(identity.principal),
      cap: this.#capOf(identity.scopeCap),
      sessions: [identity.sessionHash, ...identity.ancestorHashes],
    };
    this.#known.set(identity, facts);
    return facts;
  }

  /** Both caps; a name that the catalog does not have grants nothing. */
  #capOf(own: readonly string[] | undefined): ScopeWords | undefined {
    const cap = this.#cap;
    if (own === undefined && cap === undefined) return undefined;
    const both =
      own === undefined ? cap : cap === undefined ? own : own.filter((n) => cap.includes(n));
    return scopeWords(
      this.#catalog,
      (both ?? []).filter((name) => this.#catalog.scopeBits.has(name)),
    );
  }
}

/** @throws {GuardError} SCOPE_UNKNOWN when the catalog has no scope of one of the names */
export function scopeWords(catalog: Catalog, names: Iterable<string>): ScopeWords {
  const [w0, w1, w2, w3] = scopeMask(catalog, names);
  return { w0, w1, w2, w3 };
}

/** Words of 64 lower-case hex digits; zeros for anything else, which equal no digest. */
export function hashWords(hex: string): DigestWords {
  const bytes = fromHex(hex);
  return bytes?.length === 32 ? digestWords(bytes) : NO_DIGEST;
}

/** What stands where there is no digest. */
export const NO_DIGEST: DigestWords = new Int32Array(8);
