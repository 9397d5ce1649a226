// Containers, signatures, roles, threshold, type: a refusal for each row of 10-catalog section 3.
import { describe, expect, it } from "vitest";
import { LIMIT_CATALOG_BYTES, LIMIT_SIGNATURES } from "../../src/abi/limits.ts";
import { toBase64, toHex, utf8, utf8Text } from "../../src/bytes.ts";
import { ROOT_PAYLOAD_TYPE } from "../../src/catalog/root.ts";
import { verifyCatalog } from "../../src/catalog/verify.ts";
import { CATALOG_PAYLOAD_TYPE } from "../../src/catalog/verify-checks.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { parseEnvelope, preAuthEncoding, serializeEnvelope } from "../../src/sign/dsse.ts";
import type { PrivateKey } from "../../src/sign/keys.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import {
  alice,
  bob,
  catalogText,
  EXPIRES_MS,
  host,
  mallory,
  NOW_MS,
  rootDigest,
  rootSettings,
  signedCatalog,
  signedRoot,
} from "../fixtures/trust.ts";
import { codeOf, lastCheck, ROOT, stateOf, verify, verifySsh } from "../fixtures/verify.ts";

/** A root with one key, for tests that verify thousands of times. */
const ROOT_OF_ONE = signedRoot({
  keys: new Map([["alice", alice.publicKey]]),
  roles: {
    root: { keys: ["alice"], threshold: 1 },
    catalog: { keys: ["alice"], threshold: 1, maxLifetimeDays: 120 },
  },
});

/** A root in which the role catalog needs two of alice and bob. */
function rootWithThreshold(threshold: number): Uint8Array {
  const { roles } = rootSettings();
  return signedRoot({ roles: { ...roles, catalog: { ...roles.catalog, threshold } } });
}

describe("a good catalog", () => {
  it("passes every check, in the order of the design", () => {
    const report = verify(signedCatalog(), { rootPin: rootDigest(), expectId: "acme" });
    expect(codeOf(report)).toBe("ok");
    expect(report.checks.map(({ name }) => name)).toEqual([
      "envelope",
      "root",
      "signature",
      "role",
      "threshold",
      "type",
      "schema",
      "expiry",
      "lifetime",
      "issued",
      "version",
      "id",
      "image",
    ]);
    expect(report.checks.every(({ detail }) => detail !== "")).toBe(true);
  });

  it("gives the exact bytes that were signed, their digest, and what to remember", () => {
    const report = verify(signedCatalog());
    if (!report.ok) return expect.fail(report.error.message);
    const { verified } = report;
    expect(utf8Text(verified.payload)).toBe(catalogText());
    expect(verified.sha256).toBe(toHex(sha256(utf8(catalogText()))));
    expect(verified.catalog).toMatchObject({ id: "acme", version: 7, expiresMs: EXPIRES_MS });
    expect(verified.root.version).toBe(1);
    expect(verified.state).toEqual(stateOf());
    expect(verified.image.length).toBeGreaterThan(0);
  });

  it("passes with detached OpenSSH signatures, for the same payload and state", () => {
    const text = catalogText();
    const report = verifySsh(text, [signSshsig(utf8(text), alice)]);
    expect(codeOf(report)).toBe("ok");
    const dsse = verify(signedCatalog(text));
    expect(report.ok && dsse.ok && report.verified.image).toEqual(dsse.ok && dsse.verified.image);
    expect(report.ok && report.verified.state).toEqual(dsse.ok && dsse.verified.state);
  });
});

describe("CATALOG_ENVELOPE", () => {
  it.each([
    ["nothing", ""],
    ["no JSON", "schema = 1"],
    ["a catalog that nobody signed", JSON.stringify({ catalog: catalogText() })],
    ["a duplicate payload", '{"payload":"","payload":"","payloadType":"","signatures":[]}'],
    ["base64 with a line feed", '{"payload":"YWFh\\n","payloadType":"","signatures":[]}'],
  ])("%s", (_, text) => {
    expect(codeOf(verify(utf8(text)))).toBe("CATALOG_ENVELOPE");
    expect(lastCheck(verify(utf8(text)))).toBe("envelope");
  });

  it("no OpenSSH signature, more than 16, or one that is none", () => {
    const text = catalogText();
    const signature = signSshsig(utf8(text), alice);
    expect(codeOf(verifySsh(text, []))).toBe("CATALOG_ENVELOPE");
    const many = Array.from({ length: LIMIT_SIGNATURES }, () => signature);
    expect(codeOf(verifySsh(text, many))).toBe("ok");
    expect(codeOf(verifySsh(text, [...many, signature]))).toBe("CATALOG_ENVELOPE");
    expect(codeOf(verifySsh(text, [signature, "x"]))).toBe("CATALOG_ENVELOPE");
    const signed = { toml: utf8(text), signatures: [Uint8Array.of(0xff)] };
    const report = verifyCatalog({ signed, roots: [ROOT], nowMs: NOW_MS });
    expect(codeOf(report)).toBe("CATALOG_ENVELOPE");
  });
});

describe("CATALOG_LIMIT", () => {
  it("a catalog above 32 MiB is refused before a signature is looked at, in both forms", () => {
    const payload = new Uint8Array(LIMIT_CATALOG_BYTES + 1).fill(0x0a);
    const envelope = { payloadType: CATALOG_PAYLOAD_TYPE, payload, signatures: [] };
    const report = verify(utf8(serializeEnvelope(envelope)));
    expect([codeOf(report), lastCheck(report)]).toEqual(["CATALOG_LIMIT", "envelope"]);
    const signatures = [utf8(signSshsig(utf8("x"), alice))];
    const signed = { toml: payload, signatures };
    const other = verifyCatalog({ signed, roots: [ROOT], nowMs: NOW_MS });
    expect([codeOf(other), lastCheck(other)]).toEqual(["CATALOG_LIMIT", "envelope"]);
  });

  it("a catalog of exactly 32 MiB gets past the size", () => {
    const payload = new Uint8Array(LIMIT_CATALOG_BYTES).fill(0x0a);
    const envelope = { payloadType: CATALOG_PAYLOAD_TYPE, payload, signatures: [] };
    const report = verify(utf8(serializeEnvelope(envelope)));
    expect(codeOf(report)).toBe("CATALOG_SIGNATURE_INVALID");
  });
});

describe("CATALOG_SIGNATURE_INVALID", () => {
  const code = "CATALOG_SIGNATURE_INVALID";

  it("no signature, an unknown key, or another payload", () => {
    expect(codeOf(verify(signedCatalog(catalogText(), [])))).toBe(code);
    expect(codeOf(verify(signedCatalog(catalogText(), [mallory])))).toBe(code);
    const { signatures } = parseEnvelope(signedCatalog());
    const payload = utf8(catalogText({ version: 8 }));
    const swapped = { payloadType: CATALOG_PAYLOAD_TYPE, payload, signatures };
    expect(codeOf(verify(utf8(serializeEnvelope(swapped))))).toBe(code);
    expect(lastCheck(verify(utf8(serializeEnvelope(swapped))))).toBe("signature");
  });

  it("the payload type is signed too: edited beside a valid signature it is tampering", () => {
    const { payload, signatures } = parseEnvelope(signedCatalog(catalogText(), [alice], "other"));
    const edited = { payloadType: CATALOG_PAYLOAD_TYPE, payload, signatures };
    expect(codeOf(verify(utf8(serializeEnvelope(edited))))).toBe(code);
  });

  it("an OpenSSH signature over another text or by an unknown key", () => {
    const text = catalogText();
    const crlf = signSshsig(utf8(text.replaceAll("\n", "\r\n")), alice);
    expect(codeOf(verifySsh(text, [crlf]))).toBe(code);
    expect(codeOf(verifySsh(text, [signSshsig(utf8(text), mallory)]))).toBe(code);
  });

  it("any flipped bit of the payload or of the signature", () => {
    const { payload, signatures, payloadType } = parseEnvelope(signedCatalog());
    const [{ signature } = expect.fail("no signature")] = signatures;
    const codes = new Set<string>();
    for (let bit = 0; bit < (payload.length + 64) * 8; bit++) {
      const copies = [payload.slice(), signature.slice()] as const;
      const inPayload = bit < payload.length * 8;
      const [target, at] = inPayload ? [copies[0], bit] : [copies[1], bit - payload.length * 8];
      target[at >> 3] = (target[at >> 3] ?? 0) ^ (1 << (at & 7));
      const changed = [{ keyid: alice.keyid, signature: copies[1] }];
      const envelope = { payloadType, payload: copies[0], signatures: changed };
      const changedText = utf8(serializeEnvelope(envelope));
      codes.add(codeOf(verify(changedText, { roots: [ROOT_OF_ONE] })));
    }
    expect(codes).toEqual(new Set([code]));
  });

  it("any flipped bit of the envelope's text is refused, or changes nothing that is signed", () => {
    const bytes = signedCatalog();
    const keyidAt = Buffer.from(bytes).indexOf(alice.keyid);
    const codes = new Set<string>();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3;
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7));
      const report = verify(changed, { roots: [ROOT_OF_ONE] });
      if (report.ok) {
        // only the claimed keyid, or the name of that member, may change unseen
        expect(at).toBeGreaterThanOrEqual(keyidAt - '"keyid":"'.length);
        expect(at).toBeLessThan(keyidAt + 64);
        expect(utf8Text(report.verified.payload)).toBe(catalogText());
      } else {
        codes.add(codeOf(report));
      }
    }
    expect(codes).toEqual(new Set(["CATALOG_ENVELOPE", code]));
  });
});

describe("CATALOG_ROLE", () => {
  it("a stolen audit key cannot bless tools, in either form", () => {
    const report = verify(signedCatalog(catalogText(), [host]));
    expect([codeOf(report), lastCheck(report)]).toEqual(["CATALOG_ROLE", "role"]);
    const text = catalogText();
    expect(codeOf(verifySsh(text, [signSshsig(utf8(text), host)]))).toBe("CATALOG_ROLE");
  });

  it("a key of the role root that is not in the role catalog does not count", () => {
    const { roles } = rootSettings();
    const root = signedRoot({ roles: { ...roles, catalog: { ...roles.catalog, keys: ["bob"] } } });
    const byRootKey = verify(signedCatalog(catalogText(), [alice]), { roots: [root] });
    expect(codeOf(byRootKey)).toBe("CATALOG_ROLE");
    expect(codeOf(verify(signedCatalog(catalogText(), [bob]), { roots: [root] }))).toBe("ok");
  });
});

describe("CATALOG_THRESHOLD", () => {
  const roots = [rootWithThreshold(2)];
  const code = "CATALOG_THRESHOLD";

  it.each<[string, readonly PrivateKey[]]>([
    ["one key of two", [alice]],
    ["one key twice", [alice, alice]],
    ["one key sixteen times", Array.from({ length: 16 }, () => alice)],
    ["one key and an audit key", [alice, host]],
    ["one key and an unknown one", [alice, mallory]],
  ])("%s", (_, signers) => {
    const report = verify(signedCatalog(catalogText(), signers), { roots });
    expect([codeOf(report), lastCheck(report)]).toEqual([code, "threshold"]);
    const text = catalogText();
    const signatures = signers.map((key) => signSshsig(utf8(text), key));
    expect(codeOf(verifySsh(text, signatures, { roots }))).toBe(code);
  });

  it("two signatures of one key under two keyids", () => {
    const payload = utf8(catalogText());
    const signature = alice.sign(preAuthEncoding(CATALOG_PAYLOAD_TYPE, payload));
    const signatures = [alice, bob].map(({ keyid }) => ({ keyid, signature }));
    const envelope = { payloadType: CATALOG_PAYLOAD_TYPE, payload, signatures };
    expect(codeOf(verify(utf8(serializeEnvelope(envelope)), { roots }))).toBe(code);
  });

  it("both keys meet it, whatever their order and claimed keyids", () => {
    expect(codeOf(verify(signedCatalog(catalogText(), [bob, alice]), { roots }))).toBe("ok");
    const { payload, payloadType, signatures } = parseEnvelope(
      signedCatalog(catalogText(), [alice, bob]),
    );
    const mislabelled = signatures.map(({ signature }) => ({ keyid: host.keyid, signature }));
    const envelope = { payloadType, payload, signatures: mislabelled };
    expect(codeOf(verify(utf8(serializeEnvelope(envelope)), { roots }))).toBe("ok");
  });
});

describe("CATALOG_TYPE", () => {
  it.each([
    ROOT_PAYLOAD_TYPE,
    "",
    "application/vnd.in-toto+json",
    `${CATALOG_PAYLOAD_TYPE} `,
  ])("a valid signature for the type %j replayed as a catalog", (type) => {
    const report = verify(signedCatalog(catalogText(), [alice], type));
    expect([codeOf(report), lastCheck(report)]).toEqual(["CATALOG_TYPE", "type"]);
  });

  it("an OpenSSH signature for another namespace", () => {
    const text = catalogText();
    const armoured = signSshsig(utf8(text), alice);
    const body = Buffer.from(armoured.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
    // a namespace of the same size keeps every length right
    const other = Buffer.from(
      body.toString("latin1").replace("portcullis-", "portcullus-"),
      "latin1",
    );
    const lines = `-----BEGIN SSH SIGNATURE-----\n${toBase64(other)}\n-----END SSH SIGNATURE-----\n`;
    expect(codeOf(verifySsh(text, [armoured]))).toBe("ok");
    expect(codeOf(verifySsh(text, [lines]))).toBe("CATALOG_TYPE");
    // one wrong file among right ones is a mistake to look at, not one to skip
    expect(codeOf(verifySsh(text, [armoured, lines]))).toBe("CATALOG_TYPE");
  });
});
