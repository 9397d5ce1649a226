// Principal -> row of the image: what the host tells the kernel about who calls.
import { PatternTable, principalPatterns } from "../catalog/principal-patterns.ts";
import type { Catalog } from "../catalog/types.ts";

/** The rows of one catalog's image. */
export class PrincipalRows {
  readonly #rows: PatternTable<number>;

  constructor(catalog: Pick<Catalog, "principals" | "rules">) {
    const patterns = principalPatterns(catalog);
    this.#rows = new PatternTable(patterns.map((pattern, index) => [pattern, index + 1] as const));
  }

  /**
   * The row of the closest pattern that matches `principal`, counted from 1; 0 = no pattern does.
   *
   * A row is no permission: the kernel decides what the catalog says about it.
   */
  rowOf(principal: string): number {
    return this.#rows.match(principal) ?? 0;
  }
}
