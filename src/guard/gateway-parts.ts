// Where a gateway keeps leases, consents and labels: one store, or a part of its own for each.
import { GuardError } from "../errors.ts";
import type { StateStore, SyncStateStore } from "../store/types.ts";
import type { ConsentRecord } from "./consent-record.ts";
import type { GrantStore } from "./grant-access.ts";

/** What a store part must do; `InMemoryConsentLedger` and every StateStore do. */
type LeasePart = Pick<
  SyncStateStore,
  "putLease" | "getLease" | "findLeases" | "consumeLease" | "revokeLease"
>;
type ConsentPart = {
  putConsent(record: ConsentRecord): boolean;
  findConsents: GrantStore["findConsents"];
  consumeConsent(id: string): boolean;
};
type SessionPart = Pick<SyncStateStore, "getTaint" | "addTaint">;

export interface GatewayParts {
  /** Leases, consents and labels. Default: in the memory of this process. */
  readonly store?: StateStore | undefined;
  /** Consents, where they are kept apart from the store. */
  readonly consent?: ConsentPart | undefined;
  /** Leases, likewise. */
  readonly leases?: LeasePart | undefined;
  /** Labels of sessions, likewise. */
  readonly sessions?: SessionPart | undefined;
}

/** A store that holds nothing, and keeps nothing: whatever needs it is refused. */
export const NO_GRANTS: GrantStore = {
  getLease: () => undefined,
  findLeases: () => [],
  consumeLease: () => false,
  findConsents: () => [],
  consumeConsent: () => false,
  getTaint: () => -1,
  addTaint: () => -1,
};

/**
 * The synchronous parts together; `undefined` when the store answers later.
 *
 * @throws {GuardError} ARGUMENT_INVALID for parts beside a store that answers later
 */
export function grantStoreOf(
  { leases, consent, sessions }: GatewayParts,
  store: StateStore,
): GrantStore | undefined {
  if (store.mode === "async") {
    if (leases !== undefined || consent !== undefined || sessions !== undefined) {
      throw new GuardError(
        "ARGUMENT_INVALID",
        "expected leases, consent and sessions in one store when it answers later",
      );
    }
    return undefined;
  }
  const leasePart = leases ?? store;
  const consentPart = consent ?? store;
  const sessionPart = sessions ?? store;
  return {
    getLease: (id) => leasePart.getLease(id),
    findLeases: (principal, server) => leasePart.findLeases(principal, server),
    consumeLease: (id, remaining) => leasePart.consumeLease(id, remaining),
    findConsents: (principal, server, item) => consentPart.findConsents(principal, server, item),
    consumeConsent: (id) => consentPart.consumeConsent(id),
    getTaint: (session) => sessionPart.getTaint(session),
    addTaint: (session, mask) => sessionPart.addTaint(session, mask),
  };
}
