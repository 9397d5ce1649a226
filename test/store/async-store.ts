// The memory store behind promises: late, out of order, failing, or stopped at a gate.
import { createMemoryStore } from "../../src/store/memory.ts";
import type { AsyncStateStore, StateOperations, SyncStateStore } from "../../src/store/types.ts";
import { createRandom } from "../oracle/random.ts";

export interface Faults {
  /** Default: an empty one. */
  readonly inner?: SyncStateStore;
  /** Milliseconds at most before a method acts, and again before its answer arrives. */
  readonly delayMsMax?: number;
  /** True: this call of that method fails. */
  readonly fails?: (name: keyof StateOperations) => boolean;
  /** What a call of that method waits for before it acts. */
  readonly gate?: (name: keyof StateOperations) => Promise<void> | undefined;
}

/** The memory store behind promises. */
export function asyncStore(faults: Faults = {}): {
  readonly store: AsyncStateStore;
  readonly inner: SyncStateStore;
} {
  const { delayMsMax = 0, fails = () => false, gate = () => undefined } = faults;
  const inner = faults.inner ?? createMemoryStore();
  const random = createRandom(7);
  const wait = (): Promise<void> =>
    delayMsMax === 0
      ? Promise.resolve()
      : new Promise((resolve) => setTimeout(resolve, random.below(delayMsMax + 1)));
  const late =
    <Args extends readonly unknown[], Result>(
      name: keyof StateOperations,
      method: (...args: Args) => Result,
    ) =>
    async (...args: Args): Promise<Result> => {
      await wait();
      await gate(name);
      if (fails(name)) throw new Error("gone");
      const result = method(...args);
      await wait();
      return result;
    };
  const store: AsyncStateStore = {
    mode: "async",
    putLease: late("putLease", inner.putLease),
    getLease: late("getLease", inner.getLease),
    findLeases: late("findLeases", inner.findLeases),
    listLeases: late("listLeases", inner.listLeases),
    consumeLease: late("consumeLease", inner.consumeLease),
    revokeLease: late("revokeLease", inner.revokeLease),
    putConsent: late("putConsent", inner.putConsent),
    findConsents: late("findConsents", inner.findConsents),
    listConsents: late("listConsents", inner.listConsents),
    consumeConsent: late("consumeConsent", inner.consumeConsent),
    revokeConsent: late("revokeConsent", inner.revokeConsent),
    putQuestion: late("putQuestion", inner.putQuestion),
    listQuestions: late("listQuestions", inner.listQuestions),
    answerQuestion: late("answerQuestion", inner.answerQuestion),
    getAnswer: late("getAnswer", inner.getAnswer),
    removeQuestion: late("removeQuestion", inner.removeQuestion),
    getTaint: late("getTaint", inner.getTaint),
    addTaint: late("addTaint", inner.addTaint),
    linkSession: late("linkSession", inner.linkSession),
    listSessions: late("listSessions", inner.listSessions),
    resetSession: late("resetSession", inner.resetSession),
    addDrift: late("addDrift", inner.addDrift),
    listDrift: late("listDrift", inner.listDrift),
    useNonce: late("useNonce", inner.useNonce),
    registerLog: late("registerLog", inner.registerLog),
    closeLog: late("closeLog", inner.closeLog),
    listLogs: late("listLogs", inner.listLogs),
    loadCatalogState: late("loadCatalogState", inner.loadCatalogState),
    saveCatalogState: late("saveCatalogState", inner.saveCatalogState),
    close: late("close", inner.close),
  };
  return { store, inner };
}
