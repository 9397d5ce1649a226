// Scope and taint label names and their bits (10-catalog section 1).
import { GuardError, quote } from "../errors.ts";
import type { Catalog } from "./types.ts";

/** The built-in scopes; the index is the bit, fixed for ever. */
export const BUILT_IN_SCOPES: readonly string[] = [
  "fs.read",
  "fs.write",
  "fs.delete",
  "exec",
  "net.fetch",
  "net.send",
  "secrets.read",
  "db.read",
  "db.write",
  "repo.read",
  "repo.write",
  "msg.send",
  "browser.use",
  "code.run",
  "payments",
  "admin",
];

/** The built-in taint labels; the index is the bit, fixed for ever. */
export const BUILT_IN_TAINTS: readonly string[] = ["untrusted", "private", "secret"];

/** A set of scopes: bit n is bit `n % 32` of word `n / 32`; each word is an i32. */
export type ScopeMask = readonly [number, number, number, number];

/**
 * Bits of names: the built-in ones first, then `operatorNames` in the order of their bytes.
 *
 * @param operatorNames - ASCII, without duplicates and built-in names; any order.
 */
export function assignBits(
  builtIn: readonly string[],
  operatorNames: Iterable<string>,
): ReadonlyMap<string, number> {
  // WHY: the names are ASCII, so the default order (UTF-16 code units) is the order of their bytes
  const names = [...builtIn, ...[...operatorNames].sort()];
  return new Map(names.map((name, bit) => [name, bit]));
}

/**
 * The set of the scopes called `names`.
 *
 * @throws {GuardError} SCOPE_UNKNOWN when the catalog has no scope of that name.
 */
export function scopeMask(catalog: Pick<Catalog, "scopeBits">, names: Iterable<string>): ScopeMask {
  const words: [number, number, number, number] = [0, 0, 0, 0];
  for (const name of names) {
    const bit = catalog.scopeBits.get(name);
    if (bit === undefined) {
      const hint = "declare it under [scopes] or correct the name";
      throw new GuardError("SCOPE_UNKNOWN", `expected a scope name, got ${quote(name)}; ${hint}`);
    }
    const value = 1 << (bit & 31);
    if (bit < 32) words[0] |= value;
    else if (bit < 64) words[1] |= value;
    else if (bit < 96) words[2] |= value;
    else words[3] |= value;
  }
  return words;
}
