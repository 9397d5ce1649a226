// What an attack fixture is.
import type { JsonObject } from "./mock-json.ts";
import type { MockSwitches } from "./mock-switches.ts";

/** What the agent's side does. */
export interface AttackCall {
  /** Catalog id of the server that is called; default the mock's own. */
  readonly server?: string;
  readonly name: string;
  readonly arguments: JsonObject;
  /** Scopes the caller may use at most; default none given. */
  readonly scopeCap?: readonly string[];
  /** The client's line byte for byte, in place of a tools/call made of the members above. */
  readonly line?: string;
}

/** One attack and its only acceptable end. */
export interface AttackFixture {
  /** The case, `A1` to `D12`; a class name where the list of cases has no id for it. */
  readonly id: string;
  /** A sentence about the adversary. */
  readonly title: string;
  /** The four classes of the catalog guard; other cases have none. */
  readonly attackClass?:
    | "unknown-server smuggle"
    | "fingerprint drift"
    | "tool smuggle"
    | "scope escalation";
  readonly switches: MockSwitches;
  readonly call: AttackCall;
  /** Reason of the decision on the call; unless `allowed`, the server must see no call at all. */
  readonly expectedReason: AttackReason;
  /** Texts that must not reach the client, whatever becomes of the call. */
  readonly forbidden: readonly string[];
}

/** The reasons attacks end with, a subset of 30-kernel section 4. */
export type AttackReason =
  | "allowed"
  | "unknown_server"
  | "tool_smuggle"
  | "fingerprint_drift"
  | "scope_escalation"
  | "server_not_admitted"
  | "feature_denied"
  | "malformed_message";

/** A row of the tables; without `forbidden`, no text is forbidden. */
export type AttackRow = Omit<AttackFixture, "forbidden"> & {
  readonly forbidden?: readonly string[];
};
