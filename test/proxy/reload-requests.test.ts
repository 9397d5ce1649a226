// How often it is verified again, what is said of it, and whose fault a fault is.
import { beforeAll, describe, expect, it } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { GuardError } from "../../src/errors.ts";
import { CatalogReload } from "../../src/proxy/catalog-reload.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { StepRig, version } from "./reload-rig.ts";
import { call } from "./rig.ts";

let first: TrustedCatalog;
let second: TrustedCatalog;
let older: TrustedCatalog;

beforeAll(async () => {
  first = await version(7);
  second = await version(8);
  older = await version(6);
});

/** A reload whose verifications end when the test says so. */
class Harness {
  readonly notes: string[] = [];
  readonly faults: unknown[] = [];
  readonly reload: CatalogReload;
  readonly rig: StepRig;
  readonly #verifications: {
    resolve(catalog: TrustedCatalog): void;
    reject(fault: unknown): void;
  }[] = [];

  constructor(rig: StepRig = new StepRig(first)) {
    this.rig = rig;
    this.reload = new CatalogReload({
      session: rig.session,
      updates: {
        open: () => new Promise((resolve, reject) => this.#verifications.push({ resolve, reject })),
        begin: () => () => undefined,
        explain: async (fault) => {
          if (fault instanceof GuardError) return { code: fault.code, message: fault.message };
          return { code: "INTERNAL", message: String(fault) };
        },
        note: (line) => this.notes.push(line),
      },
      apply: (run) => {
        try {
          run();
        } catch (fault) {
          this.faults.push(fault);
        }
      },
    });
  }

  get count(): number {
    return this.#verifications.length;
  }

  /** Ends the verification that runs, with a catalog or a fault. */
  async end(outcome: TrustedCatalog | Error): Promise<this> {
    const running = this.#verifications.at(-1);
    if (outcome instanceof Error) running?.reject(outcome);
    else running?.resolve(outcome);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    return this;
  }
}

describe("a reload", () => {
  it("is one at a time: a storm of requests is one more behind the one that runs", async () => {
    const harness = new Harness();
    for (let request = 0; request < 100; request++) harness.reload.request(true);
    expect(harness.count).toBe(1);
    await harness.end(second);
    expect(harness.count).toBe(2);
    await harness.end(second);
    expect(harness.count).toBe(2);
    expect(harness.notes).toEqual([
      "catalog version 8 is in force in place of version 7",
      "catalog version 8 is in force already",
    ]);
    expect(harness.rig.records.filter(({ kind }) => kind === "reload")).toHaveLength(1);
  });

  it("that finds nothing new says so to somebody who asked, and to nobody else", async () => {
    const harness = new Harness();
    harness.reload.request(false);
    await harness.end(first);
    expect([harness.notes, harness.rig.records]).toEqual([[], []]);
    harness.reload.request(true);
    await harness.end(first);
    expect(harness.notes).toEqual(["catalog version 7 is in force already"]);
  });

  it("that fails keeps the running catalog, and says and records why", async () => {
    const harness = new Harness();
    harness.reload.request(false);
    await harness.end(new GuardError("CATALOG_SIGNATURE_INVALID", "expected a signature"));
    expect(harness.rig.session.catalog).toBe(first);
    expect(harness.notes).toEqual([
      "the catalog was not replaced: version 7 stays in force until 2027-02-20T00:00:00.000Z: expected a signature (CATALOG_SIGNATURE_INVALID)",
    ]);
    expect(harness.rig.records).toMatchObject([
      {
        kind: "reload",
        sender: "guard",
        reason: "catalog_untrusted",
        outcome: "deny",
        detail: "CATALOG_SIGNATURE_INVALID: expected a signature",
      },
    ]);
    expect(harness.rig.send(call(1, "echo")).serve().reason(1)).toBe("allowed");
  });

  it("that fails because of the session is a failed reload like any other", async () => {
    const harness = new Harness();
    harness.reload.request(false);
    await harness.end(older);
    expect(harness.notes[0]).toContain("(CATALOG_ROLLBACK)");
    expect([harness.rig.session.catalog, harness.faults]).toEqual([first, []]);
  });

  it("that fails in the same way again is said once, until something good came", async () => {
    const harness = new Harness();
    const fault = new GuardError("CATALOG_ENVELOPE", "expected an envelope");
    const fail = async (isAsked: boolean): Promise<number> => {
      harness.reload.request(isAsked);
      await harness.end(fault);
      return harness.notes.length;
    };
    expect([await fail(false), await fail(false), await fail(true)]).toEqual([1, 1, 2]);
    harness.reload.request(false);
    await harness.end(new GuardError("CATALOG_EXPIRED", "expected a later time"));
    expect(await fail(false)).toBe(4);
    harness.reload.request(false);
    await harness.end(second);
    expect(await fail(false)).toBe(6);
  });

  it("that ends after the connection changes nothing and says nothing", async () => {
    for (const outcome of [second, new GuardError("CATALOG_ENVELOPE", "expected an envelope")]) {
      const harness = new Harness();
      harness.reload.request(true);
      harness.reload.stop();
      await harness.end(outcome);
      expect(harness.notes).toEqual([]);
      expect(harness.rig.session.catalog).toBe(first);
    }
  });

  it("whose record cannot be written is a fault of the guard, not a failed reload", async () => {
    const onRecord = (): never => {
      throw new GuardError("FILE_UNREADABLE", "expected to write");
    };
    const harness = new Harness(new StepRig(first, FIXTURE_SERVER, { onRecord }));
    harness.reload.request(false);
    await harness.end(second);
    expect(harness.faults).toMatchObject([{ code: "FILE_UNREADABLE" }]);
    expect(harness.notes).toEqual([]);
  });
});
