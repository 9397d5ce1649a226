// The lists of indices that rules and principal rows of an image refer to; equal ones stand once.
import { LIMIT_IMAGE_LIST_WORDS } from "../abi/limits.ts";
import { GuardError } from "../errors.ts";

/** A list in the image's lists section, counted in words of 4 bytes. */
export interface IndexList {
  readonly first: number;
  readonly count: number;
}

const EMPTY: IndexList = { first: 0, count: 0 };

/** The lists of one image under construction. */
export class IndexLists {
  readonly #parts: (readonly number[])[] = [];
  readonly #byKey = new Map<string, IndexList>();
  #size = 0;

  /** Words in all lists. */
  get size(): number {
    return this.#size;
  }

  /**
   * The list called `key`, made by `indices` when there is none yet.
   *
   * @param key equal for equal lists only
   * @param indices in any order, with any duplicates
   * @throws {GuardError} IMAGE_LIMIT above 16 777 216 words
   */
  add(key: string, indices: () => Iterable<number>): IndexList {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const sorted = [...new Set(indices())].sort((a, b) => a - b);
    const list = sorted.length === 0 ? EMPTY : { first: this.#size, count: sorted.length };
    if (this.#size + sorted.length > LIMIT_IMAGE_LIST_WORDS) {
      const message = `expected at most ${LIMIT_IMAGE_LIST_WORDS} words in the lists of rules and principals, got more; name fewer of them, or split the catalog`;
      throw new GuardError("IMAGE_LIMIT", message);
    }
    this.#byKey.set(key, list);
    this.#parts.push(sorted);
    this.#size += sorted.length;
    return list;
  }

  /** Writes all lists at byte `at`. */
  write(view: DataView, at: number): void {
    let next = at;
    for (const part of this.#parts) {
      for (const index of part) {
        view.setUint32(next, index, true);
        next += 4;
      }
    }
  }
}
