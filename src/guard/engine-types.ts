// What the engine is asked, and what it answers.
import type { Decision } from "../verdict.ts";
import type { VettingReport } from "../vetting/types.ts";
import type { ConsentBinding } from "./consent-record.ts";
import type { RequestIdentity } from "./identity.ts";
import type { ImageItem } from "./image-items.ts";
import type { StoredLease } from "./lease.ts";
import type { LiveDefinition } from "./live-items.ts";

/** One call to decide. Everything was copied; nothing in it is the caller's. */
export interface EngineCall {
  /** `undefined`: nobody that is known. */
  readonly identity: RequestIdentity | undefined;
  readonly serverId: string;
  /** The name as it was asked for: a tool, a prompt, a URI. */
  readonly name: string;
  /** Index of the item in the image, as the kernel found it; -1 when nothing is pinned. */
  readonly item: number;
  /** Raw bytes, a value or a snapshot; `undefined` = none. */
  readonly args: unknown;
  /** Requested scopes; `undefined` = the item's own. */
  readonly scopes: readonly string[] | undefined;
  /** A lease that the caller names; it must then hold. */
  readonly leaseId: string | undefined;
  /** The definition as the caller holds it; `undefined`: the one that was admitted. */
  readonly definition: LiveDefinition | undefined;
  /** A person was asked about this call and refused. */
  readonly isConsentRefused: boolean;
}

/** What a decision depended on and came to, beyond the verdict. */
export interface EngineDecision {
  readonly decision: Decision;
  /** `undefined` when nothing is pinned under that name. */
  readonly target: ImageItem | undefined;
  /** The definition that was compared; `undefined` when none was seen. */
  readonly live: LiveDefinition | undefined;
  readonly vetting: VettingReport | undefined;
  /** Masks of contributors (src/abi/frame.ts). */
  readonly denying: number;
  readonly asking: number;
  readonly dryRun: number;
  readonly stateChanging: boolean;
  /** Ids of the catalog's rules and of the host's that matched. */
  readonly ruleIds: readonly string[];
  /** The lease that was consumed, as it is afterwards. */
  readonly lease: StoredLease | undefined;
  /** Id of the consent record that the decision rests on. */
  readonly consentId: string | undefined;
  /** The session's labels: before, and those that this call adds. */
  readonly taint: number;
  readonly taintAdded: number;
  /** What an approval of exactly this call would be bound to; only where the answer is `ask_user`. */
  readonly binding: ConsentBinding | undefined;
  /** One line of the argument or schema layer, where it refused. */
  readonly detail: string | undefined;
  /** Copies of the frames, where they are asked for. */
  readonly input: Uint8Array | undefined;
  readonly output: Uint8Array | undefined;
}
