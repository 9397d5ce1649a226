// What MCPGateway is asked, and what it answers (40-gateway section 1).
import type { Effect } from "../catalog/types.ts";
import type { Outcome } from "../verdict.ts";
import type { RequestIdentity } from "./identity.ts";
import type { ScopeLease } from "./lease.ts";
import type { TrustLevel } from "./observation.ts";
import type { ServerCard } from "./server-card.ts";

/** One call to decide. */
export interface EvaluateRequest {
  /** Of `createRequestIdentity`; a look-alike is `identity_unknown`. */
  readonly identity: RequestIdentity;
  readonly serverId: string;
  /** The definition as the server sent it, or its name: then the admission counts. */
  readonly tool: string | object;
  /** The arguments as they will be sent: a JSON object, or its raw bytes. */
  readonly args?: unknown;
  /** Scopes the caller asks for. Default: the tool's own. */
  readonly scopes?: readonly string[] | undefined;
  /** A lease that must then hold. Default: one that covers the call, where one is needed. */
  readonly leaseId?: string | undefined;
}

/** What evidence of this decision is bound to; goes into an AEP record as it stands. */
export interface EvidenceRef {
  readonly principalHash: string;
  readonly sessionId: string;
  /** `sha256:<hex>` of the tree over the server's pinned tools; empty when it is unknown. */
  readonly toolManifestDigest: string;
  /** `sha256:<hex>` of the tool's definition as it was seen; empty when none was. */
  readonly toolDescriptorDigest: string;
  readonly policyDecision: Outcome;
  /** A reason of 30-kernel section 4. */
  readonly reasonCode: string;
  /** Names this decision, once. */
  readonly decisionId: string;
}

export interface GatewayDecision {
  readonly invocation: {
    /** Only `allow` may be dispatched. */
    readonly decision: Outcome;
    /** The first contributor of that outcome. */
    readonly reason: string;
    /** Every contributor that denies, asks or only tries; for an allow, `allowed`. */
    readonly reasons: readonly string[];
    /** One line for a person. */
    readonly message: string;
    readonly remedy?: string;
    readonly toolName: string;
    readonly matchedPolicyIds: readonly string[];
    /** Names of the scopes the tool needs. */
    readonly requiredCapabilities: readonly string[];
  };
  readonly stateChanging: boolean;
  /** By the catalog; `undefined` when nothing is pinned under that name. */
  readonly effect: Effect | undefined;
  readonly serverCard?: ServerCard;
  readonly resultTrustLevel: TrustLevel;
  readonly evidenceRef: EvidenceRef;
  /** The lease that this allow has used, as it is afterwards. */
  readonly lease?: ScopeLease;
  readonly taint: {
    /** Labels of the session behind this decision. */
    readonly labels: readonly string[];
    /** Those that this call has added. */
    readonly added: readonly string[];
  };
}
