// What a wired router asks a guard, whichever guard it is.
import { VERDICT_SCOPE_ESCALATION } from "../abi/verdict.ts";
import { GuardError } from "../errors.ts";
import type { ManifestSource } from "../manifest/read.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { matchPrincipal, PRINCIPAL_DEFAULT } from "./principal-match.ts";
import type { ScopeGuard } from "./scope-guard.ts";
import { UnenforcedLayers } from "./unenforced-layers.ts";
import { Validator } from "./validator.ts";

/** One call to decide. */
export interface DispatchCall {
  readonly server: string;
  readonly tool: string;
  /** A JSON object, or `undefined` = none. */
  readonly args: object | undefined;
  readonly scopes: readonly string[] | undefined;
}

export interface DispatchGuard {
  /** True when the server is in the guard's world; others are never listed. */
  knows(server: string): boolean;
  /**
   * Takes over a complete listing.
   *
   * @returns names of the tools that may be shown
   */
  admit(server: string, listing: ManifestSource): ReadonlySet<string>;
  /** Forgets what was seen of the server; drift stays. */
  unverify(server: string): void;
  /** Only `outcome === "allow"` is forwarded. */
  decide(call: DispatchCall): Decision | Promise<Decision>;
}

/**
 * The catalog guard as a DispatchGuard. What the catalog asks for and this guard alone cannot apply
 * (argument constraints, leases, consent, taint, rules) refuses the call.
 */
export function dispatchGuardOf(
  guard: ScopeGuard,
  principal: string = PRINCIPAL_DEFAULT,
): DispatchGuard {
  const trusted = guard.catalog;
  const { catalog } = trusted;
  const validator = new Validator(trusted);
  const layers = new Map<string, UnenforcedLayers>();
  return {
    knows: (server) => catalog.servers.has(server),
    admit(server, listing) {
      const report = validator.validate(server, listing);
      guard.admit(report);
      if (!guard.isAdmitted(server)) return new Set();
      const admitted = report.items.filter(
        ({ kind, reason }) => kind === "tool" && reason === "allowed",
      );
      return new Set(admitted.flatMap(({ name }) => (name === undefined ? [] : [name])));
    },
    unverify: (server) => guard.server(server).unverify(),
    decide({ server, tool, scopes }) {
      const pinned = catalog.servers.get(server);
      const { isKnown, scopeCap } = matchPrincipal(catalog, principal, server);
      const decision = checkScoped(guard, server, tool, scopes);
      if (pinned === undefined || decision.outcome === "deny") return decision;
      const needs = pinned.tools.get(tool)?.scope ?? [];
      if (isKnown && scopeCap !== undefined && needs.some((name) => !scopeCap.includes(name))) {
        return toDecision(VERDICT_SCOPE_ESCALATION);
      }
      const own = layers.get(server) ?? new UnenforcedLayers(catalog, server, isKnown);
      layers.set(server, own);
      return own.combine(decision, "tool", tool);
    },
  };
}

function checkScoped(
  guard: ScopeGuard,
  server: string,
  tool: string,
  scopes: readonly string[] | undefined,
): Decision {
  try {
    return guard.server(server).check(tool, scopes);
  } catch (error) {
    // a scope that the catalog does not have is one that nobody was granted
    const isUnknown = error instanceof GuardError && error.code === "SCOPE_UNKNOWN";
    if (isUnknown) return toDecision(VERDICT_SCOPE_ESCALATION);
    throw error;
  }
}
