// The ES6 number sequence of RFC 8785 (section 3.2.2.3 and appendix B), regenerated: the algorithm
// and the checksums of its prefixes are published in testdata/README.md of
// github.com/cyberphone/json-canonicalization. First a fixed table, then 2 000 serial bit patterns
// from the smallest normal number upward, then the little-endian doubles of iterated SHA-256.
import { createHash } from "node:crypto";

/** Published SHA-256 of the first N lines, `<bits in hex>,<text>\n` each. */
export const ES6_PREFIX_SHA256: ReadonlyMap<number, string> = new Map([
  [1_000, "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687"],
  [10_000, "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892"],
  [100_000, "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7"],
]);

const SERIAL_COUNT = 2000;
const SERIAL_FIRST = 0x0010000000000000n;

/** A third of 10^22 and its fifty tenths: significant digits, from exponent 21 down to -28. */
const THIRDS_DIGITS = `
33333333333333335 33333333333333330 33333333333333336 33333333333333340 33333333333333340
33333333333333340 33333333333333340 33333333333333340 33333333333333344 33333333333333340
33333333333333344 33333333333333340 33333333333333340 33333333333333340 33333333333333336
33333333333333335 33333333333333330 33333333333333336 33333333333333330 33333333333333330
33333333333333336 33333333333333335 33333333333333330 33333333333333330 33333333333333335
33333333333333330 33333333333333335 33333333333333333 33333333333333335 33333333333333334
33333333333333334 33333333333333330 33333333333333335 33333333333333330 33333333333333334
33333333333333334 33333333333333332 33333333333333330 33333333333333335 33333333333333333
33333333333333334 33333333333333330 33333333333333333 33333333333333330 33333333333333333
33333333333333334 33333333333333335 33333333333333330 33333333333333330 33333333333333338
`;

const FIXED_NUMBERS = `
10 5 0.5 0.05 0.005 0.0005 0.00005 0.000005 5e-7 5e-8 5e-9 0.00000506 0.000005006 0.0000050006
0.00000500006 0.000005000006 0.0000050000006 0.00000500000006 0.000005000000006 0.0000050000000006
0.00000500000000006 0.000005000000000006 0.0000050000000000006 0.00000500000000000006
0.000005000000000000006 0.000005 1 -1 -0.9999999999999993 -0.9999999999999994 0.9999999999999993
0.9999999999999994 0.9999999999999996 0.9999999999999998 -0.9999999999999999 -0.9999999999999999
0.9999999999999999 0.9999999999999999 0.29999999999999993 0.3 0.30000000000000004
2.2250738585072014e-308 2.2250738585072e-308 2.225073858507201e-308 1.7976931348623157e+308
-1.7976931348623157e+308 9007199254740992 -9007199254740992 295147905179352830000
9.999999999999997e+22 1e+23 1.0000000000000001e+23 999999999999999700000 999999999999999900000
1e+21 9.999999999999997e-7 0.000001 333333333.3333332 333333333.33333325 333333333.3333333
333333333.3333334 333333333.33333343 -0.0000033333333333333333 1424953923781206.2
`;

function words(table: string): readonly string[] {
  return table.trim().split(/\s+/);
}

function bitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function numberOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function fixedTable(): readonly number[] {
  const thirds = words(THIRDS_DIGITS).map((digits, index) =>
    Number(`${digits}e${21 - index - 16}`),
  );
  const smallest = Number.MIN_VALUE;
  return [0, -0, smallest, -smallest, ...thirds.map((value) => -value), ...thirds].concat(
    words(FIXED_NUMBERS).map(Number),
  );
}

/** Yields the doubles of the sequence, without end; infinities and NaN never occur in it. */
export function* es6Numbers(): Generator<number, never> {
  yield* fixedTable();
  for (let index = 0; index < SERIAL_COUNT; index++) yield numberOf(SERIAL_FIRST + BigInt(index));
  let block: Uint8Array = new Uint8Array(32);
  for (;;) {
    block = createHash("sha256").update(block).digest();
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    for (let offset = 0; offset < block.length; offset += 8) {
      const value = view.getFloat64(offset, true);
      if (Number.isFinite(value)) yield value;
    }
  }
}

/** One line of the published file without its line feed; `text` is the number as serialised. */
export function es6Line(value: number, text: string): string {
  return `${bitsOf(value).toString(16)},${text}`;
}
