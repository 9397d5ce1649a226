// What a text looks like at a glance: whether it is worth a closer look for encodings and spaced letters.
import { SHAPE_DIGITS, SHAPE_LONG_WORD, SHAPE_SPACED, SHAPE_WORD_SIZE } from "../src/abi/patterns";
import { input, inputCapacity, terminateInput } from "./memory";

/** What the text of `size` bytes in the input region looks like: SHAPE_*. */
export function scanShape(size: i32): i32 {
  if (usize(u32(size)) > inputCapacity) return -1;
  terminateInput(usize(size));
  let shape = 0;
  let word = 0;
  const end = input + usize(size);
  for (let at = input; at < end; at += 16) {
    const block = v128.load(at);
    const blanks = i8x16.bitmask(i8x16.le_u(block, i8x16.splat(0x20)));
    if (blanks == 0) {
      word += 16;
    } else {
      if (word + ctz(blanks) >= SHAPE_WORD_SIZE) shape |= SHAPE_LONG_WORD;
      word = clz(blanks) - 16;
    }
    if (word >= SHAPE_WORD_SIZE) shape |= SHAPE_LONG_WORD;
    // WHY: 0x20 to 0x2f are the space and the marks that letters are pulled apart with
    const marks = i8x16.le_u(i8x16.sub(block, i8x16.splat(0x20)), i8x16.splat(0x0f));
    const lines = i8x16.eq(block, i8x16.splat(0x5f));
    if (popcnt(i8x16.bitmask(v128.or(marks, lines))) >= 6) shape |= SHAPE_SPACED;
    const digits = i8x16.le_u(i8x16.sub(block, i8x16.splat(0x30)), i8x16.splat(9));
    if (popcnt(i8x16.bitmask(digits)) >= 3) shape |= SHAPE_DIGITS;
  }
  return shape;
}
