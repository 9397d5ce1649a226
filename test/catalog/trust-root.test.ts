// The text of a trust root: every rule of it, and its limits.
import { describe, expect, it } from "vitest";
import { toBase64, utf8, utf8Text } from "../../src/bytes.ts";
import {
  LIMIT_LIFETIME_DAYS,
  LIMIT_ROOT_BYTES,
  LIMIT_ROOT_KEYS,
  parseRoot,
  type TrustRoot,
} from "../../src/catalog/root.ts";
import { createRoot, type RootSettings } from "../../src/catalog/root-text.ts";
import { CATALOG_PAYLOAD_TYPE } from "../../src/catalog/verify-checks.ts";
import { heldBy, verify } from "../fixtures/roots.ts";
import {
  alice,
  bob,
  catalogText,
  expectCode,
  host,
  ROOT_EXPIRES_MS,
  rootDigest,
  rootSettings,
  signedRoot,
  signedRootText,
  testKey,
} from "../fixtures/trust.ts";

const TEXT = createRoot(rootSettings());

function parseText(text: string): TrustRoot {
  return parseRoot(utf8(text));
}

/** The root's text with one piece replaced; the piece must be there. */
function edited(from: string, to: string): string {
  expect(TEXT).toContain(from);
  return TEXT.replace(from, to);
}
const A = ["alice", alice] as const;

describe("a root's text", () => {
  it("says what it was made from", () => {
    const root = parseText(TEXT);
    expect(root).toMatchObject({ version: 1, expiresMs: ROOT_EXPIRES_MS, catalogVersionFloor: 1 });
    expect([...root.keys].map(([name, key]) => [name, key.keyid])).toEqual([
      ["alice", alice.keyid],
      ["bob", bob.keyid],
      ["host-1", host.keyid],
    ]);
    expect(root.roles.root.keys.map(({ keyid }) => keyid)).toEqual([alice.keyid]);
    expect(root.roles.catalog.keys.map(({ keyid }) => keyid)).toEqual([alice.keyid, bob.keyid]);
    expect(root.roles.audit.keys.map(({ keyid }) => keyid)).toEqual([host.keyid]);
    expect(root.roles.catalog).toMatchObject({ threshold: 1, maxLifetimeDays: 120 });
    expect(root.sha256).toBe(rootDigest());
  });

  it("is the same for the same settings in another order", () => {
    const settings = rootSettings();
    const keys = new Map([...settings.keys].reverse());
    const catalog = { ...settings.roles.catalog, keys: ["bob", "alice"] };
    expect(createRoot({ ...settings, keys, roles: { ...settings.roles, catalog } })).toBe(TEXT);
    expect(TEXT).toMatch(/^schema = 1\nversion = 1\nexpires = 2028-11-20T00:00:00Z\n/);
  });

  it("without audit keys is legal, and no key is an audit key then", () => {
    expect(parseText(createRoot(rootSettings(heldBy(1, [A])))).roles.audit.keys).toEqual([]);
  });

  it("key names with dots are quoted", () => {
    const text = createRoot(rootSettings(heldBy(1, [["a.b", alice]])));
    expect(text).toContain('[keys."a.b"]');
    expect([...parseText(text).keys.keys()]).toEqual(["a.b"]);
  });

  it("accepts URL-safe base64 of a key", () => {
    const key = Array.from({ length: 99 }, (_, index) => testKey(100 + index).publicKey).find(
      ({ bytes }) => toBase64(bytes).includes("+") && toBase64(bytes).includes("/"),
    );
    const standard = toBase64(key?.bytes ?? expect.fail("no such key"));
    const text = edited(toBase64(alice.publicKey.bytes), standard);
    const urlSafe = text.replace(standard, standard.replaceAll("+", "-").replaceAll("/", "_"));
    expect(parseText(urlSafe).keys.get("alice")?.keyid).toBe(key?.keyid);
    const mixed = text.replace(standard, standard.replaceAll("+", "-"));
    expectCode(() => parseText(mixed), "ROOT_KEY_INVALID");
  });

  it("refuses settings that no root may have", () => {
    const expiries = [Number.NaN, 1.5, 1500, -1000, 253_402_300_800_000];
    for (const expiresMs of expiries) {
      expectCode(() => createRoot(rootSettings({ expiresMs })), "ARGUMENT_INVALID");
    }
    expectCode(() => createRoot(rootSettings({ version: 0 })), "ROOT_SCHEMA");
    expectCode(() => createRoot(rootSettings({ version: 1.5 })), "ROOT_SCHEMA");
    expect(parseText(createRoot(rootSettings({ expiresMs: 253_402_300_799_000 })))).toBeTruthy();
  });
});

describe("ROOT_SYNTAX", () => {
  it.each([
    ["no TOML", "schema = "],
    ["a byte order mark", `\ufeff${TEXT}`],
    ["a key twice", edited("version = 1", "version = 1\nversion = 2")],
    ["a table twice", `${TEXT}\n[roles.root]\n`],
  ])("%s", (_, text) => {
    expectCode(() => parseText(text), "ROOT_SYNTAX");
  });

  it("bytes that are not UTF-8", () => {
    expectCode(() => parseRoot(Uint8Array.of(0x23, 0xff)), "ROOT_SYNTAX");
  });

  it("an envelope that is none, or above its size", () => {
    expectCode(() => verify([utf8("{}")]), "ROOT_SYNTAX");
    const padding = " ".repeat(LIMIT_ROOT_BYTES - signedRoot().length);
    const text = utf8Text(signedRoot()) ?? expect.fail("no text");
    expect(verify([utf8(text + padding)]).version).toBe(1);
    expectCode(() => verify([utf8(`${text}${padding} `)]), "ROOT_SYNTAX");
  });
});

describe("ROOT_SCHEMA", () => {
  it.each([
    ["another schema", edited("schema = 1", "schema = 2"), "schema"],
    ["no schema", edited("schema = 1\n", ""), "schema"],
    ["an unknown key", edited("schema = 1", "schema = 1\nthresholds = 1"), "thresholds"],
    ["__proto__", edited("schema = 1", 'schema = 1\n"__proto__" = 1'), "__proto__"],
    ["version 0", edited("version = 1", "version = 0"), "version"],
    ["version 2^53", edited("version = 1", "version = 9007199254740992"), "version"],
    ["a float version", edited("version = 1", "version = 1.0"), "version"],
    ["a text version", edited("version = 1", 'version = "1"'), "version"],
    ["no floor", edited("catalog_version_floor = 1\n", ""), "catalog_version_floor"],
    ["floor 0", edited("floor = 1", "floor = 0"), "catalog_version_floor"],
    ["no expiry", edited("expires = 2028-11-20T00:00:00Z\n", ""), "expires"],
    ["a date that is none", edited("2028-11-20", "2028-02-30"), "expires"],
    ["a local time", edited("2028-11-20T00:00:00Z", "2028-11-20T00:00:00"), "expires"],
    ["an offset", edited("00:00:00Z", "00:00:00+00:00"), "expires"],
    ["milliseconds", edited("00:00:00Z", "00:00:00.500Z"), "expires"],
    ["no keys", TEXT.replace(/\[keys[^[]*/g, ""), "keys"],
    ["keys that are no table", `keys = 1\n${TEXT.replace(/\[keys[^[]*/g, "")}`, "keys"],
    ["a member beside public", edited("public", 'name = "x"\npublic'), "keys.alice.name"],
    ["no public", edited("public", "private"), "keys.alice.private"],
    ["a public that is no text", TEXT.replace(/public = ".*"/, "public = 1"), "keys.alice.public"],
    ["an empty key name", edited("[keys.alice]", '[keys.""]'), 'keys.""'],
    ["a key name with a space", edited("[keys.alice]", '[keys."a b"]'), 'keys."a b"'],
    ["no roles", TEXT.replace(/\[roles[\s\S]*/, ""), "roles"],
    ["an unknown role", edited("[roles.audit]", "[roles.release]"), "roles.release"],
    ["no role root", TEXT.replace(/\[roles\.root\][^[]*\[[^\]]*\][^[]*/, ""), "roles.root"],
    ["an unknown member", edited("threshold = 1", "threshold = 1\nx = 1"), ""],
    ["no threshold", edited("threshold = 1\n", ""), "threshold"],
    ["threshold 0", edited("threshold = 1", "threshold = 0"), "threshold"],
    ["a negative threshold", edited("threshold = 1", "threshold = -1"), "threshold"],
    ["a threshold above the keys", edited('bob"]\nthreshold = 1', 'bob"]\nthreshold = 3'), ""],
    ["a float threshold", edited("threshold = 1", "threshold = 1.0"), "threshold"],
    ["no keys in a role", edited('keys = ["alice"]', "keys = []"), "roles.root.keys"],
    ["a key twice in a role", edited('["alice"]', '["alice", "alice"]'), "roles.root.keys[1]"],
    ["an unknown key in a role", edited('["alice"]', '["alise"]'), "roles.root.keys[0]"],
    ["a prototype's name in a role", edited('["alice"]', '["toString"]'), "roles.root.keys[0]"],
    ["no lifetime", edited("max_lifetime_days = 120\n", ""), "roles.catalog.max_lifetime_days"],
    ["lifetime 0", edited("days = 120", "days = 0"), "roles.catalog.max_lifetime_days"],
    ["an endless lifetime", edited("days = 120", "days = inf"), "roles.catalog.max_lifetime_days"],
    ["a lifetime for root", edited("[roles.root]", "[roles.root]\nmax_lifetime_days = 1"), "roles"],
  ])("%s", (_, text, path) => {
    expect(expectCode(() => parseText(text), "ROOT_SCHEMA").at?.path).toContain(path);
  });

  it("a lifetime of the limit is read, one day more is not", () => {
    const days = (count: number): string => edited("days = 120", `days = ${count}`);
    const { roles } = parseText(days(LIMIT_LIFETIME_DAYS));
    expect(roles.catalog.maxLifetimeDays).toBe(36_500);
    expectCode(() => parseText(days(LIMIT_LIFETIME_DAYS + 1)), "ROOT_SCHEMA");
  });

  it("64 keys are read, 65 are not; a threshold is at most 16, what an envelope can carry", () => {
    const keys = Array.from({ length: LIMIT_ROOT_KEYS + 1 }, (_, index) => testKey(100 + index));
    const settings = (count: number, threshold: number): RootSettings => {
      const holders = keys.slice(0, count).map((key, index) => [`k${index}`, key] as const);
      return rootSettings(heldBy(1, holders, threshold));
    };
    expect(parseText(createRoot(settings(64, 16))).keys.size).toBe(64);
    expectCode(() => createRoot(settings(65, 16)), "ROOT_SCHEMA");
    expectCode(() => createRoot(settings(64, 17)), "ROOT_SCHEMA");
  });

  it("a signed catalog shown as a root", () => {
    const asCatalog = signedRootText(TEXT, [alice], CATALOG_PAYLOAD_TYPE);
    const error = expectCode(() => verify([asCatalog]), "ROOT_SCHEMA");
    expect(error.at?.path).toBe("payloadType");
    expectCode(() => verify([signedRootText(catalogText())]), "ROOT_SCHEMA");
  });
});

describe("ROOT_KEY_INVALID", () => {
  const neutral = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  it.each([
    ["a small-order key, under which every message verifies", neutral],
    ["a non-canonical key", "7v///////////////////////////////////////38="],
    ["31 bytes", toBase64(alice.publicKey.bytes.slice(1))],
    ["33 bytes", toBase64(new Uint8Array(33).fill(1))],
    ["nothing", ""],
    ["unpadded base64", toBase64(alice.publicKey.bytes).replace("=", "")],
    ["hex", alice.keyid],
  ])("%s", (_, value) => {
    const text = edited(toBase64(alice.publicKey.bytes), value);
    const error = expectCode(() => parseText(text), "ROOT_KEY_INVALID");
    expect(error.at?.path).toBe("keys.alice.public");
  });
});

describe("ROOT_ROLE", () => {
  it("one public key under two names: a threshold of two would be one person", () => {
    const text = edited(toBase64(bob.publicKey.bytes), toBase64(alice.publicKey.bytes));
    expectCode(() => parseText(text), "ROOT_ROLE");
  });

  it.each(["alice", "bob"])("an audit key that is also %s's: an online key could bless", (name) => {
    const text = edited('keys = ["host-1"]', `keys = ["host-1", "${name}"]`);
    expect(expectCode(() => parseText(text), "ROOT_ROLE").at?.path).toBe("roles.audit");
  });
});
