// SipHash-1-3 (Aumasson and Bernstein, 2012) over (server id, kind, name).
//
// The message is the server id and the name, each padded with zeros to a multiple of 8, then
// 7 bytes: server size u8, kind u8, name size u16, 3 zeros. The sizes make it injective, and the
// server's part can be hashed once and kept.

export let v0: u64 = 0;
export let v1: u64 = 0;
export let v2: u64 = 0;
export let v3: u64 = 0;

/** Starts with a 16-byte key. */
export function hashBegin(key0: u64, key1: u64): void {
  v0 = key0 ^ 0x736f6d6570736575;
  v1 = key1 ^ 0x646f72616e646f6d;
  v2 = key0 ^ 0x6c7967656e657261;
  v3 = key1 ^ 0x7465646279746573;
}

/** Goes on from a state that was kept. */
export function hashResume(a: u64, b: u64, c: u64, d: u64): void {
  v0 = a;
  v1 = b;
  v2 = c;
  v3 = d;
}

/** Takes in `size` bytes at `at`, of which the last word is padded with zeros. */
export function hashWords(at: usize, size: u32): void {
  let a = v0;
  let b = v1;
  let c = v2;
  let d = v3;
  const end = at + usize(size);
  for (let word = at; word < end; word += 8) {
    const m = load<u64>(word);
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
  v0 = a;
  v1 = b;
  v2 = c;
  v3 = d;
}

/** Takes in the 7 last bytes and the length byte, and finishes. */
export function hashEnd(serverSize: u32, kind: u32, nameSize: u32): u64 {
  const wordsSize = ((serverSize + 7) & ~7) + ((nameSize + 7) & ~7);
  const tail = u64(serverSize) | (u64(kind) << 8) | (u64(nameSize) << 16);
  const last = tail | (u64(wordsSize + 7) << 56);
  v3 ^= last;
  round();
  v0 ^= last;
  v2 ^= 0xff;
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function round(): void {
  let a = v0 + v1;
  let b = rotl<u64>(v1, 13) ^ a;
  a = rotl<u64>(a, 32);
  let c = v2 + v3;
  let d = rotl<u64>(v3, 16) ^ c;
  a += d;
  d = rotl<u64>(d, 21) ^ a;
  c += b;
  b = rotl<u64>(b, 17) ^ c;
  v0 = a;
  v1 = b;
  v2 = rotl<u64>(c, 32);
  v3 = d;
}
