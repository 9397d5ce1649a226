// SHA-256 (FIPS 180-4) of four messages at once, one in each lane of a 128-bit vector.
import { compressBlocks, INITIAL_WORDS, padTail, writeDigest } from "./sha256";
import { ROUND_CONSTANTS, ROUND_CONSTANTS_SIZE_BYTES } from "./sha256-constants";

const LANE_COUNT: u32 = 4;
const BLOCK_SIZE_BYTES: u32 = 64;
const TAIL_SIZE_BYTES: u32 = 128;
const DIGEST_SIZE_BYTES: u32 = 32;

// The words of the four messages side by side: word i of message m at 16 i + 4 m.
//
//    0     4     8     12    16                        128
//    +-----+-----+-----+-----+-----+-----+-----+--...--+
//    | a 0 | a 1 | a 2 | a 3 | b 0 | b 1 | b 2 |       |   8 x v128
//    +-----+-----+-----+-----+-----+-----+-----+--...--+
const LANES: usize = memory.data(128, 16);
/** The words of each message on its own: 4 x 8 words. */
const WORDS: usize = memory.data(128, 16);

// Where the messages are, their whole blocks, and their blocks with the padding.
//
//    0          16                32                48
//    +----------+-----------------+-----------------+
//    | data x 4 | whole count x 4 | block count x 4 |   u32 each, message m at 4 m
//    +----------+-----------------+-----------------+
const MESSAGES: usize = memory.data(48, 16);
const MESSAGES_OFFSET_DATA: usize = 0;
const MESSAGES_OFFSET_WHOLE_COUNT: usize = 16;
const MESSAGES_OFFSET_BLOCK_COUNT: usize = 32;

/** What follows the last whole block of each message, padded: 4 x 128 bytes. */
const TAILS: usize = memory.data(512, 16);

// W(t) of the four messages: word t at 16 (t mod 16), lanes as in LANES.
const SCHEDULE: usize = memory.data(256, 16);
const SCHEDULE_SIZE_BYTES: usize = 256;
/** Eight rounds' words: half of the schedule. */
const HALF_SIZE_BYTES: usize = 128;

/**
 * Digests of four messages of any sizes. The streaming message of sha256.ts is not disturbed.
 *
 * Reads each message (`size` bytes, as unsigned, at `data`). Writes 4 x 32 bytes at `out`,
 * big-endian words, in the order of the messages; `out` may overlap the messages.
 */
export function sha256x4(
  data0: usize,
  size0: i32,
  data1: usize,
  size1: i32,
  data2: usize,
  size2: i32,
  data3: usize,
  size3: i32,
  out: usize,
): void {
  const count0 = prepare(0, data0, u32(size0));
  const count1 = prepare(1, data1, u32(size1));
  const count2 = prepare(2, data2, u32(size2));
  const count3 = prepare(3, data3, u32(size3));
  // WHY: a block in four lanes takes 272 ns, a single block 109: with fewer than three messages
  // left, each goes on alone
  const sharedCount = thirdLargest(count0, count1, count2, count3);
  for (let word: usize = 0; word < 8; word++) {
    v128.store(LANES + word * 16, v128.load_splat<u32>(INITIAL_WORDS + word * 4));
  }
  for (let index: u32 = 0; index < sharedCount; index++) {
    compressLanes(
      blockAt(0, index),
      blockAt(1, index),
      blockAt(2, index),
      blockAt(3, index),
      lanesAt(index),
    );
  }
  for (let lane: u32 = 0; lane < LANE_COUNT; lane++) finishAlone(lane, sharedCount);
  for (let lane: u32 = 0; lane < LANE_COUNT; lane++) {
    const at = usize(lane * DIGEST_SIZE_BYTES);
    writeDigest(WORDS + at, out + at);
  }
}

/**
 * Writes the record and the padded tail of one message. Reads its bytes past the last whole block.
 *
 * @returns its blocks, padding included.
 */
function prepare(lane: u32, data: usize, sizeBytes: u32): u32 {
  const tail = TAILS + usize(lane * TAIL_SIZE_BYTES);
  const wholeCount = sizeBytes / BLOCK_SIZE_BYTES;
  const tailSize = sizeBytes & (BLOCK_SIZE_BYTES - 1);
  memory.copy(tail, data + usize(sizeBytes - tailSize), usize(tailSize));
  const blockCount = wholeCount + padTail(tail, tailSize, u64(sizeBytes));
  const message = MESSAGES + usize(lane * 4);
  store<u32>(message, u32(data), MESSAGES_OFFSET_DATA);
  store<u32>(message, wholeCount, MESSAGES_OFFSET_WHOLE_COUNT);
  store<u32>(message, blockCount, MESSAGES_OFFSET_BLOCK_COUNT);
  return blockCount;
}

/** Address of block `index` of a message; of some block of its tail when the message has ended. */
function blockAt(lane: u32, index: u32): usize {
  const message = MESSAGES + usize(lane * 4);
  const wholeCount = load<u32>(message, MESSAGES_OFFSET_WHOLE_COUNT);
  const data = load<u32>(message, MESSAGES_OFFSET_DATA);
  const tail = u32(TAILS) + lane * TAIL_SIZE_BYTES;
  const past = (index - wholeCount) & 1;
  return usize(
    index < wholeCount ? data + index * BLOCK_SIZE_BYTES : tail + past * BLOCK_SIZE_BYTES,
  );
}

/** All ones in the lanes whose message has a block `index`. */
function lanesAt(index: u32): v128 {
  const counts = v128.load(MESSAGES, MESSAGES_OFFSET_BLOCK_COUNT);
  return i32x4.gt_u(counts, i32x4.splat(i32(index)));
}

/** Takes the words of a message out of its lane and computes its blocks from `index` on. */
function finishAlone(lane: u32, index: u32): void {
  const words = WORDS + usize(lane * DIGEST_SIZE_BYTES);
  const from = LANES + usize(lane * 4);
  v128.store(words, gather(from, from + 16, from + 32, from + 48, 0));
  v128.store(words, gather(from, from + 16, from + 32, from + 48, 64), 16);
  const message = MESSAGES + usize(lane * 4);
  const wholeCount = load<u32>(message, MESSAGES_OFFSET_WHOLE_COUNT);
  const blockCount = load<u32>(message, MESSAGES_OFFSET_BLOCK_COUNT);
  let next = index;
  if (next < wholeCount) {
    compressBlocks(words, blockAt(lane, next), wholeCount - next);
    next = wholeCount;
  }
  if (next < blockCount) compressBlocks(words, blockAt(lane, next), blockCount - next);
}

function thirdLargest(a: u32, b: u32, c: u32, d: u32): u32 {
  const largerOfLower = max<u32>(min<u32>(a, b), min<u32>(c, d));
  const smallerOfUpper = min<u32>(max<u32>(a, b), max<u32>(c, d));
  return min<u32>(largerOfLower, smallerOfUpper);
}

function add(a: v128, b: v128): v128 {
  return i32x4.add(a, b);
}

/** Four words, one from each place, all at `offset`. */
function gather(p0: usize, p1: usize, p2: usize, p3: usize, offset: usize): v128 {
  let words = v128.load_zero<u32>(p0 + offset);
  words = v128.load_lane<u32>(p1 + offset, words, 1);
  words = v128.load_lane<u32>(p2 + offset, words, 2);
  words = v128.load_lane<u32>(p3 + offset, words, 3);
  return words;
}

/** One word of each message, at `offset` in its block. */
function wordsAt(p0: usize, p1: usize, p2: usize, p3: usize, offset: usize): v128 {
  const words = gather(p0, p1, p2, p3, offset);
  return v128.shuffle<u8>(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** W(t), FIPS 180-4 section 6.2.2 step 1. There are no rotations in WebAssembly's vectors. */
function next(w16: v128, w15: v128, w7: v128, w2: v128): v128 {
  const rotr7 = v128.xor(i32x4.shr_u(w15, 7), i32x4.shl(w15, 25));
  const rotr18 = v128.xor(i32x4.shr_u(w15, 18), i32x4.shl(w15, 14));
  const sigma0 = v128.xor(v128.xor(rotr7, rotr18), i32x4.shr_u(w15, 3));
  const rotr17 = v128.xor(i32x4.shr_u(w2, 17), i32x4.shl(w2, 15));
  const rotr19 = v128.xor(i32x4.shr_u(w2, 19), i32x4.shl(w2, 13));
  const sigma1 = v128.xor(v128.xor(rotr17, rotr19), i32x4.shr_u(w2, 10));
  return add(add(w16, sigma0), add(w7, sigma1));
}

/** T1; `kw` is K(t) + W(t). */
function t1(h: v128, kw: v128, e: v128, f: v128, g: v128): v128 {
  const rotr6 = v128.xor(i32x4.shr_u(e, 6), i32x4.shl(e, 26));
  const rotr11 = v128.xor(i32x4.shr_u(e, 11), i32x4.shl(e, 21));
  const rotr25 = v128.xor(i32x4.shr_u(e, 25), i32x4.shl(e, 7));
  const sigma1 = v128.xor(v128.xor(rotr6, rotr11), rotr25);
  return add(add(add(h, kw), v128.bitselect(f, g, e)), sigma1);
}

/** T1 + T2. */
function t2(sum: v128, a: v128, b: v128, c: v128): v128 {
  // WHY: Sigma0 as a chain of right shifts and a chain of left shifts, no more operations and
  // fewer values alive than three rotations; 64 KiB: 933 MiB/s in sum against 854
  const right = v128.xor(a, i32x4.shr_u(v128.xor(a, i32x4.shr_u(a, 9)), 11));
  const left = v128.xor(a, i32x4.shl(v128.xor(a, i32x4.shl(a, 11)), 9));
  const sigma0 = v128.xor(i32x4.shr_u(right, 2), i32x4.shl(left, 10));
  const majority = v128.xor(v128.and(v128.xor(a, b), v128.xor(b, c)), b);
  return add(add(sum, majority), sigma0);
}

/** Adds `words` to the words at `at` in the lanes of `mask`. */
function addWords(at: usize, words: v128, mask: v128): void {
  v128.store(at, add(v128.load(at), v128.and(words, mask)));
}

/**
 * The hash computation of FIPS 180-4 section 6.2.2 over one block of each message.
 *
 * Reads 64 bytes at each of `p0` to `p3`. Reads and writes `LANES`, in the lanes of `mask` only;
 * writes `SCHEDULE`.
 */
// WHY: eight rounds in a loop with the schedule in memory are as fast as 16 with it in locals, which
// the engine spills anyway (512 B a message: 671 to 701 ns against 666 to 682), and take half the code.
// biome-ignore format: one line a round; each round moves the names on by one instead of the values
function compressLanes(p0: usize, p1: usize, p2: usize, p3: usize, mask: v128): void {
  let a = v128.load(LANES), b = v128.load(LANES, 16), c = v128.load(LANES, 32);
  let d = v128.load(LANES, 48), e = v128.load(LANES, 64), f = v128.load(LANES, 80);
  let g = v128.load(LANES, 96), h = v128.load(LANES, 112);
  for (let at: usize = 0; at < SCHEDULE_SIZE_BYTES; at += 16) {
    v128.store(SCHEDULE + at, wordsAt(p0, p1, p2, p3, at >> 2));
  }
  let k = ROUND_CONSTANTS;
  let from = SCHEDULE;
  for (; from < SCHEDULE + SCHEDULE_SIZE_BYTES; from += HALF_SIZE_BYTES) {
    h = t1(h, add(v128.load(from), v128.load_splat<u32>(k, 0)), e, f, g); d = add(d, h); h = t2(h, a, b, c);
    g = t1(g, add(v128.load(from, 16), v128.load_splat<u32>(k, 4)), d, e, f); c = add(c, g); g = t2(g, h, a, b);
    f = t1(f, add(v128.load(from, 32), v128.load_splat<u32>(k, 8)), c, d, e); b = add(b, f); f = t2(f, g, h, a);
    e = t1(e, add(v128.load(from, 48), v128.load_splat<u32>(k, 12)), b, c, d); a = add(a, e); e = t2(e, f, g, h);
    d = t1(d, add(v128.load(from, 64), v128.load_splat<u32>(k, 16)), a, b, c); h = add(h, d); d = t2(d, e, f, g);
    c = t1(c, add(v128.load(from, 80), v128.load_splat<u32>(k, 20)), h, a, b); g = add(g, c); c = t2(c, d, e, f);
    b = t1(b, add(v128.load(from, 96), v128.load_splat<u32>(k, 24)), g, h, a); f = add(f, b); b = t2(b, c, d, e);
    a = t1(a, add(v128.load(from, 112), v128.load_splat<u32>(k, 28)), f, g, h); e = add(e, a); a = t2(a, b, c, d);
    k += 32;
  }
  let to = SCHEDULE;
  from = SCHEDULE + HALF_SIZE_BYTES;
  let w = v128.load(SCHEDULE);
  // `to` is the half that these rounds write, `from` the other one; they change places
  for (; k < ROUND_CONSTANTS + ROUND_CONSTANTS_SIZE_BYTES; k += 32) {
    w = next(v128.load(to), v128.load(to, 16), v128.load(from, 16), v128.load(from, 96)); v128.store(to, w);
    h = t1(h, add(w, v128.load_splat<u32>(k, 0)), e, f, g); d = add(d, h); h = t2(h, a, b, c);
    w = next(v128.load(to, 16), v128.load(to, 32), v128.load(from, 32), v128.load(from, 112)); v128.store(to, w, 16);
    g = t1(g, add(w, v128.load_splat<u32>(k, 4)), d, e, f); c = add(c, g); g = t2(g, h, a, b);
    w = next(v128.load(to, 32), v128.load(to, 48), v128.load(from, 48), v128.load(to)); v128.store(to, w, 32);
    f = t1(f, add(w, v128.load_splat<u32>(k, 8)), c, d, e); b = add(b, f); f = t2(f, g, h, a);
    w = next(v128.load(to, 48), v128.load(to, 64), v128.load(from, 64), v128.load(to, 16)); v128.store(to, w, 48);
    e = t1(e, add(w, v128.load_splat<u32>(k, 12)), b, c, d); a = add(a, e); e = t2(e, f, g, h);
    w = next(v128.load(to, 64), v128.load(to, 80), v128.load(from, 80), v128.load(to, 32)); v128.store(to, w, 64);
    d = t1(d, add(w, v128.load_splat<u32>(k, 16)), a, b, c); h = add(h, d); d = t2(d, e, f, g);
    w = next(v128.load(to, 80), v128.load(to, 96), v128.load(from, 96), v128.load(to, 48)); v128.store(to, w, 80);
    c = t1(c, add(w, v128.load_splat<u32>(k, 20)), h, a, b); g = add(g, c); c = t2(c, d, e, f);
    w = next(v128.load(to, 96), v128.load(to, 112), v128.load(from, 112), v128.load(to, 64)); v128.store(to, w, 96);
    b = t1(b, add(w, v128.load_splat<u32>(k, 24)), g, h, a); f = add(f, b); b = t2(b, c, d, e);
    w = next(v128.load(to, 112), v128.load(from), v128.load(to), v128.load(to, 80)); v128.store(to, w, 112);
    a = t1(a, add(w, v128.load_splat<u32>(k, 28)), f, g, h); e = add(e, a); a = t2(a, b, c, d);
    const written = to;
    to = from;
    from = written;
  }
  addWords(LANES, a, mask);
  addWords(LANES + 16, b, mask);
  addWords(LANES + 32, c, mask);
  addWords(LANES + 48, d, mask);
  addWords(LANES + 64, e, mask);
  addWords(LANES + 80, f, mask);
  addWords(LANES + 96, g, mask);
  addWords(LANES + 112, h, mask);
}
