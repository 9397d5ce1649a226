// What `lease grant`, `list` and `revoke` say about a lease.

import { principalHash } from "../guard/identity-hash.ts";
import { PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import type { Lease } from "../store/records.ts";
import { shortId, timeText } from "./state-db.ts";
import type { Style } from "./style.ts";
import { visible } from "./style.ts";

export type LeaseStatus = "active" | "expired" | "used_up" | "revoked";

export function leaseStatus(lease: Lease, nowMs: number): LeaseStatus {
  if (lease.revoked) return "revoked";
  if (nowMs >= lease.expiresAtMs) return "expired";
  return lease.remaining === 0 ? "used_up" : "active";
}

/** A lease in `--json`. */
export function leaseJson(lease: Lease, nowMs: number): Readonly<Record<string, unknown>> {
  const { id, serverId, grantedTools, remaining, maxInvocations, stateChanging } = lease;
  return {
    id,
    status: leaseStatus(lease, nowMs),
    server: serverId,
    tools: grantedTools,
    principalHash: lease.principalHash,
    created: timeText(lease.createdAtMs),
    expires: timeText(lease.expiresAtMs),
    maxInvocations,
    remaining,
    stateChanging,
    argsDigest: lease.argsDigest,
  };
}

/** A row of the table of leases. */
export function leaseRow(lease: Lease, nowMs: number, style: Style): readonly string[] {
  const { id, serverId, grantedTools, remaining, maxInvocations } = lease;
  const status = leaseStatus(lease, nowMs);
  const count = maxInvocations === null ? "no limit" : `${remaining} of ${maxInvocations}`;
  return [
    shortId(id),
    status === "active" ? style.green(status) : style.dim(status),
    principalText(lease.principalHash),
    `${serverId}: ${grantedTools.map(visible).join(", ")}`,
    count,
    timeText(lease.expiresAtMs),
    [
      lease.stateChanging ? "state-changing" : "",
      lease.argsDigest === null ? "" : "these arguments only",
    ]
      .filter((word) => word !== "")
      .join(", "),
  ];
}

/** A store knows principals by their hash; the default one is told by name. */
export function principalText(hash: string): string {
  return hash === principalHash(PRINCIPAL_DEFAULT) ? PRINCIPAL_DEFAULT : shortId(hash);
}
