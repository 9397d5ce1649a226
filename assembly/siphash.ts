// SipHash-1-3 (Aumasson and Bernstein, 2012) over (server id, kind, name).
//
// The message is the server id and the name, each padded with zeros to a multiple of 8, then
// 7 bytes: server size u8, kind u8, name size u16, 3 zeros. The sizes make it injective, and the
// server's part can be hashed once and kept.

import { nameBuffer, padded, serverAt } from "./memory";

const SIP_0: u64 = 0x736f6d6570736575;
const SIP_1: u64 = 0x646f72616e646f6d;
const SIP_2: u64 = 0x6c7967656e657261;
const SIP_3: u64 = 0x7465646279746573;

/** State behind the server id that `hashServer` took in last. */
export let v0: u64 = 0;
export let v1: u64 = 0;
export let v2: u64 = 0;
export let v3: u64 = 0;

/** Sets the state behind a server id, for `hashName`. */
export function keepServer(a: u64, b: u64, c: u64, d: u64): void {
  v0 = a;
  v1 = b;
  v2 = c;
  v3 = d;
}

/** The 8 bytes at `at`. */
export function wordAt(at: usize): u64 {
  // WHY: two loads of 4 bytes, which is how a host writes names: a load of 8 would wait until both
  // stores have left the store buffer
  return u64(load<u32>(at)) | (u64(load<u32>(at, 4)) << 32);
}

/**
 * Takes in the server id at `at`, from the 16-byte key on. Leaves the state in v0..v3.
 *
 * Reads `size` bytes and the zeros behind them up to a multiple of 8.
 */
export function hashServer(key0: u64, key1: u64, at: usize, size: u32): void {
  let a = key0 ^ SIP_0;
  let b = key1 ^ SIP_1;
  let c = key0 ^ SIP_2;
  let d = key1 ^ SIP_3;
  const end = at + usize(size);
  for (let from = at; from < end; from += 8) {
    const m = wordAt(from);
    d ^= m;
    a += b;
    b = rotl<u64>(b, 13) ^ a;
    a = rotl<u64>(a, 32);
    c += d;
    d = rotl<u64>(d, 16) ^ c;
    a += d;
    d = rotl<u64>(d, 21) ^ a;
    c += b;
    b = rotl<u64>(b, 17) ^ c;
    c = rotl<u64>(c, 32);
    a ^= m;
  }
  keepServer(a, b, c, d);
}

/** Hash of the name at `at` behind the server id whose state is in v0..v3. */
export function hashName(at: usize, size: u32, serverSize: u32, kind: u32): u64 {
  return hashRest(v0, v1, v2, v3, at, at + usize(padded(size)), sizesOf(serverSize, kind, size));
}

/** Hash of the server id and the name in the buffers. */
export function hashPair(key0: u64, key1: u64, serverSize: u32, kind: u32, size: u32): u64 {
  // WHY: one loop over both; the end of each loop of its own is mispredicted, 4 to 5 ns
  const end = nameBuffer + usize(padded(size));
  const sizes = sizesOf(serverSize, kind, size);
  return hashRest(
    key0 ^ SIP_0,
    key1 ^ SIP_1,
    key0 ^ SIP_2,
    key1 ^ SIP_3,
    serverAt(serverSize),
    end,
    sizes,
  );
}

/** The last word of the message: the sizes, and the size of it all in the top byte. */
function sizesOf(serverSize: u32, kind: u32, size: u32): u64 {
  const messageSize = padded(serverSize) + padded(size) + 7;
  const sizes = u64(serverSize) | (u64(kind) << 8) | (u64(size) << 16);
  return sizes | (u64(messageSize) << 56);
}

/** Takes in the words from `at` up to `end` and `last`, and ends the hash. */
function hashRest(a0: u64, b0: u64, c0: u64, d0: u64, at: usize, end: usize, last: u64): u64 {
  // WHY: the state stays in locals and the rounds are spelled out; in globals every step adds a
  // store and a load to what is one chain of dependent operations
  let a = a0;
  let b = b0;
  let c = c0;
  let d = d0;
  for (let from = at; from < end; from += 8) {
    const m = wordAt(from);
    d ^= m;
    a += b;
    b = rotl<u64>(b, 13) ^ a;
    a = rotl<u64>(a, 32);
    c += d;
    d = rotl<u64>(d, 16) ^ c;
    a += d;
    d = rotl<u64>(d, 21) ^ a;
    c += b;
    b = rotl<u64>(b, 17) ^ c;
    c = rotl<u64>(c, 32);
    a ^= m;
  }
  d ^= last;
  // one round for the last word, then three that take nothing in
  for (let round = 0; round < 4; round++) {
    a += b;
    b = rotl<u64>(b, 13) ^ a;
    a = rotl<u64>(a, 32);
    c += d;
    d = rotl<u64>(d, 16) ^ c;
    a += d;
    d = rotl<u64>(d, 21) ^ a;
    c += b;
    b = rotl<u64>(b, 17) ^ c;
    c = rotl<u64>(c, 32);
    if (round != 0) continue;
    a ^= last;
    c ^= 0xff;
  }
  return a ^ b ^ c ^ d;
}
