// What a host lends gives what portcullis computes itself; `ed25519.test.ts` does this for signatures.
import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { HOST } from "#host";
import { decodeBase64, decodeCharacters, fromBase64, toBase64 } from "../src/bytes.ts";
import { ASYNC_HOST as NODE_LATER, HOST as NODE } from "../src/host/node.ts";
import { HOST as WEB, ASYNC_HOST as WEB_LATER } from "../src/host/web.ts";
import { fileSha256, sha256 } from "../src/kernel/digest.ts";

describe("`#host`", () => {
  it("lends at once in Node, and later in a browser or a worker", () => {
    expect(HOST).toBeDefined();
    expect(NODE_LATER).toBeUndefined();
    expect(WEB).toBeUndefined();
    expect(WEB_LATER).toBeDefined();
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

  it("signatures of memory that threads share are verified like any others", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const key = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(12));
    const message = new Uint8Array(new SharedArrayBuffer(5)).fill(7);
    const signature = new Uint8Array(sign(null, message, privateKey));
    expect(await WEB_LATER?.verifyEd25519(key, message, signature)).toBe(true);
    message[0] = 8;
    expect(await WEB_LATER?.verifyEd25519(key, message, signature)).toBe(false);
  });
});

describe("where there is no decoder of Node's", () => {
  afterEach(() => {
    Reflect.deleteProperty(Uint8Array, "fromBase64");
    Reflect.deleteProperty(Uint8Array, "fromHex");
    Reflect.deleteProperty(Uint8Array.prototype, "toHex");
    vi.doUnmock("#host");
    vi.resetModules();
  });

  it.skipIf("fromBase64" in Uint8Array)(
    "ECMAScript's is taken, and what it is given was checked",
    async () => {
      const given: string[] = [];
      const fromBase64Native = (text: string): Uint8Array => {
        given.push(text);
        return decodeCharacters(text);
      };
      Object.assign(Uint8Array, { fromBase64: fromBase64Native });
      vi.resetModules();
      vi.doMock("#host", () => import("../src/host/web.ts"));
      const { fromBase64: strict } = await import("../src/bytes.ts");
      expect([...strict("AQ-_")]).toEqual([1, 15, 191]);
      // what decoders let pass: white space, missing padding, trailing bits
      for (const text of ["AQ =", "AQI", "QR=="]) expect(() => strict(text)).toThrow();
      expect(given).toEqual(["AQ+/", "QR=="]);
    },
  );

  it.skipIf("fromHex" in Uint8Array)("its hex is taken, and is lower case or nothing", async () => {
    const hex = vi.fn((text: string) => {
      if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new SyntaxError("no hex");
      return new Uint8Array(Buffer.from(text, "hex"));
    });
    Object.assign(Uint8Array, { fromHex: hex });
    Object.assign(Uint8Array.prototype, {
      toHex(this: Uint8Array) {
        return Buffer.from(this).toString("hex");
      },
    });
    vi.resetModules();
    const { fromHex, toHex, writeFingerprint } = await import("../src/bytes.ts");
    expect(fromHex("00ff")).toEqual(Uint8Array.of(0, 255));
    expect(hex).toHaveBeenCalledTimes(1);
    const digest = "00ff7f80".repeat(8);
    for (const text of ["", "00ff", "0", "00FF", "0g", "ü0", " 00", digest]) {
      expect(fromHex(text), text).toEqual(/^(?:[0-9a-f]{2})*$/.test(text) ? hex(text) : undefined);
    }
    expect(toHex(Uint8Array.of(0, 255, 16))).toBe("00ff10");
    const bytes = new Uint8Array(40);
    expect(writeFingerprint(bytes, 4, `sha256:${digest}`)).toBe(true);
    expect(toHex(bytes)).toBe(`00000000${digest}00000000`);
    for (const wrong of [digest, `sha256:${digest.toUpperCase()}`, `sha256:${digest.slice(1)}g`]) {
      expect(writeFingerprint(bytes, 4, wrong)).toBe(false);
    }
  });
});
