// The index hash against an independent SipHash-1-3, itself checked with SipHash-2-4's published
// vectors (the paper's appendix A and the first of the reference implementation's table).
import { describe, expect, it } from "vitest";
import { HEADER_OFFSET_HASH_KEY } from "../../src/abi/layout.ts";
import { utf8 } from "../../src/bytes.ts";
import { loadImage } from "../../src/kernel/image-kernel.ts";
import { openOracleCatalog } from "../fixtures/oracle-catalog.ts";
import { createRandom } from "../oracle/random.ts";

const MASK = (1n << 64n) - 1n;
const rotate = (x: bigint, bits: bigint): bigint => ((x << bits) | (x >> (64n - bits))) & MASK;

/** SipHash-c-d of `message` under a 16-byte key. */
function sipHash(c: number, d: number, key: Uint8Array, message: Uint8Array): bigint {
  const word = (bytes: Uint8Array, at: number): bigint => Buffer.from(bytes).readBigUInt64LE(at);
  const [k0, k1] = [word(key, 0), word(key, 8)];
  const v: [bigint, bigint, bigint, bigint] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const round = (): void => {
    v[0] = (v[0] + v[1]) & MASK;
    v[2] = (v[2] + v[3]) & MASK;
    v[1] = rotate(v[1], 13n) ^ v[0];
    v[3] = rotate(v[3], 16n) ^ v[2];
    v[0] = rotate(v[0], 32n);
    v[2] = (v[2] + v[1]) & MASK;
    v[0] = (v[0] + v[3]) & MASK;
    v[1] = rotate(v[1], 17n) ^ v[2];
    v[3] = rotate(v[3], 21n) ^ v[0];
    v[2] = rotate(v[2], 32n);
  };
  const size = Math.floor(message.length / 8) * 8;
  const padded = Buffer.alloc(size + 8);
  padded.set(message);
  padded[size + 7] = message.length & 0xff;
  for (let at = 0; at <= size; at += 8) {
    const m = padded.readBigUInt64LE(at);
    v[3] ^= m;
    for (let count = 0; count < c; count++) round();
    v[0] ^= m;
  }
  v[2] ^= 0xffn;
  for (let count = 0; count < d; count++) round();
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

function padded(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
}

describe("SipHash", () => {
  const key = Uint8Array.from({ length: 16 }, (_, index) => index);

  it("the independent implementation reproduces the published vectors", () => {
    const message = Uint8Array.from({ length: 15 }, (_, index) => index);
    expect(sipHash(2, 4, key, message)).toBe(0xa129ca6149be45e5n);
    expect(sipHash(2, 4, key, new Uint8Array(0))).toBe(0x726fdb47dd0e0e31n);
  });

  it("the kernel hashes (server, kind, name) as SipHash-1-3 of their framing", async () => {
    const catalog = await openOracleCatalog({
      expiresMs: 1_800_000_000_000,
      operatorScopes: [],
      servers: [{ id: "files", operatorVerified: true, onDrift: "block-tool", items: [] }],
    });
    const { image } = catalog;
    const kernel = loadImage(image, 64);
    const imageKey = image.subarray(HEADER_OFFSET_HASH_KEY, HEADER_OFFSET_HASH_KEY + 16);
    const random = createRandom(1);
    for (let round = 0; round < 2_000; round++) {
      const server = "s".repeat(random.below(65));
      const name = "é".repeat(random.below(4)) + "n".repeat(random.below(120));
      const kind = 1 + random.below(4);
      const [serverSize, nameSize] = [utf8(server).length, utf8(name).length];
      kernel.writeNames(utf8(server), utf8(name));
      kernel.exports.hashNames(serverSize, kind, nameSize);
      const tail = Buffer.alloc(7);
      tail.writeUInt8(serverSize, 0);
      tail.writeUInt8(kind, 1);
      tail.writeUInt16LE(nameSize, 2);
      const message = Buffer.concat([padded(server), padded(name), tail]);
      const actual = Buffer.from(kernel.readDigest()).readBigUInt64LE(0);
      expect(actual).toBe(sipHash(1, 3, imageKey, message));
    }
  });
});
