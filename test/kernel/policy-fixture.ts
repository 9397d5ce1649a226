// A catalog of one tool on one server, for tests of frames.
import type { PolicyCatalog, PolicyItem, PolicyRule } from "../oracle/decide-catalog.ts";
import { EXPIRES_MS } from "../oracle/generate-policy.ts";

/** The pinned item digest of the tool, hex. */
export const PIN = "ab".repeat(32);

export function policyTool(changes: Partial<PolicyItem> = {}): PolicyItem {
  return {
    kind: "tool",
    name: "write",
    fingerprints: [`sha256:${PIN}`],
    scope: ["fs.write"],
    effect: "write",
    requires: [],
    addsTaint: ["untrusted", "customer"],
    stopsTaint: [],
    taintOutcome: "deny",
    ...changes,
  };
}

export function policyOf(item: PolicyItem, rules: readonly PolicyRule[] = []): PolicyCatalog {
  return {
    expiresMs: EXPIRES_MS,
    operatorScopes: [],
    operatorTaints: ["customer"],
    servers: [{ id: "files", operatorVerified: true, items: [item] }],
    rules,
  };
}
