import { describe, expect, it } from "vitest";
import {
  chooseConsent,
  InMemoryConsentLedger,
  LIMIT_LEDGER_RECORDS,
} from "../../src/guard/consent-ledger.ts";
import { expectCode } from "../fixtures/trust.ts";
import { CALL, HASH, NOW, ONCE, recordOf, recordsOf, SESSION } from "./consent-fixture.ts";

describe("InMemoryConsentLedger", () => {
  it("a single-use record is used once, a session's as often as it is asked for", () => {
    const ledger = new InMemoryConsentLedger();
    const once = recordOf(ONCE);
    const session = recordOf(SESSION);
    ledger.putConsent(once);
    expect(ledger.consumeConsent(once.id)).toBe(true);
    expect(ledger.consumeConsent(once.id)).toBe(false);
    ledger.putConsent(session);
    expect(ledger.consumeConsent(session.id)).toBe(true);
    expect(ledger.consumeConsent(session.id)).toBe(true);
    expect(ledger.consumeConsent(HASH)).toBe(false);
    expect(ledger.listConsents()).toEqual([session]);
  });

  it("putting a used record in again does not make it new", () => {
    const ledger = new InMemoryConsentLedger();
    const once = recordOf(ONCE);
    ledger.putConsent(once);
    ledger.consumeConsent(once.id);
    expect(ledger.putConsent(once)).toBe(false);
    expect(ledger.covering(CALL, NOW)).toBeUndefined();
    expect(ledger.consumeConsent(once.id)).toBe(false);
  });

  it("a revoked record stays revoked", () => {
    const ledger = new InMemoryConsentLedger();
    const session = recordOf(SESSION);
    ledger.putConsent(session);
    expect(ledger.revokeConsent(session.id)).toBe(true);
    expect(ledger.revokeConsent(session.id)).toBe(false);
    ledger.putConsent(session);
    expect(ledger.findConsents(CALL.principalHash, "mail", CALL.itemFingerprint)).toEqual([]);
  });

  it("finds by principal, server and definition, and covers what applies alone", () => {
    const ledger = new InMemoryConsentLedger();
    const session = recordOf(SESSION);
    ledger.putConsent(session);
    expect(ledger.findConsents(CALL.principalHash, "mail", CALL.itemFingerprint)).toEqual([
      session,
    ]);
    expect(ledger.findConsents(CALL.principalHash, "post", CALL.itemFingerprint)).toEqual([]);
    expect(ledger.covering(CALL, NOW)).toEqual(session);
    expect(ledger.covering({ ...CALL, taint: 0b10 }, NOW)).toBeUndefined();
  });

  it("keeps a copy: what the caller does to the object later changes nothing", () => {
    const ledger = new InMemoryConsentLedger();
    const record = { ...recordOf(SESSION) };
    ledger.putConsent(record);
    record.taint = 0xffffffff;
    expect(ledger.covering({ ...CALL, taint: 0b10 }, NOW)).toBeUndefined();
  });

  it("what is no record is the caller's fault", () => {
    const ledger = new InMemoryConsentLedger();
    for (const value of [undefined, null, {}, { ...recordOf(ONCE), id: "x" }]) {
      expectCode(() => Reflect.apply(ledger.putConsent, ledger, [value]), "ARGUMENT_INVALID");
    }
  });

  it("chooses a record for many calls before one for one, then the one that ends first", () => {
    const session = recordOf(SESSION);
    const [first, second] = recordsOf({ choice: "lease", calls: 2, minutes: 5 });
    const late = recordsOf({ choice: "lease", calls: 1, minutes: 6 });
    const twins = [first, second].filter((record) => record !== undefined);
    const lowest = [...twins].sort((a, b) => (a.id < b.id ? -1 : 1))[0];
    expect(chooseConsent([...twins, session], CALL, NOW)).toBe(session);
    expect(chooseConsent([...late, ...twins], CALL, NOW)).toBe(lowest);
    expect(chooseConsent([], CALL, NOW)).toBeUndefined();
  });

  it("holds 65 536 records, then refuses until some have expired, and forgets those", () => {
    const ledger = new InMemoryConsentLedger();
    const base = recordOf(SESSION);
    const idOf = (index: number): string => index.toString(16).padStart(64, "0");
    for (let index = 0; index < LIMIT_LEDGER_RECORDS; index++) {
      expect(ledger.putConsent({ ...base, id: idOf(index) })).toBe(true);
    }
    const one = { ...base, id: idOf(LIMIT_LEDGER_RECORDS) };
    expect(ledger.putConsent(one)).toBe(false);
    expect(ledger.consumeConsent(one.id)).toBe(false);
    const later = { createdAtMs: base.expiresAtMs, expiresAtMs: base.expiresAtMs + 1000 };
    expect(ledger.putConsent({ ...one, ...later })).toBe(true);
    expect(ledger.listConsents().length).toBeLessThan(LIMIT_LEDGER_RECORDS);
  });
});
