// Grants to look at: a decision with them shows what a call would come to, and takes nothing.
import { type GrantStore, Grants } from "./grants.ts";

/** A view of `grants` in which everything can be taken and nothing is. */
export function peekingGrants(grants: Grants): Grants {
  const store: GrantStore = {
    getLease: (id) => grants.lease(id),
    findLeases: (principalHash, serverId) => grants.leases(principalHash, serverId),
    consumeLease: () => true,
    findConsents: (principalHash, serverId, item) => grants.consents(principalHash, serverId, item),
    consumeConsent: () => true,
    getTaint: (session) => grants.taint([session]),
    addTaint: (session, mask) => grants.taint([session]) | mask,
  };
  return new Grants(store);
}
