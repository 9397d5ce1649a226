// From the engine's decision to the gateway's: names for masks, evidence, the lease in both spellings.
import type { Catalog, CatalogServer } from "../catalog/types.ts";
import { contributorNames } from "../kernel/output-frame.ts";
import { pinsRoot } from "../manifest/fingerprint.ts";
import type { EngineDecision } from "./engine-types.ts";
import type { GatewayDecision } from "./gateway-types.ts";
import type { RequestIdentity } from "./identity.ts";
import type { ScopeLease, StoredLease } from "./lease.ts";
import type { ServerCard } from "./server-card.ts";

export interface AnswerContext {
  readonly identity: RequestIdentity | undefined;
  readonly serverId: string;
  readonly toolName: string;
  readonly decisionId: string;
  readonly serverCard: ServerCard | undefined;
}

/** Names for what a catalog numbers. */
export class GatewayAnswers {
  readonly #catalog: Catalog;
  /** Bit -> label. */
  readonly #labels: readonly string[];
  readonly #toolTrees = new Map<string, string>();
  readonly #labelSets = new Map<number, readonly string[]>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    const labels: string[] = [];
    for (const [label, bit] of catalog.taintBits) labels[bit] = label;
    this.#labels = labels;
  }

  /** The gateway's answer, frozen. */
  answer(decided: EngineDecision, context: AnswerContext): GatewayDecision {
    const { decision, target, live, stateChanging } = decided;
    const { outcome, reason, message, remedy } = decision;
    const { identity, serverId, toolName, decisionId, serverCard } = context;
    const { detail } = decided;
    const isAboutArguments = decision.layer === "arguments" && detail !== undefined;
    return Object.freeze({
      invocation: Object.freeze({
        decision: outcome,
        reason,
        reasons: reasonsOf(decided),
        message: isAboutArguments ? detail : message,
        ...(remedy === undefined ? {} : { remedy }),
        toolName,
        matchedPolicyIds: decided.ruleIds,
        requiredCapabilities: target?.item.scope ?? NONE,
      }),
      // what nobody has pinned may change anything
      stateChanging: target === undefined ? true : stateChanging,
      effect: target?.item.effect,
      ...(serverCard === undefined ? {} : { serverCard }),
      resultTrustLevel: trustOf(decided),
      evidenceRef: Object.freeze({
        principalHash: identity?.principalHash ?? "",
        sessionId: identity?.sessionId ?? "",
        toolManifestDigest: this.#toolTree(serverId),
        toolDescriptorDigest: live?.fingerprint ?? "",
        policyDecision: outcome,
        reasonCode: reason,
        decisionId,
      }),
      ...(decided.lease === undefined ? {} : { lease: bothSpellings(decided.lease) }),
      taint: Object.freeze({
        labels: this.labels(decided.taint | decided.taintAdded),
        added: this.labels(decided.taintAdded),
      }),
    });
  }

  /** Names of the labels in a mask. */
  labels(mask: number): readonly string[] {
    const known = this.#labelSets.get(mask);
    if (known !== undefined) return known;
    const names = Object.freeze(this.#labels.filter((_, bit) => ((mask >>> bit) & 1) === 1));
    // WHY: sessions carry a handful of sets; made anew each time they were a tenth of a decision
    if (this.#labelSets.size < LABEL_SETS_MAX) this.#labelSets.set(mask, names);
    return names;
  }

  #toolTree(serverId: string): string {
    const known = this.#toolTrees.get(serverId);
    if (known !== undefined) return known;
    const server = this.#catalog.servers.get(serverId);
    if (server === undefined) return "";
    const tree = pinsRoot(currentPins(server));
    this.#toolTrees.set(serverId, tree);
    return tree;
  }
}

const NONE: readonly string[] = Object.freeze([]);
const ALLOWED: readonly string[] = Object.freeze(["allowed"]);
const LABEL_SETS_MAX = 256;

function currentPins(server: CatalogServer): Map<string, string> {
  return new Map(
    [...server.tools].map(([name, { fingerprints }]) => [name, fingerprints[0] ?? ""]),
  );
}

function reasonsOf({ denying, asking, dryRun, decision }: EngineDecision): readonly string[] {
  const all = denying | asking | dryRun;
  if (all === 0) return decision.reason === "allowed" ? ALLOWED : [decision.reason];
  return contributorNames(all);
}

/** A result is verified only where the operator says that the tool brings nothing untrusted in. */
function trustOf({ target }: EngineDecision): "untrusted" | "verified" {
  if (target === undefined || !target.server.operatorVerified) return "untrusted";
  return target.item.addsTaint.includes("untrusted") ? "untrusted" : "verified";
}

function bothSpellings(lease: StoredLease): ScopeLease {
  const expiresAt = new Date(lease.expiresAtMs).toISOString();
  return Object.freeze({ ...lease, leaseId: lease.id, expiresAt });
}
