// SipHash-1-3 (Aumasson and Bernstein, 2012) over (server id, kind, name).
//
// The message is the server id and the name, each padded with zeros to a multiple of 8, then
// 7 bytes: server size u8, kind u8, name size u16, 3 zeros. The sizes make it injective, and the
// server's part can be hashed once and kept.

/** State behind the server id of the last hash, or of `keepServer`. */
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

/**
 * The next `left` (1 or more) bytes at `at`, at most 8, as one word; bytes behind them count as
 * zeros. Reads 8 bytes.
 */
export function nameWord(at: usize, left: u32): u64 {
  // WHY: two loads of 4 bytes, which is how a host writes names: a load of 8 would wait until both
  // stores have left the store buffer
  const word = u64(load<u32>(at)) | (u64(load<u32>(at, 4)) << 32);
  return left >= 8 ? word : word & ((u64(1) << u64(left << 3)) - 1);
}

/** Takes in the server id at `at`, from the 16-byte key on. Leaves the state in v0..v3. */
export function hashServer(key0: u64, key1: u64, at: usize, size: u32): void {
  let a = key0 ^ 0x736f6d6570736575;
  let b = key1 ^ 0x646f72616e646f6d;
  let c = key0 ^ 0x6c7967656e657261;
  let d = key1 ^ 0x7465646279746573;
  for (let offset: u32 = 0; offset < size; offset += 8) {
    const m = nameWord(at + usize(offset), size - offset);
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
  // WHY: the state stays in locals and the rounds are spelled out; in globals every step adds a
  // store and a load to what is one chain of dependent operations
  let a = v0;
  let b = v1;
  let c = v2;
  let d = v3;
  for (let offset: u32 = 0; offset < size; offset += 8) {
    const m = nameWord(at + usize(offset), size - offset);
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
  // the sizes, then three rounds that take nothing in
  const wordsSize = ((serverSize + 7) & ~7) + ((size + 7) & ~7);
  const sizes = u64(serverSize) | (u64(kind) << 8) | (u64(size) << 16);
  let last = sizes | (u64(wordsSize + 7) << 56);
  d ^= last;
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
