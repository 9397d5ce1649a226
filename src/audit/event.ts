// What a guard tells its audit log, and what an audit log is to a guard.
import type { ItemKind } from "../catalog/types.ts";
import type { Layer, Outcome } from "../verdict.ts";

/** What happened. `open` and `close` are the log's own. */
export type AuditKind = "list" | "call" | "result" | "consent" | "lease" | "reload";

/** Which protocol era the session speaks; `none` before and outside of a session. */
export type AuditEra = "legacy" | "modern" | "none";

/** One live definition, or a server's instructions, as it was seen. */
export interface AuditItem {
  readonly kind: ItemKind | "instructions";
  /** Empty for instructions, and for an item whose name cannot be read. */
  readonly name: string;
  /** `sha256:<hex>`; `undefined` when it cannot be fingerprinted. */
  readonly digest: string | undefined;
}

/**
 * One event. Everything is copied before `append` returns; the bytes must not lie in the memory of
 * the shared reading kernel (`readerKernel`), which hashes them.
 */
export interface AuditEvent {
  readonly kind: AuditKind;
  /** ms since the epoch, of the injected clock. */
  readonly timeMs: number;
  /** 64 lower-case hex digits. */
  readonly sessionHash: string;
  readonly principalHash: string;
  /** The catalog's id of the server. */
  readonly server: string;
  /** Tool, prompt or URI, as it was asked for. */
  readonly tool?: string | undefined;
  readonly era: AuditEra;
  /** Raw bytes of `params.arguments`: hashed under the log's salt, never stored. */
  readonly args?: Uint8Array | undefined;
  /** The kernel's frames of this decision (src/abi/frame.ts). */
  readonly input?: Uint8Array | undefined;
  readonly output?: Uint8Array | undefined;
  readonly decision: Outcome;
  readonly reason: string;
  /** The verdict number of `reason`. */
  readonly code: number;
  readonly layer: Layer;
  /** Ids of the rules that matched. */
  readonly rules?: readonly string[] | undefined;
  readonly leaseId?: string | undefined;
  readonly consentId?: string | undefined;
  /** Labels of the session: a mask. */
  readonly taint: number;
  /** W3C traceparent, when the caller gave one. */
  readonly trace?: string | undefined;
  /** Of a `list`: every live item. */
  readonly items?: readonly AuditItem[] | undefined;
}

/** Where a guard's events go. */
export interface AuditSink {
  /**
   * False when the last record could not be kept: state-changing calls are then refused. Go on
   * appending (the refusals, for one): that is how a log that failed comes back.
   */
  readonly isAvailable: boolean;
  /**
   * Keeps one event; synchronous, never throws.
   *
   * @returns false = not written
   */
  append(event: AuditEvent): boolean;
  /** Signs everything so far, and keeps it. */
  flush(): void | Promise<void>;
  /** A clean end; nothing is accepted afterwards. */
  close(): void | Promise<void>;
}
