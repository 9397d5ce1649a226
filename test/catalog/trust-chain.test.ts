// The chain from the pinned trust root to the newest: pin, signatures, versions, expiry.
import { describe, expect, it } from "vitest";
import { LIMIT_ROOT_HOPS } from "../../src/abi/limits.ts";
import { utf8 } from "../../src/bytes.ts";
import { parseEnvelope, serializeEnvelope } from "../../src/sign/dsse.ts";
import { heldBy, verify } from "../fixtures/roots.ts";
import {
  alice,
  bob,
  carol,
  expectCode,
  host,
  mallory,
  NOW_MS,
  ROOT_EXPIRES_MS,
  rootDigest,
  signedRoot,
} from "../fixtures/trust.ts";

const A = ["alice", alice] as const;
const B = ["bob", bob] as const;
const C = ["carol", carol] as const;

describe("ROOT_PIN", () => {
  it("only the pinned first root is accepted, with or without sha256: before the digest", () => {
    expect(verify([signedRoot()], { pin: rootDigest() }).version).toBe(1);
    expect(verify([signedRoot()], { pin: `sha256:${rootDigest()}` }).version).toBe(1);
    const other = rootDigest({ catalogVersionFloor: 2 });
    expectCode(() => verify([signedRoot()], { pin: other }), "ROOT_PIN");
  });

  it("E4: a self-supplied root with the attacker's keys is refused", () => {
    const own = signedRoot(heldBy(1, [["alice", mallory]]), [mallory]);
    expect(verify([own]).version).toBe(1); // well-made, so the pin alone is what stops it
    expectCode(() => verify([own], { pin: rootDigest() }), "ROOT_PIN");
    const second = signedRoot(heldBy(2, [["alice", mallory]]), [mallory]);
    expectCode(() => verify([own, second], { pin: rootDigest() }), "ROOT_PIN");
  });

  it("the pin is of the first root, not of any later one", () => {
    const second = signedRoot({ version: 2 });
    const pin = rootDigest({ version: 2 });
    expectCode(() => verify([signedRoot(), second], { pin }), "ROOT_PIN");
    expect(verify([second], { pin }).version).toBe(2);
  });

  it.each([
    "",
    "sha256:",
    rootDigest().slice(1),
    rootDigest().toUpperCase(),
    `${rootDigest()}\n`,
  ])("a malformed pin %j is a mistake, not the absence of a pin", (pin) => {
    expectCode(() => verify([signedRoot()], { pin }), "ARGUMENT_INVALID");
  });
});

describe("ROOT_SIGNATURE", () => {
  it("a first root that its own threshold did not sign", () => {
    expectCode(() => verify([signedRoot({}, [])]), "ROOT_SIGNATURE");
    expectCode(() => verify([signedRoot({}, [mallory])]), "ROOT_SIGNATURE");
    // bob and host are in the file, without the role root
    expectCode(() => verify([signedRoot({}, [bob, host])]), "ROOT_SIGNATURE");
  });

  it("one key signing twice is not two keys", () => {
    const two = heldBy(1, [A, B], 2);
    expectCode(() => verify([signedRoot(two, [alice, alice])]), "ROOT_SIGNATURE");
    expect(verify([signedRoot(two, [alice, bob])]).version).toBe(1);
  });

  it("a takeover: the new root signed by its own keys only", () => {
    const chain = [signedRoot(heldBy(1, [A]), [alice]), signedRoot(heldBy(2, [B]), [bob])];
    expectCode(() => verify(chain), "ROOT_SIGNATURE");
  });

  it("a new root signed by the old keys only", () => {
    const chain = [signedRoot(heldBy(1, [A]), [alice]), signedRoot(heldBy(2, [B]), [alice])];
    expectCode(() => verify(chain), "ROOT_SIGNATURE");
  });

  it("old and new threshold are each counted in full", () => {
    const first = signedRoot(heldBy(1, [A, B], 2), [alice, bob]);
    const next = heldBy(2, [B, C], 2);
    expect(verify([first, signedRoot(next, [alice, bob, carol])]).version).toBe(2);
    for (const signers of [
      [alice, bob],
      [bob, carol],
      [alice, carol],
    ]) {
      expectCode(() => verify([first, signedRoot(next, signers)]), "ROOT_SIGNATURE");
    }
  });

  it("any flipped bit of the second root's payload or signature", () => {
    const second = signedRoot({ version: 2 });
    const { payload, signatures } = parseEnvelope(second);
    const [{ keyid, signature } = expect.fail("no signature")] = signatures;
    const { payloadType } = parseEnvelope(second);
    for (let bit = 0; bit < (payload.length + 64) * 8; bit += 7) {
      const changed = [payload.slice(), signature.slice()] as const;
      const inPayload = bit < payload.length * 8;
      const [target, at] = inPayload ? [changed[0], bit] : [changed[1], bit - payload.length * 8];
      target[at >> 3] = (target[at >> 3] ?? 0) ^ (1 << (at & 7));
      const envelope = {
        payloadType,
        payload: changed[0],
        signatures: [{ keyid, signature: changed[1] }],
      };
      // a version digit is among the bits: then the chain has a gap as well
      const error = expectCodes(() => verify([signedRoot(), utf8(serializeEnvelope(envelope))]));
      expect(["ROOT_SIGNATURE", "ROOT_CHAIN"]).toContain(error);
    }
  });
});

function expectCodes(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
  return expect.fail("expected an error, got none");
}

describe("ROOT_CHAIN", () => {
  const first = signedRoot(heldBy(1, [A]), [alice]);
  const second = signedRoot(heldBy(2, [A]), [alice]);
  const third = signedRoot(heldBy(3, [A]), [alice]);
  const digest = (version: number): string => rootDigest(heldBy(version, [A]));
  const state = (rootVersion: number, rootSha256: string) => ({
    rootVersion,
    rootSha256,
    catalogVersion: 1,
    catalogSha256: "0".repeat(64),
  });

  it("no root at all", () => {
    expectCode(() => verify([]), "ROOT_CHAIN");
  });

  it("a skipped, repeated or reversed version", () => {
    expect(verify([first, second, third]).version).toBe(3);
    for (const chain of [
      [first, third],
      [first, first],
      [second, first],
      [first, second, second],
    ]) {
      expectCode(() => verify(chain), "ROOT_CHAIN");
    }
  });

  it("a skipped version after which no old key is left says that a root is missing", () => {
    const stranger = signedRoot(heldBy(3, [B]), [bob]);
    const error = expectCode(() => verify([first, stranger]), "ROOT_CHAIN");
    expect(error.message).toContain("expected trust root version 2 next, got 3");
  });

  it("a root older than the one this host accepted", () => {
    expect(verify([first, second], { state: state(2, digest(2)) }).version).toBe(2);
    expect(verify([first, second, third], { state: state(2, digest(2)) }).version).toBe(3);
    expectCode(() => verify([first], { state: state(2, digest(2)) }), "ROOT_CHAIN");
    const pin = digest(1);
    expectCode(() => verify([first], { state: state(2, digest(2)), pin }), "ROOT_CHAIN");
  });

  it("another root of a version this host accepted, at the start, inside, or at the end", () => {
    const fork = state(2, "f".repeat(64));
    expectCode(() => verify([second], { state: fork }), "ROOT_CHAIN");
    expectCode(() => verify([second, third], { state: fork }), "ROOT_CHAIN");
    expectCode(() => verify([first, second, third], { state: fork }), "ROOT_CHAIN");
    expectCode(() => verify([first, second], { state: fork }), "ROOT_CHAIN");
  });

  it("a chain that starts after what this host accepted needs a pin", () => {
    const old = state(1, digest(1));
    expectCode(() => verify([second, third], { state: old }), "ROOT_CHAIN");
    // a new pin, out of band, is how a stolen root threshold is recovered from
    expect(verify([second, third], { state: old, pin: digest(2) }).version).toBe(3);
  });

  it("1 024 steps are walked, 1 025 are not", () => {
    const chain = Array.from({ length: LIMIT_ROOT_HOPS + 2 }, (_, index) =>
      signedRoot(heldBy(index + 1, [A]), [alice]),
    );
    expectCode(() => verify(chain), "ROOT_CHAIN");
    expect(verify(chain.slice(0, -1)).version).toBe(1025);
  });
});

describe("ROOT_EXPIRED", () => {
  it("at the exact millisecond", () => {
    expect(verify([signedRoot()], { nowMs: ROOT_EXPIRES_MS - 1 }).version).toBe(1);
    expectCode(() => verify([signedRoot()], { nowMs: ROOT_EXPIRES_MS }), "ROOT_EXPIRED");
    expectCode(() => verify([signedRoot()], { nowMs: ROOT_EXPIRES_MS + 1 }), "ROOT_EXPIRED");
  });

  it("an intermediate root may be expired, the last may not", () => {
    const past = { expiresMs: NOW_MS - 1000 };
    expect(verify([signedRoot(past), signedRoot({ version: 2 })]).version).toBe(2);
    const chain = [signedRoot(), signedRoot({ version: 2, ...past })];
    expectCode(() => verify(chain), "ROOT_EXPIRED");
  });
});
