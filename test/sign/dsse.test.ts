// DSSE v1: pre-authentication encoding, strict containers, counting keys, and openssl as a peer.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMIT_ENVELOPE_BYTES, LIMIT_SIGNATURES } from "../../src/abi/limits.ts";
import { concatBytes, toBase64, utf8, utf8Text } from "../../src/bytes.ts";
import { GuardError } from "../../src/errors.ts";
import {
  addSignatures,
  createEnvelope,
  type Envelope,
  parseEnvelope,
  preAuthEncoding,
  serializeEnvelope,
  verifiedKeys,
} from "../../src/sign/dsse.ts";
import { readPrivateKey, writePrivateKey, writePublicKey } from "../../src/sign/key-file.ts";
import { hasProgram, run, temporaryDirectory } from "../fixtures/tools.ts";
import { alice, bob, expectCode, mallory } from "../fixtures/trust.ts";

const TYPE = "http://example.com/HelloWorld";
const PAYLOAD = utf8("hello world");
const hasOpenssl = hasProgram("openssl");

function parseText(text: string): Envelope {
  return parseEnvelope(utf8(text));
}

/** An envelope's JSON with members replaced. */
function envelopeWith(changes: Readonly<Record<string, unknown>>): string {
  const members: object = JSON.parse(serializeEnvelope(createEnvelope(TYPE, PAYLOAD, [alice])));
  return JSON.stringify({ ...members, ...changes });
}

function keyidsOf(text: string): readonly string[] {
  return [...verifiedKeys(parseText(text), [alice.publicKey, bob.publicKey])];
}

describe("pre-authentication encoding", () => {
  it("is the published vector", () => {
    const encoded = utf8Text(preAuthEncoding(TYPE, PAYLOAD));
    expect(encoded).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  });

  it("counts bytes, not characters, and survives any payload", () => {
    expect(utf8Text(preAuthEncoding("\u00e9", new Uint8Array(0)))).toBe("DSSEv1 2 \u00e9 0 ");
    const binary = Uint8Array.of(0, 255, 10);
    expect(preAuthEncoding("", binary)).toEqual(concatBytes(utf8("DSSEv1 0  3 "), binary));
  });

  it("no two pairs of type and payload share an encoding", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (t1, p1, t2, p2) => {
        const isSame = t1 === t2 && p1 === p2;
        const first = toBase64(preAuthEncoding(t1, utf8(p1)));
        expect(first === toBase64(preAuthEncoding(t2, utf8(p2)))).toBe(isSame);
      }),
    );
  });
});

describe("envelopes", () => {
  it("round-trip, and are the same bytes for the same input", () => {
    const envelope = createEnvelope(TYPE, PAYLOAD, [alice, bob]);
    const text = serializeEnvelope(envelope);
    expect(serializeEnvelope(createEnvelope(TYPE, PAYLOAD, [alice, bob]))).toBe(text);
    expect(parseText(text)).toEqual(envelope);
    expect(keyidsOf(text)).toEqual([alice.keyid, bob.keyid]);
  });

  it("a payload changed by the caller after signing is not the envelope's", () => {
    const payload = utf8("hello world");
    const envelope = createEnvelope(TYPE, payload, [alice]);
    payload.fill(0);
    expect(utf8Text(envelope.payload)).toBe("hello world");
  });

  it("a second signer leaves the first signature as it is", () => {
    const envelope = createEnvelope(TYPE, PAYLOAD, [alice]);
    const both = addSignatures(envelope, [bob]);
    expect(both.signatures[0]).toBe(envelope.signatures[0]);
    expect(verifiedKeys(both, [bob.publicKey])).toEqual(new Set([bob.keyid]));
    expect(envelope.signatures.length).toBe(1);
  });

  it("unknown members are ignored, __proto__ included; keyid may be absent", () => {
    const { signature } = createEnvelope(TYPE, PAYLOAD, [alice]).signatures[0] ?? expect.fail();
    const extra = envelopeWith({
      extra: [1],
      signatures: [{ sig: toBase64(signature), cert: "x" }],
    });
    const text = extra.replace("{", '{"__proto__":{"payload":"aaaa"},');
    expect(parseText(text).signatures[0]?.keyid).toBeUndefined();
    expect(keyidsOf(text)).toEqual([alice.keyid]);
  });

  it("members that only a prototype would hold are absent", () => {
    const inner = envelopeWith({});
    expectCode(() => parseText(`{"__proto__":${inner}}`), "CATALOG_ENVELOPE");
  });

  it("URL-safe base64 is accepted, one alphabet for each value", () => {
    // bytes that need both special characters of the alphabet
    const payload = Uint8Array.of(0xfb, 0xff, 0xfe, 0xff);
    const text = serializeEnvelope(createEnvelope(TYPE, payload, [alice]));
    const members: { payload: string } = JSON.parse(text);
    expect(members.payload).toBe("+//+/w==");
    const urlSafe = text.replace("+//+/w==", "-__-_w==");
    expect(parseText(urlSafe).payload).toEqual(payload);
    expect(keyidsOf(urlSafe)).toEqual([alice.keyid]);
    expectCode(() => parseText(text.replace("+//+/w==", "-//+/w==")), "CATALOG_ENVELOPE");
  });

  const bad: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["an array", "[]"],
    ["null", "null"],
    ["a string", '"x"'],
    ["a BOM", `\ufeff${envelopeWith({})}`],
    ["bytes behind it", `${envelopeWith({})}{}`],
    ["no payload", envelopeWith({ payload: undefined })],
    ["a payload that is no string", envelopeWith({ payload: 1 })],
    ["no type", envelopeWith({ payloadType: undefined })],
    ["a type that is no string", envelopeWith({ payloadType: ["x"] })],
    ["no signatures", envelopeWith({ signatures: undefined })],
    ["signatures that are no array", envelopeWith({ signatures: { 0: { sig: "AAAA" } } })],
    ["a signature that is no object", envelopeWith({ signatures: ["AAAA"] })],
    ["a signature that is null", envelopeWith({ signatures: [null] })],
    ["a signature without sig", envelopeWith({ signatures: [{ keyid: "x" }] })],
    ["a sig that is no string", envelopeWith({ signatures: [{ sig: 7 }] })],
    ["a keyid that is no string", envelopeWith({ signatures: [{ keyid: 7, sig: "AAAA" }] })],
    ["unpadded base64", envelopeWith({ payload: "YQ" })],
    ["trailing bits", envelopeWith({ payload: "YR==" })],
    ["a line break in base64", envelopeWith({ payload: "YWFh\nYWFh" })],
    ["a space in base64", envelopeWith({ payload: "YWFh YWFh" })],
    ["padding inside", envelopeWith({ payload: "YQ==YQ==" })],
    ["another character", envelopeWith({ payload: "YWF*" })],
    ["a bad sig", envelopeWith({ signatures: [{ sig: "AA=" }] })],
  ];
  it.each(bad)("%s is refused", (_, text) => {
    expectCode(() => parseText(text), "CATALOG_ENVELOPE");
  });

  it("duplicate members are refused: two readers could see two payloads", () => {
    const text = envelopeWith({}).replace("{", '{"payload":"AAAA",');
    expectCode(() => parseText(text), "CATALOG_ENVELOPE");
  });

  it("invalid UTF-8 and lone surrogates are refused", () => {
    const text = envelopeWith({ note: "xyz" });
    const at = text.indexOf("xyz");
    const bytes = utf8(text);
    bytes[at] = 0xff;
    expectCode(() => parseEnvelope(bytes), "CATALOG_ENVELOPE");
    expectCode(() => parseText(text.replace("xyz", "\\ud800")), "CATALOG_ENVELOPE");
  });

  it("16 signatures are read, 17 are not", () => {
    const signatures = Array.from({ length: LIMIT_SIGNATURES }, () => ({ sig: "AAAA" }));
    expect(parseText(envelopeWith({ signatures })).signatures.length).toBe(16);
    const more = envelopeWith({ signatures: [...signatures, { sig: "AAAA" }] });
    expectCode(() => parseText(more), "CATALOG_ENVELOPE");
  });

  it("a size of the limit is read, one byte more is not, before anything is parsed", () => {
    const text = envelopeWith({});
    const sizeBytesMax = text.length;
    expect(parseEnvelope(utf8(text), { sizeBytesMax }).payloadType).toBe(TYPE);
    const code = "ROOT_SYNTAX";
    expectCode(() => parseEnvelope(utf8(`${text} `), { sizeBytesMax, code }), code);
    const huge = new Uint8Array(LIMIT_ENVELOPE_BYTES + 1);
    expect(expectCode(() => parseEnvelope(huge), "CATALOG_ENVELOPE").message).toContain("50331648");
  });

  it("a changed text is a GuardError or an envelope, never another fault", () => {
    const text = serializeEnvelope(createEnvelope(TYPE, PAYLOAD, [alice]));
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(3), fc.string(), (at, removed, inserted) => {
        try {
          parseText(text.slice(0, at) + inserted + text.slice(at + removed));
        } catch (error) {
          expect(error).toBeInstanceOf(GuardError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("counting keys", () => {
  const pae = preAuthEncoding(TYPE, PAYLOAD);
  function envelope(...signatures: readonly { keyid?: string; signature: Uint8Array }[]): Envelope {
    const all = signatures.map(({ keyid, signature }) => ({ keyid, signature }));
    return { payloadType: TYPE, payload: PAYLOAD, signatures: all };
  }
  const keys = [alice.publicKey, bob.publicKey];

  it("one signature sixteen times is one key", () => {
    const repeated = Array.from({ length: 16 }, () => ({ signature: alice.sign(pae) }));
    expect(verifiedKeys(envelope(...repeated), keys)).toEqual(new Set([alice.keyid]));
  });

  it("one key listed twice is one key", () => {
    const found = verifiedKeys(envelope({ signature: alice.sign(pae) }), [...keys, ...keys]);
    expect(found).toEqual(new Set([alice.keyid]));
  });

  it("a borrowed or a missing keyid changes nothing", () => {
    const own = { keyid: bob.keyid, signature: alice.sign(pae) };
    const unnamed = { signature: bob.sign(pae) };
    expect(verifiedKeys(envelope(own), keys)).toEqual(new Set([alice.keyid]));
    expect(verifiedKeys(envelope(own, unnamed), keys)).toEqual(new Set([alice.keyid, bob.keyid]));
  });

  it("an unknown key, a foreign signature and garbage count nothing", () => {
    const garbage = { keyid: alice.keyid, signature: new Uint8Array(64) };
    const short = { keyid: alice.keyid, signature: alice.sign(pae).slice(1) };
    const unknown = { keyid: alice.keyid, signature: mallory.sign(pae) };
    expect(verifiedKeys(envelope(garbage, short, unknown), keys)).toEqual(new Set());
    expect(verifiedKeys(envelope(), keys)).toEqual(new Set());
    expect(verifiedKeys(envelope({ signature: alice.sign(pae) }), [])).toEqual(new Set());
  });

  it("E1: a signature over the base64 text instead of the bytes is refused", () => {
    const overText = preAuthEncoding(TYPE, utf8(toBase64(PAYLOAD)));
    expect(verifiedKeys(envelope({ signature: alice.sign(overText) }), keys)).toEqual(new Set());
  });

  it("a signature over the bare payload, or with another type, is refused", () => {
    const other = preAuthEncoding("application/x", PAYLOAD);
    const both = [{ signature: alice.sign(PAYLOAD) }, { signature: alice.sign(other) }];
    expect(verifiedKeys(envelope(...both), keys)).toEqual(new Set());
  });

  it("E2: members edited beside the payload change nothing that is read", () => {
    const edited = envelopeWith({ id: "other", payload_type: "x", PAYLOAD: "AAAA", version: 99 });
    expect(utf8Text(parseText(edited).payload)).toBe("hello world");
    expect(keyidsOf(edited)).toEqual([alice.keyid]);
    expect(keyidsOf(envelopeWith({ payloadType: "application/x" }))).toEqual([]);
    expect(keyidsOf(envelopeWith({ payload: toBase64(utf8("hello World")) }))).toEqual([]);
  });

  it("any flipped bit of payload or signature leaves no verified key", () => {
    const signed = createEnvelope(TYPE, PAYLOAD, [alice]);
    const [first = expect.fail("no signature")] = signed.signatures;
    const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
      const copy = bytes.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return copy;
    };
    for (let bit = 0; bit < PAYLOAD.length * 8; bit++) {
      const changed = { ...signed, payload: flipped(PAYLOAD, bit) };
      expect(verifiedKeys(changed, keys).size).toBe(0);
    }
    for (let bit = 0; bit < 512; bit++) {
      const signature = flipped(first.signature, bit);
      expect(verifiedKeys(envelope({ signature }), keys).size).toBe(0);
    }
  });
});

describe.skipIf(!hasOpenssl)(`openssl${hasOpenssl ? "" : " (not installed)"}`, () => {
  const directory = temporaryDirectory();
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };

  it("verifies an envelope of ours, and refuses it for another payload", () => {
    const { signatures } = createEnvelope(TYPE, PAYLOAD, [alice]);
    const verify = (payload: Uint8Array): string =>
      run("openssl", [
        ...["pkeyutl", "-verify", "-rawin", "-pubin"],
        ...["-inkey", file("alice.pub", writePublicKey(alice.publicKey))],
        ...["-in", file("pae", preAuthEncoding(TYPE, payload))],
        ...["-sigfile", file("sig", signatures[0]?.signature ?? "")],
      ]).toString();
    expect(verify(PAYLOAD)).toContain("Signature Verified Successfully");
    expect(() => verify(utf8("hello World"))).toThrow();
  });

  it("signs an envelope that we verify", async () => {
    const pem = run("openssl", ["genpkey", "-algorithm", "ed25519"]).toString();
    const signer = await readPrivateKey(pem);
    const signature = run("openssl", [
      ...["pkeyutl", "-sign", "-rawin", "-inkey", file("theirs.pem", pem)],
      ...["-in", file("pae", preAuthEncoding(TYPE, PAYLOAD))],
    ]);
    const text = envelopeWith({ signatures: [{ sig: signature.toString("base64") }] });
    expect(verifiedKeys(parseText(text), [signer.publicKey])).toEqual(new Set([signer.keyid]));
    expect(keyidsOf(text)).toEqual([]);
    expect(await writePrivateKey(signer)).toBe(pem);
  });
});
