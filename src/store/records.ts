// What a store keeps. Data only; `src/store/shapes.ts` says what each member may hold.
// Times are ms since the epoch. Hashes and ids are 64 lower-case hex digits; what a catalog writes
// as `sha256:<hex>` is written so here.
import type { ConsentChannel, ItemKind } from "../catalog/types.ts";

/** A grant for some tools of one server, bounded in time and perhaps in number. */
export interface Lease {
  readonly id: string;
  readonly principalHash: string;
  readonly serverId: string;
  /** Names of tools, at least one. */
  readonly grantedTools: readonly string[];
  readonly createdAtMs: number;
  /** `now >= expiresAtMs` is expired. */
  readonly expiresAtMs: number;
  /** `null` = as many as there are. */
  readonly maxInvocations: number | null;
  /** `null` exactly when `maxInvocations` is. */
  readonly remaining: number | null;
  /** False: it never covers a state-changing tool. */
  readonly stateChanging: boolean;
  /** For calls with these arguments only (`sha256:<hex>`); `null` = any. */
  readonly argsDigest: string | null;
  readonly revoked: boolean;
}

/** What a person approved, and what they were shown (40-gateway section 6). */
export interface Consent {
  readonly id: string;
  readonly principalHash: string;
  readonly serverId: string;
  readonly kind: ItemKind;
  readonly itemName: string;
  /** Item digest of the definition that was shown, `sha256:<hex>`. */
  readonly itemFingerprint: string;
  /** `sha256:<hex>`; `null` = any arguments. */
  readonly argsDigest: string | null;
  readonly sessionHash: string;
  /** SHA-256 of the image whose rules asked. */
  readonly imageDigest: string;
  /** Asking contributors as they were shown: a mask of 32 bits. */
  readonly asking: number;
  /** The session's taint as it was shown: a mask of 32 bits. */
  readonly taint: number;
  /** A valid lease was at hand. */
  readonly hadLease: boolean;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** SHA-256 of the text that was shown. */
  readonly textHash: string;
  readonly channel: ConsentChannel;
  /** Good for one call. */
  readonly singleUse: boolean;
}

/** A question that waits for a person at another terminal or at the local page. */
export interface Question {
  readonly id: string;
  readonly principalHash: string;
  readonly serverId: string;
  readonly sessionHash: string;
  readonly kind: ItemKind;
  readonly itemName: string;
  /** Everything that the person is to see, secrets masked. */
  readonly text: string;
  /** Where it may be answered, at least one. */
  readonly channels: readonly ConsentChannel[];
  readonly createdAtMs: number;
  /** An answer at this time or later is no answer. */
  readonly expiresAtMs: number;
}

/** What a person may answer. */
export type Answer =
  | { readonly choice: "deny" | "once" | "session" }
  | {
      readonly choice: "lease";
      readonly maxInvocations: number;
      /** How long the lease lives, in ms. */
      readonly ttlMs: number;
    };

/** The one answer that counted. */
export interface GivenAnswer {
  readonly answer: Answer;
  readonly channel: ConsentChannel;
  readonly answeredAtMs: number;
}

/** A session that has labels, a parent or children. */
export interface SessionTaint {
  readonly sessionHash: string;
  /** Its own labels: a mask of 32 bits. */
  readonly own: number;
  /** Its own labels and those of every session above it. */
  readonly taint: number;
  readonly parent: string | null;
}

/** An item, or a server's instructions, that drifted under one catalog. */
export interface Drift {
  readonly serverId: string;
  readonly kind: ItemKind | "instructions";
  /** Empty for instructions. */
  readonly name: string;
  /** SHA-256 of the catalog's payload. */
  readonly catalogSha256: string;
}

/** An audit log that a process has begun. */
export interface AuditLog {
  readonly origin: string;
  /** Absolute path of its file. */
  readonly path: string;
  readonly createdAtMs: number;
  /** What may be published about it, e.g. the verifier key of its checkpoints. */
  readonly public?: string;
}

/** A registered log; `closedAtMs` is `null` until its clean end. */
export interface RegisteredLog extends AuditLog {
  readonly closedAtMs: number | null;
}
