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
import { VERDICT_ALLOWED, VERDICT_INTERNAL_FAULT } from "../abi/verdict.ts";
import { toHex } from "../bytes.ts";
import type { Catalog, CatalogItem } from "../catalog/types.ts";
import {
  type DigestWords,
  decideFields,
  digestWords,
  executeFrame,
  type InputFields,
  inputFrameBytes,
  outputFrameBytes,
  outputWord,
} from "../kernel/decide.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { KIND_CODES } from "../manifest/listing.ts";
import { toDecision } from "../verdict.ts";
import { argumentWords, judgeCallArguments } from "./call-arguments.ts";
import { CallerFactsCache, NO_DIGEST, scopeWords } from "./caller-facts.ts";
import { argsDigestOf, type Prepared, type Taken, type Tried } from "./engine-prepared.ts";
import type { EngineCall, EngineDecision } from "./engine-types.ts";
import type { GrantAccess, GrantStore } from "./grant-access.ts";
import { GrantChooser } from "./grant-chooser.ts";
import { consentFields, leaseFields } from "./grant-fields.ts";
import { TAINT_ALL, takeGrants } from "./grant-taking.ts";
import { Grants } from "./grants.ts";
import type { GuardKernel } from "./guard-kernel.ts";
import type { RequestIdentity } from "./identity.ts";
import { type ImageItem, ImageItems } from "./image-items.ts";
import { ItemFactsCache } from "./item-facts.ts";
import { labelRow, type OperatorLabel, operatorLabels } from "./label-rows.ts";
import type { StoredLease } from "./lease.ts";
import type { LiveDefinition } from "./live-items.ts";
import type { PolicyRule } from "./policy-rule.ts";
import type { ProtectedPaths } from "./protected-paths.ts";
import { ScopeGuard } from "./scope-guard.ts";

/** Times a call is decided anew because somebody else took what it rested on (40-gateway 5). */
export const LIMIT_DECIDE_ATTEMPTS = 8;

export interface EngineOptions {
  /** Holds the catalog, the kernel, and what was admitted. */
  readonly guard: ScopeGuard;
  readonly store: GrantStore | GrantAccess;
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
  readonly grants?: Grants | undefined;
  /** Others were always faster: decide as if no invocation and no approval were left. */
  readonly isWornOut?: boolean;
}

/** Decides with one kernel, one catalog and one store. */
export class DecisionEngine {
  readonly catalog: Catalog;
  readonly items: ImageItems;
  /** The operator's taint labels; for `Grants`. */
  readonly labels: readonly OperatorLabel[];
  /** Lower-case hex SHA-256 of the image. */
  readonly imageDigest: string;
  readonly #guard: GuardKernel;
  readonly #kernel: Kernel;
  /** What the store holds, in the terms of this catalog. */
  readonly grants: Grants;
  readonly #rules: readonly PolicyRule[];
  readonly #protectedPaths: ProtectedPaths | undefined;
  readonly #callers: CallerFactsCache;
  readonly #facts = new ItemFactsCache();
  readonly #image: DigestWords;
  readonly #itemStatesAt: number;
  readonly #serverStatesAt: number;
  readonly #chooser: GrantChooser;
  readonly #usesConsent: boolean;

  /** @throws {GuardError} SCOPE_UNKNOWN for an unknown scope in `scopeCap` */
  constructor(options: EngineOptions) {
    const { source, guard } = ScopeGuard.partsOf(options.guard);
    this.catalog = source.catalog;
    this.items = new ImageItems(this.catalog);
    this.#guard = guard;
    this.#kernel = guard.kernel;
    this.labels = operatorLabels(this.catalog.taintBits);
    this.grants = new Grants(options.store, this.labels);
    this.#rules = options.rules ?? [];
    this.#protectedPaths = options.protectedPaths;
    this.#callers = new CallerFactsCache(this.catalog, options.scopeCap);
    const at = this.#kernel.imageAt + HEADER_OFFSET_IMAGE_SHA256;
    const digest = this.#kernel.bytes.slice(at, at + 32);
    this.#image = digestWords(digest);
    this.imageDigest = toHex(digest);
    this.#itemStatesAt = this.#kernel.exports.regionItemStates();
    this.#serverStatesAt = this.#kernel.exports.regionServerStates();
    this.#chooser = new GrantChooser(this.catalog, this.imageDigest);
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
    const taken: Taken = { lease: undefined, consent: undefined, usedUp: undefined };
    const attempts = options.isWornOut === true ? 0 : LIMIT_DECIDE_ATTEMPTS;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const tried = this.#try(prepared, taken, false);
      if (tried.outcome !== abi.OUTCOME_ALLOW) return this.#answer(prepared, tried, options);
      // WHY: read before anything is taken, which may run the host's store and decide other calls
      const answer = this.#answer(prepared, tried, options);
      if (takeGrants(prepared, tried, answer, taken)) return answer;
    }
    const tried = this.#try(prepared, taken, true);
    const answer = this.#answer(prepared, tried, options);
    // what is allowed all the same rests on nothing but what was taken before; its labels count
    if (tried.outcome === abi.OUTCOME_ALLOW) takeGrants(prepared, tried, answer, taken);
    return answer;
  }

  /**
   * The same decision with nobody to record it: what was allowed is refused. What it had taken stays
   * taken.
   *
   * @param decided with its frames
   */
  unrecorded(decided: EngineDecision): EngineDecision {
    const kernel = this.#kernel;
    const input = decided.input?.slice();
    if (input === undefined) return { ...decided, decision: toDecision(VERDICT_INTERNAL_FAULT) };
    input[abi.INPUT_OFFSET_AUDIT] = 0;
    const output = executeFrame(kernel, input);
    const word = (offset: number): number => outputWord(kernel, offset);
    const decision = toDecision(word(abi.OUTPUT_OFFSET_VERDICT));
    return {
      ...decided,
      decision: decision.outcome === "allow" ? toDecision(VERDICT_INTERNAL_FAULT) : decision,
      denying: word(abi.OUTPUT_OFFSET_DENYING),
      asking: word(abi.OUTPUT_OFFSET_ASKING),
      dryRun: word(abi.OUTPUT_OFFSET_DRY_RUN),
      lease: undefined,
      // the labels were put on the session with the allow, and stay
      taint: decided.taint | decided.taintAdded,
      taintAdded: 0,
      input,
      output,
    };
  }

  /** What has drifted of these servers. */
  drifted(serverIds: readonly string[]): readonly ImageItem[] {
    const { bytes } = this.#kernel;
    return this.items
      .list()
      .filter((_, index) => bytes[this.#itemStatesAt + index] === ITEM_DRIFTED)
      .filter(({ server }) => serverIds.includes(server.id));
  }

  /** Counts as drifted here, too, where it is pinned. */
  keepDrifted(items: readonly ImageItem[]): void {
    for (const { item, server } of items) {
      this.#markDrifted(this.items.serverIndexOf(server.id), item);
    }
  }

  #markDrifted(serverIndex: number, { kind, name }: CatalogItem): void {
    const size = this.#guard.writeName(name, LIMIT_URI_BYTES);
    this.#kernel.exports.markDrifted(serverIndex, KIND_CODES[kind], size);
  }

  /** Index in the image of a tool; -1 when it is not pinned. */
  toolOf(serverId: string, tool: string): number {
    return this.#guard.toolOf(serverId, tool);
  }

  /** Rows of a store that hold labels of the session and of those it descends from. */
  taintRows(identity: RequestIdentity | undefined): readonly string[] {
    if (identity === undefined) return [];
    const { sessions } = this.#callers.of(identity);
    const names = this.labels.map(({ name }) => name);
    return sessions.flatMap((session) => [
      session,
      ...names.map((name) => labelRow(session, name)),
    ]);
  }

  /** The definition that a call is decided with; `undefined` when none was seen. */
  liveOf(call: EngineCall): LiveDefinition | undefined {
    const target = this.items.at(call.item);
    if (call.definition !== undefined || target === undefined) return call.definition;
    return this.#guard.live.get(target.serverIndex, call.item);
  }

  #prepare(call: EngineCall, { audit, grants = this.grants }: DecideOptions): Prepared {
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
    return {
      call,
      target,
      live,
      facts,
      caller,
      judged,
      scope,
      serverIndex,
      nowMs,
      audit,
      grants,
      argsDigest,
    };
  }

  /**
   * A definition that the caller holds and that is not the pinned one has drifted, and that sticks
   * (20-fingerprint section 3): the pinned one, shown later, does not mend it.
   */
  #keepDrift({ call, target, live }: Prepared): void {
    if (call.definition === undefined || target === undefined || live === undefined) return;
    if (target.item.fingerprints.includes(live.fingerprint)) return;
    this.#markDrifted(target.serverIndex, target.item);
  }

  /**
   * Reads what others may change, and asks the kernel.
   *
   * @param isWornOut decide as if there were no invocation and no approval but those that this call
   *   has taken, and, where labels stop the item, as if every label were there
   */
  #try(prepared: Prepared, taken: Taken, isWornOut: boolean): Tried {
    const { caller, call, target } = prepared;
    const hasAll = caller === undefined || (isWornOut && (target?.item.stopsTaint.length ?? 0) > 0);
    const taint = hasAll ? TAINT_ALL : prepared.grants.taint(caller.sessions);
    const chosen = taken.lease ?? this.#chooser.lease(prepared);
    const isUsedUp = isWornOut && chosen !== undefined && taken.lease === undefined;
    const lease = isUsedUp ? { ...chosen, remaining: 0 } : chosen;
    const tried: Tried = { outcome: abi.OUTCOME_DENY, taint, lease, consent: undefined };
    const mayChoose = !isWornOut || taken.consent !== undefined;
    if (this.#usesConsent && mayChoose) {
      tried.consent = this.#chooser.consent(prepared, tried, taken, 0);
    }
    tried.outcome = this.#ask(prepared, tried);
    if (tried.outcome !== abi.OUTCOME_ASK_USER || call.isConsentRefused) return tried;
    const asking = outputWord(this.#kernel, abi.OUTPUT_OFFSET_ASKING);
    const consent = mayChoose ? this.#chooser.consent(prepared, tried, taken, asking) : undefined;
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
    const { bytes } = this.#kernel;
    const { lease, consent } = tried;
    const needsDigest = lease?.argsDigest != null || consent !== undefined;
    const fromStates = target === undefined ? 0 : bytes[this.#itemStatesAt + call.item];
    const ofServer = serverIndex < 0 ? 0 : bytes[this.#serverStatesAt + serverIndex];
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
      argumentsDigest: needsDigest ? argumentWords(argsDigestOf(prepared)) : NO_DIGEST,
      isStickyDrift: fromStates === ITEM_DRIFTED,
      isLeaseNamed: call.leaseId !== undefined,
      isConsentRefused: call.isConsentRefused,
      lease: lease === undefined ? undefined : leaseFields(this.items, prepared, lease),
      consent: consent === undefined ? undefined : consentFields(this.items, consent),
    };
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
      ruleIds: this.#matchedRules(prepared.judged.policyIds),
      lease: isConsumed ? afterUse(isConsumed) : undefined,
      consentId: tried.consent?.id,
      taint: tried.taint,
      taintAdded: isAllowed ? word(abi.OUTPUT_OFFSET_TAINT_ADDED) : 0,
      binding:
        tried.outcome === abi.OUTCOME_ASK_USER
          ? this.#chooser.binding(prepared, tried, asking)
          : undefined,
      detail: prepared.judged.detail,
      input: keepsFrames ? inputFrameBytes(kernel) : undefined,
      output: keepsFrames ? outputFrameBytes(kernel) : undefined,
    };
  }

  /** The catalog's rules that matched, and behind them the host's. */
  #matchedRules(policyIds: readonly string[]): readonly string[] {
    const { rules } = this.catalog;
    if (rules.length === 0) return policyIds;
    const { bytes, outputFrameAt } = this.#kernel;
    const at = outputFrameAt + abi.OUTPUT_OFFSET_RULES;
    const matched = rules.filter(
      (_, index) => (((bytes[at + (index >> 3)] ?? 0) >> (index & 7)) & 1) === 1,
    );
    if (matched.length === 0) return policyIds;
    return [...matched.map((rule) => rule.id), ...policyIds];
  }
}

function afterUse(lease: StoredLease): StoredLease {
  const { remaining } = lease;
  return { ...lease, remaining: remaining === null ? null : remaining - 1 };
}
