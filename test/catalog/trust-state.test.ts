// The trust state: damage is seen, and nothing moves backwards.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import {
  assertAdvances,
  MemoryTrustState,
  parseTrustState,
  STATE_SIZE_BYTES_MAX,
  serializeTrustState,
  type TrustState,
} from "../../src/catalog/state.ts";
import { GuardError } from "../../src/errors.ts";
import { expectCode, expectRejection } from "../fixtures/trust.ts";

const STATE: TrustState = {
  rootVersion: 2,
  rootSha256: "ab".repeat(32),
  catalogVersion: 7,
  catalogSha256: "cd".repeat(32),
};
const BYTES = serializeTrustState(STATE);
const TEXT = utf8Text(BYTES) ?? "";

describe("the document", () => {
  it("is canonical JSON with a digest over the rest, and is read back", () => {
    // WHY: constants, so that a change of the format cannot pass unseen
    expect(TEXT).toBe(
      `{"catalog_sha256":"${"cd".repeat(32)}","catalog_version":7,` +
        `"root_sha256":"${"ab".repeat(32)}","root_version":2,` +
        `"sha256":"b761e065c562599e41ab1267d571e725e0a284ac02b6d8d55d8c2a6aa5311442"}`,
    );
    expect(parseTrustState(BYTES)).toEqual(STATE);
  });

  it("any flipped bit is STATE_CORRUPT", () => {
    for (let bit = 0; bit < BYTES.length * 8; bit++) {
      const changed = BYTES.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expectCode(() => parseTrustState(changed), "STATE_CORRUPT");
    }
  });

  it("any truncation is STATE_CORRUPT, the empty file included: it is not the absence of a state", () => {
    for (let size = 0; size < BYTES.length; size++) {
      expectCode(() => parseTrustState(BYTES.subarray(0, size)), "STATE_CORRUPT");
    }
  });

  it("another spelling of the same values is STATE_CORRUPT", () => {
    const members: object = JSON.parse(TEXT);
    const texts = [
      `${TEXT}\n`,
      ` ${TEXT}`,
      `\ufeff${TEXT}`,
      JSON.stringify(members, null, 1),
      JSON.stringify(Object.fromEntries(Object.entries(members).reverse())),
      JSON.stringify({ ...members, extra: 1 }),
      TEXT.replace("7,", "7.0,"),
      TEXT.replace("{", '{"root_version":1,'),
      "null",
      "[]",
      "7",
      "{}",
    ];
    for (const text of texts) expectCode(() => parseTrustState(utf8(text)), "STATE_CORRUPT");
  });

  it("values out of range are STATE_CORRUPT even under a right digest", () => {
    const bad: readonly Partial<TrustState>[] = [
      { rootVersion: 0 },
      { catalogVersion: -1 },
      { catalogVersion: 1.5 },
      { catalogVersion: 2 ** 53 },
      { rootSha256: "AB".repeat(32) },
      { catalogSha256: "cd" },
    ];
    for (const change of bad) {
      const bytes = serializeTrustState({ ...STATE, ...change });
      expectCode(() => parseTrustState(bytes), "STATE_CORRUPT");
    }
  });

  it("a file above the limit is STATE_CORRUPT before it is parsed", () => {
    expectCode(() => parseTrustState(new Uint8Array(STATE_SIZE_BYTES_MAX + 1)), "STATE_CORRUPT");
    const longest = { ...STATE, rootVersion: 2 ** 53 - 1, catalogVersion: 2 ** 53 - 1 };
    expect(serializeTrustState(longest).length).toBeLessThan(STATE_SIZE_BYTES_MAX);
    expect(parseTrustState(serializeTrustState(longest))).toEqual(longest);
  });

  it("changed text is STATE_CORRUPT, never another fault", () => {
    fc.assert(
      fc.property(fc.nat(TEXT.length), fc.nat(3), fc.string(), (at, removed, inserted) => {
        const text = TEXT.slice(0, at) + inserted + TEXT.slice(at + removed);
        fc.pre(text !== TEXT);
        expectCode(() => parseTrustState(utf8(text)), "STATE_CORRUPT");
      }),
    );
  });
});

describe("advancing", () => {
  const with_ = (change: Partial<TrustState>): TrustState => ({ ...STATE, ...change });

  it("the first state, the same one and newer ones are accepted", () => {
    expect(() => assertAdvances(undefined, STATE)).not.toThrow();
    expect(() => assertAdvances(STATE, STATE)).not.toThrow();
    const other = "ef".repeat(32);
    expect(() =>
      assertAdvances(STATE, with_({ catalogVersion: 8, catalogSha256: other })),
    ).not.toThrow();
    expect(() => assertAdvances(STATE, with_({ rootVersion: 3, rootSha256: other }))).not.toThrow();
  });

  it("older and forked ones are refused, each with its code", () => {
    const other = "ef".repeat(32);
    expectCode(() => assertAdvances(STATE, with_({ rootVersion: 1 })), "ROOT_CHAIN");
    expectCode(() => assertAdvances(STATE, with_({ rootSha256: other })), "ROOT_CHAIN");
    expectCode(() => assertAdvances(STATE, with_({ catalogVersion: 6 })), "CATALOG_ROLLBACK");
    const forked = with_({ catalogSha256: other });
    expectCode(() => assertAdvances(STATE, forked), "CATALOG_EQUIVOCATION");
    const newerRoot = with_({ rootVersion: 3, catalogVersion: 6 });
    expectCode(() => assertAdvances(STATE, newerRoot), "CATALOG_ROLLBACK");
  });
});

describe("the memory store", () => {
  it("remembers the newest of any interleaving of writers", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (versions) => {
          const store = new MemoryTrustState();
          const saves = versions.map((catalogVersion) =>
            store.save({ ...STATE, catalogVersion }).catch((error: unknown) => {
              expect(error).toBeInstanceOf(GuardError);
            }),
          );
          await Promise.all(saves);
          expect((await store.load())?.catalogVersion).toBe(Math.max(...versions));
        },
      ),
    );
  });

  it("starts empty, and refuses to go back", async () => {
    expect(await new MemoryTrustState().load()).toBeUndefined();
    const store = new MemoryTrustState(STATE);
    await expectRejection(store.save({ ...STATE, catalogVersion: 6 }), "CATALOG_ROLLBACK");
    expect(await store.load()).toEqual(STATE);
  });
});
