// What a verified catalog must say: schema, dates, version, id; the order of all checks.
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import type { VerifyInput, VerifyReport } from "../../src/catalog/verify.ts";
import type { GuardErrorCode } from "../../src/errors.ts";
import {
  alice,
  bob,
  catalogText,
  EXPIRES_MS,
  expectCode,
  host,
  ISSUED_MS,
  mallory,
  NOW_MS,
  rootSettings,
  signedCatalog,
  signedRoot,
} from "../fixtures/trust.ts";
import { codeOf, lastCheck, ROOT, stateOf, verify } from "../fixtures/verify.ts";

describe("CATALOG_SYNTAX, CATALOG_SCHEMA, CATALOG_FINGERPRINT", () => {
  it.each<[GuardErrorCode, string]>([
    ["CATALOG_SYNTAX", "schema = "],
    ["CATALOG_SYNTAX", `\ufeff${catalogText()}`],
    ["CATALOG_SCHEMA", catalogText({ rest: "max_allowed_scop = 1\n" })],
    ["CATALOG_SCHEMA", catalogText({ version: 0 })],
    ["CATALOG_SCHEMA", catalogText({ expires: "2026-11-20T00:00:00Z" })],
    ["CATALOG_SCHEMA", catalogText({ expires: "2026-11-19T23:59:59Z" })],
    [
      "CATALOG_FINGERPRINT",
      catalogText({
        rest: `[servers.x]\ncommand = ["x"]\nfingerprint = "sha256:${"12".repeat(32)}"\nmax_allowed_scope = ["fs.read"]\n`,
      }),
    ],
  ])("%s however well it is signed", (code, text) => {
    const report = verify(signedCatalog(text, [alice, bob]));
    expect([codeOf(report), lastCheck(report)]).toEqual([code, "schema"]);
  });

  it("is reported only for a catalog whose signature is valid: unsigned text is never parsed", () => {
    const report = verify(signedCatalog("schema = ", [mallory]));
    expect(codeOf(report)).toBe("CATALOG_SIGNATURE_INVALID");
  });
});

describe("CATALOG_ROLLBACK", () => {
  it("a version below the one this host accepted", () => {
    const state = stateOf({ catalogVersion: 8 });
    const report = verify(signedCatalog(), { state });
    expect([codeOf(report), lastCheck(report)]).toEqual(["CATALOG_ROLLBACK", "version"]);
    expect(codeOf(verify(signedCatalog(), { state: stateOf() }))).toBe("ok");
    expect(codeOf(verify(signedCatalog(), { state: stateOf({ catalogVersion: 6 }) }))).toBe("ok");
  });

  it("a version below the floor of the trust root, exactly", () => {
    const floor = (catalogVersionFloor: number): readonly Uint8Array[] => [
      signedRoot({ catalogVersionFloor }),
    ];
    expect(codeOf(verify(signedCatalog(), { roots: floor(7) }))).toBe("ok");
    expect(codeOf(verify(signedCatalog(), { roots: floor(8) }))).toBe("CATALOG_ROLLBACK");
  });

  it("a version below the floor of a host without state, exactly", () => {
    expect(codeOf(verify(signedCatalog(), { minVersion: 7 }))).toBe("ok");
    expect(codeOf(verify(signedCatalog(), { minVersion: 8 }))).toBe("CATALOG_ROLLBACK");
    const roots = [signedRoot({ catalogVersionFloor: 8 })];
    expect(codeOf(verify(signedCatalog(), { roots, minVersion: 1 }))).toBe("CATALOG_ROLLBACK");
  });

  it.each([
    Number.NaN,
    0,
    -1,
    1.5,
    Number.POSITIVE_INFINITY,
  ])("a lowest version of %d is a mistake, not the absence of one", (minVersion) => {
    expectCode(() => verify(signedCatalog(), { minVersion }), "ARGUMENT_INVALID");
  });
});

describe("CATALOG_EQUIVOCATION", () => {
  it("other bytes under the version this host accepted, be it a comment", () => {
    const text = `${catalogText()}# note\n`;
    const report = verify(signedCatalog(text), { state: stateOf() });
    expect([codeOf(report), lastCheck(report)]).toEqual(["CATALOG_EQUIVOCATION", "version"]);
  });
});

describe("CATALOG_EXPIRED, CATALOG_LIFETIME, CATALOG_NOT_YET_VALID", () => {
  it("now >= expires is expired, at the exact millisecond", () => {
    const at = (nowMs: number): string => codeOf(verify(signedCatalog(), { nowMs }));
    expect(at(EXPIRES_MS - 1)).toBe("ok");
    expect(at(EXPIRES_MS)).toBe("CATALOG_EXPIRED");
    expect(at(EXPIRES_MS + 1)).toBe("CATALOG_EXPIRED");
    expect(lastCheck(verify(signedCatalog(), { nowMs: EXPIRES_MS }))).toBe("expiry");
  });

  it("issued > now + 300 s is not yet valid, at the exact millisecond", () => {
    const at = (nowMs: number): string => codeOf(verify(signedCatalog(), { nowMs }));
    expect(at(ISSUED_MS - 300_000)).toBe("ok");
    expect(at(ISSUED_MS - 300_001)).toBe("CATALOG_NOT_YET_VALID");
    expect(lastCheck(verify(signedCatalog(), { nowMs: 0 }))).toBe("issued");
  });

  it("expires - issued may be the lifetime of the root, and not one second more", () => {
    const until = (expires: string): VerifyReport =>
      verify(signedCatalog(catalogText({ expires })));
    // 120 days after 2026-11-20
    expect(codeOf(until("2027-03-20T00:00:00Z"))).toBe("ok");
    expect(codeOf(until("2027-03-20T00:00:01Z"))).toBe("CATALOG_LIFETIME");
    expect(lastCheck(until("2027-03-20T00:00:01Z"))).toBe("lifetime");
  });

  it("a clock that gives no number is a fault, never a pass", () => {
    for (const nowMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expectCode(() => verify(signedCatalog(), { nowMs }), "ARGUMENT_INVALID");
    }
  });
});

describe("CATALOG_ID", () => {
  it("tenant A's catalog shown to tenant B", () => {
    const report = verify(signedCatalog(), { expectId: "acme-b" });
    expect([codeOf(report), lastCheck(report)]).toEqual(["CATALOG_ID", "id"]);
    for (const expectId of ["", "ACME", "acme "]) {
      expect(codeOf(verify(signedCatalog(), { expectId }))).toBe("CATALOG_ID");
    }
  });
});

describe("the trust root's own faults stop the verification", () => {
  it.each<[GuardErrorCode, Partial<VerifyInput>]>([
    ["ROOT_PIN", { rootPin: "0".repeat(64) }],
    ["ROOT_CHAIN", { roots: [] }],
    ["ROOT_CHAIN", { state: stateOf({ rootVersion: 2 }) }],
    ["ROOT_SIGNATURE", { roots: [signedRoot({}, [mallory])] }],
    ["ROOT_EXPIRED", { roots: [signedRoot({ expiresMs: NOW_MS })] }],
    ["ROOT_SYNTAX", { roots: [utf8("x")] }],
  ])("%s", (code, input) => {
    const report = verify(signedCatalog(), input);
    expect([codeOf(report), lastCheck(report)]).toEqual([code, "root"]);
  });

  it("a malformed pin is a mistake of the caller", () => {
    expectCode(() => verify(signedCatalog(), { rootPin: "x" }), "ARGUMENT_INVALID");
  });

  it("the keys of the newest root count, those of older ones no more", () => {
    const { keys, roles } = rootSettings();
    const withoutAlice = {
      version: 2,
      keys: new Map([...keys].filter(([name]) => name !== "alice")),
      roles: {
        ...roles,
        root: { keys: ["bob"], threshold: 1 },
        catalog: { ...roles.catalog, keys: ["bob"] },
      },
    };
    const roots = [ROOT, signedRoot(withoutAlice, [alice, bob])];
    expect(codeOf(verify(signedCatalog(catalogText(), [alice]), { roots }))).toBe(
      "CATALOG_SIGNATURE_INVALID",
    );
    expect(codeOf(verify(signedCatalog(catalogText(), [bob]), { roots }))).toBe("ok");
  });
});

describe("order", () => {
  it("of two faults the earlier one in the design is reported", () => {
    const expired = { nowMs: EXPIRES_MS };
    const oldState = { state: stateOf({ catalogVersion: 9 }) };
    const wrongPin = { rootPin: "0".repeat(64) };
    expect(codeOf(verify(utf8("x"), wrongPin))).toBe("CATALOG_ENVELOPE");
    expect(codeOf(verify(signedCatalog("x", []), wrongPin))).toBe("ROOT_PIN");
    const badType = signedCatalog("x", [mallory], "other");
    expect(codeOf(verify(badType))).toBe("CATALOG_SIGNATURE_INVALID");
    expect(codeOf(verify(signedCatalog("x", [host], "other")))).toBe("CATALOG_ROLE");
    expect(codeOf(verify(signedCatalog("x", [alice], "other")))).toBe("CATALOG_TYPE");
    expect(codeOf(verify(signedCatalog("x"), expired))).toBe("CATALOG_SYNTAX");
    expect(codeOf(verify(signedCatalog(), { ...expired, ...oldState }))).toBe("CATALOG_EXPIRED");
    expect(codeOf(verify(signedCatalog(), { ...oldState, expectId: "b" }))).toBe(
      "CATALOG_ROLLBACK",
    );
  });
});
