// Attack cases E1, E2, E4, E6 and E7 against catalog verification (95-testing section 2).
import { describe, expect, it } from "vitest";
import { toBase64, utf8 } from "../../src/bytes.ts";
import { MemoryTrustState } from "../../src/catalog/state.ts";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { CATALOG_PAYLOAD_TYPE } from "../../src/catalog/verify-checks.ts";
import { parseEnvelope, preAuthEncoding, serializeEnvelope } from "../../src/sign/dsse.ts";
import {
  alice,
  bob,
  catalogText,
  EXPIRES_MS,
  expectRejection,
  host,
  mallory,
  NOW_MS,
  rootDigest,
  rootSettings,
  signedCatalog,
  signedRoot,
  signedRootText,
} from "../fixtures/trust.ts";

type Changes = Partial<Parameters<typeof TrustedCatalog.open>[0]>;

const ROOT = signedRoot();
const SETTINGS = { root: ROOT, rootPin: rootDigest(), expectId: "acme", clock: () => NOW_MS };

function open(envelope: Uint8Array | string, changes: Changes = {}): Promise<TrustedCatalog> {
  return TrustedCatalog.open({
    ...SETTINGS,
    ...changes,
    envelope,
    toml: undefined,
    signatures: undefined,
  });
}

/** An envelope over `text` with signatures over any bytes. */
function envelopeOver(text: string, ...signed: readonly Uint8Array[]): string {
  const signatures = signed.map((bytes) => ({ keyid: alice.keyid, signature: alice.sign(bytes) }));
  return serializeEnvelope({ payloadType: CATALOG_PAYLOAD_TYPE, payload: utf8(text), signatures });
}

describe("E1", () => {
  it("a signature over the base64 text of the payload is refused", async () => {
    const text = catalogText();
    const overText = preAuthEncoding(CATALOG_PAYLOAD_TYPE, utf8(toBase64(utf8(text))));
    await expectRejection(open(envelopeOver(text, overText)), "CATALOG_SIGNATURE_INVALID");
    const overBytes = preAuthEncoding(CATALOG_PAYLOAD_TYPE, utf8(text));
    expect((await open(envelopeOver(text, overBytes))).version).toBe(7);
  });
});

describe("E2", () => {
  it("members edited or added beside the payload change nothing", async () => {
    const envelope: object = JSON.parse(Buffer.from(signedCatalog()).toString());
    const outer = { id: "evil", version: 99, expires: "2099-01-01", servers: { evil: {} } };
    const trusted = await open(JSON.stringify({ ...outer, ...envelope, catalog: outer }));
    expect(trusted).toMatchObject({ id: "acme", version: 7, expiresAt: EXPIRES_MS });
    expect(trusted.servers.size).toBe(0);
  });
});

describe("E4", () => {
  it("keys that the envelope, the catalog or an own root brings along count for nothing", async () => {
    const envelope: object = JSON.parse(
      Buffer.from(signedCatalog(catalogText(), [mallory])).toString(),
    );
    const key = toBase64(mallory.publicKey.bytes);
    const bringing = JSON.stringify({ ...envelope, keys: [key], publicKey: key, cert: key });
    await expectRejection(open(bringing), "CATALOG_SIGNATURE_INVALID");
    const inPayload = catalogText({ rest: `[keys.mallory]\npublic = "${key}"\n` });
    const signed = signedCatalog(inPayload, [mallory]);
    await expectRejection(open(signed), "CATALOG_SIGNATURE_INVALID");
    const settings = rootSettings();
    const keys = new Map(settings.keys).set("alice", mallory.publicKey);
    const ownRoot = signedRoot({ keys }, [mallory]);
    const bySelf = open(signedCatalog(catalogText(), [mallory]), { root: ownRoot });
    await expectRejection(bySelf, "ROOT_PIN");
  });
});

describe("E6", () => {
  it("two catalogs with the same ids and other content are not the same catalog", async () => {
    const state = new MemoryTrustState();
    const first = await open(signedCatalog(), { state });
    const other = catalogText({ rest: '[scopes]\n"acme.pay" = "pay"\n' });
    await expectRejection(open(signedCatalog(other), { state }), "CATALOG_EQUIVOCATION");
    const elsewhere = await open(signedCatalog(other));
    expect(elsewhere.sha256).not.toBe(first.sha256);
    expect(elsewhere.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("E7", () => {
  it("rollback: an older catalog, however valid, is refused after a newer one", async () => {
    const state = new MemoryTrustState();
    await open(signedCatalog(catalogText({ version: 8 })), { state });
    await expectRejection(open(signedCatalog(), { state }), "CATALOG_ROLLBACK");
    expect((await state.load())?.catalogVersion).toBe(8);
  });

  it("expired, and future-dated", async () => {
    await expectRejection(open(signedCatalog(), { clock: () => EXPIRES_MS }), "CATALOG_EXPIRED");
    const dated = catalogText({ issued: "2026-12-01T00:05:01Z" });
    await expectRejection(open(signedCatalog(dated)), "CATALOG_NOT_YET_VALID");
    const postDated = catalogText({ expires: "2099-01-01T00:00:00Z" });
    await expectRejection(open(signedCatalog(postDated)), "CATALOG_LIFETIME");
  });

  it("a clock frozen in the past refuses what was issued since", async () => {
    const clock = (): number => Date.UTC(2020, 0, 1);
    await expectRejection(open(signedCatalog(), { clock }), "CATALOG_NOT_YET_VALID");
  });

  it("one key twice does not make a threshold of two", async () => {
    const { roles } = rootSettings();
    const two = { roles: { ...roles, catalog: { ...roles.catalog, threshold: 2 } } };
    const changes = { root: signedRoot(two), rootPin: rootDigest(two) };
    const signed = signedCatalog(catalogText(), [alice, alice]);
    await expectRejection(open(signed, changes), "CATALOG_THRESHOLD");
    expect((await open(signedCatalog(catalogText(), [alice, bob]), changes)).version).toBe(7);
  });

  it("one key under two names, or in the role audit and another, is no trust root", async () => {
    const text = Buffer.from(parseEnvelope(ROOT).payload).toString();
    const twice = text.replace(toBase64(bob.publicKey.bytes), toBase64(alice.publicKey.bytes));
    const both = text.replace('["host-1"]', '["host-1", "alice"]');
    for (const changed of [twice, both]) {
      const root = signedRootText(changed);
      const opening = open(signedCatalog(), { root, rootPin: undefined });
      await expectRejection(opening, "ROOT_ROLE");
    }
  });

  it("a threshold in the payload or the envelope decides nothing", async () => {
    const inPayload = catalogText({ rest: "[roles.catalog]\nthreshold = 0\n" });
    await expectRejection(open(signedCatalog(inPayload, [])), "CATALOG_SIGNATURE_INVALID");
    await expectRejection(open(signedCatalog(inPayload)), "CATALOG_SCHEMA");
    const envelope: object = JSON.parse(Buffer.from(signedCatalog(catalogText(), [])).toString());
    const lowered = JSON.stringify({ ...envelope, threshold: 0 });
    await expectRejection(open(lowered), "CATALOG_SIGNATURE_INVALID");
  });

  it("an unknown key that claims a known keyid counts for nothing", async () => {
    const payload = utf8(catalogText());
    const signature = mallory.sign(preAuthEncoding(CATALOG_PAYLOAD_TYPE, payload));
    const signatures = [{ keyid: alice.keyid, signature }];
    const text = serializeEnvelope({ payloadType: CATALOG_PAYLOAD_TYPE, payload, signatures });
    await expectRejection(open(text), "CATALOG_SIGNATURE_INVALID");
  });

  it("a duplicate entry in the catalog or the envelope is refused", async () => {
    const doubled = catalogText({ rest: 'id = "acme"\n' });
    await expectRejection(open(signedCatalog(doubled)), "CATALOG_SYNTAX");
    const text = Buffer.from(signedCatalog()).toString();
    const evil = toBase64(utf8(catalogText({ id: "evil" })));
    const twoPayloads = text.replace("{", `{"payload":"${evil}",`);
    await expectRejection(open(twoPayloads), "CATALOG_ENVELOPE");
  });

  it("a signature over re-serialised bytes, or after CRLF conversion, is refused", async () => {
    const text = catalogText();
    const variants = [
      text.replaceAll("\n", "\r\n"),
      `${text}\n`,
      text.trimEnd(),
      text.replaceAll(" = ", "="),
    ];
    for (const variant of variants) {
      const signed = preAuthEncoding(CATALOG_PAYLOAD_TYPE, utf8(variant));
      await expectRejection(open(envelopeOver(text, signed)), "CATALOG_SIGNATURE_INVALID");
    }
  });

  it("a swap between verification and load changes nothing: every input was copied", async () => {
    const envelope = signedCatalog();
    const root = ROOT.slice();
    const store = new MemoryTrustState();
    const state = {
      // the store answers late, and an attacker uses the time
      async load() {
        envelope.set(signedCatalog(catalogText(), [mallory]).subarray(0, envelope.length));
        root.fill(0x20);
        return await store.load();
      },
      save: store.save.bind(store),
    };
    const before = await open(signedCatalog());
    const trusted = await open(envelope, { root, state });
    expect(trusted.sha256).toBe(before.sha256);
    trusted.image.fill(0);
    expect(trusted.image).toEqual(before.image);
  });

  it("options that answer differently the second time are asked once", async () => {
    const good = signedCatalog();
    let asked = 0;
    const options = {
      ...SETTINGS,
      get envelope() {
        asked += 1;
        return asked === 1 ? good : signedCatalog(catalogText(), [mallory]);
      },
    };
    expect((await TrustedCatalog.open(options)).version).toBe(7);
    expect(asked).toBe(1);
  });

  it("a small-order key in a trust root is refused: under it everything verifies", async () => {
    const text = Buffer.from(parseEnvelope(ROOT).payload).toString();
    const neutral = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const root = signedRootText(text.replace(toBase64(bob.publicKey.bytes), neutral));
    await expectRejection(open(signedCatalog(), { root, rootPin: undefined }), "ROOT_KEY_INVALID");
  });

  it("an audit key cannot sign a catalog", async () => {
    await expectRejection(open(signedCatalog(catalogText(), [host])), "CATALOG_ROLE");
  });
});
