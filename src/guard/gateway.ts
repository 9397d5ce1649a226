// The trust pack's one way in: every layer, one decision (40-gateway section 1).
import { AUDIT_AVAILABLE, AUDIT_BEST_EFFORT } from "../abi/frame.ts";
import { VERDICT_INTERNAL_FAULT } from "../abi/verdict.ts";
import type { AuditSink } from "../audit/event.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { type Clock, randomUuid, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { ManifestSource } from "../manifest/read.ts";
import { createMemoryStore } from "../store/memory.ts";
import type { StateStore, SyncStateStore } from "../store/types.ts";
import { toDecision } from "../verdict.ts";
import { scanText } from "../vetting/vet.ts";
import { CardCatalog } from "./card-catalog.ts";
import { compileCards } from "./compile-cards.ts";
import { askConsent, type ConsentProvider } from "./consent-answer.ts";
import { answerRecords, questionOf } from "./consent-flow.ts";
import { type ConsentRecord, isConsentRecord } from "./consent-record.ts";
import { type DecideOptions, DecisionEngine, LIMIT_DECIDE_ATTEMPTS } from "./engine.ts";
import type { EngineCall, EngineDecision } from "./engine-types.ts";
import { GatewayAnswers } from "./gateway-answer.ts";
import { gatewayEvent } from "./gateway-audit.ts";
import type { EvaluateRequest, GatewayDecision } from "./gateway-types.ts";
import type { GrantStore } from "./grant-access.ts";
import { Grants } from "./grants.ts";
import { HeldDefinitions } from "./held-definition.ts";
import { isRequestIdentity } from "./identity.ts";
import type { ScopeLease } from "./lease.ts";
import { leaseState } from "./lease-valid.ts";
import { type TaintedObservation, wrapResult } from "./observation.ts";
import type { PolicyRule } from "./policy-rule.ts";
import { PrefetchedGrants } from "./prefetched-grants.ts";
import type { ProtectedPaths } from "./protected-paths.ts";
import { ScopeGuard } from "./scope-guard.ts";
import type { ServerCard } from "./server-card.ts";
import { type AdmissionReport, Validator } from "./validator.ts";

/** What a store part must do; `InMemoryConsentLedger` and every StateStore do. */
type LeasePart = Pick<
  SyncStateStore,
  "putLease" | "getLease" | "findLeases" | "consumeLease" | "revokeLease"
>;
type ConsentPart = {
  putConsent(record: ConsentRecord): boolean;
  findConsents: GrantStore["findConsents"];
  consumeConsent(id: string): boolean;
};
type SessionPart = Pick<SyncStateStore, "getTaint" | "addTaint">;

interface GatewaySettings {
  /** Custom rules of the host; they can only tighten. */
  readonly rules?: readonly PolicyRule[] | undefined;
  /** Leases, consents and labels. Default: in the memory of this process. */
  readonly store?: StateStore | undefined;
  /** Consents, where they are kept apart from the store. */
  readonly consent?: ConsentPart | undefined;
  /** Leases, likewise. */
  readonly leases?: LeasePart | undefined;
  /** Labels of sessions, likewise. */
  readonly sessions?: SessionPart | undefined;
  /** Asks a person; used by `evaluateAsync`. */
  readonly consentProvider?: ConsentProvider | undefined;
  /** Where records go. A sink that cannot write refuses what changes state. */
  readonly audit?: AuditSink | undefined;
  /** `best-effort`: reads pass without a record. Default `required`. */
  readonly auditMode?: "required" | "best-effort" | undefined;
  /** Names of the scopes any call may need at most. */
  readonly scopeCap?: readonly string[] | undefined;
  /** Paths that no argument may name. */
  readonly protectedPaths?: ProtectedPaths | undefined;
  readonly clock?: Clock | undefined;
}

export type GatewayOptions = GatewaySettings &
  (
    | { readonly catalog: TrustedCatalog; readonly serverCards?: undefined }
    | { readonly catalog?: undefined; readonly serverCards: readonly ServerCard[] }
  );

/** How long a person has, in ms, when a provider asks. */
const ANSWER_TIME_MS = 50_000;
/** Bytes of the largest message; nothing here reads messages. */
const MESSAGE_SIZE_MAX = 65_536;

interface World {
  readonly guard: ScopeGuard;
  readonly validator: Validator;
  readonly engine: DecisionEngine;
  readonly answers: GatewayAnswers;
}

/**
 * Decides every call of an agent: vetting, policy, consent, taint, and what goes with them.
 *
 * With server cards instead of a catalog the same closed world holds for one process; only a signed
 * catalog closes it across restarts.
 *
 * @example
 * const gateway = new MCPGateway({ serverCards: [card] });
 * const decision = gateway.evaluate({ identity, serverId: "filesystem", tool, args });
 * if (decision.invocation.decision !== "allow") throw new Error(decision.invocation.reason);
 */
export class MCPGateway {
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #store: StateStore;
  readonly #grants: GrantStore | undefined;
  readonly #definitions = new HeldDefinitions();
  readonly #decisionIds: string = randomUuid();
  #cards: readonly ServerCard[];
  #world: World;
  #decisionCount = 0;

  /**
   * @throws {GuardError} ARGUMENT_INVALID for a look-alike of a catalog or a card, or for both
   *   together; SCOPE_UNKNOWN for an unknown scope in `scopeCap`; KERNEL_LOAD, KERNEL_CAPACITY
   */
  constructor(options: GatewayOptions) {
    if (typeof options !== "object" || options === null) {
      throw invalid("expected { catalog } or { serverCards }");
    }
    if ((options.catalog === undefined) === (options.serverCards === undefined)) {
      throw invalid("expected a catalog or server cards, got both or neither");
    }
    this.#options = { ...options };
    this.#clock = options.clock ?? systemClock;
    this.#store = options.store ?? createMemoryStore();
    this.#grants = partsOf(options, this.#store);
    this.#cards = options.serverCards ?? [];
    this.#world = this.#makeWorld();
  }

  /**
   * Decides one call. Synchronous: every store is in this process or on this machine. What an allow
   * rests on is taken with it.
   *
   * @throws {GuardError} SCOPE_UNKNOWN when `scopes` names a scope the catalog does not have;
   *   ARGUMENT_INVALID with a store that answers later (use `evaluateAsync`)
   */
  evaluate(request: EvaluateRequest): GatewayDecision {
    if (this.#grants === undefined) {
      throw invalid("expected a store in this process; use evaluateAsync with this one");
    }
    const call = this.#read(request);
    const decided = this.#world.engine.decide(call, this.#decideOptions());
    return this.#finish(call, this.#recorded(call, decided, request));
  }

  /**
   * As `evaluate`, with any store; a person is asked where the answer is `ask_user` and there is a
   * provider. Never rejects but for the faults of `evaluate`.
   *
   * @throws {GuardError} SCOPE_UNKNOWN when `scopes` names a scope the catalog does not have
   */
  async evaluateAsync(request: EvaluateRequest): Promise<GatewayDecision> {
    const call = this.#read(request);
    const first = await this.#decideAsync(call);
    const decided = await this.#askPerson(call, first);
    return this.#finish(call, this.#recorded(call, decided, request));
  }

  /**
   * Adds a card, or replaces that of the same server. What drifted under the old card is forgotten:
   * registering is the host's own act.
   *
   * @throws {GuardError} ARGUMENT_INVALID for a look-alike, or with a catalog
   */
  registerServerCard(card: ServerCard): void {
    if (this.#options.catalog !== undefined) {
      throw invalid("expected a gateway of server cards; a catalog is signed, not registered");
    }
    const others = this.#cards.filter((known) => known.serverId !== card?.serverId);
    const before = this.#cards;
    this.#cards = [...others, card];
    try {
      this.#world = this.#makeWorld();
    } catch (fault) {
      this.#cards = before;
      throw fault;
    }
  }

  /**
   * Takes over what a server lists: it is compared with the pins and vetted, and decides calls that
   * name a tool instead of giving its definition.
   *
   * @throws {GuardError} MANIFEST_INVALID, MANIFEST_LIMIT or JSON_INVALID when it is no listing
   */
  admitListing(serverId: string, listing: ManifestSource): AdmissionReport {
    const { guard, validator } = this.#world;
    const report = validator.validate(serverId, listing);
    guard.admit(report);
    return report;
  }

  /** Keeps an approval of `createConsentRecords`. @throws {GuardError} ARGUMENT_INVALID */
  addConsentRecord(record: ConsentRecord): boolean | Promise<boolean> {
    if (!isConsentRecord(record)) throw invalid("expected a record of createConsentRecords");
    const { consent } = this.#options;
    return consent === undefined ? this.#store.putConsent(record) : consent.putConsent(record);
  }

  /** Puts a lease of `createScopeLease` in force. @throws {GuardError} ARGUMENT_INVALID */
  grantLease(lease: ScopeLease): boolean | Promise<boolean> {
    if (leaseState(lease, this.#clock()) !== "valid") {
      throw invalid("expected a lease of createScopeLease that can still be used");
    }
    const { leaseId: _, expiresAt: __, ...stored } = lease;
    return (this.#options.leases ?? this.#store).putLease(stored);
  }

  /** Takes a lease back, for good. */
  revokeLease(id: string): boolean | Promise<boolean> {
    return (this.#options.leases ?? this.#store).revokeLease(id);
  }

  /** A result with its trust level, its hash and the session's labels; its text is scanned. */
  wrapResult(toolName: string, result: unknown, decision: GatewayDecision): TaintedObservation {
    return wrapResult(toolName, result, decision, { scan: scanText });
  }

  #makeWorld(): World {
    const { catalog, rules, scopeCap, protectedPaths } = this.#options;
    const settings = { clock: this.#clock, messageSizeMax: MESSAGE_SIZE_MAX };
    const source = catalog ?? compileCards(this.#cards);
    const guard =
      source instanceof CardCatalog
        ? ScopeGuard.fromCards(source, settings)
        : ScopeGuard.fromCatalog(source, settings);
    const store = this.#grants ?? NO_GRANTS;
    const engine = new DecisionEngine({ guard, store, rules, scopeCap, protectedPaths });
    const answers = new GatewayAnswers(engine.catalog);
    return { guard, validator: new Validator(source), engine, answers };
  }

  /** Copies a request once; what is malformed in it refuses, and never throws. */
  #read(request: EvaluateRequest): EngineCall {
    try {
      const { identity, serverId, tool, args, scopes, leaseId } = request;
      const isHeld = typeof tool === "object" && tool !== null;
      const name = textOf(isHeld ? Reflect.get(tool, "name") : tool);
      const server = textOf(serverId);
      return {
        identity: isRequestIdentity(identity) ? identity : undefined,
        serverId: server,
        name,
        item: this.#world.engine.toolOf(server, name),
        args,
        scopes: scopes === undefined ? undefined : namesOf(scopes),
        // a lease that cannot be one is still named, and does not hold
        leaseId: leaseId === undefined ? undefined : textOf(leaseId),
        definition: isHeld ? this.#definitions.of(tool) : undefined,
        isConsentRefused: false,
      };
    } catch {
      // a getter that throws, or no object at all
      return UNREADABLE;
    }
  }

  #decideOptions(grants?: Grants): DecideOptions {
    const { audit, auditMode } = this.#options;
    if (audit === undefined && grants === undefined) return UNRECORDED;
    const whenBlind = auditMode === "best-effort" ? AUDIT_BEST_EFFORT : 0;
    return {
      audit: audit === undefined || audit.isAvailable ? AUDIT_AVAILABLE : whenBlind,
      keepsFrames: audit !== undefined,
      grants,
    };
  }

  async #decideAsync(call: EngineCall): Promise<EngineDecision> {
    const { engine } = this.#world;
    if (this.#grants !== undefined) return engine.decide(call, this.#decideOptions());
    const owned = new Set<string>();
    const keys = {
      principalHash: call.identity?.principalHash ?? "",
      serverId: call.serverId,
      fingerprint: engine.liveOf(call)?.fingerprint,
      leaseId: call.leaseId,
      sessions: engine.taintRows(call.identity),
    };
    for (let attempt = 0; attempt < LIMIT_DECIDE_ATTEMPTS; attempt++) {
      const grants = await PrefetchedGrants.read(this.#store, keys, owned);
      const decided = engine.decide(call, this.#decideOptions(new Grants(grants, engine.labels)));
      if (decided.decision.outcome !== "allow") return decided;
      if ((await grants.commit(this.#store, owned)) === "done") return decided;
    }
    // others are always faster, or the store does not answer: as if it held nothing
    return engine.decide(call, this.#decideOptions(new Grants(NO_GRANTS, engine.labels)));
  }

  /** Asks the provider where a person may answer, and decides again with what was answered. */
  async #askPerson(call: EngineCall, first: EngineDecision): Promise<EngineDecision> {
    const { consentProvider: provider } = this.#options;
    const { binding, target } = first;
    if (provider === undefined || binding === undefined || target === undefined) return first;
    if (first.decision.outcome !== "ask_user") return first;
    const isOpen = target.server.consentChannels.includes(provider.channel);
    const question = questionOf(call, first, this.#clock() + ANSWER_TIME_MS);
    const answer =
      isOpen && question !== undefined
        ? await askConsent(provider, question, this.#clock)
        : undefined;
    if (question === undefined || answer === undefined || answer.choice === "deny") {
      return this.#decideAsync({ ...call, isConsentRefused: true });
    }
    const nowMs = this.#clock();
    for (const record of answerRecords({
      binding,
      question,
      answer,
      channel: provider.channel,
      nowMs,
    })) {
      await this.addConsentRecord(record);
    }
    return this.#decideAsync(call);
  }

  /** Writes the record; a state-changing call whose record cannot be written is refused. */
  #recorded(call: EngineCall, decided: EngineDecision, request: EvaluateRequest): EngineDecision {
    const { audit, auditMode } = this.#options;
    if (audit === undefined) return decided;
    const event = gatewayEvent(call, decided, this.#clock());
    if (audit.append(event) || decided.decision.outcome !== "allow") return decided;
    if (auditMode === "best-effort" && !decided.stateChanging) return decided;
    const again = this.#world.engine.decide(this.#read(request), { audit: 0, keepsFrames: true });
    return again.decision.outcome === "allow"
      ? { ...again, decision: toDecision(VERDICT_INTERNAL_FAULT) }
      : again;
  }

  #finish(call: EngineCall, decided: EngineDecision): GatewayDecision {
    this.#decisionCount += 1;
    return this.#world.answers.answer(decided, {
      identity: call.identity,
      serverId: call.serverId,
      toolName: call.name,
      decisionId: `${this.#decisionIds}.${this.#decisionCount}`,
      serverCard: this.#cards.find(({ serverId }) => serverId === call.serverId),
    });
  }
}

const UNRECORDED: DecideOptions = { audit: AUDIT_AVAILABLE };

/** Nobody calls nothing: refused by every layer that looks. */
const UNREADABLE: EngineCall = Object.freeze({
  identity: undefined,
  serverId: "",
  name: "",
  item: -1,
  args: undefined,
  scopes: undefined,
  leaseId: undefined,
  definition: undefined,
  isConsentRefused: false,
});

/** A store that holds nothing, and keeps nothing: whatever needs it is refused. */
const NO_GRANTS: GrantStore = {
  getLease: () => undefined,
  findLeases: () => [],
  consumeLease: () => false,
  findConsents: () => [],
  consumeConsent: () => false,
  getTaint: () => -1,
  addTaint: () => -1,
};

/** The synchronous parts together; `undefined` when one of them answers later. */
function partsOf(
  { leases, consent, sessions }: GatewayOptions,
  store: StateStore,
): GrantStore | undefined {
  if (store.mode === "async") {
    if (leases !== undefined || consent !== undefined || sessions !== undefined) {
      throw invalid("expected leases, consent and sessions in one store when it answers later");
    }
    return undefined;
  }
  const leasePart = leases ?? store;
  const consentPart = consent ?? store;
  const sessionPart = sessions ?? store;
  return {
    getLease: (id) => leasePart.getLease(id),
    findLeases: (principal, server) => leasePart.findLeases(principal, server),
    consumeLease: (id, remaining) => leasePart.consumeLease(id, remaining),
    findConsents: (principal, server, item) => consentPart.findConsents(principal, server, item),
    consumeConsent: (id) => consentPart.consumeConsent(id),
    getTaint: (session) => sessionPart.getTaint(session),
    addTaint: (session, mask) => sessionPart.addTaint(session, mask),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Names of requested scopes; what is no list of texts asks for a scope that nobody has. */
function namesOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [""];
  return value.map((name: unknown) => textOf(name));
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
