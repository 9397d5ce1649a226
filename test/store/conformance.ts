// What every store does, whatever it is made of. One suite; a store that passes it is one.
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { GuardErrorCode } from "../../src/errors.ts";
import type { StateStore } from "../../src/store/types.ts";
import { expectRejection } from "../fixtures/trust.ts";
import { describeGrants } from "./conformance-grants.ts";
import { describeHost } from "./conformance-host.ts";
import { describeModel } from "./conformance-model.ts";
import { describeProcesses } from "./conformance-processes.ts";
import { describeQuestions } from "./conformance-questions.ts";
import { describeSessions } from "./conformance-sessions.ts";
import { lease } from "./fixtures.ts";

/** A fresh, empty store. */
export interface StoreHandle {
  readonly store: StateStore;
  /** The same data through a second store, as another process sees it. */
  readonly reopen?: () => Promise<StateStore>;
  /** Text of an ES module that opens the same data as `store`, for child processes. */
  readonly childSource?: string;
}

export interface StoreUnderTest {
  readonly name: string;
  /** Other processes can use the same data: then a handle has `reopen` and `childSource`. */
  readonly isShared: boolean;
  readonly create: () => Promise<StoreHandle>;
}

/** The store of the current test. */
export interface Current {
  readonly store: () => StateStore;
  readonly handle: () => StoreHandle;
}

/** Runs an operation of either flavour and asserts what it throws. */
export function expectFault(operation: () => unknown, code: GuardErrorCode): Promise<Error> {
  return expectRejection((async () => await operation())(), code);
}

export function describeStateStore(subject: StoreUnderTest): void {
  describe(subject.name, () => {
    let handle: StoreHandle | undefined;
    const opened: StateStore[] = [];
    const current: Current = {
      handle: () => handle ?? expect.fail("expected a store before the test"),
      store: () => current.handle().store,
    };
    beforeEach(async () => {
      handle = await subject.create();
      opened.push(handle.store);
    });
    afterAll(async () => {
      for (const store of opened) await store.close();
    });

    describeGrants(current);
    describeQuestions(current);
    describeSessions(current);
    describeHost(current);
    describeModel(current);
    if (subject.isShared) describeProcesses(current);

    it("a closed store answers nothing: its user refuses instead of going on without it", async () => {
      const store = current.store();
      await store.putLease(lease(1));
      await store.close();
      await store.close();
      await expectFault(() => store.getLease(lease(1).id), "STORE_UNAVAILABLE");
      await expectFault(() => store.getTaint(lease(1).id), "STORE_UNAVAILABLE");
      await expectFault(() => store.consumeLease(lease(1).id, 3), "STORE_UNAVAILABLE");
    });

    if (!subject.isShared) return;
    it("what was kept is there for the next process", async () => {
      const { store, reopen = missing } = current.handle();
      await store.putLease(lease(1));
      await store.consumeLease(lease(1).id, 3);
      await store.addTaint(lease(1).id, 5);
      const other = await reopen();
      expect(await other.getLease(lease(1).id)).toEqual(lease(1, { remaining: 2 }));
      expect(await other.getTaint(lease(1).id)).toBe(5);
      await other.close();
    });
  });
}

/** For a handle of a shared store that lacks what such a handle has. */
export function missing(): never {
  return expect.fail("expected `reopen` and `childSource` of a shared store");
}
