import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../../src/bytes.ts";
import { framedDigest, frameFields, tagBytes, u32le, u64le } from "../../src/kernel/framed.ts";
import { hmacSha256 } from "../../src/kernel/hmac.ts";

describe("hmacSha256", () => {
  // RFC 4231 section 4: cases 1, 2 and 6 (a key longer than a block)
  it.each([
    [
      new Uint8Array(20).fill(0x0b),
      "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      utf8("Jefe"),
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      new Uint8Array(131).fill(0xaa),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
  ])("gives the published digest (%#)", (key, message, digest) => {
    expect(toHex(hmacSha256(key, utf8(message)))).toBe(digest);
  });

  it("agrees with node:crypto for every key and message size", () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, bytes, (key, message) => {
        const expected = createHmac("sha256", key).update(message).digest("hex");
        expect(toHex(hmacSha256(key, message))).toBe(expected);
      }),
    );
  });
});

describe("framing", () => {
  it("a tag ends with a zero byte and every field has its size in front", () => {
    expect(tagBytes("a")).toEqual(Uint8Array.of(0x61, 0));
    expect(u32le(0x01020304)).toEqual(Uint8Array.of(4, 3, 2, 1));
    expect(u64le(2 ** 40 + 1)).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 1, 0, 0));
    expect(frameFields("a", utf8("bc"), new Uint8Array(0))).toEqual(
      Uint8Array.of(0x61, 0, 2, 0, 0, 0, 0x62, 0x63, 0, 0, 0, 0),
    );
  });

  it("text cannot be moved over a field's boundary without changing the digest", () => {
    const expected = createHash("sha256").update("t\0\x02\0\0\0ab\x01\0\0\0c").digest("hex");
    expect(framedDigest("t", utf8("ab"), utf8("c"))).toBe(expected);
    expect(framedDigest("t", utf8("a"), utf8("bc"))).not.toBe(expected);
    expect(framedDigest("t", utf8("abc"))).not.toBe(expected);
  });
});
