// What a host lends gives what portcullis computes itself; `ed25519.test.ts` does this for signatures.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOST } from "#host";
import { decodeBase64, fromBase64, toBase64 } from "../src/bytes.ts";
import { HOST as NODE } from "../src/host/node.ts";
import { HOST as WEB } from "../src/host/web.ts";
import { fileSha256, sha256 } from "../src/kernel/digest.ts";

describe("`#host`", () => {
  it("is Node's in Node, and nothing in a browser or a worker", () => {
    expect(HOST).toBeDefined();
    expect(WEB).toBeUndefined();
  });

  it("decodes strict base64 as the web's own decoder does", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = toBase64(bytes);
        expect(NODE?.decodeBase64(text)).toEqual(bytes);
        expect(decodeBase64(text)).toEqual(bytes);
        expect(fromBase64(text.replaceAll("+", "-").replaceAll("/", "_"))).toEqual(bytes);
      }),
    );
  });

  it.each([
    ["trailing bits", "QR=="],
    ["trailing bits of two", "QUJ="],
    ["no padding", "QQ"],
    ["one padding of two", "QQ="],
    ["too much padding", "QQ==="],
    ["padding alone", "===="],
    ["padding within", "QQ==QUJD"],
    ["a line end", "QUJD\nQUJ"],
    ["a space", "QUJ QUJD"],
    ["URL-safe letters", "-_-_"],
    // U+0151 is Q plus 256: what looks at the low byte alone takes it for one
    ["a letter beyond a byte", "\u0151UJD"],
    ["u+0000", "QUJ\0"],
  ])("refuses %s, here and there", (_, text) => {
    expect(NODE?.decodeBase64(text)).toBeUndefined();
    expect(decodeBase64(text)).toBeUndefined();
  });

  it("decides alike for any text", () => {
    const letters = fc.constantFrom(..."ABQRUJgw09+/-_= \n\u0151");
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 12 }), (text) => {
        expect(NODE?.decodeBase64(text)).toEqual(decodeBase64(text));
      }),
      { numRuns: 5_000 },
    );
  });

  it("refuses both alphabets in one text", () => {
    expect(() => fromBase64("+_AA")).toThrow("one alphabet");
    expect(() => fromBase64("/-AA")).toThrow("one alphabet");
  });

  it("digests as the kernel does", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(NODE?.sha256(bytes)).toEqual(sha256(bytes));
        expect(fileSha256(bytes)).toEqual(sha256(bytes));
      }),
    );
  });

  it("gives bytes with memory of their own", () => {
    const bytes = NODE?.decodeBase64("AAAA");
    expect(bytes?.buffer.byteLength).toBe(3);
  });
});
