// What both directions of one guarded connection share: who waits for what, and how it is said.
import { VERDICT_MALFORMED_MESSAGE } from "../abi/verdict.ts";
import { concatBytes, utf8 } from "../bytes.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogServer } from "../catalog/types.ts";
import type { Clock } from "../clock.ts";
import type { BoundServer } from "../guard/bound-server.ts";
import type { UnenforcedLayers } from "../guard/unenforced-layers.ts";
import { type Decision, toDecision } from "../verdict.ts";
import type { Admission } from "./admission.ts";
import { idOfKey, refusalError, refusalResult } from "./answers.ts";
import { type AllowedMethods, METHODS } from "./methods.ts";
import type { GuardRecord, RecordSink } from "./records.ts";
import { SessionTasks } from "./tasks.ts";

/** A request of the client that has no answer yet. */
export interface PendingRequest {
  readonly method: string;
  /** Tool, prompt or URI of a dispatch. */
  readonly tool: string | undefined;
  readonly isModern: boolean;
  /** The message while it waits for a listing; `undefined` once it was sent on. */
  held: Uint8Array | undefined;
}

/** What one guarded connection is made of. */
export interface SessionParts {
  readonly catalog: TrustedCatalog;
  readonly serverId: string;
  /** `undefined` when the catalog does not name the server: then nothing passes. */
  readonly server: CatalogServer | undefined;
  readonly bound: BoundServer;
  readonly methods: AllowedMethods;
  readonly layers: UnenforcedLayers;
  readonly isKnownPrincipal: boolean;
  readonly denyAs: "error" | "result";
  readonly clock: Clock;
  readonly uuid: () => string;
  /** Takes one whole line, its line feed included. */
  readonly toClient: (frame: Uint8Array) => void;
  readonly toServer: (frame: Uint8Array) => void;
  readonly onRecord: RecordSink | undefined;
}

/** What a refusal is about. */
export interface RefusedRequest {
  /** `MessageId.key`; `null` when there is no readable id. */
  readonly key: string;
  readonly method: string;
  readonly tool?: string | undefined;
  readonly isModern?: boolean;
  /** The host may be answered with a tool result. */
  readonly mayBeResult?: boolean;
  readonly detail?: string;
}

/** Shared by `ClientSide` and `ServerSide`. */
export class SessionState {
  readonly parts: SessionParts;
  readonly admission: Admission;
  /** The client's requests, by id key. */
  readonly pending: Map<string, PendingRequest> = new Map();
  /** The server's requests that were passed on, by id key. */
  readonly pendingServer: Set<string> = new Set();
  readonly tasks: SessionTasks = new SessionTasks();
  isServerGone = false;
  #heldBytes = 0;
  readonly #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  constructor(parts: SessionParts, admission: Admission) {
    this.parts = parts;
    this.admission = admission;
  }

  /** Resolves when at most `bytes` of messages wait for a listing. */
  heldAtMost(bytes: number): Promise<void> {
    if (this.#heldBytes <= bytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ bytes, resolve }));
  }

  hold(key: string, request: PendingRequest): void {
    this.pending.set(key, request);
    this.#heldBytes += request.held?.length ?? 0;
  }

  /** Takes a waiting message out; whoever waits for room is told. */
  unhold(request: PendingRequest): Uint8Array | undefined {
    const { held } = request;
    request.held = undefined;
    this.#heldBytes -= held?.length ?? 0;
    for (const [index, waiter] of [...this.#waiting.entries()].reverse()) {
      if (this.#heldBytes > waiter.bytes) continue;
      this.#waiting.splice(index, 1);
      waiter.resolve();
    }
    return held;
  }

  /** True when the catalog has run out and the method is not one that every server needs. */
  isExpiredFor(method: string): boolean {
    const { clock, catalog } = this.parts;
    return METHODS.get(method)?.feature !== "core" && !(clock() < catalog.expiresAt);
  }

  /** Answers a request of the client with a refusal, and records it. */
  refuse(request: RefusedRequest, decision: Decision): void {
    const { serverId, denyAs, toClient, uuid } = this.parts;
    const { key, tool = "", method, detail, isModern = false, mayBeResult = false } = request;
    const traceId = uuid();
    const call = { server: serverId, tool, traceId };
    const id = idOfKey(key);
    const asResult = denyAs === "result" && mayBeResult;
    this.recordDecision(decision, {
      sender: "client",
      method,
      id: JSON.stringify(id),
      traceId,
      ...(tool !== "" && { tool }),
      ...(detail !== undefined && { detail }),
    });
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

  recordDecision(decision: Decision, about: RecordDetails): void {
    this.record("decision", decision, about);
  }

  /** Records a message that goes nowhere. */
  drop(
    sender: "client" | "server",
    verdict: number,
    detail: string,
    about: Omit<RecordDetails, "sender" | "detail"> = {},
  ): void {
    this.record("drop", toDecision(verdict), { sender, detail, ...about });
  }

  record(kind: GuardRecord["kind"], decision: Decision, about: RecordDetails): void {
    const { onRecord, serverId } = this.parts;
    if (onRecord === undefined) return;
    const { reason, code, outcome } = decision;
    onRecord({ kind, server: serverId, reason, code, outcome, ...about });
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
export type RecordDetails = Omit<GuardRecord, "kind" | "server" | "reason" | "code" | "outcome">;

const ID_HEAD = utf8('{"jsonrpc":"2.0","id":');
const ID_TAIL = utf8(',"result":{}}');
