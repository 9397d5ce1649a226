// SHA-256 (FIPS 180-4), streaming and whole messages. Four messages at once: sha256x4.ts.

import { ROUND_CONSTANTS, ROUND_CONSTANTS_SIZE_BYTES } from "./sha256-constants";

// A context is one message in progress.
//
//    0        32                                       160       168
//    +--------+----------------------------------------+---------+
//    | words  | tail: the bytes of the message that do | size of |
//    | 8 x u32| not fill a block yet (0..63), and room | message |
//    |        | for the padding: at most two blocks    | u64     |
//    +--------+----------------------------------------+---------+
const CONTEXT_OFFSET_TAIL: usize = 32;
const CONTEXT_OFFSET_SIZE: usize = 160;

const BLOCK_SIZE_BYTES: u32 = 64;
/** Padding takes 9 bytes at least: a tail of 56 bytes or more needs a second block. */
const TAIL_SIZE_ONE_BLOCK_MAX: u32 = 55;

/** Lanes 0 and 2 of four words go to the lower two, or the upper two; the others are zero. */
const TO_LOW_HALF: v128 = i8x16(0, 1, 2, 3, 8, 9, 10, 11, -1, -1, -1, -1, -1, -1, -1, -1);
const TO_HIGH_HALF: v128 = i8x16(-1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 8, 9, 10, 11);

/** H(0), FIPS 180-4 section 5.3.3. */
// biome-ignore format: one row of the standard
export const INITIAL_WORDS: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
], 16);

/** The one streaming message. */
const STREAM: usize = memory.data(168, 16);
/** Messages that begin and end within one call, so that they never disturb `STREAM`. */
const WHOLE: usize = memory.data(168, 16);

/** Starts a message. Writes the streaming context only. */
export function sha256Init(): void {
  begin(STREAM);
}

/**
 * Adds bytes to the message.
 *
 * Reads `sizeBytes` bytes (as unsigned) at `data`. Writes the streaming context only.
 */
export function sha256Update(data: usize, sizeBytes: i32): void {
  update(STREAM, data, u32(sizeBytes));
}

/**
 * Ends the message. The next one needs `sha256Init`.
 *
 * Writes 32 bytes at `out`, big-endian words, and the streaming context.
 */
export function sha256Final(out: usize): void {
  finish(STREAM, out);
}

/**
 * Digest of one message in memory, the same as `sha256Init`, `sha256Update`, `sha256Final` give.
 * The streaming message is not disturbed.
 *
 * Reads `sizeBytes` bytes (as unsigned) at `data`. Writes 32 bytes at `out`, which may overlap
 * `data`.
 */
export function sha256Once(data: usize, sizeBytes: i32, out: usize): void {
  begin(WHOLE);
  update(WHOLE, data, u32(sizeBytes));
  finish(WHOLE, out);
}

/**
 * Digest of `a` followed by `b`. The streaming message is not disturbed.
 *
 * Reads `aSizeBytes` bytes at `a` and `bSizeBytes` bytes at `b` (as unsigned). Writes 32 bytes at
 * `out`, which may overlap both.
 */
export function sha256TwoParts(
  a: usize,
  aSizeBytes: i32,
  b: usize,
  bSizeBytes: i32,
  out: usize,
): void {
  begin(WHOLE);
  update(WHOLE, a, u32(aSizeBytes));
  update(WHOLE, b, u32(bSizeBytes));
  finish(WHOLE, out);
}

/**
 * Pads a tail of `tailSize` bytes (0..63) as FIPS 180-4 section 5.1.1 says: a one bit, zeros, and
 * the size of the message in bits.
 *
 * Writes `tail + tailSize` up to the end of the last block, 128 bytes from `tail` at most.
 * `tail` is 8-aligned.
 *
 * @returns the number of blocks at `tail`: 1 or 2.
 */
export function padTail(tail: usize, tailSize: u32, messageSizeBytes: u64): u32 {
  const blockCount: u32 = tailSize <= TAIL_SIZE_ONE_BLOCK_MAX ? 1 : 2;
  const end = tail + usize(blockCount) * usize(BLOCK_SIZE_BYTES);
  let word = tail + usize(tailSize & ~7);
  const usedBits = u64((tailSize & 7) << 3);
  const used = load<u64>(word) & ((u64(1) << usedBits) - 1);
  store<u64>(word, used | (u64(0x80) << usedBits));
  for (word += 8; word < end - 8; word += 8) store<u64>(word, 0);
  store<u64>(end - 8, bswap<u64>(messageSizeBytes << 3));
  return blockCount;
}

function begin(context: usize): void {
  v128.store(context, v128.load(INITIAL_WORDS));
  v128.store(context, v128.load(INITIAL_WORDS, 16), 16);
  store<u64>(context, 0, CONTEXT_OFFSET_SIZE);
}

function update(context: usize, data: usize, sizeBytes: u32): void {
  const sizeBefore = load<u64>(context, CONTEXT_OFFSET_SIZE);
  store<u64>(context, sizeBefore + u64(sizeBytes), CONTEXT_OFFSET_SIZE);
  const tail = context + CONTEXT_OFFSET_TAIL;
  const tailSize = u32(sizeBefore) & (BLOCK_SIZE_BYTES - 1);
  let from = data;
  let rest = sizeBytes;
  if (tailSize !== 0) {
    const missing = BLOCK_SIZE_BYTES - tailSize;
    if (rest < missing) {
      memory.copy(tail + usize(tailSize), from, usize(rest));
      return;
    }
    memory.copy(tail + usize(tailSize), from, usize(missing));
    compressBlocks(context, tail, 1);
    from += usize(missing);
    rest -= missing;
  }
  const blockCount = rest / BLOCK_SIZE_BYTES;
  compressBlocks(context, from, blockCount);
  from += usize(blockCount * BLOCK_SIZE_BYTES);
  memory.copy(tail, from, usize(rest & (BLOCK_SIZE_BYTES - 1)));
}

function finish(context: usize, out: usize): void {
  const size = load<u64>(context, CONTEXT_OFFSET_SIZE);
  const tail = context + CONTEXT_OFFSET_TAIL;
  compressBlocks(context, tail, padTail(tail, u32(size) & (BLOCK_SIZE_BYTES - 1), size));
  writeDigest(context, out);
}

/** Reads 8 words at `words`. Writes them at `out` in big-endian order. */
export function writeDigest(words: usize, out: usize): void {
  v128.store(out, swapBytes(v128.load(words)));
  v128.store(out, swapBytes(v128.load(words, 16)), 16);
}

/** Byte order of each of four words reversed. */
function swapBytes(words: v128): v128 {
  return v128.shuffle<u8>(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** W(t) + K(t) of one block. */
const SCHEDULE: usize = memory.data(256, 16);

/** sigma0 of four words: FIPS 180-4 section 4.1.2. */
function sigma0(words: v128): v128 {
  const turned7 = v128.xor(i32x4.shr_u(words, 7), i32x4.shl(words, 25));
  const turned18 = v128.xor(i32x4.shr_u(words, 18), i32x4.shl(words, 14));
  return v128.xor(v128.xor(turned7, turned18), i32x4.shr_u(words, 3));
}

/** sigma1 of two words, each given twice; the result is in the lower half of each pair. */
function sigma1(pairs: v128): v128 {
  // WHY: a shift of a word that stands there twice is a rotation in its lower half
  const turned = v128.xor(i64x2.shr_u(pairs, 17), i64x2.shr_u(pairs, 19));
  return v128.xor(turned, i32x4.shr_u(pairs, 10));
}

/** The next four words of the schedule from the 16 before them: section 6.2.2 step 1. */
function next4(m0: v128, m1: v128, m2: v128, m3: v128): v128 {
  const w15 = v128.shuffle<u32>(m0, m1, 1, 2, 3, 4);
  const w7 = v128.shuffle<u32>(m2, m3, 1, 2, 3, 4);
  const sum = i32x4.add(i32x4.add(m0, w7), sigma0(w15));
  const early = sigma1(v128.shuffle<u32>(m3, m3, 2, 2, 3, 3));
  const half = i32x4.add(sum, v128.swizzle(early, TO_LOW_HALF));
  // the other two need these two
  const late = sigma1(v128.shuffle<u32>(half, half, 0, 0, 1, 1));
  return i32x4.add(half, v128.swizzle(late, TO_HIGH_HALF));
}

/** T1, with h + W(t) + K(t) already added up in `sum`. */
function t1(sum: u32, e: u32, f: u32, g: u32): u32 {
  // WHY: Sigma1 last, because it is what the next round waits for
  return sum + (((f ^ g) & e) ^ g) + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25));
}

/** T1 + T2. */
function t2(sum: u32, a: u32, b: u32, c: u32): u32 {
  // WHY: nested rotations need one copy of `a` instead of three, and b ^ c of this round is a ^ b
  // of the round before: the optimiser keeps it, so Maj costs three operations instead of four
  return sum + (((a ^ b) & (b ^ c)) ^ b) + rotr<u32>(rotr<u32>(rotr<u32>(a, 9) ^ a, 11) ^ a, 2);
}

/**
 * The hash computation of FIPS 180-4 section 6.2.2 over `blockCount` blocks, 0 or more.
 *
 * Reads `blockCount` x 64 bytes at `data`. Reads and writes 8 words at `words`.
 */
// biome-ignore format: one line a round; each round moves the names on by one instead of the values
export function compressBlocks(words: usize, data: usize, blockCount: u32): void {
  let block = data;
  // WHY: counted, so that a size no memory can hold runs into the end of memory and traps
  for (let rest = blockCount; rest > 0; rest--) {
    let a = load<u32>(words), b = load<u32>(words, 4), c = load<u32>(words, 8);
    let d = load<u32>(words, 12), e = load<u32>(words, 16), f = load<u32>(words, 20);
    let g = load<u32>(words, 24), h = load<u32>(words, 28);
    let m0 = swapBytes(v128.load(block)), m1 = swapBytes(v128.load(block, 16));
    let m2 = swapBytes(v128.load(block, 32)), m3 = swapBytes(v128.load(block, 48));
    v128.store(SCHEDULE, i32x4.add(m0, v128.load(ROUND_CONSTANTS)));
    v128.store(SCHEDULE, i32x4.add(m1, v128.load(ROUND_CONSTANTS, 16)), 16);
    v128.store(SCHEDULE, i32x4.add(m2, v128.load(ROUND_CONSTANTS, 32)), 32);
    v128.store(SCHEDULE, i32x4.add(m3, v128.load(ROUND_CONSTANTS, 48)), 48);
    for (let at: usize = 0; at < ROUND_CONSTANTS_SIZE_BYTES; at += 32) {
      const now = SCHEDULE + at;
      const later = ROUND_CONSTANTS + at;
      const isLast = at >= ROUND_CONSTANTS_SIZE_BYTES - 64;
      h = t1(h + load<u32>(now), e, f, g); d += h; h = t2(h, a, b, c);
      g = t1(g + load<u32>(now, 4), d, e, f); c += g; g = t2(g, h, a, b);
      f = t1(f + load<u32>(now, 8), c, d, e); b += f; f = t2(f, g, h, a);
      e = t1(e + load<u32>(now, 12), b, c, d); a += e; e = t2(e, f, g, h);
      if (!isLast) {
        const words4 = next4(m0, m1, m2, m3);
        m0 = m1; m1 = m2; m2 = m3; m3 = words4;
        v128.store(now, i32x4.add(words4, v128.load(later, 64)), 64);
      }
      d = t1(d + load<u32>(now, 16), a, b, c); h += d; d = t2(d, e, f, g);
      c = t1(c + load<u32>(now, 20), h, a, b); g += c; c = t2(c, d, e, f);
      b = t1(b + load<u32>(now, 24), g, h, a); f += b; b = t2(b, c, d, e);
      a = t1(a + load<u32>(now, 28), f, g, h); e += a; a = t2(a, b, c, d);
      if (!isLast) {
        const words4 = next4(m0, m1, m2, m3);
        m0 = m1; m1 = m2; m2 = m3; m3 = words4;
        v128.store(now, i32x4.add(words4, v128.load(later, 80)), 80);
      }
    }
    store<u32>(words, load<u32>(words) + a);
    store<u32>(words, load<u32>(words, 4) + b, 4);
    store<u32>(words, load<u32>(words, 8) + c, 8);
    store<u32>(words, load<u32>(words, 12) + d, 12);
    store<u32>(words, load<u32>(words, 16) + e, 16);
    store<u32>(words, load<u32>(words, 20) + f, 20);
    store<u32>(words, load<u32>(words, 24) + g, 24);
    store<u32>(words, load<u32>(words, 28) + h, 28);
    block += usize(BLOCK_SIZE_BYTES);
  }
}
