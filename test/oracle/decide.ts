// Oracle: the whole decision, from 30-kernel section 3, 40-gateway sections 2 to 7, 20-fingerprint
// section 3 and 10-catalog section 1. Sets, maps and big integers; nothing of src/ but its numbers.
import * as abi from "../../src/abi/frame.ts";
import * as codes from "../../src/abi/verdict.ts";
import type { PolicyCatalog } from "./decide-catalog.ts";
import { type Frame, readFrame } from "./decide-frame.ts";
import { type Contributor, Judgement, type Kind } from "./decide-judgement.ts";
import { imageOrder, patternCount, taintMaskOf } from "./decide-order.ts";

/** One decision: the words of the output frame by offset, and the indices of matched rules. */
export interface OracleDecision {
  readonly words: ReadonlyMap<number, number>;
  readonly rules: ReadonlySet<number>;
  readonly ruleCount: number;
}

function maskOf(contributors: readonly Contributor[], kind: Kind): number {
  const bits = new Set(contributors.filter((one) => one.kind === kind).map(({ bit }) => bit));
  return [...bits].reduce((mask, bit) => mask + 2 ** bit, 0);
}

const OUTCOMES: Readonly<Record<Kind, number>> = {
  deny: abi.OUTCOME_DENY,
  ask_user: abi.OUTCOME_ASK_USER,
  dry_run: abi.OUTCOME_DRY_RUN,
};

/**
 * Decides a frame.
 *
 * @param image the image's SHA-256, hex
 * @param principal who calls; the frame has only the row of it
 */
export function decide(
  catalog: PolicyCatalog,
  image: string,
  principal: string,
  bytes: Uint8Array,
): OracleDecision {
  const { servers, items } = imageOrder(catalog);
  const frame = readFrame(bytes);
  const judgement = new Judgement(catalog, principal, frame);
  const isPair = (server: number, item: number): boolean =>
    server >= -1 &&
    server < servers.length &&
    item >= -1 &&
    item < items.length &&
    (item === -1 || items[item]?.server === server);
  const isInRange =
    frame.principalRow <= patternCount(catalog) &&
    isPair(frame.server, frame.item) &&
    (!frame.hasLease || isPair(frame.lease.server, frame.lease.item)) &&
    (!frame.hasConsent || isPair(frame.consent.server, -1));
  if (!frame.isSound || (frame.image === image && !isInRange)) {
    judgement.deny(codes.VERDICT_UNDECIDED, abi.LAYER_KERNEL, 0);
  } else if (frame.image !== image) {
    judgement.deny(codes.VERDICT_CATALOG_UNTRUSTED, abi.LAYER_CATALOG, abi.UNBLOCK_CATALOG);
  } else {
    judgement.server = servers[frame.server];
    judgement.item = items[frame.item]?.item;
    judgement.judge();
  }
  return output(judgement, catalog, frame);
}

function output(judgement: Judgement, catalog: PolicyCatalog, frame: Frame): OracleDecision {
  const { contributors, item } = judgement;
  const isCovered = judgement.isCovered();
  const left = contributors.filter(({ kind }) => !(kind === "ask_user" && isCovered));
  const kinds: readonly Kind[] = ["deny", "ask_user", "dry_run"];
  const deciding = kinds.flatMap((kind) => left.filter((one) => one.kind === kind))[0];
  const isAllowed = deciding === undefined;
  const isConsumed = isAllowed && judgement.isLeased;
  const remaining = frame.lease.remaining - (isConsumed && !frame.lease.isUnlimited ? 1 : 0);
  const added = isAllowed ? taintMaskOf(catalog, item?.addsTaint ?? []) : 0n;
  const ruleCount = catalog.rules.length;
  const words = new Map<number, number>([
    [abi.OUTPUT_OFFSET_MAGIC, abi.OUTPUT_MAGIC],
    [abi.OUTPUT_OFFSET_VERSION, abi.FRAME_VERSION],
    [abi.OUTPUT_OFFSET_SIZE, 64 + 8 * Math.ceil(ruleCount / 64)],
    [abi.OUTPUT_OFFSET_VERDICT, deciding?.verdict ?? codes.VERDICT_ALLOWED],
    [abi.OUTPUT_OFFSET_OUTCOME, isAllowed ? abi.OUTCOME_ALLOW : OUTCOMES[deciding.kind]],
    [abi.OUTPUT_OFFSET_LAYER, deciding?.layer ?? abi.LAYER_ALL],
    [abi.OUTPUT_OFFSET_DENYING, maskOf(contributors, "deny")],
    [abi.OUTPUT_OFFSET_ASKING, maskOf(contributors, "ask_user")],
    [abi.OUTPUT_OFFSET_ASKING_LEFT, maskOf(left, "ask_user")],
    [abi.OUTPUT_OFFSET_DRY_RUN, maskOf(contributors, "dry_run")],
    [abi.OUTPUT_OFFSET_LEASE_ACTION, isConsumed ? abi.LEASE_CONSUMED : abi.LEASE_UNTOUCHED],
    [abi.OUTPUT_OFFSET_LEASE_REMAINING, remaining],
    [abi.OUTPUT_OFFSET_TAINT_ADDED, Number(added)],
    [abi.OUTPUT_OFFSET_UNBLOCK, left.reduce((mask, { unblock }) => mask | unblock, 0)],
    [abi.OUTPUT_OFFSET_STATE_CHANGING, item?.effect === "read" ? 0 : 1],
    [abi.OUTPUT_OFFSET_RULE_COUNT, ruleCount],
  ]);
  return { words, rules: judgement.matched, ruleCount };
}

/** The output frame's bytes. */
export function encodeDecision({ words, rules, ruleCount }: OracleDecision): Uint8Array {
  const bytes = new Uint8Array(64 + 8 * Math.ceil(ruleCount / 64));
  const view = new DataView(bytes.buffer);
  for (const [offset, value] of words) view.setUint32(offset, value, true);
  for (const rule of rules) {
    const at = 64 + Math.floor(rule / 8);
    bytes[at] = (bytes[at] ?? 0) + 2 ** (rule % 8);
  }
  return bytes;
}
