// One decision under an assumption: what the catalog would say if the live definition were the
// pinned one. For explanations only; no guard that can let a call through ever comes out of here.

import { LIMIT_ID_BYTES } from "../abi/limits.ts";
import { assertTrusted, type TrustedCatalog } from "../catalog/trusted.ts";
import type { Clock } from "../clock.ts";
import type { Decision } from "../verdict.ts";
import { admitReport } from "./admit.ts";
import { BoundServer } from "./bound-server.ts";
import { GuardKernel } from "./guard-kernel.ts";
import { ScopeSet } from "./scope-set.ts";

export interface AssumedCall {
  readonly server: string;
  readonly tool: string;
  /** Default: the tool's own. */
  readonly scopes?: readonly string[] | undefined;
  /** The scopes the caller may use at most. Default: no cap. */
  readonly scopeCap?: readonly string[] | undefined;
}

/**
 * Decides one call as if the server had just listed exactly the pinned definition of the tool.
 *
 * @throws {GuardError} SCOPE_UNKNOWN when a scope is named that the catalog does not have;
 *   KERNEL_LOAD, KERNEL_CAPACITY or IMAGE_INVALID when the kernel cannot be had.
 */
export function decideAsIfAdmitted(
  trusted: TrustedCatalog,
  call: AssumedCall,
  clock: Clock,
): Decision {
  assertTrusted(trusted);
  const { catalog } = trusted;
  // a kernel of its own, thrown away with the answer
  const guard = new GuardKernel(trusted.image, clock, LIMIT_ID_BYTES);
  if (call.scopeCap !== undefined) {
    const cap = new ScopeSet(catalog, call.scopeCap);
    guard.kernel.exports.setCap(cap.w0, cap.w1, cap.w2, cap.w3);
  }
  const pinned = catalog.servers.get(call.server)?.tools.get(call.tool);
  if (pinned !== undefined) {
    const { kind, name, fingerprints } = pinned;
    const item = {
      kind,
      name,
      reason: "allowed",
      fingerprint: fingerprints[0],
      expected: fingerprints,
      error: undefined,
    };
    admitReport(guard, {
      serverId: call.server,
      ok: true,
      reason: "allowed",
      items: [item],
      instructions: "not_checked",
      fingerprint: undefined,
      missing: [],
    });
  }
  return new BoundServer(guard, catalog, call.server).check(call.tool, call.scopes);
}
