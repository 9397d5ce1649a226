// One decision through all layers (40-gateway section 1): gathers what the kernel's `decide` depends
// on, runs it, and takes what it allows to be taken. Synchronous; the same for library and proxy.
import * as abi from "../abi/frame.ts";
import {
  HEADER_OFFSET_IMAGE_SHA256,
  ITEM_ADMITTED,
  ITEM_DRIFTED,
  ITEM_UNSEEN,
  SERVER_ADMITTED,
  SERVER_NOT_ADMITTED,
} from "../abi/layout.ts";
import { LIMIT_URI_BYTES } from "../abi/limits.ts";
import { VERDICT_ALLOWED } from "../abi/verdict.ts";
import { toHex } from "../bytes.ts";
import type { Catalog } from "../catalog/types.ts";
import {
  type ConsentFields,
  type DigestWords,
  decideFields,
  digestWords,
  type InputFields,
  inputFrameBytes,
  type LeaseFields,
  outputFrameBytes,
  outputWord,
  type ScopeWords,
} from "../kernel/decide.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { KIND_CODES } from "../manifest/listing.ts";
import { toDecision } from "../verdict.ts";
import {
  argumentWords,
  digestOfArguments,
  type JudgedArguments,
  judgeCallArguments,
} from "./call-arguments.ts";
import {
  type CallerFacts,
  CallerFactsCache,
  hashWords,
  NO_DIGEST,
  scopeWords,
} from "./caller-facts.ts";
import { chooseConsent } from "./consent-ledger.ts";
import type { ConsentBinding, ConsentRecord } from "./consent-record.ts";
import type { EngineCall, EngineDecision } from "./engine-types.ts";
import { type GrantStore, Grants } from "./grants.ts";
import type { GuardKernel } from "./guard-kernel.ts";
import { type ImageItem, ImageItems } from "./image-items.ts";
import { type ItemFacts, ItemFactsCache } from "./item-facts.ts";
import type { StoredLease } from "./lease.ts";
import { chooseLease, type LeaseCall, leaseMatches } from "./lease-choice.ts";
import { leaseState } from "./lease-valid.ts";
import type { LiveDefinition } from "./live-items.ts";
import type { PolicyRule } from "./policy-rule.ts";
import type { ProtectedPaths } from "./protected-paths.ts";
import { ScopeGuard } from "./scope-guard.ts";

/** Times a call is decided anew because somebody else took what it rested on (40-gateway 5). */
export const LIMIT_DECIDE_ATTEMPTS = 8;

export interface EngineOptions {
  /** Holds the catalog, the kernel, and what was admitted. */
  readonly guard: ScopeGuard;
  readonly store: GrantStore;
  /** The host's own rules. */
  readonly rules?: readonly PolicyRule[] | undefined;
  /** Names of the scopes any call may need at most; `undefined` = no cap. */
  readonly scopeCap?: readonly string[] | undefined;
  readonly protectedPaths?: ProtectedPaths | undefined;
}

export interface DecideOptions {
  /** AUDIT_*: whether the record of this call can be written. */
  readonly audit: number;
  /** Copies of both frames go into the answer. */
  readonly keepsFrames?: boolean;
  /** Default: the engine's own store. */
  readonly grants?: Grants;
}

/** What of a call stays the same however often it is decided. */
interface Prepared {
  readonly call: EngineCall;
  readonly target: ImageItem | undefined;
  readonly live: LiveDefinition | undefined;
  readonly facts: ItemFacts | undefined;
  readonly caller: CallerFacts | undefined;
  readonly judged: JudgedArguments;
  readonly scope: ScopeWords | undefined;
  readonly serverIndex: number;
  readonly nowMs: number;
  readonly audit: number;
  readonly grants: Grants;
  /** `sha256:<hex>`, once somebody needs it; `null` = there is none. */
  argsDigest: string | null | undefined;
}

/** What an earlier attempt at this call has taken already: it is used, and not taken again. */
interface Taken {
  lease: StoredLease | undefined;
  consent: ConsentRecord | undefined;
  /** Records that somebody else has used up. */
  readonly usedUp: Set<string>;
}

/** One attempt. */
interface Tried {
  /** OUTCOME_* */
  outcome: number;
  readonly taint: number;
  readonly lease: StoredLease | undefined;
  consent: ConsentRecord | undefined;
}

/** Decides with one kernel, one catalog and one store. */
export class DecisionEngine {
  readonly catalog: Catalog;
  readonly items: ImageItems;
  /** Lower-case hex SHA-256 of the image. */
  readonly imageDigest: string;
  readonly #guard: GuardKernel;
  readonly #kernel: Kernel;
  readonly #grants: Grants;
  readonly #rules: readonly PolicyRule[];
  readonly #protectedPaths: ProtectedPaths | undefined;
  readonly #callers: CallerFactsCache;
  readonly #facts = new ItemFactsCache();
  readonly #image: DigestWords;
  readonly #usesLease: boolean;
  readonly #usesConsent: boolean;

  /** @throws {GuardError} SCOPE_UNKNOWN for an unknown scope in `scopeCap` */
  constructor(options: EngineOptions) {
    const { source, guard } = ScopeGuard.partsOf(options.guard);
    this.catalog = source.catalog;
    this.items = new ImageItems(this.catalog);
    this.#guard = guard;
    this.#kernel = guard.kernel;
    this.#grants = new Grants(options.store);
    this.#rules = options.rules ?? [];
    this.#protectedPaths = options.protectedPaths;
    this.#callers = new CallerFactsCache(this.catalog, options.scopeCap);
    const at = this.#kernel.imageAt + HEADER_OFFSET_IMAGE_SHA256;
    const digest = this.#kernel.bytes.slice(at, at + 32);
    this.#image = digestWords(digest);
    this.imageDigest = toHex(digest);
    this.#usesLease = this.catalog.rules.some(({ when }) => when.lease !== undefined);
    this.#usesConsent = this.catalog.rules.some(({ when }) => when.consent !== undefined);
  }

  /**
   * Decides one call, and takes the lease, the consent and the taint that an allow rests on.
   *
   * @throws {GuardError} SCOPE_UNKNOWN when the call requests a scope the catalog does not have
   */
  decide(call: EngineCall, options: DecideOptions): EngineDecision {
    const prepared = this.#prepare(call, options);
    this.#keepDrift(prepared);
    const taken: Taken = { lease: undefined, consent: undefined, usedUp: new Set() };
    for (let attempt = 0; attempt < LIMIT_DECIDE_ATTEMPTS; attempt++) {
      const tried = this.#try(prepared, taken, false);
      if (tried.outcome !== abi.OUTCOME_ALLOW) return this.#answer(prepared, tried, options);
      // WHY: read before anything is taken, which may run the host's store and decide other calls
      const answer = this.#answer(prepared, tried, options);
      if (this.#take(prepared, tried, answer, taken)) return answer;
    }
    // others are always faster: as if nothing were left
    return this.#answer(prepared, this.#try(prepared, taken, true), options);
  }

  /** The definition that a call is decided with; `undefined` when none was seen. */
  liveOf(call: EngineCall): LiveDefinition | undefined {
    const target = this.items.at(call.item);
    if (call.definition !== undefined || target === undefined) return call.definition;
    return this.#guard.live.get(target.serverIndex, call.item);
  }

  #prepare(call: EngineCall, { audit, grants = this.#grants }: DecideOptions): Prepared {
    const { items } = this;
    // INVARIANT: the clock and the iterators of the caller run before anything is written
    const nowMs = this.#guard.clock();
    const scope = call.scopes === undefined ? undefined : scopeWords(this.catalog, call.scopes);
    const target = items.at(call.item);
    const serverIndex = target?.serverIndex ?? items.serverIndexOf(call.serverId);
    const live = this.liveOf(call);
    const facts =
      target === undefined || live === undefined
        ? undefined
        : this.#facts.of(call.item, target.item, live);
    const caller = call.identity === undefined ? undefined : this.#callers.of(call.identity);
    const judged = judgeCallArguments({
      args: call.args,
      name: call.name,
      item: target?.item,
      facts,
      rules: this.#rules,
      protectedPaths: this.#protectedPaths,
    });
    const argsDigest = undefined;
    const fixed = { call, target, live, facts, caller, judged, scope, serverIndex };
    return { ...fixed, nowMs, audit, grants, argsDigest };
  }

  /**
   * A definition that the caller holds and that is not the pinned one has drifted, and that sticks
   * (20-fingerprint section 3): the pinned one, shown later, does not mend it.
   */
  #keepDrift({ call, target, live }: Prepared): void {
    if (call.definition === undefined || target === undefined || live === undefined) return;
    if (target.item.fingerprints.includes(live.fingerprint)) return;
    const guard = this.#guard;
    const size = guard.writeName(target.item.name, LIMIT_URI_BYTES);
    this.#kernel.exports.markDrifted(target.serverIndex, KIND_CODES[target.item.kind], size);
  }

  /**
   * Reads what others may change, and asks the kernel.
   *
   * @param isWornOut decide as if no invocation were left
   */
  #try(prepared: Prepared, taken: Taken, isWornOut: boolean): Tried {
    const { caller, call } = prepared;
    const taint = caller === undefined ? TAINT_ALL : prepared.grants.taint(caller.sessions);
    const chosen = taken.lease ?? this.#chooseLease(prepared);
    const lease = isWornOut && chosen !== undefined ? { ...chosen, remaining: 0 } : chosen;
    const tried: Tried = { outcome: abi.OUTCOME_DENY, taint, lease, consent: undefined };
    if (this.#usesConsent) tried.consent = this.#chooseConsent(prepared, tried, taken, 0);
    tried.outcome = this.#ask(prepared, tried);
    if (tried.outcome !== abi.OUTCOME_ASK_USER || call.isConsentRefused) return tried;
    const asking = outputWord(this.#kernel, abi.OUTPUT_OFFSET_ASKING);
    const consent = this.#chooseConsent(prepared, tried, taken, asking);
    if (consent === undefined) return tried;
    tried.consent = consent;
    tried.outcome = this.#ask(prepared, tried);
    return tried;
  }

  /** Runs `decide`; OUTCOME_*. Allow is one exact verdict and one exact outcome. */
  #ask(prepared: Prepared, tried: Tried): number {
    const verdict = decideFields(this.#kernel, this.#fields(prepared, tried));
    const outcome = outputWord(this.#kernel, abi.OUTPUT_OFFSET_OUTCOME);
    const isAllow = outcome === abi.OUTCOME_ALLOW;
    return isAllow && verdict !== VERDICT_ALLOWED ? abi.OUTCOME_DENY : outcome;
  }

  #fields(prepared: Prepared, tried: Tried): InputFields {
    const { call, target, live, facts, caller, judged, scope, serverIndex } = prepared;
    const { bytes, exports } = this.#kernel;
    const { lease, consent } = tried;
    const needsDigest = lease?.argsDigest != null || consent !== undefined;
    const fromStates = target === undefined ? 0 : bytes[exports.regionItemStates() + call.item];
    const ofServer = serverIndex < 0 ? 0 : bytes[exports.regionServerStates() + serverIndex];
    // WHY: a definition that the caller holds is compared with the pin itself; whether the server
    // was listed says nothing of it, what drifted before does
    const isHeld = call.definition !== undefined;
    return {
      catalog: abi.CATALOG_TRUSTED,
      message: abi.MESSAGE_READ,
      feature: abi.FEATURE_ALLOWED,
      identity: caller === undefined ? 0 : abi.IDENTITY_KNOWN,
      serverState: isHeld && ofServer === SERVER_NOT_ADMITTED ? SERVER_ADMITTED : (ofServer ?? 0),
      itemState: isHeld && fromStates === ITEM_UNSEEN ? ITEM_ADMITTED : (fromStates ?? 0),
      vetting: facts?.level ?? abi.VETTING_NONE,
      arguments: judged.arguments,
      schema: judged.schema,
      custom: judged.custom,
      audit: prepared.audit,
      server: serverIndex,
      item: target === undefined ? -1 : call.item,
      principalRow: caller?.row ?? 0,
      nowMs: prepared.nowMs,
      taint: tried.taint,
      scope,
      cap: caller?.cap,
      image: this.#image,
      live: live?.digest,
      principal: caller?.principal ?? NO_DIGEST,
      session: caller?.session ?? NO_DIGEST,
      argumentsDigest: needsDigest ? argumentWords(this.#argsDigest(prepared)) : NO_DIGEST,
      isStickyDrift: fromStates === ITEM_DRIFTED,
      isLeaseNamed: call.leaseId !== undefined,
      isConsentRefused: call.isConsentRefused,
      lease: lease === undefined ? undefined : this.#leaseFields(prepared, lease),
      consent: consent === undefined ? undefined : this.#consentFields(consent),
    };
  }

  #leaseFields({ call, target }: Prepared, lease: StoredLease): LeaseFields {
    const isGranted =
      target?.item.kind === "tool" &&
      lease.serverId === call.serverId &&
      lease.grantedTools.includes(call.name);
    return {
      id: hashWords(lease.id),
      principal: hashWords(lease.principalHash),
      argumentsDigest:
        lease.argsDigest === null ? undefined : hashWords(lease.argsDigest.slice(PREFIX_SIZE)),
      server: this.items.serverIndexOf(lease.serverId),
      item: isGranted ? call.item : -1,
      expiresMs: lease.revoked ? 0 : lease.expiresAtMs,
      remaining: lease.remaining ?? undefined,
      isStateChanging: lease.stateChanging,
    };
  }

  #consentFields(consent: ConsentRecord): ConsentFields {
    return {
      principal: hashWords(consent.principalHash),
      session: hashWords(consent.sessionHash),
      item: hashWords(consent.itemFingerprint.slice(PREFIX_SIZE)),
      argumentsDigest:
        consent.argsDigest === null ? undefined : hashWords(consent.argsDigest.slice(PREFIX_SIZE)),
      image: hashWords(consent.imageDigest),
      expiresMs: consent.expiresAtMs,
      asking: consent.asking,
      taint: consent.taint,
      wasLeased: consent.hadLease,
      server: this.items.serverIndexOf(consent.serverId),
    };
  }

  /** Where the catalog asks for one, or the caller names one. */
  #chooseLease(prepared: Prepared): StoredLease | undefined {
    const { call, target, caller } = prepared;
    if (target === undefined || call.identity === undefined || caller === undefined) {
      return undefined;
    }
    if (call.leaseId !== undefined) return prepared.grants.lease(call.leaseId);
    if (!this.#usesLease && !target.item.requires.includes("lease")) return undefined;
    const leases = prepared.grants.leases(call.identity.principalHash, call.serverId);
    if (leases.length === 0) return undefined;
    const isBound = leases.some((lease) => lease.argsDigest !== null);
    return chooseLease(leases, this.#leaseCall(prepared, isBound), prepared.nowMs);
  }

  #leaseCall(prepared: Prepared, needsDigest: boolean): LeaseCall {
    const { call, target } = prepared;
    return {
      principalHash: call.identity?.principalHash ?? "",
      serverId: call.serverId,
      tool: call.name,
      stateChanging: target?.item.effect !== "read",
      argsDigest: needsDigest ? (this.#argsDigest(prepared) ?? "") : "",
    };
  }

  /** The record to decide with, of those that nobody has used up. */
  #chooseConsent(
    prepared: Prepared,
    tried: Tried,
    { usedUp, consent }: Taken,
    asking: number,
  ): ConsentRecord | undefined {
    const binding = this.#binding(prepared, tried, asking);
    if (binding === undefined) return undefined;
    const { principalHash, serverId, itemFingerprint } = binding;
    if (consent !== undefined) return consent;
    const records = prepared.grants.consents(principalHash, serverId, itemFingerprint);
    const open = records.filter(({ id }) => !usedUp.has(id));
    return chooseConsent(open, binding, prepared.nowMs);
  }

  /** What an approval of this very call is bound to. */
  #binding(prepared: Prepared, tried: Tried, asking: number): ConsentBinding | undefined {
    const { call, target, live, nowMs } = prepared;
    const { identity } = call;
    const argsDigest = this.#argsDigest(prepared);
    if (target === undefined || live === undefined) return undefined;
    if (identity === undefined || argsDigest === undefined) return undefined;
    const { lease } = tried;
    const hadLease =
      lease !== undefined &&
      leaseState(lease, nowMs) === "valid" &&
      leaseMatches(lease, this.#leaseCall(prepared, lease.argsDigest !== null));
    return {
      principalHash: identity.principalHash,
      sessionHash: identity.sessionHash,
      serverId: target.server.id,
      kind: target.item.kind,
      itemName: target.item.name,
      itemFingerprint: live.fingerprint,
      argsDigest,
      imageDigest: this.imageDigest,
      asking: asking >>> 0,
      taint: tried.taint >>> 0,
      hadLease,
    };
  }

  #argsDigest(prepared: Prepared): string | undefined {
    prepared.argsDigest ??= digestOfArguments(prepared.judged) ?? null;
    return prepared.argsDigest ?? undefined;
  }

  /**
   * Takes what an allow rests on: the approval, the invocation, the labels.
   *
   * @returns false when somebody else was faster, or the session carries labels that it did not
   *   carry when this was decided: then it is decided again with what was taken so far
   */
  #take(prepared: Prepared, tried: Tried, answer: EngineDecision, taken: Taken): boolean {
    const { consent, lease } = tried;
    const { grants, caller, target } = prepared;
    if (consent !== undefined && taken.consent === undefined) {
      if (!grants.takeConsent(consent.id)) {
        taken.usedUp.add(consent.id);
        return false;
      }
      taken.consent = consent;
    }
    if (answer.lease !== undefined && lease !== undefined && taken.lease === undefined) {
      if (!grants.takeLease(lease)) return false;
      taken.lease = lease;
    }
    const added = answer.taintAdded;
    // WHY: a store that could not be asked is to have the labels when it can be asked again
    const isThere = (added & ~tried.taint) === 0 && tried.taint !== TAINT_ALL;
    if (caller === undefined || added === 0 || isThere) return true;
    const after = grants.addTaint(caller.sessions, added);
    const isNew = (after & ~(tried.taint | added)) !== 0;
    return !isNew || target === undefined || target.item.stopsTaint.length === 0;
  }

  /** Reads the output frame that stands in the kernel's memory. */
  #answer(
    prepared: Prepared,
    tried: Tried,
    { keepsFrames = false }: DecideOptions,
  ): EngineDecision {
    const kernel = this.#kernel;
    const word = (offset: number): number => outputWord(kernel, offset);
    const isAllowed = tried.outcome === abi.OUTCOME_ALLOW;
    const isConsumed =
      isAllowed && word(abi.OUTPUT_OFFSET_LEASE_ACTION) === abi.LEASE_CONSUMED && tried.lease;
    const asking = word(abi.OUTPUT_OFFSET_ASKING);
    return {
      decision: toDecision(word(abi.OUTPUT_OFFSET_VERDICT)),
      target: prepared.target,
      live: prepared.live,
      vetting: prepared.facts?.vetting,
      denying: word(abi.OUTPUT_OFFSET_DENYING),
      asking,
      dryRun: word(abi.OUTPUT_OFFSET_DRY_RUN),
      stateChanging: word(abi.OUTPUT_OFFSET_STATE_CHANGING) !== 0,
      ruleIds: [...this.#matchedRules(), ...prepared.judged.policyIds],
      lease: isConsumed ? afterUse(isConsumed) : undefined,
      consentId: tried.consent?.id,
      taint: tried.taint,
      taintAdded: isAllowed ? word(abi.OUTPUT_OFFSET_TAINT_ADDED) : 0,
      binding:
        tried.outcome === abi.OUTCOME_ASK_USER ? this.#binding(prepared, tried, asking) : undefined,
      detail: prepared.judged.detail,
      input: keepsFrames ? inputFrameBytes(kernel) : undefined,
      output: keepsFrames ? outputFrameBytes(kernel) : undefined,
    };
  }

  #matchedRules(): readonly string[] {
    const { rules } = this.catalog;
    if (rules.length === 0) return NO_RULES;
    const { bytes, outputFrameAt } = this.#kernel;
    const at = outputFrameAt + abi.OUTPUT_OFFSET_RULES;
    return rules
      .filter((_, index) => (((bytes[at + (index >> 3)] ?? 0) >> (index & 7)) & 1) === 1)
      .map((rule) => rule.id);
  }
}

/** A session that nobody can be asked about carries every label. */
const TAINT_ALL = -1;
const NO_RULES: readonly string[] = Object.freeze([]);
const PREFIX_SIZE = "sha256:".length;

function afterUse(lease: StoredLease): StoredLease {
  const { remaining } = lease;
  return { ...lease, remaining: remaining === null ? null : remaining - 1 };
}
