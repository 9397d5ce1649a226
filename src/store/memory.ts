// The store that lives as long as the process: for the library and for tests.
import { GuardError } from "../errors.ts";
import { memoryConsents, memoryLeases } from "./memory-grants.ts";
import { memoryHost } from "./memory-host.ts";
import { memoryQuestions } from "./memory-questions.ts";
import { memorySessions } from "./memory-sessions.ts";
import type { StateOperations, SyncStateStore } from "./types.ts";

/** An empty store of this process alone. */
export function createMemoryStore(): SyncStateStore {
  let isOpen = true;
  const operations: StateOperations = {
    ...memoryLeases(),
    ...memoryConsents(),
    ...memoryQuestions(),
    ...memorySessions(),
    ...memoryHost(),
    close: () => {
      isOpen = false;
    },
  };
  return { ...whileOpen(operations, () => isOpen), mode: "sync" };
}

/** Each operation, which is refused once the store is closed. */
function whileOpen(operations: StateOperations, isOpen: () => boolean): StateOperations {
  const guard =
    <Args extends readonly unknown[], Result>(operation: (...args: Args) => Result) =>
    (...args: Args): Result => {
      if (isOpen()) return operation(...args);
      throw new GuardError("STORE_UNAVAILABLE", "expected an open store, got a closed one");
    };
  const { close, ...others } = operations;
  return {
    close,
    putLease: guard(others.putLease),
    getLease: guard(others.getLease),
    findLeases: guard(others.findLeases),
    listLeases: guard(others.listLeases),
    consumeLease: guard(others.consumeLease),
    revokeLease: guard(others.revokeLease),
    putConsent: guard(others.putConsent),
    findConsents: guard(others.findConsents),
    listConsents: guard(others.listConsents),
    consumeConsent: guard(others.consumeConsent),
    revokeConsent: guard(others.revokeConsent),
    putQuestion: guard(others.putQuestion),
    listQuestions: guard(others.listQuestions),
    answerQuestion: guard(others.answerQuestion),
    getAnswer: guard(others.getAnswer),
    removeQuestion: guard(others.removeQuestion),
    getTaint: guard(others.getTaint),
    addTaint: guard(others.addTaint),
    linkSession: guard(others.linkSession),
    listSessions: guard(others.listSessions),
    resetSession: guard(others.resetSession),
    addDrift: guard(others.addDrift),
    listDrift: guard(others.listDrift),
    useNonce: guard(others.useNonce),
    registerLog: guard(others.registerLog),
    closeLog: guard(others.closeLog),
    listLogs: guard(others.listLogs),
    loadCatalogState: guard(others.loadCatalogState),
    saveCatalogState: guard(others.saveCatalogState),
  };
}
