// TrustedCatalog: the one maker, its brand, its inputs, and what it remembers.
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { MemoryTrustState, type TrustState } from "../../src/catalog/state.ts";
import { isTrustedCatalog, TrustedCatalog } from "../../src/catalog/trusted.ts";
import { GuardError } from "../../src/errors.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import {
  alice,
  catalogText,
  EXPIRES_MS,
  expectRejection,
  mallory,
  NOW_MS,
  rootDigest,
  signedCatalog,
  signedRoot,
  thrownBy,
} from "../fixtures/trust.ts";

const ROOT = signedRoot();
const clock = (): number => NOW_MS;
const GOOD = { envelope: signedCatalog(), root: ROOT, rootPin: rootDigest(), clock };

/** A store that counts, and can be told to fail. */
class WatchedState extends MemoryTrustState {
  readonly saved: TrustState[] = [];
  failure: Error | undefined;

  override async save(state: TrustState): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await super.save(state);
    this.saved.push(state);
  }
}

describe("open", () => {
  it("gives the catalog's id, version, digest, expiry, servers, root and image", async () => {
    const trusted = await TrustedCatalog.open(GOOD);
    expect(trusted.id).toBe("acme");
    expect(trusted.version).toBe(7);
    expect(trusted.expiresAt).toBe(EXPIRES_MS);
    expect(trusted.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect([...trusted.servers.keys()]).toEqual([]);
    expect(trusted.catalog.version).toBe(7);
    expect(trusted.root.sha256).toBe(rootDigest());
    expect(trusted.image.length).toBeGreaterThan(0);
    expect(Object.isFrozen(trusted)).toBe(true);
  });

  it("takes text, bytes, Buffers, and a chain of roots", async () => {
    const text = utf8Text(GOOD.envelope) ?? "";
    const rootText = utf8Text(ROOT) ?? "";
    const second = signedRoot({ version: 2 });
    const roots = [rootText, Buffer.from(second)];
    const opened = [
      await TrustedCatalog.open({ ...GOOD, envelope: text, root: rootText }),
      await TrustedCatalog.open({ ...GOOD, envelope: Buffer.from(GOOD.envelope), root: roots }),
      await TrustedCatalog.open({ ...GOOD, root: [ROOT, second], rootPin: undefined }),
    ];
    expect(opened.map(({ root }) => root.version)).toEqual([1, 2, 2]);
  });

  it("takes a catalog with OpenSSH signatures", async () => {
    const { envelope: _, ...settings } = GOOD;
    const toml = catalogText();
    const signatures = [signSshsig(utf8(toml), alice)];
    const trusted = await TrustedCatalog.open({ ...settings, toml, signatures });
    expect(trusted.sha256).toBe((await TrustedCatalog.open(GOOD)).sha256);
    const edited = { ...settings, toml: `${toml}# x\n`, signatures };
    await expectRejection(TrustedCatalog.open(edited), "CATALOG_SIGNATURE_INVALID");
  });

  it("neither form, both forms, half a form, or what is no file is CATALOG_ENVELOPE", async () => {
    const { envelope, ...settings } = GOOD;
    const toml = catalogText();
    const signatures = [signSshsig(utf8(toml), alice)];
    const bad: readonly object[] = [
      {},
      { toml },
      { signatures },
      { envelope, toml, signatures },
      { envelope, signatures },
      { envelope: 7 },
      { envelope: null },
      { envelope: [...envelope] },
      { envelope: `${utf8Text(envelope)}\ud800` },
      { toml, signatures: [] },
      { toml, signatures: [7] },
      { toml, signatures: 7 },
      { toml, signatures: signatures[0] },
    ];
    for (const form of bad) {
      // WHY: what a caller without types may pass
      const options = { ...settings, ...form } as Parameters<typeof TrustedCatalog.open>[0];
      await expectRejection(TrustedCatalog.open(options), "CATALOG_ENVELOPE");
    }
  });

  it("no root at all is no trust: nothing is trusted on first use", async () => {
    await expectRejection(TrustedCatalog.open({ ...GOOD, root: [] }), "ROOT_CHAIN");
    for (const root of [undefined, null, 7, {}]) {
      // WHY: what a caller without types may pass
      const options = { ...GOOD, root } as unknown as Parameters<typeof TrustedCatalog.open>[0];
      await expectRejection(TrustedCatalog.open(options), "ROOT_CHAIN");
    }
    const own = signedRoot({}, [mallory]);
    await expectRejection(
      TrustedCatalog.open({ ...GOOD, root: own, rootPin: undefined }),
      "ROOT_SIGNATURE",
    );
  });

  it("uses the wall clock when none is given: this catalog's time is over or not yet come", async () => {
    const far = catalogText({ issued: "2999-01-01T00:00:00Z", expires: "2999-02-01T00:00:00Z" });
    const root = signedRoot({ expiresMs: Date.UTC(2999, 5, 1) });
    const opening = TrustedCatalog.open({ envelope: signedCatalog(far), root });
    await expectRejection(opening, "CATALOG_NOT_YET_VALID");
  });
});

describe("state", () => {
  it("is saved once everything is checked, and only then", async () => {
    const state = new WatchedState();
    await expectRejection(TrustedCatalog.open({ ...GOOD, state, expectId: "b" }), "CATALOG_ID");
    expect(state.saved).toEqual([]);
    const trusted = await TrustedCatalog.open({ ...GOOD, state });
    expect(state.saved).toEqual([
      {
        rootVersion: 1,
        rootSha256: rootDigest(),
        catalogVersion: 7,
        catalogSha256: trusted.sha256,
      },
    ]);
    await TrustedCatalog.open({ ...GOOD, state });
    expect((await state.load())?.catalogVersion).toBe(7);
  });

  it("that cannot be saved means no catalog", async () => {
    const state = new WatchedState();
    state.failure = new GuardError("FILE_UNREADABLE", "expected a writable directory");
    await expectRejection(TrustedCatalog.open({ ...GOOD, state }), "FILE_UNREADABLE");
  });

  it("that is damaged means no catalog", async () => {
    const state = {
      async load(): Promise<TrustState | undefined> {
        throw new GuardError("STATE_CORRUPT", "expected an intact trust state");
      },
      async save(): Promise<void> {},
    };
    await expectRejection(TrustedCatalog.open({ ...GOOD, state }), "STATE_CORRUPT");
  });

  it("a process that started with older files while a newer one saved is refused", async () => {
    const state = new MemoryTrustState();
    const newer = signedCatalog(catalogText({ version: 8 }));
    const slow = {
      load: state.load.bind(state),
      async save(next: TrustState): Promise<void> {
        await TrustedCatalog.open({ ...GOOD, envelope: newer, state });
        await state.save(next);
      },
    };
    await expectRejection(TrustedCatalog.open({ ...GOOD, state: slow }), "CATALOG_ROLLBACK");
    expect((await state.load())?.catalogVersion).toBe(8);
  });

  it("a newer trust root is remembered, and the older one refused from then on", async () => {
    const state = new MemoryTrustState();
    const root = [ROOT, signedRoot({ version: 2 })];
    await TrustedCatalog.open({ ...GOOD, root, state });
    expect((await state.load())?.rootVersion).toBe(2);
    await expectRejection(TrustedCatalog.open({ ...GOOD, state }), "ROOT_CHAIN");
  });
});

describe("the brand", () => {
  it("nothing but open makes a trusted catalog", async () => {
    const trusted = await TrustedCatalog.open(GOOD);
    expect(isTrustedCatalog(trusted)).toBe(true);
    const lookAlikes: readonly unknown[] = [
      undefined,
      null,
      7,
      "x",
      {},
      { ...trusted },
      structuredClone({ id: trusted.id }),
      Object.create(trusted),
      Object.create(TrustedCatalog.prototype),
      new Proxy(trusted, {}),
      TrustedCatalog,
    ];
    for (const value of lookAlikes) expect(isTrustedCatalog(value)).toBe(false);
  });

  it("the constructor cannot be called from outside", async () => {
    const trusted = await TrustedCatalog.open(GOOD);
    for (const maker of [Symbol("TrustedCatalog.open"), undefined]) {
      const error = thrownBy(() => Reflect.construct(TrustedCatalog, [maker, trusted]));
      expect(error).toMatchObject({ code: "ARGUMENT_INVALID" });
    }
  });
});
