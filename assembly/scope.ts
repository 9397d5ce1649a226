// Scope sets: 128 bits as two words, the low one first.
import { ITEM_OFFSET_SCOPE } from "../src/abi/layout";

/** Cap of the session: no item whose scope is not within it is callable. */
let capLow: u64 = u64.MAX_VALUE;
let capHigh: u64 = u64.MAX_VALUE;

export function setCap(low: u64, high: u64): void {
  capLow = low;
  capHigh = high;
}

/** True when every bit of the item's scope is within the session's cap. Reads 16 bytes. */
export function isWithinCap(item: usize): bool {
  const low = load<u64>(item, ITEM_OFFSET_SCOPE) & ~capLow;
  const high = load<u64>(item, ITEM_OFFSET_SCOPE + 8) & ~capHigh;
  return (low | high) == 0;
}

/** True when every requested bit is granted by the item. Reads 16 bytes. */
export function isGranted(item: usize, low: u64, high: u64): bool {
  const lowMissing = low & ~load<u64>(item, ITEM_OFFSET_SCOPE);
  const highMissing = high & ~load<u64>(item, ITEM_OFFSET_SCOPE + 8);
  return (lowMissing | highMissing) == 0;
}

/** Two i32 words as one unsigned 64-bit word. */
export function joinWords(low: i32, high: i32): u64 {
  return u64(u32(low)) | (u64(u32(high)) << 32);
}
