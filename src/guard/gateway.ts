// The trust pack's one way in: every layer, one decision (40-gateway section 1).
import type { AuditSink } from "../audit/event.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { type Clock, randomUuid, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { ManifestSource } from "../manifest/read.ts";
import { createMemoryStore } from "../store/memory.ts";
import type { StateStore } from "../store/types.ts";
import { scanText } from "../vetting/vet.ts";
import { tryArgumentsDigest } from "./args-digest.ts";
import { ArgumentSnapshot } from "./argument-snapshot.ts";
import { CardCatalog } from "./card-catalog.ts";
import { compileCards } from "./compile-cards.ts";
import { askConsent, CONSENT_DENIED, type ConsentProvider } from "./consent-answer.ts";
import { answerRecords, questionOf } from "./consent-flow.ts";
import { type ConsentRecord, isConsentRecord } from "./consent-record.ts";
import { AsyncDecider } from "./decide-async.ts";
import { DecisionEngine } from "./engine.ts";
import type { EngineCall, EngineDecision } from "./engine-types.ts";
import { callerOf, GatewayAnswers } from "./gateway-answer.ts";
import { type GatewayParts, grantStoreOf, NO_GRANTS } from "./gateway-parts.ts";
import { type GatewayAuditOptions, GatewayRecords } from "./gateway-records.ts";
import type { EvaluateRequest, GatewayDecision } from "./gateway-types.ts";
import { GrantAccess } from "./grant-access.ts";
import { HeldDefinitions } from "./held-definition.ts";
import { isRequestIdentity } from "./identity.ts";
import type { ScopeLease } from "./lease.ts";
import { leaseState } from "./lease-valid.ts";
import { type TaintedObservation, wrapResult } from "./observation.ts";
import type { PolicyRule } from "./policy-rule.ts";
import type { ProtectedPaths } from "./protected-paths.ts";
import { ScopeGuard } from "./scope-guard.ts";
import type { ServerCard } from "./server-card.ts";
import { type AdmissionReport, Validator } from "./validator.ts";

interface GatewaySettings extends GatewayParts, GatewayAuditOptions {
  /** Custom rules of the host; they can only tighten. */
  readonly rules?: readonly PolicyRule[] | undefined;
  /** Asks a person; used by `evaluateAsync`. */
  readonly consentProvider?: ConsentProvider | undefined;
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
  readonly #records: GatewayRecords;
  readonly #store: StateStore;
  /** Where the store answers at once; one for all cards, so that no label is lost with them. */
  readonly #access: GrantAccess | undefined;
  /** Where it answers later. */
  readonly #async: AsyncDecider | undefined;
  /**
   * What its decisions know it by. WHY: the gateway itself is in many hands; who has this could ask a
   * decision for its caller, or make one
   */
  readonly #issuer = {};
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
    this.#records = new GatewayRecords(options, this.#clock);
    this.#store = options.store ?? createMemoryStore();
    const grants = grantStoreOf(options, this.#store);
    this.#access = grants === undefined ? undefined : new GrantAccess(grants);
    this.#async = grants === undefined ? AsyncDecider.of(this.#store) : undefined;
    this.#cards = options.serverCards ?? [];
    this.#world = this.#makeWorld();
  }

  /** What a gateway is made of, for connections that are guarded as it decides. */
  static partsOf(gateway: MCPGateway): {
    readonly options: GatewayOptions;
    readonly store: StateStore;
  } {
    return { options: gateway.#options, store: gateway.#store };
  }

  /** Where the records go: what the host named, else the newest ones in memory. */
  get audit(): AuditSink | undefined {
    return this.#records.sink;
  }

  /**
   * Decides one call. Synchronous: every store is in this process or on this machine. What an allow
   * rests on is taken with it.
   *
   * @throws {GuardError} SCOPE_UNKNOWN when `scopes` names a scope the catalog does not have;
   *   ARGUMENT_INVALID with a store that answers later (use `evaluateAsync`)
   */
  evaluate(request: EvaluateRequest): GatewayDecision {
    if (this.#access === undefined) {
      throw invalid("expected a store in this process; use evaluateAsync with this one");
    }
    const call = this.#read(request);
    const decided = this.#world.engine.decide(call, this.#records.decideOptions());
    return this.#finish(call, this.#recorded(call, decided));
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
    const shown = await this.#askPerson(call, first);
    const asked = shown ?? call;
    const decided = shown === undefined ? first : await this.#decideAsync(shown);
    return this.#finish(asked, this.#recorded(asked, decided));
  }

  /**
   * Adds a card, or replaces that of the same server. What drifted under the old card is forgotten:
   * registering is the host's own act. What drifted of other servers stays so; calls that name their
   * tools wait for `admitListing`.
   *
   * @throws {GuardError} ARGUMENT_INVALID for a look-alike, or with a catalog
   */
  registerServerCard(card: ServerCard): void {
    if (this.#options.catalog !== undefined) {
      throw invalid("expected a gateway of server cards; a catalog is signed, not registered");
    }
    const others = this.#cards.filter((known) => known.serverId !== card?.serverId);
    const before = this.#cards;
    const { engine } = this.#world;
    this.#cards = [...others, card];
    try {
      this.#world = this.#makeWorld();
      const known = others.map(({ serverId }) => serverId);
      this.#world.engine.keepDrifted(engine.drifted(known));
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
    this.#records.listed(serverId, report);
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

  /**
   * A result with its trust level, its hash and the session's labels; its text is scanned. A text that
   * is flagged puts `untrusted` on the session of the call, for good.
   */
  wrapResult(toolName: string, result: unknown, decision: GatewayDecision): TaintedObservation {
    const observation = wrapResult(toolName, result, decision, { scan: scanText });
    const identity = callerOf(decision, this.#issuer);
    if (identity === undefined || !observation.instructionLikeTextDetected) return observation;
    const { sessionHash } = identity;
    this.#access?.addRowTaint(sessionHash, UNTRUSTED_MASK);
    void this.#async?.addLabels(sessionHash, UNTRUSTED_MASK);
    return observation;
  }

  #makeWorld(): World {
    const { catalog, rules, scopeCap, protectedPaths } = this.#options;
    const settings = { clock: this.#clock, messageSizeMax: MESSAGE_SIZE_MAX };
    const source = catalog ?? compileCards(this.#cards);
    const guard =
      source instanceof CardCatalog
        ? ScopeGuard.fromCards(source, settings)
        : ScopeGuard.fromCatalog(source, settings);
    const store = this.#access ?? NO_GRANTS;
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
        // WHY: bytes are read strictly even where nothing asks about a member; unreadable ones refuse
        args: args instanceof Uint8Array ? (ArgumentSnapshot.of(args) ?? null) : args,
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

  async #decideAsync(call: EngineCall): Promise<EngineDecision> {
    const { engine } = this.#world;
    const options = this.#records.decideOptions();
    return this.#async === undefined
      ? engine.decide(call, options)
      : await this.#async.decide(engine, call, options);
  }

  /**
   * Asks the provider where a person may answer, and keeps the approval.
   *
   * @returns the call to decide again; `undefined` when there was nothing to ask
   */
  async #askPerson(call: EngineCall, first: EngineDecision): Promise<EngineCall | undefined> {
    const { consentProvider: provider } = this.#options;
    const { binding, target } = first;
    if (provider === undefined || target === undefined) return undefined;
    if (first.decision.outcome !== "ask_user") return undefined;
    // WHY: what is shown, what is approved and what is decided then is one copy; and it is what asked
    const args = ArgumentSnapshot.of(call.args);
    // what cannot be shown as it will be sent is no arguments: the call is refused for that
    if (args === undefined) return { ...call, args: null };
    if (binding === undefined) return undefined;
    const isSame = tryArgumentsDigest(args.text) === binding.argsDigest;
    const shown = { ...call, args };
    const channel = attempt(() => provider.channel);
    const isOpen = target.server.consentChannels.some((open) => open === channel);
    const untilMs = this.#clock() + ANSWER_TIME_MS;
    const question = isSame && isOpen ? questionOf(shown, first, untilMs) : undefined;
    const answer =
      question === undefined ? CONSENT_DENIED : await askConsent(provider, question, this.#clock);
    if (question === undefined || channel === undefined || answer.choice === "deny") {
      return { ...call, isConsentRefused: true };
    }
    const nowMs = this.#clock();
    for (const record of answerRecords({ binding, question, answer, channel, nowMs })) {
      try {
        await this.addConsentRecord(record);
      } catch {
        // an approval that cannot be kept is none: the call asks again
      }
    }
    return shown;
  }

  #recorded(call: EngineCall, decided: EngineDecision): EngineDecision {
    return this.#records.recorded(this.#world.engine, call, decided);
  }

  #finish(call: EngineCall, decided: EngineDecision): GatewayDecision {
    this.#decisionCount += 1;
    return this.#world.answers.answer(decided, {
      issuer: this.#issuer,
      identity: call.identity,
      serverId: call.serverId,
      toolName: call.name,
      decisionId: `${this.#decisionIds}.${this.#decisionCount}`,
      serverCard: this.#cards.length === 0 ? undefined : this.#cardOf(call.serverId),
    });
  }

  #cardOf(id: string): ServerCard | undefined {
    return this.#cards.find(({ serverId }) => serverId === id);
  }
}

/** Bit 0 of every catalog (10-catalog section 1). */
const UNTRUSTED_MASK = 1;

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

/** What the host's own code gives; `undefined` when it throws. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
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
