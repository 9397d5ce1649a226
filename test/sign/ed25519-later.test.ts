// Ed25519 by a host that answers later: Web Cryptography as a page and a worker have it, and hosts that lie.
import { existsSync, readFileSync } from "node:fs";
import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { concatBytes, fromHex, utf8 } from "../../src/bytes.ts";
import { ASYNC_HOST as WEB } from "../../src/host/web.ts";
import { assertPublicKey, verifyEd25519 } from "../../src/sign/ed25519.ts";
import { publicKeyOfSeed, signEd25519 } from "../../src/sign/ed25519-sign.ts";
import { sha512 } from "../../src/sign/sha512.ts";

const VECTORS = new URL("../../../shared/data/wycheproof-ed25519_test.json", import.meta.url);
const hasVectors = existsSync(VECTORS);

interface Wycheproof {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
    }[];
  }[];
}

type Verify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

const SEED = new Uint8Array(32).fill(5);
const KEY = publicKeyOfSeed(SEED);
const MESSAGE = utf8("message");
const SIGNATURE = signEd25519(SEED, MESSAGE);
const FORGED = concatBytes(SIGNATURE.subarray(0, 32), SIGNATURE.subarray(0, 31), Uint8Array.of(0));

function hex(text: string): Uint8Array {
  return fromHex(text) ?? expect.fail("expected hex");
}

/** `verifyEd25519Later` as it is with such a host, and how often that was asked. */
async function withHost(verify: Verify | undefined): Promise<{ later: Verify; asked: Verify }> {
  const asked = vi.fn<Verify>(verify);
  vi.doMock("#host", () => ({
    HOST: undefined,
    ASYNC_HOST: verify === undefined ? undefined : { verifyEd25519: asked },
  }));
  const { verifyEd25519Later } = await import("../../src/sign/ed25519.ts");
  return { later: verifyEd25519Later, asked };
}

beforeEach(() => vi.resetModules());
afterEach(() => vi.doUnmock("#host"));

describe("Web Cryptography", () => {
  it("answers for itself after one question that shows which equation it computes", async () => {
    const { later, asked } = await withHost(WEB?.verifyEd25519);
    expect(await later(KEY, MESSAGE, SIGNATURE)).toBe(true);
    expect(asked).toHaveBeenCalledTimes(2);
    expect(await later(KEY, utf8("massage"), SIGNATURE)).toBe(false);
    expect(asked).toHaveBeenCalledTimes(3);
  });

  it.skipIf(!hasVectors)(
    `agrees over Wycheproof's cases${hasVectors ? "" : " (../shared/data is absent)"}`,
    async () => {
      const vectors: Wycheproof = JSON.parse(readFileSync(VECTORS, "utf8"));
      const { later, asked } = await withHost(WEB?.verifyEd25519);
      let count = 0;
      for (const { publicKey, tests } of vectors.testGroups) {
        const key = hex(publicKey.pk);
        // no key of the trust root was refused
        expect(() => assertPublicKey(key)).not.toThrow();
        for (const { tcId, msg, sig } of tests) {
          count += 1;
          const [message, signature] = [hex(msg), hex(sig)];
          const expected = verifyEd25519(key, message, signature);
          expect(await later(key, message, signature), `${tcId}`).toBe(expected);
        }
      }
      expect(count).toBe(151);
      expect(vi.mocked(asked).mock.calls.length).toBeGreaterThan(90);
    },
  );

  it("agrees on keys with a component of small order", async () => {
    const { later } = await withHost(WEB?.verifyEd25519);
    const answers = new Set<boolean>();
    const { scalar } = ed25519.utils.getExtendedPublicKey(SEED);
    const honest = ed25519.Point.fromBytes(KEY);
    for (const torsion of ED25519_TORSION_SUBGROUP) {
      const mixed = honest.add(ed25519.Point.fromHex(torsion)).toBytes();
      for (let nonce = 1n; nonce < 6n; nonce++) {
        const r = ed25519.Point.BASE.multiply(nonce).toBytes();
        const message = utf8(`message ${nonce}`);
        const signature = concatBytes(r, scalarOf(r, mixed, message, nonce, scalar));
        const answer = await later(mixed, message, signature);
        expect(answer).toBe(verifyEd25519(mixed, message, signature));
        answers.add(answer);
      }
    }
    expect(answers).toEqual(new Set([true, false]));
  });

  it("is not asked about what is refused before the equation", async () => {
    const { later, asked } = await withHost(WEB?.verifyEd25519);
    const neutral = ed25519.Point.ZERO.toBytes();
    const bare = concatBytes(neutral, new Uint8Array(32));
    for (const small of ED25519_TORSION_SUBGROUP) {
      expect(await later(hex(small), MESSAGE, bare)).toBe(false);
      expect(await later(KEY, MESSAGE, concatBytes(hex(small), new Uint8Array(32)))).toBe(false);
    }
    const large = concatBytes(SIGNATURE.subarray(0, 32), new Uint8Array(32).fill(255));
    expect(await later(KEY, MESSAGE, large)).toBe(false);
    expect(await later(KEY, MESSAGE, SIGNATURE.subarray(1))).toBe(false);
    expect(asked).not.toHaveBeenCalled();
  });
});

describe("another host", () => {
  it("that multiplies by the cofactor is asked once and never believed", async () => {
    const { later, asked } = await withHost(async (key, message, signature) =>
      ed25519.verify(signature, message, key, { zip215: true }),
    );
    expect(await later(KEY, MESSAGE, SIGNATURE)).toBe(true);
    expect(await later(KEY, MESSAGE, FORGED)).toBe(false);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("that says yes to everything forges nothing", async () => {
    const { later, asked } = await withHost(async () => true);
    expect(await later(KEY, MESSAGE, FORGED)).toBe(false);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("whose answer is no boolean has verified nothing", async () => {
    const answers: unknown[] = [false, "true"];
    const { later } = await withHost(async () => answers.shift() as boolean);
    expect(await later(KEY, MESSAGE, SIGNATURE)).toBe(false);
  });

  it.each<[string, Verify | undefined]>([
    [
      "that does not know the curve",
      () => Promise.reject(new DOMException("", "NotSupportedError")),
    ],
    [
      "without the interface",
      () => {
        throw new TypeError("no subtle");
      },
    ],
    ["that is none", undefined],
  ])("%s leaves the equation to the library", async (_what, verify) => {
    const { later } = await withHost(verify);
    expect(await later(KEY, MESSAGE, SIGNATURE)).toBe(true);
    expect(await later(KEY, MESSAGE, FORGED)).toBe(false);
  });
});

/** S = r + k s for the challenge of these bytes. */
function scalarOf(
  r: Uint8Array,
  key: Uint8Array,
  message: Uint8Array,
  nonce: bigint,
  secret: bigint,
): Uint8Array {
  const order = ed25519.Point.Fn.ORDER;
  const digest = sha512(concatBytes(r, key, message)).reverse();
  const challenge = BigInt(`0x${Buffer.from(digest).toString("hex")}`) % order;
  const scalar = (nonce + challenge * secret) % order;
  return hex(scalar.toString(16).padStart(64, "0")).reverse();
}
