// assembly/sha256.ts and assembly/sha256x4.ts against FIPS 180-4 vectors and node:crypto.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "../../src/bytes.ts";
import { loadSha, type Sha } from "./sha256-harness.ts";

interface Vector {
  readonly name: string;
  readonly part: string;
  readonly repeat: number;
  readonly digest: string;
}

const DIGEST_SIZE = 32;
/** Room for four digests before the messages; filled with a canary around each digest. */
const OUT_SIZE = 192;
const CANARY = 0xa5;

const POOL: Uint8Array<ArrayBuffer> = randomPool(300_000);
const VECTORS: readonly Vector[] = readVectors();

let sha: Sha;
let out = 0;
let data = 0;

beforeAll(async () => {
  sha = await loadSha();
  out = sha.dataStart + 64;
  data = out + OUT_SIZE;
});

describe("SHA-256 of one message", () => {
  it("the module asks nothing of its host", () => {
    expect(WebAssembly.Module.imports(sha.module)).toEqual([]);
  });

  it.each(VECTORS)("FIPS 180-4: $name", ({ part, repeat, digest }) => {
    const message = utf8(part.repeat(repeat));
    expect(fromHex(digest)).toHaveLength(DIGEST_SIZE);
    expect(once(message)).toBe(digest);
    expect(streamed([message])).toBe(digest);
    expect(inLanes([message, message, message, message])).toEqual(Array(4).fill(digest));
  });

  it("every size from 0 to 300 bytes has the digest node:crypto gives", () => {
    for (let size = 0; size <= 300; size++) {
      const message = POOL.subarray(size, size * 2);
      expect([size, once(message)]).toEqual([size, reference(message)]);
    }
  });

  it("random sizes up to 70 000 bytes have the digest node:crypto gives", () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(1000), (size, from) => {
        const message = POOL.subarray(from, from + size);
        expect(once(message)).toBe(reference(message));
      }),
    );
  });

  it("the address of a message or of its digest does not matter", () => {
    for (let shift = 0; shift < 16; shift++) {
      for (const size of [0, 1, 55, 56, 63, 64, 65, 200]) {
        const message = POOL.subarray(shift, shift + size);
        place(data + shift, message);
        sha.once(data + shift, size, out + shift);
        expect([shift, size, digestAt(out + shift)]).toEqual([shift, size, reference(message)]);
      }
    }
  });

  it("a message that ends with memory is read to its last byte and no further", () => {
    for (const size of [1, 55, 63, 64, 127, 300]) {
      const message = POOL.subarray(0, size);
      const at = sha.memory.length - size;
      place(at, message);
      sha.once(at, size, out);
      expect(digestAt(out)).toBe(reference(message));
      sha.x4(...[at, size, at, size, at, size, at, size], out);
      expect(digestsAt(out)).toEqual(Array(4).fill(reference(message)));
    }
  });

  it("a message that reaches past memory traps and gives no digest", () => {
    for (const [back, size] of [
      [10, 11],
      [64, 65],
      [64, 128],
      [1000, -1],
    ] as const) {
      sha.memory.fill(CANARY, out, out + DIGEST_SIZE);
      const at = sha.memory.length - back;
      expect(() => sha.once(at, size, out)).toThrow(WebAssembly.RuntimeError);
      expect(() => sha.x4(data, 0, data, 0, data, 0, at, size, out)).toThrow(
        WebAssembly.RuntimeError,
      );
      expect(canariesAt(out, DIGEST_SIZE)).toBe(true);
    }
    // and a trap in the middle of one message leaves nothing in the next
    expect(once(POOL.subarray(0, 100))).toBe(reference(POOL.subarray(0, 100)));
  });

  it("only the digest is written, and it may be written over the message", () => {
    const message = POOL.subarray(0, 200);
    sha.memory.fill(CANARY, out, out + OUT_SIZE);
    place(data, message);
    sha.once(data, message.length, out + 64);
    expect(canariesAt(out, 64) && canariesAt(out + 96, OUT_SIZE - 96)).toBe(true);
    expect(sha.memory.slice(data, data + message.length)).toEqual(message);
    sha.once(data, message.length, data + 90);
    expect(digestAt(data + 90)).toBe(reference(message));
  });
});

describe("SHA-256 of a message in parts", () => {
  it("any way of cutting a message gives the digest of the whole", () => {
    const sizes = fc.array(fc.oneof(fc.nat(70), fc.nat(5000), fc.constant(64)), { maxLength: 14 });
    fc.assert(
      fc.property(sizes, fc.nat(1000), (partSizes, from) => {
        let end = from;
        const parts = partSizes.map((size) => {
          end += size;
          return POOL.subarray(end - size, end);
        });
        expect(streamed(parts)).toBe(reference(POOL.subarray(from, end)));
      }),
    );
  });

  it("a message of 300 bytes cut anywhere in two has one digest", () => {
    const whole = POOL.subarray(0, 300);
    const digest = reference(whole);
    for (let cut = 0; cut <= whole.length; cut++) {
      place(data, whole);
      sha.twoParts(data, cut, data + cut, whole.length - cut, out);
      expect([cut, digestAt(out)]).toEqual([cut, digest]);
      expect([cut, streamed([whole.subarray(0, cut), whole.subarray(cut)])]).toEqual([cut, digest]);
    }
  });

  it("a part that fills a block to its last byte is not lost", () => {
    for (let held = 1; held < 64; held++) {
      for (const after of [0, 1, 64]) {
        const whole = POOL.subarray(held, held + 64 + after);
        const parts = [whole.subarray(0, held), whole.subarray(held, 64), whole.subarray(64)];
        expect([held, after, streamed(parts)]).toEqual([held, after, reference(whole)]);
      }
    }
  });

  it("a message of more than 2^32 bits counts them all", () => {
    const part = POOL.subarray(0, 1 << 18);
    const partCount = 2049; // one part more than 2^29 bytes
    const expected = createHash("sha256");
    place(data, part);
    sha.init();
    for (let index = 0; index < partCount; index++) {
      sha.update(data, part.length);
      expected.update(part);
    }
    sha.final(out);
    expect(digestAt(out)).toBe(expected.digest("hex"));
  });

  it("two parts from two places, in order, of any sizes", () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(20_000), (aSize, bSize) => {
        const a = POOL.subarray(0, aSize);
        const b = POOL.subarray(50_000, 50_000 + bSize);
        place(data, b);
        place(data + bSize + 7, a);
        sha.twoParts(data + bSize + 7, aSize, data, bSize, out);
        expect(digestAt(out)).toBe(createHash("sha256").update(a).update(b).digest("hex"));
      }),
    );
  });

  it("whole messages digested in between do not disturb a streaming one", () => {
    const whole = POOL.subarray(0, 1000);
    const other = POOL.subarray(2000, 2177);
    const digest = reference(other);
    sha.init();
    for (let from = 0; from < whole.length; from += 100) {
      expect(once(other)).toBe(digest);
      expect(inLanes([other, whole, other, other])[3]).toBe(digest);
      sha.twoParts(data, 9, data + 9, 100, out);
      place(data, whole.subarray(from, from + 100));
      sha.update(data, 100);
    }
    expect(once(other)).toBe(digest);
    sha.final(out);
    expect(digestAt(out)).toBe(reference(whole));
  });

  it("an abandoned message leaves nothing in the next one", () => {
    place(data, POOL.subarray(0, 99));
    sha.init();
    sha.update(data, 99);
    expect(streamed([POOL.subarray(5, 10)])).toBe(reference(POOL.subarray(5, 10)));
  });
});

describe("SHA-256 of four messages in lanes", () => {
  it("every combination of short, padded-over, whole-block, long and empty lanes", () => {
    const sizes = [0, 1, 55, 56, 64, 119, 120, 500];
    const messages = sizes.map((size, index) => POOL.subarray(index * 501, index * 501 + size));
    const places = messages.map((_, index) => data + index * 512 + index);
    for (const [index, message] of messages.entries()) place(places[index] ?? 0, message);
    const digests = messages.map(reference);
    for (let combination = 0; combination < sizes.length ** 4; combination++) {
      const picks = [0, 3, 6, 9].map((bits) => (combination >> bits) & 7);
      sha.x4(...picks.flatMap((pick) => [places[pick] ?? 0, sizes[pick] ?? 0]), out);
      const expected = picks.map((pick) => digests[pick]);
      // WHY: 4 096 cases; `expect` on each costs more than the digests
      if (digestsAt(out).join() !== expected.join()) {
        expect({ picks, digests: digestsAt(out) }).toEqual({ picks, digests: expected });
      }
    }
  });

  it("random sizes up to 70 000 bytes, at any address", () => {
    const lane = fc.tuple(fc.oneof(fc.nat(70), fc.nat(700), fc.nat(70_000)), fc.nat(15));
    fc.assert(
      fc.property(fc.tuple(lane, lane, lane, lane), (lanes) => {
        let at = data;
        const messages = lanes.map(([size, shift], index) => {
          const message = POOL.subarray(index * 70_000, index * 70_000 + size);
          at += shift;
          place(at, message);
          at += size;
          return { at: at - size, message };
        });
        sha.x4(...messages.flatMap(({ at, message }) => [at, message.length]), out);
        expect(digestsAt(out)).toEqual(messages.map(({ message }) => reference(message)));
      }),
    );
  });

  it("lanes may share bytes, and the digests may be written over them", () => {
    const whole = POOL.subarray(0, 400);
    place(data, whole);
    const [a, b, c, d] = [
      [0, 400],
      [1, 399],
      [0, 64],
      [100, 250],
    ] as const;
    sha.x4(...[a, b, c, d].flatMap(([from, size]) => [data + from, size]), data + 33);
    expect(digestsAt(data + 33)).toEqual(
      [a, b, c, d].map(([from, size]) => reference(whole.subarray(from, from + size))),
    );
  });

  it("only the four digests are written", () => {
    sha.memory.fill(CANARY, out, out + OUT_SIZE);
    place(data, POOL.subarray(0, 1000));
    sha.x4(...[data, 1000, data, 10, data, 900, data, 0], out + 32);
    expect(canariesAt(out, 32) && canariesAt(out + 160, OUT_SIZE - 160)).toBe(true);
    expect(sha.memory.slice(data, data + 1000)).toEqual(POOL.slice(0, 1000));
  });
});

function once(message: Uint8Array): string {
  place(data, message);
  sha.once(data, message.length, out);
  return digestAt(out);
}

function streamed(parts: readonly Uint8Array[]): string {
  sha.init();
  for (const part of parts) {
    place(data, part);
    sha.update(data, part.length);
  }
  sha.final(out);
  return digestAt(out);
}

function inLanes(messages: readonly Uint8Array[]): readonly string[] {
  const sizeMax = Math.max(...messages.map((message) => message.length));
  // one place for equal messages keeps a million `a` four times within memory
  const places = messages.map((message) => data + messages.indexOf(message) * (sizeMax + 1));
  for (const [index, message] of messages.entries()) place(places[index] ?? 0, message);
  sha.x4(...messages.flatMap((message, index) => [places[index] ?? 0, message.length]), out);
  return digestsAt(out);
}

function place(at: number, bytes: Uint8Array): void {
  sha.memory.set(bytes, at);
}

function digestAt(at: number): string {
  return toHex(sha.memory.subarray(at, at + DIGEST_SIZE));
}

function digestsAt(at: number): readonly string[] {
  return [0, 1, 2, 3].map((lane) => digestAt(at + lane * DIGEST_SIZE));
}

function canariesAt(at: number, size: number): boolean {
  return sha.memory.subarray(at, at + size).every((byte) => byte === CANARY);
}

function reference(message: Uint8Array): string {
  return createHash("sha256").update(message).digest("hex");
}

/** The same bytes in every run: digests of a counter. */
function randomPool(size: number): Uint8Array<ArrayBuffer> {
  const pool = new Uint8Array(size);
  for (let from = 0; from < size; from += DIGEST_SIZE) {
    const block = createHash("sha256").update(`pool ${from}`).digest();
    pool.set(block.subarray(0, size - from), from);
  }
  return pool;
}

function readVectors(): readonly Vector[] {
  const url = new URL("../vectors/sha256.json", import.meta.url);
  const file: { readonly vectors: readonly Vector[] } = JSON.parse(readFileSync(url, "utf8"));
  return file.vectors;
}
