// Live admission of one server: when the guard lists, who waits for it, and what was admitted
// (20-fingerprint section 3).
import { VERDICT_SERVER_NOT_ADMITTED } from "../abi/verdict.ts";
import type { AuditItem } from "../audit/event.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogServer, ItemKind } from "../catalog/types.ts";
import type { Clock } from "../clock.ts";
import { quote } from "../errors.ts";
import { itemsOfReport } from "../guard/gateway-audit.ts";
import type { ScopeGuard } from "../guard/scope-guard.ts";
import { type AdmissionReport, Validator } from "../guard/validator.ts";
import type { MessageShape } from "../kernel/message.ts";
import type { LiveItem, Manifest } from "../manifest/types.ts";
import { type Decision, decisionOf, toDecision } from "../verdict.ts";
import { CompleteListing, type KindListing } from "./complete-listing.ts";
import { LIMIT_ADMISSION_WAIT_MS, LIMIT_LISTING_RESTARTS } from "./limits.ts";
import { manifestOf } from "./listing-page.ts";
import { type AllowedMethods, LISTINGS } from "./methods.ts";
import type { GuardRecord } from "./records.ts";
import type { StickyDrift } from "./sticky-drift.ts";
import type { Timer } from "./timer.ts";

export interface AdmissionOptions {
  readonly catalog: TrustedCatalog;
  readonly serverId: string;
  readonly guard: ScopeGuard;
  readonly methods: AllowedMethods;
  readonly drift: StickyDrift;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonic: Clock;
  readonly timer: Timer;
  readonly uuid: () => string;
  readonly send: (frame: Uint8Array) => void;
  readonly record: (record: Omit<GuardRecord, "server">) => void;
  /** Told of every definition that was seen, and what came of it. */
  readonly listed: (decision: Decision, items: readonly AuditItem[]) => void;
}

/** A message that waits until its server's manifest is known. */
interface Waiter {
  /** `params._meta` of the guard's listing; `undefined` in the legacy era. */
  readonly context: string | undefined;
  readonly deadlineMs: number;
  readonly go: () => void;
}

interface Believed {
  readonly listing: KindListing;
  /** On the monotonic clock; `undefined` = until further notice. */
  readonly untilMs: number | undefined;
}

/**
 * Keeps one server's admission fresh.
 *
 * INVARIANT: whatever is not believed right now is not callable: the kernel is told at once.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #validator: Validator;
  readonly #server: CatalogServer | undefined;
  readonly #believed = new Map<ItemKind, Believed>();
  /** `kind name` -> the digest that was admitted. */
  #admitted = new Map<string, string>();
  readonly #drifted = new Set<string>();
  #waiters: Waiter[] = [];
  #capabilities: ReadonlySet<string> | undefined;
  #context: string | undefined;
  #running: { readonly listing: CompleteListing; readonly context: string | undefined } | undefined;
  /** Kinds that changed while they were being listed. */
  readonly #changed = new Set<ItemKind>();
  #restarts = 0;
  #stopTimer: (() => void) | undefined;
  /** On the monotonic clock; infinite while no timer runs. */
  #armedForMs: number = Number.POSITIVE_INFINITY;
  #isRefused = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#validator = new Validator(options.catalog);
    this.#server = options.catalog.servers.get(options.serverId);
    for (const { kind, name } of options.drift.before) {
      if (kind !== "instructions") this.#drifted.add(keyOf(kind, name));
    }
  }

  /** The last admission refused the whole server. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  get isWaiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** Names of the capabilities that the server declared; `undefined` before it did. */
  get capabilities(): ReadonlySet<string> | undefined {
    return this.#capabilities;
  }

  /** Id key of the guard's own request that has no answer yet. */
  get runningKey(): string | undefined {
    return this.#running?.listing.requestKey;
  }

  /** True when a message of this context may be decided without listing first. */
  isFresh(context: string | undefined): boolean {
    if (this.#running !== undefined || this.#waiters.length > 0) return false;
    return context === this.#context && this.#staleKinds().length === 0;
  }

  /** On the monotonic clock: when a message that begins to wait now has waited long enough. */
  get deadlineMs(): number {
    return this.#options.monotonic() + LIMIT_ADMISSION_WAIT_MS;
  }

  /** Lists, then lets `go` run, after everything that waits already; at `deadlineMs` at the latest. */
  wait(context: string | undefined, go: () => void, deadlineMs: number = this.deadlineMs): void {
    this.#waiters.push({ context, deadlineMs, go });
    if (deadlineMs < this.#armedForMs) this.#disarmTimer();
    this.#armTimer();
    if (this.#running === undefined) this.#list(context);
  }

  /**
   * The server says that these lists have changed: nothing of it is callable until they were listed
   * again. A list that the guard does not ask for admits nothing, and changes nothing.
   */
  listChanged(kinds: readonly ItemKind[]): void {
    const wanted = this.#wantedKinds();
    const changed = kinds.filter((kind) => wanted.includes(kind));
    // INVARIANT: what is unverified has a stale list, so that the next call makes the guard list
    if (changed.length > 0) this.#unverify(changed);
  }

  /** Everything is unverified again. */
  forget(): void {
    this.#unverify(LISTINGS.map((listing) => listing.kind));
  }

  /** Names of the capabilities that the server declared. */
  sawCapabilities(names: ReadonlySet<string>): void {
    this.#capabilities = names;
  }

  /** True when the response is the guard's own; then it must go to `answer`. */
  owns(idKey: string): boolean {
    return this.#running?.listing.owns(idKey) ?? false;
  }

  answer(line: Uint8Array, shape: Pick<MessageShape, "result" | "failure">): void {
    this.#running?.listing.answer(line, shape);
    this.#goOn();
  }

  /** Gives the listing up when the unreadable bytes were meant to be its answer. */
  failIfNamedIn(bytes: Uint8Array): boolean {
    if (this.#running?.listing.isNamedIn(bytes) !== true) return false;
    this.#running.listing.fail("the answer to a listing cannot be read");
    this.#goOn();
    return true;
  }

  /** True when the client may see this definition: it is the one that was admitted. */
  keeps(item: LiveItem): boolean {
    if (this.#isRefused || item.name === undefined || item.fingerprint === undefined) return false;
    const key = keyOf(item.kind, item.name);
    return this.#admitted.get(key) === item.fingerprint && !this.#drifted.has(key);
  }

  /**
   * Takes a listing that the client asked for as evidence: what drifted in it stays drifted, and
   * anything that is not what was admitted makes the guard list again.
   */
  sawPage(manifest: Manifest): void {
    const report = this.#validate(manifest);
    if (report.items.some((item) => item.reason !== "allowed")) {
      this.#admit(report);
      this.#options.listed(decisionOf(report.reason), itemsOfReport(report));
      this.forget();
      return;
    }
    const isAsAdmitted = report.items.every(
      ({ kind, name, fingerprint }) => this.#admitted.get(keyOf(kind, name)) === fingerprint,
    );
    if (!isAsAdmitted) this.forget();
  }

  /** The server is gone: nobody waits any longer, and nothing is believed. */
  stop(): void {
    this.#disarmTimer();
    this.#running = undefined;
    this.#waiters = [];
    this.forget();
  }

  #unverify(kinds: readonly ItemKind[]): void {
    for (const kind of kinds) {
      this.#believed.delete(kind);
      if (this.#running !== undefined) this.#changed.add(kind);
    }
    this.#bound.unverify();
  }

  get #bound(): ReturnType<ScopeGuard["server"]> {
    return this.#options.guard.server(this.#options.serverId);
  }

  /** Kinds whose feature is allowed, and which are pinned, declared, or not known to be absent. */
  #wantedKinds(): ItemKind[] {
    return LISTINGS.filter(({ kind, feature }) => {
      if (!this.#options.methods.hasFeature(feature)) return false;
      const isDeclared = this.#capabilities?.has(feature) ?? true;
      return isDeclared || this.#isPinned(kind);
    }).map((listing) => listing.kind);
  }

  #isPinned(kind: ItemKind): boolean {
    const server = this.#server;
    if (server === undefined) return false;
    if (kind === "tool") return server.tools.size > 0;
    if (kind === "prompt") return server.prompts.size > 0;
    return (kind === "resource" ? server.resources : server.resourceTemplates).size > 0;
  }

  #staleKinds(): ItemKind[] {
    return this.#wantedKinds().filter((kind) => {
      const believed = this.#believed.get(kind);
      if (believed === undefined) return true;
      return believed.untilMs !== undefined && this.#options.monotonic() >= believed.untilMs;
    });
  }

  #list(context: string | undefined): void {
    if (context !== this.#context) this.#believed.clear();
    this.#context = context;
    this.#changed.clear();
    const { uuid, send } = this.#options;
    const kinds = this.#staleKinds();
    const listing = new CompleteListing({ kinds, metaText: context, uuid, send });
    this.#running = { listing, context };
    listing.start();
    this.#goOn();
  }

  #goOn(): void {
    const running = this.#running;
    if (running === undefined || running.listing.isRunning) return;
    this.#running = undefined;
    const { failure } = running.listing;
    if (failure !== undefined) this.#failed(failure);
    else if (this.#changed.size === 0) this.#complete(running.listing.found);
    else if (this.#restarts >= LIMIT_LISTING_RESTARTS) this.#failed("the list keeps changing");
    else {
      // WHY: however many list_changed came in, the lists that changed are listed once more
      this.#restarts += 1;
      this.#believe(running.listing.found);
      this.#list(running.context);
      return;
    }
    this.#restarts = 0;
    this.#release(running.context);
  }

  #believe(found: ReadonlyMap<ItemKind, KindListing>): void {
    const now = this.#options.monotonic();
    for (const [kind, listing] of found) {
      if (this.#changed.has(kind)) continue;
      const untilMs = listing.ttlMs === undefined ? undefined : now + listing.ttlMs;
      this.#believed.set(kind, { listing, untilMs });
    }
  }

  #complete(found: ReadonlyMap<ItemKind, KindListing>): void {
    this.#believe(found);
    const items = new Map([...this.#believed].map(([kind, { listing }]) => [kind, listing.items]));
    const report = this.#validate(manifestOf(items));
    this.#admit(report);
    this.#options.listed(decisionOf(report.reason), itemsOfReport(report));
    const first = report.items.find((item) => item.reason !== "allowed");
    const what = first === undefined ? "" : `${first.kind} ${quote(first.name ?? "")}: `;
    this.#record(
      report.reason,
      `${what}${report.items.length} definitions listed, ${report.missing.length} pinned ones missing`,
    );
  }

  /** A listing carries no instructions: they are compared when an introduction passes. */
  #validate(manifest: Manifest): AdmissionReport {
    const { serverId } = this.#options;
    return this.#validator.validateManifest(serverId, manifest);
  }

  #admit(report: AdmissionReport): void {
    const { guard, serverId, drift } = this.#options;
    guard.admit(report);
    this.#isRefused = !guard.isAdmitted(serverId);
    this.#admitted = new Map();
    for (const { kind, name, reason, fingerprint } of report.items) {
      const key = keyOf(kind, name);
      if (reason === "fingerprint_drift") {
        this.#drifted.add(key);
        if (name !== undefined) drift.saw(kind, name);
      }
      if (reason === "allowed" && fingerprint !== undefined) this.#admitted.set(key, fingerprint);
    }
  }

  #failed(why: string): void {
    this.#admitted.clear();
    this.forget();
    const decision = toDecision(VERDICT_SERVER_NOT_ADMITTED);
    this.#options.listed(decision, []);
    this.#record(decision.reason, why);
  }

  #record(reason: string, detail: string): void {
    const { code, outcome, layer } = decisionOf(reason);
    const decided = { reason, code, outcome, layer };
    this.#options.record({ kind: "listing", sender: "guard", ...decided, detail });
  }

  /** Lets go, in order, those whose listing this was; lists again for the rest. */
  #release(context: string | undefined): void {
    while (this.#waiters[0] !== undefined && this.#waiters[0].context === context) {
      this.#waiters.shift()?.go();
    }
    this.#armTimer();
    const next = this.#waiters[0];
    if (next !== undefined && this.#running === undefined) this.#list(next.context);
  }

  #armTimer(): void {
    if (this.#waiters.length === 0) {
      this.#disarmTimer();
      return;
    }
    if (this.#stopTimer !== undefined) return;
    // what has waited under another catalog brings an earlier deadline along
    for (const { deadlineMs } of this.#waiters) {
      this.#armedForMs = Math.min(this.#armedForMs, deadlineMs);
    }
    const delayMs = Math.max(0, this.#armedForMs - this.#options.monotonic());
    this.#stopTimer = this.#options.timer(delayMs, () => this.#expire());
  }

  #disarmTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  /** Refuses those who have waited long enough; nothing is admitted then. */
  #expire(): void {
    this.#disarmTimer();
    const now = this.#options.monotonic();
    const late = this.#waiters.filter((waiter) => waiter.deadlineMs <= now);
    if (late.length > 0) {
      this.#waiters = this.#waiters.filter((waiter) => waiter.deadlineMs > now);
      if (this.#waiters.length === 0) this.#running = undefined;
      this.#failed("the server did not answer a listing in time");
      for (const waiter of late) waiter.go();
    }
    this.#armTimer();
  }
}

function keyOf(kind: ItemKind, name: string | undefined): string {
  return `${kind} ${name ?? ""}`;
}
