// The index hash of (server id, kind, name): multilinear over words of 32 bits with keys of 64 (Lemire
// and Kaser, "Strongly universal string hashing is fast", 2014, section 3), then mixed.
//
//   hash = mix(K[528] + K[529] * sizes + sum of K[i] * word[i])       mod 2^64
//
// The words are the server id and the name, each padded with zeros to a multiple of 8 bytes; `sizes` is
// server size u8, kind u8, name size u16, which makes it injective. The server's sum can be kept.
//
// WHY: a word takes a product and a sum that wait for no other word, where SipHash-1-3 takes a round of 14 steps
// for two of them. It need not keep an attacker from finding names of one hash: a probe is one slot and one
// compare of names, whatever was asked for, and an image is compiled only where the hashes of its own names
// are distinct, under one of 64 sets of keys that have nothing to do with each other.
import { nameBuffer, padded, serverAt } from "./memory";

/** Words of the longest server id and the longest name. */
const WORD_COUNT: u32 = 528;
const KEY_SIZE: usize = 8;
/** K[0] to K[529], u64 each. */
const KEYS: usize = memory.data(4240, 16);
const KEY_START: usize = KEYS + WORD_COUNT * KEY_SIZE;

/** Steps and multipliers of SplitMix64 (Steele, Lea and Flood 2014), as its authors' generator has them. */
const STEP: u64 = 0x9e3779b97f4a7c15;
const MIX_1: u64 = 0xbf58476d1ce4e5b9;
const MIX_2: u64 = 0x94d049bb133111eb;

/** Every bit of the result depends on every bit of `word`. */
function mix(word: u64): u64 {
  const once = (word ^ (word >> 30)) * MIX_1;
  const twice = (once ^ (once >> 27)) * MIX_2;
  return twice ^ (twice >> 31);
}

/** Makes the keys from the 16 bytes of an image: SplitMix64 from a start that both halves decide. */
export function setHashKey(key0: u64, key1: u64): void {
  let state = mix(mix(key0 + STEP) ^ key1);
  for (let key = KEYS; key <= KEY_START + KEY_SIZE; key += KEY_SIZE) {
    state += STEP;
    store<u64>(key, mix(state));
  }
}

/** Sum over the words from `at` up to `end`, of which the first has the key at `key`. */
function sumOf(at: usize, end: usize, key: usize): u64 {
  let sum: u64 = 0;
  let from = at;
  let factor = key;
  // WHY: loads of 4 bytes, which is how a host writes names: a load of 8 would wait until both
  // stores have left the store buffer
  for (; from < end; from += 8) {
    sum += load<u64>(factor) * u64(load<u32>(from));
    sum += load<u64>(factor, 8) * u64(load<u32>(from, 4));
    factor += 2 * KEY_SIZE;
  }
  return sum;
}

/**
 * Sum over the server id at `at`.
 *
 * Reads `size` bytes and the zeros behind them up to a multiple of 8.
 */
export function serverSum(at: usize, size: u32): u64 {
  return sumOf(at, at + usize(padded(size)), KEYS);
}

/** Hash of the name at `at` behind the server id of `size` bytes with this sum. */
export function hashBehind(sum: u64, serverSize: u32, kind: u32, at: usize, nameSize: u32): u64 {
  const key = KEYS + usize(padded(serverSize)) * 2;
  return finish(sum + sumOf(at, at + usize(padded(nameSize)), key), serverSize, kind, nameSize);
}

/** Hash of the server id and the name in the buffers. */
export function hashPair(serverSize: u32, kind: u32, nameSize: u32): u64 {
  // WHY: one loop over both; the end of each loop of its own is mispredicted, 4 to 5 ns
  const end = nameBuffer + usize(padded(nameSize));
  return finish(sumOf(serverAt(serverSize), end, KEYS), serverSize, kind, nameSize);
}

function finish(sum: u64, serverSize: u32, kind: u32, nameSize: u32): u64 {
  const sizes = u64(serverSize) | (u64(kind) << 8) | (u64(nameSize) << 16);
  return mix(sum + load<u64>(KEY_START) + load<u64>(KEY_START, 8) * sizes);
}
