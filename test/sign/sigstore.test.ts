// An envelope of ours as another implementation of DSSE sees it: @sigstore/core.
import { crypto, dsse } from "@sigstore/core";
import { describe, expect, it } from "vitest";

import { fromBase64, utf8 } from "../../src/bytes.ts";
import { CATALOG_PAYLOAD_TYPE } from "../../src/catalog/verify-checks.ts";
import {
  createEnvelope,
  parseEnvelope,
  preAuthEncoding,
  serializeEnvelope,
  verifiedKeys,
} from "../../src/sign/dsse.ts";
import { writePublicKey } from "../../src/sign/key-file.ts";
import { alice, bob, catalogText, mallory } from "../fixtures/trust.ts";

interface WireEnvelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly sig: string; readonly keyid: string }[];
}

/** Reads an envelope without any of our code. */
function wire(text: string): WireEnvelope {
  const value: WireEnvelope = JSON.parse(text);
  return value;
}

const ENVELOPE = serializeEnvelope(
  createEnvelope(CATALOG_PAYLOAD_TYPE, utf8(catalogText()), [alice, bob]),
);

describe("@sigstore/core", () => {
  it("verifies each signature of our envelope, and no other key, payload or type", () => {
    const { payload, payloadType, signatures } = wire(ENVELOPE);
    const bytes = Buffer.from(payload, "base64");
    expect(bytes.toString()).toBe(catalogText());
    const signed = dsse.preAuthEncoding(payloadType, bytes);
    const keyOf = (key: typeof alice) => crypto.createPublicKey(writePublicKey(key.publicKey));
    expect(signatures).toHaveLength(2);
    for (const [index, key] of [alice, bob].entries()) {
      const signature = Buffer.from(signatures[index]?.sig ?? "", "base64");
      expect(signatures[index]?.keyid).toBe(key.keyid);
      expect(crypto.verify(signed, keyOf(key), signature)).toBe(true);
      expect(crypto.verify(signed, keyOf(mallory), signature)).toBe(false);
      const others = [
        dsse.preAuthEncoding(payloadType, Buffer.concat([bytes, Buffer.from("\n")])),
        dsse.preAuthEncoding(`${payloadType}x`, bytes),
        bytes,
      ];
      for (const other of others) {
        expect(crypto.verify(other, keyOf(key), signature)).toBe(false);
      }
    }
  });

  it("computes the same bytes to sign, whatever type and payload", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["", ""],
      [CATALOG_PAYLOAD_TYPE, "schema = 1\r\n"],
      ["tüp", "Grüße, \u{1f600}"],
      ["a b 3", "DSSEv1 0  0 "],
      ["http://example.com/HelloWorld", "x".repeat(100_000)],
    ];
    for (const [type, payload] of cases) {
      const theirs = dsse.preAuthEncoding(type, Buffer.from(payload));
      expect(Buffer.from(preAuthEncoding(type, utf8(payload))).equals(theirs)).toBe(true);
    }
  });

  it("an envelope put together around its encoding verifies with us", () => {
    const payload = Buffer.from(catalogText());
    const signature = alice.sign(dsse.preAuthEncoding(CATALOG_PAYLOAD_TYPE, payload));
    const text = JSON.stringify({
      payloadType: CATALOG_PAYLOAD_TYPE,
      payload: payload.toString("base64"),
      signatures: [{ sig: Buffer.from(signature).toString("base64"), keyid: "" }],
    });
    const envelope = parseEnvelope(utf8(text));
    const keys = [alice.publicKey, bob.publicKey];
    expect(verifiedKeys(envelope, keys)).toEqual(new Set([alice.keyid]));
    expect(fromBase64(payload.toString("base64"))).toEqual(new Uint8Array(payload));
  });
});
