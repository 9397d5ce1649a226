// RFC 6962 Merkle tree hash, one entry at a time: a stack of the roots of complete subtrees.
import { sha256Once, sha256TwoParts } from "./sha256";

/** Complete subtrees of a tree with at most 2^32 leaves. */
const STACK_DEPTH: i32 = 33;
const stack: usize = memory.data(32 * STACK_DEPTH, 16);
const leafPrefix: usize = memory.data<u8>([0]);
/** 0x01 | left root | right root */
const node: usize = memory.data(65, 16);

let leafCount: u32 = 0;
let depth: i32 = 0;

export function treeBegin(): void {
  leafCount = 0;
  depth = 0;
}

/** Appends the entry of `size` bytes at `entry`. */
export function treeAppend(entry: usize, size: i32): void {
  sha256TwoParts(leafPrefix, 1, entry, size, stack + usize(depth) * 32);
  depth += 1;
  leafCount += 1;
  // one merge for every trailing zero bit of the count: two equal subtrees become one
  for (let rest = leafCount; (rest & 1) == 0; rest >>= 1) merge();
}

/** Writes the root of what was appended since `treeBegin`: 32 bytes at `out`. */
export function treeEnd(out: usize): void {
  if (leafCount == 0) {
    sha256Once(stack, 0, out);
    return;
  }
  while (depth > 1) merge();
  memory.copy(out, stack, 32);
}

/** Replaces the two topmost roots by the root of both. */
function merge(): void {
  const left = stack + usize(depth - 2) * 32;
  store<u8>(node, 1);
  memory.copy(node + 1, left, 64);
  sha256Once(node, 65, left);
  depth -= 1;
}
