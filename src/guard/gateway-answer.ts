// From the engine's decision to the gateway's: names for masks, evidence, the lease in both spellings.
import type { Catalog, CatalogServer } from "../catalog/types.ts";
import { contributorNames } from "../kernel/output-frame.ts";
import { pinsRoot } from "../manifest/fingerprint.ts";
import type { EngineDecision } from "./engine-types.ts";
import type { EvidenceRef, GatewayDecision } from "./gateway-types.ts";
import type { RequestIdentity } from "./identity.ts";
import type { ScopeLease, StoredLease } from "./lease.ts";
import type { ServerCard } from "./server-card.ts";

export interface AnswerContext {
  /** Of who gives the answer and in no other hands: who has it knows the answer again. */
  readonly issuer: object;
  readonly identity: RequestIdentity | undefined;
  readonly serverId: string;
  readonly toolName: string;
  readonly decisionId: string;
  readonly serverCard: ServerCard | undefined;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What every decision has. */
type GivenParts = Omit<GatewayDecision, "serverCard" | "lease">;

/**
 * A decision that its gateway knows again.
 *
 * WHY: private members; a WeakMap of all that were given costs a sixth of a decision
 */
class GivenDecision implements GatewayDecision {
  readonly invocation: GatewayDecision["invocation"];
  readonly stateChanging: boolean;
  readonly effect: GatewayDecision["effect"];
  readonly resultTrustLevel: GatewayDecision["resultTrustLevel"];
  readonly evidenceRef: EvidenceRef;
  readonly taint: GatewayDecision["taint"];
  // absent where there is none
  declare serverCard?: ServerCard;
  declare lease?: ScopeLease;
  readonly #issuer: object;
  readonly #identity: RequestIdentity | undefined;

  constructor({ issuer, identity }: AnswerContext, parts: GivenParts) {
    this.invocation = parts.invocation;
    this.stateChanging = parts.stateChanging;
    this.effect = parts.effect;
    this.resultTrustLevel = parts.resultTrustLevel;
    this.evidenceRef = parts.evidenceRef;
    this.taint = parts.taint;
    this.#issuer = issuer;
    // now: what the caller makes of the object later changes nothing
    this.#identity = parts.invocation.decision === "allow" ? identity : undefined;
  }

  static callerOf(decision: object, issuer: object): RequestIdentity | undefined {
    return #issuer in decision && decision.#issuer === issuer ? decision.#identity : undefined;
  }
}

/**
 * Who called, by the decision that `issuer` allowed the call with; `undefined` for any other, and for
 * a copy.
 */
export function callerOf(decision: unknown, issuer: object): RequestIdentity | undefined {
  if (typeof decision !== "object" || decision === null) return undefined;
  return GivenDecision.callerOf(decision, issuer);
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

  /** The gateway's answer. */
  answer(decided: EngineDecision, context: AnswerContext): GatewayDecision {
    const { target } = decided;
    const given = new GivenDecision(context, {
      invocation: this.#invocation(decided, context.toolName),
      // what nobody has pinned may change anything
      stateChanging: target === undefined ? true : decided.stateChanging,
      effect: target?.item.effect,
      resultTrustLevel: trustOf(decided),
      evidenceRef: this.#evidence(decided, context),
      taint: {
        labels: this.labels(decided.taint | decided.taintAdded),
        added: this.labels(decided.taintAdded),
      },
    });
    if (context.serverCard !== undefined) given.serverCard = context.serverCard;
    if (decided.lease !== undefined) given.lease = bothSpellings(decided.lease);
    return given;
  }

  #evidence({ decision, live }: EngineDecision, context: AnswerContext): EvidenceRef {
    const { identity, serverId, decisionId } = context;
    return {
      principalHash: identity?.principalHash ?? "",
      sessionId: identity?.sessionId ?? "",
      toolManifestDigest: this.#toolTree(serverId),
      toolDescriptorDigest: live?.fingerprint ?? "",
      policyDecision: decision.outcome,
      reasonCode: decision.reason,
      decisionId,
    };
  }

  #invocation(decided: EngineDecision, toolName: string): GatewayDecision["invocation"] {
    const { decision, target, detail } = decided;
    const isAboutArguments = decision.layer === "arguments" && detail !== undefined;
    const invocation: Writable<GatewayDecision["invocation"]> = {
      decision: decision.outcome,
      reason: decision.reason,
      reasons: reasonsOf(decided),
      message: isAboutArguments ? detail : decision.message,
      toolName,
      matchedPolicyIds: decided.ruleIds,
      requiredCapabilities: target?.item.scope ?? NONE,
    };
    if (decision.remedy !== undefined) invocation.remedy = decision.remedy;
    return invocation;
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
