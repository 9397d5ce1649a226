// Conformance: session taint and its inheritance.
import { describe, expect, it } from "vitest";
import { LIMIT_SESSION_ANCESTORS } from "../../src/store/limits.ts";
import { type Current, expectFault } from "./conformance.ts";
import { hash } from "./fixtures.ts";

export function describeSessions(current: Current): void {
  describe("sessions", () => {
    it("labels only ever come: OR, up to the last bit", async () => {
      const store = current.store();
      expect(await store.getTaint(hash(1))).toBe(0);
      expect(await store.addTaint(hash(1), 0)).toBe(0);
      expect(await store.listSessions()).toEqual([]);
      expect(await store.addTaint(hash(1), 0b0110)).toBe(0b0110);
      expect(await store.addTaint(hash(1), 0x8000_0000)).toBe(0x8000_0006);
      expect(await store.addTaint(hash(1), 0b0010)).toBe(0x8000_0006);
      expect(await store.getTaint(hash(1))).toBe(0x8000_0006);
      expect(await store.addTaint(hash(1), 0xffff_ffff)).toBe(0xffff_ffff);
      expect(await store.getTaint(hash(2))).toBe(0);
    });

    it.each([[-1], [0x1_0000_0000], [1.5], [Number.NaN]])("%d is no mask", async (mask) => {
      const store = current.store();
      await expectFault(() => store.addTaint(hash(1), mask), "ARGUMENT_INVALID");
      expect(await store.getTaint(hash(1))).toBe(0);
    });

    it("a session has no other name: what is not a hash is refused, never clean", async () => {
      const store = current.store();
      await store.addTaint(hash(0xab), 1);
      for (const name of ["", "sess", hash(0xab).toUpperCase(), `${hash(0xab)} `]) {
        await expectFault(() => store.getTaint(name), "ARGUMENT_INVALID");
        await expectFault(() => store.addTaint(name, 1), "ARGUMENT_INVALID");
        await expectFault(() => store.linkSession(name, hash(0xab)), "ARGUMENT_INVALID");
        await expectFault(() => store.resetSession(name), "ARGUMENT_INVALID");
      }
    });

    it("a sub-session carries what its ancestors carry, also what comes later", async () => {
      const store = current.store();
      await store.addTaint(hash(1), 1);
      expect(await store.linkSession(hash(2), hash(1))).toBe(true);
      expect(await store.linkSession(hash(3), hash(2))).toBe(true);
      expect(await store.getTaint(hash(3))).toBe(1);
      await store.addTaint(hash(1), 4);
      expect(await store.addTaint(hash(3), 8)).toBe(13);
      expect(await store.getTaint(hash(2))).toBe(5);
      expect(await store.getTaint(hash(1))).toBe(5);
      expect(await store.listSessions()).toEqual([
        { sessionHash: hash(1), own: 5, taint: 5, parent: null },
        { sessionHash: hash(2), own: 0, taint: 5, parent: hash(1) },
        { sessionHash: hash(3), own: 8, taint: 13, parent: hash(2) },
      ]);
    });

    it("no session gets rid of its parent, becomes its own ancestor, or takes its children along", async () => {
      const store = current.store();
      expect(await store.linkSession(hash(1), hash(1))).toBe(false);
      expect(await store.linkSession(hash(2), hash(1))).toBe(true);
      expect(await store.linkSession(hash(2), hash(1))).toBe(true);
      expect(await store.linkSession(hash(2), hash(9))).toBe(false);
      expect(await store.linkSession(hash(1), hash(2))).toBe(false);
      expect(await store.linkSession(hash(1), hash(9))).toBe(false);
      await store.addTaint(hash(1), 2);
      expect(await store.getTaint(hash(2))).toBe(2);
      expect(await store.getTaint(hash(9))).toBe(0);
    });

    it(`a session has ${LIMIT_SESSION_ANCESTORS} above it and not one more`, async () => {
      const store = current.store();
      for (let at = 0; at < LIMIT_SESSION_ANCESTORS; at++) {
        expect(await store.linkSession(hash(at + 1), hash(at))).toBe(true);
      }
      const last = LIMIT_SESSION_ANCESTORS;
      expect(await store.linkSession(hash(last + 1), hash(last))).toBe(false);
      await store.addTaint(hash(0), 1);
      expect(await store.getTaint(hash(last))).toBe(1);
      expect(await store.getTaint(hash(last + 1))).toBe(0);
    });

    it("a reset clears what is the session's own, and nothing that it inherits", async () => {
      const store = current.store();
      expect(await store.resetSession(hash(1))).toBe(false);
      await store.addTaint(hash(1), 1);
      await store.linkSession(hash(2), hash(1));
      await store.addTaint(hash(2), 2);
      expect(await store.resetSession(hash(2))).toBe(true);
      expect(await store.getTaint(hash(2))).toBe(1);
      expect(await store.resetSession(hash(1))).toBe(true);
      expect(await store.getTaint(hash(2))).toBe(0);
      // the line stays: labels that come later still reach the sub-session
      await store.addTaint(hash(1), 8);
      expect(await store.getTaint(hash(2))).toBe(8);
      await store.addTaint(hash(3), 1);
      expect(await store.resetSession(hash(3))).toBe(true);
      expect((await store.listSessions()).map(({ sessionHash }) => sessionHash)).toEqual([
        hash(1),
        hash(2),
      ]);
    });
  });
}
