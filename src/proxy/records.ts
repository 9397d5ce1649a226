// What a guard says about everything it decided, dropped or changed; the audit log takes it in.
import type { Layer, Outcome } from "../verdict.ts";

export type RecordKind =
  /** A request was decided, allowed ones included. */
  | "decision"
  /** A message went nowhere. */
  | "drop"
  /** A response was replaced by an error. */
  | "replace"
  /** Parts of a message were left out. */
  | "cut"
  /** A person was asked, or has answered, or nobody did. */
  | "consent"
  /** A text of the server has put a label on the session. */
  | "taint"
  /** The guard's own listing ended. */
  | "listing"
  /** Another catalog is in force, or one was refused and the running one kept. */
  | "reload";

/** One event; never holds arguments, results or secrets. */
export interface GuardRecord {
  readonly kind: RecordKind;
  /** Who sent what was decided; `guard` for its own listings and for catalogs. */
  readonly sender: "client" | "server" | "guard";
  /** Catalog id. */
  readonly server: string;
  readonly reason: string;
  /** The verdict number of `reason`. */
  readonly code: number;
  readonly outcome: Outcome;
  /** The part of the decision that `reason` comes from. */
  readonly layer: Layer;
  readonly method?: string;
  /** Tool, prompt or URI, as sent. */
  readonly tool?: string;
  /** The message's id as JSON text. */
  readonly id?: string;
  /** The one in the answer to a refused request. */
  readonly traceId?: string;
  /** One line: what was wrong, or what was cut. */
  readonly detail?: string;
  /** Labels of the session afterwards, where every layer was asked. */
  readonly taint?: readonly string[];
  /** Ids of the rules that matched. */
  readonly rules?: readonly string[];
  /** Id of the lease of which an invocation was used. */
  readonly lease?: string;
  /** Id of the approval that the decision rests on. */
  readonly consent?: string;
}

export type RecordSink = (record: GuardRecord) => void;
