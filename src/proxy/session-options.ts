// What a guarded connection is made from.
import type { AuditSink } from "../audit/event.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { Clock } from "../clock.ts";
import type { GrantAccess } from "../guard/grant-access.ts";
import type { RequestIdentity } from "../guard/identity.ts";
import type { PolicyRule } from "../guard/policy-rule.ts";
import type { ProtectedPaths } from "../guard/protected-paths.ts";
import type { Drift } from "../store/records.ts";
import type { StateStore } from "../store/types.ts";
import type { RecordSink } from "./records.ts";
import type { SessionTasks } from "./tasks.ts";
import type { Timer } from "./timer.ts";

/** How a guard decides and records, whatever carries its messages. */
export interface GuardSettings {
  /** Paths that no argument may name. */
  readonly protectedPaths?: ProtectedPaths | undefined;
  /** Where decisions are logged; when it cannot write, what changes state is refused. */
  readonly audit?: AuditSink | undefined;
  /** `best-effort`: reads pass without a record. Default `required`. */
  readonly auditMode?: "required" | "best-effort" | undefined;
  /** Told of each newer catalog before anything is decided under it. */
  readonly onTakeOver?: ((catalog: TrustedCatalog) => void) | undefined;
  /** Names of the scopes that may be used at most. Default: no cap. */
  readonly scopeCap?: readonly string[] | undefined;
  /** How a refused tools/call is answered. Default `error`. */
  readonly denyAs?: "error" | "result" | undefined;
  /** ms since the epoch. Default: the wall clock. */
  readonly clock?: Clock | undefined;
}

export interface GuardSessionOptions extends GuardSettings {
  readonly catalog: TrustedCatalog;
  readonly serverId: string;
  /** Who calls, in the place of `principal` and `sessionId`. */
  readonly identity?: RequestIdentity | undefined;
  /** Default `local`. */
  readonly principal?: string | undefined;
  /** What labels and approvals belong to. Default: this connection alone. */
  readonly sessionId?: string | undefined;
  /**
   * Leases, approvals, labels and drift. Default: in memory, for this connection alone, so that
   * nobody can be asked but in the client. One that answers later needs `GuardSession.open`.
   */
  readonly store?: StateStore | undefined;
  /** Others use the store, too: a question in it may be answered. Default: where one is given. */
  readonly isStoreShared?: boolean | undefined;
  /** Custom rules of the host; they can only tighten. */
  readonly rules?: readonly PolicyRule[] | undefined;
  /** At least 32 secret bytes for questions to modern clients. Default: fresh ones. */
  readonly consentKey?: Uint8Array | undefined;
  /**
   * Told when a newer catalog that waited for a store could not take over. Default: that is recorded,
   * and the running one stays.
   */
  readonly onKept?: ((fault: unknown) => void) | undefined;
  /**
   * Asked when something begins to wait for a store; what it gives runs what goes on behind the
   * answer. Default: it runs as it is, and a fault is the runtime's.
   */
  readonly laterTurn?: (() => (run: () => void) => void) | undefined;
  /** ms of a clock that never goes back. */
  readonly monotonic?: Clock | undefined;
  readonly timer?: Timer | undefined;
  readonly uuid?: (() => string) | undefined;
  /** Bytes of the largest message. Default 10 MiB. */
  readonly messageSizeMax?: number | undefined;
  readonly onRecord?: RecordSink | undefined;
  /** What this connection has in common with others of the same identity. Default: nothing. */
  readonly common?: CommonState | undefined;
  /**
   * Takes one whole line with its line feed; it may be a view of a line that came in.
   *
   * @param callKey of a question of the guard: id key of the client's call that waits for it
   */
  readonly toClient: (frame: Uint8Array, callKey?: string) => void;
  readonly toServer: (frame: Uint8Array) => void;
}

/** State of several connections that are one session of one principal at one server. */
export interface CommonState {
  /**
   * To the store, with the labels that it could not take; `undefined` for one that answers later, whose
   * decider all of this process share anyway.
   */
  readonly access: GrantAccess | undefined;
  /** Others use the store as well: a question in it may be answered. */
  readonly isStoreShared: boolean;
  readonly tasks: SessionTasks;
  /** How many catalogs the others have seen replaced. */
  readonly epoch: number;
}

/** What a connection begins with of its server's drift. */
export type SeenDrift = readonly Drift[] | "unreadable";
