// Ed25519 signatures: sound ones, changed ones, and points of small order.
import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { fromHex, toHex, utf8 } from "../../src/bytes.ts";
import { publicKeyOfSeed, signEd25519 } from "../../src/sign/ed25519-sign.ts";
import type { SignatureCase } from "./vectors-type.ts";

const SEEDS = 12;
const ORDER = ed25519.Point.Fn.ORDER;

interface WycheproofFile {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: string;
    }[];
  }[];
}

/** The cases of Wycheproof's `ed25519_test.json`. */
export function wycheproof(file: string): SignatureCase[] {
  const { testGroups }: WycheproofFile = JSON.parse(file);
  return testGroups.flatMap(({ publicKey, tests }) =>
    tests.map(({ tcId, msg, sig, result }) => ({
      id: `wycheproof-${tcId}`,
      want: String(result === "valid"),
      publicKey: publicKey.pk,
      message: msg,
      signature: sig,
    })),
  );
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

/** The same equation modulo the order, with S + L. */
function malleated(signature: Uint8Array): Uint8Array {
  const scalar = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + ORDER;
  const tail = fromHex(scalar.toString(16).padStart(64, "0")) ?? new Uint8Array(32);
  return Uint8Array.from([...signature.subarray(0, 32), ...tail.reverse()]);
}

/** Cases of the project's own; every one but the untouched signature is refused. */
export function ownSignatures(): SignatureCase[] {
  const cases: SignatureCase[] = [];
  const add = (
    id: string,
    want: boolean,
    key: Uint8Array,
    message: Uint8Array,
    sig: Uint8Array,
  ): void => {
    const hex = { publicKey: toHex(key), message: toHex(message), signature: toHex(sig) };
    cases.push({ id, want: String(want), ...hex });
  };
  for (let index = 0; index < SEEDS; index++) {
    const seed = new Uint8Array(32).fill(index * 19 + 1);
    const key = publicKeyOfSeed(seed);
    const message = utf8("é".repeat(index * 11));
    const signature = signEd25519(seed, message);
    add(`own-${index}`, true, key, message, signature);
    add(`own-${index}-bit`, false, key, message, flipped(signature, index * 42));
    add(`own-${index}-other`, false, key, utf8(`${index}`), signature);
    add(`own-${index}-malleated`, false, key, message, malleated(signature));
    add(`own-${index}-cut`, false, key, message, signature.subarray(0, 63));
  }
  const neutral = ed25519.Point.ZERO.toBytes();
  const forged = Uint8Array.from([...neutral, ...new Uint8Array(32)]);
  for (const [index, point] of ED25519_TORSION_SUBGROUP.entries()) {
    add(`torsion-${index}`, false, fromHex(point) ?? neutral, utf8("any message"), forged);
    const r = fromHex(point) ?? neutral;
    const sig = Uint8Array.from([...r, ...new Uint8Array(32)]);
    add(`torsion-r-${index}`, false, publicKeyOfSeed(new Uint8Array(32).fill(5)), utf8("m"), sig);
  }
  return cases;
}
