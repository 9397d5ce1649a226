// The catalog guard: decides one dispatch on the catalog alone, in O(1), in the kernel.
import { KIND_TOOL, SERVER_ADMITTED } from "../abi/layout.ts";
import { LIMIT_MESSAGE_STDIO_BYTES, LIMIT_NAME_BYTES } from "../abi/limits.ts";
import { VERDICT_SCOPE_ESCALATION, VERDICT_TOOL_SMUGGLE } from "../abi/verdict.ts";
import { assertTrusted, type TrustedCatalog } from "../catalog/trusted.ts";
import type { Catalog } from "../catalog/types.ts";
import { type Clock, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { type Decision, toDecision } from "../verdict.ts";
import { admitReport } from "./admit.ts";
import { BoundServer } from "./bound-server.ts";
import { CardCatalog } from "./card-catalog.ts";
import { GuardKernel } from "./guard-kernel.ts";
import { ownScopeSet, ScopeSet } from "./scope-set.ts";
import { type AdmissionReport, isAdmissionFor } from "./validator.ts";

export interface ScopeGuardOptions {
  /** ms since the epoch; read on every check. Default: the wall clock. */
  readonly clock?: Clock;
  /** Names of the scopes this session may use at most. Default: no cap. */
  readonly scopeCap?: readonly string[];
  /** Bytes of the largest message `checkMessage` reads, up to 64 MiB. Default 10 MiB. */
  readonly messageSizeMax?: number;
}

export interface CheckRequest {
  readonly server: string;
  readonly tool: string;
  /** The scopes the caller asks for. Default: the tool's own. */
  readonly scopes?: ScopeSet | readonly string[];
}

/** The decision on one raw message. */
export type MessageDecision = Decision;

/** What `ScopeGuard.partsOf` gives. */
export interface GuardParts {
  readonly source: TrustedCatalog | CardCatalog;
  readonly guard: GuardKernel;
  /** As it was made. */
  readonly options: ScopeGuardOptions;
}

/** A resolved tool of one guard: what `checkHandle` takes. */
export interface Handle {
  /** The guard that resolved it; another guard refuses it. */
  readonly owner: ScopeGuard;
  /** Item index in that guard's image. */
  readonly item: number;
}

/**
 * Decides calls on the catalog: expiry, server, item, admission, scope, operator review.
 *
 * Nothing is callable before `admit` was given a report that a `Validator` made for this catalog.
 *
 * @example
 * const guard = ScopeGuard.fromCatalog(catalog);
 * guard.admit(new Validator(catalog).validate("filesystem", await client.listTools()));
 * guard.check({ server: "filesystem", tool: "read_text_file" }).outcome; // "allow"
 */
export class ScopeGuard {
  readonly #source: TrustedCatalog | CardCatalog;
  readonly #options: ScopeGuardOptions;
  readonly #guard: GuardKernel;
  readonly #catalog: Catalog;
  /** WHY: through the kernel's exports it is three loads more, of the six ns a check takes. */
  readonly #checkItem: (item: number) => number;
  readonly #servers = new Map<string, BoundServer>();

  private constructor(catalog: TrustedCatalog | CardCatalog, options: ScopeGuardOptions) {
    if (!(catalog instanceof CardCatalog)) assertTrusted(catalog);
    const clock = options.clock ?? systemClock;
    const size = options.messageSizeMax ?? LIMIT_MESSAGE_STDIO_BYTES;
    this.#source = catalog;
    this.#options = { ...options };
    this.#catalog = catalog.catalog;
    this.#guard = new GuardKernel(catalog.image, clock, size);
    this.#checkItem = this.#guard.kernel.exports.checkHandle;
    if (options.scopeCap !== undefined) {
      const cap = new ScopeSet(this.#catalog, options.scopeCap);
      this.#guard.kernel.exports.setCap(cap.w0, cap.w1, cap.w2, cap.w3);
    }
  }

  /**
   * A guard with a kernel instance of its own.
   *
   * @throws {GuardError} ARGUMENT_INVALID for anything that `TrustedCatalog.open` did not make;
   *   SCOPE_UNKNOWN for an unknown scope in `scopeCap`; KERNEL_LOAD, KERNEL_CAPACITY or
   *   IMAGE_INVALID when the kernel cannot be had
   */
  static fromCatalog(catalog: TrustedCatalog, options: ScopeGuardOptions = {}): ScopeGuard {
    assertTrusted(catalog);
    return new ScopeGuard(catalog, options);
  }

  /** The guard of a gateway that was made of server cards; see `CardCatalog`. */
  static fromCards(cards: CardCatalog, options: ScopeGuardOptions = {}): ScopeGuard {
    return new ScopeGuard(cards, options);
  }

  /** The catalog that this guard decides by. @throws {GuardError} ARGUMENT_INVALID for cards */
  get catalog(): TrustedCatalog {
    const source = this.#source;
    assertTrusted(source);
    return source;
  }

  /** What a guard is made of, for the layers that decide with the same kernel. */
  static partsOf(guard: ScopeGuard): GuardParts {
    return { source: guard.#source, guard: guard.#guard, options: guard.#options };
  }

  /**
   * Takes over what a Validator found for one server. The kernel compares every digest with the
   * pins itself; an item that ever drifted stays refused for the life of this guard.
   *
   * @throws {GuardError} ADMISSION_INVALID for a report that no Validator made for this catalog
   */
  admit(report: AdmissionReport): void {
    if (!isAdmissionFor(report, this.#catalog)) {
      const message = "expected a report that a Validator made for this catalog";
      throw new GuardError("ADMISSION_INVALID", message);
    }
    admitReport(this.#guard, report);
  }

  /**
   * Decides one call of a tool. Synchronous, O(1), no allocation.
   *
   * @throws {GuardError} SCOPE_UNKNOWN when `scopes` names a scope the catalog does not have
   */
  check(request: CheckRequest): Decision {
    const { server, tool, scopes } = request;
    const guard = this.#guard;
    // INVARIANT: the caller's code (getters, iterators, the clock) runs before anything is written
    // for the kernel, so that it cannot ask about something else in between
    const isSame = scopes === undefined || guard.isRequested(scopes);
    const set = isSame ? scopes : ownScopeSet(this.#catalog, scopes);
    if (set === null) return toDecision(VERDICT_SCOPE_ESCALATION);
    guard.setTime();
    const serverSize = guard.writeServer(server);
    const nameSize = guard.writeName(tool, LIMIT_NAME_BYTES);
    const { exports } = guard.kernel;
    if (set === undefined) return toDecision(exports.check(serverSize, KIND_TOOL, nameSize));
    guard.setRequest(set);
    return toDecision(exports.checkScoped(serverSize, KIND_TOOL, nameSize));
  }

  /**
   * A set of scopes for `check` and `checkHandle`.
   *
   * @throws {GuardError} SCOPE_UNKNOWN when the catalog has no scope of that name
   */
  scopes(names: Iterable<string>): ScopeSet {
    return new ScopeSet(this.#catalog, names);
  }

  /** The tool's handle, or `undefined` when it is not in the catalog. Says nothing of admission. */
  resolve(server: string, tool: string): Handle | undefined {
    const item = this.#guard.toolOf(server, tool);
    return item < 0 ? undefined : { owner: this, item };
  }

  /** Decides one call of a tool that was resolved before. A foreign handle or set is refused. */
  checkHandle(handle: Handle, scopes: ScopeSet): Decision {
    if (handle.owner !== this) return toDecision(VERDICT_TOOL_SMUGGLE);
    const guard = this.#guard;
    // INVARIANT: the clock is the caller's code and comes first
    guard.setTime();
    // WHY: the brand is tested when a set is new to the kernel only; every time it cost 1.5 ns
    if (!guard.isRequested(scopes)) {
      if (!this.#isOwnSet(scopes)) return toDecision(VERDICT_SCOPE_ESCALATION);
      guard.setRequest(scopes);
    }
    const checkItem = this.#checkItem;
    return toDecision(checkItem(handle.item | 0));
  }

  /**
   * Decides one raw JSON-RPC message to `serverId`: a `tools/call`, `prompts/get` or
   * `resources/read` by its pins; anything else is `feature_denied`, what cannot be read strictly
   * `malformed_message`. The bytes that were judged are the bytes to forward.
   */
  checkMessage(serverId: string, bytes: Uint8Array): MessageDecision {
    return this.server(serverId).checkMessage(bytes);
  }

  /** The same checks bound to one server, which saves hashing its id on each. */
  server(id: string): BoundServer {
    const known = this.#servers.get(id);
    if (known !== undefined) return known;
    const bound = new BoundServer(this.#guard, this.#catalog, id);
    // WHY: only servers of the catalog are kept, so that made-up ids cannot fill the map
    if (this.#catalog.servers.has(id)) this.#servers.set(id, bound);
    return bound;
  }

  /** True when `serverId` was admitted and nothing of it refuses the server. */
  isAdmitted(serverId: string): boolean {
    const index = this.#guard.bind(serverId);
    const { kernel } = this.#guard;
    return (
      index >= 0 && kernel.bytes[kernel.exports.regionServerStates() + index] === SERVER_ADMITTED
    );
  }

  #isOwnSet(scopes: unknown): boolean {
    return ScopeSet.isScopeSet(scopes) && scopes.owner === this.#catalog;
  }
}
