// The guard's requestState: what it has sealed opens as it was, and nothing else opens at all.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomBytes } from "../../src/clock.ts";
import {
  CONSENT_KEY_SIZE,
  type ConsentState,
  openConsentState,
  sealConsentState,
} from "../../src/proxy/consent-state.ts";
import { GuardSession } from "../../src/proxy/session.ts";
import { CALL } from "../guard/consent-fixture.ts";
import { catalogToml, SERVER_ID, trust } from "./rig.ts";

const KEY = new Uint8Array(CONSENT_KEY_SIZE).fill(7);
const STATE: ConsentState = {
  binding: CALL,
  textHash: "cd".repeat(32),
  expiresAtMs: 1_800_000_000_000,
  nonce: "00".repeat(16),
  requestState: '"é\\ud800 own"',
  inputResponses: null,
};

describe("sealing", () => {
  it("opens as it was, whatever of the server's it carries", () => {
    fc.assert(
      fc.property(fc.option(fc.json()), fc.option(fc.json()), (requestState, inputResponses) => {
        const state = { ...STATE, requestState, inputResponses };
        expect(openConsentState(KEY, sealConsentState(KEY, state))).toEqual(state);
      }),
    );
  });

  it("does not open under any other key", () => {
    const sealed = sealConsentState(KEY, STATE);
    for (const at of [0, 15, CONSENT_KEY_SIZE - 1]) {
      const other = KEY.slice();
      other[at] = 8;
      expect(openConsentState(other, sealed)).toBeUndefined();
    }
  });

  it("does not open when any character of it was changed, left out or added", () => {
    const sealed = sealConsentState(KEY, STATE);
    for (let at = 0; at < sealed.length; at++) {
      const changed = String.fromCharCode(sealed.charCodeAt(at) ^ 1);
      for (const middle of [changed, "", `${sealed[at]}0`]) {
        const text = sealed.slice(0, at) + middle + sealed.slice(at + 1);
        if (text !== sealed) expect(openConsentState(KEY, text), text).toBeUndefined();
      }
    }
    expect(openConsentState(KEY, sealed)).toEqual(STATE);
  });

  it("never throws, whatever it is given", () => {
    const texts = fc.string().map((text) => `portcullis:v1.${text}`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), texts), (text) => {
        expect(openConsentState(KEY, text)).toBeUndefined();
      }),
    );
  });
});

describe("the key", () => {
  it(`has ${CONSENT_KEY_SIZE} bytes at least`, async () => {
    const catalog = await trust(catalogToml());
    const make = (consentKey: Uint8Array): GuardSession => {
      const send = (): void => undefined;
      const ends = { toClient: send, toServer: send };
      return new GuardSession({ catalog, serverId: SERVER_ID, consentKey, ...ends });
    };
    expect(() => make(randomBytes(CONSENT_KEY_SIZE))).not.toThrow();
    expect(() => make(randomBytes(CONSENT_KEY_SIZE - 1))).toThrow(
      expect.objectContaining({
        code: "ARGUMENT_INVALID",
        message: "expected a key of at least 32 bytes, got 31",
      }),
    );
  });
});
