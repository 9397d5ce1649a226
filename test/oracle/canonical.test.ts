import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import canonicalize from "canonicalize";
import { describe, expect, it } from "vitest";
import { canonical } from "./canonical.ts";
import { ES6_PREFIX_SHA256, es6Line, es6Numbers } from "./es6-numbers.ts";
import { generateJson } from "./generate.ts";
import { hasShared, readShared, sharedPath } from "./shared-data.ts";
import { isNumberAccepted, readStrict } from "./strict-json.ts";

function canonicalOf(bytes: Uint8Array): string {
  const result = readStrict(bytes);
  if (!result.ok) throw new Error(`expected strict JSON, got a fault of ${result.error}`);
  return canonical(result.value);
}

/** Serialises one number as the oracle does, through the reader where it accepts the text. */
function serialised(value: number): string {
  const exponential = value.toExponential();
  const text = Object.is(value, -0) ? "-0" : exponential;
  return canonicalOf(new TextEncoder().encode(text));
}

describe("canonical form", () => {
  it("equals that of the canonicalize package on every accepted text", () => {
    let compared = 0;
    for (let seed = 100_000; seed < 120_000; seed++) {
      const bytes = generateJson(seed);
      const result = readStrict(bytes);
      if (!result.ok) continue;
      const other = canonicalize(JSON.parse(Buffer.from(bytes).toString("utf8")));
      expect(canonical(result.value), `seed ${seed}`).toBe(other);
      compared++;
    }
    expect(compared).toBeGreaterThan(8_000);
  });

  it("sorts by UTF-16 code units, not by code points and not by bytes", () => {
    const text = '{"\ufb33":1,"\u{1f600}":2,"\u20ac":3,"1":4,"\\r":5,"\u0080":6}';
    expect(canonicalOf(Buffer.from(text))).toBe(
      '{"\\r":5,"1":4,"\u0080":6,"\u20ac":3,"\u{1f600}":2,"\ufb33":1}',
    );
  });

  it("has the published checksums over the ES6 number sequence", () => {
    const hash = createHash("sha256");
    let count = 0;
    for (const value of es6Numbers()) {
      hash.update(`${es6Line(value, serialised(value))}\n`);
      count++;
      const published = ES6_PREFIX_SHA256.get(count);
      if (published !== undefined) expect(hash.copy().digest("hex")).toBe(published);
      if (count === 100_000) break;
    }
    expect(count).toBe(100_000);
  });

  it.skipIf(!hasShared("jcs/es6numbers-10k.txt.gz"))("equals the published number file", () => {
    const lines = gunzipSync(readShared("jcs/es6numbers-10k.txt.gz")).toString().trim().split("\n");
    const numbers = es6Numbers();
    for (const line of lines) {
      const value = numbers.next().value;
      expect(es6Line(value, serialised(value))).toBe(line);
      // a plain integer that is written as the file writes it is its own canonical form
      const text = line.split(",")[1] ?? "";
      if (isNumberAccepted(text)) expect(canonicalOf(Buffer.from(text))).toBe(text);
      else expect(text).toMatch(/^-?[0-9]+$/);
    }
    expect(lines.length).toBe(10_000);
  });

  const names = hasShared("jcs/input") ? readdirSync(sharedPath("jcs/input")) : ["(absent)"];
  it.skipIf(!hasShared("jcs/input")).each(names)("equals the RFC 8785 vector %s", (name) => {
    const text = canonicalOf(readShared(`jcs/input/${name}`));
    expect(text).toBe(readShared(`jcs/output/${name}`).toString("utf8"));
    const hex = readShared(`jcs/outhex/${name.replace(".json", ".txt")}`).toString();
    expect(Buffer.from(text).toString("hex")).toBe(hex.replace(/\s+/g, ""));
  });
});
