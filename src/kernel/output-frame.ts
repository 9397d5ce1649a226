// What an output frame says, in words (src/abi/frame.ts).
import * as abi from "../abi/frame.ts";
import { type Layer, type Outcome, REASONS } from "../verdict.ts";

/** The numbers of src/abi/frame.ts whose names begin with `Prefix`. */
type Codes<Prefix extends string> = (typeof abi)[Extract<keyof typeof abi, `${Prefix}${string}`>];
type LayerCode = Codes<"LAYER_">;
type OutcomeCode = Codes<"OUTCOME_">;
type UnblockBit = Codes<"UNBLOCK_">;
type HostContributor = Codes<"CONTRIBUTOR_">;

/** What would have to change for the call to pass. */
export type Unblock =
  | "catalog"
  | "admission"
  | "identity"
  | "scope"
  | "arguments"
  | "lease"
  | "consent"
  | "session"
  | "audit";

const LAYERS: Readonly<Record<LayerCode, Layer>> = {
  [abi.LAYER_KERNEL]: "kernel",
  [abi.LAYER_CATALOG]: "catalog",
  [abi.LAYER_MESSAGE]: "message",
  [abi.LAYER_FEATURE]: "feature",
  [abi.LAYER_SERVER]: "server",
  [abi.LAYER_ITEM]: "item",
  [abi.LAYER_ADMISSION]: "admission",
  [abi.LAYER_IDENTITY]: "identity",
  [abi.LAYER_SCOPE]: "scope",
  [abi.LAYER_VETTING]: "vetting",
  [abi.LAYER_ARGUMENTS]: "arguments",
  [abi.LAYER_RULES]: "rules",
  [abi.LAYER_LEASE]: "lease",
  [abi.LAYER_TAINT]: "taint",
  [abi.LAYER_CONSENT]: "consent",
  [abi.LAYER_AUDIT]: "audit",
  [abi.LAYER_ALL]: "all",
};
const OUTCOMES: Readonly<Record<OutcomeCode, Outcome>> = {
  [abi.OUTCOME_DENY]: "deny",
  [abi.OUTCOME_ALLOW]: "allow",
  [abi.OUTCOME_DRY_RUN]: "dry_run",
  [abi.OUTCOME_ASK_USER]: "ask_user",
};
const UNBLOCKS: Readonly<Record<UnblockBit, Unblock>> = {
  [abi.UNBLOCK_CATALOG]: "catalog",
  [abi.UNBLOCK_ADMISSION]: "admission",
  [abi.UNBLOCK_IDENTITY]: "identity",
  [abi.UNBLOCK_SCOPE]: "scope",
  [abi.UNBLOCK_ARGUMENTS]: "arguments",
  [abi.UNBLOCK_LEASE]: "lease",
  [abi.UNBLOCK_CONSENT]: "consent",
  [abi.UNBLOCK_SESSION]: "session",
  [abi.UNBLOCK_AUDIT]: "audit",
};
const HOST_CONTRIBUTORS: Readonly<Record<HostContributor, string>> = {
  [abi.CONTRIBUTOR_OPERATOR]: "operator_unverified",
  [abi.CONTRIBUTOR_CUSTOM]: "custom_rule",
};

const LAYER_NAMES: readonly Layer[] = Object.values(LAYERS);
const OUTCOME_NAMES: readonly Outcome[] = Object.values(OUTCOMES);
const UNBLOCK_NAMES: readonly Unblock[] = Object.values(UNBLOCKS);

/** Name of each contributor by its bit: the reasons of the verdicts, then the host's two. */
export const CONTRIBUTORS: readonly string[] = Object.freeze([
  ...REASONS,
  ...Object.values(HOST_CONTRIBUTORS),
]);

/** One decision, as its output frame has it. */
export interface OutputFrame {
  /** VERDICT_* */
  readonly verdict: number;
  readonly outcome: Outcome;
  readonly layer: Layer;
  /** Names of the contributors that deny, in the order of their bits. */
  readonly denying: readonly string[];
  readonly asking: readonly string[];
  /** Of `asking`, those that no recorded consent covers. */
  readonly askingLeft: readonly string[];
  readonly dryRun: readonly string[];
  /** One invocation of the lease is taken with this allow. */
  readonly isLeaseConsumed: boolean;
  /** Invocations left after the decision. */
  readonly leaseRemaining: number;
  /** Labels that the call puts on the session: a mask. */
  readonly taintAdded: number;
  readonly unblock: readonly Unblock[];
  readonly isStateChanging: boolean;
  /** Rules of the catalog whose conditions hold, by index. */
  readonly matchedRules: readonly number[];
}

/** The entries of `names` whose bit is in `mask`. */
function namesOf<T extends string>(mask: number, names: readonly T[]): T[] {
  const found: T[] = [];
  // one turn for each bit that is set
  for (let rest = mask >>> 0; rest !== 0; rest &= rest - 1) {
    const name = names[31 - Math.clz32(rest & -rest)];
    if (name !== undefined) found.push(name);
  }
  return found;
}

/** Names of a set of contributors. */
export function contributorNames(mask: number): readonly string[] {
  return namesOf(mask, CONTRIBUTORS);
}

/**
 * Reads an output frame.
 *
 * @returns `undefined` for anything that is not one whole output frame of this version
 */
export function readOutputFrame(bytes: Uint8Array): OutputFrame | undefined {
  if (bytes.length < abi.OUTPUT_HEAD_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number): number => view.getUint32(offset, true);
  const ruleCount = word(abi.OUTPUT_OFFSET_RULE_COUNT);
  const size = abi.OUTPUT_HEAD_SIZE + Math.ceil(ruleCount / 64) * 8;
  const isWhole =
    word(abi.OUTPUT_OFFSET_MAGIC) === abi.OUTPUT_MAGIC &&
    word(abi.OUTPUT_OFFSET_VERSION) === abi.FRAME_VERSION &&
    word(abi.OUTPUT_OFFSET_SIZE) === size &&
    bytes.length === size;
  const outcome = OUTCOME_NAMES[word(abi.OUTPUT_OFFSET_OUTCOME)];
  const layer = LAYER_NAMES[word(abi.OUTPUT_OFFSET_LAYER)];
  if (!isWhole || outcome === undefined || layer === undefined) return undefined;
  const matchedRules: number[] = [];
  for (let rule = 0; rule < ruleCount; rule++) {
    const byte = bytes[abi.OUTPUT_OFFSET_RULES + (rule >> 3)] ?? 0;
    if (((byte >> (rule & 7)) & 1) === 1) matchedRules.push(rule);
  }
  return {
    verdict: word(abi.OUTPUT_OFFSET_VERDICT),
    outcome,
    layer,
    denying: contributorNames(word(abi.OUTPUT_OFFSET_DENYING)),
    asking: contributorNames(word(abi.OUTPUT_OFFSET_ASKING)),
    askingLeft: contributorNames(word(abi.OUTPUT_OFFSET_ASKING_LEFT)),
    dryRun: contributorNames(word(abi.OUTPUT_OFFSET_DRY_RUN)),
    isLeaseConsumed: word(abi.OUTPUT_OFFSET_LEASE_ACTION) === abi.LEASE_CONSUMED,
    leaseRemaining: word(abi.OUTPUT_OFFSET_LEASE_REMAINING),
    taintAdded: word(abi.OUTPUT_OFFSET_TAINT_ADDED),
    unblock: namesOf(word(abi.OUTPUT_OFFSET_UNBLOCK), UNBLOCK_NAMES),
    isStateChanging: word(abi.OUTPUT_OFFSET_STATE_CHANGING) !== 0,
    matchedRules,
  };
}

/** Ids of the matched rules, in the order of the catalog. */
export function matchedRuleIds(
  frame: OutputFrame,
  rules: readonly { readonly id: string }[],
): readonly string[] {
  return frame.matchedRules.map((index) => rules[index]?.id ?? `rule ${index}`);
}
