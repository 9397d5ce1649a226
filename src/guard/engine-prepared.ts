// One call on its way through the engine.
import type { ScopeWords } from "../kernel/decide.ts";
import { digestOfArguments, type JudgedArguments } from "./call-arguments.ts";
import type { CallerFacts } from "./caller-facts.ts";
import type { ConsentRecord } from "./consent-record.ts";
import type { EngineCall } from "./engine-types.ts";
import type { Grants } from "./grants.ts";
import type { ImageItem } from "./image-items.ts";
import type { ItemFacts } from "./item-facts.ts";
import type { StoredLease } from "./lease.ts";
import type { LiveDefinition } from "./live-items.ts";

/** What of a call stays the same however often it is decided. */
export interface Prepared {
  readonly call: EngineCall;
  readonly target: ImageItem | undefined;
  readonly live: LiveDefinition | undefined;
  readonly facts: ItemFacts | undefined;
  readonly caller: CallerFacts | undefined;
  readonly judged: JudgedArguments;
  readonly scope: ScopeWords | undefined;
  readonly serverIndex: number;
  readonly nowMs: number;
  readonly audit: number;
  readonly grants: Grants;
  /** `sha256:<hex>`, once somebody needs it; `null` = there is none. */
  argsDigest: string | null | undefined;
}

/** What an earlier attempt at this call has taken already: it is used, and not taken again. */
export interface Taken {
  lease: StoredLease | undefined;
  consent: ConsentRecord | undefined;
  /** Records that somebody else has used up. */
  usedUp: Set<string> | undefined;
}

/** One attempt. */
export interface Tried {
  /** OUTCOME_* */
  outcome: number;
  readonly taint: number;
  readonly lease: StoredLease | undefined;
  consent: ConsentRecord | undefined;
}

/** `sha256:<hex>` of the call's arguments, digested once; `undefined` when there is none. */
export function argsDigestOf(prepared: Prepared): string | undefined {
  prepared.argsDigest ??= digestOfArguments(prepared.judged, prepared.call.args) ?? null;
  return prepared.argsDigest ?? undefined;
}
