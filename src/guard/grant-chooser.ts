// Which lease and which approval a call is decided with.
import type { Catalog } from "../catalog/types.ts";
import { chooseConsent } from "./consent-ledger.ts";
import type { ConsentBinding, ConsentRecord } from "./consent-record.ts";
import { argsDigestOf, type Prepared, type Taken, type Tried } from "./engine-prepared.ts";
import type { StoredLease } from "./lease.ts";
import { chooseLease, type LeaseCall, leaseMatches } from "./lease-choice.ts";
import { leaseState } from "./lease-valid.ts";

/** Chooses among what the store holds; the kernel decides what the choice is worth. */
export class GrantChooser {
  readonly #imageDigest: string;
  /** A rule of the catalog asks whether there is a lease. */
  readonly #usesLease: boolean;

  /** @param imageDigest lower-case hex SHA-256 of the image */
  constructor(catalog: Catalog, imageDigest: string) {
    this.#imageDigest = imageDigest;
    this.#usesLease = catalog.rules.some(({ when }) => when.lease !== undefined);
  }

  /** Where the catalog asks for one, or the caller names one. */
  lease(prepared: Prepared): StoredLease | undefined {
    const { call, target, caller } = prepared;
    if (target === undefined || call.identity === undefined || caller === undefined) {
      return undefined;
    }
    if (call.leaseId !== undefined) return prepared.grants.lease(call.leaseId);
    if (!this.#usesLease && !target.item.requires.includes("lease")) return undefined;
    const leases = prepared.grants.leases(call.identity.principalHash, call.serverId);
    if (leases.length === 0) return undefined;
    const isBound = leases.some((lease) => lease.argsDigest !== null);
    return chooseLease(leases, this.#leaseCall(prepared, isBound), prepared.nowMs);
  }

  #leaseCall(prepared: Prepared, needsDigest: boolean): LeaseCall {
    const { call, target } = prepared;
    return {
      principalHash: call.identity?.principalHash ?? "",
      serverId: call.serverId,
      tool: call.name,
      stateChanging: target?.item.effect !== "read",
      argsDigest: needsDigest ? (argsDigestOf(prepared) ?? "") : "",
    };
  }

  /** The record to decide with, of those that nobody has used up. */
  consent(
    prepared: Prepared,
    tried: Tried,
    { usedUp, consent }: Taken,
    asking: number,
  ): ConsentRecord | undefined {
    const binding = this.binding(prepared, tried, asking);
    if (binding === undefined) return undefined;
    const { principalHash, serverId, itemFingerprint } = binding;
    if (consent !== undefined) return consent;
    const records = prepared.grants.consents(principalHash, serverId, itemFingerprint);
    const open = records.filter(({ id }) => usedUp?.has(id) !== true);
    return chooseConsent(open, binding, prepared.nowMs);
  }

  /** What an approval of this very call is bound to. */
  binding(prepared: Prepared, tried: Tried, asking: number): ConsentBinding | undefined {
    const { call, target, live, nowMs } = prepared;
    const { identity } = call;
    const argsDigest = argsDigestOf(prepared);
    if (target === undefined || live === undefined) return undefined;
    if (identity === undefined || argsDigest === undefined) return undefined;
    const { lease } = tried;
    const hadLease =
      lease !== undefined &&
      leaseState(lease, nowMs) === "valid" &&
      leaseMatches(lease, this.#leaseCall(prepared, lease.argsDigest !== null));
    return {
      principalHash: identity.principalHash,
      sessionHash: identity.sessionHash,
      serverId: target.server.id,
      kind: target.item.kind,
      itemName: target.item.name,
      itemFingerprint: live.fingerprint,
      argsDigest,
      imageDigest: this.#imageDigest,
      asking: asking >>> 0,
      taint: tried.taint >>> 0,
      hadLease,
    };
  }
}
