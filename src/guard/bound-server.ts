// One server of a guard: what a proxy or a transport checks against.
import { FRAME_WORD_HANDLE, KIND_TOOL } from "../abi/layout.ts";
import { LIMIT_NAME_BYTES, LIMIT_URI_BYTES } from "../abi/limits.ts";
import { VERDICT_MALFORMED_MESSAGE, VERDICT_SCOPE_ESCALATION } from "../abi/verdict.ts";
import type { Catalog, ItemKind } from "../catalog/types.ts";
import {
  frameShape,
  type MalformedMessage,
  type MessageShape,
  readShape,
} from "../kernel/message.ts";
import { KIND_CODES } from "../manifest/listing.ts";
import { type Decision, toDecision } from "../verdict.ts";
import type { GuardKernel } from "./guard-kernel.ts";
import { ownScopeSet, type ScopeSet } from "./scope-set.ts";
import { instructionsMatch } from "./validator.ts";

/** Made by `ScopeGuard#server`. */
export class BoundServer {
  readonly id: string;
  readonly #guard: GuardKernel;
  readonly #catalog: Catalog;

  constructor(guard: GuardKernel, catalog: Catalog, id: string) {
    this.#guard = guard;
    this.#catalog = catalog;
    this.id = id;
  }

  /**
   * Decides one call of a tool of this server.
   *
   * @throws {GuardError} SCOPE_UNKNOWN when `scopes` names a scope the catalog does not have
   */
  check(tool: string, scopes?: ScopeSet | readonly string[]): Decision {
    const guard = this.#guard;
    // INVARIANT: the caller's code (iterators, the clock) runs before anything is written for the
    // kernel, so that it cannot ask about something else in between
    const isSame = scopes === undefined || guard.isRequested(scopes);
    const set = isSame ? scopes : ownScopeSet(this.#catalog, scopes);
    if (set === null) return toDecision(VERDICT_SCOPE_ESCALATION);
    guard.setTime();
    guard.ensureBound(this.id);
    const size = guard.writeName(tool, LIMIT_NAME_BYTES);
    const { exports } = guard.kernel;
    if (set === undefined) return toDecision(exports.checkBound(KIND_TOOL, size));
    guard.setRequest(set);
    return toDecision(exports.checkBoundScoped(KIND_TOOL, size));
  }

  /**
   * Decides one raw message to this server; see `ScopeGuard#checkMessage`.
   *
   * @param flags READ_FLAG_*; by default a message is one line
   */
  checkMessage(bytes: Uint8Array, flags = 0): Decision {
    const guard = this.#guard;
    const { kernel } = guard;
    guard.setTime();
    const size = bytes.length;
    if (!kernel.reserve(size)) return toDecision(VERDICT_MALFORMED_MESSAGE);
    guard.ensureBound(this.id);
    kernel.bytes.set(bytes, kernel.inputAt);
    return toDecision(kernel.exports.checkMessage(size, flags));
  }

  /** True when there is room for a message of `size` bytes, or memory for that room can be had. */
  hasRoom(size: number): boolean {
    return this.#guard.kernel.reserve(size);
  }

  /** The shape of the message that was read last; valid until the next reading. */
  lastShape(): MessageShape | MalformedMessage {
    return frameShape(this.#guard.kernel);
  }

  /**
   * Reads one raw message without deciding.
   *
   * @param flags READ_FLAG_*
   */
  readMessage(bytes: Uint8Array, flags = 0): MessageShape | MalformedMessage {
    const { kernel } = this.#guard;
    const size = bytes.length;
    // INVARIANT: nothing has room for -1; the size itself might fit when it is cut to 32 bits
    if (!kernel.reserve(size)) return readShape(kernel, -1, flags);
    kernel.bytes.set(bytes, kernel.inputAt);
    return readShape(kernel, size, flags);
  }

  /** Decides the dispatch that was read last, without reading it again. */
  decideLast(): Decision {
    const guard = this.#guard;
    guard.setTime();
    guard.ensureBound(this.id);
    return toDecision(guard.kernel.exports.checkFrame());
  }

  /**
   * Index in the image of what the last `decideLast` or `checkMessage` was about; -1 when nothing
   * of that name is pinned, or the decision came before it was looked for.
   */
  get lastItem(): number {
    return this.#guard.kernel.frame(FRAME_WORD_HANDLE);
  }

  /** Takes over that an item drifted before, perhaps in another process: it stays refused. */
  markDrifted(kind: ItemKind, name: string): void {
    const guard = this.#guard;
    const server = guard.bind(this.id);
    if (server < 0) return;
    const size = guard.writeName(name, LIMIT_URI_BYTES);
    guard.kernel.exports.markDrifted(server, KIND_CODES[kind], size);
  }

  /** As `markDrifted`, for the instructions: the server stays refused, or they are never shown. */
  markInstructionsDrifted(): void {
    const server = this.#guard.bind(this.id);
    if (server >= 0) this.#guard.kernel.exports.markInstructionsDrifted(server);
  }

  /**
   * Compares the instructions of an initialize or discover result with the pin. With
   * `on_drift = "block-server"` others refuse the whole server, for the life of this guard.
   *
   * @returns true when they are the pinned ones
   */
  seeInstructions(text: string | undefined): boolean {
    const server = this.#catalog.servers.get(this.id);
    if (server === undefined || instructionsMatch(server, text)) return server !== undefined;
    this.#guard.kernel.exports.markInstructionsDrifted(this.#guard.bind(this.id));
    return false;
  }

  /** Forgets what was seen: every item is unverified until the next admission. Drift stays. */
  unverify(): void {
    const server = this.#guard.bind(this.id);
    if (server < 0) return;
    this.#guard.kernel.exports.beginAdmission(server);
    this.#guard.live.forget(server);
  }
}
