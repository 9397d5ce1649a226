// What plain JavaScript may pass where a type says otherwise, those that bite included.
import fc from "fast-check";

/** What the caller's own code throws while it is looked at. */
export class Trapped extends Error {}

function circle(): object {
  const self: Record<string, unknown> = { name: "read" };
  self["self"] = self;
  return self;
}

const trap = (): never => {
  throw new Trapped("trapped");
};
// no `has`: the generator itself asks
const TRAPS = { get: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap };

export const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
  fc.constantFrom<unknown>(
    Symbol("x"),
    () => 1,
    new Proxy({}, TRAPS),
    new Proxy([], TRAPS),
    new Proxy(() => 1, TRAPS),
    Object.defineProperty({}, "name", { get: trap, enumerable: true }),
    { toString: trap, toJSON: trap, valueOf: trap, [Symbol.iterator]: trap },
    circle(),
    new Uint8Array([0xff, 0xfe]),
    new Uint8Array(0),
    new Date(Number.NaN),
    Number.NaN,
    -0,
    2 ** 53,
    "\ud800",
    "__proto__",
    Array.from({ length: 3 }),
  ),
);

/** `good`, with some of its members left out or replaced by anything. */
export function nearly(good: object): fc.Arbitrary<object> {
  const members = Object.entries(good).map(([name, value]) => {
    const either = fc.oneof({ weight: 3, arbitrary: fc.constant<unknown>(value) }, anything);
    return [name, either] as const;
  });
  return fc.record(Object.fromEntries(members), { requiredKeys: [] });
}

/**
 * Runs `use` with `count` values.
 *
 * WHY: not `fc.assert`, which prints its counterexample, and so springs the traps; the seed says it.
 */
export function forAll<T>(values: fc.Arbitrary<T>, count: number, use: (value: T) => void): void {
  const seed = Math.floor(Math.random() * 2 ** 31);
  for (const [index, value] of fc.sample(values, { numRuns: count, seed }).entries()) {
    try {
      use(value);
    } catch (fault) {
      const why = fault instanceof Error ? fault.stack : typeof fault;
      throw new Error(`seed ${seed}, value ${index}: ${why}`);
    }
  }
}
