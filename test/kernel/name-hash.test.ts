// The index hash against the formula of assembly/name-hash.ts in integers of any size; its keys against a
// SplitMix64 that is itself checked with published numbers.
import { describe, expect, it } from "vitest";
import { HEADER_OFFSET_HASH_KEY } from "../../src/abi/layout.ts";
import { utf8 } from "../../src/bytes.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { loadImage } from "../../src/kernel/image-kernel.ts";
import { openOracleCatalog } from "../fixtures/oracle-catalog.ts";
import { createRandom } from "../oracle/random.ts";

const MASK = (1n << 64n) - 1n;
const STEP = 0x9e3779b97f4a7c15n;
const KEY_COUNT = 530;

function mix(word: bigint): bigint {
  const once = ((word ^ (word >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  const twice = ((once ^ (once >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return twice ^ (twice >> 31n);
}

/** The first `count` numbers of SplitMix64 from a start. */
function splitMix(start: bigint, count: number): bigint[] {
  return Array.from({ length: count }, (_, index) =>
    mix((start + STEP * BigInt(index + 1)) & MASK),
  );
}

function keysOf(image: Uint8Array): bigint[] {
  const key = Buffer.from(image).subarray(HEADER_OFFSET_HASH_KEY);
  const [low, high] = [key.readBigUInt64LE(0), key.readBigUInt64LE(8)];
  return splitMix(mix(mix((low + STEP) & MASK) ^ high), KEY_COUNT);
}

function padded(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
}

function hashOf(keys: readonly bigint[], server: string, kind: number, name: string): bigint {
  const words = Buffer.concat([padded(server), padded(name)]);
  const sizes = utf8(server).length + kind * 2 ** 8 + utf8(name).length * 2 ** 16;
  let sum = (keys[KEY_COUNT - 2] ?? 0n) + (keys[KEY_COUNT - 1] ?? 0n) * BigInt(sizes);
  for (let at = 0; at < words.length; at += 4) {
    sum += (keys[at / 4] ?? 0n) * BigInt(words.readUInt32LE(at));
  }
  return mix(sum & MASK);
}

function catalogOf(): Promise<TrustedCatalog> {
  const server = { id: "files", operatorVerified: true, onDrift: "block-tool", items: [] } as const;
  return openOracleCatalog({ expiresMs: 1_800_000_000_000, operatorScopes: [], servers: [server] });
}

describe("the index hash", () => {
  it("has keys of SplitMix64, which this test computes as published", () => {
    expect(splitMix(1_234_567n, 5)).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
      4593380528125082431n,
      16408922859458223821n,
    ]);
  });

  it("is the kernel's for every server, kind and name, up to the longest ones", async () => {
    const { image } = await catalogOf();
    const kernel = loadImage(image, 64);
    const keys = keysOf(image);
    const random = createRandom(1);
    for (let round = 0; round < 2_000; round++) {
      const server = "s".repeat(random.below(65));
      const length = round < 10 ? 2_048 - 3 * 2 : random.below(120);
      const name = "é".repeat(random.below(4)) + "n".repeat(length);
      const kind = 1 + random.below(4);
      kernel.writeNames(utf8(server), utf8(name));
      kernel.exports.hashNames(utf8(server).length, kind, utf8(name).length);
      const actual = Buffer.from(kernel.readDigest()).readBigUInt64LE(0);
      expect(actual).toBe(hashOf(keys, server, kind, name));
    }
  });

  it("tells names apart that differ in one place, in their kind, or in where the server ends", async () => {
    const keys = keysOf((await catalogOf()).image);
    const names = Array.from({ length: 20_000 }, (_, index) => `tool_${index}`);
    const hashes = [
      ...names.map((name) => hashOf(keys, "files", 1, name)),
      ...names.map((name) => hashOf(keys, "files", 2, name)),
      ...names.map((name) => hashOf(keys, "file", 1, `s${name}`)),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    // what the index takes its buckets from is spread as evenly as chance would: 60 000 in 256
    const buckets = new Map<bigint, number>();
    for (const hash of hashes) {
      const bucket = (hash & 0xffffffffn) >> 24n;
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    }
    expect(buckets.size).toBe(256);
    expect(Math.max(...buckets.values())).toBeLessThan(330);
    expect(Math.min(...buckets.values())).toBeGreaterThan(150);
  });
});
