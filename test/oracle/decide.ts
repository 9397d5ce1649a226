// Oracle: the whole decision, from 30-kernel section 3, 40-gateway sections 2 to 7, 20-fingerprint
// section 3 and 10-catalog section 1. Sets, maps and big integers; nothing of src/ but its numbers.
import * as abi from "../../src/abi/frame.ts";
import * as layout from "../../src/abi/layout.ts";
import * as codes from "../../src/abi/verdict.ts";
import { scopeBits, scopeMask } from "./check.ts";
import {
  KIND_ORDER,
  type PolicyCatalog,
  type PolicyItem,
  type PolicyServer,
  type PolicyWhen,
} from "./decide-catalog.ts";
import { type Frame, readFrame } from "./decide-frame.ts";

type Kind = "deny" | "ask_user" | "dry_run";

interface Contributor {
  readonly kind: Kind;
  /** VERDICT_*: what the reason is when this one decides. */
  readonly verdict: number;
  /** Bit in the sets. */
  readonly bit: number;
  readonly layer: number;
  /** UNBLOCK_*, a set. */
  readonly unblock: number;
}

/** One decision: the words of the output frame by offset, and the indices of matched rules. */
export interface OracleDecision {
  readonly words: ReadonlyMap<number, number>;
  readonly rules: ReadonlySet<number>;
  readonly ruleCount: number;
}

const BUILT_IN_TAINTS = ["untrusted", "private", "secret"];
const VETTING = ["none", "low", "medium", "high", "critical"];

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A catalog's servers and items in the order of their indices. */
export interface ImageOrder {
  readonly servers: readonly PolicyServer[];
  readonly items: readonly { readonly item: PolicyItem; readonly server: number }[];
}

const ORDERS = new WeakMap<PolicyCatalog, ImageOrder>();

/** Sorted once a catalog: servers by the bytes of their ids, items by kind and name. */
export function imageOrder(catalog: PolicyCatalog): ImageOrder {
  const known = ORDERS.get(catalog);
  if (known !== undefined) return known;
  const servers = [...catalog.servers].sort((a, b) => byBytes(a.id, b.id));
  const items = servers.flatMap((server, index) =>
    KIND_ORDER.flatMap((kind) =>
      server.items
        .filter((item) => item.kind === kind)
        .sort((a, b) => byBytes(a.name, b.name))
        .map((item) => ({ item, server: index })),
    ),
  );
  const order = { servers, items };
  ORDERS.set(catalog, order);
  return order;
}

export function taintMaskOf(catalog: PolicyCatalog, labels: readonly string[]): bigint {
  const all = [...BUILT_IN_TAINTS, ...[...catalog.operatorTaints].sort(byBytes)];
  return labels.reduce((mask, label) => mask | (1n << BigInt(all.indexOf(label))), 0n);
}

function matches(pattern: string, principal: string): boolean {
  return pattern.endsWith("*") ? principal.startsWith(pattern.slice(0, -1)) : principal === pattern;
}

/** The pattern that is exact, or else the longest. */
function closest<T extends { readonly pattern: string }>(
  entries: readonly T[],
  principal: string,
): T | undefined {
  const found = entries.filter(({ pattern }) => matches(pattern, principal));
  const exact = found.find(({ pattern }) => !pattern.endsWith("*"));
  return exact ?? found.sort((a, b) => b.pattern.length - a.pattern.length)[0];
}

/** How many patterns there are in the principals and in the rules together. */
export function patternCount(catalog: PolicyCatalog): number {
  const ofRules = catalog.rules.flatMap((rule) => rule.when.principal ?? []);
  return new Set([...(catalog.principals ?? []).map((entry) => entry.pattern), ...ofRules]).size;
}

function isSubset(a: bigint, b: bigint): boolean {
  return (a & b) === a;
}

/** Decides one frame as the pages say. */
class Judgement {
  readonly contributors: Contributor[] = [];
  readonly matched = new Set<number>();
  isLeased = false;
  item: PolicyItem | undefined;
  readonly catalog: PolicyCatalog;
  readonly principal: string;
  readonly frame: Frame;
  server: PolicyServer | undefined;

  constructor(catalog: PolicyCatalog, principal: string, frame: Frame) {
    this.catalog = catalog;
    this.principal = principal;
    this.frame = frame;
  }

  add(kind: Kind, verdict: number, layer: number, unblock: number, bit: number = verdict): void {
    this.contributors.push({ kind, verdict, layer, unblock, bit });
  }

  deny(verdict: number, layer: number, unblock: number): void {
    this.add("deny", verdict, layer, unblock);
  }

  ask(verdict: number, layer: number, bit: number = verdict): void {
    this.add("ask_user", verdict, layer, abi.UNBLOCK_CONSENT, bit);
  }

  /** All layers in their order. */
  judge(): void {
    const { frame } = this;
    const isStale = frame.now === 0n || frame.now >= BigInt(this.catalog.expiresMs);
    if (frame.catalog !== abi.CATALOG_TRUSTED) {
      this.deny(codes.VERDICT_CATALOG_UNTRUSTED, abi.LAYER_CATALOG, abi.UNBLOCK_CATALOG);
    }
    if (isStale) this.deny(codes.VERDICT_CATALOG_EXPIRED, abi.LAYER_CATALOG, abi.UNBLOCK_CATALOG);
    if (frame.message !== abi.MESSAGE_READ) {
      this.deny(codes.VERDICT_MALFORMED_MESSAGE, abi.LAYER_MESSAGE, abi.UNBLOCK_ARGUMENTS);
    }
    if (frame.feature !== abi.FEATURE_ALLOWED) {
      this.deny(codes.VERDICT_FEATURE_DENIED, abi.LAYER_FEATURE, abi.UNBLOCK_CATALOG);
    }
    if (this.server === undefined) {
      this.deny(codes.VERDICT_UNKNOWN_SERVER, abi.LAYER_SERVER, abi.UNBLOCK_CATALOG);
    } else if (this.item === undefined) {
      this.deny(codes.VERDICT_TOOL_SMUGGLE, abi.LAYER_ITEM, abi.UNBLOCK_CATALOG);
    }
    const { item } = this;
    if (item !== undefined) this.isLeased = this.leaseFaults(item).length === 0 && frame.hasLease;
    if (item !== undefined) this.admission(item);
    this.identity();
    if (item !== undefined) this.scope(item);
    this.vetting();
    if (frame.arguments !== abi.ARGUMENTS_HOLD || frame.schema !== abi.SCHEMA_HOLDS) {
      this.deny(codes.VERDICT_ARGUMENT_DENIED, abi.LAYER_ARGUMENTS, abi.UNBLOCK_ARGUMENTS);
    }
    if (item !== undefined) this.rules(item);
    this.otherRules();
    if (item !== undefined) this.lease(item);
    if (item !== undefined) this.taint(item);
    if (item?.requires.includes("consent")) {
      this.ask(codes.VERDICT_CONSENT_REQUIRED, abi.LAYER_CONSENT);
    }
    if (frame.isRefused && this.contributors.some(({ kind }) => kind === "ask_user")) {
      this.deny(codes.VERDICT_CONSENT_REFUSED, abi.LAYER_CONSENT, abi.UNBLOCK_CONSENT);
    }
    const isRead = item?.effect === "read";
    const isBestEffort = frame.audit === abi.AUDIT_BEST_EFFORT && isRead;
    if (frame.audit !== abi.AUDIT_AVAILABLE && !isBestEffort) {
      this.deny(codes.VERDICT_AUDIT_UNAVAILABLE, abi.LAYER_AUDIT, abi.UNBLOCK_AUDIT);
    }
  }

  admission(item: PolicyItem): void {
    const { frame } = this;
    const isSeen = !/^0*$/.test(frame.live);
    const isPinned = item.fingerprints.includes(`sha256:${frame.live}`);
    const drifted =
      frame.isSticky ||
      frame.itemState === layout.ITEM_DRIFTED ||
      frame.serverState === layout.SERVER_INSTRUCTIONS_DRIFTED ||
      (isSeen && !isPinned);
    if (drifted) {
      this.deny(codes.VERDICT_FINGERPRINT_DRIFT, abi.LAYER_ADMISSION, abi.UNBLOCK_CATALOG);
      return;
    }
    const isServerFine = frame.serverState === layout.SERVER_ADMITTED;
    if (isSeen && isServerFine && frame.itemState === layout.ITEM_ADMITTED) return;
    this.deny(codes.VERDICT_SERVER_NOT_ADMITTED, abi.LAYER_ADMISSION, abi.UNBLOCK_ADMISSION);
  }

  identity(): void {
    const { principals } = this.catalog;
    const entry = closest(principals ?? [], this.principal);
    const serverId = this.server?.id ?? "";
    const isDeclared =
      principals === undefined ||
      (entry !== undefined && (entry.servers === undefined || entry.servers.includes(serverId)));
    if (this.frame.identity === abi.IDENTITY_KNOWN && isDeclared) return;
    this.deny(codes.VERDICT_IDENTITY_UNKNOWN, abi.LAYER_IDENTITY, abi.UNBLOCK_IDENTITY);
  }

  scope(item: PolicyItem): void {
    const bits = scopeBits(this.catalog.operatorScopes);
    const granted = scopeMask(bits, item.scope);
    const requested = this.frame.scope ?? granted;
    const caps = this.frame.cap === undefined ? [] : [this.frame.cap];
    const entry = closest(this.catalog.principals ?? [], this.principal);
    if (entry?.scope !== undefined) caps.push(scopeMask(bits, entry.scope));
    const isFine = isSubset(requested, granted) && caps.every((cap) => isSubset(granted, cap));
    if (!isFine) this.deny(codes.VERDICT_SCOPE_ESCALATION, abi.LAYER_SCOPE, abi.UNBLOCK_SCOPE);
  }

  vetting(): void {
    const { vetting } = this.frame;
    if (vetting >= abi.VETTING_CRITICAL) {
      this.deny(codes.VERDICT_VETTING_BLOCKED, abi.LAYER_VETTING, abi.UNBLOCK_CATALOG);
    } else if (vetting === abi.VETTING_HIGH) {
      this.ask(codes.VERDICT_VETTING_REVIEW, abi.LAYER_VETTING);
    }
  }

  rules(item: PolicyItem): void {
    for (const [index, { when, outcome }] of this.catalog.rules.entries()) {
      if (!this.holds(when, item)) continue;
      this.matched.add(index);
      if (outcome === "ask_user") {
        this.ask(codes.VERDICT_POLICY_REVIEW, abi.LAYER_RULES);
        continue;
      }
      const verdict =
        outcome === "deny" ? codes.VERDICT_POLICY_DENIED : codes.VERDICT_POLICY_DRY_RUN;
      let unblock: number = abi.UNBLOCK_CATALOG;
      if (when.lease === false) unblock |= abi.UNBLOCK_LEASE;
      if (when.consent === false) unblock |= abi.UNBLOCK_CONSENT;
      if (when.taint_all !== undefined || when.taint_any !== undefined) {
        unblock |= abi.UNBLOCK_SESSION;
      }
      this.add(outcome, verdict, abi.LAYER_RULES, unblock);
    }
  }

  holds(when: PolicyWhen, item: PolicyItem): boolean {
    const { frame, catalog } = this;
    const has = (labels: readonly string[]): boolean =>
      isSubset(taintMaskOf(catalog, labels), frame.taint);
    const level = VETTING.indexOf(when.vetting_at_least ?? "none");
    return (
      (when.server === undefined || when.server.includes(this.server?.id ?? "")) &&
      (when.tool === undefined || when.tool.includes(item.name)) &&
      (when.effect === undefined || when.effect.includes(item.effect)) &&
      (when.scope === undefined || when.scope.some((name) => item.scope.includes(name))) &&
      (when.principal === undefined ||
        when.principal.some((pattern) => matches(pattern, this.principal))) &&
      (when.taint_all === undefined || has(when.taint_all)) &&
      (when.taint_any === undefined || when.taint_any.some((label) => has([label]))) &&
      frame.vetting >= level &&
      (when.state_changing === undefined || when.state_changing === (item.effect !== "read")) &&
      (when.lease === undefined || when.lease === this.isLeased) &&
      (when.consent === undefined || when.consent === this.isConsented())
    );
  }

  otherRules(): void {
    if (this.server?.operatorVerified === false) {
      this.ask(codes.VERDICT_POLICY_REVIEW, abi.LAYER_RULES, abi.CONTRIBUTOR_OPERATOR);
    }
    const { custom } = this.frame;
    const bit = abi.CONTRIBUTOR_CUSTOM;
    if (custom === abi.CUSTOM_NOTHING) return;
    if (custom === abi.CUSTOM_ASKS) {
      this.ask(codes.VERDICT_POLICY_REVIEW, abi.LAYER_RULES, bit);
    } else if (custom === abi.CUSTOM_DRY_RUN) {
      this.add("dry_run", codes.VERDICT_POLICY_DRY_RUN, abi.LAYER_RULES, 0, bit);
    } else {
      this.add("deny", codes.VERDICT_POLICY_DENIED, abi.LAYER_RULES, 0, bit);
    }
  }

  /** Why the lease does not hold; the first one is the reason. */
  leaseFaults(item: PolicyItem): number[] {
    const { frame } = this;
    const { lease } = frame;
    const covers =
      lease.principal === frame.principal &&
      lease.server === frame.server &&
      lease.item === frame.item &&
      (!lease.bindsArguments || lease.arguments === frame.argumentsDigest) &&
      (item.effect === "read" || lease.isStateChanging);
    const faults: number[] = [];
    if (!covers) faults.push(codes.VERDICT_LEASE_MISMATCH);
    if (frame.now >= lease.expires) faults.push(codes.VERDICT_LEASE_EXPIRED);
    if (!lease.isUnlimited && lease.remaining === 0) faults.push(codes.VERDICT_LEASE_EXHAUSTED);
    return faults;
  }

  lease(item: PolicyItem): void {
    if (!item.requires.includes("lease") && !this.frame.isLeaseNamed) return;
    const missing: readonly number[] = [codes.VERDICT_LEASE_REQUIRED];
    const faults = this.frame.hasLease ? this.leaseFaults(item) : missing;
    for (const fault of faults) this.deny(fault, abi.LAYER_LEASE, abi.UNBLOCK_LEASE);
  }

  taint(item: PolicyItem): void {
    const stops = taintMaskOf(this.catalog, item.stopsTaint);
    if (item.stopsTaint.length === 0 || !isSubset(stops, this.frame.taint)) return;
    if (item.taintOutcome === "deny") {
      this.deny(codes.VERDICT_TAINT_DENIED, abi.LAYER_TAINT, abi.UNBLOCK_SESSION);
    } else {
      this.ask(codes.VERDICT_TAINT_REVIEW, abi.LAYER_TAINT);
    }
  }

  /** A record for this very call is at hand. */
  isConsented(): boolean {
    const { frame } = this;
    const { consent } = frame;
    return (
      frame.hasConsent &&
      consent.principal === frame.principal &&
      consent.session === frame.session &&
      consent.server === frame.server &&
      consent.item === frame.live &&
      consent.image === frame.image &&
      (consent.isAnyArguments || consent.arguments === frame.argumentsDigest) &&
      frame.now < consent.expires
    );
  }

  /** The record covers what asks now. */
  isCovered(): boolean {
    const { consent, taint } = this.frame;
    const asking = new Set(
      this.contributors.filter(({ kind }) => kind === "ask_user").map(({ bit }) => bit),
    );
    if (this.item === undefined || !this.isConsented()) return false;
    for (const bit of asking) if (((consent.asking >> BigInt(bit)) & 1n) === 0n) return false;
    if (!isSubset(taint, consent.taint)) return false;
    return !asking.has(codes.VERDICT_POLICY_REVIEW) || consent.wasLeased === this.isLeased;
  }
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
