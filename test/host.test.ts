// What a host lends gives what portcullis computes itself; `ed25519.test.ts` does this for signatures.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOST } from "#host";
import { decodeBase64, fromBase64, toBase64 } from "../src/bytes.ts";
import { HOST as NODE } from "../src/host/node.ts";
import { HOST as WEB } from "../src/host/web.ts";

describe("`#host`", () => {
  it("is Node's in Node, and nothing in a browser or a worker", () => {
    expect(HOST).toBeDefined();
    expect(WEB).toBeUndefined();
  });

  it("decodes base64 as the web's own decoder does, trailing bits too", () => {
    const texts = fc.uint8Array({ maxLength: 300 }).map((bytes) => toBase64(bytes));
    fc.assert(
      fc.property(texts, (text) => {
        expect(NODE?.decodeBase64(text)).toEqual(decodeBase64(text));
        expect(toBase64(fromBase64(text))).toBe(text);
      }),
    );
    for (const text of ["", "QR==", "QUJ=", "+/+/"]) {
      expect(NODE?.decodeBase64(text)).toEqual(decodeBase64(text));
    }
  });

  it("gives bytes with memory of their own", () => {
    const bytes = NODE?.decodeBase64("AAAA");
    expect(bytes?.buffer.byteLength).toBe(3);
  });
});
