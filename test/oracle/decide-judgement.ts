// Oracle: one call judged layer by layer, from 40-gateway sections 2 to 7, 20-fingerprint section 3
// and 10-catalog section 1.
import * as abi from "../../src/abi/frame.ts";
import * as layout from "../../src/abi/layout.ts";
import * as codes from "../../src/abi/verdict.ts";
import { scopeBits, scopeMask } from "./check.ts";
import type { PolicyCatalog, PolicyItem, PolicyServer, PolicyWhen } from "./decide-catalog.ts";
import type { Frame } from "./decide-frame.ts";
import { closest, matches, taintMaskOf } from "./decide-order.ts";

export type Kind = "deny" | "ask_user" | "dry_run";

export interface Contributor {
  readonly kind: Kind;
  /** VERDICT_*: what the reason is when this one decides. */
  readonly verdict: number;
  /** Bit in the sets. */
  readonly bit: number;
  readonly layer: number;
  /** UNBLOCK_*, a set. */
  readonly unblock: number;
}

const VETTING = ["none", "low", "medium", "high", "critical"];

function isSubset(a: bigint, b: bigint): boolean {
  return (a & b) === a;
}

/** Decides one frame as the pages say. */
export class Judgement {
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
