// Strict Ed25519: Wycheproof, node:crypto as oracle, and every point of small order.
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../../src/bytes.ts";
import {
  assertPrimeOrderKey,
  assertPublicKey,
  isEquationSatisfied,
  verifyEd25519,
} from "../../src/sign/ed25519.ts";
import { edwardsPoints, GROUP_ORDER } from "../../src/sign/ed25519-curve.ts";
import { publicKeyNatively, signNatively, verifyNatively } from "../../src/sign/ed25519-native.ts";
import { publicKeyOfSeed, signEd25519, signer } from "../../src/sign/ed25519-sign.ts";
import { encodeSpki } from "../../src/sign/keys.ts";
import { expectCode } from "../fixtures/trust.ts";

const VECTORS = new URL("../../../shared/data/wycheproof-ed25519_test.json", import.meta.url);
const hasVectors = existsSync(VECTORS);
const ORDER = ed25519.Point.Fn.ORDER;
const FIELD = ed25519.Point.Fp.ORDER;

interface Wycheproof {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "invalid" | "acceptable";
    }[];
  }[];
}

function hex(text: string): Uint8Array {
  return fromHex(text) ?? expect.fail("expected hex");
}

/** 32 bytes, little end first. */
function littleEndian(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, "0")).reverse();
}

function nodeVerifies(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.from(encodeSpki(publicKey));
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  return verify(null, message, key, signature);
}

/** S < L: `verifyEd25519` refuses the others before it looks at the equation. */
function hasReducedScalar(signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  return BigInt(`0x${toHex(signature.slice(32).reverse())}`) < ORDER;
}

function isRefusedKey(publicKey: Uint8Array): boolean {
  try {
    assertPublicKey(publicKey);
    return false;
  } catch {
    return true;
  }
}

describe.skipIf(!hasVectors)(
  `Wycheproof Ed25519${hasVectors ? "" : " (../shared/data is absent)"}`,
  () => {
    const vectors: Wycheproof = hasVectors
      ? JSON.parse(readFileSync(VECTORS, "utf8"))
      : { testGroups: [] };
    const cases = vectors.testGroups.flatMap((group) =>
      group.tests.map((test) => ({ ...test, publicKey: hex(group.publicKey.pk) })),
    );

    it("holds 151 cases", () => {
      expect(cases.length).toBe(151);
    });

    it.each(cases)("case $tcId is $result: $comment", (test) => {
      const signature = hex(test.sig);
      const message = hex(test.msg);
      const accepted =
        !isRefusedKey(test.publicKey) && verifyEd25519(test.publicKey, message, signature);
      expect(accepted).toBe(test.result === "valid");
      expect(nodeVerifies(test.publicKey, message, signature)).toBe(accepted);
      // the same answer where the host has no verifier, and where it has one
      if (test.result === "valid" || hasReducedScalar(signature)) {
        expect(isEquationSatisfied(test.publicKey, message, signature)).toBe(accepted);
        expect(verifyNatively(test.publicKey, message, signature)).toBe(accepted);
      }
    });
  },
);

it("the curve is that of the library's own object for the scheme", () => {
  const points = edwardsPoints();
  expect(points.CURVE()).toEqual(ed25519.Point.CURVE());
  expect(points.BASE.toBytes()).toEqual(ed25519.Point.BASE.toBytes());
  expect(GROUP_ORDER).toBe(ed25519.Point.Fn.ORDER);
});

describe("against node:crypto", () => {
  it("agrees on keys, signatures and verification of random messages", () => {
    for (let size = 0; size < 40; size++) {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      const der = privateKey.export({ format: "der", type: "pkcs8" });
      const seed = new Uint8Array(der.subarray(16));
      const raw = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(12));
      const message = globalThis.crypto.getRandomValues(new Uint8Array(size * 7));
      const signature = signEd25519(seed, message);
      expect(publicKeyOfSeed(seed)).toEqual(raw);
      expect(publicKeyNatively(seed)).toEqual(raw);
      expect(signer().getPublicKey(seed)).toEqual(raw);
      expect(signature).toEqual(new Uint8Array(sign(null, message, privateKey)));
      // the signer of hosts without one of their own, and that of this host
      expect(signer().sign(message, seed)).toEqual(signature);
      expect(ed25519.sign(message, seed)).toEqual(signature);
      expect(signNatively(seed, message)).toEqual(signature);
      expect(verifyEd25519(raw, message, signature)).toBe(true);
      expect(verifyEd25519(raw, concatBytes(message, utf8("x")), signature)).toBe(false);
    }
  });

  it("agrees that a single flipped bit of a signature is refused, wherever it is", () => {
    const seed = new Uint8Array(32).fill(7);
    const key = publicKeyOfSeed(seed);
    const message = utf8("message");
    const signature = signEd25519(seed, message);
    for (let bit = 0; bit < 512; bit++) {
      const changed = signature.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyEd25519(key, message, changed)).toBe(false);
    }
  });
});

describe("public keys", () => {
  const honest = ed25519.Point.fromBytes(publicKeyOfSeed(new Uint8Array(32).fill(5)));

  it("an honest key is accepted, and any other size is not", () => {
    expect(isRefusedKey(honest.toBytes())).toBe(false);
    expectCode(() => assertPublicKey(honest.toBytes().subarray(1)), "KEY_INVALID");
    expectCode(() => assertPublicKey(concatBytes(honest.toBytes(), utf8("\0"))), "KEY_INVALID");
  });

  it.each(
    ED25519_TORSION_SUBGROUP,
  )("small-order key %s forges for itself and is refused", (key) => {
    const publicKey = hex(key);
    const neutral = ed25519.Point.ZERO.toBytes();
    const forged = concatBytes(neutral, new Uint8Array(32));
    // the attack is real: the same bytes verify under the library's default for any message
    expect(ed25519.verify(forged, utf8("any message"), publicKey)).toBe(true);
    expectCode(() => assertPublicKey(publicKey), "KEY_INVALID");
    expect(verifyEd25519(publicKey, utf8("any message"), forged)).toBe(false);
    for (const other of ED25519_TORSION_SUBGROUP) {
      const withOtherR = concatBytes(hex(other), new Uint8Array(32));
      expect(verifyEd25519(publicKey, utf8("any message"), withOtherR)).toBe(false);
    }
  });

  it("non-canonical encodings are refused, of small points and of large ones", () => {
    // y + p fits into 255 bits only for y < 19
    for (let y = 0n; y < 19n; y++) {
      for (const sign of [0n, 1n << 255n]) {
        expectCode(() => assertPublicKey(littleEndian((FIELD + y) | sign)), "KEY_INVALID");
      }
    }
    expectCode(() => assertPublicKey(littleEndian(1n | (1n << 255n))), "KEY_INVALID");
  });

  it("keys with a small-order component are refused where a key file is read", () => {
    for (const torsion of ED25519_TORSION_SUBGROUP) {
      const mixed = honest.add(ed25519.Point.fromHex(torsion));
      if (mixed.equals(honest)) expect(() => assertPrimeOrderKey(mixed.toBytes())).not.toThrow();
      else expectCode(() => assertPrimeOrderKey(mixed.toBytes()), "KEY_INVALID");
    }
  });

  it("signatures under such a key get one answer, with and without the host's verifier", () => {
    const seed = new Uint8Array(32).fill(5);
    const { scalar: secret } = ed25519.utils.getExtendedPublicKey(seed);
    const answers = new Set<boolean>();
    for (const torsion of ED25519_TORSION_SUBGROUP) {
      const mixed = honest.add(ed25519.Point.fromHex(torsion)).toBytes();
      for (let nonce = 1n; nonce < 12n; nonce++) {
        const r = ed25519.Point.BASE.multiply(nonce).toBytes();
        const message = utf8(`message ${nonce}`);
        const challenge = ed25519Challenge(r, mixed, message);
        const made = concatBytes(r, littleEndian((nonce + challenge * secret) % ORDER));
        const answer = verifyEd25519(mixed, message, made);
        expect(isEquationSatisfied(mixed, message, made)).toBe(answer);
        expect(nodeVerifies(mixed, message, made)).toBe(answer);
        answers.add(answer);
      }
    }
    // both answers occur: k is a multiple of the component's order, or it is not
    expect(answers).toEqual(new Set([true, false]));
  });
});

describe("signatures", () => {
  const seed = new Uint8Array(32).fill(6);
  const publicKey = publicKeyOfSeed(seed);
  const message = utf8("message");
  const signature = signEd25519(seed, message);
  const scalar = signature.slice(32).reverse();
  const s = BigInt(`0x${toHex(scalar)}`);

  it("S + L is refused although the equation holds", () => {
    for (const multiple of [1n, 2n, 7n]) {
      const malleated = concatBytes(signature.slice(0, 32), littleEndian(s + multiple * ORDER));
      expect(verifyEd25519(publicKey, message, malleated)).toBe(false);
    }
    expect(verifyEd25519(publicKey, message, signature)).toBe(true);
  });

  it("S = L is refused, and so is everything above", () => {
    for (const value of [ORDER, ORDER + 1n, (1n << 255n) - 1n, (1n << 256n) - 1n]) {
      const changed = concatBytes(signature.slice(0, 32), littleEndian(value));
      expect(verifyEd25519(publicKey, message, changed)).toBe(false);
    }
  });

  it.each(ED25519_TORSION_SUBGROUP)("small-order R %s with a fitting S is refused", (point) => {
    // the holder of the key can make S = k * a for an R of small order
    const { scalar: secret } = ed25519.utils.getExtendedPublicKey(seed);
    const r = hex(point);
    const challenge = ed25519Challenge(r, publicKey, message);
    const fitting = (challenge * secret) % ORDER;
    const forged = concatBytes(r, littleEndian(fitting));
    expect(ed25519.verify(forged, message, publicKey, { zip215: false })).toBe(true);
    expect(verifyEd25519(publicKey, message, forged)).toBe(false);
  });

  it("an R with a small-order component is refused, as node:crypto does", () => {
    const { scalar: secret } = ed25519.utils.getExtendedPublicKey(seed);
    const nonce = 12345n;
    for (const torsion of ED25519_TORSION_SUBGROUP) {
      const r = ed25519.Point.BASE.multiply(nonce).add(ed25519.Point.fromHex(torsion)).toBytes();
      const challenge = ed25519Challenge(r, publicKey, message);
      const made = concatBytes(r, littleEndian((nonce + challenge * secret) % ORDER));
      const accepted = verifyEd25519(publicKey, message, made);
      expect(accepted).toBe(nodeVerifies(publicKey, message, made));
      expect(accepted).toBe(ed25519.Point.fromHex(torsion).is0());
    }
  });

  it("any other size is refused and does not throw", () => {
    for (const size of [0, 1, 63, 65, 128]) {
      expect(verifyEd25519(publicKey, message, new Uint8Array(size))).toBe(false);
    }
    expect(verifyEd25519(publicKey.subarray(1), message, signature)).toBe(false);
  });
});

/** SHA-512(R || A || M) mod L. */
function ed25519Challenge(r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint {
  const digest = sha512Bytes(concatBytes(r, key, message)).reverse();
  return BigInt(`0x${toHex(digest)}`) % ORDER;
}

function sha512Bytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha512").update(bytes).digest());
}
