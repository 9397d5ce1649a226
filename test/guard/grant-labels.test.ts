// The operator's taint labels keep their meaning when a catalog moves their bits.
import { describe, expect, it } from "vitest";
import { Grants } from "../../src/guard/grants.ts";
import { LIMIT_TAINT_WAITING } from "../../src/guard/waiting-labels.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SyncStateStore } from "../../src/store/types.ts";

const SESSION = "ab".repeat(32);
const OTHER = "cd".repeat(32);

/** The session number `index` as a hash. */
function sessionOf(index: number): string {
  return index.toString(16).padStart(64, "0");
}

function brokenStore(): { store: SyncStateStore; mend: () => void } {
  const whole = createMemoryStore();
  let isBroken = true;
  const guarded = <T>(call: () => T): T => {
    if (isBroken) throw new Error("no store");
    return call();
  };
  const store: SyncStateStore = {
    ...whole,
    getTaint: (hash) => guarded(() => whole.getTaint(hash)),
    addTaint: (hash, mask) => guarded(() => whole.addTaint(hash, mask)),
  };
  const mend = (): void => {
    isBroken = false;
  };
  return { store, mend };
}

describe("operator labels in a store", () => {
  it("a label that a new catalog version numbers anew is still on the session", () => {
    const store = createMemoryStore();
    const before = new Grants(store, [{ name: "customer", bit: 3 }]);
    expect(before.addTaint([SESSION], 0b1001)).toBe(0b1001);
    const labels = [
      { name: "alpha", bit: 3 },
      { name: "customer", bit: 4 },
    ];
    const after = new Grants(store, labels);
    expect(after.taint([SESSION])).toBe(0b1_0001);
    expect(after.taint([OTHER])).toBe(0);
    expect(after.taint([OTHER, SESSION])).toBe(0b1_0001);
  });

  it("a session with nothing but an operator's label is known to the store", () => {
    const store = createMemoryStore();
    new Grants(store, [{ name: "customer", bit: 31 }]).addTaint([SESSION], 0x80000000);
    expect(store.listSessions().map(({ sessionHash }) => sessionHash)).toContain(SESSION);
  });

  it("labels that the store cannot take count at once, and are written when it can", () => {
    const { store, mend } = brokenStore();
    const grants = new Grants(store, [{ name: "customer", bit: 3 }]);
    expect(grants.taint([SESSION])).toBe(-1);
    expect(grants.addTaint([SESSION], 0b1000)).toBe(-1);
    mend();
    expect(grants.taint([SESSION])).toBe(0b1000);
    expect(grants.addTaint([SESSION], 0b1)).toBe(0b1001);
    expect(new Grants(store, [{ name: "customer", bit: 5 }]).taint([SESSION])).toBe(0b10_0001);
  });

  it("4 096 sessions may wait for the store; one more and every session counts as tainted", () => {
    const { store, mend } = brokenStore();
    const grants = new Grants(store, []);
    for (let index = 0; index < LIMIT_TAINT_WAITING; index++) {
      grants.addTaint([sessionOf(index)], 1);
    }
    mend();
    expect(grants.taint([OTHER])).toBe(0);
    const broken = brokenStore();
    const full = new Grants(broken.store, []);
    for (let index = 0; index <= LIMIT_TAINT_WAITING; index++) {
      full.addTaint([sessionOf(index)], 1);
    }
    broken.mend();
    expect(full.taint([OTHER])).toBe(-1);
  });
});
