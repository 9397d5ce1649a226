// SHA-512 against the standard's examples and the one of this Node.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../../src/bytes.ts";
import { sha512 } from "../../src/sign/sha512.ts";
import { initialWords, roundWords } from "../../src/sign/sha512-constants.ts";

function nodeDigest(message: Uint8Array): string {
  return createHash("sha512").update(message).digest("hex");
}

/** Bytes without a pattern: digests of a counter. */
function noise(seed: number, size: number): Uint8Array {
  const parts = Array.from({ length: Math.ceil(size / 64) }, (_, index) =>
    createHash("sha512").update(`${seed} ${index}`).digest(),
  );
  return new Uint8Array(Buffer.concat(parts)).slice(0, size);
}

describe("SHA-512", () => {
  it("of `abc` and of 112 characters is that of FIPS 180-4", () => {
    expect(toHex(sha512(utf8("abc")))).toBe(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
    const long =
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn" +
      "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    expect(toHex(sha512(utf8(long)))).toBe(
      "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018" +
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    );
  });

  it("of every size up to three blocks is Node's, and so is that of a part of a larger array", () => {
    for (let size = 0; size <= 384; size++) {
      const whole = noise(size, size + 7);
      const part = whole.subarray(3, 3 + size);
      expect(toHex(sha512(part)), `${size}`).toBe(nodeDigest(part));
      expect(toHex(whole)).toBe(toHex(noise(size, size + 7)));
    }
  });

  it("of long messages is Node's", () => {
    for (const size of [4096, 65_535, 65_536, 1_000_001]) {
      const message = noise(size, size);
      expect(toHex(sha512(message)), `${size}`).toBe(nodeDigest(message));
    }
  });

  it("has the constants that the standard lists", () => {
    const initial = toHex(initialWords());
    expect(initial).toHaveLength(128);
    expect(initial.slice(0, 32)).toBe("6a09e667f3bcc908bb67ae8584caa73b");
    expect(initial.slice(-32)).toBe("1f83d9abfb41bd6b5be0cd19137e2179");
    const round = toHex(roundWords());
    expect(round).toHaveLength(1280);
    expect(round.slice(0, 32)).toBe("428a2f98d728ae227137449123ef65cd");
    expect(round.slice(-32)).toBe("5fcb6fab3ad6faec6c44198c4a475817");
  });
});
