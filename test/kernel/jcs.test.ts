// RFC 8785: the published vectors and the ES6 number sequence.
import { readdirSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { canonicalize } from "../../src/kernel/strict-json.ts";
import { es6Numbers } from "../oracle/es6-numbers.ts";
import { hasShared, readShared, sharedPath } from "../oracle/shared-data.ts";

/** The canonical form, or `undefined` when the reader refuses the number. */
function canonicalNumber(text: string): string | undefined {
  try {
    return canonicalize(text);
  } catch (error) {
    expect(error).toBeInstanceOf(GuardError);
    return undefined;
  }
}

/** Checks every spelling of `value` against ECMAScript's own text of it. */
function expectNumber(value: number): void {
  const text = String(value);
  // 17 significant digits and the 60 that V8 gives stand for the same double
  for (const spelling of [
    value.toExponential(16),
    value.toExponential(60),
    `${text}${isPlain(text) ? ".0" : ""}`,
  ]) {
    expect(canonicalNumber(spelling), spelling).toBe(text);
  }
  // a plain integer is accepted exactly when a double keeps it: its shortest text always is
  if (isPlain(text)) expect(canonicalNumber(text)).toBe(text);
}

function isPlain(text: string): boolean {
  return /^-?[0-9]+$/.test(text);
}

describe("RFC 8785", () => {
  it.skipIf(!hasShared("jcs"))("reproduces the six vectors (needs ../shared/data)", () => {
    const names = readdirSync(sharedPath("jcs/input"));
    expect(names).toHaveLength(6);
    for (const name of names) {
      const expected = readShared(`jcs/output/${name}`).toString("utf8");
      expect(canonicalize(readShared(`jcs/input/${name}`)), name).toBe(expected);
      const hex = readShared(`jcs/outhex/${name.replace(".json", ".txt")}`).toString("utf8");
      expect(Buffer.from(expected, "utf8").toString("hex"), name).toBe(hex.replace(/\s/g, ""));
    }
  });

  it.skipIf(!hasShared("jcs"))("reproduces the ES6 numbers (needs ../shared/data)", () => {
    const lines = gunzipSync(readShared("jcs/es6numbers-10k.txt.gz")).toString("utf8").trim();
    const rows = lines.split("\n").map((line) => line.split(","));
    expect(rows).toHaveLength(10_000);
    for (const [bits = "", expected = ""] of rows) {
      const view = new DataView(new ArrayBuffer(8));
      view.setBigUint64(0, BigInt(`0x${bits}`));
      const value = view.getFloat64(0);
      expect(String(value)).toBe(expected);
      expectNumber(value);
    }
  });

  it("reproduces the first 20 000 numbers of the sequence, made by its algorithm", () => {
    let count = 0;
    for (const value of es6Numbers()) {
      expectNumber(value);
      if (++count === 20_000) break;
    }
  });

  it("a plain integer that a double would change is refused, its neighbours are not", () => {
    for (const text of ["9007199254740993", "-9007199254740993", "12345678901234567890", "1e400"]) {
      expect(canonicalNumber(text), text).toBeUndefined();
    }
    for (const text of ["9007199254740992", "100000000000000000000", "123456789012345680000"]) {
      expect(canonicalNumber(text)).toBe(text);
    }
    expect(canonicalNumber("1000000000000000000000")).toBeUndefined();
    expect(canonicalNumber("1e21")).toBe("1e+21");
  });

  it("rounds at a million digits as at twenty", () => {
    const long = `0.1${"0".repeat(1_000_000)}1`;
    expect(canonicalNumber(long)).toBe("0.1");
    const half = `9007199254740993.${"0".repeat(900)}1`;
    expect(canonicalNumber(half)).toBe("9007199254740994");
    expect(canonicalNumber(`9007199254740993.${"0".repeat(900)}`)).toBe("9007199254740992");
    expect(canonicalNumber(`0.${"0".repeat(400)}1e401`)).toBe("1");
  });
});
