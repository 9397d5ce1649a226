// Compiled input schemas by item digest, bounded.
import { LIMIT_CACHED_SCHEMAS, LIMIT_CACHED_SUBSCHEMAS } from "./argument-limits.ts";
import { SchemaCheck } from "./schema.ts";

/** Keeps the schemas that were used last; what was dropped is compiled again when it is needed. */
export class SchemaCache {
  readonly #checks = new Map<string, SchemaCheck>();
  #subschemas = 0;

  /** Compiled schemas that are kept at the moment. */
  get size(): number {
    return this.#checks.size;
  }

  /**
   * The compiled schema of the item with this digest.
   *
   * @param digest digest of the whole definition, `sha256:<hex>`, that `inputSchema` is part of
   * @param inputSchema raw JSON bytes or a value; asked for only when it is not kept
   */
  get(digest: string, inputSchema: () => unknown): SchemaCheck {
    const known = this.#checks.get(digest);
    if (known !== undefined) {
      this.#checks.delete(digest);
      this.#checks.set(digest, known);
      return known;
    }
    const made = SchemaCheck.compile(inputSchema());
    this.#checks.set(digest, made);
    this.#subschemas += made.subschemas;
    this.#shrink();
    return made;
  }

  /** Drops those that were not used for longest. */
  #shrink(): void {
    for (const [digest, { subschemas }] of this.#checks) {
      const isFull =
        this.#checks.size > LIMIT_CACHED_SCHEMAS || this.#subschemas > LIMIT_CACHED_SUBSCHEMAS;
      if (!isFull) return;
      this.#checks.delete(digest);
      this.#subschemas -= subschemas;
    }
  }
}
