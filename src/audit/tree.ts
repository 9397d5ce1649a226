// The growing RFC 6962 tree of one log: the roots of its complete subtrees, largest first.
import { sha256 } from "../kernel/digest.ts";
import { leafHash, nodeHash } from "../kernel/merkle.ts";

/** A Merkle tree that only grows. */
export class MerkleTree {
  readonly #peaks: Uint8Array[] = [];
  #size = 0;

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** Appends an entry; returns its leaf, SHA-256(0x00 || entry). */
  append(entry: Uint8Array): Uint8Array {
    const leaf = leafHash(entry);
    let node: Uint8Array = leaf;
    // one merge for every trailing one bit of the old size: two equal subtrees become one
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      const left = this.#peaks.pop();
      if (left !== undefined) node = nodeHash(left, node);
    }
    this.#peaks.push(node);
    this.#size += 1;
    return leaf;
  }

  /** The root of what was appended so far: 32 bytes; of nothing, SHA-256 of nothing. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (let index = this.#peaks.length - 1; index >= 0; index--) {
      const peak = this.#peaks[index];
      if (peak !== undefined) root = root === undefined ? peak : nodeHash(peak, root);
    }
    return root ?? sha256(new Uint8Array(0));
  }
}
