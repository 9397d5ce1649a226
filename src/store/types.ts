// The one interface of every store (80-runtimes section 5), declared once for both flavours.
//
// Every method is one atomic step towards all other users of the store, in this process and in
// others. What a method returns is a copy. Every method throws STORE_UNAVAILABLE when the store
// cannot be reached, read or written, STORE_CORRUPT when what it holds cannot be believed, and
// ARGUMENT_INVALID for a value that no caller should pass; the caller then refuses what needed it.
import type { TrustState } from "../catalog/state.ts";
import type { ConsentChannel } from "../catalog/types.ts";
import type {
  Answer,
  AuditLog,
  Consent,
  Drift,
  GivenAnswer,
  Lease,
  Question,
  RegisteredLog,
  SessionTaint,
} from "./records.ts";

export interface LeaseOperations {
  /** Keeps a new lease; false when the id is taken, and then nothing changes. */
  putLease(lease: Lease): boolean;
  getLease(id: string): Lease | undefined;
  /** Leases that are not revoked: earliest expiry first, then lowest id; expired ones included. */
  findLeases(principalHash: string, serverId: string): readonly Lease[];
  /** All of them, in the same order; revoked ones included. */
  listLeases(): readonly Lease[];
  /**
   * Takes one invocation, if the lease has exactly `remainingExpected` left and is not revoked.
   * Expiry is the caller's to judge.
   *
   * @param remainingExpected as the lease was read; `null` for one without a number
   * @returns true when it was taken: exactly once for each invocation, whoever asks
   */
  consumeLease(id: string, remainingExpected: number | null): boolean;
  /** False when there is no such lease; true also when it was revoked before. */
  revokeLease(id: string): boolean;
}

export interface ConsentOperations {
  /** Keeps a new consent; false when the id is taken, and then nothing changes. */
  putConsent(consent: Consent): boolean;
  /** Consents for one definition that are neither used up nor revoked, newest first. */
  findConsents(
    principalHash: string,
    serverId: string,
    itemFingerprint: string,
  ): readonly Consent[];
  /** All that are neither used up nor revoked, newest first. */
  listConsents(): readonly Consent[];
  /** True when it may be used: of a single use exactly once, of another one until it is revoked. */
  consumeConsent(id: string): boolean;
  /** False when there is none. */
  revokeConsent(id: string): boolean;
}

export interface QuestionOperations {
  /** Asks; false when the id is taken or `LIMIT_QUESTIONS_PENDING` wait: nobody is asked then. */
  putQuestion(question: Question): boolean;
  /** Those that wait at `nowMs`, oldest first. */
  listQuestions(nowMs: number): readonly Question[];
  /** The first answer in time on a channel of the question counts: true. Any other: false. */
  answerQuestion(id: string, answer: Answer, channel: ConsentChannel, nowMs: number): boolean;
  /** The answer that counted, until the question is removed. */
  getAnswer(id: string): GivenAnswer | undefined;
  /** False when there is none. */
  removeQuestion(id: string): boolean;
}

export interface SessionOperations {
  /** Labels of the session and of every session above it; 0 for one that is not known. */
  getTaint(sessionHash: string): number;
  /** Adds labels (OR), never takes any; gives what `getTaint` gives afterwards. */
  addTaint(sessionHash: string, mask: number): number;
  /**
   * Puts a session under another one, for good. The child has no children yet, so no cycle can
   * be made.
   *
   * @returns false when it has children or another parent, is its own parent, or would have more
   *   than `LIMIT_SESSION_ANCESTORS` above it: such a session must not be used
   */
  linkSession(child: string, parent: string): boolean;
  /** By hash. */
  listSessions(): readonly SessionTaint[];
  /** Clears the session's own labels; what it inherits stays. False when it is not known. */
  resetSession(sessionHash: string): boolean;
}

export interface HostOperations {
  addDrift(drift: Drift): void;
  /** What drifted of one server under one catalog. */
  listDrift(serverId: string, catalogSha256: string): readonly Drift[];
  /**
   * Uses a nonce: true exactly once. A nonce that has expired is refused, and so is one that may
   * have been used and forgotten before the clock went back.
   */
  useNonce(nonce: string, expiresAtMs: number, nowMs: number): boolean;
  /** False when the origin is taken: it names one log for ever. */
  registerLog(log: AuditLog): boolean;
  /** Notes a clean end, the first one; false when there is no such log. */
  closeLog(origin: string, nowMs: number): boolean;
  /** Oldest first. */
  listLogs(): readonly RegisteredLog[];
  /** @throws {GuardError} STATE_CORRUPT */
  loadCatalogState(): TrustState | undefined;
  /**
   * Keeps `state`, unless that would move what is kept by then backwards.
   *
   * @throws {GuardError} ROOT_CHAIN, CATALOG_ROLLBACK or CATALOG_EQUIVOCATION
   */
  saveCatalogState(state: TrustState): void;
}

/** Everything a store does, as if it were synchronous. */
export interface StateOperations
  extends LeaseOperations,
    ConsentOperations,
    QuestionOperations,
    SessionOperations,
    HostOperations {
  /** Gives back what the store holds open; every later call is STORE_UNAVAILABLE. */
  close(): void;
}

type Promised<Method> = Method extends (...args: infer Args) => infer Result
  ? (...args: Args) => Promise<Result>
  : never;

type AsyncOperations = {
  readonly [Name in keyof StateOperations]: Promised<StateOperations[Name]>;
};

/** A store in this process or on this machine: memory, SQLite. */
export interface SyncStateStore extends StateOperations {
  readonly mode: "sync";
}

/** A store behind a connection: Redis, a Durable Object. */
export interface AsyncStateStore extends AsyncOperations {
  readonly mode: "async";
}

export type StateStore = SyncStateStore | AsyncStateStore;
