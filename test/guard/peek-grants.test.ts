// Grants that are only looked at: a decision with them is the one it would be, and takes nothing.
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { Grants } from "../../src/guard/grants.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { consent, lease, SESSION } from "../store/fixtures.ts";

describe("Grants.peek", () => {
  it("shows what is there, lets everything be taken, and takes nothing", () => {
    const store = createMemoryStore();
    const [held, approved] = [lease(1, { maxInvocations: 1, remaining: 1 }), consent(2)];
    store.putLease(held);
    store.putConsent(approved);
    store.addTaint(SESSION, 1);
    const peek = new Grants(store, []).peek();
    expect(peek.lease(held.id)).toEqual(held);
    expect(peek.leases(held.principalHash, held.serverId)).toEqual([held]);
    for (let time = 0; time < 3; time++) {
      expect(peek.takeLease(held)).toBe(true);
      expect(peek.takeConsent(approved.id)).toBe(true);
    }
    expect(peek.addTaint([SESSION], 6)).toBe(7);
    expect(store.getLease(held.id)?.remaining).toBe(1);
    expect(store.getTaint(SESSION)).toBe(1);
    const { principalHash, serverId, itemFingerprint } = approved;
    expect(peek.consents(principalHash, serverId, itemFingerprint)).toHaveLength(1);
  });

  it("sees the labels that the store could not take", () => {
    const store = createMemoryStore();
    const broken = {
      ...store,
      addTaint: (): never => {
        throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
      },
    };
    const grants = new Grants(broken, []);
    grants.addTaint([SESSION], 2);
    expect(grants.peek().taint([SESSION])).toBe(2);
  });
});
