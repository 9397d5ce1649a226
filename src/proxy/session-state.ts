// What both directions of one guarded connection share: who waits for what, and how it is said.
import { READ_FLAG_LENIENT, READ_FLAG_LISTING } from "../abi/layout.ts";
import {
  VERDICT_ALLOWED,
  VERDICT_CATALOG_EXPIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_FINGERPRINT_DRIFT,
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_MALFORMED_MESSAGE,
  VERDICT_UNKNOWN_SERVER,
} from "../abi/verdict.ts";
import { concatBytes, utf8 } from "../bytes.ts";
import type { EngineDecision } from "../guard/engine-types.ts";
import type { MessageShape } from "../kernel/message.ts";
import { fingerprintInstructions } from "../manifest/fingerprint.ts";
import { type Decision, toDecision } from "../verdict.ts";
import type { Admission } from "./admission.ts";
import { idOfKey, refusalError, refusalResult } from "./answers.ts";
import { ChangeListeners } from "./change-listeners.ts";
import { ClientTraits } from "./client-traits.ts";
import { ConsentDesk } from "./consent-desk.ts";
import type { Eventually } from "./eventually.ts";
import { LIMIT_CANCELLED } from "./limits.ts";
import { METHODS } from "./methods.ts";
import type {
  HeldMessage,
  PendingRequest,
  RefusedRequest,
  SeenIntroduction,
} from "./pending-request.ts";
import type { GuardRecord } from "./records.ts";
import { ServerOutbox } from "./server-outbox.ts";
import { appendEvent, eventOfRecord } from "./session-audit.ts";
import { SessionDecider } from "./session-decider.ts";
import type { SessionParts } from "./session-parts.ts";
import { SessionTasks } from "./tasks.ts";

/** How everything from a server is read; definitions are read again, strictly. */
export const SERVER_READ_FLAGS: number = READ_FLAG_LENIENT | READ_FLAG_LISTING;

/** Shared by `ClientSide` and `ServerSide`. */
export class SessionState {
  /** The client's requests, by id key. */
  readonly pending: Map<string, PendingRequest> = new Map();
  /** The server's requests that were passed on: id key -> method. */
  readonly pendingServer: Map<string, string> = new Map();
  readonly tasks: SessionTasks;
  readonly client: ClientTraits = new ClientTraits();
  readonly desk: ConsentDesk = new ConsentDesk(() => this.#parts);
  readonly decider: SessionDecider = new SessionDecider(() => this.#parts);
  readonly listeners: ChangeListeners = new ChangeListeners();
  readonly #outbox: ServerOutbox = new ServerOutbox(() => this.#parts);
  /** Ids of the guard's own requests whose answers nobody waits for any more. */
  readonly abandoned: Set<string> = new Set();
  /**
   * Id keys of the client's requests that were sent on and then cancelled, and may be answered
   * still: until then they are not free. The oldest first.
   */
  readonly cancelled: Set<string> = new Set();
  isServerGone = false;
  /** The instructions that passed last were not the pinned ones, and that refuses the server. */
  isIntroductionRefused = false;
  introduction: SeenIntroduction | undefined;
  /** Instructions that passed under this catalog were not the pinned ones, and were cut out. */
  #haveInstructionsDrifted = false;
  #parts: SessionParts;
  #epoch: number;
  #heldBytes = 0;
  readonly #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  /** @param common with other connections of this session */
  constructor(
    parts: SessionParts,
    { tasks = new SessionTasks(), epoch = 0 }: Partial<Pick<SessionState, "tasks" | "epoch">> = {},
  ) {
    this.#parts = parts;
    this.tasks = tasks;
    this.#epoch = epoch;
    this.#takeOverDrift();
  }

  /** Of the catalog that is in force now: never keep them over two messages. */
  get parts(): SessionParts {
    return this.#parts;
  }

  get admission(): Admission {
    return this.#parts.admission;
  }

  /** How many catalogs were replaced in this connection. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The server as a whole is refused. */
  get isRefused(): boolean {
    return this.isIntroductionRefused || this.admission.isRefused;
  }

  /** No text of the server may stand for its instructions. */
  get areInstructionsRefused(): boolean {
    return this.isRefused || this.#haveInstructionsDrifted;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Puts another catalog in force. Nothing of the admission, of drift or of what waited is taken
   * along; what the server has said of itself is compared again.
   *
   * @returns what waited for a listing, in order; each is to be decided again
   */
  replaceParts(parts: SessionParts): readonly HeldMessage[] {
    const old = this.admission;
    const running = old.runningKey;
    if (running !== undefined) this.abandoned.add(running);
    const { capabilities } = old;
    old.stop();
    this.#parts = parts;
    this.#epoch += 1;
    this.isIntroductionRefused = false;
    this.#haveInstructionsDrifted = false;
    this.#takeOverDrift();
    if (capabilities !== undefined) parts.admission.sawCapabilities(capabilities);
    if (this.introduction !== undefined) this.seeInstructions(this.introduction.instructions);
    return this.#takeHeld();
  }

  /** Compares instructions with the pin; what differs refuses the server, or is cut out. */
  seeInstructions(text: string | undefined): boolean {
    this.introduction = { instructions: text };
    const { bound, drift, server } = this.#parts;
    const isPinned = bound.seeInstructions(text);
    const verdict = isPinned ? VERDICT_ALLOWED : VERDICT_FINGERPRINT_DRIFT;
    const digest = fingerprintInstructions(text ?? "");
    const items = [{ kind: "instructions", name: "", digest } as const];
    appendEvent(this.#parts, { kind: "list", decision: toDecision(verdict), items });
    if (isPinned) return true;
    if (server !== undefined) drift.saw("instructions", "");
    this.#sawDriftedInstructions();
    return false;
  }

  #takeOverDrift(): void {
    if (this.#parts.drift.hasInstructions) this.#sawDriftedInstructions();
  }

  #sawDriftedInstructions(): void {
    this.#haveInstructionsDrifted = true;
    if (this.#parts.server?.onDrift !== "block-tool") this.isIntroductionRefused = true;
  }

  /** Resolves when at most `bytes` of messages wait for a listing. */
  async heldAtMost(bytes: number): Promise<void> {
    // WHY: a change of the catalog lets go of what waits, and may hold it again in the same turn
    while (this.#heldBytes > bytes) {
      await new Promise<void>((resolve) => this.#waiting.push({ bytes, resolve }));
    }
  }

  hold(key: string, request: PendingRequest): void {
    this.pending.set(key, request);
    this.#heldBytes += request.held?.sizeBytes ?? 0;
  }

  /** What waited waits no longer; whoever waits for room is told. */
  unhold(request: PendingRequest): void {
    this.#heldBytes -= request.held?.sizeBytes ?? 0;
    request.held = undefined;
    this.tellRoom();
  }

  /** Keeps the id of a request that was sent on and cancelled. Beyond the limit the oldest goes. */
  sawCancelled(key: string): void {
    this.cancelled.add(key);
    const [oldest] = this.cancelled;
    if (this.cancelled.size > LIMIT_CANCELLED && oldest !== undefined) {
      this.cancelled.delete(oldest);
    }
  }

  /** Tells those who wait for room that there is some. */
  tellRoom(): void {
    for (const [index, waiter] of [...this.#waiting.entries()].reverse()) {
      if (this.#heldBytes > waiter.bytes) continue;
      this.#waiting.splice(index, 1);
      waiter.resolve();
    }
  }

  /** WHY: nobody is told of room; what is taken out is decided, and may wait, in the same turn. */
  #takeHeld(): readonly HeldMessage[] {
    const taken: HeldMessage[] = [];
    for (const [key, request] of [...this.pending]) {
      const { held } = request;
      if (held === undefined) continue;
      held.withdraw?.("the catalog has changed");
      request.held = undefined;
      this.pending.delete(key);
      taken.push(held);
    }
    this.#heldBytes = 0;
    return taken;
  }

  /** True when the catalog has run out and the method is not one that every server needs. */
  isExpiredFor(method: string): boolean {
    const { clock, catalog } = this.parts;
    return METHODS.get(method)?.feature !== "core" && !(clock() < catalog.expiresAt);
  }

  /** What refuses everything that is said to this server, whatever it is. */
  get standing(): Decision | undefined {
    const { server, blocked } = this.#parts;
    return server === undefined ? toDecision(VERDICT_UNKNOWN_SERVER) : blocked;
  }

  /** Why the server may not send this method, or be answered; `undefined` when it may. */
  refusalOfServer(method: string): Decision | undefined {
    const { methods, isKnownPrincipal, blocked } = this.#parts;
    if (blocked !== undefined) return blocked;
    if (!methods.allows(method, "server")) return toDecision(VERDICT_FEATURE_DENIED);
    if (this.isExpiredFor(method)) return toDecision(VERDICT_CATALOG_EXPIRED);
    const isCore = METHODS.get(method)?.feature === "core";
    return isCore || isKnownPrincipal ? undefined : toDecision(VERDICT_IDENTITY_UNKNOWN);
  }

  /** Sends on what the server has said, in order; not before `after`, which never rejects. */
  pass(frame: Uint8Array, after?: Eventually<void>): void {
    this.#outbox.send(frame, after);
  }

  /** Runs behind everything that was sent on so far: at once, unless some of it waits. */
  behind(run: () => void): void {
    this.#outbox.behind(run);
  }

  /** Answers a request of the client with a refusal, and records it. */
  refuse(request: RefusedRequest, decision: Decision): void {
    const { serverId, denyAs, toClient, uuid } = this.parts;
    const { key, tool = "", method, detail, isModern = false, mayBeResult = false } = request;
    const { decided } = request;
    const traceId = uuid();
    const call = { server: serverId, tool, traceId };
    const id = idOfKey(key);
    const asResult = denyAs === "result" && mayBeResult;
    const about: RecordDetails = {
      sender: "client",
      method,
      id: JSON.stringify(id),
      traceId,
      ...(tool !== "" && { tool }),
      ...(detail !== undefined && { detail }),
      ...(decided !== undefined && this.aboutDecided(decided)),
    };
    this.recordDecision(decision, about, decided !== undefined);
    toClient(
      asResult ? refusalResult(id, decision, call, isModern) : refusalError(id, decision, call),
    );
  }

  /** Answers a request of the client with an error in place of a response that cannot pass. */
  replace(key: string, request: PendingRequest, decision: Decision, detail: string): void {
    const { serverId, toClient, uuid } = this.parts;
    const traceId = uuid();
    const id = idOfKey(key);
    const { method, tool } = request;
    this.record("replace", decision, {
      sender: "server",
      method,
      id: JSON.stringify(id),
      traceId,
      detail,
      ...(tool !== undefined && { tool }),
    });
    toClient(refusalError(id, decision, { server: serverId, tool: tool ?? "", traceId }));
  }

  recordDecision(decision: Decision, about: RecordDetails, isAudited = false): void {
    this.record("decision", decision, about, isAudited);
  }

  /** Records a message that goes nowhere. */
  drop(
    sender: "client" | "server",
    verdict: number,
    detail: string,
    about: Omit<RecordDetails, "sender" | "detail"> = {},
  ): void {
    this.dropAs(toDecision(verdict), { sender, detail, ...about });
  }

  dropAs(decision: Decision, about: RecordDetails): void {
    this.record("drop", decision, about);
  }

  /** @param isAudited the audit log has it already, with its frames */
  record(
    kind: GuardRecord["kind"],
    decision: Decision,
    about: RecordDetails,
    isAudited = false,
  ): void {
    const { onRecord, serverId } = this.parts;
    const { reason, code, outcome, layer } = decision;
    onRecord?.({ kind, server: serverId, reason, code, outcome, layer, ...about });
    if (isAudited) return;
    const event = eventOfRecord(kind, { sender: about.sender, outcome });
    if (event !== undefined) appendEvent(this.parts, { kind: event, decision, tool: about.tool });
  }

  /** Names of the labels of a mask, the lowest bit first. */
  labelsOf(mask: number): readonly string[] {
    const { taintBits } = this.#parts.catalog.catalog;
    return [...taintBits]
      .filter(([, bit]) => ((mask >>> bit) & 1) === 1)
      .sort(([, a], [, b]) => a - b)
      .map(([label]) => label);
  }

  /** What a record says of a decision that asked every layer. */
  aboutDecided({ taint, taintAdded, ruleIds, lease, consentId }: EngineDecision): DecidedDetails {
    return {
      taint: this.labelsOf(taint | taintAdded),
      ...(ruleIds.length > 0 && { rules: ruleIds }),
      ...(lease !== undefined && { lease: lease.id }),
      ...(consentId !== undefined && { consent: consentId }),
    };
  }

  /**
   * Reads a line of the server after it was changed.
   *
   * @returns `undefined` when it must not pass: it cannot be read, or has grown over the limit
   */
  readChanged(frame: Uint8Array): MessageShape | undefined {
    const { bound, messageSizeMax } = this.#parts;
    const line = frame.subarray(0, frame.length - 1);
    if (line.length > messageSizeMax) return undefined;
    const shape = bound.readMessage(line, SERVER_READ_FLAGS);
    return shape.kind === "malformed" ? undefined : shape;
  }

  /** The id key of raw JSON; `undefined` when it is no id. */
  keyOfId(idText: Uint8Array | undefined): string | undefined {
    if (idText === undefined) return undefined;
    const message = concatBytes(ID_HEAD, idText, ID_TAIL);
    const shape = this.parts.bound.readMessage(message);
    return shape.kind === "result" ? shape.id?.key : undefined;
  }

  /** The refusal of what could not be read. */
  get malformed(): Decision {
    return toDecision(VERDICT_MALFORMED_MESSAGE);
  }
}

/** The members of a record that say what it is about. */
export type RecordDetails = Omit<
  GuardRecord,
  "kind" | "server" | "reason" | "code" | "outcome" | "layer"
>;

/** Those of a decision that asked every layer. */
type DecidedDetails = Pick<GuardRecord, "taint" | "rules" | "lease" | "consent">;

const ID_HEAD = utf8('{"jsonrpc":"2.0","id":');
const ID_TAIL = utf8(',"result":{}}');
