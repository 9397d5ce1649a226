// A number whose text says more than its double: what a constraint compares is what is forwarded.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArgumentConstraint, CatalogItem } from "../../src/catalog/types.ts";
import { type ArgumentCheck, checkArguments } from "../../src/guard/arguments.ts";
import { withExactNumbers } from "../../src/guard/exact-numbers.ts";

function item(args: Record<string, ArgumentConstraint>): Pick<CatalogItem, "args"> {
  return { args: new Map(Object.entries(args)) };
}

function raw(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function answer(check: ArgumentCheck): string {
  return check.ok ? "ok" : check.predicate;
}

describe("numbers compare exactly", () => {
  const check = item({ "/n": { min: -1, max: 100 } });

  it.each([
    ["100", "ok"],
    ["1e2", "ok"],
    ["100.0", "ok"],
    ["0.1", "ok"],
    ["-1", "ok"],
    ["-0", "ok"],
    ["100.00000000000000000", "ok"],
    ["101", "max"],
    ["100.00000000000001", "max"],
    ["100.00000000000000001", "min"],
    ["99.99999999999999999999", "min"],
    ["-1.0000000000000000001", "min"],
    ["0.10000000000000001", "min"],
    ["-2", "min"],
    ["9007199254740993", "json"],
    ["1e400", "json"],
    ['"5"', "min"],
  ])("%s: %s", (number, wanted) => {
    expect(answer(checkArguments(check, raw(`{"n":${number}}`)))).toBe(wanted);
  });

  it("a number that a double changes is none of the choices", () => {
    const choice = item({ "/n": { oneOf: [1] } });
    expect(answer(checkArguments(choice, raw('{"n":1.0}')))).toBe("ok");
    expect(answer(checkArguments(choice, raw('{"n":1.00000000000000000001}')))).toBe("one_of");
  });

  it("numbers in texts and beside a constraint are nobody's business", () => {
    const text = '{"n":1,"t":"a\\"1.00000000000000000001","m":[0.10000000000000001,{"x":1e0}]}';
    expect(answer(checkArguments(check, raw(text)))).toBe("ok");
  });

  it("the largest integers of a double", () => {
    const wide = item({ "/n": { max: Number.MAX_SAFE_INTEGER } });
    expect(answer(checkArguments(wide, raw('{"n":9007199254740991}')))).toBe("ok");
    expect(answer(checkArguments(wide, raw('{"n":9007199254740992}')))).toBe("max");
    expect(answer(checkArguments(wide, raw('{"n":100000000000000000000}')))).toBe("max");
  });
});

describe("withExactNumbers", () => {
  it("leaves every text alone that JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(withExactNumbers(text)).toBe(text);
      }),
    );
  });

  it("takes out a double's neighbour in decimal, whatever surrounds it", () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-5, max: 1e15 });
    fc.assert(
      fc.property(double, fc.string(), (number, text) => {
        const fraction = Number.isInteger(number) ? `${number}.` : String(number);
        const longer = `${fraction}00000000000000000000001`;
        const around = (token: string): string =>
          `{${JSON.stringify(text)}:[${token}],"s":"${longer}"}`;
        expect(withExactNumbers(around(longer))).toBe(around("null"));
        expect(withExactNumbers(around(`${fraction}000`))).toBe(around(`${fraction}000`));
      }),
    );
  });
});
