// A store whose labels can be asked for and added only while it works.
import { GuardError } from "../../src/errors.ts";
import type { SyncStateStore } from "../../src/store/types.ts";

export interface MoodyStore {
  readonly store: SyncStateStore;
  isBroken: boolean;
}

/** In front of `inner`, which takes whatever comes through. */
export function moodyStore(inner: SyncStateStore): MoodyStore {
  const orFault = <T>(use: () => T): T => {
    if (moody.isBroken) throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
    return use();
  };
  const moody: MoodyStore = {
    store: {
      ...inner,
      getTaint: (session) => orFault(() => inner.getTaint(session)),
      addTaint: (session, mask) => orFault(() => inner.addTaint(session, mask)),
    },
    isBroken: false,
  };
  return moody;
}
